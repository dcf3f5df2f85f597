"""Scores as tables: a row for every file or part of one, in CSV, JSON Lines or Parquet."""

import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from audiocnn.labelled import LabelledNet
from audiocnn.predict import FileScores
from audiocnn.table_files import open_table

__all__ = ["write_predictions"]

_SECONDS = ("start", "stop")


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
        writer, partial = open_table(out, columns, stack)
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
