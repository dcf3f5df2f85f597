"""Locally connected layers: the wiring of a convolution, with weights of its own at every position.

    y[o, p] = bias[p, o] + sum over i, k of weight[p, o, i, k] * x[i, p * stride + k]

LeCun 1989, "Generalization and Network Design Strategies", where sharing the weights of such a net
makes it a convolutional one; Gregor & LeCun 2010, "Emergence of Complex-Like Cells in a Temporal
Product Network with Local Receptive Fields", arXiv 1006.0448.

What sharing saves: the first layer of AlexNet has 55 x 55 x 96 neurons, each with 11 x 11 x 3 inputs
and a bias. Counted without making them:

>>> import torch
>>> with torch.device("meta"):
...     unshared = LocallyConnected2d(3, 96, 11, input_size=(227, 227), stride=4)
...     shared = Conv2d(3, 96, 11, stride=4)
>>> [f"{sum(p.numel() for p in layer.parameters()):,}" for layer in (unshared, shared)]
['105,705,600', '34,944']
"""

from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis
from audiocnn.layers.conv import (
    PADDED_LAW_REMEDY,
    Conv1d,
    Conv2d,
    Padding,
    conv_axis,
    padding_of,
    padding_pair,
    pair,
    require_channels,
    require_positive,
)
from audiocnn.layers.scan import Scan

__all__ = ["LocallyConnected1d", "LocallyConnected2d"]

LAW_REMEDY = (
    "each position along time has its own weights, so it takes inputs of one length alone; share them along "
    "time, or scan by windows (audiocnn.layers.Windows)"
)


class LocallyConnected1d(Scan):
    """Detectors of its own at each position along time.

    `(batch, in_channels, length)` -> `(batch, out_channels, positions)`. Weights and biases start as
    those of a convolution do: uniform within `1 / sqrt(in_channels * kernel_size)`.

    Args:
        in_channels: channels read.
        out_channels: detectors at each position, one channel each.
        kernel_size: steps a detector covers.
        length: steps of the input.
        stride: steps from one position to the next.
        bias: whether each detector has a constant.
        padding: `"valid"`, or `"same"` with zeros.

    Attributes:
        weight: `(positions, out_channels, in_channels, kernel_size)`; `weight[p]` has the shape of a
            convolution's.
        bias: `(positions, out_channels)`, or None.

    Raises:
        ParameterError: for a size that is not positive, a kernel longer than the input, an unknown
            padding, and on input of another shape.

    >>> layer = LocallyConnected1d(8, 4, 3, length=20)
    >>> layer(torch.zeros(1, 8, 20)).shape, layer.weight.shape
    (torch.Size([1, 4, 18]), torch.Size([18, 4, 8, 3]))
    """

    row_axis = None
    law_remedy = LAW_REMEDY

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        length: int,
        stride: int = 1,
        bias: bool = True,
        padding: Padding = "valid",
    ) -> None:
        super().__init__()
        require_channels(in_channels, out_channels, groups=1)
        axis = conv_axis(kernel_size, stride, 1, padding)
        positions = _positions("length", length, kernel_size, axis)
        self.time_axis = Axis(takes=None, sees=axis.sees, start=axis.start)
        self.pads = padding_of(axis)
        self.in_channels, self.length, self.stride = in_channels, length, stride
        self.weight = nn.Parameter(torch.empty(positions, out_channels, in_channels, kernel_size))
        self.bias = nn.Parameter(torch.empty(positions, out_channels)) if bias else None
        _initialise(self.weight, self.bias, fan_in=in_channels * kernel_size)

    @classmethod
    def from_conv(cls, conv: Conv1d, *, length: int) -> "LocallyConnected1d":
        """The same function as `conv` on inputs of `length` steps: its weights, copied to every position.

        Raises:
            ParameterError: for a convolution with dilation, groups or mirrored padding.
        """
        _require_plain(conv)
        layer = cls(
            conv.in_channels,
            conv.out_channels,
            conv.kernel_size[0],
            length=length,
            stride=conv.stride[0],
            bias=conv.bias is not None,
            padding="valid" if conv.geometry else "same",
        ).to(conv.weight)
        _copy(conv, layer.weight, layer.bias)
        return layer

    def forward(self, x: Tensor) -> Tensor:
        """Apply each position's detectors to its part of `x`."""
        if x.shape[1:] != (self.in_channels, self.length):
            raise ParameterError(
                f"{type(self).__name__} takes (batch, {self.in_channels}, {self.length}), "
                f"not {tuple(x.shape)}"
            )
        kernel_size = self.weight.shape[-1]
        blocks = _pad(x, self.pads).unfold(-1, kernel_size, self.stride)  # (batch, in, positions, kernel)
        y = torch.einsum("bipk,poik->bop", blocks, self.weight)
        return y if self.bias is None else y + self.bias.T

    def macs(self, x: Tensor, y: Tensor) -> int:
        """`in_channels * kernel_size` for every number of `y`."""
        return y.numel() * self.weight[0, 0].numel()

    def connections(self, x: Tensor, y: Tensor) -> int:
        """As many, and the bias."""
        return self.macs(x, y) + (0 if self.bias is None else y.numel())

    def extra_repr(self) -> str:
        """The sizes."""
        positions, out_channels, in_channels, kernel_size = self.weight.shape
        return (
            f"{in_channels}, {out_channels}, kernel_size={kernel_size}, stride={self.stride}, "
            f"positions={positions}"
        )


