"""Files in, pictures out: any format listed here, at any size, as one tensor.

A picture is float32 `(channel, rows, columns)`, black being 0 and white 1, of one channel
(grey) or three (red, green, blue). Whatever is wrong with a file is one `ImageReadError`
that names it, says what was found, and what would work.

Files are read with Pillow, which the extra `image` installs.
"""

import os
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.errors import ImageReadError, ParameterError
from audiocnn.files import why_not_read

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["MOST_PIXELS", "Fitting", "PictureConfig", "fit", "grey", "read"]

Fitting: TypeAlias = Literal["crop", "stretch", "pad", "centre"]
"""How a picture of another size is brought to one; see `fit`."""

MOST_PIXELS = 100_000_000
"""The largest picture that is decoded: a small file can hold one that no memory does."""

# Asked for by name: Pillow would run other programs to read some of those that it knows besides.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
_INSTALL = 'python -m pip install -e ".[image]"'
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
_BITS_PER_SAMPLE = 258  # the TIFF tag


def read(path: str | os.PathLike[str], *, channels: int | None = None, background: float = 1.0) -> Tensor:
    """Read a picture: PNG, JPEG, BMP, GIF, TIFF, WebP, or PBM, PGM and PPM.

    The contents tell the format, not the name. Of several pictures in a file the first is read.
    It is turned upright, as its EXIF orientation says; colour profiles are not applied.

    Grey of 16 bits keeps all of them. Colour of 16 bits, which Pillow does not have, is cut to 8. Grey
    is 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601); colour made of grey has three equal channels.

    Truncated files are found in every format. Damage inside shows only where the format can tell:
    BMP, PGM and plain TIFF hold no checks, and a JPEG with wrong bits decodes to a wrong picture.

    Args:
        path: the file.
        channels: 1 for grey, 3 for colour; None keeps the file's own.
        background: what is seen through transparent pixels: 0 is black, 1 white.

    Returns:
        The picture, float32 `(channel, rows, columns)`, from 0 to 1.

    Raises:
        ImageReadError: if the file is missing, empty, no picture, truncated or damaged, or holds more
            pixels than `MOST_PIXELS` or numbers of which nothing says what white is.
        ParameterError: if Pillow is not installed, channels is none of these, or the background outside 0..1.
    """
    _check_channels(channels)
    _check_background(background)
    pillow = _pillow()
    path = Path(path)
    try:
        with _QUIETLY, pillow.open(path, formats=_FORMATS) as image:
            pixels = _pixels(path, image)
    except ImageReadError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly any, by what is wrong with the file
        raise ImageReadError(_why_unreadable(path, error, pillow)) from None
    picture = torch.from_numpy(pixels)
    if len(picture) % 2 == 0:
        picture, opacity = picture[:-1], picture[-1:]
        picture = opacity * picture + (1 - opacity) * background
    if channels == 1 and len(picture) == 3:
        picture = grey(picture)
    elif channels == 3 and len(picture) == 1:
        picture = picture.repeat(3, 1, 1)
    return picture.contiguous()


def grey(pictures: Tensor) -> Tensor:
    """Grey of colour, as luma of ITU-R BT.601.

    Args:
        pictures: `(..., 3, rows, columns)`.

    Returns:
        The same in one channel.

    >>> grey(torch.tensor([[[1.0]], [[1.0]], [[0.0]]]))
    tensor([[[0.8860]]])
    """
    red, green, blue = pictures.unbind(-3)
    return (_LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue).unsqueeze(-3)


