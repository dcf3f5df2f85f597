"""Constant-Q spectrograms: as many bins in each octave, as music has, and filters of as many periods."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.frontends.front_end import Array, Form, FrontEnd, Stage
from audiocnn.frontends.long_filters import LongFilters
from audiocnn.frontends.scale import ScaledConfig, root
from audiocnn.frontends.spectrogram import in_pieces
from audiocnn.frontends.window import WINDOWS, WindowName, window
from audiocnn.geometry import Axis

__all__ = ["ConstantQ", "ConstantQConfig", "ConstantQTransform"]

ComplexArray: TypeAlias = npt.NDArray[np.complex128]


@dataclass(frozen=True, kw_only=True)
class ConstantQConfig(ScaledConfig):
    """Every choice that makes a constant-Q or variable-Q transform; `ScaledConfig` has its scale.

    The defaults are those of `librosa.cqt`: seven octaves of semitones from C1.

    Attributes:
        hop_length: samples from one frame to the next.
        f_min: centre of the lowest bin, in Hz.
        n_bins: bins.
        bins_per_octave: bins from one frequency to twice that.
        filter_scale: factor of the length of all filters; below 1 they are shorter and hear wider bands.
        gamma: Hz by which every band is wider than a constant Q would have it, and its filter shorter: the
            variable-Q transform. 24.7 / 0.108 * alpha, 13.2 for 12 bins per octave, makes every band the
            same part of the ear's there, as `librosa.vqt` does; alpha is that of `ConstantQ`.
        window: what a filter is weighted by, a name of `audiocnn.frontends.window`.

    Raises:
        ParameterError: for values that cannot work, such as a bin that reaches beyond half the sample rate.
    """

    sample_rate: int = 22050
    hop_length: int = 512
    f_min: float = 32.703
    n_bins: int = 84
    bins_per_octave: int = 12
    filter_scale: float = 1.0
    gamma: float = 0.0
    window: WindowName = "hann"
    power: Literal[1, 2] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_positive("hop_length", "n_bins", "bins_per_octave")
        self._require_choice("window", WINDOWS)
        for name, usual in (("f_min", "32.703 is C1"), ("filter_scale", "1.0 is the default")):
            value = getattr(self, name)
            if not (value > 0.0 and math.isfinite(value)):
                raise ParameterError(f"{name}={value!r} must be positive; {usual}")
        if not (self.gamma >= 0.0 and math.isfinite(self.gamma)):
            raise ParameterError(f"gamma={self.gamma!r} must be at least 0; 0 is a constant Q")
        low, high = self._edges_hz()
        beyond = np.flatnonzero(high > self.sample_rate / 2)
        if beyond.size:
            i = int(beyond[0])
            remedy = f"n_bins={i} fits" if i else "lower f_min or raise filter_scale"
            raise ParameterError(
                f"n_bins={self.n_bins} is too many: bin {i}, {low[i]:.0f} to {high[i]:.0f} Hz, reaches "
                f"above {self.sample_rate / 2:g} Hz, half the sample rate; {remedy}"
            )
        if (shortest := float(self.filter_lengths()[-1])) < 2.0:
            raise ParameterError(
                f"filter_scale={self.filter_scale:g} leaves {shortest:.1f} samples to the filter of bin "
                f"{self.n_bins - 1}; raise it, so that there are two"
            )

    def frequencies_hz(self) -> Array:
        """The centres of the bins."""
        centres: Array = self.f_min * 2.0 ** (np.arange(self.n_bins) / self.bins_per_octave)
        return centres

    def filter_lengths(self) -> Array:
        """How long the filters are, in samples and fractions of one; the first is the longest."""
        return self.sample_rate / self._widths_hz()

    def filters(self) -> list[tuple[int, ComplexArray]]:
        """Where in a frame each filter begins, and its values; see `ConstantQ`."""
        lengths = self.filter_lengths()
        filters = []
        for hz, length in zip(self.frequencies_hz(), lengths, strict=True):
            before, after = math.ceil(length / 2), math.floor(length / 2)
            weights = window(self.window, before + after)
            turns = hz / self.sample_rate * np.arange(-before, after)
            values = math.sqrt(length) / weights.sum() * weights * np.exp(-2j * np.pi * turns)
            filters.append((math.ceil(lengths[0] / 2) - before, values))
        return filters

    def band_edges_hz(self) -> list[tuple[float, float]]:
        """Half a bandwidth below and above each centre, f (1 - 1 / 2Q) and f (1 + 1 / 2Q); not below 0."""
        low, high = self._edges_hz()
        return list(zip(np.maximum(low, 0.0).tolist(), high.tolist(), strict=True))

    def _edges_hz(self) -> tuple[Array, Array]:
        centres, widths = self.frequencies_hz(), self._widths_hz()
        return centres - widths / 2, centres + widths / 2

    def _widths_hz(self) -> Array:
        two_bins = 2.0 ** (2 / self.bins_per_octave)
        alpha = (two_bins - 1.0) / (two_bins + 1.0)
        widths: Array = (alpha * self.frequencies_hz() + self.gamma) / self.filter_scale
        return widths


class ConstantQTransform(Stage):
    """The constant-Q transform of samples, on the config's scale; see `ConstantQ`.

    Filters are grouped by octaves, so that those of a group are of a length, within a factor of two.
    """

    def __init__(self, config: ConstantQConfig) -> None:
        super().__init__()
        self.config = config
        filters = config.filters()
        self.time_axis = Axis.scan(len(filters[0][1]), config.hop_length)
        self._compiled: Callable[[Tensor], Tensor] | None = None
        self._places: list[tuple[int, int]] = []  # where an octave's filters begin, and how long they are
        self._octaves = nn.ModuleList()  # their tables are the filters in another form
        for first in range(0, config.n_bins, config.bins_per_octave):
            octave = filters[first : first + config.bins_per_octave]
            start, longest = octave[0]
            filled_up = np.zeros((len(octave), len(longest)), dtype=np.complex128)
            for row, (begins, values) in zip(filled_up, octave, strict=True):
                row[begins - start :][: len(values)] = values
            self._places.append((start, len(longest)))
            parts = np.concatenate((filled_up.real, filled_up.imag))
            self._octaves.append(LongFilters(parts, config.hop_length))

    @property
    def band_edges_hz(self) -> list[tuple[float, float]]:
        """What the config says of its bins."""
        return self.config.band_edges_hz()

    def use(self, form: Form) -> None:
        """Compute in this form from now on."""
        super().use(form)
        self._compiled = torch.compile(self._columns, dynamic=True) if form == "compiled" else None

    def response(self) -> tuple[Array, Array]:
        """Frequencies in Hz, and the magnitude that each filter gives a complex wave of amplitude 1 there."""
        filters = self.config.filters()
        n_fft = 2 ** math.ceil(math.log2(len(filters[0][1])))
        gains = [np.abs(np.fft.fft(values.conj(), n_fft))[: n_fft // 2 + 1] for _, values in filters]
        hz: Array = np.fft.rfftfreq(n_fft, 1 / self.config.sample_rate).astype(np.float64)
        return hz, np.stack(gains)

    def forward(self, waveform: Tensor) -> Tensor:
        """The features of every frame."""
        self.require_span(waveform)
        if self._form == "exportable":
            return self._columns(waveform).unsqueeze(1)
        columns, numbers = self._compiled or self._columns, 2 * self.config.n_bins + self.config.hop_length
        return in_pieces(columns, waveform, self.require_law(), numbers)

    def _columns(self, samples: Tensor) -> Tensor:
        """`(batch, samples)` -> `(batch, bins, frames)`."""
        geometry = self.require_law()
        frames = (samples.shape[-1] - geometry.span) // geometry.stride + 1
        powers = []
        for (start, length), filters in zip(self._places, self._octaves, strict=True):
            end = start + (frames - 1) * geometry.stride + length
            waves = filters(samples[:, start:end], exportable=self._form == "exportable")
            real, imaginary = waves.chunk(2, dim=1)
            powers.append(real.square() + imaginary.square())
        power = torch.cat(powers, dim=1)
        return self.config.scaled(power if self.config.power == 2 else root(power))


class ConstantQ(FrontEnd):
    """Constant-Q spectrogram: `(batch, time)` -> `(batch, 1, n_bins, frames)`.

    The bins are at `f = f_min * 2^(k / bins_per_octave)`. Where the bins of a Fourier transform are as wide
    in Hz everywhere, these are as wide in octaves: their filters are as many periods long.

        X[k, j] = sqrt(L) / sum(w) * | sum over t of w[t] x[j hop_length + m + t] e^(-2 pi i f t / rate) |

        L = filter_scale * rate / (alpha f + gamma),    t from 1 - ceil(L / 2) to floor(L / 2)
        alpha = (r^2 - 1) / (r^2 + 1),                  r = 2^(1 / bins_per_octave)

    `w` is the window. With `gamma` 0 a bin is `f / Q` wide where `Q = L f / rate = filter_scale / alpha`,
    17.3 for 12 bins per octave. A tone of amplitude a at f gives `a / 2 * sqrt(L)`, and white noise the
    same in all bins. All filters are centred on sample m of the frame, its middle:

        samples   0             hop           2 hop
        frame 0   [--------------m--------------]                   bin 0
                         [-------m-------]                          an octave above
                             [---m---]                              two octaves above
        frame 1                 [--------------m--------------]

    The span is that of the lowest filter: half a second from C1. A higher `f_min`, fewer bins per octave, a
    `filter_scale` below 1 or a `gamma` make it shorter.

    Brown 1991, "Calculation of a constant Q spectral transform"; Brown & Puckette 1992, "An efficient
    algorithm for the calculation of a constant Q transform"; Schörkhuber & Klapuri 2010, "Constant-Q
    transform toolbox for music processing"; with `gamma`, Schörkhuber, Klapuri, Holighaus & Dörfler 2014, "A
    Matlab Toolbox for Efficient Perfect Reconstruction Time-Frequency Transforms with Log-Frequency
    Resolution". They leave out what is small in the spectrum of a filter, and compute low octaves from a
    signal of a lower rate; here all filters are what the formula says, see `LongFilters`.

    `librosa.cqt` and `librosa.vqt` centre their frame 0 on sample 0; ours are the same frames of a recording
    that `m = (span - 1) // 2` zeros are put before. Of its own filters (`librosa.filters.wavelet`, with
    `norm=1, scale=True`) applied sample by sample ours are within 2e-6 of the frame's peak, the rounding of
    float32; of what is loud outside of all bins another 1e-7 is heard. Its transforms are further from
    them: the highest octave within 3e-4 where `sparsity=0`; the others, each computed at half the rate of the
    one above and centred half a sample of that rate late, within 0.03 on noise, and within 0.13 where
    `gamma=13.2`, but for frames at the ends of a recording.

    >>> import torch
    >>> front_end = ConstantQ(ConstantQConfig())
    >>> front_end(torch.zeros(1, 22050)).shape, front_end.geometry
    (torch.Size([1, 1, 84, 21]), Geometry(span=11685, stride=512))
    """

    def __init__(self, config: ConstantQConfig) -> None:
        super().__init__(config, {"frames": ConstantQTransform(config)})

    def _tables(self) -> dict[str, Tensor]:
        """The filters as they are, as their factors may have other signs on another processor."""
        assert isinstance(self.config, ConstantQConfig)
        filters = torch.cat([torch.view_as_real(torch.tensor(values)) for _, values in self.config.filters()])
        return {"frames.filters": filters} | super()._tables()
