"""Attentive statistics against their formula, and against the plain statistics they grow from."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.func import functional_call

from audiocnn.accounting import account
from audiocnn.errors import LawError, ParameterError
from audiocnn.layers import (
    AttentiveStatistics,
    ClipAttentiveStatistics,
    Sequential,
    WindowStatistics,
    window_pool,
)


@pytest.fixture(params=[0, 2**18], ids=["folded", "directly"])
def way(request, monkeypatch):
    """Both ways to pool: by the fold (which a single window never needs), and each window by itself."""
    monkeypatch.setattr(window_pool, "REDUCED_DIRECTLY", request.param)


def by_the_formula(x, scores):
    """Mean and deviation of one window `(batch, channel, time)`."""
    weights = scores.exp() / scores.exp().sum(-1, keepdim=True)
    mean = (weights * x).sum(-1, keepdim=True)
    variance = (weights * (x - mean) ** 2).sum(-1, keepdim=True)
    return torch.cat((mean, (variance + 1e-5).sqrt()), dim=1)


@pytest.mark.parametrize("per_channel", [False, True])
@settings(deadline=None)
@given(window=st.integers(1, 12), extra=st.integers(0, 30), limit=st.sampled_from([0, 2**18]))
def test_the_formula(per_channel, window, extra, limit):
    torch.manual_seed(0)
    pool = AttentiveStatistics(3, window, hidden=5, per_channel=per_channel).double()
    first, _, last = pool.score.branches[1].scans()
    x = torch.randn(2, 3, window + extra, dtype=torch.float64)
    hidden = torch.tanh(torch.einsum("hc,bct->bht", first.weight[..., 0], x) + first.bias[:, None])
    scores = torch.einsum("sh,bht->bst", last.weight[..., 0], hidden)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window_pool, "REDUCED_DIRECTLY", limit)
        y = pool(x)
    expected = [by_the_formula(x[..., t : t + window], scores[..., t : t + window]) for t in range(extra + 1)]
    torch.testing.assert_close(y, torch.cat(expected, dim=-1), rtol=1e-10, atol=1e-10)


@pytest.mark.usefixtures("way")
def test_equal_scores_give_the_plain_statistics():
    pool = AttentiveStatistics(4, 9)
    torch.nn.init.zeros_(pool.score.branches[1].scans()[-1].weight)
    x = torch.randn(2, 4, 40)
    torch.testing.assert_close(pool(x), WindowStatistics(9)(x))


@pytest.mark.usefixtures("way")
def test_a_score_may_be_larger_than_exp_can_hold():
    pool = AttentiveStatistics(1, 3, hidden=1).double()
    first, _, last = pool.score.branches[1].scans()
    with torch.no_grad():
        first.weight.fill_(100.0)
        first.bias.zero_()
        last.weight.fill_(1000.0)  # scores of 1000 and -1000
    x = torch.tensor([[[-1.0, -2.0, -3.0, 1.0, -2.0, -3.0, -4.0]]], dtype=torch.float64, requires_grad=True)
    mean, deviation = pool(x)[0]
    torch.testing.assert_close(mean, torch.tensor([-2.0, 1.0, 1.0, 1.0, -3.0], dtype=torch.float64))
    silence = 1e-5**0.5
    spread = (2 / 3 + 1e-5) ** 0.5
    expected = torch.tensor([spread, silence, silence, silence, spread], dtype=torch.float64)
    torch.testing.assert_close(deviation, expected)
    (mean.sum() + deviation.sum()).backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("level", [0.1, -13.8, 1e4])
@pytest.mark.usefixtures("way")
def test_what_does_not_change_has_a_variance_of_exactly_zero(level):
    y = AttentiveStatistics(2, 84)(torch.full((1, 2, 200), level))
    assert (y[:, 2:] == torch.tensor(1e-5, dtype=torch.float64).sqrt().float()).all()


@pytest.mark.parametrize("length", [4, 9])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.usefixtures("way")
def test_gradients_are_right(length, per_channel):
    pool = AttentiveStatistics(2, 4, hidden=3, per_channel=per_channel).double()
    assert_gradients(pool, torch.randn(1, 2, length, dtype=torch.float64, requires_grad=True))


def test_gradients_of_the_whole_clip_are_right():
    pool = ClipAttentiveStatistics(2, hidden=3).double()
    assert_gradients(pool, torch.randn(1, 2, 5, dtype=torch.float64, requires_grad=True))


def assert_gradients(pool, x):
    names, parameters = zip(*pool.named_parameters(), strict=True)

    def pooled(x, *values):
        return functional_call(pool, dict(zip(names, values, strict=True)), x)

    assert torch.autograd.gradcheck(pooled, (x, *parameters))


def test_the_whole_clip_by_the_formula():
    pool = ClipAttentiveStatistics(3, hidden=5).double()
    first, _, last = pool.scorer.scans()
    x = torch.randn(2, 3, 20, dtype=torch.float64)
    clip = torch.cat((x.mean(-1), (x.var(-1, correction=0) + 1e-5).sqrt()), dim=1)
    seen = torch.cat((x, clip[..., None].expand(-1, -1, 20)), dim=1)
    hidden = torch.tanh(torch.einsum("hc,bct->bht", first.weight[..., 0], seen) + first.bias[:, None])
    scores = torch.einsum("sh,bht->bst", last.weight[..., 0], hidden)
    torch.testing.assert_close(pool(x), by_the_formula(x, scores))


def with_norm(pool, scorer):
    """The pool with a batch norm that does something, and its scorer as a function of what a frame sees."""
    first, _, norm, _, last = scorer.scans()
    torch.nn.init.normal_(norm.running_mean)
    torch.nn.init.uniform_(norm.running_var, 0.5, 2.0)
    pool.eval()

    def scores(seen):
        hidden = torch.einsum("hc,bct->bht", first.weight[..., 0], seen) + first.bias[:, None]
        hidden = (hidden.relu() - norm.running_mean[:, None]) / (norm.running_var[:, None] + norm.eps).sqrt()
        hidden = torch.tanh(hidden * norm.weight[:, None] + norm.bias[:, None])
        return torch.einsum("sh,bht->bst", last.weight[..., 0], hidden) + last.bias[:, None]

    return scores


def test_with_a_norm_it_is_speechbrains_of_a_clip():
    """ReLU and batch norm before the tanh, a constant in the scores, and 1e-12 for the deviation's floor."""
    pool = ClipAttentiveStatistics(3, hidden=5, norm=True, smoothing=1e-12).double()
    scores = with_norm(pool, pool.scorer)
    x = torch.randn(2, 3, 20, dtype=torch.float64)
    clip = torch.cat((x.mean(-1), x.std(-1, correction=0)), dim=1)
    weights = scores(torch.cat((x, clip[..., None].expand(-1, -1, 20)), dim=1)).softmax(dim=-1)
    mean = (weights * x).sum(-1, keepdim=True)
    deviation = (weights * (x - mean) ** 2).sum(-1, keepdim=True).sqrt()
    torch.testing.assert_close(pool(x), torch.cat((mean, deviation), dim=1), rtol=1e-9, atol=1e-9)


