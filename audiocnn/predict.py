"""Files in, scores out: any number of them or of their parts, in order, in bounded memory.

    files - batches of files - each read and scored by one of the workers, some ahead - rows

Which files share a batch follows from their places in the input alone, so that a
run that is repeated computes the same.
"""

import os
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor

from audiocnn import picture
from audiocnn.averaging import SINGLE_VIEW, Averaging, mean_scores
from audiocnn.classifier import BLOCK_SECONDS, Classifier
from audiocnn.config import PREDICT_BATCH_SIZE
from audiocnn.data.corpus import read_parts
from audiocnn.data.manifest import Clip, find_files, read_files, unreadable
from audiocnn.data.media import PICTURES, RECORDINGS, Media
from audiocnn.data.tables import TABLE_SUFFIXES
from audiocnn.errors import AudioReadError, ImageReadError, ParameterError
from audiocnn.image_classifier import ImageClassifier
from audiocnn.loading import AnyClassifier

__all__ = ["FileScores", "collect_files", "media_of", "score_files"]


@dataclass(frozen=True, kw_only=True)
class FileScores:
    """The scores of one file or part of a file, or why it has none.

    Attributes:
        clip: the file, and where the part starts and stops.
        scores: probabilities `(num_classes,)`; None for a file that cannot be read.
        error: what is wrong with it; None for a good file.
    """

    clip: Clip
    scores: Tensor | None = None
    error: str | None = None

    @property
    def path(self) -> Path:
        """The file."""
        return self.clip.path


def media_of(classifier: AnyClassifier) -> Media:
    """The kind of files that a classifier reads."""
    return PICTURES if isinstance(classifier, ImageClassifier) else RECORDINGS


def collect_files(
    inputs: Sequence[str | os.PathLike[str]], *, media: Media = RECORDINGS
) -> list[Path | Clip]:
    """The recordings or pictures that files, folders and manifests name, in the order given.

    Args:
        inputs: a file stands for itself, whether it can be read or not; a folder for all the
            recordings or pictures below it, sorted, hidden ones left out; a table (`.csv`, `.tsv`,
            `.jsonl`, `.json`, `.parquet`) for the files in its column `file_name`, or the parts of
            recordings from `start` to `stop`, whatever else it holds.
        media: `RECORDINGS` or `PICTURES`.

    Returns:
        The path of each whole file, a clip for each part of one.

    Raises:
        ManifestError: for a manifest that cannot be read.
        ParameterError: for a folder without a recording, or without a picture.
    """
    files: list[Path | Clip] = []
    for source in map(Path, inputs):
        if source.is_dir():
            found = find_files(source, media=media)
            if not found:
                suffixes = ", ".join(sorted(media.suffixes))
                raise ParameterError(f"{source} holds no {media.one} ({suffixes}); name a folder that does")
            files += found
        elif source.suffix.lower() in TABLE_SUFFIXES:
            files += [clip if clip.is_part else clip.path for clip in read_files(source, media=media)]
        else:
            files.append(source)
    return files


def score_files(
    classifier: AnyClassifier,
    files: Iterable[Path | Clip],
    *,
    batch_size: int = PREDICT_BATCH_SIZE,
    workers: int | None = None,
    averaging: Averaging = SINGLE_VIEW,
) -> Iterator[FileScores]:
    """Score files, in order; each gets the scores that `classifier.predict` gives it alone.

    A file that cannot be read, or ends before the part starts, gives its error and stops nothing. A long
    recording is scored in blocks as it is read. A part's scores are those of a file that holds just the part.

    Args:
        classifier: on any device.
        files: paths, or clips, of which only the start and stop count; taken from the iterable as
            they are needed.
        batch_size: files scored together.
        workers: threads that each read and score a batch; by default as many as torch computes with.
        averaging: which views of each file are scored, in place of the one that `predict` takes.

    Raises:
        ParameterError: for a batch size or a number of workers that is not positive, or views that such files
            do not have; and, for pictures, if Pillow is not installed.
    """
    workers = workers if workers is not None else torch.get_num_threads()
    for name, value in (("batch_size", batch_size), ("workers", workers)):
        if value < 1:
            raise ParameterError(f"{name}={value} must be a positive integer")
    clips = (file if isinstance(file, Clip) else Clip(path=file, label=None) for file in files)
    averaging.check(media_of(classifier).many)
    score = (
        partial(_score_pictures, classifier, averaging)
        if isinstance(classifier, ImageClassifier)
        else partial(_score_recordings, classifier, averaging)
    )
    return _scored(classifier, score, clips, batch_size, workers)


_Row: TypeAlias = FileScores | Callable[[], FileScores]  # what makes it, where that takes long