def fit(
    picture: Tensor,
    rows: int,
    columns: int,
    *,
    how: Fitting = "crop",
    crop_share: float = 1.0,
    background: float = 1.0,
) -> Tensor:
    """Bring a picture to a size, resized without aliasing.

        picture        crop            stretch      pad
        +---------+    +--+-----+--+   +-----+      +-----+
        | o     o |    |  |     |  |   |o   o|      |.....|   background
        |    x    |    |  |  x  |  |   |  x  |      |o x o|
        | o     o |    |  |     |  |   |o   o|      |.....|   background
        +---------+    +--+-----+--+   +-----+      +-----+

    `"crop"` keeps the shape of things and cuts off what reaches out: the picture is resized until it just
    covers `rows / crop_share` by `columns / crop_share`, so that of a square its shorter side does; then its
    centre is cut out. `fit(picture, 224, 224, crop_share=0.875)` is torchvision's `Resize(256)` and
    `CenterCrop(224)`, by which nets for ImageNet are judged. `"stretch"` keeps all and changes the shape.
    `"pad"` keeps all and the shape, and fills up with background.

    Resizing is bilinear; where it makes smaller, each pixel is a triangle-weighted mean of all that it
    stands for. `"centre"` resizes nothing: the picture is put in the middle of the background, or its own
    middle is cut out. A picture that has the size already comes back as it is.

    Args:
        picture: floating point, `(channel, rows, columns)`.
        rows: of the result.
        columns: of the result.
        how: what happens to a picture of another shape.
        crop_share: of `"crop"` alone: which part of the covered height and width is kept.
        background: of `"pad"` and `"centre"`: what is put around the picture.

    Returns:
        The picture, `(channel, rows, columns)`.

    Raises:
        ParameterError: if the picture is not floating point of three axes, a size is not positive, how is
            none of these, crop_share is outside 0..1 or without use, or the background outside 0..1.

    >>> fit(torch.rand(3, 300, 400), 224, 224).shape
    torch.Size([3, 224, 224])
    """
    if picture.dim() != 3 or not picture.is_floating_point():
        raise ParameterError(
            f"a picture of shape {tuple(picture.shape)} and {picture.dtype} must be floating point "
            "(channel, rows, columns); picture.float() / 255 makes it of bytes"
        )
    _check_fit(rows, columns, how, crop_share)
    _check_background(background)
    if how == "stretch":
        return _resized(picture, rows, columns)
    if how == "pad":
        picture = _resized(picture, *_sides(picture, rows, columns, covering=False))
    if how in ("pad", "centre"):
        # of a larger picture these are negative, and cut: as much as would be put around the smaller one
        left, top = int((columns - picture.shape[2]) / 2), int((rows - picture.shape[1]) / 2)
        around = (left, columns - picture.shape[2] - left, top, rows - picture.shape[1] - top)
        return F.pad(picture, around, value=background) if any(around) else picture
    covered = (round(rows / crop_share), round(columns / crop_share))
    picture = _resized(picture, *_sides(picture, *covered, covering=True))
    top, left = round((picture.shape[1] - rows) / 2), round((picture.shape[2] - columns) / 2)
    return picture[:, top : top + rows, left : left + columns]


@dataclass(frozen=True, kw_only=True)
class PictureConfig:
    """How files become pictures of one size; what was trained one way must be asked the same way.

    Attributes:
        rows: of every picture.
        columns: of every picture.
        channels: of every picture; 1 is grey, 3 in colour.
        how: a picture of another size gets this one: crop resizes it until it covers the size, and cuts out
            the middle; stretch changes its shape; pad fits it in, on background; centre resizes nothing.
        crop_share: of crop, the part of the covered height and width that is cut out.
        background: what is seen through transparent pixels, and around the picture: 0 is black, 1 white.

    Raises:
        ParameterError: as these do.

    >>> PictureConfig(rows=28, columns=28, channels=1).how
    'crop'
    """

    rows: int
    columns: int
    channels: int = 3
    how: Fitting = "crop"
    crop_share: float = 1.0
    background: float = 1.0

    def __post_init__(self) -> None:
        _check_fit(self.rows, self.columns, self.how, self.crop_share)
        _check_channels(self.channels)
        _check_background(self.background)

    def read(self, path: str | os.PathLike[str]) -> Tensor:
        """The picture of a file, float32 `(channels, rows, columns)`.

        Raises:
            ImageReadError: as `read` does.
            ParameterError: if Pillow is not installed.
        """
        return self.fitted(read(path, channels=self.channels, background=self.background))

    def fitted(self, picture: Tensor) -> Tensor:
        """A picture of any size, grey or in colour, floating point, as these pictures are; or several.

        Args:
            picture: `(channel, rows, columns)`, or `(pictures, channel, rows, columns)`.
        """
        if picture.shape[-3] != self.channels:
            picture = grey(picture) if self.channels == 1 else torch.cat([picture] * 3, dim=-3)
        planes = fit(
            picture.flatten(0, -3),
            self.rows,
            self.columns,
            how=self.how,
            crop_share=self.crop_share,
            background=self.background,
        )
        return planes.reshape(*picture.shape[:-2], self.rows, self.columns)


