"""Convolutions: a small weighted detector moved along time, or along rows and time.

Correlation, as everywhere in the field: `y[o, t] = bias[o] + sum over i, k of
weight[o, i, k] * x[i, t * stride + k * dilation]`. All positions share the weights,
so a weight's gradient is the sum over positions.

Padding is `"valid"` by default: no zeros are added and the layer is a scan.
`"same"` adds `span - 1` zeros, split as evenly as can be, so that the output
has `ceil(length / stride)` steps; along time that breaks the law, because what
a layer sees at the edge then depends on where the clip was cut.

    valid, kernel 4     [a b c d] e f         same, kernel 4    0 [a b c d] e f 0 0
                         0 1 2 3 4 5                            0  1 2 3 4 5 6
                         3 outputs of 6                         6 outputs of 6

With a kernel of K steps, a stride S and P zeros at each end, W steps give
`floor((W - K + 2P) / S) + 1` outputs. (Where the literature prints `(W - K - 2P) / S + 1`
the sign is a slip: padding adds outputs.) See `audiocnn.geometry.output_length`.

Text is a scan too. With one channel per letter, a detector finds a word in a long text:

>>> import torch
>>> letters = "abcdefghijklmnopqrstuvwxyz "
>>> def one_hot(text):  # (1, 27, length)
...     return torch.eye(27)[:, [letters.index(letter) for letter in text]][None]
>>> finder = Conv1d(27, 1, kernel_size=3, bias=False)
>>> _ = finder.weight.data.copy_(one_hot("cat"))
>>> matches = finder(one_hot("the cat has no catalogue"))  # letters that agree, 0 to 3
>>> (matches == 3).nonzero()[:, -1].tolist()
[4, 15]
"""

from math import gcd
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis, Geometry, kernel_span, same_padding
from audiocnn.layers.dense import convolve_whole
from audiocnn.layers.depthwise import convolve_depthwise, is_short_depthwise
from audiocnn.layers.pointwise import convolve_pointwise
from audiocnn.layers.scan import Scan

__all__ = ["Conv1d", "Conv2d", "Padding", "PaddingMode"]

Padding: TypeAlias = Literal["valid", "same"]
PaddingMode: TypeAlias = Literal["zeros", "reflect"]

PADDED_LAW_REMEDY = (
    "padding='same' adds steps at both ends of whatever it is given, so its outputs depend on where a chunk "
    "ends; build it with padding='valid', or scan by windows (audiocnn.layers.Windows)"
)


def conv_axis(kernel_size: int, stride: int, dilation: int, padding: Padding) -> Axis:
    """The axis of a kernel moved along one axis.

    >>> conv_axis(kernel_size=9, stride=2, dilation=1, padding="same").takes
    Geometry(span=1, stride=2)
    """
    for name, value in (("kernel_size", kernel_size), ("stride", stride), ("dilation", dilation)):
        require_positive(name, value)
    if padding not in ("valid", "same"):
        raise ParameterError(f"padding={padding!r} must be 'valid' or 'same'")
    span = kernel_span(kernel_size, dilation)
    if padding == "valid" or span == 1:
        return Axis.scan(span, stride)
    return Axis(takes=Geometry(1, stride), sees=Geometry(span, stride), start=-same_padding(span)[0])


def require_positive(name: str, value: int) -> None:
    """Raise `ParameterError` unless `value` is a positive integer."""
    if not isinstance(value, int) or value < 1:
        raise ParameterError(f"{name}={value!r} must be a positive integer")


def pair(name: str, value: int | tuple[int, int]) -> tuple[int, int]:
    """A value for `(rows, time)`; a single integer serves both."""
    if isinstance(value, int):
        return value, value
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ParameterError(f"{name}={value!r} must be one integer or two, (rows, time)")
    return value


def padding_pair(padding: Padding | tuple[Padding, Padding]) -> tuple[Padding, Padding]:
    """A padding for `(rows, time)`; a single one serves both."""
    if isinstance(padding, str):
        return padding, padding
    if not isinstance(padding, (tuple, list)) or len(padding) != 2:
        raise ParameterError(f"padding={padding} must be one of 'valid' and 'same', or two, (rows, time)")
    return padding