def _scored(
    classifier: AnyClassifier,
    score: Callable[[Sequence[Clip]], list[_Row]],
    remaining: Iterator[Clip],
    batch_size: int,
    workers: int,
) -> Iterator[FileScores]:
    """Hand batches to the workers, a few ahead of the one whose rows are due."""
    # glibc hands freed memory back, to be faulted in again by every batch, until it has seen a large
    # block freed; from then on it keeps as much. This one is never touched, so it costs nothing.
    torch.empty(31 << 20, dtype=torch.uint8)
    batches = iter(lambda: list(islice(remaining, batch_size)), [])
    ahead = list(islice(batches, workers + 1))
    threads = torch.get_num_threads()
    # Each worker computes with its share of the threads: sharing them all, they would wait for each other.
    share = max(1, threads // max(1, min(workers, sum(map(len, ahead)))))
    pool = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(share,))
    try:
        with classifier.evaluating():  # here, since the workers cannot each set and restore it
            due = deque(pool.submit(score, batch) for batch in ahead)
            while due:
                rows = due.popleft().result()
                # long ones get tasks of their own, so that all workers share them
                begun = [row if isinstance(row, FileScores) else pool.submit(row) for row in rows]
                for row in begun:
                    yield row if isinstance(row, FileScores) else row.result()
                due.extend(pool.submit(score, batch) for batch in islice(batches, 1))
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)


def _score_recordings(classifier: Classifier, averaging: Averaging, clips: Sequence[Clip]) -> list[_Row]:
    """Read and score one batch of clips together, but for those too long to hold whole."""
    rows: dict[int, _Row] = {}
    views: dict[int, list[Tensor]] = {}
    for i, source in _sources(classifier, clips):
        if isinstance(source, str):
            rows[i] = FileScores(clip=clips[i], error=source)
        elif isinstance(source, Tensor):
            views[i] = averaging.of_recording(source, classifier.window)
        else:
            rows[i] = partial(_score_long, classifier, clips[i])
    scored = mean_scores(classifier.score_clips, list(views.values()))
    rows |= {i: FileScores(clip=clips[i], scores=scores) for i, scores in zip(views, scored, strict=True)}
    return [rows[i] for i in range(len(clips))]


def _sources(
    classifier: Classifier, clips: Sequence[Clip]
) -> Iterator[tuple[int, Tensor | Iterator[Tensor] | str]]:
    """What `clip_or_blocks` gives of each clip, or why it cannot be read; a file's short parts together."""
    short_of: dict[Path, list[int]] = defaultdict(list)
    for i, clip in enumerate(clips):
        try:
            classifier.require_rate_of(clip.path)
            if clip.stop is not None and clip.stop - clip.start <= BLOCK_SECONDS:
                short_of[clip.path].append(i)
                continue
            yield i, classifier.clip_or_blocks(clip.path, start_seconds=clip.start, stop_seconds=clip.stop)
        except (AudioReadError, ParameterError) as error:  # a ParameterError: the file ends before the part
            yield i, _why_not(clip, error, PICTURES)
    for members in short_of.values():
        parts = read_parts([clips[i] for i in members], sample_rate=classifier.sample_rate)
        yield from ((members[j], source) for j, source in parts)


def _score_long(classifier: Classifier, clip: Clip) -> FileScores:
    """A recording of many windows; it has no shifts."""
    try:
        scores = classifier.score_file(clip.path, start_seconds=clip.start, stop_seconds=clip.stop)
    except AudioReadError as error:
        return FileScores(clip=clip, error=str(error))
    return FileScores(clip=clip, scores=scores)


def _score_pictures(classifier: ImageClassifier, averaging: Averaging, clips: Sequence[Clip]) -> list[_Row]:
    """Read and score one batch of pictures, as many views at once as have the pixels of one view of each."""
    wanted = classifier.config.picture
    rows: dict[int, _Row] = {}
    views: dict[int, list[Tensor]] = {}

    def score_views() -> None:
        scored = mean_scores(classifier.score_pictures, list(views.values()))
        for i, scores in zip(views, scored, strict=True):
            rows[i] = FileScores(clip=clips[i], scores=scores)
        views.clear()

    for i, clip in enumerate(clips):
        try:
            seen = picture.read(clip.path, channels=wanted.channels, background=wanted.background)
        except ImageReadError as error:
            rows[i] = FileScores(clip=clip, error=_why_not(clip, error, RECORDINGS))
            continue
        views[i] = averaging.of_picture(seen, wanted)
        pixels = sum(view.shape[-2] * view.shape[-1] for some in views.values() for view in some)
        if pixels >= len(clips) * wanted.rows * wanted.columns:
            score_views()
    score_views()
    return [rows[i] for i in range(len(clips))]


def _why_not(clip: Clip, error: Exception, other: Media) -> str:
    """Why a file cannot be read; one that is of another kind, by its name, for that."""
    if clip.path.suffix.lower() not in other.suffixes or not clip.path.is_file():
        return unreadable(clip, error)
    wanted = PICTURES if other is RECORDINGS else RECORDINGS
    return f"{clip.path} is a {other.one}, by its name, and the classifier is of {wanted.many}"
