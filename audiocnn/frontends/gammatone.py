"""Gammatone spectrograms: the power of a sound in bands shaped as the filters of the inner ear."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiocnn.errors import ParameterError
from audiocnn.frontends.front_end import Array, FrontEnd
from audiocnn.frontends.scale import Scale
from audiocnn.frontends.spectrogram import FrameFeatures, SpectrogramConfig

__all__ = [
    "BANDWIDTH_ERB",
    "GammatoneSpectrogram",
    "GammatoneSpectrogramConfig",
    "erb_centres_hz",
    "erb_hz",
    "erb_rate",
    "erb_rate_to_hz",
]

_ORDER = 4
BANDWIDTH_ERB = 1.019  # of Patterson et al. 1992: then a filter of order 4 is as wide as its ERB
# (1 + x^2)^-4 is a half at this x: the distance in bandwidths at which a filter is 3 dB down
_HALF_POWER = math.sqrt(2.0 ** (1.0 / _ORDER) - 1.0)


def erb_hz(frequencies_hz: npt.ArrayLike) -> Array:
    """Equivalent rectangular bandwidth of the ear's filter at these frequencies, `24.7 (1 + 4.37 f / 1000)`.

    Glasberg & Moore 1990, "Derivation of auditory filter shapes from notched-noise data".

    >>> erb_hz([100.0, 1000.0]).round(1).tolist()
    [35.5, 132.6]
    """
    return 24.7 * (1.0 + 4.37e-3 * np.asarray(frequencies_hz, dtype=np.float64))


def erb_rate(frequencies_hz: npt.ArrayLike) -> Array:
    """How many equivalent rectangular bandwidths lie below: `21.4 log10(1 + 4.37 f / 1000)`.

    >>> erb_rate([0.0, 1000.0]).round(2).tolist()
    [0.0, 15.62]
    """
    return 21.4 * np.log10(1.0 + 4.37e-3 * np.asarray(frequencies_hz, dtype=np.float64))


def erb_rate_to_hz(rates: npt.ArrayLike) -> Array:
    """The inverse of `erb_rate`.

    >>> erb_rate_to_hz(erb_rate([50.0, 1000.0])).round(6).tolist()
    [50.0, 1000.0]
    """
    return (10.0 ** (np.asarray(rates, dtype=np.float64) / 21.4) - 1.0) / 4.37e-3


def erb_centres_hz(count: int, *, f_min: float, f_max: float) -> Array:
    """Frequencies even on the ERB-rate scale, the first and the last included.

    >>> erb_centres_hz(3, f_min=0.0, f_max=8000.0).round().tolist()
    [0.0, 1143.0, 8000.0]
    """
    ends = erb_rate([f_min, f_max])
    return erb_rate_to_hz(np.linspace(ends[0], ends[1], count))


@dataclass(frozen=True, kw_only=True)
class GammatoneSpectrogramConfig(SpectrogramConfig):
    """Every choice that makes a gammatone spectrogram; see `SpectrogramConfig` for the others.

    The natural logarithm is taken, as nets are usually given it; `scale="linear"` leaves the power.

    Attributes:
        n_bands: filters, their centres even on the ERB-rate scale from `f_min` to `f_max`.
        f_min: centre of the lowest filter, in Hz.
        f_max: centre of the highest filter, in Hz, at most half the sample rate.

    Raises:
        ParameterError: for values that cannot work, such as a filter between two bins of the spectrum.
    """

    n_bands: int = 40
    f_min: float = 50.0
    f_max: float = 7500.0
    scale: Scale = "log"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_positive("n_bands")
        self._require_band()

    def filterbank(self) -> Array:
        """The squared responses at the bins, `(n_bands, n_fft // 2 + 1)`."""
        bins = np.fft.rfftfreq(self.n_fft, 1.0 / self.sample_rate)
        centres, widths = self._centres_and_widths_hz()
        bank: Array = (1.0 + ((bins - centres[:, None]) / widths[:, None]) ** 2) ** -_ORDER
        empty = np.flatnonzero(bank.max(axis=1) < 0.5)
        if empty.size:
            i = int(empty[0])
            reach = _HALF_POWER * widths[i]
            raise ParameterError(
                f"f_min={self.f_min:g} is too low for n_fft={self.n_fft}: filter {i}, "
                f"{centres[i] - reach:.0f} to {centres[i] + reach:.0f} Hz, holds none of the bins "
                f"{self.sample_rate / self.n_fft:.1f} Hz apart; raise f_min or n_fft"
            )
        return bank

    def band_edges_hz(self) -> list[tuple[float, float]]:
        """Where the response of each filter is half its peak (3 dB down), within 0 Hz to half the rate."""
        centres, widths = self._centres_and_widths_hz()
        low = np.maximum(centres - _HALF_POWER * widths, 0.0)
        high = np.minimum(centres + _HALF_POWER * widths, self.sample_rate / 2)
        return list(zip(low.tolist(), high.tolist(), strict=True))

    def _centres_and_widths_hz(self) -> tuple[Array, Array]:
        centres = erb_centres_hz(self.n_bands, f_min=self.f_min, f_max=self.f_max)
        return centres, BANDWIDTH_ERB * erb_hz(centres)


class GammatoneSpectrogram(FrontEnd):
    """Gammatone spectrogram: `(batch, time)` -> `(batch, 1, n_bands, frames)`.

    The power spectrum of each frame, as in `Spectrogram`, is summed under the squared magnitude responses
    of gammatone filters; then the config's scale is applied, by default `ln(power + floor)`. The filter with
    its centre at `c` Hz has the impulse response `t^3 exp(-2 pi b t) cos(2 pi c t)` with the bandwidth
    `b = 1.019 * 24.7 * (1 + 4.37 c / 1000)`, and the squared response

        (1 + ((f - c) / b)^2)^-4

    Its peak is 1, and it is a half at `c - 0.435 b` and `c + 0.435 b`, which `band_edges_hz` gives. Unlike
    triangles these filters have skirts, which fall by 24 dB for each doubling of the distance from `c`; and
    of the scale up to 8 kHz 47 % lies below 1 kHz, of the mel scale 35 %.

    Patterson et al. 1992, "Complex Sounds and Auditory Images"; Slaney 1993, "An Efficient Implementation
    of the Patterson-Holdsworth Auditory Filter Bank"; the scale is that of Glasberg & Moore 1990. Where we
    deviate: the filters weigh spectra of windowed frames instead of running over samples, so that their
    response in time is that of the window; and the image at `-c` that a real filter has is left out, 0.2 % of
    the peak where `c` is 100 Hz, 0.01 % from 500 Hz up.

    >>> import torch
    >>> front_end = GammatoneSpectrogram(GammatoneSpectrogramConfig(n_bands=64))
    >>> front_end(torch.zeros(1, 16000)).shape
    torch.Size([1, 1, 64, 98])
    >>> [round(hz) for hz in front_end.band_edges_hz[0]]
    [37, 63]
    """

    def __init__(self, config: GammatoneSpectrogramConfig) -> None:
        super().__init__(config, {"frames": FrameFeatures(config)})
