"""Filterbanks whose filters are learnt: straight from samples, smoothed and sampled once each hop."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.frontends.band_energy import band_energy
from audiocnn.frontends.filter_response import amplitude_response
from audiocnn.frontends.front_end import Array, FrontEndConfig, Stage
from audiocnn.frontends.pcen import PerChannelEnergyNorm
from audiocnn.geometry import Axis
from audiocnn.layers.scan import Scan

__all__ = [
    "Compression",
    "Filters",
    "GaussianLowPass",
    "LearnableFilterbank",
    "LearnableFilterbankConfig",
    "learnable_stages",
]

Compression: TypeAlias = Literal["pcen", "log"]


@dataclass(frozen=True, kw_only=True)
class LearnableFilterbankConfig(FrontEndConfig):
    """What learnable filterbanks have in common.

    Attributes:
        n_filters: filters, and rows of the features.
        kernel_size: samples that a filter covers; 401 are 25 ms at 16 kHz.
        pool_size: samples that the low-pass behind it covers.
        hop_length: samples from one frame to the next.
        f_min: where the lowest filter begins before training, in Hz.
        f_max: where the highest filter ends before training, in Hz.
        floor: least energy; what is below is raised to it.
        compression: `"pcen"`, with settings of its own for each filter, learnt too; or `"log"`, the natural
            logarithm.
        smoother_frames: frames that PCEN smooths over; None for all there were, which is no scan.

    Raises:
        ParameterError: for values that cannot work.
    """

    n_filters: int = 40
    kernel_size: int = 401
    pool_size: int = 401
    hop_length: int = 160
    f_min: float = 60.0
    f_max: float = 7800.0
    floor: float = 1e-5
    compression: Compression = "pcen"
    smoother_frames: int | None = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_positive("n_filters", "kernel_size", "pool_size", "hop_length")
        if self.smoother_frames is not None:
            self._require_positive("smoother_frames")
        for name in ("kernel_size", "pool_size"):
            if getattr(self, name) < 4:
                raise ParameterError(f"{name}={getattr(self, name)} must be at least 4; 401 is the default")
        self._require_band()
        self._require_floor("floor")
        self._require_choice("compression", ("pcen", "log"))

    def context_frames(self) -> tuple[int, int]:
        """With PCEN also the frames that it smooths over."""
        before, after = super().context_frames()
        smoothed = self.smoother_frames or 1
        return before + (smoothed - 1 if self.compression == "pcen" else 0), after


class Filters(nn.Module):
    """Filters made from few parameters, which are learnt; `forward` makes them.

    Their kernels are `(n_filters, parts, kernel_size)`: one part for real filters, two for complex ones.
    """

    def forward(self) -> Tensor:
        """The kernels."""
        raise NotImplementedError

    def band_edges_hz(self) -> list[tuple[float, float]]:
        """Where each filter's band begins and ends."""
        raise NotImplementedError


class GaussianLowPass(nn.Module):
    """A Gaussian for each filter, that its energy is smoothed by: `exp(-((t - c) / (deviation * c))^2 / 2)`.

    `t` counts its samples from 0, and `c = (size - 1) / 2` is the middle of them. The deviation, relative to
    half the length, is learnt and held from `2 / size` to 0.5; outside it acts as its bound. At 0.4 it
    is much like a Hann window, which is where it begins (Zeghidour et al. 2021, arXiv 2101.08596).

    Args:
        rows: filters.
        size: samples.
    """

    time: Tensor

    def __init__(self, rows: int, size: int) -> None:
        super().__init__()
        self.deviation = nn.Parameter(torch.full((rows,), 0.4))
        self.reach = (size - 1) / 2
        self.register_buffer("time", torch.arange(size) - self.reach, persistent=False)

    def forward(self) -> Tensor:
        """The kernels, `(rows, size)`."""
        deviation = self.deviation.clamp(2.0 / len(self.time), 0.5)
        return (-0.5 * (self.time / (deviation[:, None] * self.reach)).square()).exp()


class LearnableFilterbank(Stage):
    """Energies of learnt filters: `(batch, time)` -> `(batch, 1, n_filters, frames)`.

        samples      0                    400                   800
        filter       [------- 401 -------]                          at every sample; squared,
        low-pass           smoothed over 401 of these               and one frame each hop
        frame 0      [------------------- 801 ----------------------]

    Complex filters give the squared modulus. Energies below `floor` are raised to it. The filters are made
    from their parameters on every call, so that what is learnt or loaded is what counts. The compiled form is
    the eager one, which leaves nothing to a compiler. By FFT, in blocks of
    some frames, one NaN spoils its block; in the exportable form, by convolution, the frames that read it.

    Args:
        filters: what makes the kernels.
        config: sizes.
    """

    def __init__(self, filters: Filters, config: LearnableFilterbankConfig) -> None:
        super().__init__()
        self.config = config
        self.filters = filters
        self.low_pass = GaussianLowPass(config.n_filters, config.pool_size)
        self.time_axis = Axis.scan(config.kernel_size + config.pool_size - 1, config.hop_length)

    @property
    def band_edges_hz(self) -> list[tuple[float, float]]:
        """What the filters' parameters say now."""
        return self.filters.band_edges_hz()

    def response(self) -> tuple[Array, Array]:
        """Frequencies in Hz, and each filter's gain of amplitude there, of both parts where there are two."""
        return amplitude_response(self.filters(), self.config.sample_rate)

    def forward(self, waveform: Tensor) -> Tensor:
        """The features of every frame."""
        self.require_span(waveform)
        filters, low_pass = self.filters(), self.low_pass()
        arithmetic = _plain_band_energy if self._form == "exportable" else band_energy
        energies = arithmetic(waveform, filters, low_pass, self.config.hop_length)
        raised = energies.clamp(min=self.config.floor).unsqueeze(1)
        return raised.log() if self.config.compression == "log" else raised


def learnable_stages(filters: Filters, config: LearnableFilterbankConfig) -> dict[str, Scan]:
    """The filterbank, and PCEN where the config has it."""
    stages: dict[str, Scan] = {"frames": LearnableFilterbank(filters, config)}
    if config.compression == "pcen":
        stages["pcen"] = PerChannelEnergyNorm(
            config.n_filters,
            smoothing=0.04,
            smoother_frames=config.smoother_frames,
            gain=0.96,
            bias=2.0,
            root=2.0,
            floor=1e-12,
            initial_level=None,
            learnable=True,
        )
    return stages


def _plain_band_energy(x: Tensor, filters: Tensor, low_pass: Tensor, hop_length: int) -> Tensor:
    """What `band_energy` gives, by convolutions."""
    waves = F.conv1d(x.unsqueeze(1), filters.flatten(0, 1).unsqueeze(1))
    energy = torch.unflatten(waves.square(), 1, filters.shape[:2]).sum(2)  # (batch, filters, time)
    return F.conv1d(energy, low_pass.unsqueeze(1), stride=hop_length, groups=len(low_pass))
