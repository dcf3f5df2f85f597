"""Accuracy against cost, and the nets for which no cheaper one is as good."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING

from audiocnn.figures import figure_for, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Bbox

__all__ = ["Point", "draw_frontier", "frontier"]

# places of a name around its point, and how far from it, in points of print: the nearest free one is taken
_AROUND = (0, 180, 135, 315, 90, 270, 45, 225, *range(15, 360, 30))  # degrees
_RINGS = (7, 9, 13, 18, 24, 31, 39, 48, 58, 69, 81)
_APART = 3.0  # pixels from a name to what is beside it
_LEADER = {"arrowstyle": "-", "color": "0.7", "linewidth": 0.6, "shrinkA": 0.0, "shrinkB": 3.0}
_TICKS = (0.0, 50.0, 80.0, 90.0, 95.0, 97.0, 98.0, 99.0, 99.5, 99.8, 99.9, 99.98)
_COLOURS = {True: "#1f5fa8", False: "#c2591a"}


@dataclass(frozen=True, kw_only=True)
class Point:
    """A net in the picture.

    Attributes:
        name: of the net.
        macs: multiply-accumulates of a decision.
        accuracy: 0 to 1.
        is_scan: whether it keeps the law; else it leans on padding.
    """

    name: str
    macs: int
    accuracy: float
    is_scan: bool


def frontier(points: Sequence[Point]) -> list[Point]:
    """The points for which no cheaper or equally cheap one is as accurate, the cheapest first.

    >>> net = lambda name, macs, accuracy: Point(name=name, macs=macs, accuracy=accuracy, is_scan=True)
    >>> points = [net("big", 9, 0.9), net("worse", 5, 0.7), net("small", 4, 0.8), net("none", 9, 0.1)]
    >>> [point.name for point in frontier(points)]
    ['small', 'big']
    """
    best: list[Point] = []
    for point in sorted(points, key=lambda point: (point.macs, -point.accuracy)):
        if not best or point.accuracy > best[-1].accuracy:
            best.append(point)
    return best


def draw_frontier(points: Sequence[Point], path: Path) -> None:
    """Draw accuracy against MACs, both on log scales, of accuracy that of what is missing to 100 %.

    Every point has its name beside it, near enough to tell whose it is and over no other; a line joins those
    for which no cheaper net is as accurate.

    Args:
        points: the nets; without any the picture is empty.
        path: the picture to write.

    Raises:
        ParameterError: for an ending that matplotlib does not write.
    """
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    figure = figure_for(path, inches=(9.0, 6.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("multiply-accumulates of one decision")
    axes.set_ylabel("test accuracy, %")
    axes.grid(which="major", color="0.9")
    for is_scan, what in ((True, "valid: scans, streams"), (False, "same: leans on padding")):
        those = [point for point in points if point.is_scan == is_scan]
        axes.scatter(
            [point.macs for point in those],
            [_missing(point) for point in those],
            s=34,
            marker="o" if is_scan else "s",
            facecolor=_COLOURS[is_scan] if is_scan else "white",
            edgecolor=_COLOURS[is_scan],
            zorder=3,
            label=what,
        )
    best = frontier(points)
    axes.plot(
        [point.macs for point in best],
        [_missing(point) for point in best],
        drawstyle="steps-post",
        color="0.6",
        linewidth=1.2,
        zorder=2,
        label="no cheaper net is as accurate",
    )
    missing = [_missing(point) for point in points] or [1.0]
    macs = [point.macs for point in points] or [1_000_000]
    axes.set_xlim(min(macs) / 1.8, max(macs) * 2.2)
    most, least = min(100.0, max(missing) * 1.5), min(missing) / 1.5
    ticks = [tick for tick in _TICKS if least <= 100 - tick <= most]
    if len(ticks) < 2:  # of nets about as good as each other: the ticks on either side
        low = max(tick for tick in _TICKS[:-1] if 100 - tick >= max(missing))
        ticks = [low, min(tick for tick in _TICKS if tick > low and 100 - tick <= min(missing))]
        most, least = max(most, 100 - ticks[0]), min(least, 100 - ticks[1])
    axes.set_ylim(most, least)  # upside down: the best on top
    axes.set_yticks([100 - tick for tick in ticks], [f"{tick:g}" for tick in ticks])
    axes.set_yticks([], minor=True)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend(loc="lower right", fontsize=8)
    figure.draw_without_rendering()
    name_points(axes, sorted(points, key=lambda point: point not in best))
    save_figure(figure, path)


def name_points(axes: "Axes", points: Sequence[Point]) -> "list[Bbox]":
    """Write each point's name where it covers no point, no other name, no line and not the legend.

    Args:
        axes: at its final size and limits.
        points: in the order in which they choose their places.

    Returns:
        The boxes of the names, in pixels.
    """
    from matplotlib.path import Path as Line
    from matplotlib.transforms import Bbox

    taken = _taken(axes, points)
    names: list[Bbox] = []
    leaders: list[Line] = []
    pixels = axes.figure.dpi / 72  # in a point of print
    for point in points:
        text = axes.text(point.macs, _missing(point), point.name, fontsize=7, parse_math=False)
        size = text.get_window_extent()
        text.remove()
        x, y = axes.transData.transform((point.macs, _missing(point)))
        for ring, degrees in product(_RINGS, _AROUND):
            right, up = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
            corner = (
                ring * pixels * right + (right - 1) / 2 * size.width,
                ring * pixels * up + (up - 1) / 2 * size.height,
            )
            box = Bbox.from_bounds(x + corner[0], y + corner[1], size.width, size.height)
            line = Line([(x, y), ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)])
            if (
                axes.bbox.fully_containsx(box.x0 - 2)
                and axes.bbox.fully_containsx(box.x1 + 2)
                and axes.bbox.fully_containsy(box.y0 - 2)
                and axes.bbox.fully_containsy(box.y1 + 2)
                and not box.padded(_APART).count_overlaps(taken)
                and not any(line.intersects_bbox(name) for name in names)
                and not any(before.intersects_bbox(box) for before in leaders)
            ):
                break
        else:
            continue  # no room at all
        names.append(box)
        leaders.append(line)
        taken.append(box)
        axes.annotate(
            point.name,
            (point.macs, _missing(point)),
            (corner[0] / pixels, corner[1] / pixels),
            textcoords="offset points",
            va="bottom",
            fontsize=7,
            color=_COLOURS[point.is_scan],
            parse_math=False,
            arrowprops=_LEADER if ring > _RINGS[0] else None,
        )
    return names


def _taken(axes: "Axes", points: Sequence[Point]) -> "list[Bbox]":
    """Where no name can be, in pixels: points, lines and legend."""
    from matplotlib.transforms import Bbox

    at = [axes.transData.transform((point.macs, _missing(point))) for point in points]
    radius = axes.figure.dpi / 18  # of a marker, 4 points
    taken = [Bbox.from_extents(x - radius, y - radius, x + radius, y + radius) for x, y in at]
    for line in axes.get_lines():
        corners = axes.transData.transform(line.get_xydata())
        for (x, y), (next_x, next_y) in pairwise(corners):  # level, then up
            taken += [Bbox.from_extents(x, y - 1, next_x, y + 1)]
            taken += [Bbox.from_extents(next_x - 1, min(y, next_y), next_x + 1, max(y, next_y))]
    legend = axes.get_legend()
    return taken if legend is None else [*taken, legend.get_window_extent()]


def _missing(point: Point) -> float:
    """Percent not recognised, but not less than a log scale can show."""
    return max(0.02, 100 * (1 - point.accuracy))
