"""Gain and noise are as loud as they say, drawn per clip, and repeat with the generator's state."""

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.augment.waveform import add_noise, random_gain
from audiocnn.errors import ParameterError

decibels = st.floats(-40, 40)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def level_db(waveforms: torch.Tensor) -> torch.Tensor:
    return 10 * waveforms.square().mean(dim=1).log10()


@given(first=decibels, second=decibels, seed=st.integers(0, 2**40))
@settings(max_examples=60, deadline=None)
def test_gains_lie_between_their_limits(first: float, second: float, seed: int) -> None:
    low, high = sorted((first, second))
    waveforms = torch.randn(8, 50, dtype=torch.float64, generator=seeded(1))
    changed = random_gain(waveforms, min_gain_db=low, max_gain_db=high, generator=seeded(seed))
    gains = level_db(changed) - level_db(waveforms)
    assert gains.min() >= low - 1e-9
    assert gains.max() <= high + 1e-9
    # The shape of each clip stays: it is a multiple of what it was.
    ratio = changed / waveforms
    assert torch.allclose(ratio, ratio[:, :1].expand_as(ratio))


def test_gains_are_drawn_per_clip_and_evenly_in_decibels() -> None:
    waveforms = torch.ones(4000, 1, dtype=torch.float64)
    gains = level_db(random_gain(waveforms, min_gain_db=-10, max_gain_db=0, generator=seeded()))
    counts = torch.histc(gains, bins=10, min=-10, max=0)
    assert (counts - 400).abs().max() < 80  # four standard deviations


@pytest.mark.parametrize("snr_db", [-10.0, 0.0, 15.0])
def test_noise_stands_in_its_ratio_to_each_clips_own_power(snr_db: float) -> None:
    loudness = torch.tensor([[1.0], [0.01], [3.0]], dtype=torch.float64)
    time = torch.arange(40000, dtype=torch.float64)
    clean = loudness * (0.3 * time).sin()
    noisy = add_noise(clean, min_snr_db=snr_db, max_snr_db=snr_db, generator=seeded())
    assert torch.allclose(level_db(clean) - level_db(noisy - clean), torch.tensor(snr_db).double(), atol=0.15)


def test_the_noise_is_white_and_differs_between_clips() -> None:
    clean = torch.ones(2, 32768, dtype=torch.float64)
    noise = add_noise(clean, min_snr_db=0, max_snr_db=0, generator=seeded()) - clean
    spectrum = torch.fft.rfft(noise).abs().square()[:, 1:].reshape(2, 8, -1).mean(dim=2)
    assert (10 * (spectrum / spectrum.mean()).log10()).abs().max() < 0.5
    assert abs(torch.corrcoef(noise)[0, 1]) < 0.03


def test_ratios_are_drawn_between_their_limits() -> None:
    clean = torch.ones(64, 4000, dtype=torch.float64)
    snr = -level_db(add_noise(clean, min_snr_db=5, max_snr_db=25, generator=seeded()) - clean)
    assert 5 - 0.5 < snr.min() < 8
    assert 22 < snr.max() < 25 + 0.5


def test_silence_stays_silent_and_nothing_becomes_nan() -> None:
    waveforms = torch.zeros(2, 100)
    waveforms[1] = 0.5
    noisy = add_noise(waveforms, min_snr_db=0, max_snr_db=0, generator=seeded())
    assert torch.equal(noisy[0], waveforms[0])
    assert not torch.equal(noisy[1], waveforms[1])
    assert noisy.isfinite().all()


def gain(
    waveforms: torch.Tensor, generator: torch.Generator, low: float = -6, high: float = 6
) -> torch.Tensor:
    return random_gain(waveforms, min_gain_db=low, max_gain_db=high, generator=generator)


def noise(
    waveforms: torch.Tensor, generator: torch.Generator, low: float = 0, high: float = 20
) -> torch.Tensor:
    return add_noise(waveforms, min_snr_db=low, max_snr_db=high, generator=generator)


@pytest.mark.parametrize("change", [gain, noise])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_generators_state_decides_and_the_input_stays(
    change: Callable[..., Any], dtype: torch.dtype
) -> None:
    waveforms = torch.randn(3, 20, generator=seeded(7)).to(dtype)
    before = waveforms.clone()
    generator = seeded(5)
    first, second = change(waveforms, generator), change(waveforms, generator)
    assert torch.equal(first, change(waveforms, seeded(5)))
    assert not torch.equal(first, second)
    assert torch.equal(waveforms, before)
    assert first.dtype == dtype
    assert first.shape == waveforms.shape


@pytest.mark.parametrize(
    ("change", "named"), [(gain, ("min_gain_db", "max_gain_db")), (noise, ("min_snr_db", "max_snr_db"))]
)
def test_limits_and_shapes_that_cannot_work(change: Callable[..., Any], named: tuple[str, str]) -> None:
    message = f"^{named[0]}=3 must not exceed {named[1]}=1; swap them$"
    with pytest.raises(ParameterError, match=message):
        change(torch.ones(1, 4), seeded(), 3, 1)
    with pytest.raises(ParameterError, match=f"^{named[0]}=nan must not exceed"):
        change(torch.ones(1, 4), seeded(), math.nan, 1)
    with pytest.raises(ParameterError, match=re.escape("waveforms of shape (4,) must be (batch, time)")):
        change(torch.ones(4), seeded())


@pytest.mark.parametrize("change", [gain, noise])
def test_the_result_is_on_the_inputs_device(change: Callable[..., Any]) -> None:
    # The meta device, which every machine has, refuses to meet tensors of the CPU as a GPU does.
    assert change(torch.ones(2, 4, device="meta"), seeded()).device.type == "meta"
