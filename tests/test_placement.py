"""One rule of placement: all of a clip or all of the window is used, and nothing else is heard."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.errors import ParameterError
from audiocnn.placement import place

lengths = st.lists(st.integers(0, 12), min_size=1, max_size=6)
seeds = st.none() | st.integers(0, 2**40)


def generator_of(seed: int | None) -> torch.Generator | None:
    return None if seed is None else torch.Generator().manual_seed(seed)


def ramp(length: int) -> torch.Tensor:
    return torch.arange(1, length + 1)


@given(lengths=lengths, window=st.integers(1, 12), seed=seeds)
@settings(max_examples=200, deadline=None)
def test_a_window_holds_the_clip_or_a_piece_of_it_and_silence_elsewhere(
    lengths: list[int], window: int, seed: int | None
) -> None:
    batch = place([ramp(length) for length in lengths], window, generator=generator_of(seed))
    assert batch.shape == (len(lengths), window)
    for row, length in zip(batch, lengths, strict=True):
        heard = row[row > 0]
        assert len(heard) == min(length, window)
        assert torch.equal(row.nonzero().diff(dim=0), torch.ones(max(len(heard) - 1, 0), 1))  # in one piece
        assert torch.equal(heard.diff(), torch.ones(max(len(heard) - 1, 0)))  # in order


@given(length=st.integers(1, 40), window=st.integers(1, 40))
def test_centring_follows_the_one_formula(length: int, window: int) -> None:
    row = place([ramp(length)], window)[0]
    left = (window - length) // 2
    if length <= window:
        assert row[left] == 1
    else:
        assert row[0] == 1 - left


@pytest.mark.parametrize(("length", "window"), [(3, 6), (6, 3), (4, 4)])
def test_a_generator_makes_all_positions_equally_likely(length: int, window: int) -> None:
    draws = 4000
    batch = place([ramp(length)] * draws, window, generator=torch.Generator().manual_seed(0))
    positions = abs(window - length) + 1
    counts = torch.unique(batch, dim=0, return_counts=True)[1]
    expected = draws / positions
    assert len(counts) == positions
    assert (counts - expected).abs().max() <= 4 * expected**0.5


@pytest.mark.parametrize(("length", "window", "shift"), [(3, 6, 2), (6, 3, 2), (4, 4, 9), (2, 3, 5)])
def test_a_shift_lets_the_clip_reach_out_of_its_window(length: int, window: int, shift: int) -> None:
    draws = 4000
    generator = torch.Generator().manual_seed(0)
    batch = place([ramp(length)] * draws, window, generator=generator, max_shift=shift)
    positions = {
        tuple(torch.nn.functional.pad(ramp(length), (60, 60))[60 - left : 60 - left + window].tolist())
        for left in range(min(0, window - length) - shift, max(0, window - length) + shift + 1)
    }
    assert {tuple(row) for row in batch.tolist()} == positions


@pytest.mark.parametrize(
    ("length", "window", "shift"), [(3, 8, 0), (8, 3, 0), (4, 5, 9), (4, 4, 1), (2, 9, 0)]
)
@pytest.mark.parametrize("offset", [0, 1, 2, 50])
def test_a_clip_stays_near_the_middle_of_its_window(
    length: int, window: int, shift: int, offset: int
) -> None:
    generator = torch.Generator().manual_seed(0)
    batch = place([ramp(length)] * 4000, window, generator=generator, max_shift=shift, max_offset=offset)
    middle, lefts = (window - length) // 2, set()
    for left in range(min(0, window - length) - shift, max(0, window - length) + shift + 1):
        if abs(left - middle) <= offset:
            lefts.add(left)
    padded = torch.nn.functional.pad(ramp(length), (60, 60))
    assert {tuple(row) for row in batch.tolist()} == {
        tuple(padded[60 - left : 60 - left + window].tolist()) for left in lefts
    }


@pytest.mark.parametrize("dtype", [torch.int16, torch.float32, torch.float64])
def test_the_dtype_of_the_clips_is_kept(dtype: torch.dtype) -> None:
    assert place([torch.ones(2, dtype=dtype)], 3).dtype == dtype


def test_the_clips_stay_as_they_are() -> None:
    clip = torch.ones(3)
    place([clip], 3).zero_()
    assert clip.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("waveforms", "window", "message"),
    [
        ([torch.ones(2)], 0, r"^window=0 must be a positive number of samples; 16000 is 1 s at 16 kHz$"),
        ([], 4, r"^waveforms is empty; give at least one clip$"),
        (
            [torch.ones(2, 9)],
            4,
            r"^a waveform of shape \(2, 9\) must be \(time,\); mix its channels down first$",
        ),
    ],
)
def test_what_cannot_be_placed(waveforms: list[torch.Tensor], window: int, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        place(waveforms, window)


@pytest.mark.parametrize("name", ["max_shift", "max_offset"])
def test_neither_shift_nor_offset_is_negative(name: str) -> None:
    with pytest.raises(ParameterError) as error:
        place([torch.ones(2)], 3, **{name: -1})
    assert str(error.value) == f"{name}=-1 must not be negative; 1600 is 0.1 s at 16 kHz"
