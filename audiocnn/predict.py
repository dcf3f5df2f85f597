"""Files in, scores out: any number of them or of their parts, in order, in bounded memory.

    files - batches of files - each read and scored by one of the workers, some ahead - rows

Which files share a batch follows from their places in the input alone, so that a
run that is repeated computes the same.
"""

import csv
import json
import os
import sys
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, Protocol

import torch
from torch import Tensor

from audiocnn.classifier import BLOCK_SECONDS, Classifier
from audiocnn.config import PREDICT_BATCH_SIZE
from audiocnn.data.corpus import read_parts
from audiocnn.data.manifest import Clip, find_files, read_files, unreadable
from audiocnn.data.media import RECORDINGS
from audiocnn.data.tables import TABLE_SUFFIXES
from audiocnn.errors import AudioReadError, ParameterError

__all__ = ["OUT_ENDINGS", "FileScores", "collect_files", "score_files", "write_predictions"]

OUT_ENDINGS = (".csv", ".jsonl", ".parquet")
_SECONDS = ("start", "stop")


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


def collect_files(inputs: Sequence[str | os.PathLike[str]]) -> list[Path | Clip]:
    """The recordings that files, folders and manifests name, in the order given.

    Args:
        inputs: a file stands for itself, whether it can be read or not; a folder for all the
            recordings below it, sorted, hidden ones left out; a table (`.csv`, `.tsv`, `.jsonl`,
            `.json`, `.parquet`) for the files in its column `file_name`, or the parts of them from
            `start` to `stop`, whatever else it holds.

    Returns:
        The path of each whole file, a clip for each part of one.

    Raises:
        ManifestError: for a manifest that cannot be read.
        ParameterError: for a folder without a recording.
    """
    files: list[Path | Clip] = []
    for source in map(Path, inputs):
        if source.is_dir():
            found = find_files(source)
            if not found:
                suffixes = ", ".join(sorted(RECORDINGS.suffixes))
                raise ParameterError(f"{source} holds no recording ({suffixes}); name a folder that does")
            files += found
        elif source.suffix.lower() in TABLE_SUFFIXES:
            files += [clip if clip.is_part else clip.path for clip in read_files(source)]
        else:
            files.append(source)
    return files


def score_files(
    classifier: Classifier,
    files: Iterable[Path | Clip],
    *,
    batch_size: int = PREDICT_BATCH_SIZE,
    workers: int | None = None,
) -> Iterator[FileScores]:
    """Score files, in order; each gets the scores that `classifier.predict` gives it alone.

    A file that cannot be read, or ends before the part starts, gives its error and stops nothing. A long one
    is scored in blocks as it is read. A part's scores are those of a file that holds just the part.

    Args:
        classifier: on any device.
        files: paths, or clips, of which only the start and stop count; taken from the iterable as
            they are needed.
        batch_size: files scored together.
        workers: threads that each read and score a batch; by default as many as torch computes with.

    Raises:
        ParameterError: for a batch size or a number of workers that is not positive.
    """
    workers = workers if workers is not None else torch.get_num_threads()
    for name, value in (("batch_size", batch_size), ("workers", workers)):
        if value < 1:
            raise ParameterError(f"{name}={value} must be a positive integer")
    clips = (file if isinstance(file, Clip) else Clip(path=file, label=None) for file in files)
    return _scored(classifier, clips, batch_size, workers)


def _scored(
    classifier: Classifier, remaining: Iterator[Clip], batch_size: int, workers: int
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
            due = deque((batch, pool.submit(_score, classifier, batch)) for batch in ahead)
            while due:
                batch, future = due.popleft()
                rows = future.result()
                # long ones get tasks of their own, so that all workers share them
                long = {
                    clip: pool.submit(_score_long, classifier, clip)
                    for clip, row in zip(batch, rows, strict=True)
                    if row is None
                }
                for clip, row in zip(batch, rows, strict=True):
                    yield row if row is not None else long[clip].result()
                due.extend((batch, pool.submit(_score, classifier, batch)) for batch in islice(batches, 1))
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)


def _score(classifier: Classifier, clips: Sequence[Clip]) -> list[FileScores | None]:
    """Read and score one batch of clips together; None for one too long to hold whole."""
    rows: list[FileScores | None] = [None] * len(clips)
    waveforms: dict[int, Tensor] = {}
    for i, source in _sources(classifier, clips):
        if isinstance(source, str):
            rows[i] = FileScores(clip=clips[i], error=source)
        elif isinstance(source, Tensor):
            waveforms[i] = source
    for i, scores in zip(waveforms, classifier.score_clips(list(waveforms.values())), strict=True):
        rows[i] = FileScores(clip=clips[i], scores=scores)
    return rows


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
            yield i, unreadable(clip, error)
    for members in short_of.values():
        parts = read_parts([clips[i] for i in members], sample_rate=classifier.sample_rate)
        yield from ((members[j], source) for j, source in parts)


