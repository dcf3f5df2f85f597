"""Deltas: how features change over time, as more rows below them."""

import torch
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis
from audiocnn.layers.scan import Scan

__all__ = ["Deltas"]


class Deltas(Scan):
    """Derivatives over time below the features: `(..., rows, time)` -> `(..., (1 + order) * rows, frames)`.

    A derivative is the slope of the straight line through `width` frames, by least squares,

        delta[t] = sum of i * x[t + i] / sum of i^2    over i from -(width // 2) to width // 2

    per frame; the second one is the delta of the delta. Nothing is padded, so `frames` is
    `time - order * (width - 1)`, and all rows of an output describe its middle frame:

        x             0 1 2 3 4 5 6 7 8        width = 5
        delta             2 3 4 5 6
        second                4                order = 2: the x and the delta beside it are those of 4

    Furui 1986, "Speaker-Independent Isolated Word Recognition Using Dynamic Features of Speech Spectrum".
    Kaldi's `add-deltas` and `torchaudio.functional.compute_deltas`, applied twice for the second, are the
    same but at the ends, where they repeat the first and the last frame; their default width is 5 (to Kaldi,
    a window of 2). `librosa.feature.delta` has width 9 and carries its lines on to the ends; with `order=2`
    it gives the curvature of one parabola through `width` frames, which is not the delta of the delta.

    Args:
        order: 1 for the first derivative, 2 for the second as well.
        width: frames that the line is drawn through, an odd number.

    Raises:
        ParameterError: for values that cannot work, and on input of too few frames.

    >>> Deltas(1, width=3)(torch.tensor([[0.0, 1.0, 4.0, 9.0]]))
    tensor([[1., 4.],
            [2., 4.]])
    """

    row_axis = None

    def __init__(self, order: int = 1, *, width: int = 9) -> None:
        super().__init__()
        if order not in (1, 2):
            raise ParameterError(f"order={order!r} must be 1, the first derivative, or 2, the second as well")
        if not isinstance(width, int) or width < 3 or width % 2 == 0:
            raise ParameterError(f"width={width!r} must be an odd integer of at least 3; 9 is the default")
        self.order, self.width = order, width
        self.time_axis = Axis.scan(1 + order * (width - 1))

    def forward(self, x: Tensor) -> Tensor:
        """Features and derivatives."""
        self.require_span(x)
        delta = self._delta(x)
        parts = [x, delta] if self.order == 1 else [x, delta, self._delta(delta)]
        frames = parts[-1].shape[-1]
        # the middle of each: (..., rows, frames)
        middles = [part.narrow(-1, (part.shape[-1] - frames) // 2, frames) for part in parts]
        return torch.cat(middles, dim=-2)

    def _delta(self, x: Tensor) -> Tensor:
        """`(..., time)` -> `(..., time - width + 1)`."""
        reach, frames = self.width // 2, x.shape[-1] - self.width + 1
        scale = 1.0 / (2 * sum(i * i for i in range(1, reach + 1)))
        slope = torch.zeros_like(x[..., :frames])
        for i in range(1, reach + 1):  # of what does not change, exactly zero
            rise = x.narrow(-1, reach + i, frames) - x.narrow(-1, reach - i, frames)
            slope.add_(rise, alpha=i * scale)
        return slope

    def extra_repr(self) -> str:
        """Order and width."""
        return f"order={self.order}, width={self.width}"