def padding_of(axis: Axis, mode: PaddingMode = "zeros") -> tuple[int, int]:
    """Steps to add on the left and right of an axis: none where it is a scan."""
    if axis.geometry is not None or axis.sees is None:
        return 0, 0
    # a mirror adds as much on both sides: one step more on the right would mirror one from beyond the field
    return same_padding(axis.sees.span, symmetric=mode == "reflect")


def require_channels(in_channels: int, out_channels: int, groups: int) -> None:
    """Raise `ParameterError` unless all are positive and the groups divide both."""
    sizes = (("in_channels", in_channels), ("out_channels", out_channels), ("groups", groups))
    for name, value in sizes:
        require_positive(name, value)
    common = gcd(in_channels, out_channels)
    if common % groups:
        divisors = [size for size in range(1, common + 1) if common % size == 0]
        nearest = [max(size for size in divisors if size < groups)] + [s for s in divisors if s > groups][:1]
        raise ParameterError(
            f"groups={groups} must divide in_channels={in_channels} and out_channels={out_channels}; "
            f"the nearest that does is {' or '.join(map(str, nearest))}"
        )


def require_mode(mode: PaddingMode) -> PaddingMode:
    """The mode, if it is one; raise `ParameterError` otherwise."""
    if mode not in ("zeros", "reflect"):
        raise ParameterError(f"padding_mode={mode!r} must be 'zeros' or 'reflect'")
    return mode


