"""Thresholds of several labels together: of all ways to share out the false alarms those that miss the least.

    yes     alarms 0 1 4         no     alarms 0 2          both   alarms  0   1   2   4 ...
            misses 9 3 1                misses 5 0                 misses 14   8   9 > 8 ...
                                                                   made of 0+0 1+0     ...

With a label after the other: the best ways of those so far, each with each point of the next.
"""

from collections.abc import Mapping, Sequence

from audiocnn.operating_point import OperatingPoint, in_all

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
        what comes of all labels, and of each; with the fewest false alarms first.

    >>> def curve(*points):
    ...     return [
    ...         OperatingPoint(threshold=1 - a / 10, words=10, misses=m, false_alarms=a, hours=1.0)
    ...         for a, m in points
    ...     ]
    >>> curves = {"yes": curve((0, 9), (1, 3), (4, 1)), "no": curve((0, 5), (2, 0))}
    >>> [(point.false_alarms, point.misses) for point, _ in best_together(curves, hours=1.0)]
    [(0, 14), (1, 8), (3, 3), (6, 1)]
    """
    # of so many misses in all of the labels so far: false alarms, and the points that make them
    cheapest: dict[int, tuple[int, tuple[OperatingPoint, ...]]] = {0: (0, ())}
    for points in curves.values():
        longer: dict[int, tuple[int, tuple[OperatingPoint, ...]]] = {}
        for misses, (alarms, chosen) in cheapest.items():
            for point in points:
                total, cost = misses + point.misses, alarms + point.false_alarms
                if total not in longer or cost < longer[total][0]:
                    longer[total] = (cost, (*chosen, point))
        cheapest = _undominated(longer)
    return [
        (in_all(chosen, threshold=None, hours=hours), dict(zip(curves, chosen, strict=True)))
        for _, chosen in sorted(cheapest.values(), key=lambda way: way[0])
    ]


def _undominated(
    ways: Mapping[int, tuple[int, tuple[OperatingPoint, ...]]],
) -> dict[int, tuple[int, tuple[OperatingPoint, ...]]]:
    """Those with fewer false alarms than all of fewer misses."""
    kept: dict[int, tuple[int, tuple[OperatingPoint, ...]]] = {}
    fewest = None
    for misses in sorted(ways):
        if fewest is None or ways[misses][0] < fewest:
            kept[misses], fewest = ways[misses], ways[misses][0]
    return kept
