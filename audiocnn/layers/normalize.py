"""Normalisation of features by statistics that are fixed once, and travel with the model."""

from typing import Literal

import torch
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis, Geometry
from audiocnn.layers.conv import require_positive
from audiocnn.layers.scan import Scan

__all__ = ["Normalize"]


class Normalize(Scan):
    """`(x - mean) / deviation`, the shape kept, with a mean and a deviation for each row or each channel.

    Rows serve spectrograms `(batch, channel, rows, time)`, and 1-D features `(batch, feature, time)`;
    channels serve the colours of images `(batch, channel, rows, time)`. The statistics are those of
    the training data. Nothing is estimated from the clip at hand, so a clip's features do not
    depend on what surrounds it.

    Args:
        size: feature rows, or channels.
        of: `"rows"`, the last axis but one, or `"channels"`, the second.

    Attributes:
        mean: mean of each row or channel, zeros until set.
        deviation: standard deviation of each, ones until set.

    Raises:
        ParameterError: for a size that is not positive, another `of`, and on input with other than `size`.

    >>> normalize = Normalize(2)
    >>> normalize.set_statistics(mean=torch.tensor([1.0, 2.0]), deviation=torch.tensor([1.0, 4.0]))
    >>> normalize(torch.tensor([[[[3.0], [4.0]]]])).flatten()
    tensor([2.0000, 0.5000])
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, size: int, *, of: Literal["rows", "channels"] = "rows") -> None:
        super().__init__()
        require_positive("size", size)
        if of not in ("rows", "channels"):
            raise ParameterError(f"of={of!r} must be 'rows' or 'channels'")
        self.of = of
        if of == "rows":  # each has statistics of its own, so that other rows would have others
            self.row_axis = Axis(takes=Geometry(), sees=Geometry())
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("deviation", torch.ones(size))

    def set_statistics(self, *, mean: Tensor, deviation: Tensor) -> None:
        """Set both, each of shape `(size,)`.

        Raises:
            ParameterError: for another shape, values that are not finite, or deviations not above 0.
        """
        # a deviation that float64 tells from zero may be zero in the type that divides
        mean, deviation = mean.to(self.mean), deviation.to(self.deviation)
        for name, value in (("mean", mean), ("deviation", deviation)):
            if value.shape != self.mean.shape:
                raise ParameterError(
                    f"{name} has shape {tuple(value.shape)}; one value for each of {len(self.mean)} "
                    f"{self.of} is needed"
                )
            if not value.isfinite().all():
                raise ParameterError(f"{name} holds values that are not finite")
        if not (deviation > 0).all():
            raise ParameterError(f"deviation must be positive; some of the {self.of} never change")
        self.mean.copy_(mean)
        self.deviation.copy_(deviation)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        axis = -2 if self.of == "rows" else 1
        if x.shape[axis] != len(self.mean):
            raise ParameterError(
                f"input has {x.shape[axis]} {self.of}; the statistics are those of {len(self.mean)}"
            )
        shape = (-1,) + (1,) * (x.dim() - 1 - axis % x.dim())  # (size, 1, ...)
        return (x - self.mean.view(shape)) / self.deviation.view(shape)

    def extra_repr(self) -> str:
        """Of how many, and of what."""
        return f"{len(self.mean)}, of={self.of!r}"
