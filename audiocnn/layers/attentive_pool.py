"""Statistics in which some frames count for more: the net decides which, by a score it gives each.

    weight[t] = exp(score[t]) / sum over the window of exp(score)
    mean      = sum of weight[t] * x[t]
    deviation = sqrt(sum of weight[t] * (x[t] - mean)^2 + smoothing)

Where a frame's score depends on that frame alone, the pool is a scan like the others; where
it depends on the whole clip, it cannot be.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis
from audiocnn.layers.activation import ReLU, Tanh
from audiocnn.layers.conv import Conv1d, require_positive
from audiocnn.layers.norm import BatchNorm1d
from audiocnn.layers.parallel import Identity, Parallel
from audiocnn.layers.precision import wide
from audiocnn.layers.scan import Scan
from audiocnn.layers.sequential import Sequential
from audiocnn.layers.window_pool import (
    SMOOTHING,
    Parts,
    WindowPool,
    clip_by_clip,
    fold_windows,
    mean_and_deviation,
    require_smoothing,
)

__all__ = ["AttentiveStatistics", "ClipAttentiveStatistics"]


class AttentiveStatistics(Sequential):
    """Weighted mean and deviation of each `window` steps, the weights depending on the frame alone.

    `(batch, channels, time)` -> `(batch, 2 * channels, time - window + 1)`. Okabe, Koshinaka &
    Shinoda 2018, "Attentive Statistics Pooling for Deep Speaker Embedding", arXiv 1803.10963, with
    the score of a frame h

        score = v . tanh(W h + b)

    over a window instead of the clip. (The paper adds a constant to the score, which the softmax cancels.)
    On a stream every frame is scored once.

    Args:
        channels: channels of the input.
        window: steps described by one output.
        hidden: rows of W, the attention's units.
        per_channel: whether each channel has scores of its own, as in ECAPA-TDNN, or all share one.
        norm: whether `W h + b` goes through ReLU and batch norm before the tanh, and every score has a
            constant too, as in SpeechBrain's ECAPA-TDNN.
        smoothing: what is added to the variance.

    Raises:
        ParameterError: for a size or smoothing that is not positive, and on input shorter than the window.

    >>> AttentiveStatistics(64, window=84, hidden=16)(torch.zeros(1, 64, 98)).shape
    torch.Size([1, 128, 15])
    """

    def __init__(
        self,
        channels: int,
        window: int,
        *,
        hidden: int = 128,
        per_channel: bool = False,
        norm: bool = False,
        smoothing: float = SMOOTHING,
    ) -> None:
        require_positive("channels", channels)
        scores = channels if per_channel else 1
        scorer = _scorer(channels, scores, hidden, norm=norm)
        super().__init__(
            {
                # (batch, channels + scores, time)
                "score": Parallel(Identity(), scorer, join="concatenate"),
                "pool": WeightedStatistics(channels, window, smoothing),
            }
        )


class ClipAttentiveStatistics(Scan):
    """Weighted mean and deviation of a whole clip, the weights depending on all of it.

    `(batch, channels, time)` -> `(batch, 2 * channels, 1)`. Desplanques, Thienpondt & Demuynck
    2020, "ECAPA-TDNN", arXiv 2005.07143: each channel has its own scores, and they are made of the frame
    and the mean and deviation of the clip, `score[c] = v[c] . tanh(W (h, mean, deviation) + b)`. That
    breaks the law. `AttentiveStatistics` with `per_channel=True` is the same without the clip's
    statistics, over a window, and keeps it.

    Args:
        channels: channels of the input.
        hidden: rows of W, the attention's units.
        norm: whether `W (h, mean, deviation) + b` goes through ReLU and batch norm before the tanh, and every
            score has a constant too, as in SpeechBrain's ECAPA-TDNN.
        smoothing: what is added to the variances.

    Raises:
        ParameterError: for a size or smoothing that is not positive, and on input of another shape or of no
            steps.

    >>> pool = ClipAttentiveStatistics(64, hidden=16)
    >>> print(pool(torch.zeros(1, 64, 98)).shape, pool.geometry)
    torch.Size([1, 128, 1]) None
    """

    row_axis = None
    time_axis = Axis(takes=None, sees=None)
    law_remedy = (
        "its weights depend on the mean and deviation of the whole clip; use "
        "AttentiveStatistics(..., per_channel=True), or scan by windows (audiocnn.layers.Windows)"
    )

    def __init__(
        self, channels: int, *, hidden: int = 128, norm: bool = False, smoothing: float = SMOOTHING
    ) -> None:
        super().__init__()
        require_positive("channels", channels)
        require_smoothing(smoothing)
        self.channels, self.hidden, self.smoothing = channels, hidden, smoothing
        self.scorer = _scorer(3 * channels, channels, hidden, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        """Score every frame in the light of the clip, and describe the clip."""
        if x.dim() != 3 or x.shape[1] != self.channels:
            raise ParameterError(
                f"{type(self).__name__} with channels={self.channels} takes (batch, {self.channels}, time), "
                f"not {tuple(x.shape)}"
            )
        self.require_span(x)
        # in training the norm is of the whole batch
        return self._describe(x) if self.training else clip_by_clip(self._describe, x)

    def _describe(self, x: Tensor) -> Tensor:
        level = torch.zeros_like(x[:, :1])  # equal scores: the plain mean and deviation
        clip = mean_and_deviation(*_weigh(x, level), self.smoothing)[..., None].to(x.dtype)
        first, *others = self.scorer.scans()
        assert isinstance(first, Conv1d)
        # W (h, mean, deviation) in two parts, as the second is the same for all frames
        of_frames, of_clip = first.weight[:, : self.channels], first.weight[:, self.channels :]
        scores = F.conv1d(x, of_frames) + F.conv1d(clip, of_clip, first.bias)
        for layer in others:
            scores = layer(scores)
        return mean_and_deviation(*_weigh(x, scores), self.smoothing)[..., None].to(x.dtype)

    def macs(self, x: Tensor, y: Tensor) -> int:
        """Those of W; the clip's part of it is multiplied once for all frames."""
        return len(x) * self.channels * self.hidden * (x.shape[-1] + 2)

    def connections(self, x: Tensor, y: Tensor) -> int:
        """Those of W: frame, mean, deviation and bias for each unit at each frame."""
        return len(x) * self.hidden * (3 * self.channels + 1) * x.shape[-1]

    def extra_repr(self) -> str:
        """The arguments."""
        return f"{self.channels}, hidden={self.hidden}, smoothing={self.smoothing}"


