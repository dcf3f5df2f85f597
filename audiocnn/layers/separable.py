"""Depthwise-separable convolutions: first along the axes, channel by channel, then across channels.

x - depthwise: one kernel per channel - pointwise: 1x1, mixes the channels - y
"""

from audiocnn.layers.conv import Conv1d, Conv2d, Padding, PaddingMode
from audiocnn.layers.sequential import Sequential

__all__ = ["SeparableConv1d", "SeparableConv2d"]


class SeparableConv1d(Sequential):
    """A convolution factored in two: `(batch, in_channels, time)` -> `(batch, out_channels, time')`.

    Sifre 2014, "Rigid-Motion Scattering for Image Classification"; Chollet 2017, "Xception",
    arXiv 1610.02357. For C channels in, O out and a kernel of K elements it has `C * K + C * O`
    weights where the full convolution has `C * O * K`: `1/O + 1/K` of them, and as much of the work.
    Nothing stands between the two, so that only the second has a bias.

    Args:
        in_channels: channels read.
        out_channels: channels of the result.
        kernel_size: steps the depthwise kernels cover.
        stride: steps they move by.
        dilation: steps from one kernel element to the next.
        bias: whether a constant is added per output channel.
        padding: `"valid"` (a scan) or `"same"`.
        padding_mode: what `"same"` adds, `"zeros"` or `"reflect"`.

    Raises:
        ParameterError: as `Conv1d`.

    >>> def weights(layer):
    ...     return sum(p.numel() for p in layer.parameters())
    >>> weights(Conv1d(64, 64, 9, bias=False)), weights(SeparableConv1d(64, 64, 9, bias=False))
    (36864, 4672)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        bias: bool = True,
        padding: Padding = "valid",
        padding_mode: PaddingMode = "zeros",
    ) -> None:
        depthwise = Conv1d(
            in_channels,
            in_channels,
            kernel_size,
            stride=stride,
            dilation=dilation,
            groups=in_channels,
            bias=False,
            padding=padding,
            padding_mode=padding_mode,
        )
        super().__init__(
            {"depthwise": depthwise, "pointwise": Conv1d(in_channels, out_channels, 1, bias=bias)}
        )


class SeparableConv2d(Sequential):
    """As `SeparableConv1d` in 2-D.

    `(batch, in_channels, rows, time)` -> `(batch, out_channels, rows', time')`. Pairs are
    `(rows, time)`; a single integer serves both.

    Args:
        in_channels: channels read.
        out_channels: channels of the result.
        kernel_size: rows and steps the depthwise kernels cover.
        stride: rows and steps they move by.
        dilation: rows and steps from one kernel element to the next.
        bias: whether a constant is added per output channel.
        padding: `"valid"` or `"same"`, for both axes or as `(rows, time)`.
        padding_mode: what `"same"` adds, `"zeros"` or `"reflect"`.

    Raises:
        ParameterError: as `Conv2d`.

    >>> import torch
    >>> SeparableConv2d(16, 32, 3, stride=(2, 1))(torch.zeros(1, 16, 40, 98)).shape
    torch.Size([1, 32, 19, 96])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        *,
        stride: int | tuple[int, int] = 1,
        dilation: int | tuple[int, int] = 1,
        bias: bool = True,
        padding: Padding | tuple[Padding, Padding] = "valid",
        padding_mode: PaddingMode = "zeros",
    ) -> None:
        depthwise = Conv2d(
            in_channels,
            in_channels,
            kernel_size,
            stride=stride,
            dilation=dilation,
            groups=in_channels,
            bias=False,
            padding=padding,
            padding_mode=padding_mode,
        )
        super().__init__(
            {"depthwise": depthwise, "pointwise": Conv2d(in_channels, out_channels, 1, bias=bias)}
        )
