"""Gain is as loud as it says, drawn per clip, and repeats with the generator's state."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.augment.waveform import random_gain
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


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_generators_state_decides_and_the_input_stays(dtype: torch.dtype) -> None:
    waveforms = torch.randn(3, 20, generator=seeded(7)).to(dtype)
    before = waveforms.clone()
    generator = seeded(5)
    first = random_gain(waveforms, min_gain_db=-6, max_gain_db=6, generator=generator)
    second = random_gain(waveforms, min_gain_db=-6, max_gain_db=6, generator=generator)
    again = random_gain(waveforms, min_gain_db=-6, max_gain_db=6, generator=seeded(5))
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert torch.equal(waveforms, before)
    assert first.dtype == dtype
    assert first.shape == waveforms.shape


@pytest.mark.parametrize(
    ("shape", "low", "high", "message"),
    [
        ((1, 4), 3, 1, "min_gain_db=3 must not exceed max_gain_db=1; swap them"),
        ((1, 4), math.nan, 1, "min_gain_db=nan must not exceed max_gain_db=1; swap them"),
        ((4,), 0, 1, "waveforms of shape (4,) must be (batch, time)"),
    ],
)
def test_limits_and_shapes_that_cannot_work(shape, low, high, message) -> None:
    with pytest.raises(ParameterError) as error:
        random_gain(torch.ones(shape), min_gain_db=low, max_gain_db=high, generator=seeded())
    assert str(error.value) == message


def test_the_result_is_on_the_inputs_device() -> None:
    # The meta device, which every machine has, refuses to meet tensors of the CPU as a GPU does.
    waveforms = torch.ones(2, 4, device="meta")
    assert random_gain(waveforms, min_gain_db=-6, max_gain_db=6, generator=seeded()).device.type == "meta"