def _scorer(channels: int, scores: int, hidden: int, *, norm: bool) -> Sequential:
    """`v . tanh(W h + b)` for each of several scores."""
    require_positive("hidden", hidden)
    between: list[Scan] = [ReLU(), BatchNorm1d(hidden)] if norm else []
    return Sequential(Conv1d(channels, hidden, 1), *between, Tanh(), Conv1d(hidden, scores, 1, bias=norm))


def _weigh(x: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance along the last axis, weighted by the softmax of the scores."""
    x, weights = x.to(wide(x)), scores.softmax(dim=-1, dtype=wide(x))
    first = x[..., :1]  # taken off first, so that equal steps deviate by exactly zero
    beyond = x - first
    shift = (weights * beyond).sum(dim=-1, keepdim=True)
    variance = (weights * (beyond - shift).square()).sum(dim=-1)
    return (first + shift)[..., 0], variance


class WeightedStatistics(WindowPool):
    """`(batch, channels + scores, time)` -> `(batch, 2 * channels, time - window + 1)`."""

    def __init__(self, channels: int, window: int, smoothing: float) -> None:
        super().__init__(window)
        require_smoothing(smoothing)
        self.channels, self.smoothing = channels, smoothing

    def reduce(self, windows: Tensor) -> Tensor:
        """Describe each."""
        mean, variance = _weigh(windows[:, : self.channels], windows[:, self.channels :])
        return mean_and_deviation(mean, variance, self.smoothing)

    def fold(self, x: Tensor) -> Tensor:
        """Describe by merging weighted moments."""
        x = x.to(wide(x))
        x, scores = x[:, : self.channels], x[:, self.channels :]
        highest = scores.detach()  # a reference, to keep exp small: it has no part in the result
        parts = (highest, (scores - highest).exp(), x, torch.zeros_like(x))
        _, weight, mean, squares = fold_windows(parts, self.window, _merge_weighted)
        return mean_and_deviation(mean, squares / weight, self.smoothing)

    def extra_repr(self) -> str:
        """The window and what is added."""
        return f"{super().extra_repr()}, smoothing={self.smoothing}"


def _merge_weighted(a: Parts, b: Parts) -> Parts:
    """Merge two neighbouring parts.

    Each is (highest score, sum of weights, mean, weighted sum of squared deviations), the weights being
    `exp(score - highest)`.
    """
    (high_a, weight_a, mean_a, squares_a), (high_b, weight_b, mean_b, squares_b) = a, b
    high = torch.maximum(high_a, high_b)
    scale_a, scale_b = (high_a - high).exp(), (high_b - high).exp()
    weight_a, weight_b = weight_a * scale_a, weight_b * scale_b
    weight = weight_a + weight_b
    share = weight_b / weight
    difference = mean_b - mean_a
    squares = squares_a * scale_a + squares_b * scale_b + difference.square() * (weight_a * share)
    return high, weight, mean_a + difference * share, squares
