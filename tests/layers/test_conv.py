"""Convolutions against their formula and torch, worked numbers, and padding against TensorFlow's rule."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.errors import ParameterError
from audiocnn.geometry import Geometry, ReceptiveField, output_length
from audiocnn.layers import Conv1d, Conv2d


def test_the_formula():
    conv = Conv1d(2, 3, 4, stride=2, dilation=3).double()
    x = torch.randn(1, 2, 30, dtype=torch.float64)
    y = conv(x)
    for o in range(3):
        for t in range(y.shape[-1]):
            taps = x[0, :, t * 2 : t * 2 + 10 : 3]
            torch.testing.assert_close(y[0, o, t], conv.bias[o] + (conv.weight[o] * taps).sum())


# torch's own "same", which we compare with, warns that an even kernel makes it copy its input
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@settings(deadline=None)
@given(kernel=st.integers(1, 9), dilation=st.integers(1, 4), length=st.integers(1, 40))
def test_same_is_torchs_same(kernel, dilation, length):
    ours = Conv1d(2, 3, kernel, dilation=dilation, padding="same")
    theirs = torch.nn.Conv1d(2, 3, kernel, dilation=dilation, padding="same")
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(1, 2, length)
    torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")  # torch's, about speed
@settings(deadline=None)
@given(rows=st.integers(1, 5), columns=st.integers(1, 5))
def test_same_is_torchs_same_in_2d(rows, columns):
    ours = Conv2d(2, 3, (rows, columns), padding="same")
    theirs = torch.nn.Conv2d(2, 3, (rows, columns), padding="same")
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(1, 2, 6, 11)
    torch.testing.assert_close(ours(x), theirs(x))


@given(kernel=st.integers(1, 9), stride=st.integers(1, 4), length=st.integers(1, 40))
def test_same_gives_the_length_over_the_stride_rounded_up(kernel, stride, length):
    conv = Conv1d(1, 1, kernel, stride=stride, padding="same")
    assert conv(torch.zeros(1, 1, length)).shape[-1] == -(-length // stride)
    assert conv.time_axis.takes.output_length(length) == -(-length // stride)


@given(length=st.integers(1, 40), kernel=st.integers(1, 9), stride=st.integers(1, 4), pad=st.integers(0, 4))
def test_the_printed_formula_has_a_slip(length, kernel, stride, pad):
    outputs = (length - kernel + 2 * pad) // stride + 1
    if outputs < 1 or length + 2 * pad < kernel:
        return
    conv = Conv1d(1, 1, kernel, stride=stride)
    assert conv(torch.zeros(1, 1, length + 2 * pad)).shape[-1] == outputs
    assert output_length(length, kernel, stride=stride, padding=pad) == outputs


IMAGE = ["11100", "01110", "00111", "00110", "01100"]
FILTER = ["101", "010", "101"]


def as_image(rows):
    return torch.tensor([[[[float(digit) for digit in row] for row in rows]]])


@pytest.mark.parametrize(
    ("stride", "expected"),
    [(1, [[4, 3, 4], [2, 4, 3], [2, 3, 4]]), (2, [[4, 4], [2, 4]])],
)
def test_the_binary_image(stride, expected):
    conv = Conv2d(1, 1, 3, stride=stride, bias=False)
    conv.weight.data.copy_(as_image(FILTER))
    assert conv(as_image(IMAGE))[0, 0].tolist() == expected


@pytest.mark.parametrize(
    ("size", "arguments", "expected"),
    [
        (7, {"kernel_size": 3}, 5),
        (7, {"kernel_size": 3, "stride": 2}, 3),
        (7, {"kernel_size": 3, "stride": 3}, 2),  # does not fit evenly: the last column is not looked at
        (32, {"kernel_size": 5}, 28),
        (32, {"kernel_size": 5, "padding": "same"}, 32),  # two zeros at each edge
        (227, {"kernel_size": 11, "stride": 4}, 55),
    ],
)
def test_worked_sizes(size, arguments, expected):
    conv = Conv2d(3, 2, **arguments)
    assert conv(torch.zeros(1, 3, size, size)).shape == (1, 2, expected, expected)
    assert conv.time_axis.takes.output_length(size) == expected


def test_an_even_kernel_gets_the_odd_zero_on_the_right():
    conv = Conv1d(1, 1, 4, padding="same", bias=False)
    conv.weight.data.copy_(torch.tensor([[[1.0, 10.0, 100.0, 1000.0]]]))
    # 0 [a b c] 0 0
    assert conv(torch.tensor([[[1.0, 2.0, 3.0]]])).flatten().tolist() == [3210.0, 321.0, 32.0]
    assert conv.time_axis.receptive_field == ReceptiveField(size=4, stride=1, centre=0.5)


@settings(deadline=None)
@given(
    kernel=st.sampled_from([1, 3, 5]),
    dilation=st.integers(1, 3),
    stride=st.integers(1, 3),
    length=st.integers(1, 20),
)
def test_mirrored_padding_is_torchs(kernel, dilation, stride, length):
    ours = Conv1d(2, 3, kernel, stride=stride, dilation=dilation, padding="same", padding_mode="reflect")
    added = (kernel - 1) * dilation // 2
    x = torch.randn(1, 2, length)
    if length <= added:
        with pytest.raises(ParameterError) as error:
            ours(x)
        assert str(error.value) == (
            f"padding_mode='reflect' mirrors {added} steps at each end along time and needs {added + 1} or "
            f"more, not {length}; give a longer input, or padding_mode='zeros'"
        )
        return
    theirs = torch.nn.Conv1d(
        2, 3, kernel, stride=stride, dilation=dilation, padding=added, padding_mode="reflect"
    )
    theirs.load_state_dict(ours.state_dict())
    torch.testing.assert_close(ours(x), theirs(x))


def test_mirrored_padding_is_torchs_in_2d():
    ours = Conv2d(2, 3, (5, 3), stride=2, padding="same", padding_mode="reflect")
    theirs = torch.nn.Conv2d(2, 3, (5, 3), stride=2, padding=(2, 1), padding_mode="reflect")
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(1, 2, 6, 11)
    torch.testing.assert_close(ours(x), theirs(x))


def test_rows_may_be_mirrored_while_time_stays_a_scan():
    conv = Conv2d(1, 1, 3, padding=("same", "valid"), padding_mode="reflect", bias=False)
    x = torch.randn(1, 1, 4, 9)
    mirrored = torch.cat((x[:, :, 1:2], x, x[:, :, 2:3]), dim=2)
    torch.testing.assert_close(conv(x), torch.nn.functional.conv2d(mirrored, conv.weight))
    assert conv.geometry == Geometry(3)
    with pytest.raises(ParameterError) as error:
        conv(x[:, :, :1])
    assert str(error.value) == (
        "padding_mode='reflect' mirrors 1 steps at each end along rows and needs 2 or more, not 1; "
        "give a longer input, or padding_mode='zeros'"
    )


def test_1x1_is_a_dense_layer_at_every_position():
    conv = Conv2d(6, 4, 1)
    x = torch.randn(2, 6, 3, 5)
    dense = torch.nn.functional.linear(x.movedim(1, -1), conv.weight[:, :, 0, 0], conv.bias)
    torch.testing.assert_close(conv(x), dense.movedim(-1, 1))


def test_groups_are_independent_convolutions():
    conv = Conv1d(4, 6, 3, groups=2)
    x = torch.randn(1, 4, 9)
    for g in range(2):
        alone = Conv1d(2, 3, 3)
        alone.weight.data.copy_(conv.weight[3 * g : 3 * g + 3])
        alone.bias.data.copy_(conv.bias[3 * g : 3 * g + 3])
        torch.testing.assert_close(conv(x)[:, 3 * g : 3 * g + 3], alone(x[:, 2 * g : 2 * g + 2]))


@pytest.mark.parametrize(
    ("conv", "shape", "macs", "connections"),
    [
        (lambda: Conv1d(4, 6, 3, groups=2), (1, 4, 9), 6 * 7 * 2 * 3, 6 * 7 * (2 * 3 + 1)),
        (lambda: Conv1d(4, 6, 3, padding="same", bias=False), (2, 4, 9), 2 * 6 * 9 * 12, 2 * 6 * 9 * 12),
        # LeNet-5: C1 has 122,304 connections (LeCun et al. 1998)
        (lambda: Conv2d(1, 6, 5), (1, 1, 32, 32), 117_600, 122_304),
        # AlexNet's first layer: 105,415,200 multiplications
        (lambda: Conv2d(3, 96, 11, stride=4), (1, 3, 227, 227), 105_415_200, 105_705_600),
    ],
)
def test_accounting(conv, shape, macs, connections):
    with torch.device("meta"):
        layer, x = conv(), torch.zeros(shape)
    y = layer(x)
    assert layer.macs(x, y) == macs
    assert layer.connections(x, y) == connections


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel_size": 0}, "kernel_size=0 must be a positive integer"),
        ({"kernel_size": 3, "stride": 0}, "stride=0 must be a positive integer"),
        ({"kernel_size": 3, "in_channels": 8.0}, "in_channels=8.0 must be a positive integer"),
        ({"kernel_size": 3, "dilation": -2}, "dilation=-2 must be a positive integer"),
        ({"kernel_size": 3, "padding": "causal"}, "padding='causal' must be 'valid' or 'same'"),
        ({"kernel_size": 3, "in_channels": 0}, "in_channels=0 must be a positive integer"),
        ({"kernel_size": 3, "out_channels": -1}, "out_channels=-1 must be a positive integer"),
        ({"kernel_size": 3, "groups": 0}, "groups=0 must be a positive integer"),
        (
            {"kernel_size": 3, "groups": 3},
            "groups=3 must divide in_channels=8 and out_channels=12; the nearest that does is 2 or 4",
        ),
        (
            {"kernel_size": 3, "groups": 8},
            "groups=8 must divide in_channels=8 and out_channels=12; the nearest that does is 4",
        ),
        (
            {"kernel_size": 3, "padding_mode": "circular"},
            "padding_mode='circular' must be 'zeros' or 'reflect'",
        ),
        (
            {"kernel_size": 4, "padding": "same", "padding_mode": "reflect"},
            "span=4 is even and cannot be padded by as much on both sides; 3 or 5 can",
        ),
    ],
)
@pytest.mark.parametrize("layer", [Conv1d, Conv2d])
def test_impossible_convolutions(layer, arguments, message):
    with pytest.raises(ParameterError) as error:
        layer(**{"in_channels": 8, "out_channels": 12} | arguments)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel_size": 2.5}, "kernel_size=2.5 must be one integer or two, (rows, time)"),
        ({"kernel_size": (3, 2.5)}, "kernel_size=2.5 must be a positive integer"),
        (
            {"kernel_size": 3, "padding": 1},
            "padding=1 must be one of 'valid' and 'same', or two, (rows, time)",
        ),
        ({"kernel_size": (3, 3, 3)}, "kernel_size=(3, 3, 3) must be one integer or two, (rows, time)"),
        ({"kernel_size": 3, "stride": (1,)}, "stride=(1,) must be one integer or two, (rows, time)"),
        (
            {"kernel_size": 3, "padding": ("same",)},
            "padding=('same',) must be one of 'valid' and 'same', or two, (rows, time)",
        ),
    ],
)
def test_what_is_no_pair(arguments, message):
    with pytest.raises(ParameterError) as error:
        Conv2d(4, 4, **arguments)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (
            lambda: Conv1d(40, 16, 3),
            (1, 1, 40, 98),
            "Conv1d with in_channels=40 takes (batch, 40, time), not (1, 1, 40, 98)",
        ),
        (
            lambda: Conv1d(40, 16, 3),
            (2, 39, 98),
            "Conv1d with in_channels=40 takes (batch, 40, time), not (2, 39, 98)",
        ),
        (
            lambda: Conv2d(1, 16, 3),
            (40, 98),
            "Conv2d with in_channels=1 takes (batch, 1, rows, time), not (40, 98)",
        ),
        (
            lambda: Conv2d(1, 16, 3),
            (1, 3, 40, 98),
            "Conv2d with in_channels=1 takes (batch, 1, rows, time), not (1, 3, 40, 98)",
        ),
        (
            lambda: Conv2d(1, 16, (5, 3)),
            (1, 1, 4, 98),
            (
                "input of 4 rows is shorter than the span of Conv2d along rows, 5; give more rows, or "
                "padding='same' along them"
            ),
        ),
    ],
)
def test_input_that_does_not_fit(layer, shape, message):
    with pytest.raises(ParameterError) as error:
        layer()(torch.zeros(shape))
    assert str(error.value) == message
