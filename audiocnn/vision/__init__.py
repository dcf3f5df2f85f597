"""Beyond classification: what is where in a picture, object by object and pixel by pixel."""

from audiocnn.vision.boxes import area, decode, encode, intersection_over_union, suppress
from audiocnn.vision.detection import (
    Counts,
    Detections,
    count_matches,
    detect,
    match,
    scan_page,
    windows_of,
)
from audiocnn.vision.judging import (
    best_threshold,
    counts_by_threshold,
    detect_on,
    judge_detector,
    judge_localizer,
    judge_segmenter,
)
from audiocnn.vision.losses import class_overlaps, localization_loss, located, pixel_loss, segmented
from audiocnn.vision.page_net import PageNet, load

__all__ = [
    "Counts",
    "Detections",
    "PageNet",
    "area",
    "best_threshold",
    "class_overlaps",
    "count_matches",
    "counts_by_threshold",
    "decode",
    "detect",
    "detect_on",
    "encode",
    "intersection_over_union",
    "judge_detector",
    "judge_localizer",
    "judge_segmenter",
    "load",
    "localization_loss",
    "located",
    "match",
    "pixel_loss",
    "scan_page",
    "segmented",
    "suppress",
    "windows_of",
]
