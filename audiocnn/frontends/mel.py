"""Mel spectrograms: the power of a sound in bands spaced as the ear hears pitch."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from audiocnn.frontends.front_end import Array, FrontEnd
from audiocnn.frontends.scale import Scale
from audiocnn.frontends.spectrogram import FrameFeatures, SpectrogramConfig
from audiocnn.frontends.triangles import require_no_empty, triangular_filters

__all__ = [
    "LogMel",
    "LogMelConfig",
    "MelScale",
    "MelSpectrogram",
    "MelSpectrogramConfig",
    "hz_to_mel",
    "mel_corners",
    "mel_filterbank",
    "mel_to_hz",
]

MelScale: TypeAlias = Literal["htk", "slaney"]

# Slaney's scale (Auditory Toolbox, 1998): 3 mel per 200 Hz up to 1 kHz, then 27 mel per factor of 6.4
_SLANEY_HZ_PER_MEL = 200 / 3
_SLANEY_KNEE_HZ = 1000.0
_SLANEY_KNEE_MEL = _SLANEY_KNEE_HZ / _SLANEY_HZ_PER_MEL
_SLANEY_LOG_STEP = math.log(6.4) / 27


def hz_to_mel(frequencies_hz: npt.ArrayLike, mel_scale: MelScale) -> Array:
    """Frequencies in Hz on the mel scale of HTK, `2595 * log10(1 + f / 700)`, or of Slaney.

    >>> hz_to_mel([0.0, 1000.0], "slaney")
    array([ 0., 15.])
    """
    hz = np.asarray(frequencies_hz, dtype=np.float64)
    if mel_scale == "htk":
        return 2595.0 * np.log10(1.0 + hz / 700.0)
    above = _SLANEY_KNEE_MEL + np.log(np.maximum(hz, _SLANEY_KNEE_HZ) / _SLANEY_KNEE_HZ) / _SLANEY_LOG_STEP
    return np.where(hz < _SLANEY_KNEE_HZ, hz / _SLANEY_HZ_PER_MEL, above)


def mel_to_hz(mels: npt.ArrayLike, mel_scale: MelScale) -> Array:
    """The inverse of `hz_to_mel`.

    >>> mel_to_hz([0.0, 15.0], "slaney")
    array([   0., 1000.])
    """
    mel = np.asarray(mels, dtype=np.float64)
    if mel_scale == "htk":
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    above = _SLANEY_KNEE_HZ * np.exp(
        _SLANEY_LOG_STEP * (np.maximum(mel, _SLANEY_KNEE_MEL) - _SLANEY_KNEE_MEL)
    )
    return np.where(mel < _SLANEY_KNEE_MEL, mel * _SLANEY_HZ_PER_MEL, above)


def mel_corners(*, n_mels: int, f_min: float, f_max: float, mel_scale: MelScale) -> Array:
    """The `n_mels + 2` corners in Hz of triangular filters, even on the mel scale; filter i spans i to i + 2.

    >>> mel_corners(n_mels=3, f_min=0.0, f_max=8000.0, mel_scale="htk").round().tolist()
    [0.0, 614.0, 1768.0, 3934.0, 8000.0]
    """
    ends_mel = hz_to_mel([f_min, f_max], mel_scale)
    corners_hz = mel_to_hz(np.linspace(ends_mel[0], ends_mel[1], n_mels + 2), mel_scale)
    corners_hz[[0, -1]] = f_min, f_max  # without the rounding of there and back
    return corners_hz


def mel_filterbank(
    *,
    sample_rate: int,
    n_fft: int,
    n_mels: int,
    f_min: float,
    f_max: float,
    mel_scale: MelScale,
    norm: Literal["slaney"] | None,
    straight_in: Literal["hz", "mel"] = "hz",
    keep_empty: bool = False,
) -> Array:
    """Triangular filters over the bins of an FFT: `(n_mels, n_fft // 2 + 1)`.

    Corners are spaced evenly on the mel scale from `f_min` to `f_max`; each triangle rises
    from one corner to one at the next and falls to the one after, along lines that are straight in Hz
    (librosa, torchaudio) or in mel (Kaldi, TensorFlow). With `norm="slaney"` each is divided by half its
    width in Hz, so that all have equal area.

    Raises:
        ParameterError: if a filter is so narrow that it holds no bin, unless `keep_empty`.

    >>> bank = mel_filterbank(sample_rate=16000, n_fft=512, n_mels=40, f_min=0.0, f_max=8000.0,
    ...                       mel_scale="htk", norm=None)
    >>> bank.shape
    (40, 257)
    """
    bins_hz = np.fft.rfftfreq(n_fft, 1.0 / sample_rate)
    corners_hz = mel_corners(n_mels=n_mels, f_min=f_min, f_max=f_max, mel_scale=mel_scale)
    bins, corners = bins_hz, corners_hz
    if straight_in == "mel":
        bins, corners = hz_to_mel(bins_hz, mel_scale), hz_to_mel(corners_hz, mel_scale)
    bank = triangular_filters(bins, corners)
    if not keep_empty:
        require_no_empty(bank, corners_hz, name="n_mels", sample_rate=sample_rate, n_fft=n_fft)
    return bank if norm is None else bank * 2.0 / (corners_hz[2:, None] - corners_hz[:-2, None])


@dataclass(frozen=True, kw_only=True)
class MelSpectrogramConfig(SpectrogramConfig):
    """Every choice that makes a mel spectrogram; see `SpectrogramConfig` for the others.

    The defaults are those of keyword spotting at 16 kHz: 30 ms windows every 10 ms. The mel
    scale and norm are torchaudio's defaults; librosa's are `mel_scale="slaney", norm="slaney"`.

    Attributes:
        n_mels: mel bands.
        f_min: lower edge of the lowest band, in Hz.
        f_max: upper edge of the highest band, in Hz.
        mel_scale: `"htk"` or `"slaney"`.
        norm: `"slaney"` for bands of equal area, None for equal height.
        straight_in: in what the flanks of the filters are straight, `"hz"` or, as Kaldi's, `"mel"`.
        keep_empty: give also bands so narrow that they hold no bin, which are always silent; otherwise
            they are refused.

    Raises:
        ParameterError: for values that cannot work.
    """

    n_mels: int = 40
    f_min: float = 0.0
    f_max: float = 8000.0
    mel_scale: MelScale = "htk"
    norm: Literal["slaney"] | None = None
    straight_in: Literal["hz", "mel"] = "hz"
    keep_empty: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_positive("n_mels")
        self._require_band()
        self._require_choice("mel_scale", ("htk", "slaney"))
        self._require_choice("norm", ("slaney", None))
        self._require_choice("straight_in", ("hz", "mel"))

    def filterbank(self) -> Array:
        """The triangles, `(n_mels, n_fft // 2 + 1)`."""
        return mel_filterbank(
            sample_rate=self.sample_rate,
            n_fft=self.n_fft,
            n_mels=self.n_mels,
            f_min=self.f_min,
            f_max=self.f_max,
            mel_scale=self.mel_scale,
            norm=self.norm,
            straight_in=self.straight_in,
            keep_empty=self.keep_empty,
        )

    def band_edges_hz(self) -> list[tuple[float, float]]:
        """Where each triangle begins and ends."""
        corners: list[float] = mel_corners(
            n_mels=self.n_mels, f_min=self.f_min, f_max=self.f_max, mel_scale=self.mel_scale
        ).tolist()
        return list(zip(corners, corners[2:], strict=False))


class MelSpectrogram(FrontEnd):
    """Mel spectrogram: `(batch, time)` -> `(batch, 1, n_mels, frames)`.

    The power (or magnitude) spectrum of each frame, as in `Spectrogram`, is summed under triangular mel
    filters; then the config's scale is applied.

    Davis & Mermelstein 1980, "Comparison of Parametric Representations for Monosyllabic Word
    Recognition". Agrees with librosa and with torchaudio configured alike.

    >>> import torch
    >>> front_end = MelSpectrogram(MelSpectrogramConfig())
    >>> front_end(torch.zeros(1, 16000)).shape, front_end.geometry
    (torch.Size([1, 1, 40, 98]), Geometry(span=480, stride=160))
    """

    def __init__(self, config: MelSpectrogramConfig) -> None:
        super().__init__(config, {"frames": FrameFeatures(config)})


@dataclass(frozen=True, kw_only=True)
class LogMelConfig(MelSpectrogramConfig):
    """A mel spectrogram of which the natural logarithm is taken; see `MelSpectrogramConfig`."""

    scale: Scale = "log"


class LogMel(MelSpectrogram):
    """Log-mel spectrogram, `ln(mel power + floor)`: `(batch, time)` -> `(batch, 1, n_mels, frames)`.

    >>> import torch
    >>> front_end = LogMel(LogMelConfig())
    >>> front_end(torch.zeros(1, 16000)).shape, front_end.frame_rate_hz
    (torch.Size([1, 1, 40, 98]), 100.0)
    """
