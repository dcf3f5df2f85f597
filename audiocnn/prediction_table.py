"""Scores as tables: a row for every file or part of one, in CSV, JSON Lines or Parquet."""

import csv
import json
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import IO, Any, Protocol

from audiocnn.errors import ParameterError
from audiocnn.labelled import LabelledNet
from audiocnn.predict import FileScores

__all__ = ["OUT_ENDINGS", "write_predictions"]

OUT_ENDINGS = (".csv", ".jsonl", ".parquet")
_SECONDS = ("start", "stop")


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
    classifier: LabelledNet,
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


def _row(classifier: LabelledNet, file: FileScores, *, all_scores: bool, parts: bool) -> dict[str, Any]:
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
