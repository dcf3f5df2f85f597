"""Looking into a network: what its detectors look for, what excites them, what can be read from them."""

from audiocnn.explain.planes import Views, draw_planes, strongest_views
from audiocnn.explain.probe import linear_probe

__all__ = ["Views", "draw_planes", "linear_probe", "strongest_views"]