@pytest.mark.usefixtures("way")
def test_with_a_norm_it_is_speechbrains_without_the_clip():
    pool = AttentiveStatistics(3, 9, hidden=5, per_channel=True, norm=True, smoothing=1e-12).double()
    scores = with_norm(pool, pool.score.branches[1])
    x = torch.randn(2, 3, 12, dtype=torch.float64)
    windows, weights = x.unfold(-1, 9, 1), scores(x).unfold(-1, 9, 1).softmax(dim=-1)
    mean = (weights * windows).sum(-1)
    deviation = (weights * (windows - mean[..., None]) ** 2).sum(-1).sqrt()
    torch.testing.assert_close(pool(x), torch.cat((mean, deviation), dim=1), rtol=1e-9, atol=1e-9)


@pytest.mark.usefixtures("way")
def test_the_smoothing_is_the_deviation_of_silence():
    for pool in (AttentiveStatistics(2, 9, smoothing=1e-8), ClipAttentiveStatistics(2, smoothing=1e-8)):
        for length in (9, 12):
            deviation = pool(torch.full((1, 2, length), 3.0))[:, 2:]
            torch.testing.assert_close(deviation, torch.full_like(deviation, 1e-4))


def test_large_clips_are_described_one_after_the_other(monkeypatch):
    pool = ClipAttentiveStatistics(4, hidden=3, norm=True).eval()
    x = torch.randn(3, 4, 20)
    together = pool(x)
    monkeypatch.setattr(window_pool, "CACHED", 4 * 20)
    parts = []
    pool.scorer[1].register_forward_pre_hook(lambda _module, inputs: parts.append(len(inputs[0])))
    torch.testing.assert_close(pool(x), together)
    assert parts == [1, 1, 1]


