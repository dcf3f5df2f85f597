"""MNIST and whatever else comes as its four files: handwritten digits, or Fashion-MNIST's clothes.

The files are idx files, plain or compressed with gzip: two bytes of zero, a byte for the kind of number,
a byte for how many axes there are, the length of each axis in four bytes, then the numbers.

LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document recognition",
Proceedings of the IEEE 86(11). Xiao, Rasul and Vollgraf 2017, "Fashion-MNIST", https://arxiv.org/abs/1708.07747.
"""

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import BinaryIO, Literal

import torch
from torch import Tensor

from audiocnn.data.picture_corpus import PictureCorpus
from audiocnn.errors import ImageReadError, ManifestError, ParameterError
from audiocnn.files import why_not_read

__all__ = ["DIGITS", "FASHION", "is_mnist", "read_idx", "read_mnist"]

DIGITS = tuple("0123456789")
FASHION = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
"""The classes of Fashion-MNIST, in the order of its targets."""

_NAMES = {"train": "train", "test": "t10k"}
_BYTES = 8  # the kind of number that pictures and labels have
_READ_AT_ONCE = 1 << 20


def read_mnist(
    folder: str | os.PathLike[str], split: Literal["train", "test"], *, labels: tuple[str, ...] = DIGITS
) -> PictureCorpus:
    """One of the two published splits, whole and in its order.

    MNIST has 60,000 pictures to train on and 10,000 to judge by, grey, 28 by 28, white on black;
    a part to choose by is to be taken from the training pictures, with `PictureCorpus.subset`.

    Args:
        folder: holds `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`, or `t10k-` for the test
            split, each as it is or with `.gz`.
        split: "train" or "test".
        labels: the names of the classes, `DIGITS` or `FASHION`.

    Raises:
        ManifestError: if a file is not there, there are not as many labels as pictures, or one has no name.
        ImageReadError: if a file is damaged or is something else.
        ParameterError: if there is no such split.
    """
    if split not in _NAMES:
        raise ParameterError(f"split={split!r} must be 'train' or 'test', the two that are published")
    folder = Path(folder)
    pictures = read_idx(_find(folder, f"{_NAMES[split]}-images-idx3-ubyte"), axes=3)
    targets = read_idx(_find(folder, f"{_NAMES[split]}-labels-idx1-ubyte"), axes=1)
    if len(pictures) != len(targets):
        raise ManifestError(
            f"{folder} holds {len(pictures)} pictures and {len(targets)} labels of {split}; "
            "copy its files again"
        )
    if len(targets) and int(targets.max()) >= len(labels):
        raise ManifestError(
            f"{folder} holds the label {int(targets.max())}, and labels names {len(labels)} classes; name all"
        )
    return PictureCorpus(pictures=pictures[:, None], targets=targets.long(), labels=tuple(labels))


def is_mnist(data: Path) -> bool:
    """Whether a path is a folder that holds pictures to train on in MNIST's form."""
    name = "train-images-idx3-ubyte"
    return (data / name).is_file() or (data / f"{name}.gz").is_file()


def read_idx(path: str | os.PathLike[str], *, axes: int) -> Tensor:
    """The bytes of an idx file, plain or compressed with gzip.

    Args:
        path: the file.
        axes: how many it must have: 1 for labels, 3 for pictures.

    Returns:
        uint8, of the shape that the file states.

    Raises:
        ImageReadError: if the file cannot be read, is no idx file of bytes with as many axes, or holds
            less or more than it states.
    """
    path = Path(path)
    if why := why_not_read(path, "file"):
        raise ImageReadError(why)
    try:
        with path.open("rb") as file:
            compressed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if compressed:
                with gzip.open(file) as inner:
                    return _read(path, inner, axes)
            return _read(path, file, axes)
    except ImageReadError:
        raise
    except (EOFError, zlib.error, OSError) as error:
        raise ImageReadError(f"{path} breaks off or is damaged ({error}); copy it again") from None


def _read(path: Path, file: BinaryIO | gzip.GzipFile, axes: int) -> Tensor:
    magic = file.read(4)
    if magic != bytes((0, 0, _BYTES, axes)):
        expected = bytes((0, 0, _BYTES, axes)).hex(" ")
        raise ImageReadError(
            f"{path} is no idx file of bytes with {axes} axes, which begins with {expected}: "
            f"it begins with {magic.hex(' ')}; name MNIST's own file, as it was published"
        )
    lengths = [int.from_bytes(file.read(4)) for _ in range(axes)]
    promised = math.prod(lengths)
    data = bytearray()  # piece by piece, so that no header asks for more memory than there are data
    while len(data) <= promised and (block := file.read(_READ_AT_ONCE)):
        data += block
    if len(data) != promised:
        found = "more" if len(data) > promised else f"{len(data)}"
        raise ImageReadError(
            f"{path} promises {' x '.join(map(str, lengths))} bytes and holds {found}; copy it again"
        )
    if not data:
        raise ImageReadError(f"{path} holds nothing; copy it again")
    return torch.frombuffer(data, dtype=torch.uint8).view(lengths)


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise ManifestError(f"{folder} holds neither {name} nor {name}.gz; name the folder of MNIST's four files")
