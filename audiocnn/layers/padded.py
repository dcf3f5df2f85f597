"""Padding of an input, once: of a whole net's, or of a layer's by other amounts than `"same"` adds."""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis, Geometry
from audiocnn.layers.scan import Scan, require_scan

__all__ = ["Padded"]


class Padded(Scan):
    """A scan, on its input with zeros around it, or with its first and last step repeated.

    Other than with `padding="same"` in every layer, zeros are added once, and what the layers make of
    them, by biases and norms, is what they would make of silence. With `left=span - 1` this is a
    causal net as it is usually padded: as many outputs as there are steps, none of which sees the future.

        left=3      0 0 0 a b c d       a scan of span 4
                   [-----]              output 0 sees a alone
                         [-----]        output 3 sees a to d

    Rows can be padded too. That alone leaves it a scan along time.

    Args:
        module: a scan; where rows are padded, along rows too.
        left: zeros before the first step.
        right: zeros after the last.
        top: zeros before the first row.
        bottom: zeros after the last.
        mode: `"zeros"`, or `"repeat"` for the first and last step (or row) in their place, as in Kaldi.

    Raises:
        ParameterError: for a module that is no scan, an unknown mode, and for padding that could be all it
            sees.

    >>> from audiocnn.layers import Conv1d
    >>> causal = Padded(Conv1d(8, 4, 5), left=4)
    >>> causal.time_axis.takes, causal.time_axis.receptive_field
    (Geometry(span=1, stride=1), ReceptiveField(size=5, stride=1, centre=-2.0))
    >>> from audiocnn.layers import Conv2d
    >>> first = Padded(Conv2d(3, 64, 11, stride=4), left=2, right=2, top=2, bottom=2)
    >>> first.time_axis.takes.output_length(224), first.row_axis.takes.output_length(224)
    (55, 55)
    """

    law_remedy = (
        "it adds zeros around whatever it is given, so its outputs depend on where a chunk ends; use the "
        "module inside by itself, or scan by windows (audiocnn.layers.Windows)"
    )

    def __init__(
        self,
        module: Scan,
        *,
        left: int = 0,
        right: int = 0,
        top: int = 0,
        bottom: int = 0,
        mode: Literal["zeros", "repeat"] = "zeros",
    ) -> None:
        super().__init__()
        require_scan("module", module)
        if mode not in ("zeros", "repeat"):
            raise ParameterError(f"mode={mode!r} must be 'zeros' or 'repeat'")
        self.module = module
        self.left, self.right, self.top, self.bottom, self.mode = left, right, top, bottom, mode
        if mode == "repeat":
            self.law_remedy = self.law_remedy.replace("adds zeros around", "repeats the ends of")
        self.time_axis = _pad_axis(module, module.time_axis, "left", left, "right", right)
        self.row_axis = module.row_axis
        if top or bottom:
            self.row_axis = _pad_axis(module, module.row_axis, "top", top, "bottom", bottom)

    def forward(self, x: Tensor) -> Tensor:
        """Pad, and run the module."""
        self.require_span(x)
        pads: tuple[int, ...] = (self.left, self.right)
        if x.dim() == 4:
            self.require_rows(x)
            pads += (self.top, self.bottom)
        x = F.pad(x, pads) if self.mode == "zeros" else F.pad(x, pads, mode="replicate")
        y: Tensor = self.module(x)
        return y

    def extra_repr(self) -> str:
        """How many steps and rows, of what."""
        text = f"left={self.left}, right={self.right}"
        if self.top or self.bottom:
            text += f", top={self.top}, bottom={self.bottom}"
        return f"{text}, mode={self.mode!r}"


def _pad_axis(module: Scan, axis: Axis | None, first: str, before: int, last: str, after: int) -> Axis:
    """The axis of the module on input with as much added before and after it."""
    along = " along rows" if first == "top" else ""
    if axis is None or axis.geometry is None:
        raise ParameterError(f"module is a {type(module).__name__} that is no scan{along}; pad one that is")
    span, stride = axis.geometry.span, axis.geometry.stride
    if min(before, after) < 0 or before + after >= span:
        raise ParameterError(
            f"{first}={before} and {last}={after} must be 0 or more, and together less than the span{along}, "
            f"{span}"
        )
    if before == after == 0:
        return axis
    return Axis(Geometry(span - before - after, stride), axis.sees, axis.start - before)
