"""Correlation in the transform domain, block by block, and its gradients.

What is a sum over the kernel in time is one product at each frequency of the transforms. The kernel
is not flipped, and so its transform is conjugated (the convolution theorem, for a correlation):

    Y[o, f] = sum over i of X[i, f] * conj(W[o, i, f])

*Overlap-save.* A transform of `size` points is circular: its last `kernel - 1` outputs have wrapped
round. So an input is cut into blocks that overlap by `kernel - 1`, of which `step` good outputs each
are kept and laid end to end (Stockham 1966, "High-speed convolution and correlation", AFIPS):

    input       [- - - - size - - - -]
                              [- - - - size - - - -]
    output      [- - step - -]
                              [- - step - -]

*Gradients.* By the input, a convolution with the kernel: `G[o, f] * W[o, i, f]` summed over `o`, where the
blocks' results are longer than `step` and overlaps are added. By the kernel, a correlation of input and
gradient: `X[i, f] * conj(G[o, f])`, summed over all blocks before the one transform back. `X` and `W` are
kept from the forward pass.

In two axes everything is said of both: a block is a rectangle, and `f` a pair of frequencies.
"""

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ["Blocks", "correlate"]

# What lies between two transforms should stay in a core's second cache; a GPU wants more at a time.
_CPU_BYTES = 2**21
_GPU_BYTES = 2**28
# With fewer rows than this, fetching the kernel's transform would take longer than multiplying by it.
_FEWEST_ROWS = 32


class Blocks(NamedTuple):
    """How one axis is cut: `number` blocks, each a transform of `size` points that gives `step` outputs."""

    size: int
    step: int
    number: int


def correlate(x: Tensor, weight: Tensor, groups: int, blocks: tuple[Blocks, ...]) -> Tensor:
    """Correlate with stride 1: `y[b, o, t] = sum over i, k of weight[o, i, k] * x[b, i, t + k]`.

    Args:
        x: `(batch, in_channels, *lengths)`, of one axis or two.
        weight: `(out_channels, in_channels / groups, *kernel)`.
        groups: independent groups of channels.
        blocks: for each axis; `size >= step + kernel - 1`, and `step * number` not less than the outputs.

    Returns:
        `(batch, out_channels, *lengths - kernel + 1)`. Its gradient cannot itself be differentiated.

    >>> x, weight = torch.tensor([[[1.0, 2.0, 4.0, 8.0]]]), torch.tensor([[[1.0, 10.0]]])
    >>> correlate(x, weight, 1, (Blocks(size=4, step=2, number=2),))
    tensor([[[21., 42., 84.]]])
    """
    y: Tensor = _Correlation.apply(x, weight, groups, blocks)
    for axis in range(2, x.dim()):
        y = y.narrow(axis, 0, x.shape[axis] - weight.shape[axis] + 1)
    return y


