"""PCEN: each band of a spectrogram against its own recent past, in place of a logarithm."""

import math
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor

from audiocnn.frontends.front_end import FrontEnd
from audiocnn.frontends.mel import MelSpectrogramConfig
from audiocnn.geometry import Axis, Geometry
from audiocnn.layers.scan import Scan

__all__ = ["PCEN", "PCENConfig", "PerChannelEnergyNorm", "smoothing_of"]

# A setting: a number, or what has been learnt of it for each row, (rows, 1).
Setting: TypeAlias = float | Tensor

# A CPU is two to three times as fast where what it works on stays in its cache.
NUMBERS_AT_ONCE = 40_000


def smoothing_of(time_constant_seconds: float, frame_rate_hz: float) -> float:
    """The weight of the newest frame in a smoother of that time constant.

    `(sqrt(1 + 4 T^2) - 1) / (2 T^2)` with T the time constant in frames, as librosa has it.

    >>> round(smoothing_of(0.4, 100.0), 4)
    0.0247
    """
    t = time_constant_seconds * frame_rate_hz
    return 2.0 / (1.0 + math.sqrt(1.0 + 4.0 * t * t))  # the same without a difference


class PerChannelEnergyNorm(Scan):
    """Per-channel energy normalisation: `(..., rows, frames)` -> `(..., rows, frames - smoother_frames + 1)`.

    The energy E of each row is divided by what it has been lately, M, and compressed:

        out = (E / (floor + M)^gain + bias)^(1 / root) - bias^(1 / root)
        M[t] = sum over k < smoother_frames of  w[k] * E[t - k],   w[k] ~ (1 - smoothing)^k

    Stationary noise so becomes one level in all rows, and onsets stand out. The weights sum to 1. A frame of
    the output stands where the last of its window does, so that nothing waits for what is to come:

        frames      0  1  2  3  4  5        smoother_frames = 4
        output 0    [--------]
        output 1       [--------]

    Wang, Getreuer, Hughes, Lyon & Saurous 2017, "Trainable Frontend For Robust and Far-Field Keyword Spotting",
    arXiv 1607.05666; Lostanlen et al. 2019, "Per-Channel Energy Normalization: Why and How". Theirs
    never forgets, `M[t] = (1 - smoothing) * M[t - 1] + smoothing * E[t]`; that is
    `smoother_frames=None`, which streams but is no scan. Ours is cut off, so that each output depends on
    a window and may be computed anywhere.

    Learnt settings are one for each row, as in Zeghidour et al. 2021, "LEAF", arXiv 2101.08596, and are held
    as there in the range where the formula makes sense: gain from 0 to 1, root at least 1, and also the
    bias at least 1e-4 and the smoothing from 1e-4 to 1. Outside, a setting acts as its bound.

    Args:
        rows: rows of the input.
        smoothing: weight of the newest frame, before the weights are made to sum to 1; see `smoothing_of`.
        smoother_frames: frames smoothed over; None for all there have been.
        gain: how much of the level is taken off, 0 to 1.
        bias: below it compression ends.
        root: the root taken; the paper's exponent r is `1 / root`.
        floor: level below which energy is taken as it is.
        initial_level: for `smoother_frames=None`, M before the first frame; librosa's is 1, LEAF's the
            energy of the first frame, None.
        learnable: whether gain, bias, root and smoothing are learnt.

    Raises:
        ParameterError: for values that cannot work, and on input of other rows or shorter than the window.

    >>> pcen = PerChannelEnergyNorm(40, smoother_frames=10)
    >>> pcen(torch.ones(1, 1, 40, 98)).shape, pcen.geometry
    (torch.Size([1, 1, 40, 89]), Geometry(span=10, stride=1))
    """

    row_axis = Axis(takes=Geometry(), sees=Geometry())

    def __init__(
        self,
        rows: int,
        *,
        smoothing: float = 0.025,
        smoother_frames: int | None = 64,
        gain: float = 0.98,
        bias: float = 2.0,
        root: float = 2.0,
        floor: float = 1e-6,
        initial_level: float | None = 1.0,
        learnable: bool = False,
    ) -> None:
        super().__init__()
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class PCENConfig(MelSpectrogramConfig):
    """Placeholder."""


class PCEN(FrontEnd):
    """Placeholder."""
