"""What can be had for what: misses against false alarms an hour, as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from audiocnn.figures import figure_for, save_figure
from audiocnn.operating_point import OperatingPoint

__all__ = ["draw_curves"]

_NAMED = 10  # labels with a colour of their own


def draw_curves(
    path: Path,
    curves: Mapping[str, Sequence[OperatingPoint]],
    chosen: Mapping[str, OperatingPoint],
) -> None:
    """Write a detection error tradeoff (DET) curve of each label, with the points that were chosen.

    A step of a curve is a threshold, and what was seen there, not drawn between: as few misses as it says can
    be had for as many false alarms. Chosen points have their 95 % intervals. Alarms are on a scale of
    logarithms, but for those below the first, where 0 has its place.

    Args:
        path: of the picture, ending in `.png`, `.svg` or `.pdf`.
        curves: of each label the best thresholds.
        chosen: of some labels one of these.

    Raises:
        ParameterError: for an ending that matplotlib does not write.
    """
    figure = figure_for(path, inches=(8.0, 5.2), layout="constrained")
    axes = figure.add_subplot()
    hours = max((point.hours for points in curves.values() for point in points), default=1.0)
    furthest = 1 / hours
    for i, (label, points) in enumerate(curves.items()):
        colour = f"C{i}" if i < _NAMED else "0.6"
        steps = sorted((point.alarms_per_hour, 100 * point.miss_rate) for point in points)
        furthest = max(furthest, steps[-1][0])
        axes.plot(*zip(*steps, strict=True), color=colour, drawstyle="steps-post", marker=".", markersize=4)
        point = chosen.get(label)
        if point is None:
            continue
        x, y = point.alarms_per_hour, 100 * point.miss_rate
        low, high = point.alarm_interval
        miss_low, miss_high = (100 * limit for limit in point.miss_interval)
        axes.errorbar(
            [x],
            [y],
            xerr=[[x - low], [high - x]],
            yerr=[[y - miss_low], [miss_high - y]],
            color=colour,
            marker="o",
            capsize=3,
            linewidth=1,
            label=label if point.threshold is None else f"{label}, from {point.threshold:.4g} on",
        )
        furthest = max(furthest, high)
    axes.set_xscale("symlog", linthresh=1 / hours)
    axes.set_xlim(-0.1 / hours, 1.3 * furthest)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("false alarms in an hour")
    axes.set_ylabel("missed words, %")
    axes.set_title(f"misses against false alarms, {hours:.2f} h, with 95 % intervals of what was chosen")
    axes.grid(alpha=0.3)
    if chosen:
        axes.legend(fontsize="small", ncols=1 + len(chosen) // 12)
    save_figure(figure, path)
