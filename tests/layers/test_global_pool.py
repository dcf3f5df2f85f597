"""Pools over everything."""

import pytest
import torch

from audiocnn.errors import ParameterError
from audiocnn.layers import (
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


@pytest.mark.parametrize("layer", [GlobalMean(), GlobalMax()], ids=str)
def test_of_nothing_there_is_none(layer):
    with pytest.raises(ParameterError) as error:
        layer(torch.zeros(1, 2, 0))
    assert str(error.value) == (
        f"input of 0 steps along time is shorter than the span of {type(layer).__name__}, 1; pad the clip "
        "once, before the network"
    )
