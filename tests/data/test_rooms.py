"""Rooms have the physics they are asked for: slope, decay, ratio of direct sound, ratio to the noise."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.data.rooms import colored_noise, mix, reverberate, room_noise, room_response
from audiocnn.errors import ParameterError
from audiocnn.resampling import Samples

RATE = 16000


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def level_db(samples: Samples) -> float:
    return 10 * math.log10(np.mean(np.square(samples, dtype=np.float64)))


def powers(samples: Samples) -> np.ndarray:
    """The power at each multiple of 1 / duration, in Hz."""
    return np.abs(np.fft.rfft(samples.astype(np.float64))) ** 2


# --- noise ---


@pytest.mark.parametrize("slope", [-9.0, -6.0, -3.0, 0.0, 3.0])
def test_each_octave_of_colored_noise_is_fainter_by_the_slope(slope: float) -> None:
    noise = colored_noise(8 * RATE, slope_db_per_octave=slope, sample_rate=RATE, generator=seeded())
    power = powers(noise)  # 8 components to a hertz
    octaves_hz = [31.25 * 2**k for k in range(9)]
    density_db = [
        10 * math.log10(power[int(8 * low) : int(8 * high)].mean())
        for low, high in zip(octaves_hz[:-1], octaves_hz[1:], strict=True)
    ]
    assert np.polyfit(range(8), density_db, 1)[0] == pytest.approx(slope, abs=0.25)
    assert np.abs(np.diff(density_db) - slope).max() < 1.0


def test_colored_noise_is_gaussian_of_level_one_and_has_nothing_below_hearing() -> None:
    noise = colored_noise(10 * RATE, slope_db_per_octave=-3, sample_rate=RATE, generator=seeded())
    assert noise.dtype == np.float32
    assert level_db(noise) == pytest.approx(0, abs=1e-5)
    assert np.mean(noise**4) == pytest.approx(3, abs=0.1)  # as of a normal distribution
    power = powers(noise)
    assert power[: 10 * 20 - 1].max() < 1e-9 * power.max()


@pytest.mark.parametrize("length", [800, 1001, 16000, 33333])
def test_room_noise_has_its_length_and_level_and_is_the_generators_draw(length: int) -> None:
    first, again, other = (room_noise(length, sample_rate=RATE, generator=seeded(seed)) for seed in (3, 3, 4))
    assert first.shape == (length,)
    assert first.dtype == np.float32
    assert level_db(first) == pytest.approx(0, abs=1e-5)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_rooms_differ_in_slope_hum_and_steadiness() -> None:
    rooms = [room_noise(4 * RATE, sample_rate=RATE, generator=seeded(seed)) for seed in range(40)]
    treble_db, hum_db, swing_db = [], [], []
    for noise in rooms:
        power = powers(noise)  # 4 components to a hertz
        treble_db.append(10 * math.log10(power[4 * 2000 : 4 * 8000].sum() / power.sum()))
        mains = max(power[4 * hz - 2 : 4 * hz + 3].max() for hz in (50, 60))
        hum_db.append(10 * math.log10(mains / np.median(power[4 * 45 : 4 * 65])))
        seconds = [level_db(noise[i * RATE : (i + 1) * RATE]) for i in range(4)]
        swing_db.append(max(seconds) - min(seconds))
    assert np.ptp(treble_db) > 10
    assert min(hum_db) < 10 < 20 < max(hum_db)
    assert min(swing_db) < 1.5 < 3 < max(swing_db)


def test_the_global_generator_is_left_alone() -> None:
    np.random.seed(7)
    before = np.random.get_state()[1].copy()
    room_noise(RATE, sample_rate=RATE, generator=seeded())
    room_response(rt60_seconds=0.2, direct_to_reverberant_db=3, sample_rate=RATE, generator=seeded())
    assert np.array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize(("length", "sample_rate"), [(0, 16000), (1, 16000), (300, 30)])
def test_noise_too_short_or_slow_for_a_frequency(length: int, sample_rate: int) -> None:
    with pytest.raises(ParameterError) as error:
        colored_noise(length, slope_db_per_octave=0, sample_rate=sample_rate, generator=seeded())
    assert str(error.value) == (
        f"length={length} samples at {sample_rate} Hz hold no frequency above 20 Hz; "
        "16000 at 16000 Hz are 1 s"
    )


# --- reverberation ---


@pytest.mark.parametrize("rt60", [0.1, 0.3, 0.6])
@pytest.mark.parametrize("ratio_db", [-3.0, 0.0, 15.0])
def test_the_reverberation_decays_as_fast_and_is_as_loud_as_asked_for(rt60: float, ratio_db: float) -> None:
    response = room_response(
        rt60_seconds=rt60, direct_to_reverberant_db=ratio_db, sample_rate=RATE, generator=seeded(1)
    )
    assert response[0] == 1
    tail = response[1:].astype(np.float64)
    assert len(tail) == round(rt60 * RATE)
    assert -10 * math.log10(np.square(tail).sum()) == pytest.approx(ratio_db, abs=1e-4)
    # Schroeder's backward integration, over the 30 dB that standards evaluate
    left_db = 10 * np.log10(np.cumsum(np.square(tail[::-1]))[::-1] / np.square(tail).sum())
    part = (left_db < -5) & (left_db > -35)
    db_per_second = np.polyfit(np.flatnonzero(part) / RATE, left_db[part], 1)[0]
    assert -60 / db_per_second == pytest.approx(rt60, rel=0.05)


@pytest.mark.parametrize("rt60", [0.0, -0.3, 1e-5])
def test_a_reverberation_of_no_sample(rt60: float) -> None:
    with pytest.raises(ParameterError) as error:
        room_response(rt60_seconds=rt60, direct_to_reverberant_db=0, sample_rate=RATE, generator=seeded())
    assert str(error.value) == f"rt60_seconds={rt60} must last at least a sample; 0.3 is a furnished room"


@given(size=st.integers(1, 300), taps=st.integers(1, 300), seed=st.integers(0, 2**40))
@settings(max_examples=60, deadline=None)
def test_reverberation_is_convolution(size: int, taps: int, seed: int) -> None:
    draw = seeded(seed)
    waveform = draw.standard_normal(size, dtype=np.float32)
    response = draw.standard_normal(taps, dtype=np.float32)
    heard = reverberate(waveform, response)
    assert heard.dtype == np.float32
    expected = np.convolve(waveform.astype(np.float64), response)
    assert np.abs(heard - expected).max() <= 1e-5 * max(1, np.abs(expected).max())


@pytest.mark.parametrize(("size", "taps"), [(0, 3), (3, 0)])
def test_nothing_cannot_be_reverberated(size: int, taps: int) -> None:
    with pytest.raises(ParameterError) as error:
        reverberate(np.ones(size, np.float32), np.ones(taps, np.float32))
    assert str(error.value) == (f"waveform has {size} samples, response {taps}; give at least one of each")


# --- mixing ---


@given(
    snr_db=st.floats(-40, 60),
    size=st.integers(2, 200),
    start=st.integers(0, 50),
    after=st.integers(0, 50),
    seed=st.integers(0, 2**40),
)
@settings(max_examples=60, deadline=None)
def test_a_mixture_is_the_signal_and_noise_in_the_ratio_asked_for(
    snr_db: float, size: int, start: int, after: int, seed: int
) -> None:
    draw = seeded(seed)
    signal = draw.standard_normal(size, dtype=np.float32)
    noise = draw.standard_normal(start + size + after, dtype=np.float32)
    noise_before = noise.copy()
    added = mix(signal, noise, snr_db=snr_db, start=start).astype(np.float64)
    added[start : start + size] -= signal
    gain = 10 ** ((level_db(signal) - level_db(noise) - snr_db) / 20)
    rounding = 1e-5 * (np.abs(signal).max() + gain * np.abs(noise).max())
    assert np.abs(added - gain * noise).max() <= rounding
    assert np.array_equal(noise, noise_before)


@pytest.mark.parametrize("start", [2, -1])
def test_a_signal_that_does_not_fit(start: int) -> None:
    with pytest.raises(ParameterError) as error:
        mix(np.ones(3, np.float32), np.ones(4, np.float32), snr_db=10, start=start)
    assert str(error.value) == (
        f"a signal of 3 samples from start={start} on does not fit into noise of 4; "
        "shorten the signal or make more noise"
    )


@pytest.mark.parametrize(
    ("signal", "noise", "silent"),
    [([0.0, 0.0], [1.0, 1.0], "signal"), ([], [1.0], "signal"), ([1.0], [0.0, 0.0], "noise")],
)
def test_silence_has_no_ratio(signal: list[float], noise: list[float], silent: str) -> None:
    with pytest.raises(ParameterError) as error:
        mix(np.array(signal, np.float32), np.array(noise, np.float32), snr_db=10)
    assert str(error.value) == f"the {silent} is silent, so that no snr_db can be met; leave mix out"


@pytest.mark.parametrize("make", [colored_noise, room_noise, room_response])
def test_a_rate_that_there_is_not(make) -> None:
    arguments = {
        colored_noise: {"length": 100, "slope_db_per_octave": 0},
        room_noise: {"length": 100},
        room_response: {"rt60_seconds": 0.3, "direct_to_reverberant_db": 0},
    }[make]
    with pytest.raises(ParameterError) as error:
        make(**arguments, sample_rate=0, generator=seeded())
    assert str(error.value) == "sample_rate=0 must be a positive integer of samples a second, such as 16000"
