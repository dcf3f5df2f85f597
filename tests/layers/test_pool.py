"""Window pools against the plain definition, and against drift."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.errors import ParameterError
from audiocnn.layers import WindowMean, WindowStatistics
from audiocnn.layers.pool import fold_windows


@settings(deadline=None)
@given(length=st.integers(1, 60), window=st.integers(1, 20), seed=st.integers(0, 9))
def test_fold_is_the_definition_for_sum_and_maximum(length, window, seed):
    if window > length:
        return
    x = torch.randint(-50, 50, (2, length), generator=torch.Generator().manual_seed(seed))
    windows = x.unfold(-1, window, 1)
    (total,) = fold_windows((x,), window, lambda a, b: (a[0] + b[0],))
    (highest,) = fold_windows((x,), window, lambda a, b: (torch.maximum(a[0], b[0]),))
    assert torch.equal(total, windows.sum(-1))
    assert torch.equal(highest, windows.amax(-1))


def test_fold_keeps_left_and_right_apart():
    # not commutative: the first and last of each window
    x = torch.arange(10)
    first, last = fold_windows((x, x), 4, lambda a, b: (a[0], b[1]))
    assert first.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert last.tolist() == [3, 4, 5, 6, 7, 8, 9]


@settings(deadline=None)
@given(length=st.integers(1, 60), window=st.integers(1, 20), offset=st.sampled_from([0.0, 1e3, -1e6]))
def test_statistics_are_the_definition(length, window, offset):
    if window > length:
        return
    x = offset + torch.randn(2, 3, length, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    windows = x.unfold(-1, window, 1)
    mean, deviation = WindowStatistics(window)(x).chunk(2, dim=1)
    torch.testing.assert_close(mean, windows.mean(-1), rtol=1e-12, atol=1e-12)
    expected = (windows.var(-1, correction=0) + 1e-10).sqrt() - 1e-5
    torch.testing.assert_close(deviation, expected, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(WindowMean(window)(x), windows.mean(-1), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("length", [84, 85, 500])
@pytest.mark.parametrize("level", [0.0, 0.1, -13.8, 1e4])
def test_what_does_not_change_deviates_by_exactly_zero(length, level):
    deviation = WindowStatistics(84)(torch.full((1, 2, length), level))[:, 2:]
    assert (deviation == 0).all()


def test_a_long_input_does_not_drift():
    # loud, then quiet: a running total in float32 would leave errors of the loud part behind
    x = torch.cat((1e6 * torch.rand(1, 1, 200_000), 1e-3 * torch.rand(1, 1, 1000)), dim=-1)
    last = x[0, 0, -100:].double()
    mean, deviation = WindowStatistics(100)(x)[0, :, -1].double()
    torch.testing.assert_close(mean, last.mean(), rtol=1e-6, atol=0.0)
    expected = (last.var(correction=0) + 1e-10).sqrt() - 1e-5  # smoothed, as its docstring says
    torch.testing.assert_close(deviation, expected, rtol=1e-4, atol=0.0)
    torch.testing.assert_close(WindowMean(100)(x)[0, 0, -1].double(), last.mean(), rtol=1e-6, atol=0.0)


def test_gradients_are_finite_where_nothing_changes():
    x = torch.zeros(1, 2, 90, requires_grad=True)
    WindowStatistics(84)(x).sum().backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("pool", [WindowMean, WindowStatistics])
@pytest.mark.parametrize("length", [7, 25])
def test_gradients_are_right(pool, length):
    x = torch.randn(1, 2, length, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(pool(7), x)


def test_an_empty_window_is_refused():
    with pytest.raises(ParameterError) as error:
        WindowMean(0)
    assert str(error.value) == "window=0 must be a positive number of steps"
