"""Pooling over a window of time: the clip-level pool of an audio net, as a scan.

The mean, the largest, or the mean and deviation of the last `window` steps at every
position. On a clip of exactly one window it is the clip's pool; on a long recording
it makes a track.

Windows are folded by doubling: of neighbours pairs are made, of neighbouring pairs fours, and so on. A
window is then as many of these as its length has ones in binary, one behind the other:

    steps       a b c d e f g h        window = 6 = 4 + 2
    twos        ab bc cd de ef fg gh
    fours       abcd bcde cdef defg efgh
    windows     abcd+ef  bcde+fg  cdef+gh

That is at most two merges for each doubling, of whole arrays, whatever the window. Nothing is ever
subtracted from a running total, so ten hours do not drift, and silence has a variance of exactly zero.
(Blocks with their prefixes and suffixes, van Herk 1992, Gil & Werman 1993, take three merges an output, but
in many small steps, which on a processor takes longer.) Where there are few windows - one clip, or the step
of a stream - each is reduced by itself.

Sums are kept in float64 (on Apple's GPUs, which have none, in float32) and the result has the input's type.
"""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis
from audiocnn.layers.conv import require_positive
from audiocnn.layers.pointwise import is_traced
from audiocnn.layers.precision import at_least_single, wide
from audiocnn.layers.scan import Scan

__all__ = ["WindowMax", "WindowMean", "WindowStatistics"]

Parts: TypeAlias = tuple[Tensor, ...]

# Windows of a channel up to which each is reduced by itself: with 16 to 256 channels and windows of 27 to
# 1000 steps a fold takes longer for fewer than about so many, and less for more.
REDUCED_DIRECTLY = 8

# Numbers that are reduced at once on a processor, if they are of more than one clip: what its cache holds,
# also in float64. Measured on 64 clips of 1500 channels and 300 steps: 19 times as fast as all at once.
CACHED = 2**18

# Added to the variance by default: the root alone has no gradient at zero.
SMOOTHING = 1e-5


def fold_windows(parts: Parts, window: int, merge: Callable[[Parts, Parts], Parts]) -> Parts:
    """Combine every `window` neighbouring steps of the last axis by an associative `merge`.

    Args:
        parts: what is combined, one tensor or several that belong together, each
            `(..., time)` of equal time.
        window: steps combined into one.
        merge: combines two neighbours, the left one given first.

    Returns:
        The same parts, `(..., time - window + 1)`.

    >>> fold_windows((torch.tensor([3, 1, 4, 1, 5]),), 3, lambda a, b: (torch.maximum(a[0], b[0]),))
    (tensor([4, 4, 5]),)
    """
    outputs = parts[0].shape[-1] - window + 1
    whole: Parts | None = None
    piece, size, begin = parts, 1, 0
    while True:
        if window & size:
            own = tuple(part[..., begin : begin + outputs] for part in piece)
            whole = own if whole is None else merge(whole, own)
            begin += size
        if 2 * size > window:
            assert whole is not None  # a window has a highest bit
            return whole
        piece = merge(tuple(part[..., :-size] for part in piece), tuple(part[..., size:] for part in piece))
        size *= 2


