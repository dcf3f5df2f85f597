"""Pooling over blocks: the neighbours in a block become one number, channel by channel.

    [1 1] 2 4         max, 2x2        6 8         mean, 2x2        3.25 5.25
    [5 6] 7 8         --------->      3 4         ---------->      2    2
     3 2  1 0
     1 2  3 4

A block of P steps moved by D over N steps gives `floor((N - P) / D) + 1` outputs, and what is
left over at the end is not looked at: a scan. With `ceil_mode` a last block may hang over the end, and
there are `ceil((N - P) / D) + 1` (as far as a block starts within the input, which for D <= P all do):

    N = 8, P = 3, D = 2      [0 1 2]
                                 [2 3 4]
                                     [4 5 6]
                                         [6 7  .]     with ceil_mode alone

`"same"` puts blocks around every D-th step, `ceil(N / D)` of them; what lies outside never counts.
Both depend on where the input ends, so that they break the law.

Block pools of other kinds are in `lp_pool` and `learned_pool`, pools over a window of time in
`window_pool`, over everything in `global_pool`.
"""

from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis
from audiocnn.layers.conv import (
    Padding,
    conv_axis,
    padding_of,
    padding_pair,
    pair,
    require_positive,
)
from audiocnn.layers.scan import Scan

__all__ = ["AvgPool1d", "AvgPool2d", "FlattenRows", "MaxPool1d", "MaxPool2d", "Maxout", "MeanRows"]


