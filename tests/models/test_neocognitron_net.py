"""The neocognitron as a net: what it counts and sees, and that it learns bars without labels."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from audiocnn.accounting import account
from audiocnn.describe import count_parameters
from audiocnn.errors import ParameterError
from audiocnn.geometry import Geometry
from audiocnn.layers import SLayer, constrain, learn_layer_by_layer
from audiocnn.models import create
from audiocnn.models.neocognitron import COMPETITIONS, neocognitron

# bars in four directions, on 20 by 20 pixels
BARS = torch.zeros(4, 1, 9, 9)
BARS[0, 0, 4], BARS[1, 0, :, 4], BARS[2, 0], BARS[3, 0] = 1.0, 1.0, torch.eye(9), torch.eye(9).flip(0)
BARS = F.pad(BARS, (5, 6, 5, 6))
DIRECTIONS = torch.arange(4)


def taught():
    """A small one that has learnt the bars without labels."""
    net = neocognitron(num_classes=4, input_size=(20, 20), planes=(24, 24))
    return net, learn_layer_by_layer(net.body, BARS, COMPETITIONS)


def read_out(layer, features):
    """Train a linear layer to tell the four bars."""
    optimizer = torch.optim.LBFGS(layer.parameters(), max_iter=200)

    def loss():
        optimizer.zero_grad()
        value = F.cross_entropy(layer(features).flatten(1), DIRECTIONS) + 1e-6 * layer.weight.square().sum()
        value.backward()
        return value

    optimizer.step(loss)


def test_what_it_counts():
    net = create("neocognitron", num_classes=10)
    layers = {layer.name: layer for layer in account(net, (1, 28, 28)).layers}
    assert {name: layer.output for name, layer in layers.items()} == {
        "body.positive": (1, 28, 28),
        "body.s1": (24, 26, 26),
        "body.c1": (24, 12, 12),
        "body.s2": (128, 10, 10),
        "body.c2": (128, 4, 4),
        "logits": (10, 1, 1),
    }
    assert count_parameters(net) == 48_506
    assert layers["logits"].parameters == 20_490
    assert sum(layer.macs for layer in layers.values()) == 3_055_368
    assert layers["body.c2"].time.size == layers["body.c2"].rows.size == 16


def test_what_it_counts_for_sound():
    net = neocognitron(num_classes=12, input_size=(40, None))
    assert (count_parameters(net), net.window) == (253_820, 96)
    assert sum(layer.macs for layer in account(net, (1, 40, 96)).layers) == 21_294_868
    assert net.logits.kernel_size == (7, 21)


def test_a_page_is_scanned_along_rows_and_columns():
    net = neocognitron(num_classes=10, planes=(8, 12)).eval()
    learn_layer_by_layer(net.body, torch.rand(6, 1, 28, 28), COMPETITIONS)
    assert net.geometry == net.geometry_rows == Geometry(span=28, stride=4)
    page = torch.rand(1, 1, 44, 52)
    with torch.inference_mode():
        assert net.body(page).count_nonzero() > 100
        track = net(page)
        assert track.shape == (1, 10, 5, 7)
        for row in range(5):
            for column in range(7):
                window = page[:, :, 4 * row : 4 * row + 28, 4 * column : 4 * column + 28]
                error = (net(window)[:, :, 0, 0] - track[:, :, row, column]).abs().max()
                assert error <= 1e-5 * track.abs().max()


def test_same_pads_the_s_layers_along_columns_alone():
    net = neocognitron(num_classes=10, planes=(4, 6), padding="same")
    assert net.geometry is None and net.geometry_rows == Geometry(span=28, stride=4)
    assert net.body(torch.zeros(1, 1, 28, 28)).shape == (1, 6, 4, 5)
    assert net(torch.zeros(1, 1, 28, 28)).shape == (1, 10, 1, 1)


def test_planes_come_to_answer_to_different_bars():
    net, wins = taught()
    with torch.inference_mode():
        for depth, won in ((2, wins[0]), (4, wins[1])):
            answers = net.body[:depth](BARS)  # (bars, planes, rows, columns)
            favourites = answers.sum(dim=(2, 3)).argmax(dim=1)
            assert favourites.unique().numel() == 4
            assert (won[favourites] > 0).all()
            for bar, plane in enumerate(favourites):  # each answers much less, or not, to another bar
                strength = answers[:, plane].sum(dim=(1, 2))
                assert (strength.argsort(descending=True)[0] == bar) and strength.median() < strength[bar] / 2


def test_a_read_out_tells_the_bars_wherever_they_are():
    net, _ = taught()
    net.body.requires_grad_(False)
    assert [name for name, p in net.named_parameters() if p.requires_grad] == [
        "logits.weight",
        "logits.bias",
    ]
    pixels = nn.Conv2d(1, 4, 20)
    read_out(net.logits, net.body(BARS))
    read_out(pixels, BARS)

    def scores(model, rows, columns):
        """Of the right direction, with the bars moved."""
        with torch.inference_mode():
            moved = model(BARS.roll((rows, columns), dims=(2, 3))).flatten(1)
        return moved.softmax(dim=1)[DIRECTIONS, DIRECTIONS]

    assert scores(net, 0, 0).min() > 0.98 and scores(pixels, 0, 0).min() > 0.98
    shifts = [(rows, columns) for rows in range(-2, 3) for columns in range(-2, 3)]
    ours, theirs = (torch.stack([scores(model, *shift) for shift in shifts]) for model in (net, pixels))
    assert ours.min() > 0.85 and ours.mean() > 0.95
    assert theirs.mean() < 0.4  # which have seen those places empty


def test_labels_can_go_on_teaching_all_layers():
    net = neocognitron(num_classes=4, input_size=(20, 20), planes=(4, 6))
    learn_layer_by_layer(net.body, BARS, COMPETITIONS)
    optimizer, before = torch.optim.Adam(net.parameters(), lr=0.05), net.body.s1.a.detach().clone()
    for _ in range(40):
        loss = F.cross_entropy(net(BARS).flatten(1), DIRECTIONS)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        constrain(net)
    assert (net(BARS).flatten(1).argmax(dim=1) == DIRECTIONS).all()
    assert not torch.equal(net.body.s1.a, before)
    assert all((layer.a >= 0).all() for layer in net.modules() if isinstance(layer, SLayer))


def test_negative_input_counts_as_none():
    net, _ = taught()
    with torch.inference_mode():
        assert torch.equal(net(BARS - 0.5 * (BARS == 0)), net(BARS))
    learn_layer_by_layer(net.body, BARS - 0.5, COMPETITIONS)


def test_the_layers_work_at_a_lower_selectivity_than_they_learn_at():
    net = neocognitron(num_classes=10)
    layers = [layer for layer in net.body if isinstance(layer, SLayer)]
    assert len(layers) == len(COMPETITIONS)
    for layer, rule in zip(layers, COMPETITIONS, strict=True):
        assert layer.selectivity < rule.selectivity


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"input_size": (15, 28)},
            "rows=15 do not hold the 16 that the net needs; give input_size=(16, 28) or more",
        ),
        (
            {"input_size": (28, 15)},
            (
                "window=15 columns do not hold the 16 that the net sees; give input_size=(28, 16) or more, "
                "or padding='same'"
            ),
        ),
        (
            {"input_size": (28, 9), "padding": "same"},
            "window=9 columns do not hold the 10 that the net needs; give input_size=(28, 10) or more",
        ),
        ({"planes": (24, 0)}, "planes=0 must be a positive integer"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(ParameterError) as error:
        neocognitron(num_classes=10, **options)
    assert str(error.value) == message
