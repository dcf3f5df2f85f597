"""One step in so many."""

from torch import Tensor

from audiocnn.geometry import Axis
from audiocnn.layers.conv import require_positive
from audiocnn.layers.scan import Scan

__all__ = ["KeepEvery"]


class KeepEvery(Scan):
    """Every so many steps one, the first to begin with; what is between is dropped and not averaged.

    Behind a net it thins out the decisions; before its last layers it also spares them the work.

    Args:
        stride: steps from one that is kept to the next.

    Raises:
        ParameterError: for a stride that is not positive.

    >>> import torch
    >>> KeepEvery(3)(torch.arange(8.0).view(1, 1, 8))
    tensor([[[0., 3., 6.]]])
    """

    def __init__(self, stride: int) -> None:
        super().__init__()
        require_positive("stride", stride)
        self.stride = stride
        self.time_axis = Axis.scan(1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """`(..., time)` -> `(..., time')`."""
        self.require_span(x)
        return x[..., :: self.stride]

    def extra_repr(self) -> str:
        """The stride."""
        return f"{self.stride}"
