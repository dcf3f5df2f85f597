"""CIFAR-10 and CIFAR-100: 60,000 colour pictures of 32 by 32, as they were published.

Krizhevsky 2009, "Learning multiple layers of features from tiny images", University of Toronto;
https://www.cs.toronto.edu/~kriz/cifar.html offers each as a binary and as a Python version.

    version     archive                   folder                files of pictures
    binary      cifar-10-binary.tar.gz    cifar-10-batches-bin  data_batch_1.bin ... test_batch.bin
                cifar-100-binary.tar.gz   cifar-100-binary      train.bin test.bin
    Python      cifar-10-python.tar.gz    cifar-10-batches-py   data_batch_1 ... test_batch
                cifar-100-python.tar.gz   cifar-100-python      train test

The Python version is pickled, and unpickling runs what a file says. It is read by torchvision, which
unpickles nothing but files with the published MD5 sums: no stranger can have made one of those. The
binary version, which is plain bytes, is read here.
"""

import os
import tarfile
import tempfile
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch

from audiocnn.data.picture_corpus import PictureCorpus
from audiocnn.errors import ImageReadError, ManifestError, ParameterError
from audiocnn.files import why_not_read

if TYPE_CHECKING:
    from torchvision.datasets import CIFAR10

__all__ = ["is_cifar", "read_cifar"]

_INSTALL = 'python -m pip install -e ".[image]"'
_PIXELS = 3 * 32 * 32


class _Binary(NamedTuple):
    """How a binary version is laid out; its last byte before the pixels is the label."""

    train: tuple[str, ...]
    test: str
    names: str
    bytes_before: int


_BINARY = {
    "cifar-10-batches-bin": _Binary(
        tuple(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin", "batches.meta.txt", 1
    ),
    # of its two labels the first is coarse, one of 20
    "cifar-100-binary": _Binary(("train.bin",), "test.bin", "fine_label_names.txt", 2),
}
_PYTHON = ("cifar-10-batches-py", "cifar-100-python")


def read_cifar(source: str | os.PathLike[str], split: Literal["train", "test"]) -> PictureCorpus:
    """One of the two published splits, 50,000 to train on or 10,000 to judge by, in its order.

    Args:
        source: an archive as it was published, or the folder that it unpacks to, under its own name.
        split: "train" or "test"; a part to choose by is to be taken from the training pictures.

    Returns:
        Pictures of three channels, 32 by 32; of CIFAR-100 the fine labels.

    Raises:
        ManifestError: if source is neither such an archive nor such a folder.
        ImageReadError: if a file is missing, damaged, or not the one that was published.
        ParameterError: if there is no such split, or the Python version is to be read without torchvision.
    """
    if split not in ("train", "test"):
        raise ParameterError(f"split={split!r} must be 'train' or 'test', the two that are published")
    source = Path(source).absolute()
    if source.is_dir():
        if source.name in _PYTHON:
            return _read_python(source.parent, source.name, split, source)
        if source.name in _BINARY:
            return _read_binary(lambda name: (source / name).read_bytes(), source.name, split, source)
        raise _neither(source)
    if why := why_not_read(source, "CIFAR archive"):
        raise ImageReadError(why)
    try:
        with tarfile.open(source) as archive:
            return _read_archive(archive, split, source)
    except tarfile.ReadError as error:
        raise ImageReadError(
            f"{source} is no tar archive, or a damaged one ({error}); copy it again"
        ) from None
    except (EOFError, zlib.error) as error:
        raise ImageReadError(f"{source} breaks off or is damaged ({error}); copy it again") from None


def is_cifar(data: Path) -> bool:
    """Whether a path is a folder of CIFAR under its own name, or any tar archive."""
    return (
        data.name in (*_BINARY, *_PYTHON)
        if data.is_dir()
        else data.name.endswith((".tar", ".tar.gz", ".tgz"))
    )


def _neither(source: Path) -> ManifestError:
    names = ", ".join((*_BINARY, *_PYTHON))
    return ManifestError(
        f"{source} is none of the folders {names}, nor an archive of one; "
        "name what was downloaded, or the folder that it unpacks to"
    )


def _read_archive(archive: tarfile.TarFile, split: str, source: Path) -> PictureCorpus:
    """Of an archive only the bytes of the published names are read; nothing else is unpacked."""
    first = archive.next()
    folder = "" if first is None else first.name.removeprefix("./").partition("/")[0]

    def contents(name: str) -> bytes:
        member = archive.extractfile(f"{folder}/{name}")
        if member is None:
            raise KeyError(name)
        return member.read()

    if folder in _BINARY:
        return _read_binary(contents, folder, split, source)
    if folder not in _PYTHON:
        raise _neither(source)
    kind = _torchvision(folder)
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / folder).mkdir()
        for name in (*(name for name, _ in kind.train_list + kind.test_list), kind.meta["filename"]):
            (Path(scratch) / folder / name).write_bytes(_contents(contents, name, source))
        return _read_python(Path(scratch), folder, split, source)


def _contents(contents: Callable[[str], bytes], name: str, source: Path) -> bytes:
    try:
        return contents(name)
    except (KeyError, OSError):
        raise ImageReadError(f"{source} has no file {name} that can be read; copy it again") from None


def _read_binary(contents: Callable[[str], bytes], folder: str, split: str, source: Path) -> PictureCorpus:
    form = _BINARY[folder]
    labels = tuple(_contents(contents, form.names, source).decode("ascii", "replace").split())
    size = form.bytes_before + _PIXELS
    pictures, targets = [], []
    for name in form.train if split == "train" else (form.test,):
        data = _contents(contents, name, source)
        if not data or len(data) % size:
            raise ImageReadError(
                f"{name} of {source} has {len(data)} bytes, no multiple of the {size} of a picture; "
                "copy it again"
            )
        rows = torch.frombuffer(bytearray(data), dtype=torch.uint8).view(-1, size)
        pictures.append(rows[:, form.bytes_before :])
        targets.append(rows[:, form.bytes_before - 1])
        if int(targets[-1].max()) >= len(labels):
            raise ImageReadError(
                f"{name} of {source} has the label {int(targets[-1].max())}, and {form.names} names "
                f"{len(labels)} classes; copy both again"
            )
    return PictureCorpus(
        pictures=torch.cat(pictures).view(-1, 3, 32, 32), targets=torch.cat(targets).long(), labels=labels
    )


def _read_python(root: Path, folder: str, split: str, source: Path) -> PictureCorpus:
    kind = _torchvision(folder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's, of how arrays were pickled in 2009
            dataset = kind(root, train=split == "train", download=False)
    except RuntimeError:  # raised before the file is unpickled
        raise ImageReadError(
            f"{source} is not what was published: its files do not have the published MD5 sums; "
            "copy it again, or take the binary version"
        ) from None
    return PictureCorpus(
        pictures=torch.from_numpy(dataset.data).permute(0, 3, 1, 2).contiguous(),
        targets=torch.tensor(dataset.targets),
        labels=tuple(dataset.classes),
    )


def _torchvision(folder: str) -> "type[CIFAR10]":
    """The reader of a Python version."""
    try:
        from torchvision import datasets
    except ImportError:
        raise ParameterError(
            "reading the Python version of CIFAR needs the package torchvision, which the extra image "
            f"brings: {_INSTALL}; the binary version needs none"
        ) from None
    kind: type[CIFAR10] = datasets.CIFAR10 if folder == "cifar-10-batches-py" else datasets.CIFAR100
    return kind
