"""LeNet-5: the paper's counts, connections and codes, its formulas, and the law on both axes."""

import pytest
import torch
import torch.nn.functional as F

from audiocnn.accounting import account
from audiocnn.describe import count_parameters
from audiocnn.errors import ParameterError
from audiocnn.geometry import Geometry
from audiocnn.models import MODELS, create
from audiocnn.models.lenet import CONNECTIONS, class_codes, lenet5, lenet5_1998

# Parameters and connections as printed in section II.B; 340,908 are those of all, with the ten outputs'.
PRINTED = {
    "body.conv1": (156, 122_304),
    "body.pool2": (12, 5_880),
    "body.conv3": (1_516, 151_600),
    "body.pool4": (32, 2_000),
    "pool": (48_120, 48_120),
    "head.dense6": (10_164, 10_164),
    "logits": (0, 840),
}
both = pytest.mark.parametrize("build", [lenet5, lenet5_1998])


def test_published_parameter_counts():
    assert count_parameters(create("lenet5", num_classes=10)) == 61_706
    assert count_parameters(create("lenet5_1998", num_classes=10)) == 60_000


def test_parameters_and_connections_of_every_layer_are_those_printed():
    layers = account(lenet5_1998(num_classes=10), (1, 32, 32)).layers
    counted = {layer.name: (layer.parameters, layer.connections) for layer in layers if layer.connections}
    assert counted == PRINTED
    assert sum(connections for _, connections in counted.values()) == 340_908


@both
def test_the_maps_are_those_of_the_paper(build):
    maps = {layer.name: layer for layer in account(build(num_classes=10), (1, 32, 32)).layers}
    outputs = [maps[name].output for name in PRINTED]
    assert outputs == [
        (6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120, 1, 1), (84, 1, 1), (10, 1, 1),
    ]  # fmt: skip
    assert maps["body.pool4"].time.size == maps["body.pool4"].rows.size == 16
    assert sum(layer.macs for layer in maps.values()) == 416_520


@pytest.mark.parametrize(
    ("build", "classes", "size", "parameters"),
    [
        (lenet5, 10, (28, 28), 44_426),
        (lenet5, 12, (40, None), 296_116),
        (lenet5_1998, 12, (40, None), 294_240),
    ],
)
def test_other_sizes_have_the_stated_parameters(build, classes, size, parameters):
    net = build(num_classes=classes, input_size=size)
    assert count_parameters(net) == parameters
    macs = sum(layer.macs for layer in account(net, (1, net.rows, net.window)).layers)
    assert macs == {28: 281_640, 96: 2_201_328}[net.window]


def test_c3_reads_s2_by_table_1():
    inputs = [set(row) for row in CONNECTIONS]
    for rows, count in ((inputs[:6], 3), (inputs[6:12], 4), (inputs[15:], 6)):  # neighbours in a ring
        neighbours = [{(first + i) % 6 for i in range(count)} for first in range(6)]
        assert [row in neighbours for row in rows] == [True] * len(rows)
        assert len(set(map(frozenset, rows))) == len(rows)
    for row in inputs[12:15]:  # four maps, the two left out opposite each other
        left_out = sorted({0, 1, 2, 3, 4, 5} - row)
        assert left_out[1] - left_out[0] == 3
    assert [sum(i in row for row in inputs) for i in range(6)] == [10] * 6


def test_the_printed_net_is_its_formulas():
    net = lenet5_1998(num_classes=10).eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    (w1, b1, k2, b2, w3, b3, k4, b4), (w5, b5, w6, b6) = net.body.parameters(), list(net.parameters())[8:]

    def squash(x):
        return 1.7159 * torch.tanh(2 * x / 3)

    def subsample(x, coefficient, bias):
        total = x.unfold(2, 2, 2).unfold(3, 2, 2).sum(dim=(4, 5))
        return squash(total * coefficient.view(-1, 1, 1) + bias.view(-1, 1, 1))

    x = torch.randn(3, 1, 32, 32)
    s2 = subsample(squash(F.conv2d(x, w1, b1)), k2, b2)
    used, maps = 0, []
    for bias, row in zip(b3, CONNECTIONS, strict=True):
        weight = w3[used : used + len(row)]
        maps.append(F.conv2d(s2[:, list(row)], weight[None], bias[None]))
        used += len(row)
    s4 = subsample(squash(torch.cat(maps, dim=1)), k4, b4)
    c5 = squash(s4.flatten(1) @ w5.flatten(1).T + b5)
    f6 = squash(c5 @ w6.flatten(1).T + b6)
    distances = (f6[:, None] - class_codes(10)).square().sum(dim=-1)
    with torch.inference_mode():
        torch.testing.assert_close(net(x).flatten(1), -distances, rtol=1e-5, atol=1e-5 * distances.max())


def test_todays_net_is_its_formulas():
    net = lenet5(num_classes=10).eval()
    w1, b1, w3, b3, w5, b5, w6, b6, w7, b7 = net.parameters()
    x = torch.randn(3, 1, 32, 32)
    s2 = F.max_pool2d(F.relu(F.conv2d(x, w1, b1)), 2)
    s4 = F.max_pool2d(F.relu(F.conv2d(s2, w3, b3)), 2)
    c5 = F.relu(F.linear(s4.flatten(1), w5.flatten(1), b5))
    expected = F.linear(F.relu(F.linear(c5, w6.flatten(1), b6)), w7.flatten(1), b7)
    torch.testing.assert_close(net(x).flatten(1), expected)


