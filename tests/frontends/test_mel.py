"""LogMel against librosa, torchaudio, and physics."""

from dataclasses import fields

import librosa
import numpy as np
import pytest
import torch
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.frontends import LogMel, LogMelConfig, MelSpectrogram, MelSpectrogramConfig, spectrogram
from audiocnn.frontends.mel import hz_to_mel, mel_filterbank, mel_to_hz

CONFIGS = [
    LogMelConfig(),
    LogMelConfig(mel_scale="slaney", norm="slaney", f_min=20.0, f_max=7600.0),
    LogMelConfig(sample_rate=8000, n_fft=256, win_length=200, hop_length=80, n_mels=24, f_max=4000.0),
    LogMelConfig(sample_rate=32000, n_fft=1024, win_length=1024, hop_length=320, n_mels=64, f_max=14000.0),
]


def signals(sample_rate: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    time = torch.arange(sample_rate, dtype=torch.float64) / sample_rate
    noise = torch.randn(sample_rate, generator=generator, dtype=torch.float64)
    tone = torch.sin(2 * torch.pi * 1000.0 * time)
    sweep = torch.sin(2 * torch.pi * (50.0 + 1500.0 * time) * time)
    full_scale = {"noise": 0.3 * noise, "tone": tone, "sweep": sweep, "mixed": 0.5 * tone + 0.01 * noise}
    return {
        f"{name} at {level_db} dB": (signal * 10 ** (level_db / 20)).float()
        for name, signal in full_scale.items()
        for level_db in (0, -30, -60, -90)
    } | {"silence": torch.zeros(sample_rate)}


def librosa_mel_power(waveform: Tensor, config: LogMelConfig) -> Tensor:
    # librosa centres the window inside n_fft; ours starts at sample 0
    ahead = (config.n_fft - config.win_length) // 2
    behind = config.n_fft - config.win_length - ahead
    padded = np.pad(waveform.double().numpy(), (ahead, behind))
    power = librosa.feature.melspectrogram(
        y=padded,
        sr=config.sample_rate,
        n_fft=config.n_fft,
        win_length=config.win_length,
        hop_length=config.hop_length,
        window="hann",
        center=False,
        power=2.0,
        n_mels=config.n_mels,
        fmin=config.f_min,
        fmax=config.f_max,
        htk=config.mel_scale == "htk",
        norm=config.norm,
        dtype=np.float64,
    )
    return torch.from_numpy(power)


def torchaudio_mel_power(waveform: Tensor, config: LogMelConfig) -> Tensor:
    try:
        import torchaudio
    except (ImportError, OSError):
        pytest.skip(
            "torchaudio does not import: install torch 2.11 to 2.14 with torchaudio 2.11, both for one CUDA"
        )
    ahead = (config.n_fft - config.win_length) // 2
    behind = config.n_fft - config.win_length - ahead
    # Made in float32, torchaudio's filters are off by up to 6e-6 of their height (librosa's exact
    # ones differ from them by as much); made in float64 they are the same filters.
    torch.set_default_dtype(torch.float64)
    try:
        transform = torchaudio.transforms.MelSpectrogram(
            sample_rate=config.sample_rate,
            n_fft=config.n_fft,
            win_length=config.win_length,
            hop_length=config.hop_length,
            center=False,
            power=2.0,
            n_mels=config.n_mels,
            f_min=config.f_min,
            f_max=config.f_max,
            mel_scale=config.mel_scale,
            norm=config.norm,
        )
    finally:
        torch.set_default_dtype(torch.float32)
    return transform(torch.nn.functional.pad(waveform.double(), (ahead, behind)))


@pytest.mark.parametrize("oracle", [librosa_mel_power, torchaudio_mel_power])
@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.sample_rate}-{c.mel_scale}")
def test_agrees_with(oracle, config):
    front_end = LogMel(config)
    linear = MelSpectrogram(
        MelSpectrogramConfig(**{f.name: getattr(config, f.name) for f in fields(config) if f.name != "scale"})
    )
    for name, waveform in signals(config.sample_rate).items():
        expected = oracle(waveform, config)
        power = linear(waveform[None])[0, 0].double()
        assert power.shape == expected.shape
        peak = expected.amax(dim=0)
        assert ((power - expected).abs() <= 1e-6 * peak).all(), name

        log = front_end(waveform[None])[0, 0].double()
        expected_log = (expected + config.floor).log()
        loud = expected > 1e-6 * peak
        # a logarithm near zero has no relative error; there it is one of the power
        assert ((log - expected_log).abs() <= 1e-4 * expected_log.abs().clamp(min=1.0))[loud].all(), name
        assert log.isfinite().all(), name


