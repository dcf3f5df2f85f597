"""GoogLeNet: published counts, torchvision's outputs, its auxiliary heads, and what it sees."""

import pytest
import torch
import torch.nn.functional as F
import torchvision
from images import assert_same_outputs, on_images

from audiocnn.accounting import account
from audiocnn.describe import count_parameters
from audiocnn.errors import ParameterError
from audiocnn.layers import Windows
from audiocnn.models import MODELS, create
from audiocnn.models.convert import from_torchvision
from audiocnn.models.googlenet import googlenet

PUBLISHED = {
    "googlenet": 6_998_552,
    "googlenet_aux": 13_378_280,
    "googlenet_bn": 6_624_904,
    "googlenet_bn_aux": 13_004_888,
}
FIELDS = {"googlenet": 715, "googlenet_bn": 379, "googlenet_bn_small": 95}
PLAIN, WITH_HEADS = ("googlenet", "googlenet_bn"), ("googlenet_aux", "googlenet_bn_aux")


def narrow(name, **arguments):
    return MODELS[name](num_classes=2, width=1 / 8, **{"input_size": (64, 96), **arguments}).eval()


def macs(net):
    channels = net.body.conv1.in_channels
    return sum(layer.macs for layer in account(net, (channels, net.rows, net.window)).layers)


def torchvisions(*, heads):
    reference = torchvision.models.googlenet(aux_logits=heads, init_weights=False).eval()
    for norm in reference.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(norm.running_mean, std=0.1)
            torch.nn.init.uniform_(norm.running_var, 1e-3, 2e-3)  # where an eps of 1e-3 matters
            torch.nn.init.uniform_(norm.weight, 0.02, 0.06)
    return reference


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED.items())
def test_published_parameter_counts(name, parameters):
    assert count_parameters(on_images(name, 224, 224)) == parameters


def test_macs_are_those_that_the_docstring_states():
    figures = [f"{macs(on_images(name, 224, 224)) / 1e9:.2f}" for name in PUBLISHED]
    with torch.device("meta"):
        small = create("googlenet_bn_small", num_classes=10)
        sound = [create(n, num_classes=12, in_channels=1, input_size=(64, None)) for n in PLAIN]
    assert figures == ["1.58", "1.58", "1.50", "1.50"]
    assert (f"{macs(small) / 1e9:.2f}", count_parameters(small)) == ("0.45", 5_602_474)
    assert [f"{macs(net) / 1e6:.0f}" for net in sound] == ["184", "174"]


def test_the_maps_are_those_of_the_paper():
    layers = account(on_images("googlenet", 224, 224), (3, 224, 224)).layers
    maps = {layer.name.removeprefix("body."): layer.output for layer in layers}
    assert maps["pool1"] == (64, 56, 56)
    assert maps["pool2"] == (192, 28, 28)
    assert maps["pool3"] == (480, 14, 14)
    assert maps["pool4"] == (832, 7, 7)
    assert maps["pool"] == (1024, 1, 1)


# 47 and 63 leave odd and even maps to the pools, whose last blocks hang over the ends
@pytest.mark.parametrize(("rows", "columns"), [(64, 96), (47, 63)])
def test_outputs_are_those_of_torchvision(rows, columns):
    assert_same_outputs("googlenet_bn", torchvisions(heads=False), rows, columns)


