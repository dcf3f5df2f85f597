"""Transposed convolution: each input number is laid down as a weighted kernel, and what overlaps adds up.

    input         a     b     c             stride 2, kernel 3
    kernels     [a a a]
                    [b b b]
                        [c c c]
    output       0 1 2 3 4 5 6              (3 - 1) * 2 + 3 steps

It is the transpose - the gradient - of the convolution with the same weights: `sum(conv(x) * y) ==
sum(x * transposed(y))` for every x and y. It up-samples, as decoders, generators and dense
predictions need. Where the stride does not divide the kernel, output steps get different numbers of
contributions, a checkerboard (Odena, Dumoulin & Olah 2016, Distill, doi 10.23915/distill.00003).
"""

import torch.nn.functional as F
from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis
from audiocnn.layers.conv import Padding, conv_axis, padding_pair, pair, require_channels, require_map
from audiocnn.layers.scan import Scan

__all__ = ["ConvTranspose1d", "ConvTranspose2d"]

LAW_REMEDY = (
    "its outputs are denser than its inputs, and neighbouring inputs add up in one; end the streamed network "
    "before it, or scan by windows (audiocnn.layers.Windows)"
)


class ConvTranspose1d(Scan, nn.ConvTranspose1d):
    """Up-sampling convolution: `(batch, in_channels, time)` -> `(batch, out_channels, time')`.

        y[o, t * stride + k * dilation] += weight[i, o, k] * x[i, t]     for all i, t, k; y = bias[o] before

    T steps become `(T - 1) * stride + span` with `"valid"`, and `T * stride` with `"same"`, which cuts
    `span - stride` steps from the ends, the odd one on the right. Zeiler et al. 2010, "Deconvolutional
    Networks", CVPR; Dumoulin & Visin 2016, "A guide to convolution arithmetic", arXiv 1603.07285.

    Args:
        in_channels: channels read.
        out_channels: channels of the result.
        kernel_size: steps one input is laid over.
        stride: output steps from one input to the next.
        dilation: output steps from one kernel element to the next.
        groups: independent groups of channels.
        bias: whether a constant is added per output channel.
        padding: `"valid"`, all that is laid down, or `"same"`.

    Raises:
        ParameterError: for a size that is not positive, groups that do not divide the channels, an unknown
            padding, `"same"` with a kernel that does not cover the stride, and on input of another
            shape or of no steps.

    >>> import torch
    >>> ConvTranspose1d(8, 4, 4, stride=2)(torch.zeros(1, 8, 10)).shape
    torch.Size([1, 4, 22])
    >>> ConvTranspose1d(8, 4, 4, stride=2, padding="same")(torch.zeros(1, 8, 10)).shape
    torch.Size([1, 4, 20])
    """

    row_axis = None
    law_remedy = LAW_REMEDY

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
        require_channels(in_channels, out_channels, groups)
        self.cut, self.cut_right = _cut(kernel_size, stride, dilation, padding)
        nn.ConvTranspose1d.__init__(
            self,
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=self.cut,
            dilation=dilation,
            groups=groups,
            bias=bias,
        )
        self.time_axis = _transposed_axis(kernel_size, stride)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]  # torch's takes an output size too
        """Lay down the kernels."""
        require_map(self, x)
        self.require_span(x)
        y = F.conv_transpose1d(
            x, self.weight, self.bias, self.stride, self.cut, 0, self.groups, self.dilation
        )
        return y[..., : y.shape[-1] - self.cut_right]

    def macs(self, x: Tensor, y: Tensor) -> int:
        """`out_channels / groups * kernel_size` for every number of `x`."""
        return x.numel() * self.weight[0].numel()

    def connections(self, x: Tensor, y: Tensor) -> int:
        """As many, and the bias of every number of `y`."""
        return self.macs(x, y) + (0 if self.bias is None else y.numel())


class ConvTranspose2d(Scan, nn.ConvTranspose2d):
    """Up-sampling convolution along rows and time.

    `(batch, in_channels, rows, time)` -> `(batch, out_channels, rows', time')`; as `ConvTranspose1d` on
    each axis. Pairs are `(rows, time)`; a single integer serves both. Along an axis of kernel 1 and stride 1
    nothing is up-sampled, and the law is kept.

    Args:
        in_channels: channels read.
        out_channels: channels of the result.
        kernel_size: rows and steps one input is laid over.
        stride: output rows and steps from one input to the next.
        dilation: output rows and steps from one kernel element to the next.
        groups: independent groups of channels.
        bias: whether a constant is added per output channel.
        padding: `"valid"` or `"same"`, for both axes or as `(rows, time)`.

    Raises:
        ParameterError: as `ConvTranspose1d`.

    >>> import torch
    >>> ConvTranspose2d(8, 4, (4, 1), stride=(2, 1))(torch.zeros(1, 8, 10, 98)).shape
    torch.Size([1, 4, 22, 98])
    """

    law_remedy = LAW_REMEDY

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
        require_channels(in_channels, out_channels, groups)
        kernels, strides = pair("kernel_size", kernel_size), pair("stride", stride)
        dilations, paddings = pair("dilation", dilation), padding_pair(padding)
        top, self.cut_bottom = _cut(kernels[0], strides[0], dilations[0], paddings[0])
        left, self.cut_right = _cut(kernels[1], strides[1], dilations[1], paddings[1])
        self.cut = (top, left)
        nn.ConvTranspose2d.__init__(
            self,
            in_channels,
            out_channels,
            kernels,
            stride=strides,
            padding=self.cut,
            dilation=dilations,
            groups=groups,
            bias=bias,
        )
        self.row_axis = _transposed_axis(kernels[0], strides[0])
        self.time_axis = _transposed_axis(kernels[1], strides[1])

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]  # torch's takes an output size too
        """Lay down the kernels."""
        require_map(self, x)
        self.require_span(x)
        y = F.conv_transpose2d(
            x, self.weight, self.bias, self.stride, self.cut, 0, self.groups, self.dilation
        )
        return y[..., : y.shape[-2] - self.cut_bottom, : y.shape[-1] - self.cut_right]

    def macs(self, x: Tensor, y: Tensor) -> int:
        """`out_channels / groups * rows * steps` of the kernel for every number of `x`."""
        return x.numel() * self.weight[0].numel()

    def connections(self, x: Tensor, y: Tensor) -> int:
        """As many, and the bias of every number of `y`."""
        return self.macs(x, y) + (0 if self.bias is None else y.numel())


def _transposed_axis(kernel_size: int, stride: int) -> Axis:
    return Axis.scan() if kernel_size == stride == 1 else Axis(takes=None, sees=None)


def _cut(kernel_size: int, stride: int, dilation: int, padding: Padding) -> tuple[int, int]:
    """Steps to cut from both ends, which torch does, and from the right besides."""
    sees = conv_axis(kernel_size, stride, dilation, padding).sees
    assert sees is not None
    if padding == "valid":
        return 0, 0
    if sees.span < stride:
        raise ParameterError(
            f"padding='same' needs a kernel that covers the stride, and kernel_size={kernel_size} covers "
            f"{sees.span} of stride={stride} steps; give kernel_size={stride}, or padding='valid'"
        )
    left = (sees.span - stride) // 2
    return left, sees.span - stride - 2 * left
