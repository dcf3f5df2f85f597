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

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.frontends.front_end import Array, Form, FrontEnd, Stage
from audiocnn.frontends.scale import ScaledConfig, root
from audiocnn.frontends.window import WINDOWS, WindowName, window
from audiocnn.geometry import Axis, Geometry

__all__ = ["FrameFeatures", "Spectrogram", "SpectrogramConfig", "in_pieces"]

# A CPU is two to three times as fast where what it works on stays in its cache: so many numbers.
NUMBERS_AT_ONCE = 800_000
# Of fewer frames all filters at once take less time than one call for each few of them.
FEW_FRAMES = 150
# Without an FFT, sums of so many products are added up: float32 loses a fourth of what one long sum does.
WAVE_PIECE = 64


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
    # the same tables in the shape that they are used in
    _sparse_filters: Tensor | None
    _waves: Tensor | None

    def __init__(self, config: SpectrogramConfig) -> None:
        super().__init__()
        self.config = config
        self.time_axis = Axis.scan(config.win_length, config.hop_length)
        self._compiled: Callable[[Tensor], Tensor] | None = None
        shape = window(config.window, config.win_length, periodic=config.window_periodic)
        # made from the config, so not saved with the weights
        self._table("window", shape * config.sample_scale)
        filters = config.filterbank()
        self._table("filters", filters)
        self._table("basis", config.cepstral_basis())
        sparse = None
        if filters is not None and (filters == 0.0).mean() > 0.8:
            # The squares of real and imaginary parts are weighed alike, and need not be added first.
            sparse = np.repeat(filters, 2, axis=1) if config.power == 2 else filters
            self._blocks, self._singles = (_neighbours(sparse, size) for size in (4, 1))
        self._table("_sparse_filters", sparse)
        self._table("_waves", None)

    @property
    def band_edges_hz(self) -> list[tuple[float, float]]:
        """What the config says of its rows."""
        return self.config.band_edges_hz()

    def _table(self, name: str, values: Array | None) -> None:
        table = None if values is None else torch.tensor(values).float()
        self.register_buffer(name, table, persistent=False)

    def use(self, form: Form) -> None:
        """Compute in this form from now on."""
        super().use(form)
        self._compiled = torch.compile(self._columns) if form == "compiled" else None
        self.register_buffer("_waves", self._made_waves() if form == "exportable" else None, persistent=False)

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
        if self._waves is not None:
            return self._exportable(waveform, self._waves).unsqueeze(1)
        frame = self.require_law()
        # the way back to the samples takes minutes to compile
        columns = self._columns if waveform.requires_grad else self._compiled or self._columns

        def of_piece(piece: Tensor) -> Tensor:
            frames = piece.unfold(-1, frame.span, frame.stride)  # (clips, frames, win_length)
            return columns(self._spectrum(frames)).view(-1, *frames.shape[:2]).transpose(0, 1)

        return in_pieces(of_piece, waveform, frame, self.config.n_fft)

    def _spectrum(self, frames: Tensor) -> Tensor:
        """`(clips, frames, win_length)` -> real and imaginary parts, `(clips * frames, bins, 2)`."""
        config = self.config
        if config.remove_dc:
            frames = frames - frames.mean(dim=-1, keepdim=True)
        if config.preemphasis:
            before = torch.cat((frames[..., :1], frames[..., :-1]), dim=-1)
            frames = frames - config.preemphasis * before
        if frames.requires_grad:
            filled_up = F.pad(frames * self.window, (0, config.n_fft - config.win_length))
        else:  # a copy less
            filled_up = frames.new_empty((*frames.shape[:2], config.n_fft))
            torch.mul(frames, self.window, out=filled_up[..., : config.win_length])
            filled_up[..., config.win_length :] = 0.0
        return torch.view_as_real(torch.fft.rfft(filled_up.flatten(0, 1)))

    def _columns(self, spectrum: Tensor) -> Tensor:
        """`(frames, bins, 2)` -> `(rows, frames)`; the spectrum may be overwritten."""
        # what is compiled squares where it reads
        squares = spectrum.square() if torch.compiler.is_compiling() else spectrum.square_()
        if self._sparse_filters is not None and self.config.power == 2:
            return self._scaled(self._bands(squares.flatten(1)))
        power = squares[..., 0] + squares[..., 1]  # far faster than .sum(-1) or abs()
        return self._scaled(self._bands(power if self.config.power == 2 else root(power)))

    def _bands(self, values: Tensor) -> Tensor:
        """`(frames, values)` -> `(bands, frames)`."""
        filters = self._sparse_filters
        if filters is None:
            return values.T if self.filters is None else self.filters @ values.T
        if values.device.type != "cpu":
            return filters @ values.T
        if torch.compiler.is_compiling():  # to a loop for each filter, over what it hears
            return torch.stack([(filters[one, at] * values[:, at]).sum(dim=1) for one, at in self._singles])
        if values.shape[0] < FEW_FRAMES:
            return filters @ values.T
        return torch.cat([filters[some, at] @ values[:, at].T for some, at in self._blocks])

    def _scaled(self, bands: Tensor) -> Tensor:
        """`(..., bands, frames)` -> `(..., rows, frames)`, in place where that can be."""
        scaled = self.config.scaled(bands)
        return scaled if self.basis is None else self.basis @ scaled

    def _exportable(self, waveform: Tensor, waves: Tensor) -> Tensor:
        """`(batch, time)` -> `(batch, rows, frames)`."""
        samples, sums, ahead = waveform.unsqueeze(1), [], 0
        after_first = waveform.shape[-1] - self.config.win_length
        for piece in torch.split(waves, WAVE_PIECE, dim=-1):
            seen = samples[..., ahead : ahead + piece.shape[-1] + after_first]
            sums.append(F.conv1d(seen, piece, stride=self.config.hop_length))
            ahead += piece.shape[-1]
        real, imaginary = sum(sums[1:], sums[0]).chunk(2, dim=1)  # (batch, bins, frames)
        power = real.square() + imaginary.square()
        values = power if self.config.power == 2 else root(power)
        return self._scaled(values if self.filters is None else self.filters @ values)

    def _made_waves(self) -> Tensor:
        """All before the square is linear in a frame: cosines and sines `(2 * bins, 1, win_length)`."""
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


