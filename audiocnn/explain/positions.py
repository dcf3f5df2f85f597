"""What a classifier makes of a word wherever it lies in the window: how far the score hangs on the place.

    window      |................|
    word        [yes]               shift 0
                 [yes]              a step later
                             [yes]  the last that is heard whole

A net that scans gives a recording that begins later by its stride the same scores, one decision later:
exactly, for it is the same arithmetic on the same numbers. Between, and for a net that leans on padding,
what a shift changes is to be measured: strides alias, and zeros at the edges tell where a thing is. Of
pictures: Azulay & Weiss 2019, "Why do deep convolutional networks generalize so poorly to small image
transformations?", JMLR 20, arXiv 1805.12177.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.classifier import Classifier
from audiocnn.errors import ParameterError, listed
from audiocnn.score_track import scan

__all__ = ["PositionAudit", "audit_positions"]

_AT_ONCE = 32


@dataclass(frozen=True, kw_only=True)
class PositionAudit:
    """The scores of one word, slid through the window.

    Attributes:
        labels: the classes.
        seconds: by how much each word is shifted, `(positions,)`, from the beginning of the window on.
        scores: probabilities `(positions, num_classes)`.
        stride_error: by how much at most a score differs where the recording, and with it the decision, is
            later by one stride.
    """

    labels: tuple[str, ...]
    seconds: Tensor
    scores: Tensor
    stride_error: float

    def variation(self, label: str) -> tuple[float, float]:
        """The least and the greatest score of a label, over all positions."""
        track = self.scores[:, self._row(label)]
        return float(track.min()), float(track.max())

    def heard(self, label: str) -> float:
        """The part of the positions at which the label has the highest score, 0 to 1."""
        return float((self.scores.argmax(dim=1) == self._row(label)).double().mean())

    def _row(self, label: str) -> int:
        if label not in self.labels:
            raise ParameterError(f"label={label!r} is not among {listed(self.labels)}")
        return self.labels.index(label)


def audit_positions(classifier: Classifier, word: Tensor, *, step_seconds: float = 0.01) -> PositionAudit:
    """Slide a word through the window, in silence, and score every position.

    Args:
        classifier: on any device.
        word: samples `(time,)` at the classifier's rate: no longer than its window, and best without the
            silence that its recording begins and ends with (`audiocnn.data.long_recordings.sounding`).
        step_seconds: from one position to the next.

    Raises:
        ParameterError: for a word that the window does not hold, or a step of less than a sample.

    >>> from audiocnn import load
    >>> audit = audit_positions(load("demo"), 0.1 * torch.randn(8000), step_seconds=0.1)
    >>> audit.scores.shape, audit.stride_error < 1e-5
    (torch.Size([10, 12]), True)
    """
    rate, window = classifier.sample_rate, classifier.window
    if word.dim() != 1 or len(word) > window:
        raise ParameterError(
            f"word of shape {tuple(word.shape)} must be (time,), at most the {window} samples of the window"
        )
    if not math.isfinite(step_seconds) or round(step_seconds * rate) < 1:
        raise ParameterError(f"step_seconds={step_seconds} must be at least a sample, 1/{rate} s, and finite")
    step, free = round(step_seconds * rate), window - len(word)
    shifts = range(0, free + 1, step)
    placed = torch.stack([F.pad(word, (shift, free - shift)) for shift in shifts])
    scores = torch.cat([classifier.score_clips(list(some)) for some in placed.split(_AT_ONCE)])  # type: ignore[no-untyped-call]
    stride = classifier.geometry.stride
    around = F.pad(word, (window, window + stride))
    now, later = (scan(classifier, F.pad(around, pads)).scores for pads in ((0, stride), (stride, 0)))
    error = (later[:, 1:] - now[:, : later.shape[1] - 1]).abs().max()
    return PositionAudit(
        labels=classifier.labels,
        seconds=torch.tensor([shift / rate for shift in shifts], dtype=torch.float64),
        scores=scores,
        stride_error=float(error),
    )
