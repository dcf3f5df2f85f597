"""Mel spectrograms: the power of a sound in bands spaced as the ear hears pitch."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis
from audiocnn.layers.scan import Scan

__all__ = [
    "LogMel",
    "LogMelConfig",
    "MelScale",
    "hz_to_mel",
    "mel_corners",
    "mel_filterbank",
    "mel_to_hz",
]

MelScale: TypeAlias = Literal["htk", "slaney"]
Array: TypeAlias = npt.NDArray[np.float64]

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
    return mel_to_hz(np.linspace(ends_mel[0], ends_mel[1], n_mels + 2), mel_scale)


def mel_filterbank(
    *,
    sample_rate: int,
    n_fft: int,
    n_mels: int,
    f_min: float,
    f_max: float,
    mel_scale: MelScale,
    norm: Literal["slaney"] | None,
) -> Array:
    """Triangular filters over the bins of an FFT: `(n_mels, n_fft // 2 + 1)`.

    Corners are spaced evenly on the mel scale from `f_min` to `f_max`; each triangle rises
    from one corner to one at the next and falls to the one after, in Hz. With
    `norm="slaney"` each is divided by half its width in Hz, so that all have equal area.

    Raises:
        ParameterError: if a filter is so narrow that it holds no bin.

    >>> bank = mel_filterbank(sample_rate=16000, n_fft=512, n_mels=40, f_min=0.0, f_max=8000.0,
    ...                       mel_scale="htk", norm=None)
    >>> bank.shape
    (40, 257)
    """
    bins_hz = np.fft.rfftfreq(n_fft, 1.0 / sample_rate)
    corners_hz = mel_corners(n_mels=n_mels, f_min=f_min, f_max=f_max, mel_scale=mel_scale)
    low, centre, high = (corners_hz[i : i + n_mels, None] for i in range(3))
    rise = (bins_hz - low) / (centre - low)
    fall = (high - bins_hz) / (high - centre)
    bank = np.maximum(0.0, np.minimum(rise, fall))
    empty = np.flatnonzero(bank.max(axis=1) == 0.0)
    if empty.size:
        i = int(empty[0])
        raise ParameterError(
            f"n_mels={n_mels} is too many for n_fft={n_fft}: filter {i}, {corners_hz[i]:.0f} to "
            f"{corners_hz[i + 2]:.0f} Hz, holds none of the bins {sample_rate / n_fft:.1f} Hz apart; "
            "lower n_mels or raise n_fft"
        )
    return bank if norm is None else bank * 2.0 / (high - low)


# A CPU is two to three times as fast where what it works on stays in its cache.
FRAMES_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True)
class LogMelConfig:
    """Every choice that makes a log-mel spectrogram.

    The defaults are those of keyword spotting at 16 kHz: 30 ms windows every 10 ms. The mel
    scale and norm are torchaudio's defaults; librosa's are `mel_scale="slaney", norm="slaney"`.

    Attributes:
        sample_rate: samples a second.
        n_fft: points of the Fourier transform, at least `win_length`; the rest is zeros.
        win_length: samples in a frame, under a periodic Hann window.
        hop_length: samples from one frame to the next.
        n_mels: mel bands.
        f_min: lower edge of the lowest band, in Hz.
        f_max: upper edge of the highest band, in Hz.
        mel_scale: `"htk"` or `"slaney"`.
        norm: `"slaney"` for bands of equal area, None for equal height.
        floor: added to the mel power before the logarithm.

    Raises:
        ParameterError: for values that cannot work.
    """

    sample_rate: int = 16000
    n_fft: int = 512
    win_length: int = 480
    hop_length: int = 160
    n_mels: int = 40
    f_min: float = 0.0
    f_max: float = 8000.0
    mel_scale: MelScale = "htk"
    norm: Literal["slaney"] | None = None
    floor: float = 1e-6

    def __post_init__(self) -> None:
        for name in ("sample_rate", "n_fft", "win_length", "hop_length", "n_mels"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                default = getattr(LogMelConfig, name)
                raise ParameterError(f"{name}={value!r} must be a positive integer; {default} is the default")
        if self.n_fft < self.win_length:
            raise ParameterError(
                f"n_fft={self.n_fft} must be at least win_length={self.win_length}; "
                f"{2 ** math.ceil(math.log2(self.win_length))} is the next power of two"
            )
        if not 0.0 <= self.f_min < self.f_max <= self.sample_rate / 2:
            raise ParameterError(
                f"f_min={self.f_min:g} and f_max={self.f_max:g} must satisfy 0 <= f_min < f_max <= "
                f"{self.sample_rate / 2:g}, half the sample rate"
            )
        if self.mel_scale not in ("htk", "slaney"):
            raise ParameterError(f"mel_scale={self.mel_scale!r} must be 'htk' or 'slaney'")
        if self.norm not in ("slaney", None):
            raise ParameterError(f"norm={self.norm!r} must be 'slaney' or None")
        if not self.floor > 0.0:
            raise ParameterError(f"floor={self.floor!r} must be positive; 1e-06 is the default")


class LogMel(Scan):
    """Log-mel spectrogram: `(batch, time)` -> `(batch, 1, n_mels, frames)`.

    Samples are on unit scale (-1 to 1). Each frame of `win_length` samples is multiplied
    by a Hann window and filled up with zeros to `n_fft`; the power `|FFT|^2` is summed under
    triangular mel filters, and the result is `ln(mel power + floor)`. Frames begin at
    sample 0 and nothing is padded: it is a scan over samples.

        samples   0      160     320
        frame 0   [------480------]
        frame 1          [------480------]

    Davis & Mermelstein 1980, "Comparison of Parametric Representations for Monosyllabic Word
    Recognition". Agrees with librosa and with torchaudio configured alike (their centred
    window inside `n_fft` starts `(n_fft - win_length) // 2` samples earlier).

    >>> front_end = LogMel(LogMelConfig())
    >>> front_end(torch.zeros(1, 16000)).shape, front_end.geometry
    (torch.Size([1, 1, 40, 98]), Geometry(span=480, stride=160))
    """

    row_axis = None
    window: Tensor
    filters: Tensor

    def __init__(self, config: LogMelConfig) -> None:
        super().__init__()
        self.config = config
        self.time_axis = Axis.scan(config.win_length, config.hop_length)
        turn = 2.0 * np.pi * np.arange(config.win_length) / config.win_length
        filters = mel_filterbank(
            sample_rate=config.sample_rate,
            n_fft=config.n_fft,
            n_mels=config.n_mels,
            f_min=config.f_min,
            f_max=config.f_max,
            mel_scale=config.mel_scale,
            norm=config.norm,
        )
        # Filters are mostly zeros: ten neighbours read few of the bins, and no other need be multiplied.
        self._blocks: list[tuple[slice, slice]] = []
        for first in range(0, config.n_mels, 10):
            bands = slice(first, first + 10)
            bins = np.flatnonzero(filters[bands].any(axis=0))
            self._blocks.append((bands, slice(int(bins[0]), int(bins[-1]) + 1)))
        # made from the config, so not saved with the weights
        self.register_buffer("window", torch.tensor(0.5 - 0.5 * np.cos(turn)).float(), persistent=False)
        self.register_buffer("filters", torch.tensor(filters).float(), persistent=False)

    @property
    def n_freqs(self) -> int:
        """Rows of the features."""
        return self.config.n_mels

    @property
    def band_edges_hz(self) -> list[tuple[float, float]]:
        """Where the filter of each row begins and ends."""
        config = self.config
        corners: list[float] = mel_corners(
            n_mels=config.n_mels, f_min=config.f_min, f_max=config.f_max, mel_scale=config.mel_scale
        ).tolist()
        return list(zip(corners, corners[2:], strict=False))

    def mel_power(self, waveform: Tensor) -> Tensor:
        """Mel power before the logarithm: `(batch, time)` -> `(batch, 1, n_mels, frames)`."""
        if waveform.dim() != 2 or len(waveform) == 0:
            raise ParameterError(
                f"waveform of shape {tuple(waveform.shape)} must be (batch, time), of at least one clip; "
                "waveform[None] makes a batch of one"
            )
        self.require_span(waveform)
        frames = waveform.unfold(-1, self.config.win_length, self.config.hop_length)  # (batch, frames, win)
        batch, n = frames.shape[:2]
        at_once = FRAMES_AT_ONCE if waveform.device.type == "cpu" else batch * n
        rows = max(1, at_once // n)
        pieces = [
            torch.cat([self._piece(part) for part in torch.split(some, at_once, dim=1)], dim=-1)
            for some in torch.split(frames, rows)
        ]
        return torch.cat(pieces).unsqueeze(1)

    def _piece(self, frames: Tensor) -> Tensor:
        """`(batch, frames, win_length)` -> `(batch, n_mels, frames)`."""
        filled_up = F.pad(frames * self.window, (0, self.config.n_fft - self.config.win_length))
        squares = torch.view_as_real(torch.fft.rfft(filled_up)).square()
        power = squares[..., 0] + squares[..., 1]  # (batch, frames, bins); far faster than .sum(-1) or abs()
        power = power.transpose(-1, -2)  # (batch, bins, frames)
        return torch.cat([self.filters[bands, bins] @ power[:, bins] for bands, bins in self._blocks], dim=1)

    def forward(self, waveform: Tensor) -> Tensor:
        """The natural logarithm of mel power plus the floor."""
        return self.mel_power(waveform).add_(self.config.floor).log_()

    def extra_repr(self) -> str:
        """The configuration."""
        return str(self.config)
