"""Pictures from which training draws its batches: decoded once into memory, or read whenever drawn."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from audiocnn.data.loading import check_workers, targets_of
from audiocnn.data.manifest import Clip, unreadable
from audiocnn.data.media import PICTURES
from audiocnn.errors import ImageReadError, ManifestError, ParameterError, list_problems
from audiocnn.picture import PictureConfig

__all__ = ["PictureCorpus", "PictureFiles"]

_WHITE = 255  # the byte that makes 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class PictureCorpus:
    """Decoded pictures of one size in one tensor of bytes, a quarter of what they take as float32.

    50,000 colour pictures of 32 by 32 take 154 MB, of 224 by 224 7.5 GB: `PictureFiles` is for these.

    Attributes:
        pictures: uint8 `(pictures, channel, rows, columns)`, white being 255.
        targets: the index in `labels` of each picture's label, int64 `(pictures,)`.
        labels: the names of the classes.
        skipped: why each picture that was left out could not be read.

    >>> corpus = PictureCorpus(
    ...     pictures=torch.tensor([0, 51, 255], dtype=torch.uint8).view(3, 1, 1, 1),
    ...     targets=torch.tensor([0, 1, 1]), labels=("dark", "light"),
    ... )
    >>> corpus.batch(torch.tensor([2, 1])).flatten()
    tensor([1.0000, 0.2000])
    """

    pictures: Tensor
    targets: Tensor
    labels: tuple[str, ...]
    skipped: tuple[str, ...] = ()

    @classmethod
    def load(
        cls,
        clips: Sequence[Clip],
        *,
        labels: Sequence[str],
        config: PictureConfig,
        workers: int | None = None,
        skip_unreadable: bool = False,
    ) -> "PictureCorpus":
        """Decode pictures into memory, each brought to one size and rounded to bytes.

        Args:
            clips: the pictures; each needs a label.
            labels: the names of the classes, in the order of the scores.
            config: size, channels, and how a picture of another shape gets them.
            workers: threads that decode at once; None takes a few more than there are processors.
            skip_unreadable: leave out pictures that cannot be read, and tell them in `skipped`.

        Raises:
            ManifestError: if there are no clips, or listing every clip whose label is not in `labels`, or
                every picture that cannot be read, unless these are to be skipped and some are left.
            ParameterError: if a label is given twice, workers is not positive, or Pillow is not installed.
        """
        targets = targets_of(clips, labels, PICTURES)
        pictures = torch.empty(len(clips), config.channels, config.rows, config.columns, dtype=torch.uint8)

        def load(index: int, path: Path) -> None:
            pictures[index] = (config.read(path) * _WHITE).round()

        problems = _do_for_all(clips, load, workers)
        _check(problems, clips, skip_unreadable)
        corpus = cls(
            pictures=pictures, targets=targets, labels=tuple(labels), skipped=tuple(problems.values())
        )
        return corpus.subset(_readable(clips, problems)) if problems else corpus

    def __len__(self) -> int:
        return len(self.targets)

    def to(self, device: str | torch.device) -> "PictureCorpus":
        """The same corpus with its pictures and targets on a device, where its batches are then made."""
        return replace(self, pictures=self.pictures.to(device), targets=self.targets.to(device))

    def subset(self, indices: Tensor) -> "PictureCorpus":
        """A corpus of some of the pictures, in the order of their indices, int64 `(pictures,)`."""
        return replace(self, pictures=self.pictures[indices], targets=self.targets[indices])

    def batch(self, indices: Tensor) -> Tensor:
        """Pictures by their indices, `(batch,)`, as float32 `(batch, channel, rows, columns)` from 0 to 1."""
        return self.pictures[indices].float().div_(_WHITE)


@dataclass(frozen=True, kw_only=True, eq=False)
class PictureFiles:
    """Pictures that stay in their files until a batch needs them: for more than memory holds.

    Attributes:
        paths: the files.
        targets: the index in `labels` of each picture's label, int64 `(pictures,)`.
        labels: the names of the classes.
        config: size, channels, and how a picture of another shape gets them.
        workers: threads that decode a batch; None takes a few more than there are processors.
        device: where batches go.
        skipped: why each picture that was left out could not be read.
    """

    paths: tuple[Path, ...]
    targets: Tensor
    labels: tuple[str, ...]
    config: PictureConfig
    workers: int | None = None
    device: str | torch.device = "cpu"
    skipped: tuple[str, ...] = ()

    @classmethod
    def load(
        cls,
        clips: Sequence[Clip],
        *,
        labels: Sequence[str],
        config: PictureConfig,
        workers: int | None = None,
        skip_unreadable: bool = False,
        check: bool = True,
    ) -> "PictureFiles":
        """Read every picture once, to know that it can be, and keep none.

        Args:
            clips: as for `PictureCorpus.load`.
            labels: likewise.
            config: likewise.
            workers: likewise.
            skip_unreadable: likewise.
            check: whether to read them now; without, the first unreadable one stops the training that
                draws it.

        Raises:
            ManifestError: as `PictureCorpus.load` does.
            ParameterError: likewise, or if unreadable pictures are to be skipped without a check.
        """
        if skip_unreadable and not check:
            raise ParameterError("skip_unreadable=True needs check=True, which finds what is unreadable")
        targets = targets_of(clips, labels, PICTURES)

        def read(index: int, path: Path) -> None:
            config.read(path)

        problems = _do_for_all(clips if check else (), read, workers)
        _check(problems, clips, skip_unreadable)
        files = cls(
            paths=tuple(clip.path for clip in clips),
            targets=targets,
            labels=tuple(labels),
            config=config,
            workers=workers,
            skipped=tuple(problems.values()),
        )
        return files.subset(_readable(clips, problems)) if problems else files

    def __len__(self) -> int:
        return len(self.targets)

    def to(self, device: str | torch.device) -> "PictureFiles":
        """The same pictures, with targets and batches on a device."""
        return replace(self, targets=self.targets.to(device), device=device)

    def subset(self, indices: Tensor) -> "PictureFiles":
        """Some of the pictures, in the order of their indices, int64 `(pictures,)`."""
        paths = tuple(self.paths[i] for i in indices.tolist())
        return replace(self, paths=paths, targets=self.targets[indices])

    def batch(self, indices: Tensor) -> Tensor:
        """Pictures by their indices, `(batch,)`, as float32 `(batch, channel, rows, columns)` from 0 to 1.

        Raises:
            ImageReadError: for a file that cannot be read, any more.
        """
        with ThreadPoolExecutor(self.workers) as pool:
            pictures = list(pool.map(self.config.read, [self.paths[i] for i in indices.tolist()]))
        return torch.stack(pictures).to(self.device)


def _do_for_all(
    clips: Sequence[Clip], action: Callable[[int, Path], None], workers: int | None
) -> dict[int, str]:
    """Do something with every file, in threads; by index, why which ones cannot be read."""
    check_workers(workers)

    def attempt(index: int) -> str | None:
        try:
            action(index, clips[index].path)
        except ImageReadError as error:
            return unreadable(clips[index], error)
        return None

    with ThreadPoolExecutor(workers) as pool:
        found = enumerate(pool.map(attempt, range(len(clips))))
        return {index: problem for index, problem in found if problem is not None}


def _check(problems: Mapping[int, str], clips: Sequence[Clip], skip_unreadable: bool) -> None:
    if problems and (not skip_unreadable or len(problems) == len(clips)):
        raise ManifestError(list_problems("these pictures cannot be read", list(problems.values())))


def _readable(clips: Sequence[Clip], problems: Mapping[int, str]) -> Tensor:
    return torch.tensor([index for index in range(len(clips)) if index not in problems])