@pytest.mark.parametrize(("rows", "columns"), [(64, 96), (97, 63)])
def test_auxiliary_logits_are_those_of_torchvision(rows, columns):
    reference = torchvisions(heads=True)
    ours = on_images("googlenet_bn_aux", rows, columns)
    ours.load_state_dict(from_torchvision(reference.state_dict(), ours), assign=True)
    x = torch.randn(2, 3, rows, columns)
    reference.training = True  # the net alone, which then runs the heads: neither norms nor dropout
    with torch.inference_mode():
        main, second, first = reference(x)
        logits = ours.with_auxiliary(x)
        assert torch.equal(logits[0], ours(x))
    for given, expected in zip(logits, (main, first, second), strict=True):
        expected = expected[..., None, None]
        assert (given - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_auxiliary_logits_of_the_paper():
    """As the paper says it: means of 5x5, stride 3; 128 channels; dense; logits."""
    net = narrow("googlenet_aux", input_size=(224, 224))
    x, state = torch.randn(1, 3, 224, 224), net.state_dict()
    with torch.inference_mode():
        given = net.with_auxiliary(x)[1:]
        expected = []
        for place, layer in net.body.named_children():
            x = layer(x)
            if place in ("inception4a", "inception4d"):
                head = f"body.auxiliary{place[-2:]}.layers"
                y = F.avg_pool2d(x, 5, stride=3)
                assert y.shape[-2:] == (4, 4)
                y = F.conv2d(y, state[f"{head}.conv.weight"], state[f"{head}.conv.bias"]).relu().flatten(1)
                y = F.linear(y, state[f"{head}.dense.weight"].flatten(1), state[f"{head}.dense.bias"]).relu()
                logits = state[f"{head}.logits.weight"].flatten(1)
                expected.append(F.linear(y, logits, state[f"{head}.logits.bias"]))
    assert len(expected) == 2
    for ours, theirs in zip(given, expected, strict=True):
        torch.testing.assert_close(ours[..., 0, 0], theirs)


@pytest.mark.parametrize("name", WITH_HEADS)
def test_the_heads_count_but_do_not_run(name):
    net = on_images(name, 224, 224)
    layers = account(net, (3, 224, 224)).layers
    heads = [layer for layer in layers if layer.kind == "AuxiliaryHead"]
    assert [layer.name for layer in heads] == ["body.auxiliary4a", "body.auxiliary4d"]
    assert [layer.output for layer in heads] == [(512, 14, 14), (528, 14, 14)]
    assert {layer.macs for layer in heads} == {layer.operations for layer in heads} == {0}
    plain = name.removesuffix("_aux")
    assert sum(layer.parameters for layer in heads) == PUBLISHED[name] - PUBLISHED[plain]
    assert macs(net) == macs(on_images(plain, 224, 224))


@pytest.mark.parametrize("name", WITH_HEADS)
def test_logits_do_not_depend_on_the_heads(name):
    net, plain = narrow(name), narrow(name.removesuffix("_aux"))
    plain.load_state_dict({key: net.state_dict()[key] for key in plain.state_dict()})
    for key, parameter in net.named_parameters():
        if "auxiliary" in key:
            torch.nn.init.constant_(parameter, float("nan"))
    x = torch.randn(2, 3, 64, 96)
    with torch.inference_mode():
        assert torch.equal(net(x), plain(x))


@pytest.mark.parametrize("name", WITH_HEADS)
def test_every_parameter_learns_with_the_heads(name):
    net = narrow(name).train()
    losses = [logits.square().sum() for logits in net.with_auxiliary(torch.randn(4, 3, 64, 96))]
    (losses[0] + 0.3 * sum(losses[1:])).backward()
    without = [key for key, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert without == []
    assert [layer.p for layer in net.modules() if isinstance(layer, torch.nn.Dropout)][:2] == [0.7, 0.7]


def test_a_net_without_heads_gives_its_logits_alone():
    net, x = narrow("googlenet"), torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        (logits,) = net.with_auxiliary(x)
        assert torch.equal(logits, net(x))


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("name", WITH_HEADS)
@pytest.mark.parametrize("rows", [48, 112, 150])
def test_a_head_gives_one_decision_on_a_picture(name, padding, rows):
    columns = 100 if padding == "same" else None
    with torch.device("meta"):
        net = narrow(name, padding=padding, input_size=(rows, columns))
        logits = net.with_auxiliary(torch.zeros(2, 3, net.rows, net.window))
    assert [given.shape for given in logits] == [(2, 2, 1, 1)] * 3


@pytest.mark.parametrize(("name", "frames"), FIELDS.items())
def test_receptive_fields(name, frames):
    small = name.endswith("small")
    for padding in ("same", "valid"):
        with torch.device("meta"):
            net = narrow(name, padding=padding, input_size=(64, None))
        assert net.body.time_axis.sees.span == net.body.row_axis.sees.span == frames
        assert net.window == (96 if padding == "same" else frames + (8 if small else 32))


@pytest.mark.parametrize(("name", "side"), [("googlenet", 224), ("googlenet_bn_small", 32)])
def test_default_pictures(name, side):
    with torch.device("meta"):
        net = MODELS[name](num_classes=2)
    assert (net.rows, net.window) == (side, side)


def test_a_small_stem_leaves_a_map_of_a_small_picture():
    net = narrow("googlenet_bn_small", input_size=(32, 32))
    assert list(net.body._modules)[:4] == ["conv1", "conv1_norm", "conv1_relu", "conv2"]
    assert (net.body.conv1.kernel_size, net.body.conv1.stride) == ((3, 3), (1, 1))
    for side in (32, 28):
        assert net.body(torch.zeros(1, 3, side, side)).shape == (1, 128, 4, 4)


def test_local_norms_stand_behind_the_first_pool_and_before_the_second():
    assert list(narrow("googlenet").body._modules)[:10] == [
        "conv1", "conv1_relu", "pool1", "local_norm1", "conv2", "conv2_relu", "conv3", "conv3_relu",
        "local_norm2", "pool2",
    ]  # fmt: skip


def test_each_form_has_its_own_norms_and_dropout():
    kinds = {
        name: {type(layer).__name__ for layer in narrow(name).modules()}
        & {"BatchNorm2d", "LocalResponseNorm", "AdaptiveAvgPool2d"}
        for name in WITH_HEADS
    }
    assert kinds == {
        "googlenet_aux": {"LocalResponseNorm"},
        "googlenet_bn_aux": {"BatchNorm2d", "AdaptiveAvgPool2d"},
    }
    assert [narrow(name).head.p for name in WITH_HEADS] == [0.4, 0.2]


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("size", [(64, 200), (47, 50), (90, 131)])
def test_the_positions_are_what_the_body_leaves(name, size):
    net = narrow(name, input_size=size)
    left = net.body(torch.zeros(1, 3, *size)).shape[-2:]
    assert net.pool.kernel_size == left
    assert net(torch.zeros(1, 3, *size)).shape == (1, 2, 1, 1)


@pytest.mark.parametrize(
    ("name", "input_size", "message"),
    [
        ("googlenet", (40, 96), "rows=40 is too small for the pools of GoogLeNet; give 47 or more"),
        ("googlenet_bn", (30, 96), "rows=30 is too small for the pools of GoogLeNet; give 31 or more"),
        ("googlenet_aux", (64, 46), "window=46 is too small for the pools of GoogLeNet; give 47 or more"),
        ("googlenet_bn_small", (7, 32), "rows=7 is too small for the pools of GoogLeNet; give 8 or more"),
    ],
)
def test_too_few_rows_or_frames(name, input_size, message):
    with pytest.raises(ParameterError) as error:
        narrow(name, input_size=input_size)
    assert str(error.value) == message


@pytest.mark.parametrize("name", ["googlenet_bn", "googlenet_bn_aux"])
def test_a_window_that_does_not_hold_what_a_scan_sees(name):
    with pytest.raises(ParameterError) as error:
        narrow(name, input_size=(64, 40), padding="valid")
    assert str(error.value) == (
        "window=40 columns do not hold the 379 that the net sees; give input_size=(64, 379) or more, or "
        "padding='same'"
    )


def test_a_net_whose_blocks_hang_over_is_scanned_by_windows():
    net = narrow("googlenet", in_channels=1)
    x = torch.randn(1, 1, 64, 120)
    with torch.inference_mode():
        track = Windows(net, window=96, stride=10)(x)
        alone = torch.cat([net(x[..., start : start + 96]) for start in (0, 10, 20)], dim=-1)
    torch.testing.assert_close(track, alone[:, :, 0])


def test_a_fresh_net_without_norms_tells_one_input_from_another():
    """Its weights would otherwise begin so small that they fade to nothing in 20 layers."""
    net = narrow("googlenet_aux", in_channels=1)
    with torch.inference_mode():
        logits = net(torch.randn(8, 1, 64, 96))
    assert logits.std(dim=0).min() > 0.003
    weights = net.body.inception4c.branches[1].conv.conv.weight  # of 16 * 9 inputs
    assert weights.var().item() == pytest.approx(2 / (16 * 9), rel=0.1)
    for layer in (net.logits, net.body.auxiliary4a.layers.logits):
        assert layer.weight.abs().max() <= 128**-0.5  # as torch draws it


def test_an_unknown_form():
    with pytest.raises(ParameterError) as error:
        googlenet(num_classes=2, form="caffe")
    assert str(error.value) == "form='caffe' must be 'paper' or 'torchvision'"
