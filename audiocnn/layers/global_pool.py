"""Pooling over everything: one number per channel, or a grid of them, whatever the size of the input.

What such a pool gives depends on where the clip was cut, so it breaks the law. On clips of one
length it is `WindowMean` or `WindowMax`, which keep it.
"""

from math import ceil

import torch.nn.functional as F
from torch import Tensor

from audiocnn.geometry import Axis
from audiocnn.layers.conv import pair, require_positive
from audiocnn.layers.scan import Scan

__all__ = ["AdaptiveAvgPool2d", "GlobalMax", "GlobalMean"]

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


class AdaptiveAvgPool2d(Scan):
    """The means of a grid of blocks: `(batch, channel, rows, time)` -> `(batch, channel, *output_size)`.

    torch's layer of this name. Block i of n on T steps is from `floor(i * T / n)` to `ceil((i + 1) * T / n)`:
    neighbours share a step where n does not divide T.

    Args:
        output_size: blocks along rows and time; a single value serves both.

    Raises:
        ParameterError: for a size that is not positive, and on input of no steps.

    >>> import torch
    >>> AdaptiveAvgPool2d((1, 2))(torch.tensor([[[[1.0, 2.0, 6.0]]]]))
    tensor([[[[1.5000, 4.0000]]]])
    """

    time_axis = WHOLE
    row_axis = WHOLE
    law_remedy = (
        "its blocks are parts of the whole clip; use AvgPool2d, whose blocks have a size of their own, or "
        "scan by windows (audiocnn.layers.Windows)"
    )

    def __init__(self, output_size: int | tuple[int, int]) -> None:
        super().__init__()
        self.output_size = pair("output_size", output_size)
        for i in (0, 1):
            require_positive(f"output_size[{i}]", self.output_size[i])

    def forward(self, x: Tensor) -> Tensor:
        """Average."""
        self.require_span(x)
        return F.adaptive_avg_pool2d(x, self.output_size)

    def connections(self, x: Tensor, y: Tensor) -> int:
        """All steps of all blocks, those that two blocks share twice."""
        numbers = x.shape[0] * x.shape[1]
        for size, blocks in zip(x.shape[-2:], self.output_size, strict=True):
            numbers *= sum(ceil((i + 1) * size / blocks) - i * size // blocks for i in range(blocks))
        return numbers

    def extra_repr(self) -> str:
        """The blocks."""
        return f"output_size={self.output_size}"


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