def test_a_tone_lands_in_its_band():
    config = LogMelConfig()
    time = torch.arange(16000) / 16000
    corners_hz = mel_to_hz(np.linspace(0.0, hz_to_mel(8000.0, "htk"), 42), "htk")
    for band in (5, 15, 25, 35):
        tone = torch.sin(2 * torch.pi * corners_hz[band + 1] * time)
        assert (LogMel(config)(tone[None])[0, 0].argmax(dim=0) == band).all()


def test_twice_the_amplitude_is_four_times_the_power():
    waveform = torch.randn(1, 4000, generator=torch.Generator().manual_seed(1))
    front_end = MelSpectrogram(MelSpectrogramConfig())
    torch.testing.assert_close(front_end(2 * waveform), 4 * front_end(waveform))


@pytest.mark.parametrize("at_once", [1, 3, 7, 40])
def test_work_done_in_pieces_is_the_whole(monkeypatch, at_once):
    front_end = LogMel(LogMelConfig(n_mels=23)).double()
    waveform = torch.randn(5, 480 + 160 * 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    whole = front_end(waveform)  # (5, 1, 23, 9)
    monkeypatch.setattr(spectrogram, "FRAMES_AT_ONCE", at_once)
    torch.testing.assert_close(front_end(waveform), whole, rtol=1e-12, atol=0.0)


def test_silence_is_the_floor_exactly():
    features = LogMel(LogMelConfig())(torch.zeros(2, 1000))
    assert (features == torch.tensor(1e-6).log()).all()


def test_a_gradient_reaches_the_waveform():
    waveform = torch.randn(1, 700, dtype=torch.float64, requires_grad=True)
    front_end = LogMel(LogMelConfig(floor=1e-2)).double()
    assert torch.autograd.gradcheck(front_end, waveform, fast_mode=True)


@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_mel_scales_agree_with_librosa(scale):
    hz = np.linspace(0.0, 22050.0, 500)
    mel = hz_to_mel(hz, scale)
    np.testing.assert_allclose(mel, librosa.hz_to_mel(hz, htk=scale == "htk"), rtol=1e-12)
    np.testing.assert_allclose(mel_to_hz(mel, scale), hz, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hop_length": 0}, "hop_length=0 must be a positive integer; 160 is the default"),
        ({"n_mels": 2.5}, "n_mels=2.5 must be a positive integer; 40 is the default"),
        (
            {"n_fft": 256},
            "n_fft=256 must be at least win_length=480; 512 is the next power of two",
        ),
        (
            {"sample_rate": 8000},
            "f_min=0 and f_max=8000 must satisfy 0 <= f_min < f_max <= 4000, half the sample rate",
        ),
        ({"mel_scale": "bark"}, "mel_scale='bark' must be 'htk' or 'slaney'"),
        ({"norm": "l1"}, "norm='l1' must be 'slaney' or None"),
        ({"floor": 0.0}, "floor=0.0 must be positive; 1e-06 is the default"),
    ],
)
def test_impossible_configs_say_what_would_work(changes, message):
    with pytest.raises(ParameterError) as error:
        LogMelConfig(**changes)
    assert str(error.value) == message


def test_a_filter_without_a_bin_is_refused():
    with pytest.raises(ParameterError) as error:
        LogMel(LogMelConfig(n_mels=128))
    assert str(error.value) == (
        "n_mels=128 is too many for n_fft=512: filter 0, 0 to 28 Hz, holds none of the bins "
        "31.2 Hz apart; lower n_mels or raise n_fft"
    )


def test_filterbank_agrees_with_librosa():
    ours = mel_filterbank(
        sample_rate=16000, n_fft=512, n_mels=40, f_min=20.0, f_max=7000.0, mel_scale="slaney", norm="slaney"
    )
    theirs = librosa.filters.mel(sr=16000, n_fft=512, n_mels=40, fmin=20.0, fmax=7000.0, dtype=np.float64)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
