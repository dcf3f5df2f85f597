"""Tables of text cells, whatever file they come from: CSV, TSV, JSON Lines or Parquet."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from audiocnn.errors import ManifestError

__all__ = ["COLUMNS", "TABLE_SUFFIXES", "Row", "read_table"]

TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
"""The files that are tables; a `.json` holds JSON Lines too, as NeMo writes it."""

COLUMNS = ("file_name", "start", "stop", "label", "speaker", "split")
_FILE_NAME_TOO = "audio_filepath"  # NeMo's name for it
_READ = (*COLUMNS, _FILE_NAME_TOO, "offset", "duration")  # NeMo has these for start and stop


class Row(NamedTuple):
    """A row of a table.

    Attributes:
        where: for messages: "line 3" of a text file, "row 2" of a Parquet file.
        cells: the text in each column, by the column's name; null is "".
        fault: what keeps the row from being read; None for a good one.
    """

    where: str
    cells: dict[str, str]
    fault: str | None = None


def read_table(path: Path) -> list[Row]:
    """The rows of a table that has a column `file_name`, or `audio_filepath`, which is read as it.

    The ending of the name tells the format. CSV and TSV are UTF-8 with a header; JSON Lines is one
    object a line, each with its own columns. Blank lines are passed over.

    Raises:
        ManifestError: if the file is none of its format, or has no such column.
    """
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            rows = _parquet_rows(path)
        elif suffix in (".jsonl", ".json"):
            rows = list(_json_rows(path))
        else:
            rows = _separated_rows(path)
    except UnicodeDecodeError as error:
        kind = {".jsonl": "JSON Lines", ".json": "JSON Lines", ".tsv": "TSV"}.get(suffix, "CSV")
        raise ManifestError(f"{path} is not UTF-8 text ({error}); save it as a UTF-8 {kind} file") from error
    for row in rows:
        if _FILE_NAME_TOO in row.cells:
            row.cells.setdefault("file_name", row.cells.pop(_FILE_NAME_TOO))
    return rows


def _separated_rows(path: Path) -> list[Row]:
    """CSV, or TSV by its ending."""
    kind, separator, name = ("TSV", "\t", "tab") if path.suffix.lower() == ".tsv" else ("CSV", ",", "comma")
    with path.open(encoding="utf-8-sig", newline="") as file:  # -sig: spreadsheets write a BOM
        reader = csv.reader(file, strict=True, delimiter=separator)
        try:
            lines = [(reader.line_num, row) for row in reader if row]
        except csv.Error as error:
            raise ManifestError(
                f"{path} line {reader.line_num} is not {kind} ({error}); "
                "close every quote, and double a quote that is part of a name"
            ) from error
    columns = [column.strip() for column in lines[0][1]] if lines else []
    if not {"file_name", _FILE_NAME_TOO} & set(columns):
        found = f"the columns {', '.join(columns)}" if columns else "no header"
        raise ManifestError(
            f"{path} has {found}; the first line must name the columns, separated by {name}s, "
            "and one of them file_name"
        )
    twice = [column for column in _READ if columns.count(column) > 1]
    if twice:
        raise ManifestError(f"{path} has more than one column {', '.join(twice)}; keep one")
    return [_separated_row(f"line {line}", columns, cells, name) for line, cells in lines[1:]]


def _separated_row(where: str, columns: list[str], cells: list[str], name: str) -> Row:
    if len(cells) == len(columns):
        return Row(where, dict(zip(columns, cells, strict=True)))
    fault = f"{len(cells)} cells where the header has {len(columns)}"
    fault += f"; put quotes around a cell that holds a {name}"
    return Row(where, {}, fault)


def _json_rows(path: Path) -> Iterator[Row]:
    """One JSON object a line."""
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            where = f"line {number}"
            try:
                values = json.loads(line)
            except ValueError as error:
                yield Row(where, {}, f"is not JSON ({error}); write one object a line")
                continue
            if not isinstance(values, dict):
                yield Row(where, {}, 'is no JSON object; write {"file_name": ..., "label": ...}')
                continue
            yield Row(where, {str(name): "" if v is None else str(v) for name, v in values.items()})


def _parquet_rows(path: Path) -> list[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        columns = [name for name in _READ if name in file.schema_arrow.names]
        values = file.read(columns=columns).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise ManifestError(
            f"{path} is no Parquet file, or a damaged one ({error}); write it again"
        ) from None
    if not {"file_name", _FILE_NAME_TOO} & set(columns):
        found = ", ".join(file.schema_arrow.names) or "none"
        raise ManifestError(f"{path} has the columns {found}; one of them must be file_name")
    return [
        Row(f"row {i}", {name: "" if v is None else str(v) for name, v in row.items()})
        for i, row in enumerate(values, start=1)
    ]
