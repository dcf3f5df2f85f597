"""The learned pool: the mean to begin with, and one network for every block of every channel."""

import pytest
import torch
from torch.func import functional_call

from audiocnn.errors import LawError, ParameterError
from audiocnn.geometry import Geometry
from audiocnn.layers import AvgPool1d, AvgPool2d, LearnedPool1d, LearnedPool2d


def shake(pool):
    torch.manual_seed(0)
    for parameter in pool.parameters():
        torch.nn.init.normal_(parameter)
    return pool.double()


def test_it_starts_as_the_mean():
    x = torch.randn(2, 3, 7, 11)
    torch.testing.assert_close(LearnedPool1d(3, stride=2)(x[0]), AvgPool1d(3, stride=2)(x[0]))
    torch.testing.assert_close(LearnedPool2d((2, 3))(x), AvgPool2d((2, 3))(x))


def test_the_formula():
    pool = shake(LearnedPool1d(3, stride=2, hidden=4))
    linear, (hidden, _, output) = pool.network.branches[0], pool.network.branches[1].scans()
    x = torch.randn(2, 5, 9, dtype=torch.float64)
    y = pool(x)
    assert y.shape == (2, 5, 4)
    for channel in range(5):
        for t in range(4):
            block = x[1, channel, t * 2 : t * 2 + 3]
            units = (hidden.weight[:, 0] @ block + hidden.bias).relu()
            expected = linear.weight[0, 0] @ block + linear.bias[0] + output.weight[0, :, 0] @ units
            torch.testing.assert_close(y[1, channel, t], expected)


def test_it_learns_the_maximum_better_than_the_mean_does():
    torch.manual_seed(0)
    x = torch.randn(64, 1, 40)
    target = torch.nn.functional.max_pool1d(x, 2)
    pool = LearnedPool1d(2)
    optimizer = torch.optim.Adam(pool.parameters(), lr=0.02)
    errors = []
    for _ in range(300):
        error = (pool(x) - target).square().mean()
        errors.append(error.item())
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    assert errors[-1] < errors[0] / 100


@pytest.mark.parametrize(
    ("pool", "shape"),
    [
        (LearnedPool1d(3, stride=2, hidden=2), (2, 2, 7)),
        (LearnedPool2d((2, 3), hidden=2, padding=("same", "valid")), (1, 2, 4, 6)),
    ],
)
def test_gradients_are_right(pool, shape):
    shake(pool)
    names, parameters = zip(*pool.named_parameters(), strict=True)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)

    def pooled(x, *values):
        return functional_call(pool, dict(zip(names, values, strict=True)), x)

    assert torch.autograd.gradcheck(pooled, (x, *parameters))


def test_its_axes():
    pool = LearnedPool2d((2, 3), stride=(1, 2), padding=("same", "valid"))
    assert pool.geometry == Geometry(3, 2)
    assert pool.geometry_rows is None
    assert pool(torch.zeros(1, 2, 5, 9)).shape == (1, 2, 5, 4)
    with pytest.raises(LawError, match="^Conv1d at 'network.branches.0' cannot stream: padding='same'"):
        LearnedPool1d(3, padding="same").step(torch.zeros(1, 1, 9))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: LearnedPool1d(0), "kernel_size=0 must be a positive integer"),
        (lambda: LearnedPool2d(2, stride=(1, 0)), "stride=0 must be a positive integer"),
        (lambda: LearnedPool1d(2, hidden=0), "hidden=0 must be a positive integer"),
        (
            lambda: LearnedPool1d(4)(torch.zeros(1, 1, 3)),
            (
                "input of 3 steps along time is shorter than the span of LearnedPool1d, 4; pad the clip "
                "once, before the network"
            ),
        ),
    ],
)
def test_what_is_refused(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message
