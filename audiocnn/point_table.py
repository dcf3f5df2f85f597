"""Operating points as text and as plain values."""

import math
from collections.abc import Container, Mapping
from textwrap import fill

from audiocnn.operating_point import OperatingPoint

__all__ = ["POINT_COLUMNS", "format_points", "format_threshold", "name_together", "point_values"]

LATENCY_PERCENTS = (50, 90, 95)
POINT_COLUMNS = (
    "threshold",
    "words",
    "misses",
    "miss_rate",
    "miss_rate_low",
    "miss_rate_high",
    "false_alarms",
    "hours",
    "alarms_per_hour",
    "alarms_per_hour_low",
    "alarms_per_hour_high",
    *(f"latency_{percent}" for percent in LATENCY_PERCENTS),
)

_HEAD = ("label", "threshold", "words", "missed", "95 %", "alarms", "per hour", "95 %")

_RULES = (
    "False alarms are of {hours:.2f} h. A word is found if an event of its label overlaps it, give or take "
    "{tolerance:g} s, that was not known before it began; all such events count once, and so does any other, "
    "as a false alarm. Intervals are exact: Clopper-Pearson, Garwood. Latency: seconds from the end of a "
    "word to when enough had been heard to know of it, of the words that are found."
)
_WIDTH = 100


def point_values(point: OperatingPoint) -> dict[str, float | None]:
    """The values of a point by name, as in `POINT_COLUMNS`; None for what is not known, or without limit.

    >>> point = OperatingPoint(threshold=0.5, words=4, misses=1, false_alarms=0, hours=2.0)
    >>> values = point_values(point)
    >>> values["miss_rate"], values["alarms_per_hour"], values["latency_50"]
    (0.25, 0.0, None)
    """
    miss_low, miss_high = point.miss_interval
    alarms_low, alarms_high = point.alarm_interval
    latencies = (point.latency(percent) for percent in LATENCY_PERCENTS)
    values = (
        point.threshold,
        point.words,
        point.misses,
        point.miss_rate,
        miss_low,
        miss_high,
        point.false_alarms,
        point.hours,
        point.alarms_per_hour,
        alarms_low,
        alarms_high,
        *latencies,
    )
    return {
        name: value if value is not None and math.isfinite(value) else None
        for name, value in zip(POINT_COLUMNS, values, strict=True)
    }


def format_points(points: Mapping[str, OperatingPoint], total: OperatingPoint, *, tolerance: float) -> str:
    """A text table of the points of labels, with the total below if there are several, and the rules.

    >>> point = OperatingPoint(
    ...     threshold=0.5, words=40, misses=1, false_alarms=3, hours=2.0, latencies=(0.3, 0.5)
    ... )
    >>> for line in format_points({"yes": point}, point, tolerance=0.3).splitlines()[:2]:
    ...     print(line)
    label  threshold  words  missed         95 %  alarms  per hour          95 %  latency 50 %  90 %  95 %
    yes       0.5000     40   2.5 %  0.1 to 13.2       3      1.50  0.31 to 4.38          0.40  0.48  0.49
    """
    percents = [f"{percent} %" for percent in LATENCY_PERCENTS]
    head = [*_HEAD, f"latency {percents[0]}", *percents[1:]]
    rows = dict(points) | ({name_together(points): total} if len(points) > 1 else {})
    cells = [head, *([label, *_cells(point)] for label, point in rows.items())]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in cells
    ]
    return "\n".join(lines) + "\n\n" + fill(_RULES.format(hours=total.hours, tolerance=tolerance), _WIDTH)


def _cells(point: OperatingPoint) -> list[str]:
    low, high = (100 * limit for limit in point.miss_interval)
    alarms_low, alarms_high = point.alarm_interval
    latencies = [point.latency(percent) for percent in LATENCY_PERCENTS]
    return [
        "" if point.threshold is None else format_threshold(point.threshold),
        str(point.words),
        f"{100 * point.miss_rate:.1f} %" if point.words else "-",
        f"{low:.1f} to {high:.1f}" if point.words else "-",
        str(point.false_alarms),
        f"{point.alarms_per_hour:.2f}" if point.hours else "-",
        f"{alarms_low:.2f} to {alarms_high:.2f}" if point.hours else "-",
        *("-" if math.isnan(latency) else f"{round(latency, 2) + 0.0:.2f}" for latency in latencies),
    ]


def name_together(labels: Container[str]) -> str:
    """What all labels together are called beside them, of which one may be "all"."""
    return "all labels" if "all" in labels else "all"


def format_threshold(value: float) -> str:
    """With as many digits as tell it from 1, which those of sure classifiers are close to.

    >>> format_threshold(0.5), format_threshold(0.99999321)
    ('0.5000', '0.99999')
    """
    digits = 4
    while digits < 9 and value < 1 and round(value, digits) == 1:
        digits += 1
    return f"{value:.{digits}f}"
