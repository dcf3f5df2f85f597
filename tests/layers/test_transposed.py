"""Transposed convolution as what it is: the adjoint of the convolution."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.errors import ParameterError
from audiocnn.geometry import Geometry
from audiocnn.layers import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d


def test_the_formula():
    layer = ConvTranspose1d(2, 3, 3, stride=2, dilation=2).double()
    x = torch.randn(1, 2, 5, dtype=torch.float64)
    y = layer.bias[:, None].expand(3, (5 - 1) * 2 + 5).clone()
    for t in range(5):
        for k in range(3):
            y[:, t * 2 + k * 2] += layer.weight[:, :, k].T @ x[0, :, t]
    torch.testing.assert_close(layer(x)[0], y)


@settings(deadline=None)
@given(
    kernel=st.integers(1, 5),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    groups=st.sampled_from([1, 2]),
    outputs=st.integers(1, 6),
)
def test_it_is_the_adjoint_of_the_convolution(kernel, stride, dilation, groups, outputs):
    conv = Conv1d(4, 6, kernel, stride=stride, dilation=dilation, groups=groups, bias=False).double()
    transposed = ConvTranspose1d(6, 4, kernel, stride=stride, dilation=dilation, groups=groups, bias=False)
    transposed.double().load_state_dict(conv.state_dict())
    x = torch.randn(2, 4, conv.geometry.input_length(outputs), dtype=torch.float64)
    y = torch.randn(2, 6, outputs, dtype=torch.float64)
    assert transposed(y).shape == x.shape
    torch.testing.assert_close((conv(x) * y).sum(), (x * transposed(y)).sum(), rtol=1e-10, atol=1e-12)


def test_it_is_the_gradient_of_the_convolution_in_2d():
    conv = Conv2d(3, 5, (3, 4), stride=(2, 3), bias=False).double()
    transposed = ConvTranspose2d(5, 3, (3, 4), stride=(2, 3), bias=False).double()
    transposed.load_state_dict(conv.state_dict())
    x = torch.randn(1, 3, 7, 13, dtype=torch.float64, requires_grad=True)
    y = torch.randn(1, 5, 3, 4, dtype=torch.float64)
    (gradient,) = torch.autograd.grad((conv(x) * y).sum(), x)
    torch.testing.assert_close(transposed(y), gradient)


@given(
    kernel=st.integers(1, 6), stride=st.integers(1, 6), dilation=st.integers(1, 3), length=st.integers(1, 9)
)
def test_output_lengths(kernel, stride, dilation, length):
    x = torch.zeros(1, 1, length)
    span = (kernel - 1) * dilation + 1
    valid = ConvTranspose1d(1, 1, kernel, stride=stride, dilation=dilation)
    assert valid(x).shape[-1] == (length - 1) * stride + span
    if span >= stride:
        same = ConvTranspose1d(1, 1, kernel, stride=stride, dilation=dilation, padding="same")
        assert same(x).shape[-1] == length * stride


def test_same_cuts_the_odd_step_on_the_right():
    layer = ConvTranspose1d(1, 1, 5, stride=2, padding="same", bias=False)
    layer.weight.data.copy_(torch.tensor([[[1.0, 2.0, 3.0, 4.0, 5.0]]]))
    # 1 2 3 4 5        of which one is cut on the left and two on the right
    #     1 2 3 4 5
    assert layer(torch.ones(1, 1, 2)).flatten().tolist() == [2.0, 4.0, 6.0, 8.0]


@pytest.mark.parametrize(("kernel", "stride"), [(1, 2), (3, 1), (4, 2)])
def test_what_spreads_an_input_or_leaves_gaps_is_no_scan(kernel, stride):
    assert ConvTranspose1d(1, 1, kernel, stride=stride).geometry is None
    assert ConvTranspose1d(1, 1, 1).geometry == Geometry()


def test_same_in_2d_and_an_axis_that_is_not_up_sampled_keeps_the_law():
    layer = ConvTranspose2d(2, 3, (4, 1), stride=(2, 1), padding="same")
    assert layer(torch.zeros(1, 2, 10, 7)).shape == (1, 3, 20, 7)
    assert layer.geometry == Geometry()
    assert layer.geometry_rows is None
    layer = ConvTranspose2d(2, 3, (4, 5), stride=2, padding="same")
    assert layer(torch.zeros(1, 2, 10, 7)).shape == (1, 3, 20, 14)
    assert layer.geometry is None


def test_a_kernel_that_the_stride_does_not_divide_overlaps_unevenly():
    ones = torch.ones(1, 1, 8)
    for kernel, contributions in ((3, {1, 2}), (4, {2})):
        layer = ConvTranspose1d(1, 1, kernel, stride=2, bias=False)
        torch.nn.init.ones_(layer.weight)
        assert set(layer(ones)[0, 0, 2:-2].tolist()) == contributions


def test_accounting():
    layer = ConvTranspose1d(4, 6, 3, stride=2, groups=2)
    x = torch.zeros(1, 4, 9)
    y = layer(x)
    assert layer.macs(x, y) == 4 * 9 * 3 * 3
    assert layer.connections(x, y) == 4 * 9 * 3 * 3 + 6 * 19
    layer_2d = ConvTranspose2d(4, 6, (3, 2), bias=False)
    x = torch.zeros(1, 4, 5, 9)
    y = layer_2d(x)
    assert layer_2d.macs(x, y) == layer_2d.connections(x, y) == 4 * 5 * 9 * 6 * 6


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ConvTranspose1d(4, 4, 0), "kernel_size=0 must be a positive integer"),
        (lambda: ConvTranspose1d(0, 4, 3), "in_channels=0 must be a positive integer"),
        (lambda: ConvTranspose2d(4, 4, 3, stride=(1, 0)), "stride=0 must be a positive integer"),
        (lambda: ConvTranspose1d(4, 4, 3, padding="full"), "padding='full' must be 'valid' or 'same'"),
        (
            lambda: ConvTranspose1d(4, 6, 3, groups=4),
            "groups=4 must divide in_channels=4 and out_channels=6; the nearest that does is 2",
        ),
        (
            lambda: ConvTranspose1d(4, 4, 2, stride=3, padding="same"),
            (
                "padding='same' needs a kernel that covers the stride, and kernel_size=2 covers 2 of "
                "stride=3 steps; give kernel_size=3, or padding='valid'"
            ),
        ),
        (
            lambda: ConvTranspose1d(4, 4, 2)(torch.zeros(1, 3, 9)),
            "ConvTranspose1d with in_channels=4 takes (batch, 4, time), not (1, 3, 9)",
        ),
        (
            lambda: ConvTranspose1d(4, 4, 2)(torch.zeros(1, 4, 0)),
            (
                "input of 0 steps along time is shorter than the span of ConvTranspose1d, 1; pad the clip "
                "once, before the network"
            ),
        ),
        (
            lambda: ConvTranspose2d(4, 4, 2)(torch.zeros(1, 4, 9)),
            "ConvTranspose2d with in_channels=4 takes (batch, 4, rows, time), not (1, 4, 9)",
        ),
    ],
)
def test_what_is_refused(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message
