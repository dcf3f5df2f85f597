"""Window pools against the plain definition, against drift, and what the fold costs."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.errors import ParameterError
from audiocnn.layers import MaxPool1d, WindowMax, WindowMean, WindowStatistics, window_pool
from audiocnn.layers.window_pool import fold_windows

SILENCE = torch.tensor(1e-5, dtype=torch.float64).sqrt()  # the deviation of what does not change


@pytest.fixture(params=[0, 2**18], ids=["folded", "directly"])
def way(request, monkeypatch):
    """Both ways to pool: by the fold (which a single window never needs), and each window by itself."""
    monkeypatch.setattr(window_pool, "REDUCED_DIRECTLY", request.param)


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


@pytest.mark.parametrize(
    ("window", "merges"), [(1, 0), (2, 1), (6, 3), (8, 3), (100, 8), (1000, 14), (1023, 18)]
)
def test_a_fold_takes_a_merge_for_each_doubling_and_one_for_each_further_part(window, merges):
    sizes = []

    def merge(a, b):
        sizes.append(a[0].numel())
        return (a[0] + b[0],)

    x = torch.ones(10 * window)
    (total,) = fold_windows((x,), window, merge)
    assert total.shape == (9 * window + 1,)
    assert (total == window).all()
    assert len(sizes) == merges == window.bit_length() + window.bit_count() - 2
    assert max(sizes, default=0) < len(x)


@settings(deadline=None)
@given(
    length=st.integers(1, 60),
    window=st.integers(1, 20),
    offset=st.sampled_from([0.0, 1e3, -1e6]),
    limit=st.sampled_from([0, 2**18]),
)
def test_pools_are_the_definition(length, window, offset, limit):
    if window > length:
        return
    x = offset + torch.randn(2, 3, length, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    windows = x.unfold(-1, window, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window_pool, "REDUCED_DIRECTLY", limit)
        mean, deviation = WindowStatistics(window)(x).chunk(2, dim=1)
        torch.testing.assert_close(WindowMean(window)(x), windows.mean(-1), rtol=1e-12, atol=1e-12)
        assert torch.equal(WindowMax(window)(x), windows.amax(-1))
    torch.testing.assert_close(mean, windows.mean(-1), rtol=1e-12, atol=1e-12)
    expected = (windows.var(-1, correction=0) + 1e-5).sqrt()
    torch.testing.assert_close(deviation, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("length", [20, 30])
@pytest.mark.usefixtures("way")
def test_the_deviation_of_a_sample(length):
    x = torch.randn(2, 3, length, dtype=torch.float64)
    _, deviation = WindowStatistics(20, correction=1, smoothing=1e-12)(x).chunk(2, dim=1)
    torch.testing.assert_close(deviation, x.unfold(-1, 20, 1).std(-1), rtol=1e-9, atol=1e-9)


@pytest.mark.usefixtures("way")
def test_what_is_added_to_the_variance_is_the_deviation_of_silence():
    for length in (9, 12):
        _, deviation = WindowStatistics(9, smoothing=1e-8)(torch.full((1, 1, length), 3.0)).chunk(2, dim=1)
        torch.testing.assert_close(deviation, torch.full_like(deviation, 1e-4))


def test_a_large_batch_is_pooled_in_parts_with_the_same_result(monkeypatch):
    parts = []
    whole = torch.randn(5, 4, 30)
    for pool in (WindowMean(30), WindowMax(30), WindowStatistics(30), WindowStatistics(29)):
        monkeypatch.undo()
        expected = pool(whole)
        monkeypatch.setattr(window_pool, "CACHED", 2 * 4 * 30)
        reduce = pool.reduce
        monkeypatch.setattr(pool, "reduce", lambda x, reduce=reduce: (parts.append(len(x)), reduce(x))[1])
        assert torch.equal(pool(whole), expected)
    assert parts == [2, 2, 1] * 3 + [1] * 5  # two windows of each clip are twice as many numbers


def test_the_fold_takes_over_where_there_are_many_windows(monkeypatch):
    folds = []
    monkeypatch.setattr(
        window_pool, "fold_windows", lambda *parts: (folds.append(1), fold_windows(*parts))[1]
    )
    x = torch.randn(2, 16, 64 + 8, dtype=torch.float64)  # 9 windows of each channel, one too many
    for pool in (WindowMean(64), WindowMax(64), WindowStatistics(64)):
        folds.clear()
        few = pool(x[..., :-1])
        assert len(folds) == 0
        many = pool(x)
        assert len(folds) == 1
        assert (few.shape[-1], many.shape[-1]) == (8, 9)
        torch.testing.assert_close(few, many[..., :-1], rtol=1e-12, atol=1e-12)
    folds.clear()
    WindowMean(2000)(torch.zeros(64, 16, 2000))  # a single window never does
    assert len(folds) == 0


@pytest.mark.parametrize("length", [84, 85, 500])
@pytest.mark.parametrize("level", [0.0, 0.1, -13.8, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.usefixtures("way")
def test_what_does_not_change_has_a_variance_of_exactly_zero(length, level, dtype):
    mean, deviation = WindowStatistics(84)(torch.full((1, 2, length), level, dtype=dtype)).chunk(2, dim=1)
    assert (deviation == SILENCE.to(dtype)).all()
    assert (mean == torch.tensor(level, dtype=dtype)).all()


def test_ten_hours_do_not_drift():
    # 100 frames a second, loud, then quiet: a running total would leave errors of the loud part behind
    x = torch.cat((1e6 * torch.rand(1, 1, 10 * 3600 * 100), 1e-1 * torch.rand(1, 1, 1000)), dim=-1)
    last = x[0, 0, -100:].double()
    mean, deviation = WindowStatistics(100)(x)[0, :, -1]
    torch.testing.assert_close(mean, last.mean().float(), rtol=1e-7, atol=0.0)
    expected = (last.var(correction=0) + 1e-5).sqrt().float()
    torch.testing.assert_close(deviation, expected, rtol=2e-7, atol=0.0)
    torch.testing.assert_close(WindowMean(100)(x)[0, 0, -1], last.mean().float(), rtol=1e-7, atol=0.0)


@pytest.mark.usefixtures("way")
def test_sums_are_kept_in_float64():
    # 2^25 and 1 do not add up in float32
    x = torch.tensor([2.0**25, 1.0, -(2.0**25), 1.0] * 40)[None, None]
    assert set(WindowMean(4)(x).unique().tolist()) == {0.5}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("pool", [WindowMean(50), WindowMax(50), WindowStatistics(50)], ids=str)
@pytest.mark.usefixtures("way")
def test_few_bits_come_out_as_they_came_in(pool, dtype):
    x = torch.randn(1, 2, 120).to(dtype)
    y = pool(x)
    assert y.dtype == dtype
    assert torch.equal(y, pool(x.double()).to(dtype))
    with torch.autocast("cpu", dtype=dtype):
        assert torch.equal(pool(x), y)


@pytest.mark.usefixtures("way")
def test_gradients_are_finite_where_nothing_changes():
    x = torch.zeros(1, 2, 90, requires_grad=True)
    WindowStatistics(84)(x).sum().backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("pool", [WindowMean, WindowMax, WindowStatistics])
@pytest.mark.parametrize("length", [7, 25])
@pytest.mark.usefixtures("way")
def test_gradients_are_right(pool, length):
    x = torch.randn(1, 2, length, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(pool(7), x)


@pytest.mark.usefixtures("way")
def test_the_largest_alone_gets_the_gradient():
    x, y = torch.randn(2, 1, 3, 40).unbind(0)
    x.requires_grad_()
    weights = torch.randn(1, 3, 32)
    (ours,) = torch.autograd.grad((WindowMax(9)(x) * weights).sum(), x)
    (theirs,) = torch.autograd.grad((MaxPool1d(9, stride=1)(x) * weights).sum(), x)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.usefixtures("way")
def test_what_cannot_be_a_number_reaches_the_windows_that_hold_it_alone():
    x = torch.randn(1, 1, 40)
    x[..., 20] = float("nan")
    for pool in (WindowMean(7), WindowMax(7), WindowStatistics(7)):
        assert pool(x)[0, 0].isnan().nonzero().flatten().tolist() == list(range(14, 21))


def test_connections_are_windows():
    pool, x = WindowMean(7), torch.zeros(2, 3, 10)
    assert pool.connections(x, pool(x)) == 2 * 3 * 4 * 7


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: WindowMean(0), "window=0 must be a positive integer"),
        (
            lambda: WindowStatistics(1, correction=1),
            "correction=1 must be 0 or more, and below window=1",
        ),
        (
            lambda: WindowStatistics(9, correction=-1),
            "correction=-1 must be 0 or more, and below window=9",
        ),
        (
            lambda: WindowStatistics(9, smoothing=0.0),
            "smoothing=0.0 must be positive; 1e-05 is the default",
        ),
    ],
)
def test_what_is_refused(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message


def test_it_shows_what_it_was_built_with():
    assert repr(WindowStatistics(9, correction=1)) == (
        "WindowStatistics(window=9, correction=1, smoothing=1e-05)"
    )
