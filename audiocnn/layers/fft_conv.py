"""Convolution by the fast Fourier transform: what `conv.py` computes, cheaper for long kernels.

What is a sum over the kernel in time is one product per frequency of the transforms `X` and `W`
(the kernel's is conjugated, because the layers correlate: they do not flip the kernel):

    Y[o, f] = sum over i of X[i, f] * conj(W[o, i, f])

*Overlap-save.* A transform of `size` points is circular: its last `kernel - 1` outputs have wrapped
round and are dropped. So a long input is cut into blocks that overlap by `kernel - 1`, and what is kept
of each is laid end to end (Stockham 1966, "High-speed convolution and correlation"):

    input       [- - - size - - - -]
                            [- - - size - - - -]
                                        [- - - size - - - -]
    kept        [- - step - ]
                            [- - step - ]
                                        [- - step - ]

*Stride.* Output `t` reads `x[t * stride + k]`. Write `k = stride * j + p`: the input and the kernel fall
into `stride` phases `p`, each a channel of its own, and what is left is a convolution of stride 1 whose
transforms are `stride` times shorter. No output is computed that is not asked for.

*Dilation.* The kernel is spread, with zeros in between: its transform costs no more than that of a
kernel as long as its span.

*Gradients.* By the input: the output's gradient convolved with the kernel, block by block, the overlaps
added. By the kernel: the input correlated with the output's gradient. Both from transforms already at
hand; the sum over blocks is taken before the one transform back.

Rounding is spread over a block: a quiet stretch beside a loud one has the loud one's rounding error,
and a NaN or an infinity spoils its whole block.
"""

from collections.abc import Sequence
from math import prod
from typing import Any, Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from audiocnn.layers.fft_cost import Blocks

class _Correlation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, groups: int, blocks: tuple[Blocks, ...]) -> Tensor:
        sizes = [b.size for b in blocks]
        thin = 1 in (weight.shape[1], weight.shape[0] // groups)
        inputs = _by_frequency(_transform(_cut(x, blocks), sizes), groups, thin)
        kernels = _by_frequency(_transform(weight, sizes), groups, thin).conj_physical_()
        outputs = _by_channel(_matmul(inputs, kernels, thin))
        ctx.save_for_backward(inputs, kernels)
        ctx.about = x.shape, weight.shape, groups, blocks, thin
        return _join(_inverse(outputs, sizes, [b.step for b in blocks]), blocks, len(x))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        inputs, kernels = ctx.saved_tensors
        x_shape, weight_shape, groups, blocks, thin = ctx.about
        sizes = [b.size for b in blocks]
        tiles = _cut(gradient, [Blocks(b.step, b.step, b.count) for b in blocks])
        outputs = _by_frequency(_transform(tiles, sizes), groups, thin)
        by_x = by_weight = None
        if ctx.needs_input_grad[0]:
            spectra = _by_channel(_matmul(outputs, kernels.conj_physical().mT, thin))
            reach = [b.step + k - 1 for b, k in zip(blocks, weight_shape[2:], strict=True)]
            by_x = _join(_inverse(spectra, sizes, reach), blocks, x_shape[0])
            for axis, length in enumerate(x_shape[2:], start=2):
                by_x = by_x.narrow(axis, 0, length)
        if ctx.needs_input_grad[1]:
            spectra = _by_channel(_matmul(inputs.mT, outputs.conj_physical_(), thin))
            by_weight = _inverse(spectra, sizes, weight_shape[2:])
        return by_x, by_weight, None, None


def _cut(x: Tensor, blocks: Sequence[Blocks]) -> Tensor:
    """`(batch, channel, *lengths)` -> `(channel, batch * counts, *sizes)`, a single block uncut."""
    missing = [
        max(0, (b.count - 1) * b.step + b.size - length) if b.count > 1 else 0
        for b, length in zip(blocks, x.shape[2:], strict=True)
    ]
    if any(missing):
        x = F.pad(x, [n for m in reversed(missing) for n in (0, m)])
    x = x.transpose(0, 1)
    for axis, b in enumerate(blocks, start=2):
        x = x.unfold(axis, b.size, b.step) if b.count > 1 else x.unsqueeze(axis).movedim(axis + 1, -1)
    return x.flatten(1, 1 + len(blocks))


def _join(tiles: Tensor, blocks: Sequence[Blocks], batch: int) -> Tensor:
    """`(channel, batch * counts, *sizes)` -> `(batch, channel, *lengths)`, overlaps added."""
    tiles = tiles.unflatten(1, (batch, *(b.count for b in blocks))).transpose(0, 1)
    if len(blocks) == 1:
        return _overlap_add(tiles, blocks[0].step)
    tiles = _overlap_add(tiles.transpose(-2, -3), blocks[1].step)  # (batch, channel, count, size, time)
    return _overlap_add(tiles.movedim(-1, 2), blocks[0].step).transpose(-1, -2)


def _overlap_add(tiles: Tensor, step: int) -> Tensor:
    """`(..., count, size)` -> `(..., length)`: every tile begins `step` after the one before it."""
    *axes, count, size = tiles.shape
    pieces = -(-size // step)
    if pieces == 1:
        return tiles.flatten(-2)
    total = tiles.new_zeros(*axes, count + pieces - 1, step)
    for i, piece in enumerate(tiles.split(step, dim=-1)):
        total[..., i : i + count, : piece.shape[-1]] += piece
    return total.flatten(-2)


def _transform(x: Tensor, sizes: Sequence[int]) -> Tensor:
    """`(..., *at most sizes)` -> `(..., frequency)`, zeros filled in; the frequencies of all axes in one."""
    spectra = torch.fft.rfft(x, n=sizes[-1])
    if len(sizes) == 1:
        return spectra
    # torch lays the axis it has transformed out last: this flattening is free
    return torch.fft.fft(spectra, n=sizes[0], dim=-2).transpose(-1, -2).flatten(-2)


def _inverse(spectra: Tensor, sizes: Sequence[int], kept: Sequence[int]) -> Tensor:
    """`(..., frequency)` -> `(..., *kept)`: back, as many of the first steps as are wanted."""
    if len(sizes) == 2:
        spectra = torch.fft.ifft(spectra.unflatten(-1, (-1, sizes[0])))[..., : kept[0]].transpose(-1, -2)
    return torch.fft.irfft(spectra, n=sizes[-1])[..., : kept[-1]]


def _by_frequency(spectra: Tensor, groups: int, thin: bool) -> Tensor:
    """`(group * channel, m, frequency)` -> `(frequency, group, m, channel)`: one matrix per frequency."""
    matrices = spectra.unflatten(0, (groups, -1)).permute(3, 0, 2, 1)
    return matrices if thin else matrices.contiguous()


def _by_channel(matrices: Tensor) -> Tensor:
    """`(frequency, group, m, channel)` -> `(group * channel, m, frequency)`."""
    return matrices.permute(1, 3, 2, 0).flatten(0, 1)


def _matmul(a: Tensor, b: Tensor, thin: bool) -> Tensor:
    if not thin:
        return a @ b
    product = a.unsqueeze(-1) * b.unsqueeze(-3)
    return product.squeeze(-2) if product.shape[-2] == 1 else product.sum(-2)
