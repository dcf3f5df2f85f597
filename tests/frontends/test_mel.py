"""LogMel against librosa, torchaudio, and physics."""

import librosa
import numpy as np
import pytest
import torch
from oracles import assert_agrees, librosa_mel, torchaudio_mel
from signals import signals

from audiocnn.errors import ParameterError
from audiocnn.frontends import LogMel, LogMelConfig, MelSpectrogram, MelSpectrogramConfig, spectrogram
from audiocnn.frontends.mel import hz_to_mel, mel_filterbank, mel_to_hz

CONFIGS = [
    LogMelConfig(),
    LogMelConfig(mel_scale="slaney", norm="slaney", f_min=20.0, f_max=7600.0),
    LogMelConfig(sample_rate=8000, n_fft=256, win_length=200, hop_length=80, n_mels=24, f_max=4000.0),
    LogMelConfig(sample_rate=32000, n_fft=1024, win_length=1024, hop_length=320, n_mels=64, f_max=14000.0),
]


@pytest.mark.parametrize("oracle", [librosa_mel, torchaudio_mel])
@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.sample_rate}-{c.mel_scale}")
def test_agrees_with(oracle, config):
    for what, clip in signals(config.sample_rate, config.sample_rate // 2).items():
        power = oracle(clip.astype(np.float64), config)
        assert_agrees(config, clip, power, np.log(power + config.floor), what)


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
    monkeypatch.setattr(spectrogram, "NUMBERS_AT_ONCE", at_once * front_end.config.n_fft)
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
        ({"floor": 0.0}, "floor=0.0 must be positive, also in float32; 1e-06 is the default"),
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