class BlockPool(Scan):
    """What pools over blocks have in common; tuples are `(time,)` in 1-D and `(rows, time)` in 2-D."""

    def __init__(
        self,
        kernel_size: tuple[int, ...],
        stride: tuple[int, ...],
        padding: tuple[Padding, ...],
        *,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        axes = [conv_axis(k, s, 1, p) for k, s, p in zip(kernel_size, stride, padding, strict=True)]
        if ceil_mode and "same" in padding:
            raise ParameterError(
                "ceil_mode=True and padding='same' exclude each other; 'same' already gives "
                "ceil(length / stride) outputs"
            )
        # torch pads both ends alike; what an even block wants on the right besides is left to `_pad`
        pads = [padding_of(axis) for axis in axes]
        self.both_ends = tuple(left for left, _ in pads)
        self.right_ends = tuple(steps for left, right in reversed(pads) for steps in (0, right - left))
        if ceil_mode:
            axes = [
                axis._replace(takes=None, is_scan=False) if s > 1 else axis
                for axis, s in zip(axes, stride, strict=True)
            ]
        self.time_axis = axes[-1]
        self.row_axis = axes[0] if len(axes) == 2 else None
        self.kernel_size, self.stride, self.padding, self.ceil_mode = kernel_size, stride, padding, ceil_mode
        if self.time_axis.takes is None:
            self.law_remedy = (
                "ceil_mode=True lets a last block hang over wherever the input ends; build it with "
                "ceil_mode=False, or scan by windows (audiocnn.layers.Windows)"
            )
        else:
            self.law_remedy = (
                "padding='same' lets blocks hang over both ends of whatever it is given; build it with "
                "padding='valid', or scan by windows (audiocnn.layers.Windows)"
            )

    def _require_block(self, x: Tensor) -> None:
        """Raise `ParameterError` if `x` does not hold a block."""
        self.require_span(x)
        if self.row_axis:
            self.require_rows(x)
        if self.ceil_mode:
            for axis, kernel in enumerate(reversed(self.kernel_size), start=1):
                if x.shape[-axis] < kernel:
                    raise ParameterError(
                        f"kernel_size={kernel} is longer than the input of {x.shape[-axis]} along "
                        f"{('time', 'rows')[axis - 1]}; make it {x.shape[-axis]} or less"
                    )

    def _pad(self, x: Tensor, value: float) -> Tensor:
        """Add `value` where torch's own padding does not reach."""
        return F.pad(x, self.right_ends, value=value) if any(self.right_ends) else x

    def connections(self, x: Tensor, y: Tensor) -> int:
        """A block for every number of `y`."""
        return y.numel() * prod(self.kernel_size)

    def extra_repr(self) -> str:
        """Kernel, stride and what is not the default."""
        text = f"kernel_size={self.kernel_size}, stride={self.stride}"
        if "same" in self.padding:
            text += f", padding={self.padding}"
        return text + (", ceil_mode=True" if self.ceil_mode else "")


class MaxPool1d(BlockPool):
    """The largest of each block: `(batch, channel, time)` -> `(batch, channel, time')`.

    Yamaguchi et al. 1990, "A Neural Network for Speaker-Independent Isolated Word Recognition", ICSLP.
    The gradient goes to the largest alone (the first of equals).

    Args:
        kernel_size: steps in a block.
        stride: steps from one block to the next; as many as a block has by default.
        padding: `"valid"` (a scan) or `"same"`.
        ceil_mode: whether a last block may hang over the end.

    Raises:
        ParameterError: for a size that is not positive, an unknown padding, both `"same"` and
            `ceil_mode`, and on input shorter than a block.

    >>> import torch
    >>> x = torch.tensor([[[1.0, 5.0, 2.0, 0.0, 3.0]]])
    >>> MaxPool1d(2)(x), MaxPool1d(2, ceil_mode=True)(x)
    (tensor([[[5., 2.]]]), tensor([[[5., 2., 3.]]]))
    """

    def __init__(
        self,
        kernel_size: int,
        *,
        stride: int | None = None,
        padding: Padding = "valid",
        ceil_mode: bool = False,
    ) -> None:
        stride = kernel_size if stride is None else stride
        super().__init__((kernel_size,), (stride,), (padding,), ceil_mode=ceil_mode)

    def forward(self, x: Tensor) -> Tensor:
        """Take the largest."""
        self._require_block(x)
        x = self._pad(x, -torch.inf)
        return torch.max_pool1d(x, self.kernel_size, self.stride, self.both_ends, ceil_mode=self.ceil_mode)


class MaxPool2d(BlockPool):
    """The largest of each block: `(batch, channel, rows, time)` -> `(batch, channel, rows', time')`.

    Pairs are `(rows, time)`; a single value serves both.

    Args:
        kernel_size: rows and steps of a block.
        stride: from one block to the next; as large as a block by default.
        padding: `"valid"` or `"same"`.
        ceil_mode: whether last blocks may hang over the ends. An axis of stride 1 has none that do,
            and keeps the law.

    Raises:
        ParameterError: as `MaxPool1d`.

    >>> import torch
    >>> MaxPool2d((2, 1))(torch.zeros(1, 16, 40, 98)).shape
    torch.Size([1, 16, 20, 98])
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        *,
        stride: int | tuple[int, int] | None = None,
        padding: Padding | tuple[Padding, Padding] = "valid",
        ceil_mode: bool = False,
    ) -> None:
        kernels = pair("kernel_size", kernel_size)
        strides = kernels if stride is None else pair("stride", stride)
        super().__init__(kernels, strides, padding_pair(padding), ceil_mode=ceil_mode)

    def forward(self, x: Tensor) -> Tensor:
        """Take the largest."""
        self._require_block(x)
        x = self._pad(x, -torch.inf)
        return torch.max_pool2d(x, self.kernel_size, self.stride, self.both_ends, ceil_mode=self.ceil_mode)


class AvgPool1d(BlockPool):
    """The mean of each block: `(batch, channel, time)` -> `(batch, channel, time')`.

    With `"same"` and `ceil_mode` it is the mean of the steps that lie within the input: padding
    does not count. (In torch it counts by default.)

    Args:
        kernel_size: steps in a block.
        stride: steps from one block to the next; as many as a block has by default.
        padding: `"valid"` (a scan) or `"same"`.
        ceil_mode: whether a last block may hang over the end.

    Raises:
        ParameterError: as `MaxPool1d`.

    >>> import torch
    >>> x = torch.tensor([[[1.0, 5.0, 2.0, 0.0, 3.0]]])
    >>> AvgPool1d(2)(x), AvgPool1d(3, stride=2, padding="same")(x)
    (tensor([[[3., 1.]]]), tensor([[[3.0000, 2.3333, 1.5000]]]))
    """

    def __init__(
        self,
        kernel_size: int,
        *,
        stride: int | None = None,
        padding: Padding = "valid",
        ceil_mode: bool = False,
    ) -> None:
        stride = kernel_size if stride is None else stride
        super().__init__((kernel_size,), (stride,), (padding,), ceil_mode=ceil_mode)

    def forward(self, x: Tensor) -> Tensor:
        """Average."""
        self._require_block(x)
        mean = self._mean(self._pad(x, 0.0))
        if not any(self.right_ends):
            return mean
        return mean / self._mean(self._pad(x.new_ones(1, 1, x.shape[-1]), 0.0))

    def _mean(self, x: Tensor) -> Tensor:
        return torch.avg_pool1d(
            x, self.kernel_size, self.stride, self.both_ends, self.ceil_mode, count_include_pad=False
        )


class AvgPool2d(BlockPool):
    """The mean of each block: `(batch, channel, rows, time)` -> `(batch, channel, rows', time')`.

    As `AvgPool1d`; pairs are `(rows, time)`, a single value serves both.

    Args:
        kernel_size: rows and steps of a block.
        stride: from one block to the next; as large as a block by default.
        padding: `"valid"` or `"same"`.
        ceil_mode: whether last blocks may hang over the ends.

    Raises:
        ParameterError: as `MaxPool1d`.

    >>> import torch
    >>> AvgPool2d(2)(torch.tensor([[[[1.0, 1.0, 2.0, 4.0], [5.0, 6.0, 7.0, 8.0]]]]))
    tensor([[[[3.2500, 5.2500]]]])
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        *,
        stride: int | tuple[int, int] | None = None,
        padding: Padding | tuple[Padding, Padding] = "valid",
        ceil_mode: bool = False,
    ) -> None:
        kernels = pair("kernel_size", kernel_size)
        strides = kernels if stride is None else pair("stride", stride)
        super().__init__(kernels, strides, padding_pair(padding), ceil_mode=ceil_mode)

    def forward(self, x: Tensor) -> Tensor:
        """Average."""
        self._require_block(x)
        mean = self._mean(self._pad(x, 0.0))
        if not any(self.right_ends):
            return mean
        return mean / self._mean(self._pad(x.new_ones(1, 1, *x.shape[-2:]), 0.0))

    def _mean(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(
            x, self.kernel_size, self.stride, self.both_ends, self.ceil_mode, count_include_pad=False
        )


class Maxout(Scan):
    """The largest of each group of channels: `(batch, pieces * channel, ...)` -> `(batch, channel, ...)`.

    Goodfellow et al. 2013, "Maxout Networks", arXiv 1302.4389: after a convolution, the largest of
    `pieces` linear functions, and so a learned convex activation. In 1-D and in 2-D.

    Args:
        pieces: neighbouring channels that become one.

    Raises:
        ParameterError: if the pieces are not positive, or do not divide the channels of the input.

    >>> Maxout(2)(torch.tensor([[[1.0], [4.0], [3.0], [2.0]]]))
    tensor([[[4.],
             [3.]]])
    """

    def __init__(self, pieces: int) -> None:
        super().__init__()
        require_positive("pieces", pieces)
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        """Take the largest; the gradient goes to it alone."""
        if x.shape[1] % self.pieces:
            raise ParameterError(
                f"pieces={self.pieces} must divide the channels of the input, {x.shape[1]}; "
                "let the layer before give a multiple"
            )
        groups = x.reshape(len(x), -1, self.pieces, *x.shape[2:])
        return groups.max(dim=2).values

    def connections(self, x: Tensor, y: Tensor) -> int:
        """A group for every number of `y`."""
        return x.numel()

    def extra_repr(self) -> str:
        """The pieces."""
        return f"pieces={self.pieces}"


class MeanRows(Scan):
    """The mean of all rows: `(batch, channel, rows, time)` -> `(batch, channel, 1, time)`.

    >>> MeanRows()(torch.zeros(1, 8, 20, 98)).shape
    torch.Size([1, 8, 1, 98])
    """

    row_axis = Axis(takes=None, sees=None)  # one row, of all

    def forward(self, x: Tensor) -> Tensor:
        """Average over rows."""
        return x.sum(dim=-2, keepdim=True) / x.shape[-2]  # the gradient of `mean` would fill all rows

    def connections(self, x: Tensor, y: Tensor) -> int:
        """All rows for every number of `y`."""
        return x.numel()


class FlattenRows(Scan):
    """Rows become channels: `(batch, channel, rows, time)` -> `(batch, channel * rows, time)`.

    The door from a spectrogram to 1-D layers, whose channels are frequencies.

    >>> FlattenRows()(torch.zeros(1, 1, 40, 98)).shape
    torch.Size([1, 40, 98])
    """

    row_axis = None

    def forward(self, x: Tensor) -> Tensor:
        """Reshape."""
        return x.flatten(1, 2)
