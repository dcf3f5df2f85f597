"""Padding of the whole input, once, before the first layer."""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis, Geometry
from audiocnn.layers.scan import Scan, require_scan

__all__ = ["Padded"]


class Padded(Scan):
    """A scan, on its input with zeros before and after it, or with its first and last step repeated.

    Other than with `padding="same"` in every layer, zeros are added once, and what the layers make of
    them, by biases and norms, is what they would make of silence. With `left=span - 1` this is a
    causal net as it is usually padded: as many outputs as there are steps, none of which sees the future.

        left=3      0 0 0 a b c d       a scan of span 4
                   [-----]              output 0 sees a alone
                         [-----]        output 3 sees a to d

    Args:
        module: a scan.
        left: zeros before the first step.
        right: zeros after the last.
        mode: `"zeros"`, or `"repeat"` for the first and last step in their place, as in Kaldi.

    Raises:
        ParameterError: for a module that is no scan, an unknown mode, and for padding that could be all it
            sees.

    >>> from audiocnn.layers import Conv1d
    >>> causal = Padded(Conv1d(8, 4, 5), left=4)
    >>> causal.time_axis.takes, causal.time_axis.receptive_field
    (Geometry(span=1, stride=1), ReceptiveField(size=5, stride=1, centre=-2.0))
    """

    law_remedy = (
        "it adds zeros around whatever it is given, so its outputs depend on where a chunk ends; use the "
        "module inside by itself, or scan by windows (audiocnn.layers.Windows)"
    )

    def __init__(
        self, module: Scan, *, left: int = 0, right: int = 0, mode: Literal["zeros", "repeat"] = "zeros"
    ) -> None:
        super().__init__()
        require_scan("module", module)
        if mode not in ("zeros", "repeat"):
            raise ParameterError(f"mode={mode!r} must be 'zeros' or 'repeat'")
        axis = module.time_axis
        if axis.geometry is None:
            raise ParameterError(f"module is a {type(module).__name__} that is no scan; pad one that is")
        span, stride = axis.geometry.span, axis.geometry.stride
        if min(left, right) < 0 or left + right >= span:
            raise ParameterError(
                f"left={left} and right={right} must be 0 or more, and together less than the span, {span}"
            )
        self.module = module
        self.left, self.right, self.mode = left, right, mode
        if mode == "repeat":
            self.law_remedy = self.law_remedy.replace("adds zeros around", "repeats the ends of")
        self.time_axis = Axis(Geometry(span - left - right, stride), axis.sees, axis.start - left)
        self.row_axis = module.row_axis

    def forward(self, x: Tensor) -> Tensor:
        """Pad, and run the module."""
        self.require_span(x)
        pads = (self.left, self.right)
        if self.mode == "zeros":
            x = F.pad(x, pads)
        else:
            x = F.pad(x, pads + (0, 0) * (x.dim() - 3), mode="replicate")
        y: Tensor = self.module(x)
        return y

    def extra_repr(self) -> str:
        """How many steps, of what."""
        return f"left={self.left}, right={self.right}, mode={self.mode!r}"
