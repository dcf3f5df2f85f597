"""Raw waveform: convolution straight from samples, every tap of every filter learnt."""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.frontends.filter_response import amplitude_response, half_power_bands
from audiocnn.frontends.front_end import Array, FrontEnd, FrontEndConfig, Stage
from audiocnn.frontends.gammatone import BANDWIDTH_ERB, erb_centres_hz, erb_hz
from audiocnn.geometry import Axis
from audiocnn.layers.fft_conv import fft_conv1d

__all__ = ["RawWaveform", "RawWaveformConfig", "gammatone_impulses"]

# Clips to do at once on a CPU: more would not stay in its cache.
CLIPS_AT_ONCE = 5


@dataclass(frozen=True, kw_only=True)
class RawWaveformConfig(FrontEndConfig):
    """Every choice that makes a raw-waveform front-end.

    Attributes:
        n_filters: filters, and rows of the features.
        kernel_size: samples that a filter covers; 400 are 25 ms at 16 kHz.
        pool_size: outputs of a filter that the largest is taken of; with 161 a frame sees 35 ms.
        hop_length: samples from one frame to the next.
        f_min: centre of the lowest filter before training, in Hz.
        f_max: centre of the highest filter before training, in Hz.
        offset: what is added before the logarithm.

    Raises:
        ParameterError: for values that cannot work.
    """

    n_filters: int = 40
    kernel_size: int = 400
    pool_size: int = 161
    hop_length: int = 160
    f_min: float = 100.0
    f_max: float = 7000.0
    offset: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_positive("n_filters", "kernel_size", "pool_size", "hop_length")
        self._require_band()
        if not (self.offset > 0.0 and math.isfinite(self.offset)):
            raise ParameterError(
                f"offset={self.offset!r} must be positive; {type(self).offset:g} is the default"
            )


def gammatone_impulses(
    n_filters: int, kernel_size: int, *, sample_rate: int, f_min: float, f_max: float
) -> Array:
    """Impulse responses of gammatone filters, `t^3 exp(-2 pi 1.019 ERB(f) t) cos(2 pi f t)`, of unit energy.

    They are cut off after `kernel_size` samples; see `GammatoneSpectrogram` for what they are. Centres are
    even on the ERB-rate scale from `f_min` to `f_max`.

    >>> gammatone_impulses(40, 400, sample_rate=16000, f_min=100.0, f_max=7000.0).shape
    (40, 400)
    """
    centres = erb_centres_hz(n_filters, f_min=f_min, f_max=f_max)[:, None]
    time = np.arange(1, kernel_size + 1) / sample_rate
    decay = np.exp(-2.0 * np.pi * BANDWIDTH_ERB * erb_hz(centres) * time)
    impulses = time**3 * decay * np.cos(2.0 * np.pi * centres * time)
    unit: Array = impulses / np.sqrt((impulses**2).sum(axis=1, keepdims=True))
    return unit


class _RawFilters(Stage):
    """The logarithm of filters' largest outputs: `(batch, time)` -> `(batch, 1, n_filters, frames)`."""

    def __init__(self, config: RawWaveformConfig) -> None:
        super().__init__()
        self.config = config
        self.time_axis = Axis.scan(config.kernel_size + config.pool_size - 1, config.hop_length)
        impulses = gammatone_impulses(
            config.n_filters,
            config.kernel_size,
            sample_rate=config.sample_rate,
            f_min=config.f_min,
            f_max=config.f_max,
        )
        # convolution by layers does not turn the kernel round
        self.filters = nn.Parameter(torch.tensor(impulses[:, ::-1].copy()).float())

    @property
    def band_edges_hz(self) -> list[tuple[float, float]]:
        """Where each filter, as it is now, lets at least half the power of its peak through."""
        hz, gains = self.response()
        return half_power_bands(hz, gains**2)

    def response(self) -> tuple[Array, Array]:
        """Frequencies in Hz, and the gain of amplitude of each filter there."""
        return amplitude_response(self.filters.unsqueeze(1), self.config.sample_rate)

    def forward(self, waveform: Tensor) -> Tensor:
        """The features of every frame."""
        self.require_span(waveform)
        if self._form == "exportable":
            return self._features(waveform)
        at_once = CLIPS_AT_ONCE if waveform.device.type == "cpu" else len(waveform)
        return torch.cat([self._features(clips) for clips in torch.split(waveform, at_once)])

    def _features(self, waveform: Tensor) -> Tensor:
        config = self.config
        convolve = F.conv1d if self._form == "exportable" else fft_conv1d
        waves = convolve(waveform.unsqueeze(1), self.filters.unsqueeze(1))  # (batch, n_filters, time)
        largest = F.max_pool1d(waves, config.pool_size, config.hop_length)
        return (largest.relu() + config.offset).log().unsqueeze(1)


class RawWaveform(FrontEnd):
    """Filters straight on samples, every tap learnt: `(batch, time)` -> `(batch, 1, n_filters, frames)`.

        samples      0                   399 ... 559
        filter       [------- 400 -------]              at each of 161 places; of these the largest
        frame 0      [----------- 560 ------------]     log(max(0, largest) + offset)

    Sainath, Weiss, Senior, Wilson & Vinyals 2015, "Learning the Speech Front-end With Raw Waveform CLDNNs".
    As theirs, the filters begin as gammatones; here each has unit energy, so that white noise comes through
    as loud as it is.

    >>> front_end = RawWaveform(RawWaveformConfig())
    >>> front_end(torch.zeros(1, 16000)).shape, front_end.geometry
    (torch.Size([1, 1, 40, 97]), Geometry(span=560, stride=160))
    """

    def __init__(self, config: RawWaveformConfig) -> None:
        super().__init__(config, {"frames": _RawFilters(config)})