class _Correlation(torch.autograd.Function):
    """As `correlate`, but giving all `step * number` outputs of each axis."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, groups: int, blocks: tuple[Blocks, ...]) -> Tensor:
        sizes, steps, counts = zip(*blocks, strict=True)
        thin = 1 in (weight.shape[1], weight.shape[0] // groups)
        kernels = _by_frequency(_transform(weight, sizes), groups, thin).conj_physical_()
        reads = [b.size if b.number > 1 else length for b, length in zip(blocks, x.shape[2:], strict=True)]
        x_tiles = _tiles(_lengthen(x, reads, blocks), reads, steps)
        y = x.new_empty(len(x), len(weight), *(s * c for s, c in zip(steps, counts, strict=True)))
        y_tiles = _tiles(y, steps, steps)
        along, some = _parts(x_tiles, y_tiles, sizes, thin)
        kept = []
        for x_part, y_part in zip(
            torch.split(x_tiles, some, along), torch.split(y_tiles, some, along), strict=True
        ):
            inputs = _by_frequency(_transform(_in_a_row(x_part, sizes), sizes), groups, thin)
            outputs = _by_channel(_matmul(inputs, kernels, thin))
            y_part.copy_(_inverse(outputs, sizes, steps).view(y_part.shape))
            if ctx.needs_input_grad[1]:
                kept.append(inputs)
        ctx.save_for_backward(kernels, *kept)
        ctx.call = x.shape, weight.shape, groups, blocks, thin, along, some
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        kernels, *kept = ctx.saved_tensors
        x_shape, weight_shape, groups, blocks, thin, along, some = ctx.call
        sizes, steps, counts = zip(*blocks, strict=True)
        reach = [step + kernel - 1 for step, kernel in zip(steps, weight_shape[2:], strict=True)]
        for_x = for_weight = None
        if ctx.needs_input_grad[0]:
            plain_kernels = kernels.conj_physical().mT
            pieces = [-(-r // step) for r, step in zip(reach, steps, strict=True)]
            lengths = [(c + p - 1) * s for c, p, s in zip(counts, pieces, steps, strict=True)]
            for_x = gradient.new_zeros(*x_shape[:2], *lengths)
            x_tiles = _tiles(for_x, steps, steps)
        for i, y_part in enumerate(torch.split(_tiles(gradient, steps, steps), some, along)):
            outputs = _by_frequency(_transform(_in_a_row(y_part, sizes), sizes), groups, thin)
            if for_x is not None:
                inputs = _by_channel(_matmul(outputs, plain_kernels, thin))
                tiles = _inverse(inputs, sizes, reach).view(-1, *y_part.shape[1 : -len(sizes)], *reach)
                length = y_part.shape[along] + (pieces[0] - 1 if along == 2 else 0)
                _add_overlapping(x_tiles.narrow(along, i * some, length), tiles, steps)
            if ctx.needs_input_grad[1]:
                products = _matmul(kept[i].mT, outputs.conj_physical_(), thin)
                for_weight = products if for_weight is None else for_weight.add_(products)
        if for_x is not None:
            for axis in range(2, len(x_shape)):
                for_x = for_x.narrow(axis, 0, x_shape[axis])
        if for_weight is not None:
            for_weight = _inverse(_by_channel(for_weight), sizes, weight_shape[2:])
        return for_x, for_weight, None, None


def _lengthen(x: Tensor, reads: Sequence[int], blocks: Sequence[Blocks]) -> Tensor:
    """Add the zeros that the last block of each axis reads."""
    wanted = [(b.number - 1) * b.step + read for b, read in zip(blocks, reads, strict=True)]
    missing = [max(0, n - length) for n, length in zip(wanted, x.shape[2:], strict=True)]
    return F.pad(x, [n for m in reversed(missing) for n in (0, m)]) if any(missing) else x


def _tiles(x: Tensor, sizes: Sequence[int], steps: Sequence[int]) -> Tensor:
    """`(batch, channel, *lengths)` -> `(channel, batch, *counts, *sizes)`, a view."""
    x = x.transpose(0, 1)
    for axis, (size, step) in enumerate(zip(sizes, steps, strict=True), start=2):
        x = x.unfold(axis, size, step)
    return x


def _in_a_row(tiles: Tensor, sizes: Sequence[int]) -> Tensor:
    """`(channel, batch, *counts, *sizes)` -> `(channel, m, *sizes)`."""
    return tiles.flatten(1, -1 - len(sizes))


def _parts(x_tiles: Tensor, y_tiles: Tensor, sizes: Sequence[int], thin: bool) -> tuple[int, int]:
    """Along which axis of the tiles to go - the batch, 1, or the blocks, 2 - and by how many at a time."""
    along = 1 if x_tiles.shape[1] >= x_tiles.shape[2] else 2
    tiles = prod(x_tiles.shape[1 : -len(sizes)])
    tile_bytes = (len(x_tiles) + len(y_tiles)) * prod(sizes) * x_tiles.element_size()
    at_once = (_CPU_BYTES if x_tiles.device.type == "cpu" else _GPU_BYTES) // tile_bytes
    parts = -(-tiles // max(at_once, 1 if thin else _FEWEST_ROWS))
    return along, -(-x_tiles.shape[along] // parts)


def _transform(x: Tensor, sizes: Sequence[int]) -> Tensor:
    """`(..., *at most sizes)`, zeros filled in -> `(..., f)`, the frequencies of all axes in one."""
    spectra: Tensor = torch.fft.rfft(x, n=sizes[-1])
    if len(sizes) == 2:
        spectra = torch.fft.fft(spectra, n=sizes[0], dim=-2)
        spectra = spectra.transpose(-1, -2).flatten(-2)  # the order it lies in: nothing is copied
    return spectra


def _inverse(spectra: Tensor, sizes: Sequence[int], kept: Sequence[int]) -> Tensor:
    """`(..., f)` -> `(..., *kept)`: of each axis as many of the first steps as are wanted."""
    if len(sizes) == 2:
        spectra = torch.fft.ifft(torch.unflatten(spectra, -1, (-1, sizes[0])))
        spectra = spectra[..., : kept[0]].transpose(-1, -2)
    x: Tensor = torch.fft.irfft(spectra, n=sizes[-1])
    return x[..., : kept[-1]]


def _by_frequency(spectra: Tensor, groups: int, thin: bool) -> Tensor:
    """`(group * channel, m, f)` -> `(f, group, m, channel)`: a matrix for every frequency.

    Laid out as such in memory, unless they are `thin`.
    """
    matrices = torch.unflatten(spectra, 0, (groups, -1)).permute(3, 0, 2, 1)
    return matrices if thin else matrices.contiguous()


def _by_channel(matrices: Tensor) -> Tensor:
    """`(f, group, m, channel)` -> `(group * channel, m, f)`."""
    return matrices.permute(1, 3, 2, 0).flatten(0, 1)


def _matmul(a: Tensor, b: Tensor, thin: bool) -> Tensor:
    """`a @ b`; for `thin` matrices, of one channel in or out, number by number along the frequencies."""
    if not thin:
        return a @ b
    products = a.unsqueeze(-1) * b.unsqueeze(-3)
    return products.squeeze(-2) if products.shape[-2] == 1 else products.sum(-2)


def _add_overlapping(grid: Tensor, tiles: Tensor, steps: Sequence[int]) -> None:
    """Add tiles that begin `step` after one another, and reach further, to a grid of tiles of `step`.

    tiles       [- step -|- rest]
                         [- step -|- rest]
    grid        [- step -|- step -|- step -]
    """
    axes = len(steps)
    counts, lengths = tiles.shape[2:-axes], tiles.shape[-axes:]
    for pieces in product(*(range(-(-n // step)) for n, step in zip(lengths, steps, strict=True))):
        cells, parts = grid, tiles
        for axis, (piece, step) in enumerate(zip(pieces, steps, strict=True)):
            width = min(step, lengths[axis] - piece * step)
            parts = parts.narrow(axis - axes, piece * step, width)
            cells = cells.narrow(2 + axis, piece, counts[axis]).narrow(axis - axes, 0, width)
        cells.add_(parts)
