"""Network in Network: its count, the same net in torch's layers, and its maps of class scores."""

import pytest
import torch
from images import assert_agrees, in_order
from torch import nn

from audiocnn.accounting import account
from audiocnn.describe import count_parameters
from audiocnn.errors import ParameterError
from audiocnn.models import create
from audiocnn.models.network_in_network import network_in_network


def test_parameters_are_those_of_the_authors_code():
    pairs = [(3, 192, 25), (192, 160, 1), (160, 96, 1), (96, 192, 25), (192, 192, 1), (192, 192, 1)]
    pairs += [(192, 192, 9), (192, 192, 1), (192, 10, 1)]
    by_hand = sum(before * after * kernel + after for before, after, kernel in pairs)
    with torch.device("meta"):
        net = create("network_in_network", num_classes=10)
    assert (net.rows, net.window) == (32, 32)
    assert count_parameters(net) == 966_986 == by_hand


@pytest.mark.parametrize(("pixels", "halves"), [(32, (16, 8)), (28, (14, 7))])
def test_pools_halve_the_map(pixels, halves):
    net = network_in_network(num_classes=10, input_size=(pixels, pixels), width=1 / 16)
    layers = account(net, (3, pixels, pixels)).layers
    maps = {layer.name.removeprefix("body."): layer.output for layer in layers}
    first, second = halves
    assert maps["conv1_1"] == (12, pixels, pixels)
    assert maps["pool1"] == (6, first, first)
    assert maps["pool2"] == (12, second, second)
    assert maps["logits"] == (10, second, second)
    assert maps["tail.mean"] == (10, 1, 1)


def in_torch():
    """The narrow net, with pools that hang over the end."""

    def block(before, kernel_size, *channels):
        layers = []
        for after in channels:
            layers += [nn.Conv2d(before, after, kernel_size, padding=kernel_size // 2), nn.ReLU()]
            before, kernel_size = after, 1
        return layers

    pool = nn.MaxPool2d(3, 2, ceil_mode=True)
    return nn.Sequential(
        *block(3, 5, 24, 20, 12),
        pool,
        *block(12, 5, 24, 24, 24),
        pool,
        *block(24, 3, 24, 24, 5),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


@pytest.mark.parametrize("size", [(32, 32), (28, 33), (31, 46)])
def test_outputs_are_those_of_torch_with_pools_that_hang_over(size):
    ours, reference = network_in_network(num_classes=5, input_size=size, width=1 / 8).eval(), in_torch()
    assert_agrees(ours, reference, in_order(ours, reference))


def test_dropout_follows_all_pools():
    net = network_in_network(num_classes=2, width=1 / 16)
    names = list(net.body._modules)
    for i in (1, 2):
        assert names[names.index(f"pool{i}") + 1] == f"dropout{i}"
    assert [layer.p for layer in net.modules() if isinstance(layer, nn.Dropout)] == [0.5, 0.5]


def test_a_logit_is_the_mean_of_a_map_of_scores_of_which_none_is_negative():
    net = network_in_network(num_classes=4, width=1 / 8).eval()
    nn.init.zeros_(net.logits.bias)
    picture = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        scores = net.logits(net.body(picture))
        logits = net(picture)
    assert scores.shape == (2, 4, 8, 8)
    assert scores.min() < 0
    torch.testing.assert_close(logits[..., 0, 0], scores.clamp(min=0).mean(dim=(-2, -1)))


def test_no_class_of_a_fresh_net_is_shut():
    """With biases of 0, as in other layers, some would score 0 on every picture, and so never learn."""
    torch.manual_seed(0)
    net = network_in_network(num_classes=100, width=1 / 2).eval()
    pictures = torch.randn(4, 3, 32, 32)
    with torch.inference_mode():
        assert net(pictures).min() > 0
        nn.init.zeros_(net.logits.bias)
        assert (net(pictures) == 0).all(dim=0).any()


def test_what_it_sees():
    for padding, window in (("same", 96), ("valid", 95)):
        net = network_in_network(num_classes=2, padding=padding, width=1 / 16, input_size=(40, None))
        assert net.body.time_axis.sees.span == net.body.row_axis.sees.span == 27
        assert (net.rows, net.window) == (40, window)


@pytest.mark.parametrize(
    ("padding", "input_size", "message"),
    [
        (
            "same",
            (3, 32),
            "rows=3 do not hold the 4 that the net needs; give input_size=(4, 32) or more",
        ),
        (
            "valid",
            (28, 26),
            (
                "window=26 columns do not hold the 27 that the net sees; give input_size=(28, 27) or more, "
                "or padding='same'"
            ),
        ),
    ],
)
def test_too_few_rows_or_columns(padding, input_size, message):
    with pytest.raises(ParameterError) as error:
        network_in_network(num_classes=2, padding=padding, input_size=input_size, width=1 / 16)
    assert str(error.value) == message


@pytest.mark.parametrize(("padding", "least"), [("same", (4, 4)), ("valid", (4, 27))])
def test_the_least_input_leaves_one_position(padding, least):
    net = network_in_network(num_classes=2, padding=padding, input_size=least, width=1 / 16)
    assert net.body(torch.zeros(1, 3, *least)).shape == (1, 12, 1, 1)