def clip_by_clip(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """`function(x)`, of a few clips at a time where they are large.

    >>> clip_by_clip(torch.neg, torch.ones(3, 2**18)).shape
    torch.Size([3, 262144])
    """
    if is_traced() or not x.is_cpu:
        return function(x)
    at_once = max(1, CACHED // max(1, x[:1].numel()))
    if len(x) <= at_once:
        return function(x)
    return torch.cat([function(part) for part in torch.split(x, at_once)])


class WindowPool(Scan):
    """What pools of `window` steps have in common.

    A subclass says how to `reduce` windows `(batch, channel, outputs, window)`, and how to
    `fold` `(batch, channel, time)`, both to `(batch, channel', outputs)`.
    """

    row_axis = None

    def __init__(self, window: int) -> None:
        super().__init__()
        require_positive("window", window)
        self.window = window
        self.time_axis = Axis.scan(window)

    def forward(self, x: Tensor) -> Tensor:
        """Pool."""
        self.require_span(x)
        z = at_least_single(x)
        if x.shape[-1] == self.window:
            return clip_by_clip(self.reduce, z[..., None, :]).to(x.dtype)
        windows = z.unfold(-1, self.window, 1)
        is_few = windows.shape[-2] <= REDUCED_DIRECTLY
        return (clip_by_clip(self.reduce, windows) if is_few else self.fold(z)).to(x.dtype)

    def reduce(self, windows: Tensor) -> Tensor:
        """Pool each window by itself."""
        raise NotImplementedError

    def fold(self, x: Tensor) -> Tensor:
        """Pool all windows by `fold_windows`."""
        raise NotImplementedError

    def connections(self, x: Tensor, y: Tensor) -> int:
        """A window for every number of `y`."""
        return y.numel() * self.window

    def extra_repr(self) -> str:
        """The window."""
        return f"window={self.window}"


class WindowMean(WindowPool):
    """The mean of each `window` steps: `(batch, channel, time)` -> `(batch, channel, time - window + 1)`.

    Args:
        window: steps averaged.

    Raises:
        ParameterError: if the window is not positive, and on input shorter than it.

    >>> WindowMean(3)(torch.tensor([[[1.0, 2.0, 3.0, 7.0]]]))
    tensor([[[2., 4.]]])
    """

    def reduce(self, windows: Tensor) -> Tensor:
        """Average each."""
        return windows.to(wide(windows)).mean(dim=-1)

    def fold(self, x: Tensor) -> Tensor:
        """Average by sums."""
        (total,) = fold_windows((x.to(wide(x)),), self.window, lambda a, b: (a[0] + b[0],))
        return total / self.window


class WindowMax(WindowPool):
    """The largest of each `window` steps: `(batch, channel, time)` -> `(batch, channel, time - window + 1)`.

    The same as `MaxPool1d(window, stride=1)`, at a cost that grows with the logarithm of the window. The
    gradient goes to the largest; equals share it.

    Args:
        window: steps looked at.

    Raises:
        ParameterError: if the window is not positive, and on input shorter than it.

    >>> WindowMax(3)(torch.tensor([[[1.0, 2.0, 3.0, 7.0]]]))
    tensor([[[3., 7.]]])
    """

    def reduce(self, windows: Tensor) -> Tensor:
        """Take the largest of each."""
        return windows.amax(dim=-1)

    def fold(self, x: Tensor) -> Tensor:
        """Take the larger of two, again and again."""
        (largest,) = fold_windows((x,), self.window, lambda a, b: (torch.maximum(a[0], b[0]),))
        return largest


class WindowStatistics(WindowPool):
    """Mean and standard deviation of each `window` steps, as channels side by side.

    `(batch, channel, time)` -> `(batch, 2 * channel, time - window + 1)`: the statistics
    pooling of x-vectors (Snyder et al. 2018), over a window instead of the whole clip. The
    deviation is by default that of the population, `sqrt(mean((x - mean) ** 2) + 1e-5)`: smooth at zero,
    where the bare root has no gradient. In silence the variance is exactly zero.

    Counts, means and sums of squared deviations of neighbouring parts are merged as in
    Chan, Golub & LeVeque 1983, "Algorithms for Computing the Sample Variance".

    Args:
        window: steps described by one output.
        correction: what is taken from the count that the squared deviations are divided by; with 1 the
            deviation is the estimate from a sample that `torch.std` gives.
        smoothing: what is added to the variance.

    Raises:
        ParameterError: if the window is not positive or not longer than the correction, for a smoothing that
            is not positive, and on input shorter than the window.

    >>> WindowStatistics(2)(torch.tensor([[[1.0, 1.0, 3.0]]]))
    tensor([[[1.0000, 2.0000],
             [0.0032, 1.0000]]])
    """

    def __init__(self, window: int, *, correction: int = 0, smoothing: float = SMOOTHING) -> None:
        super().__init__(window)
        if not 0 <= correction < window:
            raise ParameterError(f"correction={correction} must be 0 or more, and below window={window}")
        require_smoothing(smoothing)
        self.correction, self.smoothing = correction, smoothing
        self.spread = window / (window - correction)

    def reduce(self, windows: Tensor) -> Tensor:
        """Describe each."""
        first = windows[..., :1]  # taken off first, so that equal steps deviate by exactly zero
        beyond = (windows - first).to(wide(windows))
        shift = beyond.mean(dim=-1, keepdim=True)
        squares = torch.linalg.vector_norm(beyond - shift, dim=-1).square()
        variance = self.spread * (squares / self.window)
        return mean_and_deviation((first + shift)[..., 0], variance, self.smoothing)

    def fold(self, x: Tensor) -> Tensor:
        """Describe by merging moments."""
        x = x.to(wide(x))
        count = torch.ones_like(x[:1, :1])  # (1, 1, time): the same for every channel
        _, mean, squares = fold_windows((count, x, torch.zeros_like(x)), self.window, _merge_moments)
        return mean_and_deviation(mean, self.spread * (squares / self.window), self.smoothing)

    def extra_repr(self) -> str:
        """The arguments."""
        return f"{super().extra_repr()}, correction={self.correction}, smoothing={self.smoothing}"


def require_smoothing(smoothing: float) -> None:
    """Raise `ParameterError` unless it is positive: the root of nothing has no gradient."""
    if not smoothing > 0:
        raise ParameterError(f"smoothing={smoothing} must be positive; {SMOOTHING} is the default")


def mean_and_deviation(mean: Tensor, variance: Tensor, smoothing: float) -> Tensor:
    """Both side by side as channels, `sqrt(variance + smoothing)` being the deviation."""
    return torch.cat((mean, (variance + smoothing).sqrt()), dim=1)


def _merge_moments(a: Parts, b: Parts) -> Parts:
    """Merge (count, mean, sum of squared deviations) of two neighbouring parts."""
    (n_a, mean_a, squares_a), (n_b, mean_b, squares_b) = a, b
    n = n_a + n_b
    share = n_b / n
    difference = mean_b - mean_a
    return n, mean_a + difference * share, squares_a + squares_b + difference.square() * (n_a * share)
