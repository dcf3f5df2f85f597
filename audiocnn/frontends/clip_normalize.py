"""Normalisation by the clip: as published systems have it, where a clip is all that there ever is.

What a frame becomes then depends on where the clip was cut: that breaks the law "scan = windows", and on a
stream it cannot be had at all. `Normalize`, `SlidingNormalize` and `PCEN` keep the law.
"""

import math

from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis, Geometry
from audiocnn.layers.precision import wide
from audiocnn.layers.scan import Scan
from audiocnn.layers.window_pool import SMOOTHING

__all__ = ["ClipNormalize", "ClipRange"]

# As many frames as before, each seen in the light of all.
OF_THE_CLIP = Axis(takes=Geometry(), sees=None)


class ClipNormalize(Scan):
    """`(x - mean) / deviation` of each row of each clip: `(batch, ..., rows, time)`, the shape kept.

    Kaldi's `apply-cmvn --norm-vars=true` with the statistics of one utterance, apart from the deviation's
    smoothing: it is `sqrt(variance + 1e-5)`, as in `SlidingNormalize`, so that what does not change becomes
    zero. It breaks the law, and cannot stream.

    Raises:
        ParameterError: on input of no frames.

    >>> import torch
    >>> ClipNormalize()(torch.tensor([[[1.0, 2.0, 3.0], [5.0, 5.0, 5.0]]]))
    tensor([[[-1.2247,  0.0000,  1.2247],
             [ 0.0000,  0.0000,  0.0000]]])
    """

    time_axis = OF_THE_CLIP
    law_remedy = (
        "it takes the mean and deviation of the whole clip; use SlidingNormalize, or Normalize with those of "
        "the training data, or scan by windows (audiocnn.layers.Windows)"
    )

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        self.require_span(x)
        z = x.to(wide(x))
        beyond = z - z[..., :1]  # taken off first, so that equal frames deviate by exactly zero
        beyond = beyond - beyond.mean(dim=-1, keepdim=True)
        variance = beyond.square().mean(dim=-1, keepdim=True)
        return (beyond / (variance + SMOOTHING).sqrt()).to(x.dtype)


class ClipRange(Scan):
    """Raise what is more than `range` below the largest number of its clip: `(batch, ...)`, the shape kept.

    Of decibels or logarithms it is the dynamic range that is kept. `librosa.power_to_db` keeps 80 dB
    (`top_db`), and Whisper (Radford et al. 2022, arXiv 2212.04356) 8 of log10, which is as much. It
    breaks the law, and cannot stream: a loud frame changes those before it.

    Args:
        range: what is kept below the largest, in the units of the features.

    Raises:
        ParameterError: for a range that is not positive, and on input of no frames.

    >>> import torch
    >>> ClipRange(80.0)(torch.tensor([[[-100.0, -30.0, -5.0]], [[-100.0, -90.0, -50.0]]]))
    tensor([[[ -85.,  -30.,   -5.]],
            [[-100.,  -90.,  -50.]]])
    """

    time_axis = OF_THE_CLIP
    row_axis = Axis(takes=Geometry(), sees=None)
    law_remedy = (
        "it measures from the largest of the whole clip; give the features a fixed floor instead, or scan by "
        "windows (audiocnn.layers.Windows)"
    )

    def __init__(self, range: float) -> None:
        super().__init__()
        if not (range > 0.0 and math.isfinite(range)):
            raise ParameterError(f"range={range!r} must be positive; 80.0 is usual for decibels")
        self.range = range

    def forward(self, x: Tensor) -> Tensor:
        """Raise what is below."""
        self.require_span(x)
        lowest = x.amax(dim=tuple(range(1, x.dim())), keepdim=True) - self.range
        return x.maximum(lowest)

    def extra_repr(self) -> str:
        """The range."""
        return f"{self.range:g}"