def _neighbours(filters: Array, size: int) -> list[tuple[slice, slice]]:
    """Some filters at a time, and the stretch outside of which all their weights are zero."""
    some = [slice(first, first + size) for first in range(0, len(filters), size)]
    heard = [np.flatnonzero(filters[bands].any(axis=0)) for bands in some]
    ends = [(int(at[0]), int(at[-1]) + 1) if at.size else (0, 1) for at in heard]
    return [(bands, slice(*at)) for bands, at in zip(some, ends, strict=True)]


def in_pieces(columns: Callable[[Tensor], Tensor], waveform: Tensor, frame: Geometry, numbers: int) -> Tensor:
    """The features of every frame, some at a time: `(batch, time)` -> `(batch, 1, rows, frames)`.

    Args:
        columns: makes of a piece, `(clips, samples)`, the features of its frames, `(clips, rows, frames)`.
        waveform: at least one frame long.
        frame: how long one is and how far it is to the next.
        numbers: that are worked on for each frame.
    """
    batch, n = waveform.shape[0], frame.output_length(waveform.shape[1])
    at_once = max(1, NUMBERS_AT_ONCE // numbers) if waveform.device.type == "cpu" else batch * n
    if batch * n <= at_once:
        return columns(waveform).contiguous().unsqueeze(1)
    if n <= at_once:
        return _joined([columns(clips) for clips in torch.split(waveform, at_once // n)], dim=0).unsqueeze(1)
    starts = range(0, n, at_once)
    ends = [frame.input_length(min(start + at_once, n)) for start in starts]
    parts = [slice(start * frame.stride, end) for start, end in zip(starts, ends, strict=True)]
    clips = torch.split(waveform, 1)
    tracks = [_joined([columns(clip[:, part]) for part in parts], dim=-1) for clip in clips]
    return _joined(tracks, dim=0).unsqueeze(1)


def _joined(pieces: list[Tensor], dim: int) -> Tensor:
    return torch.cat(pieces, dim=dim) if len(pieces) > 1 else pieces[0].contiguous()


class Spectrogram(FrontEnd):
    """Spectrogram of the bins of an FFT: `(batch, time)` -> `(batch, 1, n_fft // 2 + 1, frames)`.

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
