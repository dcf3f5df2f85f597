"""What can be had for what: misses against false alarms an hour, as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from audiocnn.figures import figure_for, save_figure
from audiocnn.operating_point import OperatingPoint
from audiocnn.point_table import format_threshold

__all__ = ["draw_curves"]

_NAMED = 10  # labels with a colour of their own


def draw_curves(
    path: Path,
    curves: Mapping[str, Sequence[OperatingPoint]],
    chosen: Mapping[str, OperatingPoint],
    *,
    together: str | None = None,
) -> None:
    """Write a detection error tradeoff (DET) curve of each label, with the points that were chosen.

    A step of a curve is a threshold, and what was seen there, nothing in between: as few misses as it says
    can be had for as many false alarms. Alarms are on a scale of logarithms, but for those below one in all,
    where 0 has its place. What was chosen has its 95 % intervals, of several labels only what they give
    together.

    Args:
        path: of the picture, ending in `.png`, `.svg` or `.pdf`.
        curves: of each label the best thresholds.
        chosen: of some labels one of these.
        together: which of the curves is that of all labels together, if any.

    Raises:
        ParameterError: for an ending that matplotlib does not write.
    """
    from matplotlib.ticker import FuncFormatter

    figure = figure_for(path, inches=(8.0, 5.2), layout="constrained")
    axes = figure.add_subplot()
    hours = max((point.hours for points in curves.values() for point in points), default=1.0)
    for i, (label, points) in enumerate(curves.items()):
        colour = "black" if label == together else f"C{i}" if i < _NAMED else "0.6"
        steps = sorted((point.alarms_per_hour, 100 * point.miss_rate) for point in points)
        # what was seen holds for all who allow more, too
        steps.append((3 * max(steps[-1][0], 1 / hours), steps[-1][1]))
        axes.plot(*zip(*steps, strict=True), color=colour, drawstyle="steps-post", linewidth=1.2)
        point = chosen.get(label)
        if point is None:
            continue
        name = label if point.threshold is None else f"{label}, from {format_threshold(point.threshold)} on"
        x, y = point.alarms_per_hour, 100 * point.miss_rate
        axes.plot([x], [y], color=colour, marker="o", linestyle="", label=name)
        if together in (None, label):
            (low, high), (miss_low, miss_high) = point.alarm_interval, point.miss_interval
            axes.plot([low, high], [y, y], color=colour, linewidth=1, marker="|", linestyle="--")
            axes.plot([x, x], [100 * miss_low, 100 * miss_high], color=colour, marker="_", linestyle="--")
    axes.set_xscale("symlog", linthresh=1 / hours)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlim(left=-0.1 / hours)
    axes.set_ylim(bottom=-1)
    axes.set_xlabel("false alarms in an hour")
    axes.set_ylabel("missed words, %")
    axes.set_title(f"misses against false alarms in {hours:.2f} h; dots: chosen, with 95 % intervals")
    axes.grid(alpha=0.3)
    if chosen:
        axes.legend(fontsize="small", ncols=1 + len(chosen) // 12)
    save_figure(figure, path)
