"""Normalisation of features by statistics that are fixed once, and travel with the model."""

import torch
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.layers.scan import Scan

__all__ = ["Normalize"]


class Normalize(Scan):
    """`(x - mean) / deviation` per feature row: `(batch, channel, rows, time)`, shape kept.

    The statistics are those of the training recordings. Nothing is estimated from the
    clip at hand, so a clip's features do not depend on what surrounds it.

    Args:
        n_freqs: feature rows.

    Attributes:
        mean: mean of each row, zeros until set.
        deviation: standard deviation of each row, ones until set.

    >>> normalize = Normalize(2)
    >>> normalize.set_statistics(mean=torch.tensor([1.0, 2.0]), deviation=torch.tensor([1.0, 4.0]))
    >>> normalize(torch.tensor([[[[3.0], [4.0]]]])).flatten()
    tensor([2.0000, 0.5000])
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, n_freqs: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_freqs))
        self.register_buffer("deviation", torch.ones(n_freqs))

    def set_statistics(self, *, mean: Tensor, deviation: Tensor) -> None:
        """Set both, each of shape `(n_freqs,)`.

        Raises:
            ParameterError: for another shape, or values that are not finite and positive.
        """
        for name, value in (("mean", mean), ("deviation", deviation)):
            if value.shape != self.mean.shape:
                raise ParameterError(
                    f"{name} has shape {tuple(value.shape)}; one value for each of {len(self.mean)} "
                    "feature rows is needed"
                )
            if not value.isfinite().all():
                raise ParameterError(f"{name} holds values that are not finite")
        if not (deviation > 0).all():
            raise ParameterError("deviation must be positive in every row; a row never changes")
        self.mean.copy_(mean)
        self.deviation.copy_(deviation)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        return (x - self.mean[:, None]) / self.deviation[:, None]
