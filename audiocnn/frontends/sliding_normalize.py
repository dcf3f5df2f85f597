"""Normalisation by a sliding window."""

from torch import Tensor

from audiocnn.geometry import Axis
from audiocnn.layers.scan import Scan

__all__ = ["SlidingNormalize"]


class SlidingNormalize(Scan):
    """`(x - mean) / deviation` of the `frames` around."""

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.time_axis = Axis.scan(frames)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        raise NotImplementedError