def _check_channels(channels: int | None) -> None:
    if channels not in (None, 1, 3):
        raise ParameterError(f"channels={channels} must be 1 for grey or 3 for colour")


def _check_background(background: float) -> None:
    if not 0 <= background <= 1:
        raise ParameterError(f"background={background} must be from 0, black, to 1, white")


def _check_fit(rows: int, columns: int, how: str, crop_share: float) -> None:
    for name, value in (("rows", rows), ("columns", columns)):
        if value < 1:
            raise ParameterError(f"{name}={value} must be a positive number of pixels; 224 is usual")
    if how not in get_args(Fitting):
        raise ParameterError(f"how={how!r} must be 'crop', 'stretch', 'pad' or 'centre'")
    if not 0 < crop_share <= 1:
        raise ParameterError(
            f"crop_share={crop_share} must be above 0 and at most 1; 0.875 is usual, 1 cuts least"
        )
    if crop_share != 1 and how != "crop":
        raise ParameterError(
            f"crop_share={crop_share} has no use with how={how!r}; leave it out, or take 'crop'"
        )


def _sides(picture: Tensor, rows: int, columns: int, *, covering: bool) -> tuple[int, int]:
    """Rows and columns of the picture's own shape that just cover, or just fit into, those given."""
    _, height, width = picture.shape
    wider = width * rows >= columns * height
    if wider == covering:
        return rows, max(1, width * rows // height)
    return max(1, height * columns // width), columns


def _resized(picture: Tensor, rows: int, columns: int) -> Tensor:
    if picture.shape[1:] == (rows, columns):
        return picture
    return F.interpolate(picture[None], (rows, columns), mode="bilinear", antialias=True)[0]


def _pixels(path: Path, image: "Image") -> npt.NDArray[np.float32]:
    """The bands of a picture on unit scale, `(band, rows, columns)`; the last of two or four is opacity."""
    from PIL import ImageOps

    if image.width * image.height > MOST_PIXELS:
        raise ImageReadError(
            f"{path} holds {image.width} x {image.height} pixels, more than {MOST_PIXELS:,}; make it smaller"
        )
    white = 255
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        white = 65535
        if image.format == "TIFF":
            white = 2 ** image.getexif().get(_BITS_PER_SAMPLE, 16) - 1
    elif image.mode in ("I", "F"):
        kind = "floating point" if image.mode == "F" else "32 bits"
        raise ImageReadError(
            f"{path} holds numbers of {kind}, and nothing says which is white; save it with 8 or 16 bits"
        )
    image = ImageOps.exif_transpose(image)
    if white == 255:
        image = image.convert(_bands(image))
    pixels = np.asarray(image, dtype=np.float32) / white
    return np.ascontiguousarray(pixels.reshape(image.height, image.width, -1).transpose(2, 0, 1))


def _bands(image: "Image") -> str:
    """The mode that has the colours and the opacity of a picture of 8 bits, and no palette."""
    colours = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    return colours + "A" if image.has_transparency_data else colours


def _why_unreadable(path: Path, error: Exception, pillow: ModuleType) -> str:
    if why := why_not_read(path, "picture"):
        return why
    if isinstance(error, pillow.UnidentifiedImageError):
        return (
            f"{path} is not a picture that is read here: PNG, JPEG, BMP, GIF, TIFF, WebP, PGM; save it as PNG"
        )
    if isinstance(error, pillow.DecompressionBombError):
        return f"{path} is too large ({error}); make it smaller"
    return f"{path} cannot be decoded ({error}); copy it again, or save it as PNG"


def _pillow() -> ModuleType:
    """The module that opens pictures."""
    try:
        import PIL.Image
    except ImportError:
        raise ParameterError(
            f"reading pictures needs the package pillow, which the extra image brings: {_INSTALL}"
        ) from None
    module: ModuleType = PIL.Image
    return module


class _Quietly:
    """A block in which no warning is shown or raised, whatever number of threads is in it.

    Pillow warns of much that keeps no picture from being read. Python restores its filters block by
    block, which goes wrong where blocks of several threads overlap; here the last to leave does.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.caught = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self.lock:
            if self.inside == 0:
                self.caught = warnings.catch_warnings()
                self.caught.__enter__()
                warnings.simplefilter("ignore")
            self.inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                self.caught.__exit__(kind, error, trace)


_QUIETLY = _Quietly()
