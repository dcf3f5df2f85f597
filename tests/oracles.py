"""What other libraries make of a clip, and how near to it our features must come.

Clips are float64, `(time,)`, and the libraries compute in it where they can: then all error is ours, who
compute in float32. Features are `(rows, frames)`.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType

import librosa
import numpy as np
import numpy.typing as npt
import pytest
import torch

from audiocnn.frontends import FrontEndConfig, MelSpectrogramConfig, create_front_end

__all__ = [
    "assert_agrees",
    "assert_cepstra_agree",
    "assert_logs_agree",
    "assert_powers_agree",
    "float64",
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


def _centred(clip: Array, config: MelSpectrogramConfig) -> Array:
    """Both centre a window in `n_fft`, where ours starts at sample 0."""
    ahead = (config.n_fft - config.win_length) // 2
    return np.pad(clip, (ahead, config.n_fft - config.win_length - ahead))