class LocallyConnected2d(Scan):
    """Detectors of its own at each position of a map.

    `(batch, in_channels, rows, time)` -> `(batch, out_channels, rows', time')`. Pairs are
    `(rows, time)`; a single integer serves both.

    In a spectrogram the rows mean different things, but time does not: with `input_size=(rows, None)`
    each row has its own weights, which all positions along time share, and the layer is a scan. So
    does "limited weight sharing" in Abdel-Hamid et al. 2014, "Convolutional Neural Networks for
    Speech Recognition", IEEE/ACM TASLP 22 (there rows that are pooled together share as well).

    Args:
        in_channels: channels read.
        out_channels: detectors at each position, one channel each.
        kernel_size: rows and steps a detector covers.
        input_size: rows and steps of the input; None for the steps shares the weights along time.
        stride: rows and steps from one position to the next.
        bias: whether each detector has a constant.
        padding: `"valid"` or `"same"`, for both axes or as `(rows, time)`.

    Attributes:
        weight: `(rows', time', out_channels, in_channels, kernel_rows, kernel_steps)`, with a `time'` of 1
            where it is shared; `weight[r, t]` has the shape of a convolution's.
        bias: `(rows', time', out_channels)`, or None.

    Raises:
        ParameterError: as `LocallyConnected1d`.

    >>> layer = LocallyConnected2d(1, 16, (5, 3), input_size=(40, None), stride=(2, 1))
    >>> layer(torch.zeros(1, 1, 40, 98)).shape, layer.geometry
    (torch.Size([1, 16, 18, 96]), Geometry(span=3, stride=1))
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        *,
        input_size: tuple[int, int | None],
        stride: int | tuple[int, int] = 1,
        bias: bool = True,
        padding: Padding | tuple[Padding, Padding] = "valid",
    ) -> None:
        super().__init__()
        require_channels(in_channels, out_channels, groups=1)
        kernels, self.stride = pair("kernel_size", kernel_size), pair("stride", stride)
        paddings = padding_pair(padding)
        self.row_axis = conv_axis(kernels[0], self.stride[0], 1, paddings[0])
        self.time_axis = conv_axis(kernels[1], self.stride[1], 1, paddings[1])
        self.pads = padding_of(self.time_axis) + padding_of(self.row_axis)
        if not isinstance(input_size, tuple) or len(input_size) != 2:
            raise ParameterError(
                f"input_size={input_size!r} must be two integers, (rows, time), or (rows, None)"
            )
        self.in_channels, self.input_size = in_channels, input_size
        rows, steps = input_size
        positions = [_positions("rows", rows, kernels[0], self.row_axis), 1]
        self.row_axis = self.row_axis._replace(takes=None)
        if steps is not None:
            positions[1] = _positions("time", steps, kernels[1], self.time_axis)
            self.time_axis = self.time_axis._replace(takes=None)
        self.law_remedy = PADDED_LAW_REMEDY if steps is None else LAW_REMEDY
        self.weight = nn.Parameter(torch.empty(*positions, out_channels, in_channels, *kernels))
        self.bias = nn.Parameter(torch.empty(*positions, out_channels)) if bias else None
        _initialise(self.weight, self.bias, fan_in=in_channels * prod(kernels))

    @classmethod
    def from_conv(cls, conv: Conv2d, *, input_size: tuple[int, int | None]) -> "LocallyConnected2d":
        """The same function as `conv` on inputs of one size: its weights, copied to every position.

        Raises:
            ParameterError: for a convolution with dilation, groups or mirrored padding.
        """
        _require_plain(conv)
        layer = cls(
            conv.in_channels,
            conv.out_channels,
            (conv.kernel_size[0], conv.kernel_size[1]),
            input_size=input_size,
            stride=(conv.stride[0], conv.stride[1]),
            bias=conv.bias is not None,
            padding=("valid" if conv.geometry_rows else "same", "valid" if conv.geometry else "same"),
        ).to(conv.weight)
        _copy(conv, layer.weight, layer.bias)
        return layer

    def forward(self, x: Tensor) -> Tensor:
        """Apply each position's detectors to its part of `x`."""
        rows, steps = self.input_size
        if x.shape[1:-1] != (self.in_channels, rows) or steps not in (None, x.shape[-1]):
            raise ParameterError(
                f"{type(self).__name__} takes (batch, {self.in_channels}, {rows}, {steps or 'time'}), "
                f"not {tuple(x.shape)}"
            )
        self.require_span(x)
        (kernel_rows, kernel_steps), (row_stride, stride) = self.weight.shape[-2:], self.stride
        # (batch, in, rows', time', kernel_rows, kernel_steps)
        blocks = _pad(x, self.pads).unfold(2, kernel_rows, row_stride).unfold(3, kernel_steps, stride)
        y = torch.einsum("birtkl,rtoikl->bort", blocks, self.weight)
        return y if self.bias is None else y + self.bias.movedim(-1, 0)

    def macs(self, x: Tensor, y: Tensor) -> int:
        """`in_channels * kernel_rows * kernel_steps` for every number of `y`."""
        return y.numel() * self.weight[0, 0, 0].numel()

    def connections(self, x: Tensor, y: Tensor) -> int:
        """As many, and the bias."""
        return self.macs(x, y) + (0 if self.bias is None else y.numel())

    def extra_repr(self) -> str:
        """The sizes."""
        rows, steps, out_channels, in_channels, *kernel = self.weight.shape
        return (
            f"{in_channels}, {out_channels}, kernel_size={tuple(kernel)}, stride={self.stride}, "
            f"positions={(rows, steps)}"
        )


