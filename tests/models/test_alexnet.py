"""AlexNet: published counts, the map of 227 x 227 pixels, and too small inputs."""

import pytest
import torch
from images import on_images

from audiocnn.accounting import account
from audiocnn.describe import count_parameters
from audiocnn.errors import ParameterError
from audiocnn.models import MODELS
from audiocnn.models.alexnet import alexnet

PUBLISHED = {"alexnet": 60_965_224, "alexnet_ungrouped": 62_378_344}


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED.items())
def test_published_parameter_counts(name, parameters):
    assert count_parameters(on_images(name, 227, 227)) == parameters


def test_the_maps_are_those_of_the_paper():
    layers = account(on_images("alexnet", 227, 227), (3, 227, 227)).layers
    maps = {layer.name.removeprefix("body."): layer.output for layer in layers}
    assert maps["conv1"] == (96, 55, 55)
    assert maps["conv2"] == (256, 27, 27)
    assert maps["conv3"] == maps["conv4"] == (384, 13, 13)
    assert maps["conv5"] == (256, 13, 13)
    assert maps["pool5"] == (256, 6, 6)
    assert maps["pool"] == (4096, 1)


def test_local_norms_stand_after_the_first_two_relus():
    order = list(MODELS["alexnet"](num_classes=2, width=1 / 16).body._modules)
    assert order[:8] == [
        "conv1", "relu1", "local_norm1", "pool1", "conv2", "relu2", "local_norm2", "pool2",
    ]  # fmt: skip
    bare = alexnet(num_classes=2, width=1 / 16, local_norm=False)
    assert list(bare.body._modules) == [name for name in order if "norm" not in name]


def test_what_it_sees():
    for padding, window in (("same", 96), ("valid", 227)):
        net = alexnet(num_classes=2, padding=padding, width=1 / 16)
        assert net.body.time_axis.sees.span == 195
        assert (net.rows, net.window) == (80, window)
        assert net.pool.kernel_size == ((1,) if padding == "same" else (2,))


def test_dropout_follows_the_dense_layers():
    net = alexnet(num_classes=2, width=1 / 16)
    assert list(net.head._modules) == ["relu6", "dropout6", "dense7", "relu7", "dropout7"]
    assert {layer.p for layer in net.modules() if isinstance(layer, torch.nn.Dropout)} == {0.5}


def test_weights_begin_as_in_he_et_al():
    net = alexnet(num_classes=2, width=1 / 4)
    for layer, inputs in ((net.body.conv3, 64 * 9), (net.head.dense7, 1024)):
        assert layer.weight.var().item() == pytest.approx(2 / inputs, rel=0.05)
        assert not layer.bias.any()


@pytest.mark.parametrize(
    ("padding", "input_size", "message"),
    [
        (
            "valid",
            (40, None),
            "rows=40 do not hold the 67 that the net needs; give input_size=(67, 227) or more",
        ),
        (
            "same",
            (None, 66),
            "window=66 frames do not hold the 67 that the net needs; give input_size=(80, 67) or more",
        ),
        (
            "valid",
            (None, 98),
            (
                "window=98 frames do not hold the 195 that the net sees; give input_size=(80, 195) or more, "
                "or padding='same'"
            ),
        ),
    ],
)
def test_too_few_rows_or_frames(padding, input_size, message):
    with pytest.raises(ParameterError) as error:
        alexnet(num_classes=2, padding=padding, input_size=input_size, width=1 / 16)
    assert str(error.value) == message


@pytest.mark.parametrize(("padding", "least"), [("same", (67, 67)), ("valid", (67, 195))])
def test_the_least_input_leaves_one_position(padding, least):
    net = alexnet(num_classes=2, padding=padding, input_size=least, width=1 / 16)
    assert net.body(torch.zeros(1, 1, *least)).shape == (1, 16, 1)
