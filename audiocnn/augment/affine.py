"""Changes to the place and shape of training pictures: turned, moved, scaled, slanted, stretched, at once.

Every pixel is read from the original one time, whatever is combined: five changes one after the other
would blur it five times. torchvision's `affine` takes one angle for all pictures; here each has its own.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.errors import ParameterError

__all__ = ["affine_matrices", "check_affine", "random_affine", "resample"]

Outside = Literal["fill", "border", "reflection"]
"""What is seen beyond the edges: an even grey, the outermost pixels, or the picture mirrored."""


def random_affine(
    pictures: Tensor,
    *,
    max_rotation_degrees: float = 0.0,
    max_translation_pixels: float = 0.0,
    max_scale: float = 1.0,
    max_shear_degrees: float = 0.0,
    max_stretch: float = 1.0,
    outside: Outside = "fill",
    fill: float = 0.0,
    generator: torch.Generator,
) -> Tensor:
    """Turn, move, scale, slant and stretch each picture by amounts of its own, in one resampling.

    Angles and shifts are drawn evenly, to both sides; scale and stretch evenly in their logarithm, so that
    twice as large is as likely as half as large. Left at their defaults, none of them changes anything.

    The ranges by which plankton was told apart in the National Data Science Bowl of 2015 are 180, 10, 1.6,
    20 and 1.3, with flips: van den Oord, Korshunova, Burms, Degrave, Pigou, Buteneers and Dieleman,
    https://sander.ai/2015/03/17/plankton.html, code https://github.com/benanne/kaggle-ndsb. It stretches
    as here: wider by the factor and lower by it. Its slant, scikit-image's of that time, turns upright
    lines and keeps their length; ours, like torchvision's, moves rows along and keeps the height.

    Args:
        pictures: floating point, `(batch, channel, rows, columns)`.
        max_rotation_degrees: 180 turns by any angle.
        max_translation_pixels: along rows and along columns, each drawn by itself; not only whole pixels.
        max_scale: the greatest factor, and one over the least.
        max_shear_degrees: how far upright lines are slanted.
        max_stretch: the greatest factor of the width, the height being divided by it, and one over the least.
        outside: what is seen beyond the edges.
        fill: the value of `"fill"`.
        generator: on the CPU, so that a seed draws the same changes for any device.

    Returns:
        The changed batch, of the same shape; the input itself where no change is asked for.

    Raises:
        ParameterError: if pictures are not of four axes, or a range or `outside` cannot work.

    >>> generator = torch.Generator().manual_seed(0)
    >>> random_affine(torch.rand(8, 1, 28, 28), max_rotation_degrees=15, generator=generator).shape
    torch.Size([8, 1, 28, 28])
    """
    check_affine(
        max_rotation_degrees=max_rotation_degrees,
        max_translation_pixels=max_translation_pixels,
        max_scale=max_scale,
        max_shear_degrees=max_shear_degrees,
        max_stretch=max_stretch,
        outside=outside,
    )
    if pictures.dim() != 4:
        raise ParameterError(
            f"pictures of shape {tuple(pictures.shape)} must be (batch, channel, rows, columns)"
        )
    amounts = (
        max_rotation_degrees,
        max_translation_pixels,
        max_shear_degrees,
        max_scale - 1,
        max_stretch - 1,
    )
    if not any(amounts):
        return pictures
    # float64: on any device the same to the last digit of float32
    drawn = torch.rand(6, len(pictures), dtype=torch.float64, generator=generator) * 2 - 1
    matrices = affine_matrices(
        rotation_degrees=max_rotation_degrees * drawn[0],
        down_pixels=max_translation_pixels * drawn[1],
        right_pixels=max_translation_pixels * drawn[2],
        scale=max_scale ** drawn[3],
        shear_degrees=max_shear_degrees * drawn[4],
        stretch=max_stretch ** drawn[5],
    )
    return resample(pictures, matrices, outside=outside, fill=fill)


def affine_matrices(
    *,
    rotation_degrees: Tensor,
    down_pixels: Tensor,
    right_pixels: Tensor,
    scale: Tensor,
    shear_degrees: Tensor,
    stretch: Tensor,
) -> Tensor:
    """Where the pixels of each picture go, counted from its centre, to the right and down.

    First scaled and stretched, then slanted, then turned, then moved.

    Args:
        rotation_degrees: counter-clockwise, `(batch,)`, as all of them.
        down_pixels: along rows.
        right_pixels: along columns.
        scale: of both sides.
        shear_degrees: to the right at the top, as italics are.
        stretch: of the width; the height is divided by it.

    Returns:
        Matrices `(batch, 2, 3)` that take `(right, down, 1)` to the new `(right, down)`.
    """
    angle = rotation_degrees.deg2rad()
    slant = shear_degrees.deg2rad().tan()
    wide, high = scale * stretch, scale / stretch
    cos, sin = angle.cos(), angle.sin()
    right = torch.stack((cos * wide, (sin - cos * slant) * high, right_pixels), dim=1)
    down = torch.stack((-sin * wide, (cos + sin * slant) * high, down_pixels), dim=1)
    return torch.stack((right, down), dim=1)


def resample(pictures: Tensor, matrices: Tensor, *, outside: Outside = "fill", fill: float = 0.0) -> Tensor:
    """Move the pixels of each picture by its own matrix; between pixels, bilinearly.

    What is made smaller is not smoothed first: at factors up to 2 little is lost.

    Args:
        pictures: floating point, `(batch, channel, rows, columns)`.
        matrices: from `affine_matrices`, on any device.
        outside: what is seen beyond the edges.
        fill: the value of `"fill"`.

    Returns:
        The batch, of the same shape.

    >>> column = torch.tensor([[1.0], [2.0], [3.0]])
    >>> down = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]])  # by a pixel
    >>> resample(column[None, None], down).flatten()
    tensor([0., 1., 2.])
    """
    rows, columns = pictures.shape[2:]
    # backwards, from where a pixel goes to where it comes from; from -1 to 1 across the picture
    back = torch.linalg.inv(matrices[:, :, :2])
    shift = -back @ matrices[:, :, 2:]
    half = torch.tensor([columns / 2, rows / 2], dtype=matrices.dtype, device=matrices.device)
    theta = torch.cat((back * half / half[:, None], shift / half[:, None]), dim=2)  # (batch, 2, 3)
    grid = F.affine_grid(theta.to(pictures), list(pictures.shape), align_corners=False)
    if outside != "fill":
        return F.grid_sample(pictures, grid, padding_mode=outside, align_corners=False)
    return F.grid_sample(pictures - fill, grid, padding_mode="zeros", align_corners=False) + fill


def check_affine(
    *,
    max_rotation_degrees: float,
    max_translation_pixels: float,
    max_scale: float,
    max_shear_degrees: float,
    max_stretch: float,
    outside: str,
) -> None:
    """Raise for ranges that `random_affine` cannot draw from.

    Raises:
        ParameterError: naming the first of them.
    """
    for name, value, least, most in (
        ("max_rotation_degrees", max_rotation_degrees, 0, 180),
        ("max_shear_degrees", max_shear_degrees, 0, 80),
    ):
        if not least <= value <= most:
            raise ParameterError(f"{name}={value} must be from {least} to {most}; 0 changes nothing")
    for name, value, least in (
        ("max_translation_pixels", max_translation_pixels, 0),
        ("max_scale", max_scale, 1),
        ("max_stretch", max_stretch, 1),
    ):
        if not least <= value < math.inf:
            raise ParameterError(f"{name}={value} must be at least {least}, which changes nothing")
    if outside not in ("fill", "border", "reflection"):
        raise ParameterError(f"outside={outside!r} must be 'fill', 'border' or 'reflection'")
