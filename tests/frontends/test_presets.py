"""Presets against the systems whose features they give."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import librosa
import numpy as np
import pytest
import torch
import torchlibrosa
from oracles import (
    KALDI_NATIVE_WITHIN,
    assert_agrees,
    assert_cepstra_agree,
    assert_logs_agree,
    float64,
    kaldi_native_fbank,
    kaldi_native_mfcc,
    ours,
    torchaudio_module,
)
from signals import signals

from audiocnn.frontends import ClipRange, create_front_end
from audiocnn.frontends.presets import PRESETS

GOLDEN = Path(__file__).parent / "golden"
# What the docstring of the presets says of the samples that go before and after the clip.
PADDING = {
    "librosa": ((1024, 1024), "constant"),
    "torchaudio": ((200, 200), "reflect"),
    "panns": ((512, 512), "reflect"),
    "whisper": ((200, 40), "reflect"),
    "bc_resnet": ((240, 240), "reflect"),
}


def padded(name, clip):
    samples, mode = PADDING[name]
    return np.pad(clip, samples, mode=mode)


# What the library of that name gives, its defaults included: power and its logarithm, (rows, frames).


def kaldi(clip):
    fbank = torchaudio_module().compliance.kaldi.fbank
    waveform = torch.tensor(32768.0 * clip)[None]
    with float64():
        power = fbank(waveform, num_mel_bins=80, use_log_fbank=False)
        return power.T.numpy(), fbank(waveform, num_mel_bins=80).T.numpy()


def librosa_defaults(clip):
    power = librosa.feature.melspectrogram(y=clip, sr=22050, dtype=np.float64)
    return power, librosa.power_to_db(power, amin=1e-10, top_db=None)


def torchaudio_defaults(clip):
    torchaudio = torchaudio_module()
    with float64(), pytest.warns(UserWarning, match="mel filterbank has all zero values"):
        power = torchaudio.transforms.MelSpectrogram()(torch.tensor(clip)).numpy()
    return power, power


@cache
def torchlibrosa_layers():
    return torchlibrosa.Spectrogram(
        n_fft=1024, hop_length=320, win_length=1024, window="hann", center=True, pad_mode="reflect"
    ).double(), torchlibrosa.LogmelFilterBank(
        sr=32000, n_fft=1024, n_mels=64, fmin=50, fmax=14000, ref=1.0, amin=1e-10, top_db=None
    ).double()


def panns(clip):
    spectrogram, log_mel = torchlibrosa_layers()
    power = spectrogram(torch.tensor(clip)[None])
    return (power @ log_mel.melW)[0, 0].T.numpy(), log_mel(power)[0, 0].T.numpy()


def bc_resnet(clip):
    torchaudio = torchaudio_module()
    with float64():
        mel = torchaudio.transforms.MelSpectrogram(
            sample_rate=16000, hop_length=160, n_fft=512, win_length=480, n_mels=40
        )
    power = mel(torch.tensor(clip))
    return power.numpy(), (power + 1e-6).log().numpy()


LIBRARIES: dict[str, Callable] = {
    "kaldi": kaldi,
    "librosa": librosa_defaults,
    "torchaudio": torchaudio_defaults,
    "panns": panns,
    "bc_resnet": bc_resnet,
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_features_are_those_of_the_library(name):
    config = PRESETS[name]
    for what, clip in signals(config.sample_rate, config.sample_rate // 4).items():
        clip = clip.astype(np.float64)
        power, log = LIBRARIES[name](clip)
        assert_agrees(config, padded(name, clip) if name in PADDING else clip, power, log, what)


def test_kaldi_is_kaldi_native_fbank():
    for what, clip in signals(16000, 4000).items():
        power, log = kaldi_native_fbank(clip)
        assert_agrees(PRESETS["kaldi"], clip, power, log, what, within=KALDI_NATIVE_WITHIN)


def test_kaldi_mfcc_is_kaldi_native_fbank():
    for what, clip in signals(16000, 4000).items():
        expected = kaldi_native_mfcc(clip)
        assert_cepstra_agree(ours(PRESETS["kaldi_mfcc"], clip), expected, what, within=IN_FLOAT32)


def kaldi_mfcc(what, clip):
    mfcc = torchaudio_module().compliance.kaldi.mfcc
    with float64():
        return mfcc(torch.tensor(32768.0 * clip.astype(np.float64))[None]).T.numpy()


def tensorflow_kws(what, clip):
    return np.load(GOLDEN / "tensorflow_kws.npz")[what].astype(np.float64)


def mlperf_tiny(what, clip):
    return np.load(GOLDEN / "mlperf_tiny.npz")[what].astype(np.float64)


# Each coefficient hears all bands, and beside a pure tone are bands of less than a millionth of its power,
# whose logarithms single precision does not hold. That the definition is the same double precision shows,
# though the tables of windows and filters are of single precision then too.
IN_FLOAT32, IN_FLOAT64 = 1e-3, 1e-5
CEPSTRA: dict[str, Callable] = {
    "kaldi_mfcc": kaldi_mfcc,
    "tensorflow_kws": tensorflow_kws,
    "mlperf_tiny": mlperf_tiny,
}


@pytest.mark.parametrize("name", CEPSTRA)
def test_cepstra_are_those_of_the_library(name):
    for what, clip in signals(16000, 2400).items():
        expected = CEPSTRA[name](what, clip)
        assert_cepstra_agree(ours(PRESETS[name], clip), expected, what, within=IN_FLOAT32)
        double = ours(PRESETS[name], clip, torch.float64)
        assert_cepstra_agree(double, expected, what, within=IN_FLOAT64)


def test_vggish_is_its_golden_file():
    golden = np.load(GOLDEN / "vggish.npz")
    for what, clip in signals(16000, 2400).items():
        log = golden[what].astype(np.float64)
        assert_logs_agree(ours(PRESETS["vggish"], clip), log, (np.exp(log) - 0.01) ** 2, what)


def test_whisper_is_its_golden_file():
    golden = np.load(GOLDEN / "whisper.npz")
    for what, clip in signals(16000, 2400).items():
        log = ours(PRESETS["whisper"], padded("whisper", clip))
        expected = golden[what].astype(np.float64)
        ranged = (ClipRange(8.0)(torch.tensor(log)[None, None])[0, 0].numpy() + 4.0) / 4.0
        assert_logs_agree(ranged, expected, 10.0 ** (4.0 * expected - 4.0), what)


def test_librosa_keeps_a_range_of_80_db():
    for what, clip in signals(22050, 5000).items():
        power, _ = librosa_defaults(clip.astype(np.float64))
        decibels = torch.tensor(ours(PRESETS["librosa"], padded("librosa", clip)))
        ranged = ClipRange(80.0)(decibels[None, None])[0, 0].numpy()
        assert_logs_agree(ranged, librosa.power_to_db(power, amin=1e-10), power, what)


def test_every_preset_is_compared():
    assert LIBRARIES.keys() | CEPSTRA.keys() | {"vggish", "whisper"} == PRESETS.keys()


def test_four_of_the_bands_of_torchaudio_are_always_silent():
    noise = np.asarray(signals(16000, 4000)["noise at 0 dB"])
    assert (ours(PRESETS["torchaudio"], noise).max(axis=1) == 0.0).sum() == 4


def test_dither_is_of_training_alone():
    front_end = create_front_end(replace(PRESETS["kaldi"], dither=1 / 32768))
    silence = torch.zeros(1, 1600)
    assert (front_end.eval()(silence) == torch.tensor(2.0**-23).log()).all()
    assert (front_end.train()(silence) > torch.tensor(2.0**-23).log()).all()
