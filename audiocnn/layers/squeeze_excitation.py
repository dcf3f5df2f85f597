"""Squeeze and excitation: a small net looks at the means of all channels and sets how loud each may be."""

from typing import Literal

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis, Geometry
from audiocnn.layers.activation import ReLU, Sigmoid
from audiocnn.layers.conv import require_positive
from audiocnn.layers.dimensions import conv
from audiocnn.layers.global_pool import GlobalMean
from audiocnn.layers.parallel import Identity, Parallel
from audiocnn.layers.pool import MeanRows
from audiocnn.layers.scan import Scan
from audiocnn.layers.sequential import Sequential
from audiocnn.layers.window_pool import WindowMean

__all__ = ["SqueezeExcitation"]


class SqueezeExcitation(Parallel):
    """Every channel times a gate between 0 and 1 that depends on all channels.

    Hu et al. 2018, "Squeeze-and-Excitation Networks", CVPR, arXiv 1709.01507.
    `(batch, channels, [rows,] time)` -> the same shape, or with a window `window - 1` steps less.

        x -+- mean over the context - conv 1 - ReLU - conv 1 - sigmoid -+- times
           +------------------------------------------------------------+

    How much the mean may see is the context, in 2-D always with all rows:

        "clip"      the whole input, as in the paper. This breaks the law: what a frame is given depends
                    on where the clip was cut, so that the net can only be scanned by windows.
        "frame"     one step of time, and so a scan: in 2-D the mean of its rows, in 1-D the step itself.
        an integer  as many steps, a scan of that span; the step in their middle is gated:

                    x        0  1  2  3  4  5        window 4
                    mean       [1  2  3  4]
                    gated          2

    Args:
        channels: channels of `x`, a multiple of `reduction`.
        context: what the mean is taken over: `"clip"`, `"frame"` or a number of steps.
        dimensions: 1 or 2.
        reduction: channels for each one between the two convolutions.

    Raises:
        ParameterError: for an unknown context, a window that is not positive, or channels that do not divide.

    >>> print(SqueezeExcitation(64, context="clip").geometry, SqueezeExcitation(64, context=51).geometry)
    None Geometry(span=51, stride=1)
    """

    def __init__(
        self,
        channels: int,
        *,
        context: Literal["clip", "frame"] | int,
        dimensions: int = 2,
        reduction: int = 16,
    ) -> None:
        require_positive("channels", channels)
        require_positive("reduction", reduction)
        if channels % reduction:
            raise ParameterError(
                f"channels={channels} must be a multiple of reduction={reduction}; give one that divides them"
            )
        narrow = channels // reduction
        super().__init__(
            Identity(),
            Sequential(
                _squeeze(context, dimensions)
                | {
                    "reduce": conv(dimensions, channels, narrow, 1, bias=True),
                    "relu": ReLU(),
                    "expand": conv(dimensions, narrow, channels, 1, bias=True),
                    "sigmoid": Sigmoid(),
                }
            ),
            join="product",
        )
        if dimensions == 2:
            self.row_axis = Axis(takes=Geometry(), sees=None)  # as many rows as come in, each gated by all


def _squeeze(context: Literal["clip", "frame"] | int, dimensions: int) -> dict[str, Scan]:
    """The layers that take the mean."""
    if context == "clip":
        mean = GlobalMean()
        mean.law_remedy = (
            "it averages the whole clip; build SqueezeExcitation with context='frame' or a number of steps, "
            "or scan by windows (audiocnn.layers.Windows)"
        )
        return {"mean": mean}
    rows: dict[str, Scan] = {"mean_rows": MeanRows()} if dimensions == 2 else {}
    if context == "frame":
        return rows
    if not isinstance(context, int):
        raise ParameterError(f"context={context!r} must be 'clip', 'frame' or a number of steps")
    require_positive("context", context)
    return rows | {"mean": WindowMean(context)}
