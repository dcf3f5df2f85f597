"""Thresholds of several labels together: of all ways to share out the false alarms those that miss the least.

    yes     alarms 0 1 4         no     alarms 0 2          both   alarms  0   1   2   4 ...
            misses 9 3 1                misses 5 0                 misses 14   8   9 > 8 ...
                                                                   made of 0+0 1+0     ...

With a label after the other: the best ways of those so far, each with each point of the next.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from audiocnn.operating_point import OperatingPoint

__all__ = ["best_together"]


def best_together(
    curves: Mapping[str, Sequence[OperatingPoint]], *, hours: float
) -> list[tuple[OperatingPoint, dict[str, OperatingPoint]]]:
    """What can be had for what of all labels together.

    Args:
        curves: of each label what some thresholds give, as `threshold_sweep.sweep` says it.
        hours: that were listened to.

    Returns:
        For each number of misses in all with which fewer false alarms can be had than with a smaller one,
        what comes of all labels, and of each; with the fewest false alarms first. The latencies are left to
        those of the labels: there may be as many ways as words.

    >>> def curve(*points):
    ...     return [
    ...         OperatingPoint(threshold=1 - a / 10, words=10, misses=m, false_alarms=a, hours=1.0)
    ...         for a, m in points
    ...     ]
    >>> curves = {"yes": curve((0, 9), (1, 3), (4, 1)), "no": curve((0, 5), (2, 0))}
    >>> [(point.false_alarms, point.misses) for point, _ in best_together(curves, hours=1.0)]
    [(0, 14), (1, 8), (3, 3), (6, 1)]
    """
    # of the labels so far the fewest false alarms for so many misses, and which point of the last makes them
    fewest, choices = np.zeros(1), list[npt.NDArray[np.intp]]()
    for points in curves.values():
        size = len(fewest) + max((point.misses for point in points), default=0)
        longer, choice = np.full(size, np.inf), np.zeros(size, dtype=np.intp)
        for i, point in enumerate(points):
            part = slice(point.misses, point.misses + len(fewest))
            alarms = fewest + point.false_alarms
            is_better = alarms < longer[part]
            longer[part][is_better], choice[part][is_better] = alarms[is_better], i
        fewest = longer
        choices.append(choice)
    of_fewer_misses = np.minimum.accumulate(np.concatenate(([np.inf], fewest[:-1])))
    return [_way(curves, choices, misses, hours) for misses in np.flatnonzero(fewest < of_fewer_misses)[::-1]]


def _way(
    curves: Mapping[str, Sequence[OperatingPoint]],
    choices: Sequence[npt.NDArray[np.intp]],
    misses: int,
    hours: float,
) -> tuple[OperatingPoint, dict[str, OperatingPoint]]:
    """The points that so many misses are made of, found from the last label back to the first."""
    chosen: dict[str, OperatingPoint] = {}
    for (label, points), choice in zip([*curves.items()][::-1], choices[::-1], strict=True):
        chosen[label] = points[choice[misses]]
        misses -= chosen[label].misses
    total = OperatingPoint(
        threshold=None,
        words=sum(point.words for point in chosen.values()),
        misses=sum(point.misses for point in chosen.values()),
        false_alarms=sum(point.false_alarms for point in chosen.values()),
        hours=hours,
    )
    return total, {label: chosen[label] for label in curves}
