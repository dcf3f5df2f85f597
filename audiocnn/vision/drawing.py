"""Pictures of what was found on pages: boxes with their classes, and maps of classes."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from audiocnn.data.page_batches import Patches
from audiocnn.data.pages import NOTHING, Truths
from audiocnn.errors import ParameterError
from audiocnn.figures import figure_for, save_figure
from audiocnn.vision.detection import Detections, match

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_class_map", "draw_detections", "sheet"]

_RIGHT = "tab:blue"
_FALSE = "tab:red"
_MISSED = "tab:orange"
_COLOURS = 10


def draw_detections(
    page: Tensor, detections: Detections, truths: Truths, path: Path, *, labels: Sequence[str]
) -> None:
    """Write a picture of a page with what was detected on it, and what was not.

    A detection is a box with its class above: a blue one if it is right (`match`), else a red one; what is
    there and was not found has a dotted orange one with its class below.

    Args:
        page: `(channel, rows, columns)`, from 0 to 1; light things on dark are drawn dark on light.
        detections: on it.
        truths: what is there.
        path: of the picture, ending in `.png`, `.svg` or `.pdf`.
        labels: the names of the classes.

    Raises:
        ParameterError: for an ending that matplotlib does not write.
    """
    from matplotlib.lines import Line2D

    rows, columns = page.shape[1:]
    width = 7.0
    figure = figure_for(path, inches=(width, width * rows / columns + 0.5), layout="constrained")
    axes = figure.add_subplot()
    _show(axes, page)
    things = match(detections, *truths).tolist()
    for box, target, thing in zip(detections.boxes, detections.classes.tolist(), things, strict=True):
        _frame(axes, box, labels[target], _RIGHT if thing >= 0 else _FALSE)
    missed = sorted({*range(len(truths.boxes))} - {*things})
    found = len(truths.boxes) - len(missed)
    for i in missed:
        _frame(axes, truths.boxes[i], labels[int(truths.classes[i])], _MISSED, missed=True)
    handles = [
        Line2D([], [], color=_RIGHT, label=f"{found} right"),
        Line2D([], [], color=_FALSE, label=f"{len(detections) - found} false"),
        Line2D([], [], color=_MISSED, linestyle=":", label=f"{len(missed)} missed"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False)
    save_figure(figure, path)


def draw_class_map(page: Tensor, class_map: Tensor, path: Path, *, labels: Sequence[str]) -> None:
    """Write a picture of a page, and beside it the class that each pixel was given.

    Args:
        page: as for `draw_detections`.
        class_map: of its pixels, int64 `(rows, columns)`.
        path: of the picture, ending in `.png`, `.svg` or `.pdf`.
        labels: the names of the classes; `NOTHING` is left white.

    Raises:
        ParameterError: for an ending that matplotlib does not write, or more than ten classes besides that.
    """
    from matplotlib import colormaps
    from matplotlib.colors import to_hex, to_rgb
    from matplotlib.patches import Patch

    named = [i for i, label in enumerate(labels) if label != NOTHING]
    if len(named) > _COLOURS:
        raise ParameterError(f"labels names {len(named)} classes to draw, and there are {_COLOURS} colours")
    colours = torch.ones(len(labels), 3)
    names = [to_hex(colormaps["tab10"](place)) for place in range(len(named))]
    colours[named] = torch.tensor([to_rgb(name) for name in names])
    rows, columns = class_map.shape
    width = 9.0
    figure = figure_for(path, inches=(width, width * rows / columns / 2 + 0.7), layout="constrained")
    left, right = figure.subplots(1, 2)
    _show(left, page)
    right.imshow(colours[class_map.cpu()].numpy(), interpolation="nearest")
    right.set_xticks([])
    right.set_yticks([])
    handles = [Patch(color=name, label=labels[i]) for name, i in zip(names, named, strict=True)]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(named), frameon=False)
    save_figure(figure, path)


def sheet(
    patches: Patches, located: tuple[Tensor, Tensor], *, columns: int
) -> tuple[Tensor, Detections, Truths]:
    """Pictures side by side as one page, for `draw_detections`.

    Args:
        patches: pictures with one thing each, and the truth about it.
        located: probabilities `(pictures, num_classes)` and boxes `(pictures, 4)`, as `losses.located` gives.
        columns: how many side by side, at most; as many rows as that fill.

    Returns:
        The page `(channel, rows, columns)`, 0 where there is no picture; what was found there; what is there.

    >>> patches = Patches(torch.ones(3, 1, 4, 5), torch.zeros(3), torch.tensor([[0, 1, 2, 3]] * 3))
    >>> page, found, truths = sheet(patches, (torch.ones(3, 1), patches.boxes), columns=2)
    >>> page.shape, truths.boxes[2].tolist()
    (torch.Size([1, 8, 10]), [4, 1, 6, 3])
    """
    count, channels, height, width = patches.pictures.shape
    columns = min(columns, count)
    page = patches.pictures.new_zeros(channels, -(-count // columns) * height, columns * width)
    corners = torch.zeros(count, 4, dtype=torch.int64)
    for i, picture in enumerate(patches.pictures):
        top, left = i // columns * height, i % columns * width
        page[:, top : top + height, left : left + width] = picture
        corners[i] = torch.tensor([top, left, top, left])
    scores, classes = located[0].max(dim=1)
    found = Detections(boxes=located[1] + corners, classes=classes, scores=scores)
    return page, found, Truths(patches.boxes + corners, patches.targets)


def _show(axes: "Axes", page: Tensor) -> None:
    """A page, light on dark, drawn dark on light."""
    shown = 1 - page.cpu().mean(dim=0)
    axes.imshow(shown.numpy(), cmap="gray", vmin=0.0, vmax=1.0, extent=(0, page.shape[2], page.shape[1], 0))
    axes.set_xticks([])
    axes.set_yticks([])


def _frame(axes: "Axes", box: Tensor, label: str, colour: str, *, missed: bool = False) -> None:
    from matplotlib.patches import Rectangle

    top, left, bottom, right = box.tolist()
    style = ":" if missed else "-"
    frame = Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=colour, linestyle=style)
    axes.add_patch(frame)
    y, va = (bottom + 1, "top") if missed else (top - 1, "bottom")
    axes.text(left, y, label, color=colour, fontsize=9, va=va, weight="bold", parse_math=False)
