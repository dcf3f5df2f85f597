"""GoogLeNet: published counts, torchvision's outputs, and what it sees."""

import pytest
import torch
import torchvision
from images import assert_same_outputs, on_images

from audiocnn.accounting import account
from audiocnn.describe import count_parameters
from audiocnn.errors import ParameterError
from audiocnn.layers import Windows
from audiocnn.models import MODELS
from audiocnn.models.googlenet import googlenet

PUBLISHED = {"googlenet": 6_998_552, "googlenet_bn": 6_624_904}
FIELDS = {"googlenet": 715, "googlenet_bn": 379}


def narrow(name, **arguments):
    return MODELS[name](num_classes=2, width=1 / 8, **arguments).eval()


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED.items())
def test_published_parameter_counts(name, parameters):
    assert count_parameters(on_images(name, 224, 224)) == parameters


def test_the_maps_are_those_of_the_paper():
    layers = account(on_images("googlenet", 224, 224), (3, 224, 224)).layers
    maps = {layer.name.removeprefix("body."): layer.output for layer in layers}
    assert maps["pool1"] == (64, 56, 56)
    assert maps["pool2"] == (192, 28, 28)
    assert maps["pool3"] == (480, 14, 14)
    assert maps["pool4"] == (832, 7, 7)
    assert maps["flatten"] == (1024, 7)


# 47 and 63 leave odd and even maps to the pools, whose last blocks hang over the ends
@pytest.mark.parametrize(("rows", "columns"), [(64, 96), (47, 63)])
def test_outputs_are_those_of_torchvision(rows, columns):
    reference = torchvision.models.googlenet(aux_logits=False, init_weights=False).eval()
    for norm in reference.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(norm.running_mean, std=0.1)
            torch.nn.init.uniform_(norm.running_var, 1e-3, 2e-3)  # where an eps of 1e-3 matters
            torch.nn.init.uniform_(norm.weight, 0.02, 0.06)
    assert_same_outputs("googlenet_bn", reference, rows, columns)


@pytest.mark.parametrize(("name", "frames"), FIELDS.items())
def test_receptive_fields(name, frames):
    for padding in ("same", "valid"):
        net = narrow(name, padding=padding)
        assert net.body.time_axis.sees.span == frames
        assert net.rows == 64
        assert net.window == (96 if padding == "same" else frames + 32)


def test_local_norms_stand_behind_the_first_pool_and_before_the_second():
    assert list(narrow("googlenet").body._modules)[:10] == [
        "conv1", "conv1_relu", "pool1", "local_norm1", "conv2", "conv2_relu", "conv3", "conv3_relu",
        "local_norm2", "pool2",
    ]  # fmt: skip


def test_each_form_has_its_own_norms_and_dropout():
    kinds = {
        name: {type(layer).__name__ for layer in narrow(name).modules()}
        & {"BatchNorm2d", "LocalResponseNorm"}
        for name in PUBLISHED
    }
    assert kinds == {"googlenet": {"LocalResponseNorm"}, "googlenet_bn": {"BatchNorm2d"}}
    assert [narrow(name).head.p for name in PUBLISHED] == [0.4, 0.2]


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("size", [(64, 200), (47, 50), (90, 131)])
def test_the_positions_are_what_the_body_leaves(name, size):
    net = narrow(name, padding="same", input_size=size)
    left = net.body(torch.zeros(1, 1, *size)).shape[-1]
    assert net.pool.window == left
    assert net(torch.zeros(1, 1, *size)).shape == (1, 2, 1)


@pytest.mark.parametrize(
    ("name", "input_size", "message"),
    [
        ("googlenet", (40, 96), "rows=40 is too small for the pools of GoogLeNet; give 47 or more"),
        ("googlenet_bn", (30, 96), "rows=30 is too small for the pools of GoogLeNet; give 31 or more"),
        ("googlenet", (64, 46), "window=46 is too small for the pools of GoogLeNet; give 47 or more"),
    ],
)
def test_too_few_rows_or_frames(name, input_size, message):
    with pytest.raises(ParameterError) as error:
        narrow(name, padding="same", input_size=input_size)
    assert str(error.value) == message


def test_a_net_whose_blocks_hang_over_is_scanned_by_windows():
    net = narrow("googlenet", padding="same")
    x = torch.randn(1, 1, 64, 120)
    with torch.inference_mode():
        track = Windows(net, window=96, stride=10)(x)
        alone = torch.cat([net(x[..., start : start + 96]) for start in (0, 10, 20)], dim=-1)
    torch.testing.assert_close(track, alone)


def test_a_fresh_net_without_norms_tells_one_input_from_another():
    """Its weights would otherwise begin so small that they fade to nothing in 20 layers."""
    net = narrow("googlenet", padding="same")
    with torch.inference_mode():
        logits = net(torch.randn(8, 1, 64, 96))
    assert logits.std(dim=0).min() > 0.003
    weights = net.body.inception4c.branches[1].conv.conv.weight  # of 16 * 9 inputs
    assert weights.var().item() == pytest.approx(2 / (16 * 9), rel=0.1)
    assert net.logits.weight.abs().max() <= 128**-0.5  # as torch draws it


def test_an_unknown_form():
    with pytest.raises(ParameterError) as error:
        googlenet(num_classes=2, form="caffe")
    assert str(error.value) == "form='caffe' must be 'paper' or 'torchvision'"
