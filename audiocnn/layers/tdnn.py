"""Time-delay layers: a dense layer over a few frames around t, moved along time.

Which frames, its context says, as offsets from t:

    context (-2, -1, 0, 1, 2)      t-2 t-1  t  t+1 t+2      five neighbours
    context (-3, 0, 3)         t-3          t          t+3  the same reach, with gaps
    context (-3, 0)            t-3          t               the past alone

A layer reads from its first offset to its last, and layers add up: a net of contexts
(-2 .. 2), (-2, 0, 2), (-3, 0, 3) sees from t-7 to t+7, 15 frames.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.layers.activation import rectifier
from audiocnn.layers.conv import (
    PADDED_LAW_REMEDY,
    Conv1d,
    Padding,
    PaddingMode,
    conv_axis,
    padding_of,
    require_mode,
)
from audiocnn.layers.norm import BatchNorm1d
from audiocnn.layers.scan import Scan
from audiocnn.layers.sequential import Sequential

__all__ = ["TDNN", "Splice"]


class Splice(Scan):
    """Frames t + offset side by side, as channels: `(batch, channel, time)` -> `(batch, n * channel, time')`.

    The channels of the first offset come first.

        x            a  b  c  d  e  f          offsets (-1, 0, 3)
        t - 1        a  b                      the result has t = 1 and t = 2: the frames
        t               b  c                   whose whole context there is
        t + 3                    e  f

    With `"same"` every t of the input is there, and zeros stand for frames beyond its ends.

    Args:
        offsets: distinct integers in ascending order.
        padding: `"valid"` (a scan) or `"same"`, for offsets that reach as far back as ahead.

    Raises:
        ParameterError: for offsets that are not as they should be, or an unknown padding.

    >>> Splice((-1, 0, 3))(torch.arange(6.0).view(1, 1, 6))
    tensor([[[0., 1.],
             [1., 2.],
             [4., 5.]]])
    """

    law_remedy = PADDED_LAW_REMEDY

    def __init__(self, offsets: tuple[int, ...], *, padding: Padding = "valid") -> None:
        super().__init__()
        _require_context("offsets", offsets, padding)
        self.offsets = offsets
        self.span = offsets[-1] - offsets[0] + 1
        self.time_axis = conv_axis(self.span, 1, 1, padding)
        self.pads = padding_of(self.time_axis)

    def forward(self, x: Tensor) -> Tensor:
        """Put copies of `x`, shifted against each other, side by side."""
        self.require_span(x)
        if any(self.pads):
            x = F.pad(x, self.pads)
        length = x.shape[-1] - self.span + 1
        return torch.cat([x.narrow(-1, offset - self.offsets[0], length) for offset in self.offsets], dim=1)

    def extra_repr(self) -> str:
        """The offsets."""
        return f"offsets={self.offsets}"


class TDNN(Sequential):
    """One layer of a time-delay network: `(batch, in_channels, time)` -> `(batch, out_channels, time')`.

        y[t] = norm(ReLU(bias + sum over offsets of weight[offset] x[t + offset]))

    Waibel et al. 1989, "Phoneme Recognition Using Time-Delay Neural Networks", in today's form (the
    order of the x-vector recipe, Snyder et al. 2018). Waibel's net reads windows of 3 and then 5 frames,
    the present and the past: of 15 frames of 16 features, 13 and then 9 are left.

    A context of equal spacing is a dilated convolution; any other is spliced (`Splice`) and
    goes through a convolution of 1, with weights `(out, len(context) * in, 1)`.

    A `"valid"` layer gives an output for every t whose whole context there is, so `(-3, 0)` and `(0, 3)`
    compute the same numbers, and differ only in the frame that they are said to be of. A `"same"`
    layer gives one for every t, with zeros, or the clip mirrored, beyond its ends.

    Args:
        in_channels: channels of a frame.
        out_channels: units.
        context: offsets from t of the frames that are read: distinct integers in ascending order.
        padding: `"valid"` (a scan) or `"same"`, for contexts that reach as far back as ahead.
        padding_mode: what `"same"` adds: `"zeros"`, or for contexts of equal spacing the clip mirrored at its
            ends (`"reflect"`).
        negative_slope: of the ReLU; above 0 it is a leaky one.

    Raises:
        ParameterError: for a context that is not as it should be, one of unequal spacing to be mirrored, and
            for sizes as `Conv1d`.

    >>> TDNN(40, 128, context=(-2, 0, 2)).geometry
    Geometry(span=5, stride=1)
    >>> waibel = Sequential(TDNN(16, 8, context=(-2, -1, 0)), TDNN(8, 3, context=(-4, -3, -2, -1, 0)))
    >>> waibel(torch.zeros(1, 16, 15)).shape
    torch.Size([1, 3, 9])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        context: tuple[int, ...],
        *,
        padding: Padding = "valid",
        padding_mode: PaddingMode = "zeros",
        negative_slope: float = 0.0,
    ) -> None:
        _require_context("context", context, padding)
        taps = len(context)
        gaps = {after - before for before, after in zip(context, context[1:], strict=False)}
        if len(gaps) <= 1:
            dilation = gaps.pop() if gaps else 1
            layers: dict[str, Scan] = {
                "conv": Conv1d(
                    in_channels,
                    out_channels,
                    taps,
                    dilation=dilation,
                    padding=padding,
                    padding_mode=padding_mode,
                )
            }
        elif padding == "same" and require_mode(padding_mode) != "zeros":
            raise ParameterError(
                f"context={context} with padding_mode={padding_mode!r} must be of equal spacing, as "
                "(-1, 0, 1); or use padding_mode='zeros'"
            )
        else:
            layers = {
                "splice": Splice(context, padding=padding),
                "conv": Conv1d(in_channels * taps, out_channels, 1),
            }
        super().__init__(layers | {"relu": rectifier(negative_slope), "norm": BatchNorm1d(out_channels)})


def _require_context(name: str, offsets: tuple[int, ...], padding: Padding) -> None:
    is_right = isinstance(offsets, tuple) and len(offsets) > 0 and all(isinstance(o, int) for o in offsets)
    if not is_right or list(offsets) != sorted(set(offsets)):
        raise ParameterError(
            f"{name}={offsets!r} must be a tuple of distinct integers in ascending order, such as (-1, 0, 1)"
        )
    reach = max(-offsets[0], offsets[-1])
    if padding == "same" and offsets[0] != -offsets[-1]:
        raise ParameterError(
            f"{name}={offsets} with padding='same' must reach as far back as ahead, as from {-reach} to "
            f"{reach}; or use padding='valid'"
        )