def test_in_training_the_norm_sees_the_whole_batch():
    pool = ClipAttentiveStatistics(8, hidden=3, norm=True).train()
    pool(torch.randn(3, 8, window_pool.CACHED // 8 + 1))  # each clip is too large for the cache
    assert pool.scorer[2].num_batches_tracked == 1


def test_the_clips_part_of_the_score_is_multiplied_once():
    net = Sequential(ClipAttentiveStatistics(4, hidden=3))
    (pool,) = account(net, (4, 20)).layers
    assert pool.macs == (4 * 20 + 8) * 3 + 20 * 3 * 4  # of frame and clip to units, of units to scores
    assert pool.connections == 20 * 3 * (12 + 1) + 20 * 4 * 3


def test_the_whole_clip_cannot_stream():
    with pytest.raises(LawError) as error:
        ClipAttentiveStatistics(2).step(torch.zeros(1, 2, 5))
    assert str(error.value) == (
        "ClipAttentiveStatistics cannot stream: its weights depend on the mean and deviation of the whole "
        "clip; use AttentiveStatistics(..., per_channel=True), or scan by windows (audiocnn.layers.Windows)"
    )


def test_a_stream_scores_every_frame_once():
    pool = AttentiveStatistics(3, 20, hidden=4).double()
    scored = 0

    def count(_module, inputs):
        nonlocal scored
        scored += inputs[0].shape[-1]

    pool.score.branches[1].scans()[0].register_forward_pre_hook(count)
    state = None
    for chunk in torch.randn(1, 3, 60, dtype=torch.float64).split(7, dim=-1):
        _, state = pool.step(chunk, state)
    assert scored == 60


def test_autocast_scores_in_few_bits_and_sums_in_many():
    pool = AttentiveStatistics(4, 50, hidden=8)
    x = torch.randn(1, 4, 120)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = pool(x)
    torch.testing.assert_close(y.float(), pool(x), rtol=0.02, atol=0.02)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: AttentiveStatistics(0, 9), "channels=0 must be a positive integer"),
        (lambda: AttentiveStatistics(4, 0), "window=0 must be a positive integer"),
        (lambda: AttentiveStatistics(4, 9, hidden=0), "hidden=0 must be a positive integer"),
        (lambda: ClipAttentiveStatistics(0), "channels=0 must be a positive integer"),
        (lambda: ClipAttentiveStatistics(4, hidden=-1), "hidden=-1 must be a positive integer"),
        (
            lambda: ClipAttentiveStatistics(4, smoothing=0.0),
            "smoothing=0.0 must be positive; 1e-05 is the default",
        ),
        (
            lambda: AttentiveStatistics(4, 9, smoothing=-1.0),
            "smoothing=-1.0 must be positive; 1e-05 is the default",
        ),
        (
            lambda: ClipAttentiveStatistics(4)(torch.zeros(1, 3, 8)),
            "ClipAttentiveStatistics with channels=4 takes (batch, 4, time), not (1, 3, 8)",
        ),
        (
            lambda: ClipAttentiveStatistics(4)(torch.zeros(1, 4, 2, 8)),
            "ClipAttentiveStatistics with channels=4 takes (batch, 4, time), not (1, 4, 2, 8)",
        ),
        (
            lambda: ClipAttentiveStatistics(4)(torch.zeros(1, 4, 0)),
            (
                "input of 0 steps along time is shorter than the span of ClipAttentiveStatistics, 1; pad "
                "the clip once, before the network"
            ),
        ),
        (
            lambda: AttentiveStatistics(4, 9)(torch.zeros(1, 4, 8)),
            (
                "input of 8 steps along time is shorter than the span of AttentiveStatistics, 9; pad the "
                "clip once, before the network"
            ),
        ),
    ],
)
def test_what_is_refused(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message


def test_it_shows_what_it_was_built_with():
    assert "(pool): WeightedStatistics(window=9, smoothing=0.1)" in repr(
        AttentiveStatistics(4, 9, smoothing=0.1)
    )
    assert repr(ClipAttentiveStatistics(4, hidden=2, smoothing=0.1)).startswith(
        "ClipAttentiveStatistics(\n  4, hidden=2, smoothing=0.1\n"
    )
