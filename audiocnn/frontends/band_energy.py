"""The energy that filters let through, smoothed and sampled: the arithmetic of learnable filterbanks.

    samples ── filters ── square ── low-pass, one output each hop ── energies
               401 taps             401 taps

Between the first and the last arrow there are 2 x 40 numbers for every sample. Written to memory and read
again they would take most of the time, so this is done block by block, each of which stays in the
processor's cache, forward and, computed once more, backward.

The filters are applied by FFT, as in `audiocnn.layers.fft_correlation`: a block's last outputs have wrapped
round and are not used. The low-pass is cut into pieces of a hop each, and a block's energies into columns
of a hop. One matrix product gives every piece on every column; an output is the sum over a diagonal:

    columns of energies     0     1     2     3     4           low-pass of 3 pieces: a b c
    output 0               [a ... b ... c]
    output 1                     [a ... b ... c]
    output 2                           [a ... b ... c]
"""

from math import ceil
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from audiocnn.geometry import Geometry

__all__ = ["band_energy"]

# What lies between two transforms should stay in a core's second cache; a GPU wants more at a time.
_CPU_BYTES = 2**20
_GPU_BYTES = 2**28


def band_energy(x: Tensor, filters: Tensor, low_pass: Tensor, hop_length: int) -> Tensor:
    """Energies of filtered signals, smoothed, once each hop.

        energy[c, j] = sum over t of  low_pass[c, t] * |filtered[c, j * hop_length + t]|^2

    `|filtered|^2` is the sum of the squares of what a filter's parts give, which are two for a complex one.

    Args:
        x: `(batch, time)`.
        filters: `(filters, parts, taps)`.
        low_pass: `(filters, taps of the low-pass)`, a kernel for each filter.
        hop_length: samples from one output to the next.

    Returns:
        `(batch, filters, frames)`. Its gradient cannot itself be differentiated, and `torch.func` knows none.

    >>> x = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    >>> band_energy(x, torch.tensor([[[1.0, 1.0]]]), torch.ones(1, 2), 1)  # 3, 5, 7 squared, by twos
    tensor([[[34., 74.]]])
    """
    y: Tensor = _BandEnergy.apply(x, filters, low_pass, hop_length)
    return y


class _Cut(NamedTuple):
    """How the input is cut.

    Attributes:
        frames: outputs of each clip.
        pieces: of a hop each, that the low-pass has.
        size: points of a transform, at least four times the taps where the input is long enough: less wraps
            round, and more would not stay in the cache.
        columns: of a hop each, that a block gives.
        blocks: for each clip.
    """

    frames: int
    pieces: int
    size: int
    columns: int
    blocks: int

    @classmethod
    def of(cls, length: int, taps: int, low_pass_taps: int, hop: int) -> "_Cut":
        frames = Geometry(taps + low_pass_taps - 1, hop).output_length(length)
        pieces = ceil(low_pass_taps / hop)
        columns = frames - 1 + pieces
        wanted = min(max(4 * taps, hop + taps - 1), columns * hop + taps - 1)
        size = 1 << (wanted - 1).bit_length()
        at_once = (size - taps + 1) // hop
        blocks = ceil(columns / at_once)
        return cls(frames, pieces, size, ceil(columns / blocks), blocks)


