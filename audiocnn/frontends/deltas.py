"""Deltas: how features change over time, as more rows below them."""

import torch
from torch import Tensor

from audiocnn.geometry import Axis
from audiocnn.layers.scan import Scan

__all__ = ["Deltas"]


class Deltas(Scan):
    """Derivatives over time below the features: `(..., rows, time)` -> `(..., (1 + order) * rows, time)`."""

    row_axis = None

    def __init__(self, order: int = 1, *, width: int = 9) -> None:
        super().__init__()
        self.order, self.width = order, width
        self.time_axis = Axis.scan(1 + order * (width - 1))
        reach = width // 2
        kernel = torch.arange(-reach, reach + 1) / sum(i * i for i in range(-reach, reach + 1))
        self.register_buffer("kernel", kernel, persistent=False)

    kernel: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Features and derivatives."""
        self.require_span(x)
        raise NotImplementedError
