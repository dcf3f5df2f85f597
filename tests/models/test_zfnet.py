"""ZFNet: its count layer by layer, the maps of the paper, and the same net in torch's layers."""

import pytest
import torch
from images import assert_agrees, in_order, on_images
from torch import nn

from audiocnn.accounting import account
from audiocnn.describe import count_parameters
from audiocnn.errors import ParameterError
from audiocnn.models import MODELS, create
from audiocnn.models.zfnet import zfnet

# pytorchcv's `zfnet` and `zfnetb`; the paper counts none
COUNTED = {"zfnet": 62_357_608, "zfnet_512": 107_627_624}
MIDDLE = {"zfnet": (384, 384, 256), "zfnet_512": (512, 1024, 512)}


@pytest.mark.parametrize(("name", "parameters"), COUNTED.items())
def test_parameters(name, parameters):
    c3, c4, c5 = MIDDLE[name]
    by_hand = (
        (3 * 49 * 96 + 96)
        + (96 * 25 * 256 + 256)
        + (256 * 9 * c3 + c3)
        + (c3 * 9 * c4 + c4)
        + (c4 * 9 * c5 + c5)
        + (c5 * 36 * 4096 + 4096)
        + (4096 * 4096 + 4096)
        + (4096 * 1000 + 1000)
    )
    net = on_images(name, 224, 224)
    assert count_parameters(net) == parameters == by_hand
    with torch.device("meta"):
        assert create(name, num_classes=1000).config == net.config  # which is the default


def test_the_maps_are_those_of_the_paper():
    layers = account(on_images("zfnet", 224, 224), (3, 224, 224)).layers
    maps = {layer.name.removeprefix("body."): layer.output for layer in layers}
    assert [maps[f"conv{i}"] for i in range(1, 6)] == [
        (96, 110, 110),
        (256, 26, 26),
        (384, 13, 13),
        (384, 13, 13),
        (256, 13, 13),
    ]
    assert [maps[name] for name in ("pool1", "local_norm1", "pool2", "local_norm2", "pool5")] == [
        (96, 55, 55),
        (96, 55, 55),
        (256, 13, 13),
        (256, 13, 13),
        (256, 6, 6),
    ]
    assert maps["pool"] == maps["head.dense7"] == (4096, 1, 1)


def in_torch(rows, columns):
    """The narrow net, with pools that hang over the end; torch divides a norm's alpha by its size."""
    channels = (6, 16, 24, 24, 16)
    pool, norm = nn.MaxPool2d(3, 2, ceil_mode=True), nn.LocalResponseNorm(5, alpha=5e-4, k=2.0)
    layers = [nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(3, 6, 7, stride=2), nn.ReLU(), pool, norm]
    layers += [nn.Conv2d(6, 16, 5, stride=2), nn.ReLU(), pool, norm]
    for before, after in zip(channels[1:], channels[2:], strict=False):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
    body = nn.Sequential(*layers, nn.MaxPool2d(3, 2), nn.Flatten())
    flat = body(torch.zeros(1, 3, rows, columns)).shape[1]
    return nn.Sequential(
        body, nn.Linear(flat, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 5)
    )


# odd and even maps before each of the pools
@pytest.mark.parametrize("size", [(224, 224), (101, 118), (97, 131)])
def test_outputs_are_those_of_torch_with_pools_that_hang_over(size):
    ours, reference = zfnet(num_classes=5, input_size=size, width=1 / 16).eval(), in_torch(*size)
    assert_agrees(ours, reference, in_order(ours, reference))


def test_dropout_follows_the_dense_layers():
    net = zfnet(num_classes=2, width=1 / 16)
    assert list(net.head._modules) == ["relu6", "dropout6", "dense7", "relu7", "dropout7"]


def test_what_it_sees():
    for padding, window in (("same", 96), ("valid", 203)):
        net = zfnet(num_classes=2, padding=padding, width=1 / 16, input_size=(80, None))
        assert net.body.time_axis.sees.span == net.body.row_axis.sees.span == 171
        assert (net.rows, net.window) == (80, window)
        assert net.pool.kernel_size == (1, 2)


@pytest.mark.parametrize(
    ("padding", "input_size", "message"),
    [
        (
            "same",
            (63, 224),
            "rows=63 do not hold the 64 that the net needs; give input_size=(64, 224) or more",
        ),
        (
            "same",
            (80, 63),
            "window=63 columns do not hold the 64 that the net needs; give input_size=(80, 64) or more",
        ),
        (
            "valid",
            (80, 96),
            (
                "window=96 columns do not hold the 171 that the net sees; give input_size=(80, 171) or more, "
                "or padding='same'"
            ),
        ),
    ],
)
def test_too_few_rows_or_columns(padding, input_size, message):
    with pytest.raises(ParameterError) as error:
        zfnet(num_classes=2, padding=padding, input_size=input_size, width=1 / 16)
    assert str(error.value) == message


@pytest.mark.parametrize(("padding", "least"), [("same", (64, 64)), ("valid", (64, 171))])
def test_the_least_input_leaves_one_position(padding, least):
    net = MODELS["zfnet_512"](num_classes=2, padding=padding, input_size=least, width=1 / 16)
    assert net.body(torch.zeros(1, 3, *least)).shape == (1, 32, 1, 1)
