"""Depthwise convolution of a few taps, by the sum that defines it; for training on a processor.

    y[c, r, t] = sum over i, j of weight[c, i, j] * x[c, r * stride + i * dilation, t * stride + j * dilation]

One multiply-add of whole arrays for each element of the kernel: x, shifted, times a number for every
channel. For three elements, as in the blocks of BC-ResNet, torch's kernels take about as long where
channels come in sixteens, longer elsewhere, and about twice as long along a dilated kernel.
"""

from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["convolve_depthwise", "is_short_depthwise"]

MOST_TAPS = 3  # with four or more torch's kernels are the faster ones,
TORCHS_CHANNELS = 16  # and with multiples of these, unless the kernel is dilated


def is_short_depthwise(conv: nn.Conv2d, x: Tensor) -> bool:
    """Whether `convolve_depthwise` serves for this layer and input, and is the faster way."""
    return (
        conv.groups == conv.in_channels == conv.out_channels > 1
        and conv.kernel_size[0] * conv.kernel_size[1] <= MOST_TAPS
        and (conv.in_channels % TORCHS_CHANNELS > 0 or max(conv.dilation) > 1)
        and conv.bias is None
        and x.is_cpu
        and x.dtype == conv.weight.dtype
        and x.dtype in (torch.float32, torch.float64)
        and not torch.is_autocast_enabled("cpu")
    )


def convolve_depthwise(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """What the stock `conv(x)` gives.

    Args:
        conv: a layer with as many groups as channels, without bias.
        x: `(batch, channel, rows, time)`.

    >>> conv = nn.Conv2d(3, 3, (1, 3), groups=3, dilation=(1, 2), bias=False)
    >>> convolve_depthwise(conv, torch.zeros(1, 3, 1, 20)).shape
    torch.Size([1, 3, 1, 16])
    """
    y: Tensor = _Depthwise.apply(x, conv.weight, conv.stride, conv.padding, conv.dilation)
    return y


def _taps(
    size: int, kernel_size: int, stride: int, padding: int, dilation: int
) -> tuple[int, list[tuple[slice, slice]]]:
    """The outputs along one axis; for each kernel element, those it has a part in and the inputs for them."""
    outputs = (size + 2 * padding - (kernel_size - 1) * dilation - 1) // stride + 1
    taps = []
    for i in range(kernel_size):
        shift = i * dilation - padding  # what output 0 reads; the first and last outputs may read padding
        start = max(0, -(shift // stride))
        stop = max(start, min(outputs, (size - 1 - shift) // stride + 1))
        first = start * stride + shift
        taps.append((slice(start, stop), slice(first, first + (stop - start) * stride, stride)))
    return outputs, taps


class _Depthwise(torch.autograd.Function):
    """`convolve_depthwise` and its gradients."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        stride: tuple[int, int],
        padding: tuple[int, int],
        dilation: tuple[int, int],
    ) -> Tensor:
        """The sum over taps."""
        (rows, row_taps), (time, time_taps) = (
            _taps(x.shape[2 + i], weight.shape[2 + i], stride[i], padding[i], dilation[i]) for i in (0, 1)
        )
        ctx.taps = [((..., a, c), (..., b, d)) for a, b in row_taps for c, d in time_taps]
        ctx.save_for_backward(x, weight)
        y = x.new_zeros(*x.shape[:2], rows, time)
        for (outputs, inputs), w in zip(ctx.taps, weight.flatten(1).unbind(1), strict=True):
            y[outputs].addcmul_(x[inputs], w[:, None, None])
        return y

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        """What each tap passes back to the inputs it read, and to its weight, which all of them share."""
        x, weight = ctx.saved_tensors
        dx, dws = torch.zeros_like(x), []
        for (outputs, inputs), w in zip(ctx.taps, weight.flatten(1).unbind(1), strict=True):
            dx[inputs].addcmul_(dy[outputs], w[:, None, None])
            dws.append((dy[outputs] * x[inputs]).sum(0).sum((1, 2)))
        return dx, torch.stack(dws, dim=1).view_as(weight), None, None, None
