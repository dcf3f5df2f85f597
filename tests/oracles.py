"""What other libraries make of a clip, and how near to it our features must come.

Clips are float64, `(time,)`, and the libraries compute in it where they can: then all error is ours, who
compute in float32. Features are `(rows, frames)`.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType

import kaldi_native_fbank as knf
import librosa
import numpy as np
import numpy.typing as npt
import pytest
import torch

from audiocnn.frontends import FrontEndConfig, MelSpectrogramConfig, create_front_end

__all__ = [
    "KALDI_NATIVE_WITHIN",
    "assert_agrees",
    "assert_cepstra_agree",
    "assert_logs_agree",
    "assert_powers_agree",
    "float64",
    "kaldi_native_fbank",
    "kaldi_native_mfcc",
    "librosa_mel",
    "ours",
    "torchaudio_mel",
    "torchaudio_module",
]

Array = npt.NDArray[np.float64]


def ours(config: FrontEndConfig, clip: Array, dtype: torch.dtype = torch.float32) -> Array:
    """Our features."""
    front_end = create_front_end(config).eval().to(dtype)
    return front_end(torch.tensor(clip, dtype=dtype)[None])[0, 0].double().numpy()


def assert_powers_agree(power: Array, expected: Array, what: str, *, within: float = 1e-6) -> None:
    """The difference is within so much of the largest power of the frame."""
    assert power.shape == expected.shape
    assert (np.abs(power - expected) <= within * expected.max(axis=0)).all(), what


def assert_cepstra_agree(cepstra: Array, expected: Array, what: str, *, within: float) -> None:
    """The difference is within so much of the largest coefficient of the frame."""
    assert cepstra.shape == expected.shape
    assert (np.abs(cepstra - expected) <= within * np.abs(expected).max(axis=0)).all(), what


def assert_logs_agree(log: Array, expected: Array, expected_power: Array, what: str) -> None:
    """The relative difference is within 1e-4, for bands of at least a millionth of the frame's largest power.

    A logarithm near zero has no relative error; between -1 and 1 the difference itself is within 1e-4.
    """
    assert log.shape == expected.shape
    assert np.isfinite(log).all(), what
    loud = expected_power >= 1e-6 * expected_power.max(axis=0)
    assert (np.abs(log - expected) <= 1e-4 * np.maximum(1.0, np.abs(expected)))[loud].all(), what


def assert_agrees(
    config: MelSpectrogramConfig, clip: Array, power: Array, log: Array, what: str, *, within: float = 1e-6
) -> None:
    """Our power agrees with theirs, and our logarithm of it."""
    assert_powers_agree(ours(replace(config, scale="linear"), clip), power, what, within=within)
    assert_logs_agree(ours(config, clip), log, power, what)


@contextlib.contextmanager
def float64() -> Iterator[None]:
    """Let torchaudio make its tables in float64; in float32 its filters are off by 6e-6 of their height."""
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


def torchaudio_module() -> ModuleType:
    """torchaudio, or a skipped test."""
    try:
        import torchaudio
    except (ImportError, OSError):
        pytest.skip(
            "torchaudio does not import: install torch 2.11 to 2.14 with torchaudio 2.11, both for one CUDA"
        )
    return torchaudio


def librosa_mel(clip: Array, config: MelSpectrogramConfig) -> Array:
    """Mel power by librosa."""
    power: Array = librosa.feature.melspectrogram(
        y=_centred(clip, config),
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
    return power


def torchaudio_mel(clip: Array, config: MelSpectrogramConfig) -> Array:
    """Mel power by torchaudio."""
    torchaudio = torchaudio_module()
    with float64():
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
        power: Array = transform(torch.tensor(_centred(clip, config))).numpy()
    return power


def kaldi_native_fbank(clip: Array) -> tuple[Array, Array]:
    """Power in 80 mel bands and its logarithm by kaldi-native-fbank, which computes in float32 throughout."""
    options = knf.FbankOptions()
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = 80
    options.use_log_fbank = False
    power = _kaldi_native(knf.OnlineFbank(options), clip)
    options.use_log_fbank = True
    return power, _kaldi_native(knf.OnlineFbank(options), clip)


# In float32 a mel near 2840 is exact to 1e-4, and its triangles have flanks of 35.
KALDI_NATIVE_WITHIN = 2e-5


def kaldi_native_mfcc(clip: Array) -> Array:
    """13 coefficients of 23 mel bands by kaldi-native-fbank."""
    options = knf.MfccOptions()
    options.frame_opts.dither = 0.0
    options.use_energy = False
    return _kaldi_native(knf.OnlineMfcc(options), clip)


def _kaldi_native(online: "knf.OnlineFbank | knf.OnlineMfcc", clip: Array) -> Array:
    online.accept_waveform(16000, (32768.0 * clip).tolist())
    online.input_finished()
    return np.stack([online.get_frame(i) for i in range(online.num_frames_ready)], axis=1).astype(np.float64)


def _centred(clip: Array, config: MelSpectrogramConfig) -> Array:
    """Both centre a window in `n_fft`, where ours starts at sample 0."""
    ahead = (config.n_fft - config.win_length) // 2
    return np.pad(clip, (ahead, config.n_fft - config.win_length - ahead))
