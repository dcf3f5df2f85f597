"""The other path of a residual block: the input as it is, scaled, thinned out, or projected."""

from typing import Literal, TypeAlias

import torch.nn.functional as F
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis
from audiocnn.layers.conv import pair, require_positive
from audiocnn.layers.dimensions import Size, batch_norm, conv
from audiocnn.layers.scan import Scan
from audiocnn.layers.sequential import Sequential

__all__ = ["ScaledIdentity", "Shortcut", "ZeroPaddedShortcut", "build_shortcut"]

Shortcut: TypeAlias = Literal["projection", "zeros"]


class ScaledIdentity(Scan):
    """`factor * x`: the shortcut of a factorised time-delay layer.

    Args:
        factor: what every number is multiplied by; it is not learned.

    >>> import torch
    >>> ScaledIdentity(0.66)(torch.ones(2))
    tensor([0.6600, 0.6600])
    """

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Multiply."""
        return x * self.factor

    def extra_repr(self) -> str:
        """The factor."""
        return f"{self.factor}"


class ZeroPaddedShortcut(Scan):
    """Every `stride`-th step as it is, and zeros for the channels that are new: nothing to learn.

    Option A of He et al. 2016, "Deep Residual Learning for Image Recognition". `(batch,
    in_channels, time)` -> `(batch, out_channels, time')`, or with rows before time. The
    zeros come after the channels there are.

    Args:
        in_channels: channels of `x`.
        out_channels: channels of the result, at least as many.
        stride: steps kept are so far apart; in 2-D for both axes, or `(rows, time)`.

    Raises:
        ParameterError: for fewer channels than come in, a size that is not positive, and on input of other
            channels.

    >>> import torch
    >>> ZeroPaddedShortcut(1, 2, stride=2)(torch.tensor([[[1.0, 2.0, 3.0]]]))
    tensor([[[1., 3.],
             [0., 0.]]])
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: Size = 1) -> None:
        super().__init__()
        require_positive("in_channels", in_channels)
        if out_channels < in_channels:
            raise ParameterError(
                f"out_channels={out_channels} are fewer than in_channels={in_channels}: zeros can only add "
                "channels; use a projection"
            )
        self.row_stride, self.time_stride = pair("stride", stride)
        self.in_channels, self.new_channels = in_channels, out_channels - in_channels
        self.row_axis, self.time_axis = Axis.scan(1, self.row_stride), Axis.scan(1, self.time_stride)

    def forward(self, x: Tensor) -> Tensor:
        """Thin out, and add the zeros."""
        if x.shape[1] != self.in_channels:
            raise ParameterError(
                f"input has {x.shape[1]} channels; this shortcut is for in_channels={self.in_channels}"
            )
        if x.dim() > 3:
            x = x[..., :: self.row_stride, :]
        x = x[..., :: self.time_stride]
        return F.pad(x, (0, 0) * (x.dim() - 2) + (0, self.new_channels))

    def extra_repr(self) -> str:
        """The stride and the channels that are new."""
        return f"stride={self.row_stride, self.time_stride}, new_channels={self.new_channels}"


def build_shortcut(
    kind: Shortcut,
    dimensions: int,
    in_channels: int,
    out_channels: int,
    *,
    stride: Size = 1,
    norm: bool = True,
) -> Scan | None:
    """The shortcut of a block; None, for the identity, where neither stride nor channels change.

    Args:
        kind: `"projection"` (option B of He et al. 2016: convolution 1x1, and a norm) or `"zeros"`
            (option A, `ZeroPaddedShortcut`).
        dimensions: 1 or 2.
        in_channels: channels of `x`.
        out_channels: channels of the result.
        stride: of the block.
        norm: whether a projection ends in batch norm.

    Raises:
        ParameterError: for an unknown kind.
    """
    if kind not in ("projection", "zeros"):
        raise ParameterError(f"shortcut={kind!r} must be 'projection' or 'zeros'")
    if in_channels == out_channels and stride in (1, (1, 1)):
        return None
    if kind == "zeros":
        return ZeroPaddedShortcut(in_channels, out_channels, stride=stride)
    parts: dict[str, Scan] = {"conv": conv(dimensions, in_channels, out_channels, 1, stride=stride)}
    if norm:
        parts["norm"] = batch_norm(dimensions, out_channels)
    return Sequential(parts)
