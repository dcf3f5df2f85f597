"""Spectrograms: the spectrum of one frame of samples after the other, and all that is made of it.

One implementation serves every front-end that begins with a Fourier transform of frames:

    samples ── frame ── window ── spectrum ── bands ── scale ── coefficients
                                  of bins    (mel …)  (log …)   (cepstrum)

Each frame goes through all of it by itself, so some frames at a time do, while they are in the
processor's cache.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.frontends.front_end import Form, FrontEnd, Stage
from audiocnn.frontends.scale import ScaledConfig, root
from audiocnn.frontends.window import WINDOWS, WindowName, window
from audiocnn.geometry import Axis, Geometry

__all__ = ["FrameFeatures", "Spectrogram", "SpectrogramConfig", "in_pieces"]

Array: TypeAlias = npt.NDArray[np.float64]

# A CPU is two to three times as fast where what it works on stays in its cache.
FRAMES_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True)
class SpectrogramConfig(ScaledConfig):
    """Every choice that makes a spectrogram of the bins of a Fourier transform; `ScaledConfig` has its scale.

    Attributes:
        n_fft: points of the Fourier transform, at least `win_length`; the rest is zeros.
        win_length: samples in a frame.
        hop_length: samples from one frame to the next.
        window: what a frame is weighted by, a name of `audiocnn.frontends.window`.
        window_periodic: the window for spectra; Kaldi's is symmetric.
        sample_scale: what samples are multiplied by; Kaldi's features are those of 16-bit samples, 32768.
        dither: deviation of the Gaussian noise added to the samples in training, on unit scale; Kaldi's 1.0
            is 1 / 32768. It is drawn once per sample, where Kaldi draws it for each frame anew.
        remove_dc: subtract its mean from each frame.
        preemphasis: `c` in `x[i] - c * x[i - 1]`, within each frame, whose first sample becomes
            `(1 - c) * x[0]`; 0.97 is usual. The one of a whole recording differs in that sample alone.
    """

    n_fft: int = 512
    win_length: int = 480
    hop_length: int = 160
    window: WindowName = "hann"
    window_periodic: bool = True
    sample_scale: float = 1.0
    dither: float = 0.0
    remove_dc: bool = False
    preemphasis: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_positive("n_fft", "win_length", "hop_length")
        if self.n_fft < self.win_length:
            raise ParameterError(
                f"n_fft={self.n_fft} must be at least win_length={self.win_length}; "
                f"{2 ** math.ceil(math.log2(self.win_length))} is the next power of two"
            )
        self._require_choice("window", WINDOWS)
        if not (self.sample_scale > 0.0 and math.isfinite(self.sample_scale)):
            raise ParameterError(f"sample_scale={self.sample_scale!r} must be positive; 1.0 is the default")
        if not 0.0 <= self.dither < 1.0:
            raise ParameterError(
                f"dither={self.dither!r} must be at least 0 and below 1, full scale; {1 / 32768:g} is Kaldi's"
            )
        if not 0.0 <= self.preemphasis <= 1.0:
            raise ParameterError(f"preemphasis={self.preemphasis!r} must be from 0 to 1; 0.97 is usual")

    def filterbank(self) -> Array | None:
        """Filters over the bins, `(bands, n_fft // 2 + 1)`; None where the bins themselves are the rows."""
        return None

    def cepstral_basis(self) -> Array | None:
        """What coefficients are made with of the scaled bands, `(coefficients, bands)`; None for none."""
        return None

    def band_edges_hz(self) -> list[tuple[float, float]]:
        """Where what each row hears begins and ends: of a bin, half way to the next ones."""
        width = self.sample_rate / self.n_fft
        top = self.sample_rate / 2
        bins = range(self.n_fft // 2 + 1)
        return [(max(0.0, (i - 0.5) * width), min(top, (i + 0.5) * width)) for i in bins]


class FrameFeatures(Stage):
    """Each frame of samples becomes a column of features: `(batch, time)` -> `(batch, 1, rows, frames)`.

    What becomes of a frame is said by the config: its spectrum, `filterbank`, scale and `cepstral_basis`.
    """

    window: Tensor
    filters: Tensor | None
    basis: Tensor | None
    exportable_waves: Tensor

    def __init__(self, config: SpectrogramConfig) -> None:
        super().__init__()
        self.config = config
        self.time_axis = Axis.scan(config.win_length, config.hop_length)
        self._form: Form = "eager"
        self._compiled: Callable[[Tensor], Tensor] | None = None
        self._blocks: list[tuple[slice, slice]] = []
        shape = window(config.window, config.win_length, periodic=config.window_periodic)
        # made from the config, so not saved with the weights
        self._table("window", shape * config.sample_scale)
        filters = config.filterbank()
        self._table("filters", filters)
        self._table("basis", config.cepstral_basis())
        self.register_buffer("exportable_waves", None, persistent=False)
        if filters is not None:
            # Filters are mostly zeros: ten neighbours read few of the bins, and no other need be multiplied.
            for first in range(0, len(filters), 10):
                bands = slice(first, first + 10)
                bins = np.flatnonzero(filters[bands].any(axis=0))
                ends = (int(bins[0]), int(bins[-1]) + 1) if bins.size else (0, 1)
                self._blocks.append((bands, slice(*ends)))

    @property
    def band_edges_hz(self) -> list[tuple[float, float]]:
        """What the config says of its rows."""
        return self.config.band_edges_hz()

    def _table(self, name: str, values: Array | None) -> None:
        table = None if values is None else torch.tensor(values).float()
        self.register_buffer(name, table, persistent=False)

    def use(self, form: Form) -> None:
        """Compute in this form from now on."""
        self._form = form
        self._compiled = torch.compile(self._columns, dynamic=True) if form == "compiled" else None
        waves = self._waves() if form == "exportable" else None
        self.register_buffer("exportable_waves", waves, persistent=False)

    def response(self) -> tuple[Array, Array] | None:
        """The bins in Hz, and the weight that each band gives the power or magnitude there."""
        if self.filters is None:
            return None
        hz: Array = np.fft.rfftfreq(self.config.n_fft, 1 / self.config.sample_rate).astype(np.float64)
        gains: Array = self.filters.detach().cpu().double().numpy()
        return hz, gains

    def forward(self, waveform: Tensor) -> Tensor:
        """The features of every frame."""
        self.require_span(waveform)
        if self.training and self.config.dither:
            waveform = waveform + self.config.dither * torch.randn_like(waveform)
        if self._form == "exportable":
            return self._scaled(self._bands(self._power_by_waves(waveform))).unsqueeze(1)
        frame, columns = self.require_law(), self._compiled or self._columns
        return in_pieces(lambda piece: columns(piece.unfold(-1, frame.span, frame.stride)), waveform, frame)

    def _columns(self, frames: Tensor) -> Tensor:
        """`(batch, frames, win_length)` -> `(batch, rows, frames)`."""
        return self._scaled(self._bands(self._power(frames)))

    def _power(self, frames: Tensor) -> Tensor:
        """`(batch, frames, win_length)` -> `(batch, bins, frames)`."""
        config = self.config
        if config.remove_dc:
            frames = frames - frames.mean(dim=-1, keepdim=True)
        if config.preemphasis:
            before = torch.cat((frames[..., :1], frames[..., :-1]), dim=-1)
            frames = frames - config.preemphasis * before
        filled_up = F.pad(frames * self.window, (0, config.n_fft - config.win_length))
        squares = torch.view_as_real(torch.fft.rfft(filled_up)).square()
        power = squares[..., 0] + squares[..., 1]  # (batch, frames, bins); far faster than .sum(-1) or abs()
        return power.transpose(-1, -2)

    def _power_by_waves(self, waveform: Tensor) -> Tensor:
        """`(batch, time)` -> `(batch, bins, frames)`."""
        waves = F.conv1d(waveform.unsqueeze(1), self.exportable_waves, stride=self.config.hop_length)
        real, imaginary = waves.chunk(2, dim=1)
        return real.square() + imaginary.square()

    def _waves(self) -> Tensor:
        """All that happens to a frame before the square is linear: cosines and sines `(2 * bins, 1, win_length)`."""
        config, n = self.config, self.config.win_length
        phase = 2.0 * np.pi * np.outer(np.arange(config.n_fft // 2 + 1), np.arange(n)) / config.n_fft
        waves = np.concatenate((np.cos(phase), -np.sin(phase))) * self.window.cpu().double().numpy()
        if config.preemphasis:
            emphasized = np.eye(n) - config.preemphasis * np.eye(n, k=-1)
            emphasized[0, 0] -= config.preemphasis
            waves = waves @ emphasized
        if config.remove_dc:
            waves = waves - waves.mean(axis=1, keepdims=True)
        return torch.tensor(waves).to(self.window).unsqueeze(1)

    def _bands(self, power: Tensor) -> Tensor:
        """`(batch, bins, frames)` -> `(batch, bands, frames)`, in memory of its own."""
        spectrum = power if self.config.power == 2 else root(power)
        if self.filters is None:
            return spectrum.clone()
        return torch.cat([self.filters[bands, bins] @ spectrum[:, bins] for bands, bins in self._blocks], dim=1)

    def _scaled(self, bands: Tensor) -> Tensor:
        """`(batch, bands, frames)` -> `(batch, rows, frames)`, in place where that can be."""
        scaled = self.config.scaled(bands)
        return scaled if self.basis is None else self.basis @ scaled


def in_pieces(columns: Callable[[Tensor], Tensor], waveform: Tensor, frame: Geometry) -> Tensor:
    """The features of every frame, some at a time: `(batch, time)` -> `(batch, 1, rows, frames)`.

    Args:
        columns: makes of a piece, `(clips, samples)`, the features of its frames, `(clips, rows, frames)`.
        waveform: at least one frame long.
        frame: how long one is and how far it is to the next.
    """
    batch, n = len(waveform), frame.output_length(waveform.shape[-1])
    at_once = FRAMES_AT_ONCE if waveform.device.type == "cpu" else batch * n
    rows = []
    for clips in torch.split(waveform, max(1, at_once // n)):
        starts = range(0, n, at_once)
        ends = [frame.input_length(min(start + at_once, n)) for start in starts]
        pieces = [clips[:, start * frame.stride : end] for start, end in zip(starts, ends, strict=True)]
        rows.append(torch.cat([columns(piece) for piece in pieces], dim=-1))
    return torch.cat(rows).unsqueeze(1)


class Spectrogram(FrontEnd):
    """Spectrogram of the bins of a Fourier transform: `(batch, time)` -> `(batch, 1, n_fft // 2 + 1, frames)`.

    Each frame of `win_length` samples is weighted by a window and filled up with zeros to `n_fft`; the
    features are `|FFT|^power`, or their logarithm. Frames begin at sample 0 and nothing is padded:

        samples   0      160     320
        frame 0   [------480------]
        frame 1          [------480------]

    librosa and torchaudio centre a window shorter than `n_fft` in it, and so begin each frame
    `(n_fft - win_length) // 2` samples earlier; with their `center=True` another `n_fft // 2`.

    >>> front_end = Spectrogram(SpectrogramConfig(scale="db", floor=1e-10))
    >>> front_end(torch.zeros(1, 16000)).shape, front_end.geometry
    (torch.Size([1, 1, 257, 98]), Geometry(span=480, stride=160))
    """

    def __init__(self, config: SpectrogramConfig) -> None:
        super().__init__(config, {"frames": FrameFeatures(config)})