class _BandEnergy(torch.autograd.Function):
    """`band_energy` and its gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, filters: Tensor, low_pass: Tensor, hop: int) -> Tensor:
        cut = _Cut.of(x.shape[-1], filters.shape[-1], low_pass.shape[-1], hop)
        ctx.save_for_backward(x, filters, low_pass)
        ctx.call = cut, hop
        spectra, pieces = _spectra(filters, cut), _pieces(low_pass, cut, hop).mT
        tiles = _tiles(x, filters.shape[-1], cut, hop)
        sums = x.new_empty(len(low_pass), len(tiles), cut.columns, cut.pieces)
        some = _at_once(filters, cut)
        for tile, part in zip(torch.split(tiles, some), torch.split(sums, some, 1), strict=True):
            waves = _waves(torch.fft.rfft(tile, n=cut.size), spectra, cut)
            part.copy_((_energy(waves, cut, hop) @ pieces).view(part.shape))
        sums = sums.view(len(low_pass), len(x), -1, cut.pieces)  # (filters, batch, columns, pieces)
        y = sums[:, :, : cut.frames, 0].clone()
        for piece in range(1, cut.pieces):
            y += sums[:, :, piece : piece + cut.frames, piece]
        return y.transpose(0, 1).contiguous()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        x, filters, low_pass = ctx.saved_tensors
        cut, hop = ctx.call
        used = cut.columns * hop
        spectra, pieces = _spectra(filters, cut), _pieces(low_pass, cut, hop)
        tiles = _tiles(x, filters.shape[-1], cut, hop)
        for_sums = x.new_zeros(len(low_pass), len(x), cut.blocks * cut.columns, cut.pieces)
        for piece in range(cut.pieces):
            for_sums[:, :, piece : piece + cut.frames, piece] = gradient.transpose(0, 1)
        for_sums = for_sums.view(len(low_pass), len(tiles), cut.columns, cut.pieces)
        for_spectra, for_pieces = torch.zeros_like(spectra), torch.zeros_like(pieces)
        for_tiles = torch.zeros_like(tiles) if ctx.needs_input_grad[0] else None
        some = _at_once(filters, cut)
        for i, tile in enumerate(torch.split(tiles, some)):
            here = slice(i * some, i * some + len(tile))
            inputs = torch.fft.rfft(tile, n=cut.size)
            waves = _waves(inputs, spectra, cut)
            for_sum = for_sums[:, here].flatten(1, 2)  # (filters, columns, pieces)
            for_pieces.baddbmm_(for_sum.mT, _energy(waves, cut, hop))
            # the gradient of a square is twice what was squared; the 2 comes at the end
            waves[..., :used] *= (for_sum @ pieces).view(len(low_pass), len(tile), used)
            waves[..., used:] = 0.0
            outputs = torch.fft.rfft(waves)
            for outputs_of_one, inputs_of_one in zip(outputs.unbind(2), inputs.conj_physical(), strict=True):
                for_spectra.addcmul_(outputs_of_one, inputs_of_one)
            if for_tiles is not None:
                back = (outputs * spectra.conj_physical().unsqueeze(-2)).sum((0, 1))
                for_tiles[here] = torch.fft.irfft(back, n=cut.size)[:, : tile.shape[-1]]
        for_filters = torch.fft.irfft(for_spectra.conj_physical_(), n=cut.size)[..., : filters.shape[-1]]
        for_low_pass = for_pieces.flatten(1)[:, : low_pass.shape[-1]]
        for_x = None if for_tiles is None else 2.0 * _overlapped(for_tiles, x, filters.shape[-1])
        return for_x, 2.0 * for_filters.transpose(0, 1), for_low_pass, None


def _at_once(filters: Tensor, cut: _Cut) -> int:
    """How many blocks to do at once."""
    room = _CPU_BYTES if filters.device.type == "cpu" else _GPU_BYTES
    return max(1, room // (filters.shape[0] * filters.shape[1] * cut.size * filters.element_size()))


def _spectra(filters: Tensor, cut: _Cut) -> Tensor:
    """Conjugate transforms of the filters, `(parts, filters, f)`."""
    spectra: Tensor = torch.fft.rfft(filters.transpose(0, 1), n=cut.size)
    return spectra.conj_physical_()


def _pieces(low_pass: Tensor, cut: _Cut, hop: int) -> Tensor:
    """The low-pass cut up, `(filters, pieces, hop)`."""
    return F.pad(low_pass, (0, cut.pieces * hop - low_pass.shape[-1])).view(len(low_pass), cut.pieces, hop)


def _tiles(x: Tensor, taps: int, cut: _Cut, hop: int) -> Tensor:
    """What each block reads, `(batch * blocks, samples)`."""
    step = cut.columns * hop
    filled_up = F.pad(x, (0, max(0, cut.blocks * step + taps - 1 - x.shape[-1])))
    tiles: Tensor = filled_up.unfold(-1, step + taps - 1, step)[:, : cut.blocks].flatten(0, 1)
    return tiles


def _waves(inputs: Tensor, spectra: Tensor, cut: _Cut) -> Tensor:
    """Blocks filtered, `(parts, filters, blocks, size)`, of which the last have wrapped round."""
    waves: Tensor = torch.fft.irfft(inputs * spectra.unsqueeze(-2), n=cut.size)
    return waves


def _energy(waves: Tensor, cut: _Cut, hop: int) -> Tensor:
    """The sum of the squares of the parts, `(filters, blocks * columns, hop)`."""
    waves = waves[..., : cut.columns * hop]
    energy = waves[0].square()
    for part in waves[1:]:
        energy.addcmul_(part, part)
    return energy.view(len(energy), -1, hop)


def _overlapped(tiles: Tensor, x: Tensor, taps: int) -> Tensor:
    """Add what blocks give that overlap by `taps - 1`; cut to the length of `x`."""
    step = tiles.shape[-1] - taps + 1
    tiles = tiles.view(len(x), -1, tiles.shape[-1])
    total = x.new_zeros(len(x), tiles.shape[1] * step + taps - 1)
    for i, tile in enumerate(tiles.unbind(1)):
        total[:, i * step : i * step + tile.shape[-1]] += tile
    return F.pad(total, (0, max(0, x.shape[-1] - total.shape[-1])))[:, : x.shape[-1]]
