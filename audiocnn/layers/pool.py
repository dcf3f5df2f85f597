"""Pooling: many steps become one number.

A clip-level pool is here a *window* pool: the mean, or the mean and deviation,
of the last `window` steps at every position. On a clip of exactly one window it
is the clip's pool; on a long recording it makes a track, and stays a scan.

Windows are folded in blocks (van Herk 1992, Gil & Werman 1993). Cut the input
into blocks of `window` steps; in each, combine forward (prefix) and backward
(suffix). Every window is then a suffix of one block and a prefix of the next:

    blocks      | a b c d | e f g h |        window = 4
    window            [c d  e f]             = suffix at c (c d) with prefix up to f (e f)

That costs a fixed number of operations per output whatever the window. Nothing
is ever subtracted from a running total, so ten hours do not drift, and silence
has a deviation of exactly zero.
"""

from collections.abc import Callable
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis
from audiocnn.layers.scan import Scan

__all__ = ["FlattenRows", "MeanRows", "WindowMean", "WindowStatistics"]

Parts: TypeAlias = tuple[Tensor, ...]


def fold_windows(parts: Parts, window: int, merge: Callable[[Parts, Parts], Parts]) -> Parts:
    """Combine every `window` neighbouring steps of the last axis by an associative `merge`.

    Args:
        parts: what is combined, one tensor or several that belong together, each
            `(..., time)` of equal shape.
        window: steps combined into one.
        merge: combines two neighbours, the left one given first.

    Returns:
        The same parts, `(..., time - window + 1)`.

    >>> fold_windows((torch.tensor([3, 1, 4, 1, 5]),), 3, lambda a, b: (torch.maximum(a[0], b[0]),))
    (tensor([4, 4, 5]),)
    """
    length = parts[0].shape[-1]
    outputs = length - window + 1
    blocks = -(-length // window)
    # (..., blocks, window); the last block is filled up with the last step, to be merged but never read
    fill = blocks * window - length
    filled = [torch.cat((p, p[..., -1:].expand(*p.shape[:-1], fill)), dim=-1) for p in parts]
    columns = list(zip(*(p.view(*p.shape[:-1], blocks, window).unbind(-1) for p in filled), strict=True))

    prefix = [columns[0]]
    for column in columns[1:]:
        prefix.append(merge(prefix[-1], column))
    if blocks == 1:
        return tuple(p[..., :outputs] for p in prefix[-1])
    suffix = [columns[-1]]
    for column in reversed(columns[:-1]):
        suffix.append(merge(column, suffix[-1]))
    suffix.reverse()

    # the window that starts at place k of block b: the suffix from k, and, unless k = 0, the
    # prefix of the next block up to its place k - 1
    whole = [suffix[0]]
    for k in range(1, window):
        left = tuple(p[..., :-1] for p in suffix[k])
        right = tuple(p[..., 1:] for p in prefix[k - 1])
        merged = merge(left, right)
        whole.append(tuple(F.pad(p, (0, 1)) for p in merged))
    return tuple(torch.stack(p, dim=-1).flatten(-2)[..., :outputs] for p in zip(*whole, strict=True))


class _WindowPool(Scan):
    """What pools of `window` steps have in common."""

    row_axis = None

    def __init__(self, window: int) -> None:
        super().__init__()
        if window < 1:
            raise ParameterError(f"window={window} must be a positive number of steps")
        self.window = window
        self.time_axis = Axis.scan(window)

    def extra_repr(self) -> str:
        """The window."""
        return f"window={self.window}"


class WindowMean(_WindowPool):
    """The mean of each `window` steps: `(batch, channel, time)` -> `(batch, channel, time - window + 1)`.

    Args:
        window: steps averaged.

    >>> WindowMean(3)(torch.tensor([[[1.0, 2.0, 3.0, 7.0]]]))
    tensor([[[2., 4.]]])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Average."""
        self.require_span(x)
        if x.shape[-1] == self.window:  # one clip: the same sum, in torch's own order
            return x.mean(dim=-1, keepdim=True)
        (total,) = fold_windows((x,), self.window, lambda a, b: (a[0] + b[0],))
        return total / self.window


class WindowStatistics(_WindowPool):
    """Mean and standard deviation of each `window` steps, as channels side by side.

    `(batch, channel, time)` -> `(batch, 2 * channel, time - window + 1)`: the statistics
    pooling of x-vectors (Snyder et al. 2018), over a window instead of the whole clip. The
    deviation is that of the population, `sqrt(mean((x - mean) ** 2) + 1e-10)` less
    `sqrt(1e-10)`: smooth at zero, where the bare root has no gradient, and exactly zero in
    silence.

    Counts, means and sums of squared deviations of neighbouring parts are merged as in
    Chan, Golub & LeVeque 1983, "Algorithms for Computing the Sample Variance".

    Args:
        window: steps described by one output.

    >>> WindowStatistics(2)(torch.tensor([[[1.0, 1.0, 3.0]]]))
    tensor([[[1.0000, 2.0000],
             [0.0000, 1.0000]]])
    """

    SMOOTHING = 1e-10

    def forward(self, x: Tensor) -> Tensor:
        """Describe."""
        self.require_span(x)
        if x.shape[-1] == self.window:
            first = x[..., :1]  # taken off first, so that equal steps deviate by exactly zero
            shift = (x - first).mean(dim=-1, keepdim=True)
            mean = first + shift
            squares = (x - first - shift).square().sum(dim=-1, keepdim=True)
        else:
            count = torch.ones_like(x[:1, :1])  # (1, 1, time): the same for every channel
            _, mean, squares = fold_windows((count, x, torch.zeros_like(x)), self.window, _merge_moments)
        deviation = (squares / self.window + self.SMOOTHING).sqrt() - self.SMOOTHING**0.5
        return torch.cat((mean, deviation), dim=1)


def _merge_moments(a: Parts, b: Parts) -> Parts:
    """Merge (count, mean, sum of squared deviations) of two neighbouring parts."""
    (n_a, mean_a, squares_a), (n_b, mean_b, squares_b) = a, b
    n = n_a + n_b
    share = n_b / n
    difference = mean_b - mean_a
    return n, mean_a + difference * share, squares_a + squares_b + difference.square() * (n_a * share)


class MeanRows(Scan):
    """The mean of all rows: `(batch, channel, rows, time)` -> `(batch, channel, 1, time)`.

    >>> MeanRows()(torch.zeros(1, 8, 20, 98)).shape
    torch.Size([1, 8, 1, 98])
    """

    row_axis = Axis(takes=None, sees=None)  # one row, of all

    def forward(self, x: Tensor) -> Tensor:
        """Average over rows."""
        return x.mean(dim=-2, keepdim=True)


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
