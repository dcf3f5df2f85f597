"""Weights of PANNs in our nets."""

import golden
import pytest
import torch
from torch import nn

from audiocnn.errors import ParameterError
from audiocnn.models import MODELS, create
from audiocnn.models.convert import from_panns


class PlainPANN(nn.Module):
    """CNN6, CNN10 and CNN14 of stock layers, with their authors' names; reads `(batch, 1, time, rows)`."""

    def __init__(self, blocks, pools, kernels, first, num_classes):
        super().__init__()
        self.bn0 = nn.BatchNorm2d(64)
        self.pools, before = pools, 1
        for i in range(blocks):
            after, block = first * 2**i, nn.Module()
            for j, kernel in enumerate(kernels, start=1):
                conv = nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=False)
                block.add_module(f"conv{j}", conv)
                block.add_module(f"bn{j}", nn.BatchNorm2d(after))
                before = after
            self.add_module(f"conv_block{i + 1}", block)
        self.fc1 = nn.Linear(before, before)
        self.fc_audioset = nn.Linear(before, num_classes)

    def forward(self, x):
        """Logits `(batch, num_classes)`."""
        x = self.bn0(x.transpose(1, 3)).transpose(1, 3)
        blocks = [block for name, block in self.named_children() if name.startswith("conv_block")]
        for i, block in enumerate(blocks):
            layers = list(block.children())
            for conv, norm in zip(layers[::2], layers[1::2], strict=True):
                x = norm(conv(x)).relu()
            if i < self.pools:
                x = nn.functional.avg_pool2d(x, 2)
        x = x.mean(dim=3)
        x = x.max(dim=2).values + x.mean(dim=2)
        return self.fc_audioset(self.fc1(x).relu())


def plain(name):
    """It with 4 channels for 64, and random statistics."""
    blocks, pools, kernels = {"cnn6": (4, 4, (5,)), "cnn10": (4, 4, (3, 3)), "cnn14": (6, 5, (3, 3))}[name]
    net = PlainPANN(blocks, pools, kernels, first=4, num_classes=5)
    for norm in net.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.normal_(norm.running_mean, std=0.3)
            nn.init.uniform_(norm.running_var, 0.5, 2.0)
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, std=0.3)
    return net.eval()


def narrow(name, *, padding="same", rows=64):
    """Ours; of 399 frames, like of 199, the last one is not looked at."""
    return MODELS[name](num_classes=5, width=1 / 16, input_size=(rows, 399), padding=padding).eval()


def test_cnn14_computes_what_the_released_code_does():
    """As wide as it is, with what PANNs' front-end keeps in the state dict."""
    reference = golden.read("panns", "cnn14")
    with torch.device("meta"):
        net = create("cnn14", num_classes=10, padding="same", input_size=(64, 70)).eval()
    net.load_state_dict(from_panns(reference.state, net), assign=True)
    with torch.inference_mode():
        golden.assert_same(net(reference.features.mT)[..., 0], reference.output)


@pytest.mark.parametrize("name", ["cnn6", "cnn10", "cnn14"])
def test_every_variant_computes_what_stock_layers_do(name):
    reference, net = plain(name), narrow(name)
    net.load_state_dict(from_panns(reference.state_dict(), net))
    x = torch.randn(2, 1, 64, 399) * torch.linspace(0.1, 3, 64)[:, None]
    with torch.inference_mode():
        golden.assert_same(net(x)[..., 0], reference(x.mT))


@pytest.mark.parametrize("name", ["cnn6", "cnn10", "cnn14"])
def test_a_scan_takes_the_same_weights(name):
    state = plain(name).state_dict()
    net = narrow(name, padding="valid")
    net.load_state_dict(from_panns(state, net))
    assert torch.equal(net.body.block2_conv1.weight, state["conv_block2.conv1.weight"].mT)


@pytest.mark.parametrize(
    ("theirs", "ours", "message"),
    [
        (
            "cnn6",
            "cnn10",
            (
                "state lacks 'conv_block1.bn2.bias', 'conv_block1.bn2.running_mean', "
                "'conv_block1.bn2.running_var' and 17 more; give the state dict of the same variant"
            ),
        ),
        (
            "cnn14",
            "cnn10",
            (
                "state holds 'conv_block5.bn1.bias', 'conv_block5.bn1.running_mean', "
                "'conv_block5.bn1.running_var' and 17 more, which the net has no place for; give the state "
                "dict of the same variant"
            ),
        ),
    ],
)
def test_weights_of_another_variant_are_refused(theirs, ours, message):
    with pytest.raises(ParameterError) as error:
        from_panns(plain(theirs).state_dict(), narrow(ours))
    assert str(error.value) == message


def test_a_net_of_other_rows_is_refused():
    with pytest.raises(ParameterError) as error:
        from_panns(plain("cnn10").state_dict(), narrow("cnn10", rows=40))
    assert str(error.value) == (
        "state['bn0.weight'] of shape (64,) does not fit 'body.row_norm.norm.weight' of shape (40,); build "
        "the net with the same classes, rows and width"
    )


def test_a_net_of_another_family_is_refused():
    with pytest.raises(ParameterError) as error:
        from_panns(plain("cnn10").state_dict(), create("tc_resnet_8", num_classes=5))
    assert str(error.value) == (
        "net is no CNN6, CNN10 or CNN14; give one that create('cnn14', ...) or its like has built"
    )
