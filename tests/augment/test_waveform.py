"""Gain is as loud as it says, noise at the ratio it says, and a tone is as much higher as it is faster."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.augment.waveform import change_speed, mix_noise, random_equalizer, random_gain
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
    assert change_speed(waveforms, 90).device.type == "meta"
    assert random_equalizer(waveforms, sample_rate=16000, deviation_db=6, generator=seeded()).is_meta
    noisy = mix_noise(waveforms, waveforms, min_snr_db=0, max_snr_db=6, generator=seeded())
    assert noisy.device.type == "meta"


def snr_db(clips: torch.Tensor, noisy: torch.Tensor, heard: slice) -> torch.Tensor:
    signal = clips[:, heard].square().mean(dim=1)
    return 10 * (signal / (noisy - clips).square().mean(dim=1)).log10()


@given(first=decibels, second=decibels, seed=st.integers(0, 2**40))
@settings(max_examples=60, deadline=None)
def test_noise_is_mixed_at_a_ratio_between_the_limits(first: float, second: float, seed: int) -> None:
    low, high = sorted((first, second))
    clips = torch.zeros(8, 90, dtype=torch.float64)
    heard = slice(20, 60)  # the rest is the silence the clip lies in, which must not count
    clips[:, heard] = torch.randn(8, 40, dtype=torch.float64, generator=seeded(1))
    noise = 3 * torch.randn(8, 90, dtype=torch.float64, generator=seeded(2))
    noisy = mix_noise(clips, noise, min_snr_db=low, max_snr_db=high, generator=seeded(seed))
    ratios = snr_db(clips, noisy, heard)
    assert ratios.min() >= low - 1e-6 and ratios.max() <= high + 1e-6
    added = (noisy - clips) / noise
    assert (added > 0).all()  # the padding is filled too
    torch.testing.assert_close(added, added[:, :1].expand_as(added))


def test_ratios_are_drawn_evenly_and_for_the_asked_part_of_the_clips() -> None:
    clips, noise = torch.ones(4000, 2, dtype=torch.float64), torch.ones(4000, 2, dtype=torch.float64)
    noisy = mix_noise(clips, noise, min_snr_db=0, max_snr_db=10, probability=0.5, generator=seeded())
    clean = (noisy == clips).all(dim=1)
    assert abs(int(clean.sum()) - 2000) < 130  # four standard deviations
    counts = torch.histc(snr_db(clips, noisy, slice(None))[~clean], bins=10, min=0, max=10)
    assert (counts - len(counts) ** -1 * (~clean).sum()).abs().max() < 60


def test_silence_becomes_the_noise_itself_and_silent_noise_changes_nothing() -> None:
    noise = torch.randn(2, 9, generator=seeded())
    noise[1] = 0
    clips = torch.stack((torch.zeros(9), torch.ones(9)))
    noisy = mix_noise(clips, noise, min_snr_db=6, max_snr_db=6, generator=seeded())
    assert torch.equal(noisy[0], noise[0]) and torch.equal(noisy[1], clips[1])


@pytest.mark.parametrize(
    ("noise", "low", "high", "probability", "message"),
    [
        ((2, 5), 0, 1, 1, "waveforms (2, 4) and noise (2, 5) must both be (batch, time)"),
        ((2, 4), 3, 1, 1, "min_snr_db=3 must not exceed max_snr_db=1; swap them"),
        ((2, 4), 0, 1, 1.5, "probability=1.5 must be from 0 to 1; 0.8 gives noise to most clips"),
    ],
)
def test_noise_that_cannot_be_mixed(noise, low, high, probability, message) -> None:
    with pytest.raises(ParameterError) as error:
        mix_noise(
            torch.ones(2, 4),
            torch.ones(noise),
            min_snr_db=low,
            max_snr_db=high,
            probability=probability,
            generator=seeded(),
        )
    assert str(error.value) == message


def sine(hz: float, rate: int, seconds: float, dtype=torch.float64) -> torch.Tensor:
    return torch.sin(2 * math.pi * hz / rate * torch.arange(round(seconds * rate), dtype=dtype))


@pytest.mark.parametrize("percent", [50, 80, 90, 99, 101, 105, 110, 125, 200])
@pytest.mark.parametrize("hz", [100.0, 3000.0])
def test_a_tone_is_as_much_higher_as_it_is_faster(percent: int, hz: float) -> None:
    faster = change_speed(sine(hz, 16000, 0.5)[None], percent)[0]
    assert len(faster) == math.ceil(8000 * 100 / percent)
    expected = sine(hz * percent / 100, 16000, 0.5 * 100 / percent + 0.01)[: len(faster)]
    inner = slice(40, -40)  # at the ends a window of silence is heard
    torch.testing.assert_close(faster[inner], expected[inner], rtol=0, atol=2e-3)


def test_what_the_new_rate_cannot_hold_is_gone() -> None:
    kept, gone = (change_speed(sine(hz, 16000, 0.5)[None], 200)[0, 100:-100] for hz in (3000.0, 5000.0))
    assert kept.square().mean() > 0.49
    assert gone.square().mean() < 1e-4


@pytest.mark.parametrize("percent", [90, 105, 125])
def test_speed_is_that_of_torchaudio(percent: int) -> None:
    functional = pytest.importorskip("torchaudio.functional", exc_type=(ImportError, OSError))
    noise = torch.nn.functional.avg_pool1d(torch.randn(1, 4000, generator=seeded()), 4, stride=1)
    ours = change_speed(noise, percent)[0, 100:-100]
    theirs = functional.resample(noise, percent, 100, lowpass_filter_width=8, rolloff=0.95)[0, 100:]
    torch.testing.assert_close(ours, theirs[: len(ours)], rtol=0, atol=1e-5)


@given(length=st.integers(1, 60), percent=st.integers(50, 200))
@settings(max_examples=200, deadline=None)
def test_any_length_at_any_speed(length: int, percent: int) -> None:
    waveforms = torch.randn(2, length, generator=seeded())
    before = waveforms.clone()
    changed = change_speed(waveforms, percent)
    assert changed.shape == (2, math.ceil(length * 100 / percent))
    assert torch.equal(waveforms, before)
    if percent == 100:
        assert changed is waveforms


@pytest.mark.parametrize(
    ("shape", "percent", "message"),
    [
        ((1, 4), 40, "percent=40 must be from 50 to 200; 110 is a tenth faster"),
        ((4,), 110, "waveforms of shape (4,) must be (batch, time)"),
    ],
)
def test_speeds_that_cannot_be_made(shape, percent, message) -> None:
    with pytest.raises(ParameterError) as error:
        change_speed(torch.ones(shape), percent)
    assert str(error.value) == message


def equalized(
    waveforms: torch.Tensor, *, seed: int = 0, rate: int = 16000, **settings: float
) -> torch.Tensor:
    return random_equalizer(waveforms, sample_rate=rate, generator=seeded(seed), **settings)


def tones(*frequencies_hz: float, rows: int = 1) -> torch.Tensor:
    """Their sum, long enough to tell them apart, and none at the ends."""
    time = torch.arange(8000, dtype=torch.float64) / 16000
    waveform = sum(torch.sin(math.tau * hz * time) for hz in frequencies_hz)
    return (waveform * torch.hann_window(8000, periodic=False, dtype=torch.float64)).expand(rows, -1)


def gains_db(before: torch.Tensor, after: torch.Tensor, *frequencies_hz: float) -> torch.Tensor:
    """How much louder each tone has become: `(frequencies, rows)`."""
    bins = [round(hz / 2) for hz in frequencies_hz]  # 8000 samples at 16 kHz
    ratio = torch.fft.rfft(after).abs() / torch.fft.rfft(before).abs()
    return torch.stack([20 * ratio[:, k].log10() for k in bins])


def test_a_flat_response_changes_nothing() -> None:
    waveforms = torch.randn(3, 1001, generator=seeded(1))
    torch.testing.assert_close(equalized(waveforms, deviation_db=0.0), waveforms, rtol=0, atol=1e-5)


def test_gains_are_normal_at_the_points_and_less_between_them() -> None:
    # six points from 0 to 2840 mel: the third at 1136 mel, 1218 Hz; halfway to the next, 1420 mel, 1768 Hz
    waveforms = tones(1218, 1768, rows=2000)
    point, between = gains_db(waveforms, equalized(waveforms, deviation_db=6.0), 1218, 1768)
    assert abs(point.mean()) < 0.6
    assert point.std().item() == pytest.approx(6, rel=0.1)
    assert between.std().item() == pytest.approx(6 / math.sqrt(2), rel=0.1)  # the mean of two
    assert torch.corrcoef(torch.stack((point, between)))[0, 1].item() == pytest.approx(
        math.sqrt(0.5), abs=0.06
    )


def test_a_low_pass_leaves_what_is_below_1_khz_and_falls_by_10_to_50_db() -> None:
    waveforms = tones(500, 950, 2000, 7900, rows=1000)
    changed = equalized(waveforms, deviation_db=0.0, low_pass_probability=1.0)
    low, near, middle, high = gains_db(waveforms, changed, 500, 950, 2000, 7900)
    assert max(low.abs().max(), near.abs().max()) < 0.1
    assert middle.max() < 0.1  # nothing becomes louder
    assert (high <= middle + 0.1).all()
    assert -50.5 < high.min() < -40
    untouched = (middle > -0.1).double().mean()  # corners from 1000 to 2840 mel, 2 kHz being 1521
    assert untouched.item() == pytest.approx((2840 - 1521) / (2840 - 1000), abs=0.06)


def test_some_clips_lose_their_high_frequencies() -> None:
    waveforms = tones(7000, rows=1000)
    changed = equalized(waveforms, deviation_db=0.0, low_pass_probability=0.3)
    (gains,) = gains_db(waveforms, changed, 7000)
    # a corner above 7 kHz, 2696 of the 1000 to 2840 mel, leaves the tone
    lost = 0.3 * (2696 - 1000) / (2840 - 1000)
    assert (gains < -0.1).double().mean().item() == pytest.approx(lost, abs=0.05)


def test_an_equalizer_does_not_smear_round_the_ends() -> None:
    click = torch.zeros(50, 1600)
    click[:, 0] = 1.0
    changed = equalized(click, deviation_db=6.0, low_pass_probability=1.0)
    assert changed[:, 800:].abs().max() < 1e-3


def test_an_equalizer_draws_for_each_clip_from_the_generator_alone() -> None:
    waveforms = torch.randn(1, 500, generator=seeded(1)).expand(2, -1)
    first = equalized(waveforms, deviation_db=6.0, low_pass_probability=0.5, seed=3)
    again = equalized(waveforms, deviation_db=6.0, low_pass_probability=0.5, seed=3)
    other = equalized(waveforms, deviation_db=6.0, low_pass_probability=0.5, seed=4)
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    assert not torch.allclose(first[0], first[1])


@pytest.mark.parametrize(
    ("shape", "settings", "message"),
    [
        ((4,), {"deviation_db": 6}, "waveforms of shape (4,) must be (batch, time)"),
        ((1, 4), {"deviation_db": -1}, "deviation_db=-1 must not be negative; 6 is a good start"),
        (
            (1, 4),
            {"deviation_db": 0, "low_pass_probability": 1.5},
            "low_pass_probability=1.5 must be from 0 to 1",
        ),
        (
            (1, 4),
            {"deviation_db": 0, "rate": 2000},
            "sample_rate=2000 must be above 2000 Hz, to hold the corners of the low-pass",
        ),
    ],
)
def test_responses_that_cannot_work(shape, settings, message) -> None:
    with pytest.raises(ParameterError) as error:
        equalized(torch.ones(shape), **settings)
    assert str(error.value) == message