def _score_long(classifier: Classifier, clip: Clip) -> FileScores:
    try:
        scores = classifier.score_file(clip.path, start_seconds=clip.start, stop_seconds=clip.stop)
    except AudioReadError as error:
        return FileScores(clip=clip, error=str(error))
    return FileScores(clip=clip, scores=scores)


class _Writer(Protocol):
    def write(self, row: dict[str, Any]) -> None: ...


class _CSVWriter:
    """Comma-separated, with a header; scores keep all the digits of a float32, seconds all of a float64."""

    def __init__(self, file: IO[str], columns: Sequence[str]) -> None:
        self._writer = csv.DictWriter(file, columns, lineterminator="\n")
        self._writer.writeheader()

    def write(self, row: dict[str, Any]) -> None:
        """Write a row; None becomes an empty cell."""
        is_score = {k: isinstance(v, float) and k not in _SECONDS for k, v in row.items()}
        self._writer.writerow({k: f"{v:.9g}" if is_score[k] else v for k, v in row.items()})


class _JSONLWriter:
    """One JSON object a line."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, row: dict[str, Any]) -> None:
        """Write a row."""
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")


class _ParquetWriter(AbstractContextManager["_ParquetWriter"]):
    """Parquet, a row group for every so many rows."""

    ROWS = 4096

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        types = dict.fromkeys(("file_name", "label", "error"), pa.string())
        types |= dict.fromkeys(_SECONDS, pa.float64())
        self._schema = pa.schema([(column, types.get(column, pa.float32())) for column in columns])
        self._writer = pq.ParquetWriter(path, self._schema)
        self._rows: list[dict[str, Any]] = []

    def write(self, row: dict[str, Any]) -> None:
        """Keep a row, and write a full group of them."""
        self._rows.append(row)
        if len(self._rows) >= self.ROWS:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
        self._rows.clear()

    def __exit__(self, *_: object) -> None:
        if self._rows:
            self._flush()
        self._writer.close()


def write_predictions(
    classifier: Classifier,
    scored: Iterable[FileScores],
    out: Path | None = None,
    *,
    all_scores: bool = False,
    parts: bool = False,
) -> int:
    """Write a row for every file - file name, label, score, error - as the scores come.

    Args:
        classifier: whose labels the scores are for.
        scored: what `score_files` gives.
        out: a `.csv`, `.jsonl` or `.parquet` file, which appears when the last row is written; until then
            the rows are in the file of that name and `.partial`. None writes CSV to the standard output.
        all_scores: add a column for the score of every label.
        parts: add the columns start and stop after the file name, for rows of parts of files. They are
            in seconds; an empty stop is the end of the file.

    Returns:
        How many files or parts could not be read.

    Raises:
        OSError: if the folder of `out` does not exist or cannot be written.
        ParameterError: for another ending of `out`.
    """
    columns = ["file_name", *(_SECONDS if parts else ()), "label", "score", "error"]
    if all_scores:
        columns += [f"score_{label}" for label in classifier.labels]
    failed = 0
    with ExitStack() as stack:
        writer, partial = _open(out, columns, stack)
        for file in scored:
            writer.write(_row(classifier, file, all_scores=all_scores, parts=parts))
            failed += file.error is not None
    if out is not None and partial is not None:
        partial.replace(out)
    return failed


def _row(classifier: Classifier, file: FileScores, *, all_scores: bool, parts: bool) -> dict[str, Any]:
    error = _printable(file.error) if file.error is not None else None
    row: dict[str, Any] = {"file_name": _printable(str(file.path))}
    if parts:
        row |= {"start": file.clip.start, "stop": file.clip.stop}
    row |= {"label": None, "score": None, "error": error}
    scores: dict[str, float | None] = dict.fromkeys(classifier.labels)
    if file.scores is not None:
        prediction = classifier.prediction(file.scores)
        row |= {"label": prediction.label, "score": prediction.score}
        scores |= prediction.scores
    if all_scores:
        row |= {f"score_{label}": score for label, score in scores.items()}
    return row


def _printable(text: str) -> str:
    r"""Text that every format can hold: of a name that is not UTF-8, the odd bytes as `\xe9`."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def _open(out: Path | None, columns: Sequence[str], stack: ExitStack) -> tuple[_Writer, Path | None]:
    """The writer that the ending of `out` names, and the file it writes to."""
    if out is None:
        return _CSVWriter(sys.stdout, columns), None
    if out.suffix not in OUT_ENDINGS:
        raise ParameterError(f"out={out} must end in {', '.join(OUT_ENDINGS)}")
    partial = out.with_name(out.name + ".partial")
    if out.suffix == ".parquet":
        return stack.enter_context(_ParquetWriter(partial, columns)), partial
    file = stack.enter_context(partial.open("w", encoding="utf-8", newline=""))
    return _CSVWriter(file, columns) if out.suffix == ".csv" else _JSONLWriter(file), partial
