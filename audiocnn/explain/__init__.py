"""Looking into a network: what its detectors look for, what excites them, what can be read from them."""

from audiocnn.explain.planes import Views, draw_planes, strongest_views
from audiocnn.explain.probe import linear_probe
from audiocnn.explain.translation import accuracy_by_distance, accuracy_by_offset, draw_accuracy_by_distance

__all__ = [
    "Views",
    "accuracy_by_distance",
    "accuracy_by_offset",
    "draw_accuracy_by_distance",
    "draw_planes",
    "linear_probe",
    "strongest_views",
]
