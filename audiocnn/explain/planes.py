"""What the planes of a net look for, shown by the parts of images that excite them most."""

from math import ceil
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.figures import figure_for, save_figure
from audiocnn.layers import Scan

__all__ = ["Views", "draw_planes", "strongest_views"]


class Views(NamedTuple):
    """The parts of images that excite each plane most, the best one first.

    Attributes:
        parts: what the cell saw, `(planes, count, channel, rows, columns)`.
        images: of which image it was, `(planes, count)`.
    """

    parts: Tensor
    images: Tensor


def strongest_views(net: Scan, images: Tensor, *, count: int) -> Views:
    """Find the images that excite each plane most, and what its strongest cell saw of each.

    Args:
        net: any net or layer that scans both axes.
        images: `(batch, channel, rows, columns)`.
        count: how many for each plane.

    Raises:
        ParameterError: for a net that pads an axis, or more views than images.

    >>> from audiocnn.layers import MaxPool2d
    >>> image = torch.arange(20.0).view(1, 1, 4, 5)
    >>> strongest_views(MaxPool2d(2, stride=1), image, count=1).parts[0, 0, 0]
    tensor([[13., 14.],
            [18., 19.]])
    """
    if net.geometry is None or net.geometry_rows is None:
        raise ParameterError(
            f"{type(net).__name__} pads an axis; a cell's view is known with padding='valid'"
        )
    if not 1 <= count <= len(images):
        raise ParameterError(f"count={count} must be from 1 to {len(images)}, the number of images")
    with net.evaluating(), torch.no_grad():
        y = net(images)  # (batch, planes, rows', columns')
    strength, place = y.flatten(2).max(dim=2)  # (batch, planes)
    best = strength.argsort(dim=0, descending=True, stable=True)[:count].T  # (planes, count)
    row, column = (axis.gather(0, best.T).T for axis in (place // y.shape[3], place % y.shape[3]))
    windows = images.unfold(2, net.geometry_rows.span, net.geometry_rows.stride)
    # (batch, channel, rows', columns', span of rows, span of columns)
    windows = windows.unfold(3, net.geometry.span, net.geometry.stride)
    return Views(parts=windows[best, :, row, column], images=best)


def draw_planes(
    net: Scan,
    images: Tensor,
    path: Path,
    *,
    title: str,
    patterns: Tensor | None = None,
    planes: int = 24,
    columns: int = 3,
) -> None:
    """Write a picture of what the planes of a net look for.

    Each plane has a strip: in blue its pattern, then the parts of six images that excite it most, in grey.

    Args:
        net: any net or layer that scans both axes of images of one channel.
        images: `(batch, 1, rows, columns)`, from 0 (white) to 1 (black); 20 or more.
        path: of the picture, ending in `.png`, `.svg` or `.pdf`.
        title: stands above it.
        patterns: what is drawn in blue, such as the weights of a first layer, `(planes, rows, columns)`, each
            by its own scale; by default the mean of the 20 parts of images that excite a plane most.
        planes: how many to draw, the first ones.
        columns: strips side by side.

    Raises:
        ParameterError: for an ending that matplotlib does not write, and as `strongest_views`.
    """
    from matplotlib import colormaps

    figure = figure_for(path)
    parts = strongest_views(net, images, count=20).parts[:planes, :, 0]
    patterns = parts.mean(dim=1) if patterns is None else patterns.detach()[:planes]
    patterns = patterns / patterns.amax(dim=(1, 2), keepdim=True).clamp(min=1e-30)

    def tile(values: Tensor, colours: str) -> Tensor:
        """About 32 dots high, as colours `(rows, columns, 3)`, in a thin frame with white around it."""
        dots = max(1, round(32 / len(values)))
        large = values.repeat_interleave(dots, 0).repeat_interleave(dots, 1)
        picture = torch.as_tensor(colormaps[colours](large.numpy()))[..., :3].movedim(2, 0)
        return F.pad(F.pad(picture, (1, 1, 1, 1), value=0.6), (2, 2, 2, 2), value=1.0).movedim(0, 2)

    strips = []
    for pattern, best in zip(patterns, parts, strict=True):
        tiles = [tile(part, "gray_r") for part in best[:6]]
        gap = torch.ones(len(tiles[0]), 6, 3)
        label = torch.ones(len(tiles[0]), 24, 3)
        strips.append(torch.cat((label, tile(pattern, "Blues"), gap, *tiles), dim=1))
    per_column = ceil(len(strips) / columns)
    height, width, _ = strips[0].shape
    canvas = torch.ones(per_column * height, columns * width, 3)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    for i, strip in enumerate(strips):
        top, left = i % per_column * height, i // per_column * width
        canvas[top : top + height, left : left + width] = strip
        axes.text(left + 20, top + height / 2, str(i + 1), ha="right", va="center", fontsize=7)
    axes.imshow(canvas.numpy(), interpolation="nearest")
    axes.axis("off")
    axes.set_title(title, fontsize=9, parse_math=False)
    figure.set_size_inches(canvas.shape[1] / 100, canvas.shape[0] / 100)
    save_figure(figure, path, cropped=True)
