"""SincNet: band-pass filters of which only the two cut-off frequencies are learnt."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.frontends.front_end import Array, FrontEnd
from audiocnn.frontends.learnable_filterbank import (
    Compression,
    Filters,
    LearnableFilterbankConfig,
    learnable_stages,
)
from audiocnn.frontends.mel import mel_corners
from audiocnn.frontends.window import window

__all__ = ["SincFilters", "SincNet", "SincNetConfig"]


def _mel_edges_hz(n_filters: int, f_min: float, f_max: float) -> Array:
    """Edges of bands that lie side by side, as wide on the mel scale of HTK as one another."""
    return mel_corners(n_mels=n_filters - 1, f_min=f_min, f_max=f_max, mel_scale="htk")


@dataclass(frozen=True, kw_only=True)
class SincNetConfig(LearnableFilterbankConfig):
    """Every choice that makes a SincNet front-end; see `LearnableFilterbankConfig` for the others.

    The bands begin side by side from `f_min` to `f_max`, equally wide on the mel scale.

    Attributes:
        min_low_hz: no filter's lower cut-off goes below it; where they begin must be above.
        min_band_hz: no band becomes as narrow; as they begin they must be wider.

    Raises:
        ParameterError: for values that cannot work.
    """

    compression: Compression = "log"
    min_low_hz: float = 30.0
    min_band_hz: float = 30.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("min_low_hz", "min_band_hz"):
            value, default = getattr(self, name), getattr(type(self), name)
            if not 0.0 < value < math.inf:
                raise ParameterError(f"{name}={value!r} must be positive; {default:g} is the default")
        if self.f_min <= self.min_low_hz:
            raise ParameterError(
                f"f_min={self.f_min:g} must be above min_low_hz={self.min_low_hz:g}: training could not "
                "move a filter that begins there"
            )
        edges = _mel_edges_hz(self.n_filters, self.f_min, self.f_max)
        narrowest = float(edges[1] - edges[0])
        if narrowest <= self.min_band_hz:
            raise ParameterError(
                f"n_filters={self.n_filters} from f_min={self.f_min:g} to f_max={self.f_max:g} begin with a "
                f"band {narrowest:.1f} Hz wide, which must be above min_band_hz={self.min_band_hz:g}; lower "
                "either"
            )


class SincFilters(Filters):
    """Real band-pass filters, `(2 f2 sinc(2 f2 n) - 2 f1 sinc(2 f1 n)) * hamming[n]`, two numbers each.

    `n` counts samples from the middle, `sinc(x) = sin(pi x) / (pi x)`, and `f1` and `f2` are the cut-off
    frequencies in cycles per sample: the difference of two ideal low-passes, cut off by a window. The gain is
    1 within a band much wider than `sample_rate / kernel_size`. What is learnt is `low` and `band`, in
    radians per sample as the centres of `GaborFilters`:

        2 pi f1 = least low + |low|              at most pi - least band
        2 pi f2 = 2 pi f1 + least band + |band|  at most pi

    Ravanelli & Bengio 2018, "Speaker Recognition from Raw Waveform with SincNet", arXiv 1808.00158. Their
    code first learnt cycles per sample, and later Hz, where a step of training of the same size goes less
    than a thousandth as far; it divides each filter by its largest value, `2 (f2 - f1)`.

    Args:
        n_filters: filters.
        kernel_size: samples.
        sample_rate: samples a second.
        f_min: lower cut-off of the lowest filter to begin with, in Hz.
        f_max: upper cut-off of the highest filter to begin with, in Hz.
        min_low_hz: least lower cut-off.
        min_band_hz: least width.
    """

    time: Tensor
    taper: Tensor

    def __init__(
        self,
        n_filters: int,
        kernel_size: int,
        *,
        sample_rate: int,
        f_min: float,
        f_max: float,
        min_low_hz: float,
        min_band_hz: float,
    ) -> None:
        super().__init__()
        self.sample_rate = sample_rate
        per_hz = 2.0 * math.pi / sample_rate
        self.min_low, self.min_band = min_low_hz * per_hz, min_band_hz * per_hz
        edges = _mel_edges_hz(n_filters, f_min, f_max) * per_hz
        self.low = nn.Parameter(torch.tensor(edges[:-1] - self.min_low).float())
        self.band = nn.Parameter(torch.tensor(edges[1:] - edges[:-1] - self.min_band).float())
        time = torch.arange(kernel_size) - (kernel_size - 1) / 2
        self.register_buffer("time", time, persistent=False)
        taper = torch.tensor(window("hamming", kernel_size, periodic=False)).float()
        self.register_buffer("taper", taper, persistent=False)

    def forward(self) -> Tensor:
        """The kernels, `(n_filters, 1, kernel_size)`."""
        low, high = (values[:, None] / math.pi for values in self._cut_offs())  # 2 f1 and 2 f2
        kernels = (high * (high * self.time).sinc() - low * (low * self.time).sinc()) * self.taper
        return kernels.unsqueeze(1)

    def _cut_offs(self) -> tuple[Tensor, Tensor]:
        """Of each filter, in radians per sample."""
        low = (self.min_low + self.low.abs()).clamp(max=math.pi - self.min_band)
        return low, (low + self.min_band + self.band.abs()).clamp(max=math.pi)

    def band_edges_hz(self) -> list[tuple[float, float]]:
        """The cut-off frequencies."""
        top, hz = self.sample_rate / 2, self.sample_rate / (2.0 * math.pi)
        low, high = ((values.detach().double() * hz).clamp(max=top) for values in self._cut_offs())
        return list(zip(low.tolist(), high.tolist(), strict=True))


class SincNet(FrontEnd):
    """SincNet as a front-end: `(batch, time)` -> `(batch, 1, n_filters, frames)`.

    Band-pass filters with learnt cut-offs, `SincFilters`; the square of what they let through, smoothed by a
    learnt Gaussian, `GaussianLowPass`, and taken once each hop; its natural logarithm, not below
    `ln(floor)`, or PCEN.

    Ravanelli & Bengio 2018, "Speaker Recognition from Raw Waveform with SincNet", arXiv 1808.00158, go on
    otherwise: their filters move over the samples of one window of 200 ms, and of their outputs the absolute
    values pass through a maximum over 3, a normalisation over the whole window and a leaky ReLU into further
    convolutions of the same net. Such a net reads waveforms only; ours takes energies, as `LEAF` does, and so
    any net for spectrograms follows, which also sees the whole as a scan.

    >>> front_end = SincNet(SincNetConfig())
    >>> front_end(torch.zeros(1, 16000)).shape, front_end.geometry
    (torch.Size([1, 1, 40, 95]), Geometry(span=801, stride=160))
    """

    def __init__(self, config: SincNetConfig) -> None:
        filters = SincFilters(
            config.n_filters,
            config.kernel_size,
            sample_rate=config.sample_rate,
            f_min=config.f_min,
            f_max=config.f_max,
            min_low_hz=config.min_low_hz,
            min_band_hz=config.min_band_hz,
        )
        super().__init__(config, learnable_stages(filters, config))
