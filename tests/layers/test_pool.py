"""Pools over blocks: worked numbers, plain loops, torch, and where gradients go."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.errors import LawError, ParameterError
from audiocnn.geometry import Axis, Geometry, output_length
from audiocnn.layers import (
    AvgPool1d,
    AvgPool2d,
    FlattenRows,
    GlobalMax,
    GlobalMean,
    Maxout,
    MaxPool1d,
    MaxPool2d,
    MeanRows,
)

MAP = torch.tensor([[[[1.0, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]]])


def test_the_worked_map():
    assert MaxPool2d(2)(MAP)[0, 0].tolist() == [[6, 8], [3, 4]]
    assert AvgPool2d(2)(MAP)[0, 0].tolist() == [[3.25, 5.25], [2, 2]]


def blocks_of(length, kernel, stride, padding, ceil_mode):
    """The steps of each block that lie within the input, by the definition."""
    left = (kernel - 1) // 2 if padding == "same" else 0
    if padding == "same":
        outputs = -(-length // stride)
    else:
        rounding = math.ceil if ceil_mode else math.floor
        outputs = rounding((length - kernel) / stride) + 1
    starts = [j * stride - left for j in range(outputs)]
    return [range(max(0, s), min(length, s + kernel)) for s in starts if s < length]


@settings(deadline=None)
@given(
    kernel=st.integers(1, 5),
    stride=st.integers(1, 6),
    extra=st.integers(0, 12),
    options=st.sampled_from([("valid", False), ("valid", True), ("same", False)]),
)
def test_pools_are_the_definition(kernel, stride, extra, options):
    padding, ceil_mode = options
    length = extra + (1 if padding == "same" else kernel)
    x = torch.randn(2, 3, length, dtype=torch.float64)
    blocks = blocks_of(length, kernel, stride, padding, ceil_mode)
    arguments = {"stride": stride, "padding": padding, "ceil_mode": ceil_mode}
    largest = torch.stack([x[..., list(block)].amax(-1) for block in blocks], dim=-1)
    mean = torch.stack([x[..., list(block)].mean(-1) for block in blocks], dim=-1)
    torch.testing.assert_close(MaxPool1d(kernel, **arguments)(x), largest)
    torch.testing.assert_close(AvgPool1d(kernel, **arguments)(x), mean)
    # the same along each axis of a map
    for square, kernels, strides in (
        (x[:, :, None], (1, kernel), (1, stride)),
        (x[..., None], (kernel, 1), (stride, 1)),
    ):
        arguments["stride"] = strides
        torch.testing.assert_close(MaxPool2d(kernels, **arguments)(square).flatten(2), largest)
        torch.testing.assert_close(AvgPool2d(kernels, **arguments)(square).flatten(2), mean)


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_pools_are_torchs_in_2d(ceil_mode):
    x = torch.randn(2, 3, 9, 12)
    arguments = {"stride": (2, 3), "ceil_mode": ceil_mode}
    torch.testing.assert_close(MaxPool2d((3, 2), **arguments)(x), F.max_pool2d(x, (3, 2), **arguments))
    torch.testing.assert_close(AvgPool2d((3, 2), **arguments)(x), F.avg_pool2d(x, (3, 2), **arguments))
    if not ceil_mode:
        same = F.avg_pool2d(x, (3, 5), (2, 3), (1, 2), count_include_pad=False)
        torch.testing.assert_close(AvgPool2d((3, 5), stride=(2, 3), padding="same")(x), same)


@given(kernel=st.integers(1, 6), stride=st.integers(1, 8), extra=st.integers(0, 20))
def test_the_size_in_ceil_mode(kernel, stride, extra):
    length = kernel + extra
    x = torch.zeros(1, 1, length)
    outputs = MaxPool1d(kernel, stride=stride, ceil_mode=True)(x).shape[-1]
    assert outputs == output_length(length, kernel, stride=stride, ceil_mode=True)
    if stride <= kernel:  # else a last block may start beyond the end
        assert outputs == math.ceil((length - kernel) / stride) + 1


def test_the_stride_is_the_kernel_by_default():
    assert MaxPool1d(3).geometry == Geometry(3, 3)
    assert AvgPool2d((2, 3)).geometry == Geometry(3, 3)
    assert AvgPool2d((2, 3)).geometry_rows == Geometry(2, 2)


def test_a_block_of_negative_numbers_at_the_edge_is_not_padded_with_zeros():
    x = torch.tensor([[[-3.0, -1.0, -2.0]]])
    assert MaxPool1d(4, stride=1, padding="same")(x).flatten().tolist() == [-1, -1, -1]
    assert AvgPool1d(4, stride=1, padding="same")(x).flatten().tolist() == [-2, -2, -1.5]


def test_max_pooling_sends_the_gradient_to_the_arg_max_alone():
    x = MAP.clone().requires_grad_()
    weights = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    (MaxPool2d(2)(x) * weights).sum().backward()
    assert x.grad[0, 0].tolist() == [[0, 0, 0, 0], [0, 1, 0, 2], [3, 0, 0, 0], [0, 0, 0, 4]]
    # blocks that overlap add up; of equals the first
    x = torch.tensor([[[1.0, 5.0, 2.0, 2.0]]], requires_grad=True)
    MaxPool1d(2, stride=1)(x).sum().backward()
    assert x.grad.flatten().tolist() == [0, 2, 1, 0]


def test_mean_pooling_shares_the_gradient():
    x = torch.zeros(1, 1, 4, requires_grad=True)
    AvgPool1d(3, stride=1, padding="same")(x).sum().backward()
    torch.testing.assert_close(x.grad.flatten(), torch.tensor([5, 7, 7, 5]) / 6)


def test_ceil_mode_breaks_the_law_along_strided_axes_alone():
    pool = MaxPool2d(3, stride=(2, 1), ceil_mode=True)
    assert pool.row_axis == Axis(takes=None, sees=Geometry(3, 2))
    assert pool.geometry == Geometry(3)
    with pytest.raises(LawError) as error:
        AvgPool1d(2, ceil_mode=True).step(torch.zeros(1, 1, 4))
    assert str(error.value) == (
        "AvgPool1d cannot stream: ceil_mode=True lets a last block hang over wherever the input ends; build "
        "it with ceil_mode=False, or scan by windows (audiocnn.layers.Windows)"
    )
    with pytest.raises(LawError) as error:
        MaxPool1d(2, padding="same").step(torch.zeros(1, 1, 4))
    assert str(error.value) == (
        "MaxPool1d cannot stream: padding='same' lets blocks hang over both ends of whatever it is given; "
        "build it with padding='valid', or scan by windows (audiocnn.layers.Windows)"
    )


def test_what_cannot_be_a_number_is_passed_on():
    x = torch.tensor([[[0.0, 1.0, math.nan, 2.0, 3.0]]])
    assert MaxPool1d(2, stride=1)(x).isnan().flatten().tolist() == [False, True, True, False]


def test_connections_are_blocks():
    pool, x = MaxPool2d((2, 3)), torch.zeros(1, 4, 6, 9)
    assert pool.connections(x, pool(x)) == 4 * 3 * 3 * 6
    assert pool.macs(x, pool(x)) == 0
    assert Maxout(2).connections(x, Maxout(2)(x)) == x.numel()
    assert MeanRows().connections(x, MeanRows()(x)) == x.numel()
    assert GlobalMax().connections(x, GlobalMax()(x)) == x.numel()
    assert GlobalMean().connections(x, GlobalMean()(x)) == x.numel()


def test_maxout_takes_the_largest_of_neighbouring_channels():
    x = torch.randn(2, 6, 4, 5, requires_grad=True)
    y = Maxout(3)(x)
    assert torch.equal(y[:, 0], x[:, :3].amax(1))
    assert torch.equal(y[:, 1], x[:, 3:].amax(1))
    y.sum().backward()
    assert torch.equal(x.grad.reshape(2, 2, 3, 4, 5).sum(2), torch.ones_like(y))
    assert set(x.grad.unique().tolist()) == {0, 1}


def test_rows():
    x = torch.randn(2, 3, 4, 5)
    torch.testing.assert_close(MeanRows()(x), x.mean(2, keepdim=True))
    assert torch.equal(FlattenRows()(x)[:, 1 * 4 + 2], x[:, 1, 2])


def test_what_a_pool_shows_of_itself():
    assert repr(MaxPool1d(3, stride=2)) == "MaxPool1d(kernel_size=(3,), stride=(2,))"
    assert (
        repr(AvgPool2d(2, ceil_mode=True)) == "AvgPool2d(kernel_size=(2, 2), stride=(2, 2), ceil_mode=True)"
    )
    assert repr(MaxPool2d(2, padding=("same", "valid"))) == (
        "MaxPool2d(kernel_size=(2, 2), stride=(2, 2), padding=('same', 'valid'))"
    )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: MaxPool1d(0), "kernel_size=0 must be a positive integer"),
        (lambda: AvgPool1d(2, stride=0), "stride=0 must be a positive integer"),
        (lambda: MaxPool2d((2, -1)), "kernel_size=-1 must be a positive integer"),
        (lambda: AvgPool2d((2, 2, 2)), "kernel_size=(2, 2, 2) must be one integer or two, (rows, time)"),
        (lambda: MaxPool1d(2, padding="causal"), "padding='causal' must be 'valid' or 'same'"),
        (
            lambda: MaxPool2d(2, padding=("valid", "same"), ceil_mode=True),
            (
                "ceil_mode=True and padding='same' exclude each other; 'same' already gives "
                "ceil(length / stride) outputs"
            ),
        ),
        (
            lambda: MaxPool1d(4)(torch.zeros(1, 1, 3)),
            (
                "input of 3 steps along time is shorter than the span of MaxPool1d, 4; pad the clip once, "
                "before the network"
            ),
        ),
        (
            lambda: AvgPool2d((4, 1))(torch.zeros(1, 1, 3, 9)),
            (
                "input of 3 rows is shorter than the span of AvgPool2d along rows, 4; give more rows, or "
                "padding='same' along them"
            ),
        ),
        (
            lambda: AvgPool1d(4, ceil_mode=True)(torch.zeros(1, 1, 3)),
            "kernel_size=4 is longer than the input of 3 along time; make it 3 or less",
        ),
        (
            lambda: MaxPool2d((4, 2), ceil_mode=True)(torch.zeros(1, 1, 3, 9)),
            "kernel_size=4 is longer than the input of 3 along rows; make it 3 or less",
        ),
        (lambda: Maxout(0), "pieces=0 must be a positive integer"),
        (
            lambda: Maxout(4)(torch.zeros(1, 6, 3)),
            "pieces=4 must divide the channels of the input, 6; let the layer before give a multiple",
        ),
    ],
)
def test_what_is_refused(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message
