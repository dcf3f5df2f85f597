"""Filters much longer than the hop at which they are wanted; what they have in common is done once.

A block of a hop's samples comes under one part of a filter in this frame, and under the part before it in
the next:

    samples   | block 0 | block 1 | block 2 | block 3 |
    frame 0   [----------- filter -----------]
    frame 1             [----------- filter -----------]

Frame by frame, each block would be multiplied with every part of every filter. But the parts are alike: a
slow wave is, within a block, hardly more than a straight line. The singular value decomposition of all parts
finds the fewest waves, `rank`, that each part is a sum of. A block is multiplied with these alone, once, and
a frame is summed up of the few numbers that its blocks have given:

    block ───── waves ────── numbers ───── parts ──────────────── frame
    (hop)       (rank, hop)  (rank)        (filters, rank, blocks)

For the lowest octave of a constant-Q transform, 24 filters of 11685 samples each 512, that is 49 waves and a
fifth of the multiplications.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from audiocnn.frontends.front_end import Array

__all__ = ["LongFilters"]

# What may be lost of a part, relative to its root mean square: no more than float32 rounds off. A part
# below a hundredth of its filter, at the end of a window, counts as a hundredth.
LOSS = 1e-7
LEAST = 0.01


class LongFilters(nn.Module):
    """Filters once in each hop: `(batch, time)` -> `(batch, filters, frames)`.

    Frame `j` of filter `k` is the sum over `t` of `filters[k, t] * x[j * hop_length + t]`, but for 1e-7 of
    the root mean square of each part of the filter. What does not fill a block at the filters' end is
    multiplied as it is, so that a frame reads the samples under its filters and no others.

    Args:
        filters: `(filters, span)`.
        hop_length: samples from one frame to the next.

    >>> filters = LongFilters(np.ones((1, 5)), hop_length=2)
    >>> filters(torch.arange(9.0)[None]).round()
    tensor([[[10., 20., 30.]]])
    """

    waves: Tensor | None
    parts: Tensor
    rest: Tensor | None

    def __init__(self, filters: Array, hop_length: int) -> None:
        super().__init__()
        self.span, self.hop_length = filters.shape[1], hop_length
        self.in_blocks = self.span // hop_length * hop_length
        waves, parts = _factors(filters, hop_length) if self.in_blocks else (None, None)
        rest = filters[:, self.in_blocks :] if self.in_blocks < self.span else None
        for name, table in (("waves", waves), ("parts", parts), ("rest", rest)):
            values = None if table is None else torch.tensor(table).float()
            self.register_buffer(name, values, persistent=False)

    def forward(self, x: Tensor, *, exportable: bool = False) -> Tensor:
        """All frames of `x`, the last of which ends where `x` does.

        Args:
            x: `(batch, time)`.
            exportable: by a convolution, without the views of windows that export formats do not know.
        """
        frames = (x.shape[-1] - self.span) // self.hop_length + 1
        sums = []
        if self.waves is not None:
            blocks = x[:, : x.shape[-1] - self.span + self.in_blocks]
            numbers = self.waves @ self._hops(blocks, self.hop_length, exportable)  # (batch, rank, blocks)
            if exportable:
                sums.append(F.conv1d(numbers, self.parts))
            else:
                of_frames = numbers.unfold(-1, frames, 1)  # (batch, rank, blocks of a frame, frames)
                sums.append(self.parts.flatten(1) @ of_frames.flatten(1, 2))
        if self.rest is not None:
            sums.append(self.rest @ self._hops(x[:, self.in_blocks :], self.rest.shape[1], exportable))
        return sums[0] if len(sums) == 1 else sums[0] + sums[1]

    def _hops(self, x: Tensor, length: int, exportable: bool) -> Tensor:
        """The first `length` samples of each hop, `(batch, length, hops)`; `x` ends with the last of them."""
        if not exportable:
            return x.unfold(-1, length, self.hop_length).mT
        hops = F.pad(x, (0, self.hop_length - length)).reshape(len(x), -1, self.hop_length)
        return hops[..., :length].mT


def _factors(filters: Array, hop_length: int) -> tuple[Array, Array]:
    """Waves `(rank, hop_length)`, and how many of each make up the parts, `(filters, rank, blocks)`."""
    n_filters, blocks = len(filters), filters.shape[1] // hop_length
    parts = filters[:, : blocks * hop_length].reshape(n_filters, blocks, hop_length)
    least = LEAST * np.linalg.norm(filters, axis=1)[:, None]
    sizes = np.maximum(np.linalg.norm(parts, axis=2), least).reshape(-1, 1)
    left, values, waves = np.linalg.svd(parts.reshape(-1, hop_length) / sizes, full_matrices=False)
    amounts = left * values
    # the energy that each part loses where only the first 0, 1, 2 … waves are kept
    lost = (amounts**2)[:, ::-1].cumsum(axis=1)[:, ::-1].max(axis=0)
    rank = int(np.sum(lost > LOSS**2))
    return waves[:rank], (amounts[:, :rank] * sizes).reshape(n_filters, blocks, rank).transpose(0, 2, 1)