@both
def test_a_page_is_scanned_along_rows_and_columns(build):
    net = build(num_classes=10).eval()
    assert net.geometry == net.geometry_rows == Geometry(span=32, stride=4)
    page = torch.randn(1, 1, 44, 52)
    with torch.inference_mode():
        track = net(page)
        assert track.shape == (1, 10, 4, 6)
        for row in range(4):
            for column in range(6):
                window = page[:, :, 4 * row : 4 * row + 32, 4 * column : 4 * column + 32]
                error = (net(window)[:, :, 0, 0] - track[:, :, row, column]).abs().max()
                assert error <= 1e-5 * track.abs().max()


@both
def test_same_pads_the_convolutions_along_columns_alone(build):
    net = build(num_classes=10, padding="same")
    assert net.geometry is None and net.geometry_rows == Geometry(span=32, stride=4)
    assert net.body(torch.zeros(1, 1, 32, 32)).shape == (1, 16, 5, 8)
    assert net(torch.zeros(1, 1, 32, 32)).shape == (1, 10, 1, 1)


def test_the_order_of_the_layers():
    names = [*lenet5_1998(num_classes=2).body.names(), *lenet5_1998(num_classes=2).head.names()]
    assert names == [
        "conv1", "tanh1", "pool2", "tanh2", "conv3", "tanh3", "pool4", "tanh4", "tanh5", "dense6", "tanh6",
    ]  # fmt: skip
    assert list(lenet5(num_classes=2).head.names()) == ["relu5", "dense6", "relu6"]


def test_weights_begin_within_two_point_four_by_the_inputs():
    net = lenet5_1998(num_classes=10)
    cases = [(net.body.conv1.weight, 25), (net.pool.weight, 400), (net.head.dense6.weight, 120)]
    cases += [
        (weights, 25 * len(row))
        for (weights, _, _), row in zip(net.body.conv3.by_channel(), CONNECTIONS, strict=True)
    ]
    for weight, inputs in cases:
        assert 0.8 * 2.4 / inputs < weight.abs().max() <= 2.4 / inputs
    for layer in (net.body.conv1, net.body.conv3, net.pool, net.head.dense6, net.body.pool2):
        assert not layer.bias.any()
    assert (net.body.pool4.coefficient == 0.25).all()


def test_todays_weights_begin_as_in_he_et_al():
    net = lenet5(num_classes=10)
    assert net.pool.weight.var().item() == pytest.approx(2 / 400, rel=0.05)
    assert not net.pool.bias.any()


@both
def test_every_parameter_learns(build):
    net = build(num_classes=10)
    F.cross_entropy(net(torch.randn(8, 1, 32, 32)).flatten(1), torch.arange(8)).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def holes(picture):
    """How many parts of the paper the ink shuts in; ink touches at corners, paper does not."""
    paper = {(row, column) for row in range(-1, 13) for column in range(-1, 8)}
    paper -= {tuple(place) for place in picture.nonzero().tolist()}
    parts = 0
    while paper:
        reached = [paper.pop()]
        while reached:
            row, column = reached.pop()
            near = {(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)} & paper
            paper -= near
            reached += near
        parts += 1
    return parts - 1  # the paper around the digit


def test_the_codes_are_pictures_of_the_digits():
    codes = class_codes(10)
    assert codes.shape == (10, 84) and codes.abs().eq(1).all()
    pictures = codes.view(10, 12, 7) > 0
    assert [holes(picture) for picture in pictures] == [1, 0, 0, 0, 1, 0, 1, 0, 2, 1]
    assert pictures[0].equal(pictures[0].flip(1)) and pictures[8].equal(pictures[8].flip(1))
    assert ["".join(".#"[pixel] for pixel in row) for row in pictures[7].int().tolist()[:4]] == [
        "#######",
        "#.....#",
        "......#",
        ".....#.",
    ]


def test_digits_that_look_alike_have_codes_that_are_alike():
    codes = class_codes(10)
    differing = (codes[:, None] != codes).sum(dim=-1)
    assert differing[3, 8] < differing[0, 4] and differing[5, 6] < differing[5, 4]
    assert (differing + 84 * torch.eye(10)).min() >= 8


def test_other_numbers_of_classes_have_codes_at_random_that_are_always_the_same():
    codes = class_codes(35)
    assert codes.shape == (35, 84) and codes.abs().eq(1).all()
    assert codes.equal(class_codes(35))
    assert codes[:12].equal(class_codes(12))
    differing = (codes[:, None] != codes).sum(dim=-1)[~torch.eye(35, dtype=torch.bool)]
    assert differing.min() >= 24
    assert differing.float().mean().item() == pytest.approx(42, abs=1)
    assert lenet5_1998(num_classes=35).logits.codes.equal(codes)


def test_it_is_a_row_of_the_registry_for_grey_pictures():
    for name in ("lenet5", "lenet5_1998"):
        config = create(name, num_classes=10).config
        assert (config.in_channels, config.input_size, config.padding) == (1, (32, 32), "valid")
        colours = create(name, num_classes=10, in_channels=3)
        assert colours(torch.zeros(1, 3, 32, 32)).shape == (1, 10, 1, 1)
    assert MODELS["lenet5"] is lenet5


@both
@pytest.mark.parametrize(
    ("padding", "input_size", "message"),
    [
        (
            "valid",
            (15, 32),
            "rows=15 do not hold the 16 that the net needs; give input_size=(16, 32) or more",
        ),
        (
            "valid",
            (32, 15),
            (
                "window=15 columns do not hold the 16 that the net sees; give input_size=(32, 16) or more, "
                "or padding='same'"
            ),
        ),
        (
            "same",
            (32, 3),
            "window=3 columns do not hold the 4 that the net needs; give input_size=(32, 4) or more",
        ),
    ],
)
def test_too_small_pictures(build, padding, input_size, message):
    with pytest.raises(ParameterError) as error:
        build(num_classes=10, padding=padding, input_size=input_size)
    assert str(error.value) == message
