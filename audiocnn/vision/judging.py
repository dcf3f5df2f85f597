"""How well nets find, locate and segment what pages hold, whose truth is known to the pixel."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from audiocnn import metrics
from audiocnn.data.pages import Pages
from audiocnn.models import ImageNet
from audiocnn.models.fcn import FCN
from audiocnn.models.localizer import Localizer
from audiocnn.vision.boxes import intersection_over_union
from audiocnn.vision.detection import Counts, Detections, count_matches, detect
from audiocnn.vision.losses import class_overlaps, located, segmented

__all__ = [
    "THRESHOLDS",
    "Located",
    "Segmented",
    "best_threshold",
    "counts_by_threshold",
    "detect_on",
    "judge_detector",
    "judge_localizer",
    "judge_segmenter",
]

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
"""Probabilities from which a window may be said to hold something."""


class Located(NamedTuple):
    """How well things were located.

    Attributes:
        mean_overlap: the mean intersection over union of the boxes, 0 to 1.
        accuracy: part of the pictures given their class, 0 to 1.
    """

    mean_overlap: float
    accuracy: float


class Segmented(NamedTuple):
    """How well pixels were told apart.

    Attributes:
        mean_overlap: the mean of `overlaps`, without classes that are neither there nor predicted.
        accuracy: part of the pixels given their class, 0 to 1.
        overlaps: the intersection over union of the pixels of each class, `(num_classes,)`, 0 to 1.
    """

    mean_overlap: float
    accuracy: float
    overlaps: Tensor


def judge_detector(
    net: ImageNet | Localizer,
    pages: Pages,
    *,
    threshold: float,
    max_overlap: float = 0.3,
    scales: Sequence[float] = (1.0,),
) -> Counts:
    """What is found, missed and false on pages, whose objects do not overlap, whatever their class.

    Args:
        net: a `Localizer`, whose boxes are compared with those of the ink; or another net, whose windows are
            compared with the frames.
        pages: to judge on; the last of the net's classes is `nothing`, as of the pages'.
        threshold: as for `detect`.
        max_overlap: likewise.
        scales: likewise.
    """
    counts = counts_by_threshold(net, pages, thresholds=(threshold,), max_overlap=max_overlap, scales=scales)
    return counts[threshold]


def counts_by_threshold(
    net: ImageNet | Localizer,
    pages: Pages,
    *,
    thresholds: Sequence[float] = THRESHOLDS,
    max_overlap: float = 0.3,
    scales: Sequence[float] = (1.0,),
) -> dict[float, Counts]:
    """What `judge_detector` gives at each of several thresholds; every page is scanned but once."""
    totals = dict.fromkeys(thresholds, Counts())
    truths = pages.boxes if isinstance(net, Localizer) else pages.frames
    for i in range(len(pages)):
        found = detect_on(net, pages, i, threshold=min(thresholds), max_overlap=max_overlap, scales=scales)
        for threshold in thresholds:
            counts = count_matches(found.above(threshold), truths[i], pages.targets[i])
            totals[threshold] = totals[threshold] + counts
    return totals


def detect_on(
    net: ImageNet | Localizer,
    pages: Pages,
    index: int,
    *,
    threshold: float,
    max_overlap: float = 0.3,
    scales: Sequence[float] = (1.0,),
) -> Detections:
    """What is detected on one of several pages, by `detect` as `judge_detector` does it."""
    device = next(net.parameters()).device
    return detect(
        net,
        pages.batch(torch.tensor([index]))[0].to(device),
        nothing=pages.nothing,
        scales=scales,
        threshold=threshold,
        max_overlap=max_overlap,
        across_classes=True,
    ).cpu()


def best_threshold(
    net: ImageNet | Localizer, pages: Pages, *, thresholds: Sequence[float] = THRESHOLDS
) -> float:
    """Of some thresholds that with the highest F1, on pages that are not for the test."""
    counts = counts_by_threshold(net, pages, thresholds=thresholds)
    return max(thresholds, key=lambda threshold: counts[threshold].f1)


def judge_localizer(net: Localizer, batches: Iterable[tuple[Tensor, ...]]) -> Located:
    """How well the box and the class of what is in each picture are told.

    Args:
        net: the net.
        batches: `Patches` of the net's size, each with something in it.
    """
    overlaps, scores, targets = [], [], []
    for pictures, classes, boxes in batches:
        probabilities, found = located(net, pictures)
        overlaps.append(intersection_over_union(found, boxes))
        scores.append(probabilities)
        targets.append(classes)
    return Located(float(torch.cat(overlaps).mean()), metrics.accuracy(torch.cat(scores), torch.cat(targets)))


def judge_segmenter(net: FCN, batches: Iterable[tuple[Tensor, ...]]) -> Segmented:
    """How well the class of each pixel is told.

    Args:
        net: the net.
        batches: pictures `(batch, channel, rows, columns)` and class maps `(batch, rows, columns)`.
    """
    confusion = torch.zeros(net.num_classes, net.num_classes, dtype=torch.int64)
    for pictures, class_maps in batches:
        found = segmented(net, pictures)
        confusion = confusion + metrics.confusion_matrix(
            found.flatten().cpu(), class_maps.flatten().cpu(), net.num_classes
        )
    overlaps = class_overlaps(confusion)
    accuracy = float(confusion.diag().sum() / confusion.sum())
    return Segmented(float(overlaps.nanmean()), accuracy, overlaps)
