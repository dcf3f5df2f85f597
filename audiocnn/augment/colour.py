"""Changes to the colours of training pictures, each picture by numbers of its own.

torchvision's functions of the same names take one number for a whole batch; with that number for all
its pictures these give the same, to rounding.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.picture import grey

__all__ = [
    "IMAGENET_COLOURS",
    "ColourAxes",
    "adjust_brightness",
    "adjust_contrast",
    "adjust_hue",
    "adjust_saturation",
    "check_jitter",
    "colour_jitter",
    "pca_lighting",
    "random_grayscale",
]

_AT_ONCE = 1 << 24  # numbers that are summed in one piece, which bounds memory


def colour_jitter(
    pictures: Tensor,
    *,
    brightness: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
    hue: float = 0.0,
    generator: torch.Generator,
) -> Tensor:
    """Change brightness, contrast, saturation and hue of each picture by amounts drawn evenly.

    The four follow one another in an order that is drawn for the batch; torchvision's `ColorJitter` draws
    it for each picture.

    Args:
        pictures: from 0 to 1, `(batch, channel, rows, columns)`.
        brightness: factors are from `1 - brightness` to `1 + brightness`; 0 changes nothing.
        contrast: likewise.
        saturation: likewise; for three channels.
        hue: shifts are from `-hue` to `hue` of the whole circle; 0.5 gives any hue. For three channels.
        generator: on the CPU, so that a seed draws the same changes for any device.

    Returns:
        The changed batch, from 0 to 1; the input itself where no change is asked for.

    Raises:
        ParameterError: if an amount is out of range, or pictures have no colours where these are to change.
    """
    check_jitter(brightness=brightness, contrast=contrast, saturation=saturation, hue=hue)
    changes: list[tuple[Callable[[Tensor, Tensor], Tensor], float, float]] = [
        (adjust_brightness, 1, brightness),
        (adjust_contrast, 1, contrast),
        (adjust_saturation, 1, saturation),
        (adjust_hue, 0, hue),
    ]
    changes = [change for change in changes if change[2]]
    if not changes:
        return pictures
    for i in torch.randperm(len(changes), generator=generator).tolist():
        change, middle, most = changes[i]
        drawn = torch.rand(len(pictures), dtype=torch.float64, generator=generator) * 2 - 1
        pictures = change(pictures, middle + most * drawn)
    return pictures


def random_grayscale(pictures: Tensor, *, probability: float, generator: torch.Generator) -> Tensor:
    """Take the colours out of some of the pictures, which keep their three channels.

    Args:
        pictures: `(batch, 3, rows, columns)`.
        probability: of each picture, 0 to 1.
        generator: on the CPU, so that a seed chooses the same pictures for any device.

    Returns:
        The changed batch; the input stays as it is.

    Raises:
        ParameterError: if the probability is outside 0..1, or pictures have no colours.
    """
    if not 0 <= probability <= 1:
        raise ParameterError(f"probability={probability} must be from 0 to 1; 0.1 is one picture in ten")
    _check_colours(pictures)
    chosen = torch.rand(len(pictures), dtype=torch.float64, generator=generator) < probability
    return torch.where(chosen.to(pictures.device)[:, None, None, None], grey(pictures), pictures)


@dataclass(frozen=True, kw_only=True)
class ColourAxes:
    """The directions in which the colours of pictures vary, the strongest first, and how much.

    Attributes:
        variances: along each of three directions, on the scale where white is 1: the eigenvalues of the
            covariance of red, green and blue over all pixels.
        directions: each as red, green and blue, of length 1: its eigenvectors.
    """

    variances: tuple[float, ...]
    directions: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, pictures: Tensor) -> "ColourAxes":
        """Those of the training pictures.

        Args:
            pictures: bytes, or from 0 to 1, `(pictures, 3, rows, columns)`.

        Raises:
            ParameterError: if pictures have no colours.
        """
        _check_colours(pictures)
        white = 1 if pictures.is_floating_point() else 255
        count, total, products = (
            0,
            torch.zeros(3, dtype=torch.float64),
            torch.zeros(3, 3, dtype=torch.float64),
        )
        for some in pictures.split(max(1, _AT_ONCE // pictures[0].numel())):  # type: ignore[no-untyped-call]
            colours = some.transpose(0, 1).flatten(1).double() / white  # (3, pixels)
            count += colours.shape[1]
            total += colours.sum(dim=1).cpu()
            products += (colours @ colours.T).cpu()
        mean = total / count
        variances, directions = torch.linalg.eigh(products / count - mean.outer(mean))
        directions = directions.T.flip(0)
        # of the two that point opposite ways, that whose largest part is positive
        largest = directions.gather(1, directions.abs().argmax(dim=1, keepdim=True))
        directions = directions * largest.sign()
        return cls(
            variances=tuple(variances.flip(0).clamp(min=0).tolist()),
            directions=tuple(tuple(direction) for direction in directions.tolist()),
        )


IMAGENET_COLOURS = ColourAxes(
    variances=(0.2175, 0.0188, 0.0045),
    directions=((-0.5675, -0.5808, -0.5836), (0.7192, -0.0045, -0.6948), (0.4009, -0.8140, 0.4203)),
)
"""Of some of ImageNet's training pictures, as Facebook's fb.resnet.torch of 2016 has them."""


def pca_lighting(
    pictures: Tensor, axes: ColourAxes, *, deviation: float = 0.1, generator: torch.Generator
) -> Tensor:
    """Change the colour of the light: add to all pixels of a picture some of each axis.

        pixel + a1 v1 p1 + a2 v2 p2 + a3 v3 p3

    with the directions p, the variances v, and a drawn from a normal distribution for each picture and axis.

    Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional neural
    networks", NIPS 25, section 4.1, and its words: the eigenvalues multiply. That hangs on the scale of the
    pixels, which is here 0 to 1, as in fb.resnet.torch; Krizhevsky's cuda-convnet calls its factors standard
    deviations. Nothing is clipped.

    Args:
        pictures: on the scale of the axes, `(batch, 3, rows, columns)`.
        axes: `ColourAxes.of` the training pictures.
        deviation: of the normal distribution.
        generator: on the CPU, so that a seed draws the same light for any device.

    Returns:
        The changed batch; the input stays as it is.

    Raises:
        ParameterError: if the deviation is negative, or pictures have no colours.
    """
    if not deviation >= 0:
        raise ParameterError(f"deviation={deviation} must not be negative; 0.1 is AlexNet's")
    _check_colours(pictures)
    drawn = torch.randn(len(pictures), 3, dtype=torch.float64, generator=generator) * deviation
    directions = torch.tensor(axes.directions, dtype=torch.float64)
    light = (drawn * torch.tensor(axes.variances, dtype=torch.float64)) @ directions  # (batch, 3)
    return pictures + light[:, :, None, None].to(pictures)


def adjust_brightness(pictures: Tensor, factors: Tensor) -> Tensor:
    """Mix each picture with black, or away from it.

    Args:
        pictures: from 0 to 1, `(batch, channel, rows, columns)`.
        factors: `(batch,)`; 0 is black, 1 the picture.

    >>> adjust_brightness(torch.full((2, 1, 1, 1), 0.4), torch.tensor([0.5, 3.0])).flatten()
    tensor([0.2000, 1.0000])
    """
    return _mixed(pictures, torch.zeros_like(pictures[:, :1, :1, :1]), factors)


def adjust_contrast(pictures: Tensor, factors: Tensor) -> Tensor:
    """Mix each picture with the mean of its grey, or away from it.

    Args:
        pictures: from 0 to 1, `(batch, channel, rows, columns)`.
        factors: `(batch,)`; 0 is even grey, 1 the picture.
    """
    shades = grey(pictures) if pictures.shape[1] == 3 else pictures
    return _mixed(pictures, shades.mean(dim=(1, 2, 3), keepdim=True), factors)


def adjust_saturation(pictures: Tensor, factors: Tensor) -> Tensor:
    """Mix each picture with itself in grey, or away from it.

    Args:
        pictures: from 0 to 1, `(batch, 3, rows, columns)`.
        factors: `(batch,)`; 0 is without colours, 1 the picture.

    Raises:
        ParameterError: if pictures have no colours.
    """
    _check_colours(pictures)
    return _mixed(pictures, grey(pictures), factors)


def adjust_hue(pictures: Tensor, shifts: Tensor) -> Tensor:
    """Move the hues of each picture round the circle of colours; lightest and darkest channel stay.

    Args:
        pictures: from 0 to 1, `(batch, 3, rows, columns)`.
        shifts: `(batch,)`, in turns; a third makes red green.

    Raises:
        ParameterError: if pictures have no colours.

    >>> adjust_hue(torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1), torch.tensor([1 / 3])).flatten()
    tensor([0., 1., 0.])
    """
    _check_colours(pictures)
    red, green, blue = pictures.unbind(1)  # (batch, rows, columns)
    light, highest = pictures.max(dim=1)
    spread = light - pictures.amin(dim=1)
    safe = torch.where(spread > 0, spread, 1.0)
    # in sixths of the circle: red is 0, green 2, blue 4
    hue = torch.where(highest == 0, (green - blue) / safe, (red - green) / safe + 4)
    hue = torch.where(highest == 1, (blue - red) / safe + 2, hue) + 6 * shifts.to(pictures)[:, None, None]
    channels = []
    for place in (0, 2, 4):
        away = (hue - place + 3).remainder(6) - 3  # from the channel's own hue, -3 to 3
        channels.append(light - spread * (away.abs() - 1).clamp(0, 1))
    return torch.stack(channels, dim=1)


def check_jitter(*, brightness: float, contrast: float, saturation: float, hue: float) -> None:
    """Raise for amounts that `colour_jitter` cannot draw from.

    Raises:
        ParameterError: naming the first of them.
    """
    for name, value in (("brightness", brightness), ("contrast", contrast), ("saturation", saturation)):
        if not 0 <= value <= 1:
            raise ParameterError(f"{name}={value} must be from 0, which changes nothing, to 1; 0.4 is usual")
    if not 0 <= hue <= 0.5:
        raise ParameterError(f"hue={hue} must be from 0, which changes nothing, to 0.5, half the circle")


def _mixed(pictures: Tensor, other: Tensor, factors: Tensor) -> Tensor:
    share = factors.to(pictures)[:, None, None, None]
    return (share * pictures + (1 - share) * other).clamp(0, 1)


def _check_colours(pictures: Tensor) -> None:
    if pictures.dim() != 4 or pictures.shape[1] != 3:
        raise ParameterError(
            f"pictures of shape {tuple(pictures.shape)} must be (batch, 3, rows, columns); "
            "grey ones have no colours to change"
        )
