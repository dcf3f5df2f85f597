"""Sliding normalisation against the plain loop, and against torchaudio, which follows Kaldi."""

import numpy as np
import pytest
import torch
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.frontends import LogMel, LogMelConfig, SlidingNormalize
from audiocnn.layers import window_pool


@pytest.fixture(params=[0, 2**18], ids=["folded", "directly"], autouse=True)
def way(request, monkeypatch):
    """Both ways to pool windows: by the fold, and each by itself."""
    monkeypatch.setattr(window_pool, "REDUCED_DIRECTLY", request.param)


def features(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Like log-mel: rows of other levels, far from zero."""
    x = torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return (2.0 * x - 10.0 + torch.arange(shape[-2])[:, None]).to(dtype)


def loop(x: np.ndarray, frames: int, position: str, deviation: bool) -> np.ndarray:
    at = frames // 2 if position == "centre" else frames - 1
    columns = []
    for start in range(x.shape[-1] - frames + 1):
        window = x[..., start : start + frames]
        column = x[..., start + at] - window.mean(axis=-1)
        columns.append(column / np.sqrt(window.var(axis=-1) + 1e-5) if deviation else column)
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("deviation", [True, False], ids=["deviation", "mean alone"])
@pytest.mark.parametrize("position", ["centre", "end"])
@pytest.mark.parametrize("frames", [2, 5, 12, 30])
def test_it_is_the_loop(frames, position, deviation):
    x = features(2, 1, 3, 50)
    normalize = SlidingNormalize(frames, position=position, deviation=deviation)
    expected = torch.from_numpy(loop(x.numpy(), frames, position, deviation))
    torch.testing.assert_close(normalize(x), expected, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(normalize(x.float()).double(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("deviation", [True, False], ids=["deviation", "mean alone"])
@pytest.mark.parametrize(("position", "frames"), [("centre", 20), ("centre", 21), ("end", 21)])
def test_it_is_that_of_torchaudio_between_the_ends(position, frames, deviation):
    functional = pytest.importorskip("torchaudio.functional", exc_type=(ImportError, OSError))
    x = features(1, 3, 80)
    centred = position == "centre"
    expected = functional.sliding_window_cmn(
        x.mT.contiguous(),
        cmn_window=frames if centred else frames - 1,
        min_cmn_window=1,
        center=centred,
        norm_vars=deviation,
    ).mT
    first = frames // 2 if centred else frames - 1
    ours = SlidingNormalize(frames, position=position, deviation=deviation)(x)
    # Kaldi adds no 1e-5 to a variance of 4
    torch.testing.assert_close(ours, expected[..., first : first + ours.shape[-1]], rtol=1e-4, atol=1e-9)


def test_silence_is_zero():
    silence = torch.full((1, 1, 3, 100), 1e-6).log()
    assert (SlidingNormalize(30)(silence) == 0).all()
    assert (SlidingNormalize(30, deviation=False)(silence) == 0).all()


def test_what_hardly_changes_is_not_blown_up():
    x = -13.8 + 1e-5 * torch.randn(1, 1, 3, 100, generator=torch.Generator().manual_seed(0))
    assert SlidingNormalize(30)(x).abs().max() < 0.02


def test_small_deviations_are_exact_in_float32():
    x = -13.8 + 3e-3 * torch.randn(1, 1, 3, 100, generator=torch.Generator().manual_seed(0))
    expected = torch.from_numpy(loop(x.double().numpy(), 30, "centre", deviation=True))
    assert (SlidingNormalize(30)(x) - expected).abs().max() <= 1e-6 * expected.abs().max()


def test_a_long_and_loud_past_leaves_no_trace():
    # a running difference would keep the rounding of what it once held
    x = features(1, 1, 3, 3000, dtype=torch.float32)
    x[..., :2000] *= 1e6
    normalize = SlidingNormalize(100)
    alone = normalize(x[..., 2000:])
    assert (normalize(x)[..., 2000:] - alone).abs().max() <= 1e-5 * alone.abs().max()


def test_a_nan_spoils_the_frames_that_read_it():
    x = features(1, 2, 40)
    spoilt = x.clone()
    spoilt[0, 1, 20] = float("nan")
    ours = SlidingNormalize(7)(spoilt)
    reads = torch.zeros(1, 2, 34, dtype=torch.bool)
    reads[0, 1, 14:21] = True
    assert torch.equal(ours.isnan(), reads)


def test_gradients():
    for deviation in (True, False):
        normalize = SlidingNormalize(4, deviation=deviation)
        assert torch.autograd.gradcheck(normalize, features(1, 1, 2, 9).requires_grad_())


def test_a_front_end_normalises_after_deltas():
    waveform = 0.1 * torch.randn(1, 16000, generator=torch.Generator().manual_seed(0))
    config = LogMelConfig(deltas=1, normalization_frames=30, normalization_position="end")
    ours = LogMel(config)(waveform)
    normalize = SlidingNormalize(30, position="end")
    torch.testing.assert_close(ours, normalize(LogMel(LogMelConfig(deltas=1))(waveform)))
    mean_alone = LogMelConfig(deltas=1, normalization_frames=30, normalization_deviation=False)
    expected = SlidingNormalize(30, deviation=False)(LogMel(LogMelConfig(deltas=1))(waveform))
    torch.testing.assert_close(LogMel(mean_alone)(waveform), expected)


@pytest.mark.parametrize(
    ("position", "before", "after"), [("centre", 15, 14), ("end", 29, 0)], ids=["centre", "end"]
)
def test_a_front_end_knows_the_context_of_a_frame(position, before, after):
    config = LogMelConfig(normalization_frames=30, normalization_position=position)
    assert LogMel(config).context == (before * 160, after * 160)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frames": 1}, "frames=1 must be an integer of at least 2; 300 is usual"),
        ({"frames": 3.0}, "frames=3.0 must be an integer of at least 2; 300 is usual"),
        ({"position": "start"}, "position='start' must be 'centre' or 'end'"),
    ],
)
def test_impossible_settings_say_what_would_work(arguments, message):
    with pytest.raises(ParameterError) as error:
        SlidingNormalize(**{"frames": 300} | arguments)
    assert str(error.value) == message


def test_an_impossible_position_in_a_config_says_what_would_work():
    with pytest.raises(ParameterError) as error:
        LogMelConfig(normalization_position="start")
    assert str(error.value) == "normalization_position='start' must be 'centre' or 'end'"
