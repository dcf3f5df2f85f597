"""Depthwise convolution of a few taps, by the sum that defines it, on a processor.

    y[c, r, t] = sum over i, j of weight[c, i, j] * x[c, r * stride + i * dilation, t * stride + j * dilation]

One multiply-add of whole arrays for each element of the kernel: x, shifted, times a number for every
channel. For three elements, as in the blocks of BC-ResNet, torch's kernels take about as long where
channels come in sixteens, longer elsewhere (in inference two to four times), and about twice as long along
a dilated kernel.
"""

from functools import lru_cache
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from audiocnn.layers.pointwise import is_traced

__all__ = ["convolve_depthwise", "is_short_depthwise"]

MOST_TAPS = 3  # with four or more torch's kernels are the faster ones,
TORCHS_CHANNELS = 16  # and in training with multiples of these, unless the kernel is dilated

# Which outputs an element of the kernel has a part in, and the inputs for them.
Tap: TypeAlias = tuple[tuple[Any, ...], tuple[Any, ...]]


def is_short_depthwise(conv: nn.Conv2d, x: Tensor) -> bool:
    """Whether `convolve_depthwise` serves for this layer and input, and is the faster way."""
    return (
        not is_traced()
        and conv.groups == conv.in_channels == conv.out_channels > 1
        and conv.kernel_size[0] * conv.kernel_size[1] <= MOST_TAPS
        and (not torch.is_grad_enabled() or conv.in_channels % TORCHS_CHANNELS > 0 or max(conv.dilation) > 1)
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
    rows, time = (
        _taps_along(x.shape[2 + i], conv.kernel_size[i], conv.stride[i], conv.padding[i], conv.dilation[i])
        for i in (0, 1)
    )
    size = (rows[0], time[0])
    taps = [((..., a, c), (..., b, d)) for a, b in rows[1] for c, d in time[1]]
    if not torch.is_grad_enabled():
        return _sum_of_taps(x, conv.weight, size, taps)
    y: Tensor = _Depthwise.apply(x, conv.weight, size, taps)
    return y


@lru_cache(maxsize=256)  # bounded: a stream may come in chunks of any size
def _taps_along(
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


def _sum_of_taps(x: Tensor, weight: Tensor, size: tuple[int, int], taps: list[Tap]) -> Tensor:
    weights = weight.reshape(len(weight), -1, 1, 1).unbind(1)
    middle = len(taps) // 2
    outputs, inputs = taps[middle]
    y = x[inputs] * weights[middle]  # into a new buffer, which is all of the result if nothing is padded,
    if y.shape[2:] != size:  # or as much on both sides
        whole = x.new_zeros(*x.shape[:2], *size)
        whole[outputs] = y
        y = whole
    for i, ((outputs, inputs), w) in enumerate(zip(taps, weights, strict=True)):
        if i != middle:
            y[outputs].addcmul_(x[inputs], w)
    return y


class _Depthwise(torch.autograd.Function):
    """`convolve_depthwise` and its gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, size: tuple[int, int], taps: list[Tap]) -> Tensor:
        """The sum over taps."""
        ctx.taps = taps
        ctx.save_for_backward(x, weight)
        return _sum_of_taps(x, weight, size, taps)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, None, None]:
        """What each tap passes back to the inputs it read, and to its weight, which all of them share."""
        x, weight = ctx.saved_tensors
        dx, dws = torch.zeros_like(x), []
        for (outputs, inputs), w in zip(ctx.taps, weight.flatten(1).unbind(1), strict=True):
            dx[inputs].addcmul_(dy[outputs], w[:, None, None])
            dws.append((dy[outputs] * x[inputs]).sum(0).sum((1, 2)))
        return dx, torch.stack(dws, dim=1).view_as(weight), None, None
