"""How good scores are: accuracy and how sure it is, and which classes are taken for which.

torchmetrics is loaded by the functions that use it, since loading it takes
about as long as loading torch.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from audiocnn.errors import ParameterError

__all__ = [
    "ClassResult",
    "Interval",
    "Intervals",
    "accuracy",
    "bootstrap_intervals",
    "confusion_matrix",
    "format_confusion",
    "format_per_class",
    "log_loss",
    "macro_f1",
    "per_class",
    "top_k_accuracy",
]

_KEYS = "abcdefghijklmnopqrst"  # one for each column of the largest table that is shown whole
_PAIRS_LISTED = 20
_DRAWN_AT_ONCE = 1 << 22  # kinds of groups times resamples; bounds memory


class ClassResult(NamedTuple):
    """How well one class is recognised; each number but the support is in 0..1.

    Attributes:
        precision: which part of the clips taken for this class are of it; 0 where none is.
        recall: which part of this class's clips are recognised; 0 where there is none.
        f1: the harmonic mean of both; 0 where both are.
        support: how many clips are of this class.
    """

    precision: float
    recall: float
    f1: float
    support: int


class Interval(NamedTuple):
    """From which value to which.

    Attributes:
        low: the smaller end.
        high: the greater end.
    """

    low: float
    high: float


class Intervals(NamedTuple):
    """What `bootstrap_intervals` gives.

    Attributes:
        accuracy: 95 % interval of the accuracy; None where resampling tells nothing.
        macro_f1: 95 % interval of the macro F1; None where resampling tells nothing.
        groups: how many groups there are, and so are drawn at a time.
        resamples: how often they were drawn.
        seed: of the draws.
    """

    accuracy: Interval | None
    macro_f1: Interval | None
    groups: int
    resamples: int
    seed: int


def accuracy(scores: Tensor, targets: Tensor) -> float:
    """The part of clips whose highest score is that of their class.

    Args:
        scores: probabilities or logits, `(batch, num_classes)`.
        targets: class indices, int64 `(batch,)`.

    Raises:
        ParameterError: if shapes do not fit, there are no clips, a score is NaN or
            a target no class.

    >>> accuracy(torch.tensor([[0.9, 0.1], [0.8, 0.2]]), torch.tensor([0, 1]))
    0.5
    """
    _check_scores(scores, targets)
    return float((scores.argmax(dim=1) == targets).double().mean())


def top_k_accuracy(scores: Tensor, targets: Tensor, k: int) -> float:
    """The part of clips whose class is among the `k` with the highest scores.

    Args:
        scores: probabilities or logits, `(batch, num_classes)`.
        targets: class indices, int64 `(batch,)`.
        k: how many classes count, from 1, which is `accuracy`, to num_classes.

    Raises:
        ParameterError: as `accuracy` does, and if k is outside 1..num_classes.

    >>> top_k_accuracy(torch.tensor([[0.5, 0.3, 0.2]]), torch.tensor([1]), k=2)
    1.0
    """
    _check_scores(scores, targets)
    if not 1 <= k <= scores.shape[1]:
        raise ParameterError(f"k={k} must be from 1 to the {scores.shape[1]} classes")
    highest = scores.topk(k, dim=1).indices  # (batch, k)
    return float((highest == targets[:, None]).any(dim=1).double().mean())


def log_loss(scores: Tensor, targets: Tensor) -> float:
    """The mean of -log(p), p being the score of a clip's class: the cross-entropy, in nats.

    Args:
        scores: probabilities, `(batch, num_classes)`; less than 1e-30 counts as that.
        targets: class indices, int64 `(batch,)`.

    Raises:
        ParameterError: as `accuracy` does.

    >>> round(log_loss(torch.tensor([[0.5, 0.5], [0.0, 1.0]]), torch.tensor([0, 1])), 4)
    0.3466
    """
    _check_scores(scores, targets)
    own = scores.double().gather(1, targets[:, None])
    return -float(own.clamp(min=1e-30).log().mean())


def confusion_matrix(predicted: Tensor, targets: Tensor, num_classes: int) -> Tensor:
    """How often each class was taken for each.

    Args:
        predicted: class indices, int64 `(batch,)`.
        targets: the true ones, int64 `(batch,)`.
        num_classes: how many classes there are.

    Returns:
        Counts, int64 `(num_classes, num_classes)`: true classes by predicted ones.

    Raises:
        ParameterError: if the shapes differ or an index is outside 0..num_classes-1.

    >>> confusion_matrix(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1]), 2)
    tensor([[1, 1],
            [0, 1]])
    """
    from torchmetrics.functional.classification import multiclass_confusion_matrix

    _check_predicted(predicted, targets, num_classes)
    return multiclass_confusion_matrix(predicted, targets, num_classes)


def per_class(confusion: Tensor) -> list[ClassResult]:
    """Precision, recall, F1 and support of each class.

    Args:
        confusion: counts, `(true, predicted)`, as `confusion_matrix` gives.

    Raises:
        ParameterError: if confusion is not square.

    >>> per_class(torch.tensor([[1, 1], [0, 1]]))[1]
    ClassResult(precision=0.5, recall=1.0, f1=0.666..., support=1)
    """
    _check_square(confusion)
    hits = confusion.diag().double()
    support = confusion.sum(dim=1)
    taken = confusion.sum(dim=0)
    # Where a denominator is 0 so is the hit count, and 0 / 1 is the 0 that is promised.
    precision = hits / taken.clamp(min=1)
    recall = hits / support.clamp(min=1)
    f1 = 2 * hits / (support + taken).clamp(min=1)
    columns = zip(precision.tolist(), recall.tolist(), f1.tolist(), support.tolist(), strict=True)
    return [ClassResult(*column) for column in columns]


def macro_f1(confusion: Tensor) -> float:
    """The mean F1 of the classes, rare ones counting as much as frequent ones.

    Classes that neither occur nor are predicted have no F1 and are left out, as
    scikit-learn and torchmetrics do too.

    Args:
        confusion: counts, `(true, predicted)`, as `confusion_matrix` gives.

    Raises:
        ParameterError: if confusion is not square or empty of counts.

    >>> macro_f1(torch.tensor([[2, 0, 0], [0, 0, 2], [0, 0, 0]]))
    0.333...
    """
    _check_square(confusion)
    if not confusion.any():
        raise ParameterError("confusion holds no counts; give that of at least one clip")
    return float(_macro_f1(confusion.diag(), confusion.sum(dim=1), confusion.sum(dim=0)))


def _macro_f1(hits: Tensor, support: Tensor, taken: Tensor) -> Tensor:
    """Macro F1, float64 `(...)`, of counts `(..., num_classes)`: right, of the class, taken for it."""
    both = (support + taken).double()
    return (2 * hits / both.clamp(min=1)).sum(dim=-1) / (both > 0).sum(dim=-1)


def bootstrap_intervals(
    predicted: Tensor,
    targets: Tensor,
    groups: Tensor,
    num_classes: int,
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> Intervals:
    """95 % intervals of accuracy and macro F1: how they might have come out on other speakers or files.

    Clips that err together, such as those of one speaker, form a group; drawing them one by one would make
    the intervals too narrow. `G` groups are drawn with replacement from the `G` that there are,
    and the figures computed on all their clips, `resamples` times. The interval reaches from the 2.5 % to
    the 97.5 % quantile of what comes out: the percentile interval of Efron & Tibshirani (1993), An
    Introduction to the Bootstrap, chapter 13.

    Of few groups such an interval is too narrow: the draws vary by `(G - 1) / G` of the variance to be
    estimated, and by a normal, not Student's, distribution. Of a mean it has 0.7 of the width that it
    should have for 6 groups, 0.9 for 20.

    Args:
        predicted: class indices, int64 `(batch,)`.
        targets: the true ones, int64 `(batch,)`.
        groups: any number for the group of each clip, int64 `(batch,)`.
        num_classes: how many classes there are.
        resamples: how often to draw; the ends of 95 % intervals want 1000 or more.
        seed: another seed makes other draws, and ends that differ a little.

    Returns:
        The intervals; None for a figure that all draws agree on, as where no clip is wrong or
        all are of one group. That it could not be otherwise is not known then.

    Raises:
        ParameterError: if the shapes differ, there are no clips, an index is outside
            0..num_classes-1 or resamples is not positive.

    >>> right = torch.arange(200) < 180
    >>> bootstrap_intervals(right.long(), torch.ones(200).long(), torch.arange(200), 2).accuracy
    Interval(low=0.855, high=0.94)
    """
    _check_predicted(predicted, targets, num_classes)
    if groups.shape != targets.shape or not len(groups):
        raise ParameterError(
            f"groups {tuple(groups.shape)} and targets {tuple(targets.shape)} must both be (batch,), "
            "of at least one clip"
        )
    if resamples < 1:
        raise ParameterError(f"resamples={resamples} must be a positive integer; 2000 is the default")
    _, group = torch.unique(groups, return_inverse=True)
    n = int(group.max()) + 1
    cells = group * num_classes
    # what each group adds: right, of the class, taken for it
    added = ((cells + targets)[predicted == targets], cells + targets, cells + predicted)
    counts = torch.stack([torch.bincount(cell, minlength=n * num_classes) for cell in added])
    counts = counts.view(3, n, num_classes).transpose(0, 1).flatten(1)  # (group, 3 * class)
    # groups that add the same are one kind: where each is one clip, far fewer kinds than groups
    kinds, sizes = torch.unique(counts, dim=0, return_counts=True)
    shares = (sizes.double() / n).numpy()
    draws = np.random.default_rng(seed)
    figures = []
    at_once = max(1, _DRAWN_AT_ONCE // len(kinds))
    for first in range(0, resamples, at_once):
        some = min(at_once, resamples - first)
        times = torch.from_numpy(draws.multinomial(n, shares, size=some)).double()  # (resample, kind)
        sums = (times @ kinds.double()).view(some, 3, num_classes)
        hits, support, taken = sums.unbind(dim=1)
        figures.append(torch.stack((hits.sum(dim=1) / support.sum(dim=1), _macro_f1(hits, support, taken))))
    ends = torch.cat(figures, dim=1).quantile(torch.tensor([0.025, 0.975], dtype=torch.float64), dim=1)
    # rounding may part figures that are the same by less than this
    accuracy, macro = (Interval(*end) if end[1] - end[0] > 1e-12 else None for end in ends.T.tolist())
    return Intervals(accuracy=accuracy, macro_f1=macro, groups=n, resamples=resamples, seed=seed)


def format_per_class(confusion: Tensor, labels: Sequence[str]) -> str:
    """A text table of each class's precision, recall, F1 and support.

    Args:
        confusion: counts, `(true, predicted)`, as `confusion_matrix` gives.
        labels: the name of each class.

    Raises:
        ParameterError: if confusion is not square with a row for each label.

    >>> print(format_per_class(torch.tensor([[1, 1], [0, 1]]), ["no", "yes"]))
    label  precision  recall     f1  support
    no         1.000   0.500  0.667        2
    yes        0.500   1.000  0.667        1
    """
    _check_labels(confusion, labels)
    width = max(len("label"), *map(len, labels))
    lines = [f"{'label':{width}}  precision  recall     f1  support"]
    for label, result in zip(labels, per_class(confusion), strict=True):
        precision, recall, f1, support = result
        lines.append(f"{label:{width}}  {precision:9.3f}  {recall:6.3f}  {f1:5.3f}  {support:7d}")
    return "\n".join(lines)


def format_confusion(confusion: Tensor, labels: Sequence[str]) -> str:
    r"""A text table of what was taken for what.

    Up to twenty classes it is the whole matrix, a row for each true class and a
    column, under a letter, for each predicted one; a dot is a 0. For more it is
    the list of the pairs most often confused.

    Args:
        confusion: counts, `(true, predicted)`, as `confusion_matrix` gives.
        labels: the name of each class.

    Raises:
        ParameterError: if confusion is not square with a row for each label.

    >>> print(format_confusion(torch.tensor([[9, 1], [0, 10]]), ["no", "yes"]))
    true \ predicted  a  b
    a no              9  1
    b yes             . 10
    """
    _check_labels(confusion, labels)
    if len(labels) > len(_KEYS):
        return _format_pairs(confusion, labels)
    corner = "true \\ predicted"
    width = max(len(corner), *(len(label) + 2 for label in labels))
    digits = len(str(int(confusion.max())))
    lines = [f"{corner:{width}}" + "".join(f" {key:>{digits}}" for key in _KEYS[: len(labels)])]
    for key, label, counts in zip(_KEYS, labels, confusion.tolist(), strict=False):
        cells = "".join(f" {count or '.':>{digits}}" for count in counts)
        lines.append(f"{f'{key} {label}':{width}}{cells}")
    return "\n".join(lines)


def _format_pairs(confusion: Tensor, labels: Sequence[str]) -> str:
    """The pairs of classes most often confused, for more classes than a table holds."""
    confused = (confusion - confusion.diag().diag()).flatten()
    pairs = int((confused > 0).sum())
    ranked = torch.argsort(confused, descending=True, stable=True)[: min(pairs, _PAIRS_LISTED)]
    shown = [divmod(index, len(labels)) for index in ranked.tolist()]  # (true, predicted)
    errors, clips = int(confused.sum()), int(confusion.sum())
    lines = [f"{errors} of {clips} clips were taken for another class, in {pairs} pairs of classes"]
    width = max((len(labels[true]) for true, _ in shown), default=0)
    for true, predicted in shown:
        count, support = int(confusion[true, predicted]), int(confusion[true].sum())
        lines.append(f"{labels[true]:>{width}} taken for {labels[predicted]}: {count} of {support}")
    if pairs > len(shown):
        lines.append(f"... and {pairs - len(shown)} more")
    return "\n".join(lines)


def _check_scores(scores: Tensor, targets: Tensor) -> None:
    """Raise where scores and targets cannot be compared."""
    if scores.dim() != 2 or targets.shape != scores.shape[:1]:
        raise ParameterError(
            f"scores {tuple(scores.shape)} and targets {tuple(targets.shape)} must be "
            "(batch, num_classes) and (batch,)"
        )
    if not len(scores):
        raise ParameterError("scores is empty; give at least one clip")
    if scores.isnan().any():
        raise ParameterError("scores hold NaN; look for it in the network or its input")
    _check_indices("targets", targets, scores.shape[1])


def _check_predicted(predicted: Tensor, targets: Tensor, num_classes: int) -> None:
    """Raise where predicted classes and true ones cannot be compared."""
    if predicted.shape != targets.shape or targets.dim() != 1:
        raise ParameterError(
            f"predicted {tuple(predicted.shape)} and targets {tuple(targets.shape)} must both be (batch,)"
        )
    for name, indices in (("predicted", predicted), ("targets", targets)):
        _check_indices(name, indices, num_classes)


def _check_indices(name: str, indices: Tensor, num_classes: int) -> None:
    """Raise where an index names no class."""
    outside = indices[(indices < 0) | (indices >= num_classes)]
    if len(outside):
        raise ParameterError(f"{name} holds {int(outside[0])}; class indices must be in 0..{num_classes - 1}")


def _check_square(confusion: Tensor) -> None:
    """Raise where a matrix is none of classes by classes."""
    if confusion.dim() != 2 or confusion.shape[0] != confusion.shape[1]:
        raise ParameterError(
            f"confusion {tuple(confusion.shape)} must be (true, predicted), as confusion_matrix gives"
        )


def _check_labels(confusion: Tensor, labels: Sequence[str]) -> None:
    """Raise where labels do not name the rows of a confusion matrix."""
    _check_square(confusion)
    if not labels or len(labels) != len(confusion):
        raise ParameterError(
            f"labels names {len(labels)} classes, confusion has {len(confusion)}; they must match"
        )
