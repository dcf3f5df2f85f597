"""Changes to training pictures: which of them are on, and those that move whole pixels.

All are made where the pictures are, for a whole batch at once, each picture with draws of its own.
Draws come from a generator on the CPU, so that a seed changes pictures alike on any device.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.augment.affine import Outside, check_affine, random_affine
from audiocnn.augment.colour import ColourAxes, check_jitter, colour_jitter, pca_lighting, random_grayscale
from audiocnn.errors import ParameterError

__all__ = [
    "HANDWRITING",
    "PLANKTON",
    "ImageAugmentation",
    "augment_pictures",
    "cutout",
    "random_crop",
    "random_flip",
]


@dataclass(frozen=True, kw_only=True)
class ImageAugmentation:
    """Which changes training pictures are put through; none by default.

    Mixing pictures with one another, which changes their targets too, is `mixup`.

    Attributes:
        flip_columns: left and right are exchanged in half of the pictures.
        flip_rows: top and bottom are, in half of them.
        max_rotation_degrees: the greatest turn, either way; 180 turns by any angle. See `random_affine`.
        max_translation_pixels: the greatest move along rows and along columns.
        max_scale: the greatest factor of the size, and one over the least; 1 keeps it.
        max_shear_degrees: how far upright lines are slanted, at most.
        max_stretch: the greatest factor of the width, the height being divided by it; 1 keeps the shape.
        outside: what these changes show beyond the edges: fill, the last pixel (border), or a reflection.
        crop_rows: a place of so many rows and `crop_columns` is drawn; 0 keeps all.
        crop_columns: a place of so many columns and `crop_rows` is drawn; 0 keeps all.
        crop_padding: pixels put around the picture before.
        grayscale_probability: part of the pictures that lose their colours.
        brightness: factors are drawn from 1 less this to 1 and this; 0 changes nothing. See `colour_jitter`.
        contrast: likewise, of the contrast.
        saturation: likewise, of the saturation.
        hue: the greatest shift, either way, in parts of the colour circle; 0.5 gives any hue.
        lighting_deviation: of light of other colours, `pca_lighting`; 0 leaves the light as it is.
        colour_axes: of the training pictures, for the light.
        cutout_size: side of the square that is cut out of each picture; 0 cuts no hole.
        fill: what is beyond the edges, and in holes: 0 is black, 1 white.

    Raises:
        ParameterError: if one of them cannot work, or the light has no colour axes.
    """

    flip_columns: bool = False
    flip_rows: bool = False
    max_rotation_degrees: float = 0.0
    max_translation_pixels: float = 0.0
    max_scale: float = 1.0
    max_shear_degrees: float = 0.0
    max_stretch: float = 1.0
    outside: Outside = "fill"
    crop_rows: int = 0
    crop_columns: int = 0
    crop_padding: int = 0
    grayscale_probability: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    lighting_deviation: float = 0.0
    colour_axes: ColourAxes | None = None
    cutout_size: int = 0
    fill: float = 0.0

    def __post_init__(self) -> None:
        check_affine(
            max_rotation_degrees=self.max_rotation_degrees,
            max_translation_pixels=self.max_translation_pixels,
            max_scale=self.max_scale,
            max_shear_degrees=self.max_shear_degrees,
            max_stretch=self.max_stretch,
            outside=self.outside,
        )
        check_jitter(
            brightness=self.brightness, contrast=self.contrast, saturation=self.saturation, hue=self.hue
        )
        if not 0 <= self.grayscale_probability <= 1:
            raise ParameterError(
                f"grayscale_probability={self.grayscale_probability} must be from 0 to 1; 0 changes nothing"
            )
        for name in ("crop_rows", "crop_columns", "crop_padding", "cutout_size", "lighting_deviation"):
            if not getattr(self, name) >= 0:
                raise ParameterError(f"{name}={getattr(self, name)} must not be negative; 0 changes nothing")
        if (self.crop_rows > 0) != (self.crop_columns > 0):
            raise ParameterError(
                f"crop_rows={self.crop_rows} and crop_columns={self.crop_columns} belong together; give both"
            )
        if self.crop_padding and not self.crop_rows:
            raise ParameterError(f"crop_padding={self.crop_padding} has no use without crop_rows")
        if self.lighting_deviation and self.colour_axes is None:
            raise ParameterError(
                f"lighting_deviation={self.lighting_deviation} needs colour_axes; "
                "ColourAxes.of(corpus.pictures) are those of the training pictures"
            )


HANDWRITING = ImageAugmentation(
    max_rotation_degrees=10, max_translation_pixels=2, max_scale=1.15, max_shear_degrees=10
)
"""As far as a written character of some 28 pixels may be changed and still be the same one."""

PLANKTON = ImageAugmentation(
    flip_columns=True,
    max_rotation_degrees=180,
    max_translation_pixels=10,
    max_scale=1.6,
    max_shear_degrees=20,
    max_stretch=1.3,
)
"""For things that have no upright: what won the National Data Science Bowl; see `random_affine`."""


def augment_pictures(pictures: Tensor, config: ImageAugmentation, generator: torch.Generator) -> Tensor:
    """Put a batch through all changes that are on: flip, move and shape, crop, colours, light, hole.

    Args:
        pictures: from 0 to 1, `(batch, channel, rows, columns)`.
        config: which changes.
        generator: on the CPU.

    Returns:
        The changed batch, on the device of the pictures; the input itself where nothing is on.

    Raises:
        ParameterError: if pictures are smaller than the crop, or have no colours where these are to change.

    >>> generator = torch.Generator().manual_seed(0)
    >>> augment_pictures(torch.rand(4, 1, 28, 28), PLANKTON, generator).shape
    torch.Size([4, 1, 28, 28])
    """
    if config.flip_columns or config.flip_rows:
        pictures = random_flip(
            pictures, columns=config.flip_columns, rows=config.flip_rows, generator=generator
        )
    pictures = random_affine(
        pictures,
        max_rotation_degrees=config.max_rotation_degrees,
        max_translation_pixels=config.max_translation_pixels,
        max_scale=config.max_scale,
        max_shear_degrees=config.max_shear_degrees,
        max_stretch=config.max_stretch,
        outside=config.outside,
        fill=config.fill,
        generator=generator,
    )
    if config.crop_rows:
        pictures = random_crop(
            pictures,
            config.crop_rows,
            config.crop_columns,
            padding=config.crop_padding,
            fill=config.fill,
            generator=generator,
        )
    if config.grayscale_probability:
        pictures = random_grayscale(pictures, probability=config.grayscale_probability, generator=generator)
    pictures = colour_jitter(
        pictures,
        brightness=config.brightness,
        contrast=config.contrast,
        saturation=config.saturation,
        hue=config.hue,
        generator=generator,
    )
    if config.lighting_deviation and config.colour_axes is not None:
        pictures = pca_lighting(
            pictures, config.colour_axes, deviation=config.lighting_deviation, generator=generator
        )
    if config.cutout_size:
        pictures = cutout(pictures, size=config.cutout_size, fill=config.fill, generator=generator)
    return pictures


def random_flip(
    pictures: Tensor, *, columns: bool = True, rows: bool = False, generator: torch.Generator
) -> Tensor:
    """Mirror half of the pictures.

    Args:
        pictures: `(batch, channel, rows, columns)`.
        columns: exchange left and right.
        rows: exchange top and bottom, drawn by itself.
        generator: on the CPU.

    Returns:
        The changed batch; the input stays as it is.
    """
    for axis, on in ((3, columns), (2, rows)):
        if on:
            chosen = torch.rand(len(pictures), dtype=torch.float64, generator=generator) < 0.5
            chosen = chosen.to(pictures.device)[:, None, None, None]
            pictures = torch.where(chosen, pictures.flip(axis), pictures)
    return pictures


def random_crop(
    pictures: Tensor,
    rows: int,
    columns: int,
    *,
    padding: int = 0,
    fill: float = 0.0,
    generator: torch.Generator,
) -> Tensor:
    """Cut a part out of each picture, at a place drawn from all where it fits.

    AlexNet cuts 224 by 224 out of 256 by 256 (Krizhevsky et al. 2012, section 4.1), ResNet on CIFAR 32 by 32
    out of 32 by 32 with a padding of 4 (He et al. 2016, "Deep residual learning for image recognition",
    CVPR, section 4.2).

    Args:
        pictures: `(batch, channel, rows, columns)`.
        rows: of a part.
        columns: of a part.
        padding: pixels put around each picture before.
        fill: their value.
        generator: on the CPU.

    Returns:
        The parts, `(batch, channel, rows, columns)`.

    Raises:
        ParameterError: if a size is not positive, padding is negative, or a part is larger than the
            padded pictures.

    >>> generator = torch.Generator().manual_seed(0)
    >>> random_crop(torch.rand(4, 3, 256, 256), 224, 224, generator=generator).shape
    torch.Size([4, 3, 224, 224])
    """
    if padding < 0:
        raise ParameterError(f"padding={padding} must not be negative; 4 is usual for 32 by 32 pixels")
    height, width = pictures.shape[2] + 2 * padding, pictures.shape[3] + 2 * padding
    if not (1 <= rows <= height and 1 <= columns <= width):
        raise ParameterError(
            f"rows={rows} and columns={columns} must be positive and at most the {height} by {width} pixels "
            "of a picture and its padding; read pictures in larger, or pad them more"
        )
    if padding:
        pictures = F.pad(pictures, (padding,) * 4, value=fill)
    tops = torch.randint(height - rows + 1, (len(pictures),), generator=generator).tolist()
    lefts = torch.randint(width - columns + 1, (len(pictures),), generator=generator).tolist()
    # slices, which move each pixel once; gathering by index makes an index for every pixel
    parts = zip(pictures, tops, lefts, strict=True)
    return torch.stack([p[:, top : top + rows, left : left + columns] for p, top, left in parts])


def cutout(pictures: Tensor, *, size: int, fill: float = 0.0, generator: torch.Generator) -> Tensor:
    """Cut a square hole into each picture, around a pixel drawn from all of them.

    So a hole may reach out of the picture, which is then less covered. DeVries and Taylor 2017, "Improved
    regularization of convolutional neural networks with cutout", https://arxiv.org/abs/1708.04552: 16 pixels
    for CIFAR-10, 8 for CIFAR-100. Their holes are 0 after normalisation, which is the mean of all pictures:
    give that as `fill`.

    Args:
        pictures: `(batch, channel, rows, columns)`.
        size: of a hole's sides, in pixels.
        fill: its value.
        generator: on the CPU.

    Returns:
        The changed batch; the input stays as it is.

    Raises:
        ParameterError: if the size is not positive.

    >>> generator = torch.Generator().manual_seed(4)
    >>> cutout(torch.ones(1, 1, 4, 4), size=2, generator=generator)[0, 0]
    tensor([[1., 1., 1., 1.],
            [1., 0., 0., 1.],
            [1., 0., 0., 1.],
            [1., 1., 1., 1.]])
    """
    if size < 1:
        raise ParameterError(
            f"size={size} must be a positive number of pixels; to cut no hole leave cutout out"
        )
    inside = []
    for length in pictures.shape[2:]:
        start = torch.randint(length, (len(pictures), 1), generator=generator) - size // 2
        position = torch.arange(length)
        inside.append((position >= start) & (position < start + size))
    hole = inside[0][:, None, :, None] & inside[1][:, None, None, :]  # (batch, 1, rows, columns)
    return pictures.masked_fill(hole.to(pictures.device), fill)