def _reflect(x: Tensor, pads: tuple[int, ...]) -> Tensor:
    """Mirror the last axes of `x` by `pads`, in the order of `torch.nn.functional.pad`."""
    for axis, name in enumerate(("time", "rows")[: len(pads) // 2], start=1):
        added, length = pads[2 * axis - 1], x.shape[-axis]
        if length <= added:
            raise ParameterError(
                f"padding_mode='reflect' mirrors {added} steps at each end along {name} and needs "
                f"{added + 1} or more, not {length}; give a longer input, or padding_mode='zeros'"
            )
    return F.pad(x, pads, mode="reflect")


def require_map(layer: nn.modules.conv._ConvNd, x: Tensor) -> None:
    """Raise `ParameterError` unless `x` has the axes and channels that a convolution reads."""
    if x.dim() != 2 + len(layer.kernel_size) or x.shape[1] != layer.in_channels:
        axes = "time" if len(layer.kernel_size) == 1 else "rows, time"
        raise ParameterError(
            f"{type(layer).__name__} with in_channels={layer.in_channels} takes "
            f"(batch, {layer.in_channels}, {axes}), not {tuple(x.shape)}"
        )


class Convolution(Scan, nn.modules.conv._ConvNd):
    """What convolutions along one axis and along two have in common.

    Attributes:
        pads: what is added to the input, besides torch's own `padding` of zeros; in the order of
            `torch.nn.functional.pad`.
    """

    law_remedy = PADDED_LAW_REMEDY
    pads: tuple[int, ...]

    def _pad(self, x: Tensor) -> Tensor:
        """Add what torch's own `self.padding` of zeros does not."""
        if not any(self.pads):
            return x
        return F.pad(x, self.pads) if self.padding_mode == "zeros" else _reflect(x, self.pads)

    def macs(self, x: Tensor, y: Tensor) -> int:
        """`in_channels / groups * size of the kernel` for every number of `y`."""
        return y.numel() * self.weight[0].numel()

    def connections(self, x: Tensor, y: Tensor) -> int:
        """As many, and the bias."""
        return self.macs(x, y) + (0 if self.bias is None else y.numel())


class Conv1d(Convolution, nn.Conv1d):
    """Convolution along time: `(batch, in_channels, time)` -> `(batch, out_channels, time')`.

    With `kernel_size=1` it is a dense layer applied to every step by itself, the "network in
    network" of Lin et al. 2014 (arXiv 1312.4400).

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
        padding_mode: what `"same"` adds: `"zeros"`, or the input mirrored at its ends
            (`"reflect"`, for odd spans and inputs longer than what is added).

    Raises:
        ParameterError: for a size that is not positive, groups that do not divide the channels, an
            unknown padding, an even span to be mirrored, and on input of another shape or shorter
            than the span.

    >>> import torch
    >>> Conv1d(40, 16, kernel_size=9, stride=2)(torch.zeros(1, 40, 98)).shape
    torch.Size([1, 16, 45])
    >>> Conv1d(40, 16, kernel_size=9, stride=2, padding="same")(torch.zeros(1, 40, 98)).shape
    torch.Size([1, 16, 49])
    """

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
        padding_mode: PaddingMode = "zeros",
    ) -> None:
        axis = conv_axis(kernel_size, stride, dilation, padding)
        require_channels(in_channels, out_channels, groups)
        require_mode(padding_mode)
        left, right = padding_of(axis, padding_mode)
        by_torch = min(left, right) if padding_mode == "zeros" else 0
        nn.Conv1d.__init__(
            self,
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=by_torch,
            dilation=dilation,
            groups=groups,
            bias=bias,
            padding_mode=padding_mode,
        )
        self.time_axis = axis
        # torch pads zeros evenly: an even span wants one more on the right, and torch's come outside of it
        self.pads = (left - by_torch, right - by_torch)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve."""
        require_map(self, x)
        self.require_span(x)
        return self._convolve(self._pad(x))

    def _convolve(self, x: Tensor) -> Tensor:
        """Convolve what `_pad` gave; a subclass may do it in another way."""
        for convolve in (convolve_whole, convolve_pointwise):
            if (y := convolve(self, x)) is not None:
                return y
        return F.conv1d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class Conv2d(Convolution, nn.Conv2d):
    """Convolution along rows and time.

    `(batch, in_channels, rows, time)` -> `(batch, out_channels, rows', time')`. Rows are
    frequencies of a spectrogram, or lines of a picture. Pairs are `(rows, time)`; a single
    integer serves both.

    Args:
        in_channels: channels read.
        out_channels: detectors, one channel each.
        kernel_size: rows and steps a detector covers; 1 is a dense layer applied to every
            position by itself (Lin et al. 2014, arXiv 1312.4400).
        stride: rows and steps it moves by.
        dilation: rows and steps from one kernel element to the next.
        groups: independent groups of channels; `in_channels` for a depthwise one.
        bias: whether a constant is added per output channel.
        padding: `"valid"` or `"same"`, for both axes or as `(rows, time)`. An
            audio layer may pad frequency and still be a scan over time.
        padding_mode: what `"same"` adds: `"zeros"`, or the input mirrored at its edges
            (`"reflect"`, for odd spans and inputs longer than what is added).

    Raises:
        ParameterError: for a size that is not positive, groups that do not divide the channels, an
            unknown padding, an even span to be mirrored, and on input of another shape or shorter
            than the span.

    >>> import torch
    >>> conv = Conv2d(1, 16, 5, stride=(2, 1), padding=("same", "valid"))
    >>> conv(torch.zeros(1, 1, 40, 98)).shape, conv.geometry
    (torch.Size([1, 16, 20, 94]), Geometry(span=5, stride=1))
    """

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
        padding_mode: PaddingMode = "zeros",
    ) -> None:
        kernels, strides = pair("kernel_size", kernel_size), pair("stride", stride)
        dilations, (row_padding, time_padding) = pair("dilation", dilation), padding_pair(padding)
        row_axis = conv_axis(kernels[0], strides[0], dilations[0], row_padding)
        time_axis = conv_axis(kernels[1], strides[1], dilations[1], time_padding)
        require_channels(in_channels, out_channels, groups)
        require_mode(padding_mode)
        (top, bottom), (left, right) = padding_of(row_axis, padding_mode), padding_of(time_axis, padding_mode)
        rows_by_torch, steps_by_torch = (
            (min(top, bottom), min(left, right)) if padding_mode == "zeros" else (0, 0)
        )
        nn.Conv2d.__init__(
            self,
            in_channels,
            out_channels,
            kernels,
            stride=strides,
            padding=(rows_by_torch, steps_by_torch),
            dilation=dilations,
            groups=groups,
            bias=bias,
            padding_mode=padding_mode,
        )
        self.row_axis, self.time_axis = row_axis, time_axis
        self.pads = (
            left - steps_by_torch,
            right - steps_by_torch,
            top - rows_by_torch,
            bottom - rows_by_torch,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Convolve."""
        require_map(self, x)
        self.require_span(x)
        self.require_rows(x)
        return self._convolve(self._pad(x))

    def _convolve(self, x: Tensor) -> Tensor:
        """Convolve what `_pad` gave; a subclass may do it in another way."""
        if (self.training or not torch.is_grad_enabled()) and is_short_depthwise(self, x):
            return convolve_depthwise(self, x)
        for convolve in (convolve_whole, convolve_pointwise):
            if (y := convolve(self, x)) is not None:
                return y
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)
