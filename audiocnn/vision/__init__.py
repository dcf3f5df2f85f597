"""Beyond classification: what is where in a picture, object by object and pixel by pixel."""

from audiocnn.vision.boxes import area, decode, encode, intersection_over_union, suppress
from audiocnn.vision.detection import Counts, Detections, count_matches, detect, scan_page, windows_of
from audiocnn.vision.judging import best_threshold, judge_detector, judge_localizer, judge_segmenter
from audiocnn.vision.learning import learn
from audiocnn.vision.losses import class_overlaps, localization_loss, located, pixel_loss

__all__ = [
    "Counts",
    "Detections",
    "area",
    "best_threshold",
    "class_overlaps",
    "count_matches",
    "decode",
    "detect",
    "encode",
    "intersection_over_union",
    "judge_detector",
    "judge_localizer",
    "judge_segmenter",
    "learn",
    "localization_loss",
    "located",
    "pixel_loss",
    "scan_page",
    "suppress",
    "windows_of",
]
