"""Unshared weights: the formula, and what sharing them does to gradients and numbers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.errors import LawError, ParameterError
from audiocnn.geometry import Axis, Geometry
from audiocnn.layers import Conv1d, Conv2d, LocallyConnected1d, LocallyConnected2d


def test_the_formula():
    layer = LocallyConnected1d(2, 3, 4, length=15, stride=3).double()
    x = torch.randn(1, 2, 15, dtype=torch.float64)
    y = layer(x)
    assert y.shape == (1, 3, 4)
    for o in range(3):
        for p in range(4):
            taps = x[0, :, p * 3 : p * 3 + 4]
            torch.testing.assert_close(y[0, o, p], layer.bias[p, o] + (layer.weight[p, o] * taps).sum())


def test_the_formula_in_2d():
    layer = LocallyConnected2d(2, 3, (3, 2), input_size=(6, 9), stride=(1, 3)).double()
    x = torch.randn(1, 2, 6, 9, dtype=torch.float64)
    y = layer(x)
    assert y.shape == (1, 3, 4, 3)
    for r in range(4):
        for t in range(3):
            taps = x[0, :, r : r + 3, t * 3 : t * 3 + 2]
            expected = layer.bias[r, t] + (layer.weight[r, t] * taps).sum(dim=(1, 2, 3))
            torch.testing.assert_close(y[0, :, r, t], expected)


@pytest.mark.parametrize("padding", ["valid", "same"])
@settings(deadline=None)
@given(kernel=st.integers(1, 5), stride=st.integers(1, 3), length=st.integers(5, 12), bias=st.booleans())
def test_the_same_weights_everywhere_are_a_convolution(padding, kernel, stride, length, bias):
    conv = Conv1d(2, 3, kernel, stride=stride, padding=padding, bias=bias).double()
    layer = LocallyConnected1d.from_conv(conv, length=length)
    x = torch.randn(2, 2, length, dtype=torch.float64)
    torch.testing.assert_close(layer(x), conv(x))


@pytest.mark.parametrize("input_size", [(7, 9), (7, None)])
@pytest.mark.parametrize("padding", ["valid", "same", ("same", "valid")])
def test_a_shared_weights_gradient_is_the_sum_over_positions(padding, input_size):
    conv = Conv2d(2, 3, (3, 4), stride=(2, 1), padding=padding).double()
    layer = LocallyConnected2d.from_conv(conv, input_size=input_size)
    x = torch.randn(2, 2, 7, 9, dtype=torch.float64)
    y = conv(x)
    torch.testing.assert_close(layer(x), y)
    direction = torch.randn_like(y)
    (y * direction).sum().backward()
    (layer(x) * direction).sum().backward()
    torch.testing.assert_close(conv.weight.grad, layer.weight.grad.sum(dim=(0, 1)))
    torch.testing.assert_close(conv.bias.grad, layer.bias.grad.sum(dim=(0, 1)))


def test_gradients_are_right():
    layer = LocallyConnected2d(2, 2, 2, input_size=(3, 4), padding=("same", "valid")).double()
    x = torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x, w, b: torch.func.functional_call(layer, {"weight": w, "bias": b}, x),
        (x, layer.weight, layer.bias),
    )


def test_it_starts_as_a_convolution_does():
    torch.manual_seed(0)
    layer, conv = LocallyConnected1d(40, 64, 9, length=98), Conv1d(40, 64, 9)
    for ours, theirs in ((layer.weight, conv.weight), (layer.bias, conv.bias)):
        torch.testing.assert_close(ours.std(), theirs.std(), rtol=0.1, atol=0.0)
        assert ours.abs().max() <= 1 / (40 * 9) ** 0.5
    layer_2d = LocallyConnected2d(8, 16, (5, 3), input_size=(20, None))
    torch.testing.assert_close(layer_2d.weight.std(), Conv2d(8, 16, (5, 3)).weight.std(), rtol=0.1, atol=0.0)


def test_rows_of_their_own_shared_along_time():
    layer = LocallyConnected2d(1, 4, 3, input_size=(8, None))
    assert layer.weight.shape == (6, 1, 4, 1, 3, 3)
    assert layer.geometry == Geometry(3)
    assert layer.geometry_rows is None
    assert layer(torch.zeros(1, 1, 8, 5)).shape == (1, 4, 6, 3)
    assert layer(torch.zeros(1, 1, 8, 50)).shape == (1, 4, 6, 48)


def test_axes_say_what_is_seen():
    layer = LocallyConnected2d(1, 1, (3, 5), input_size=(8, 9), padding="same")
    assert layer.time_axis == Axis(takes=None, sees=Geometry(5), start=-2)
    assert layer.row_axis == Axis(takes=None, sees=Geometry(3), start=-1)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            lambda: LocallyConnected2d(1, 1, 3, input_size=(8, 9)),
            (
                "LocallyConnected2d cannot stream: each position along time has its own weights, so it takes "
                "inputs of one length alone; share them along time, or scan by windows "
                "(audiocnn.layers.Windows)"
            ),
        ),
        (
            lambda: LocallyConnected2d(1, 1, 3, input_size=(8, None), padding="same"),
            (
                "LocallyConnected2d cannot stream: padding='same' adds steps at both ends of whatever it is "
                "given, so its outputs depend on where a chunk ends; build it with padding='valid', or scan "
                "by windows (audiocnn.layers.Windows)"
            ),
        ),
    ],
)
def test_why_it_cannot_stream(layer, message):
    with pytest.raises(LawError) as error:
        layer().step(torch.zeros(1, 1, 8, 9))
    assert str(error.value) == message


def test_accounting():
    layer = LocallyConnected1d(4, 6, 3, length=9)
    x = torch.zeros(1, 4, 9)
    y = layer(x)
    assert layer.macs(x, y) == 6 * 7 * 12
    assert layer.connections(x, y) == 6 * 7 * 13
    with torch.device("meta"):  # 55 * 55 * 96 neurons of 11 * 11 * 3 inputs, as in AlexNet
        layer_2d = LocallyConnected2d(3, 96, 11, input_size=(227, 227), stride=4)
        x = torch.zeros(1, 3, 227, 227)
    y = torch.zeros(1, 96, 55, 55, device="meta")
    assert layer_2d.connections(x, y) == sum(p.numel() for p in layer_2d.parameters()) == 105_705_600
    assert layer_2d.macs(x, y) == 105_415_200


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: LocallyConnected1d(4, 4, 3, length=0), "length=0 must be a positive integer"),
        (lambda: LocallyConnected1d(4, 0, 3, length=9), "out_channels=0 must be a positive integer"),
        (lambda: LocallyConnected1d(4, 4, 0, length=9), "kernel_size=0 must be a positive integer"),
        (lambda: LocallyConnected2d(4, 4, 3, input_size=(-1, 9)), "rows=-1 must be a positive integer"),
        (
            lambda: LocallyConnected2d(4, 4, 3, input_size=9),
            "input_size=9 must be two integers, (rows, time), or (rows, None)",
        ),
        (
            lambda: LocallyConnected2d(4, 4, 3, input_size=(4, 8, 9)),
            "input_size=(4, 8, 9) must be two integers, (rows, time), or (rows, None)",
        ),
        (
            lambda: LocallyConnected2d(4, 4, 3, input_size=(None, 9)),
            "rows=None must be a positive integer",
        ),
        (
            lambda: LocallyConnected1d(4, 4, 10, length=9),
            "kernel_size=10 is longer than the input, length=9; make it 9 or less, or give padding='same'",
        ),
        (
            lambda: LocallyConnected2d(4, 4, (3, 10), input_size=(5, 9)),
            "kernel_size=10 is longer than the input, time=9; make it 9 or less, or give padding='same'",
        ),
        (
            lambda: LocallyConnected1d.from_conv(Conv1d(4, 4, 3, dilation=2), length=9),
            (
                "groups=1, dilation=(2,) and padding_mode='zeros' of the convolution must be 1, 1 and "
                "'zeros'; a locally connected layer has no other"
            ),
        ),
        (
            lambda: LocallyConnected1d(4, 4, 3, length=9)(torch.zeros(1, 4, 8)),
            "LocallyConnected1d takes (batch, 4, 9), not (1, 4, 8)",
        ),
        (
            lambda: LocallyConnected2d(4, 4, 3, input_size=(5, None))(torch.zeros(1, 4, 6, 8)),
            "LocallyConnected2d takes (batch, 4, 5, time), not (1, 4, 6, 8)",
        ),
        (
            lambda: LocallyConnected2d(4, 4, 3, input_size=(5, 9))(torch.zeros(1, 4, 5, 8)),
            "LocallyConnected2d takes (batch, 4, 5, 9), not (1, 4, 5, 8)",
        ),
    ],
)
def test_what_is_refused(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message
