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
from audiocnn.errors import ManifestError, ParameterError
from audiocnn.picture import PictureConfig

__all__ = [
    "PictureSets",
    "choose_pictures",
    "is_published_set",
    "load_pictures",
    "read_part",
    "read_published_set",
]

_VALIDATION = 0.1
_FITTED_AT_ONCE = 1000


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
    classes = _shuffled_classes(training, epoch_generator(seed, 0, "validation"))
    held_out = [members[: round(_VALIDATION * len(members))] for members in classes]
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


def choose_pictures(
    pictures: PictureSets, *, labels: Sequence[str] = (), per_class: int | None = None, seed: int
) -> PictureSets:
    """Some of the classes, or some of the pictures to learn from.

    Args:
        pictures: all of them.
        labels: the classes, in the order that they are to have; none takes all.
        per_class: pictures of each class to learn from; those to choose and to judge by all stay.
        seed: draws them.

    Raises:
        ParameterError: for labels that are not there, or are fewer than two different ones, and for more
            pictures of a class than there are.

    >>> black = torch.zeros(6, 1, 8, 8, dtype=torch.uint8)
    >>> corpus = PictureCorpus(pictures=black, targets=torch.arange(6) % 3, labels=("a", "b", "c"))
    >>> few = choose_pictures(PictureSets(corpus, corpus, None), labels=("c", "b"), per_class=1, seed=0)
    >>> few.train.labels, few.train.targets.tolist(), few.validation.targets.tolist()
    (('c', 'b'), [1, 0], [1, 0, 1, 0])
    """
    train, validation, test = pictures
    if labels:
        if missing := [label for label in labels if label not in train.labels]:
            raise ParameterError(
                f"labels={tuple(labels)}: there are no pictures of {', '.join(missing)}; there are of "
                f"{', '.join(train.labels)}"
            )
        if len(set(labels)) != len(labels) or len(labels) < 2:
            raise ParameterError(f"labels={tuple(labels)} must name two classes at least, each once")
        train, validation = _of_classes(train, labels), _of_classes(validation, labels)
        test = None if test is None else _of_classes(test, labels)
    if per_class is not None:
        classes = _shuffled_classes(train, epoch_generator(seed, 0, "few"))
        for label, members in zip(train.labels, classes, strict=True):
            if len(members) < per_class:
                raise ParameterError(
                    f"per_class={per_class}: there are {len(members)} pictures of {label} to learn from; ask "
                    "for no more"
                )
        train = train.subset(torch.cat([members[:per_class] for members in classes]).sort().values)
    return PictureSets(train, validation, test)


def _of_classes(
    pictures: PictureCorpus | PictureFiles, labels: Sequence[str]
) -> PictureCorpus | PictureFiles:
    """The pictures of some classes, whose targets are counted anew."""
    new = torch.full((len(pictures.labels),), -1)
    new[[pictures.labels.index(label) for label in labels]] = torch.arange(len(labels))
    kept = (new[pictures.targets] >= 0).nonzero().flatten()
    return replace(pictures.subset(kept), targets=new[pictures.targets[kept]], labels=tuple(labels))


def _shuffled_classes(pictures: PictureCorpus | PictureFiles, generator: torch.Generator) -> list[Tensor]:
    """The indices of each class's pictures, in an order that is drawn."""
    order = torch.randperm(len(pictures), generator=generator)
    return [order[pictures.targets[order] == target] for target in range(len(pictures.labels))]


def _fitted(corpus: PictureCorpus, picture: PictureConfig) -> PictureCorpus:
    """A corpus of one size brought to another, by the rule for files."""
    _, channels, *size = corpus.pictures.shape
    if channels == picture.channels and size == [picture.rows, picture.columns] and picture.crop_share == 1:
        return corpus
    made = [
        (picture.fitted(some.float() / 255) * 255).round().to(torch.uint8)
        for some in corpus.pictures.split(_FITTED_AT_ONCE)  # type: ignore[no-untyped-call]
    ]
    return replace(corpus, pictures=torch.cat(made))
