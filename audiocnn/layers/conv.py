"""Convolutions: a small weighted detector moved along time, or along rows and time.

Correlation, as everywhere in the field: `y[o, t] = bias[o] + sum over i, k of
weight[o, i, k] * x[i, t * stride + k * dilation]`.

Padding is `"valid"` by default: no zeros are added and the layer is a scan.
`"same"` adds `span - 1` zeros, split as evenly as can be, so that the output
has `ceil(length / stride)` steps; along time that breaks the law, because what
a layer sees at the edge then depends on where the clip was cut.

    valid, kernel 4     [a b c d] e f         same, kernel 4    0 [a b c d] e f 0 0
                         0 1 2 3 4 5                            0  1 2 3 4 5 6
                         3 outputs of 6                         6 outputs of 6
"""

from typing import Literal, TypeAlias

import torch.nn.functional as F
from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis, Geometry, kernel_span, same_padding
from audiocnn.layers.scan import Scan

__all__ = ["Conv1d", "Conv2d", "Padding"]

Padding: TypeAlias = Literal["valid", "same"]

_LAW_REMEDY = (
    "padding='same' adds zeros at both ends of whatever it is given, so its outputs depend on where a chunk "
    "ends; build it with padding='valid', or scan by windows (audiocnn.layers.Windows)"
)


def conv_axis(kernel_size: int, stride: int, dilation: int, padding: Padding) -> Axis:
    """The axis of a kernel moved along one axis.

    >>> conv_axis(kernel_size=9, stride=2, dilation=1, padding="same").takes
    Geometry(span=1, stride=2)
    """
    for name, value in (("kernel_size", kernel_size), ("stride", stride), ("dilation", dilation)):
        if value < 1:
            raise ParameterError(f"{name}={value} must be a positive integer")
    sees = Geometry(kernel_span(kernel_size, dilation), stride)
    if padding == "valid":
        return Axis(takes=sees, sees=sees)
    if padding == "same":
        return Axis(takes=Geometry(1, stride), sees=sees, start=-same_padding(sees.span)[0])
    raise ParameterError(f"padding={padding!r} must be 'valid' or 'same'")


def zeros_to_add(axis: Axis) -> tuple[int, int]:
    """Zeros on the left and right of an axis: none where it is a scan."""
    if axis.geometry is not None or axis.sees is None:
        return 0, 0
    return same_padding(axis.sees.span)


class Conv1d(Scan, nn.Conv1d):
    """Convolution along time: `(batch, in_channels, time)` -> `(batch, out_channels, time')`.

    Args:
        in_channels: channels read; for a TDNN on a spectrogram, its frequencies.
        out_channels: detectors, one channel each.
        kernel_size: steps a detector covers.
        stride: steps it moves by.
        dilation: steps from one kernel element to the next.
        groups: channels are split into this many independent convolutions;
            `groups=in_channels` is a depthwise one.
        bias: whether a constant is added per output channel.
        padding: `"valid"` (a scan) or `"same"`.

    Raises:
        ParameterError: for a size that is not positive or an unknown padding,
            and on input shorter than the span.

    >>> import torch
    >>> Conv1d(40, 16, kernel_size=9, stride=2)(torch.zeros(1, 40, 98)).shape
    torch.Size([1, 16, 45])
    >>> Conv1d(40, 16, kernel_size=9, stride=2, padding="same")(torch.zeros(1, 40, 98)).shape
    torch.Size([1, 16, 49])
    """

    law_remedy = _LAW_REMEDY
    row_axis = None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        padding: Padding = "valid",
    ) -> None:
        axis = conv_axis(kernel_size, stride, dilation, padding)
        left, right = zeros_to_add(axis)
        nn.Conv1d.__init__(
            self,
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=min(left, right),
            dilation=dilation,
            groups=groups,
            bias=bias,
        )
        self.time_axis = axis
        self.extra_right = right - left  # torch pads evenly; an even span wants one more

    def forward(self, x: Tensor) -> Tensor:
        """Convolve."""
        self.require_span(x)
        if self.extra_right:
            # one more on the right of what torch will pad: its own zeros come outside of ours
            x = F.pad(x, (0, self.extra_right))
        return super().forward(x)


class Conv2d(Scan, nn.Conv2d):
    """Convolution along rows and time.

    `(batch, in_channels, rows, time)` -> `(batch, out_channels, rows', time')`. Rows are
    frequencies of a spectrogram, or lines of a picture. Pairs are `(rows, time)`; a single
    integer serves both.

    Args:
        in_channels: channels read.
        out_channels: detectors, one channel each.
        kernel_size: rows and steps a detector covers.
        stride: rows and steps it moves by.
        dilation: rows and steps from one kernel element to the next.
        groups: independent groups of channels; `in_channels` for a depthwise one.
        bias: whether a constant is added per output channel.
        padding: `"valid"` or `"same"`, for both axes or as `(rows, time)`. An
            audio layer may pad frequency and still be a scan over time.

    Raises:
        ParameterError: for a size that is not positive or an unknown padding,
            and on input shorter than the span.

    >>> import torch
    >>> conv = Conv2d(1, 16, 5, stride=(2, 1), padding=("same", "valid"))
    >>> conv(torch.zeros(1, 1, 40, 98)).shape, conv.geometry
    (torch.Size([1, 16, 20, 94]), Geometry(span=5, stride=1))
    """

    law_remedy = _LAW_REMEDY

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        *,
        stride: int | tuple[int, int] = 1,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding: Padding | tuple[Padding, Padding] = "valid",
    ) -> None:
        kernels, strides, dilations = _pair(kernel_size), _pair(stride), _pair(dilation)
        row_padding, time_padding = (padding, padding) if isinstance(padding, str) else padding
        row_axis = conv_axis(kernels[0], strides[0], dilations[0], row_padding)
        time_axis = conv_axis(kernels[1], strides[1], dilations[1], time_padding)
        (top, bottom), (left, right) = zeros_to_add(row_axis), zeros_to_add(time_axis)
        nn.Conv2d.__init__(
            self,
            in_channels,
            out_channels,
            kernels,
            stride=strides,
            padding=(min(top, bottom), min(left, right)),
            dilation=dilations,
            groups=groups,
            bias=bias,
        )
        self.row_axis, self.time_axis = row_axis, time_axis
        self.extra_bottom, self.extra_right = bottom - top, right - left

    def forward(self, x: Tensor) -> Tensor:
        """Convolve."""
        self.require_span(x)
        if self.extra_bottom or self.extra_right:
            x = F.pad(x, (0, self.extra_right, 0, self.extra_bottom))
        return super().forward(x)


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value