def _positions(name: str, length: int, kernel_size: int, axis: Axis) -> int:
    """How many positions a kernel has along an axis of `length`."""
    require_positive(name, length)
    assert axis.takes is not None
    positions = axis.takes.output_length(length)
    if positions == 0:
        raise ParameterError(
            f"kernel_size={kernel_size} is longer than the input, {name}={length}; make it {length} or "
            "less, or give padding='same'"
        )
    return positions


def _pad(x: Tensor, pads: tuple[int, ...]) -> Tensor:
    return F.pad(x, pads) if any(pads) else x


def _initialise(weight: Tensor, bias: Tensor | None, *, fan_in: int) -> None:
    for parameter in (weight, bias):
        if parameter is not None:
            nn.init.uniform_(parameter, -(fan_in**-0.5), fan_in**-0.5)


def _require_plain(conv: Conv1d | Conv2d) -> None:
    if conv.groups > 1 or max(conv.dilation) > 1 or conv.padding_mode != "zeros":
        raise ParameterError(
            f"groups={conv.groups}, dilation={conv.dilation} and padding_mode={conv.padding_mode!r} of the "
            "convolution must be 1, 1 and 'zeros'; a locally connected layer has no other"
        )


def _copy(conv: Conv1d | Conv2d, weight: Tensor, bias: Tensor | None) -> None:
    with torch.no_grad():
        weight.copy_(conv.weight)
        if bias is not None and conv.bias is not None:
            bias.copy_(conv.bias)
