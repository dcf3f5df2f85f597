"""Pooling over everything: one number per channel, whatever the size of the input.

What such a pool gives depends on where the clip was cut, so it breaks the law. On clips of one
length it is `WindowMean` or `WindowMax`, which keep it.
"""

from torch import Tensor

from audiocnn.geometry import Axis
from audiocnn.layers.scan import Scan

__all__ = ["GlobalMax", "GlobalMean"]

WHOLE = Axis(takes=None, sees=None)


class GlobalMean(Scan):
    """The mean over rows and time: `(batch, channel, [rows,] time)` -> `(batch, channel, [1,] 1)`.

    Lin, Chen & Yan 2014, "Network In Network", arXiv 1312.4400.

    Raises:
        ParameterError: on input of no steps.

    >>> import torch
    >>> GlobalMean()(torch.tensor([[[1.0, 2.0, 6.0]]]))
    tensor([[[3.]]])
    """

    time_axis = WHOLE
    row_axis = WHOLE
    law_remedy = (
        "it averages the whole clip; use WindowMean over as many steps as a clip has (after MeanRows, where "
        "there are rows), or scan by windows (audiocnn.layers.Windows)"
    )

    def forward(self, x: Tensor) -> Tensor:
        """Average."""
        self.require_span(x)
        return x.mean(dim=tuple(range(2, x.dim())), keepdim=True)

    def connections(self, x: Tensor, y: Tensor) -> int:
        """All of a channel for every number of `y`."""
        return x.numel()


class GlobalMax(Scan):
    """The largest over rows and time: `(batch, channel, [rows,] time)` -> `(batch, channel, [1,] 1)`.

    Oquab et al. 2015, "Is object localization for free?", CVPR: a class is present where its detector
    answers most. The gradient goes to the largest alone.

    Raises:
        ParameterError: on input of no steps.

    >>> import torch
    >>> GlobalMax()(torch.tensor([[[1.0, 6.0, 2.0]]]))
    tensor([[[6.]]])
    """

    time_axis = WHOLE
    row_axis = WHOLE
    law_remedy = (
        "it takes the largest of the whole clip; use WindowMax over as many steps as a clip has, or scan "
        "by windows (audiocnn.layers.Windows)"
    )

    def forward(self, x: Tensor) -> Tensor:
        """Take the largest."""
        self.require_span(x)
        largest = x.flatten(2).max(dim=2).values
        return largest.view(*largest.shape, *(1,) * (x.dim() - 2))

    def connections(self, x: Tensor, y: Tensor) -> int:
        """All of a channel for every number of `y`."""
        return x.numel()
