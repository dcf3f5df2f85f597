"""The pictures that a path names, in three parts: to learn from, to choose by, and to judge by."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from audiocnn.data.batches import epoch_generator
from audiocnn.data.cifar import is_cifar, read_cifar
from audiocnn.data.manifest import Clip
from audiocnn.data.mnist import DIGITS, FASHION, is_mnist, read_mnist
from audiocnn.data.picture_corpus import PictureCorpus, PictureFiles
from audiocnn.errors import ManifestError
from audiocnn.picture import PictureConfig

__all__ = ["PictureSets", "is_published_set", "load_pictures", "read_part", "read_published_set"]

_VALIDATION = 0.1


class PictureSets(NamedTuple):
    """Pictures in three parts; there need not be one to judge by."""

    train: PictureCorpus | PictureFiles
    validation: PictureCorpus | PictureFiles
    test: PictureCorpus | PictureFiles | None


def is_published_set(data: Path) -> bool:
    """Whether a path holds MNIST, Fashion-MNIST or CIFAR as these are published."""
    return is_mnist(data) or is_cifar(data)


def read_published_set(data: Path, *, picture: PictureConfig, seed: int) -> PictureSets:
    """MNIST, Fashion-MNIST or CIFAR, a tenth of each class of the training part being for validation.

    Args:
        data: folder or archive; the classes are those of Fashion-MNIST if its name says "fashion".
        picture: what size and channels they are brought to.
        seed: another draws another tenth.

    Raises:
        ManifestError: if it holds neither, or not all of it.
        ImageReadError: if it is damaged.
    """
    training, test = (_fitted(read_part(data, split), picture) for split in ("train", "test"))
    order = torch.randperm(len(training), generator=epoch_generator(seed, 0, "validation"))
    held_out: list[Tensor] = []
    for target in range(len(training.labels)):
        members = order[training.targets[order] == target]
        held_out.append(members[: round(_VALIDATION * len(members))])
    validation = torch.cat(held_out).sort().values
    kept = torch.ones(len(training), dtype=torch.bool)
    kept[validation] = False
    return PictureSets(training.subset(kept.nonzero().flatten()), training.subset(validation), test)


def read_part(data: Path, split: Literal["train", "test"]) -> PictureCorpus:
    """One part of MNIST, Fashion-MNIST or CIFAR as it is published, none held out and in its own size.

    Args:
        data: as for `read_published_set`.
        split: which part.

    Raises:
        ManifestError: if it holds neither, or not all of it.
        ImageReadError: if it is damaged.
    """
    if not is_mnist(data):
        return read_cifar(data, split)
    is_fashion = "fashion" in data.absolute().name.lower()  # the files themselves do not say
    return read_mnist(data, split, labels=FASHION if is_fashion else DIGITS)


def load_pictures(clips: Sequence[Clip], *, picture: PictureConfig, in_memory: bool = True) -> PictureSets:
    """The pictures of a manifest, each of a split.

    Args:
        clips: the pictures, each of a split.
        picture: what size and channels they are brought to.
        in_memory: decode all of them now, or each whenever it is drawn.

    Raises:
        ManifestError: if there are fewer than two labels, or listing what cannot be read.
    """
    labels = sorted({clip.label for clip in clips if clip.split == "train" and clip.label is not None})
    if len(labels) < 2:
        raise ManifestError(f"there are {len(labels)} labels to learn; give pictures of at least two")
    kind = PictureCorpus if in_memory else PictureFiles
    parts = {
        split: [clip for clip in clips if clip.split == split] for split in ("train", "validation", "test")
    }
    train, validation = (
        kind.load(parts[split], labels=labels, config=picture) for split in ("train", "validation")
    )
    test = kind.load(parts["test"], labels=labels, config=picture) if parts["test"] else None
    return PictureSets(train, validation, test)


def _fitted(corpus: PictureCorpus, picture: PictureConfig) -> PictureCorpus:
    """A corpus of one size brought to another, by the rule for files."""
    _, channels, *size = corpus.pictures.shape
    if channels == picture.channels and size == [picture.rows, picture.columns] and picture.crop_share == 1:
        return corpus
    made = torch.empty(
        len(corpus), picture.channels, picture.rows, picture.columns, dtype=corpus.pictures.dtype
    )
    for i, one in enumerate(corpus.pictures):
        made[i] = (picture.fitted(one.float() / 255) * 255).round()
    return replace(corpus, pictures=made)
