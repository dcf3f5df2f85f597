"""Pools over everything."""

import pytest
import torch

from audiocnn.errors import ParameterError
from audiocnn.layers import (
    AdaptiveAvgPool2d,
    Conv1d,
    GlobalMax,
    GlobalMean,
    Sequential,
    WindowMean,
    Windows,
)


def test_they_are_the_mean_and_the_largest_of_all():
    x = torch.randn(2, 3, 4, 5)
    torch.testing.assert_close(GlobalMean()(x), x.mean((2, 3), keepdim=True))
    assert torch.equal(GlobalMax()(x), x.amax((2, 3), keepdim=True))
    torch.testing.assert_close(GlobalMean()(x[0]), x[0].mean(2, keepdim=True))
    assert torch.equal(GlobalMax()(x[0]), x[0].amax(2, keepdim=True))


def test_the_largest_alone_gets_the_gradient():
    x = torch.tensor([[[1.0, 3.0, 3.0, 2.0]]], requires_grad=True)
    GlobalMax()(x).sum().backward()
    assert x.grad.flatten().tolist() == [0, 1, 0, 0]


def test_on_windows_the_mean_is_a_window_mean():
    conv = Conv1d(3, 4, 3)
    by_windows = Windows(Sequential(conv, GlobalMean()), window=10, stride=1)
    x = torch.randn(2, 3, 25)
    torch.testing.assert_close(by_windows(x), WindowMean(8)(conv(x)))


@pytest.mark.parametrize("size", [(4, 4), (6, 9), (14, 14), (3, 5)])
def test_a_grid_of_means_covers_everything(size):
    """Blocks of as many steps as they need to, and of shared steps where they do not divide; written out."""
    x = torch.randn(2, 3, *size)
    rows, columns = [
        [slice(i * steps // 4, (i * steps + steps + 3) // 4) for i in range(4)] for steps in size
    ]
    expected = torch.stack(
        [torch.stack([x[..., r, c].mean((2, 3)) for c in columns], dim=-1) for r in rows], dim=-2
    )
    pool = AdaptiveAvgPool2d(4)
    torch.testing.assert_close(pool(x), expected)
    read = sum(len(range(100)[r]) * len(range(100)[c]) for r in rows for c in columns)
    assert pool.connections(x[:1], expected[:1]) == 3 * read


def test_a_grid_of_one_is_the_mean_of_all():
    x = torch.randn(2, 3, 4, 5)
    torch.testing.assert_close(AdaptiveAvgPool2d(1)(x), GlobalMean()(x))


def test_a_grid_has_blocks():
    with pytest.raises(ParameterError) as error:
        AdaptiveAvgPool2d((2, 0))
    assert str(error.value) == "output_size[1]=0 must be a positive integer"


@pytest.mark.parametrize("layer", [GlobalMean(), GlobalMax()], ids=str)
def test_of_nothing_there_is_none(layer):
    with pytest.raises(ParameterError) as error:
        layer(torch.zeros(1, 2, 0))
    assert str(error.value) == (
        f"input of 0 steps along time is shorter than the span of {type(layer).__name__}, 1; pad the clip "
        "once, before the network"
    )
