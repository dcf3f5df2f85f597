"""Tables row by row, in CSV, JSON Lines or Parquet."""

import csv
import json
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import IO, Any, Protocol

from audiocnn.errors import ParameterError

__all__ = ["OUT_ENDINGS", "TableWriter", "open_table"]

OUT_ENDINGS = (".csv", ".jsonl", ".parquet")
_SECONDS = ("start", "stop", "seconds")


class TableWriter(Protocol):
    """What writes rows."""

    def write(self, row: dict[str, Any]) -> None:
        """Write a row; None becomes an empty cell."""


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


def open_table(out: Path | None, columns: Sequence[str], stack: ExitStack) -> tuple[TableWriter, Path | None]:
    """A writer of the form that the ending of a file names.

    Args:
        out: a `.csv`, `.jsonl` or `.parquet` file; None is CSV on the standard output.
        columns: of the table. Those called start, stop and seconds are in seconds and keep all their digits;
            other numbers are scores, which keep those of a float32.
        stack: closes the file.

    Returns:
        The writer, and the file that it writes to, which has the name of `out` and `.partial`: when all is
        written, replace `out` by it.

    Raises:
        OSError: if the folder of `out` does not exist or cannot be written.
        ParameterError: for another ending of `out`.
    """
    if out is None:
        return _CSVWriter(sys.stdout, columns), None
    if out.suffix not in OUT_ENDINGS:
        raise ParameterError(f"out={out} must end in {', '.join(OUT_ENDINGS)}")
    partial = out.with_name(out.name + ".partial")
    if out.suffix == ".parquet":
        return stack.enter_context(_ParquetWriter(partial, columns)), partial
    file = stack.enter_context(partial.open("w", encoding="utf-8", newline=""))
    return _CSVWriter(file, columns) if out.suffix == ".csv" else _JSONLWriter(file), partial
