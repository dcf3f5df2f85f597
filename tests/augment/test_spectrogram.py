"""SpecAugment blanks whole bands and stretches, within its bounds, and nothing else."""

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.augment.spectrogram import spec_augment
from audiocnn.errors import ParameterError


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(
    masks=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    widths=st.tuples(st.integers(0, 8), st.integers(0, 6)),
    channels=st.integers(1, 2),
    seed=st.integers(0, 2**40),
)
@settings(max_examples=150, deadline=None)
def test_only_whole_bands_and_stretches_within_their_bounds_become_zero(
    masks: tuple[int, int], widths: tuple[int, int], channels: int, seed: int
) -> None:
    features = 1 + torch.rand(5, channels, 8, 100, generator=seeded(1))
    result = spec_augment(
        features,
        n_freq_masks=masks[0],
        max_freq_width=widths[0],
        n_time_masks=masks[1],
        max_time_width=widths[1],
        generator=seeded(seed),
    )
    zero = result == 0
    assert torch.equal(result[~zero], features[~zero])
    bands = zero.all(dim=3).all(dim=1)  # (batch, freq)
    stretches = zero.all(dim=2).all(dim=1)  # (batch, time)
    assert torch.equal(zero, (bands[:, None, :, None] | stretches[:, None, None, :]).expand_as(zero))
    if not bands.all(dim=1).any():  # where every bin is masked every frame is zero
        assert stretches.sum(dim=1).max() <= masks[1] * widths[1] <= 20
    if not stretches.all(dim=1).any():
        assert bands.sum(dim=1).max() <= masks[0] * widths[0]


def test_widths_and_positions_are_drawn_evenly_and_anew_for_each_clip() -> None:
    features = torch.ones(6000, 1, 8, 10)
    result = spec_augment(
        features, n_freq_masks=0, max_freq_width=0, n_time_masks=1, max_time_width=2, generator=seeded()
    )
    lost = result[:, 0, 0] == 0  # (batch, time)
    widths = lost.sum(dim=1).bincount()
    assert len(widths) == 3  # 0, 1 and 2 frames
    assert (widths - 2000).abs().max() < 150  # four standard deviations
    starts = lost[lost.sum(dim=1) == 2].int().argmax(dim=1).bincount()
    assert len(starts) == 9  # wherever two of ten frames fit
    assert (starts - starts.sum() / 9).abs().max() < 60


def test_a_time_mask_of_a_fifth_is_allowed_and_a_frame_more_is_not() -> None:
    def mask(frames: int, n: int, width: int) -> None:
        spec_augment(
            torch.ones(1, 1, 4, frames),
            n_freq_masks=0,
            max_freq_width=0,
            n_time_masks=n,
            max_time_width=width,
            generator=seeded(),
        )

    mask(100, 2, 10)
    mask(100, 1, 20)
    message = (
        "n_time_masks=3 of max_time_width=7 could cover more than a fifth of the 100 frames; "
        "n_time_masks * max_time_width must be at most 20"
    )
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}$"):
        mask(100, 3, 7)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_generators_state_decides_and_the_input_stays(dtype: torch.dtype) -> None:
    features = torch.ones(4, 1, 40, 100, dtype=dtype)
    generator = seeded(3)

    def mask(generator: torch.Generator) -> torch.Tensor:
        return spec_augment(
            features,
            n_freq_masks=2,
            max_freq_width=7,
            n_time_masks=2,
            max_time_width=10,
            generator=generator,
        )

    first, second = mask(generator), mask(generator)
    assert torch.equal(first, mask(seeded(3)))
    assert not torch.equal(first, second)
    assert (features == 1).all()
    assert first.dtype == dtype


@pytest.mark.parametrize(
    ("shape", "numbers", "message"),
    [
        ((4, 100), (1, 1, 1, 1), "features of shape (4, 100) must be (batch, channel, freq, time)"),
        ((1, 1, 4, 100), (-1, 1, 1, 1), "n_freq_masks=-1 must not be negative; 0 masks nothing"),
        ((1, 1, 4, 100), (1, -1, 1, 1), "max_freq_width=-1 must not be negative; 0 masks nothing"),
        ((1, 1, 4, 100), (1, 1, -1, 1), "n_time_masks=-1 must not be negative; 0 masks nothing"),
        ((1, 1, 4, 100), (1, 1, 1, -1), "max_time_width=-1 must not be negative; 0 masks nothing"),
        (
            (1, 1, 4, 100),
            (1, 5, 1, 1),
            "max_freq_width=5 must be at most the 4 bins of the features; 0 masks no bands",
        ),
    ],
)
def test_numbers_that_cannot_work(shape: tuple[int, ...], numbers: tuple[int, ...], message: str) -> None:
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}$"):
        spec_augment(
            torch.ones(shape),
            n_freq_masks=numbers[0],
            max_freq_width=numbers[1],
            n_time_masks=numbers[2],
            max_time_width=numbers[3],
            generator=seeded(),
        )


def test_the_result_is_on_the_inputs_device() -> None:
    # The meta device, which every machine has, refuses to meet tensors of the CPU as a GPU does.
    result = spec_augment(
        torch.ones(2, 1, 8, 50, device="meta"),
        n_freq_masks=1,
        max_freq_width=2,
        n_time_masks=1,
        max_time_width=5,
        generator=seeded(),
    )
    assert result.device.type == "meta"
