"""Which recordings there are, what they hold, and which split each belongs to.

A manifest is a CSV file, or a folder whose structure says the same:

    words.csv                       words/                     words/
        file_name,label,speaker         train.csv                  no/0001.wav
        no/0001.wav,no,ada              val.csv                    yes/0002.wav
        yes/0002.wav,yes,bob            test.csv                   _noise_/left out

Everything here is names and numbers: no recording is opened.
"""

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiocnn.errors import ManifestError, ParameterError

__all__ = [
    "AUDIO_SUFFIXES",
    "Clip",
    "find_recordings",
    "list_problems",
    "listed",
    "read_file_names",
    "read_manifest",
    "write_manifest",
]

AUDIO_SUFFIXES = frozenset({".aif", ".aiff", ".au", ".caf", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".wav"})
"""The files that count as recordings in a folder of label folders."""

_COLUMNS = ("file_name", "label", "speaker", "split")
_SPLITS = ("train", "validation", "test")
_SPLIT_NAMES = {name: name for name in _SPLITS} | dict.fromkeys(("val", "valid", "dev"), "validation")
_ROWS_LISTED = 20


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One recording: where it is and what is known about it.

    Attributes:
        path: the audio file.
        label: what it holds; None where that is not known, as in prediction.
        speaker: who is heard, whatever names them; None where not known.
        split: "train", "validation" or "test"; None where not yet decided.

    Raises:
        ParameterError: if split is none of these.

    >>> Clip(path=Path("no/0001.wav"), label="no").split is None
    True
    """

    path: Path
    label: str | None
    speaker: str | None = None
    split: str | None = None

    def __post_init__(self) -> None:
        if self.split is not None and self.split not in _SPLITS:
            raise ParameterError(f"split={self.split!r} must be one of {', '.join(_SPLITS)}, or None")


def list_problems(heading: str, problems: Sequence[str]) -> str:
    """A message that names every problem at once: the first twenty, and how many more.

    >>> print(list_problems("words.csv has bad rows", ["line 3: the label is empty"]))
    words.csv has bad rows (1):
      line 3: the label is empty
    """
    lines = [f"{heading} ({len(problems)}):", *problems[:_ROWS_LISTED]]
    if len(problems) > _ROWS_LISTED:
        lines.append(f"... and {len(problems) - _ROWS_LISTED} more")
    return "\n  ".join(lines)


def listed(names: Sequence[str]) -> str:
    """For a message: the first names, and how many more."""
    more = f" and {len(names) - _ROWS_LISTED} more" if len(names) > _ROWS_LISTED else ""
    return ", ".join(names[:_ROWS_LISTED]) + more


def read_manifest(source: str | os.PathLike[str]) -> list[Clip]:
    """The clips that a CSV file or a folder lists, in its order and with absolute paths.

    A CSV file is comma-separated UTF-8 with a header. The column `file_name`
    is required: absolute, or relative to the manifest's own folder. The columns
    `label`, `speaker` and `split` (train; validation, val, valid or dev; test)
    are optional and others are passed over. Spaces around a label, speaker or
    split do not count.

    A folder that holds `train.csv` is read from it, `val.csv` or
    `validation.csv`, and `test.csv`: the file's name is then the split,
    whatever a `split` column says.

    In any other folder each sub-folder is a label, and the audio files in it,
    at any depth, are its clips, sorted by name. Label folders whose name begins
    with "_" or "." are left out, and so are hidden files, files that do not end
    in one of `AUDIO_SUFFIXES`, and files that lie beside the label folders.

    Args:
        source: the CSV file or folder.

    Raises:
        ManifestError: if there is no such file or folder, it lists no
            recordings, or rows are bad. All bad rows are listed at once: without
            a file name, with an empty label, an unknown split, or a file that is
            not there or that an earlier row already names.
    """
    folder = Path(source).absolute()  # a clip stays where it is when the process changes its folder
    if folder.is_file():
        return _read_tables([(folder, None)])
    if not folder.is_dir():
        raise ManifestError(
            f"{folder} does not exist; give a CSV file with a column file_name, or a folder of label folders"
        )
    if (folder / "train.csv").is_file():
        return _read_tables(_split_tables(folder))
    return _read_label_folders(folder)


def read_file_names(table: str | os.PathLike[str]) -> list[Path]:
    """The recordings that the column `file_name` of a CSV file names, in its order, as absolute paths.

    That is all that prediction needs: no other column is looked at, a file may be named twice,
    and one that is not there is left for the reader to find.

    Raises:
        ManifestError: if there is no such file, it is no CSV with that column, or lists nothing; listing
            every row without a name.
    """
    table = Path(table).absolute()
    if not table.is_file():
        raise ManifestError(f"{table} does not exist; give a CSV file with a column file_name")
    columns, rows = _read_rows(table)
    column = columns.index("file_name")
    names = {line: row[column].strip() if column < len(row) else "" for line, row in rows}
    problems = [f"line {line}: file_name is empty" for line, name in names.items() if not name]
    if problems:
        raise ManifestError(list_problems(f"{table} has bad rows", problems))
    if not names:
        raise ManifestError(f"{table} lists no recordings; add a row for each below the header")
    return [table.parent / name for name in names.values()]


def find_recordings(folder: Path) -> list[Path]:
    """The audio files at any depth below a folder, sorted by name; hidden files and folders are left out."""
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in AUDIO_SUFFIXES and _is_file(path)
    )
    return [folder / name for name in names if "/." not in f"/{name}"]


def write_manifest(path: str | os.PathLike[str], clips: Sequence[Clip]) -> None:
    """Write clips as a CSV file, from which `read_manifest` gives the same clips.

    A file below the manifest's folder is named relative to it, so that the two
    can be moved together; any other by its absolute path. A column that no clip
    fills is left out.

    Args:
        path: the CSV file to write; its folder must exist.
        clips: what to write. Relative paths are taken from the current folder.

    Raises:
        ManifestError: if some clips have a label and others none: the empty
            cells would not be read back.
    """
    unlabelled = sum(clip.label is None for clip in clips)
    if 0 < unlabelled < len(clips):
        raise ManifestError(
            f"{unlabelled} of {len(clips)} clips have no label; write them to a manifest of their own"
        )
    path = Path(path).absolute()
    rows = []
    for clip in clips:
        name = clip.path.absolute()
        if name.is_relative_to(path.parent):
            name = name.relative_to(path.parent)
        rows.append((name.as_posix(), clip.label or "", clip.speaker or "", clip.split or ""))
    used = [i for i, column in enumerate(_COLUMNS) if column == "file_name" or any(row[i] for row in rows)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([_COLUMNS[i] for i in used])
        writer.writerows([row[i] for i in used] for row in rows)


def _split_tables(folder: Path) -> list[tuple[Path, str]]:
    """The CSV files of a folder that keeps one for each split."""
    if (folder / "val.csv").is_file() and (folder / "validation.csv").is_file():
        raise ManifestError(f"{folder} holds both val.csv and validation.csv; keep one")
    names = ("train.csv", "val.csv", "validation.csv", "test.csv")
    return [(folder / name, _SPLIT_NAMES[Path(name).stem]) for name in names if (folder / name).is_file()]


def _read_tables(tables: Sequence[tuple[Path, str | None]]) -> list[Clip]:
    """The clips of CSV files that belong together, each with the split it stands for, if any."""
    clips = []
    problems = []
    line_of: dict[str, str] = {}  # where each file was first named
    for table, split in tables:
        columns, rows = _read_rows(table)
        for line, row in rows:
            where = f"line {line}" if len(tables) == 1 else f"{table.name} line {line}"
            if len(row) != len(columns):
                problems.append(
                    f"{where}: {len(row)} cells where the header has {len(columns)}; "
                    "put quotes around a cell that holds a comma"
                )
                continue
            cells = dict(zip(columns, row, strict=True))
            if split is not None:
                cells["split"] = split
            path = table.parent / cells["file_name"]
            # Not resolve(): that asks the disk about every folder on the way, for every row.
            first = line_of.setdefault(os.path.normpath(path), where)
            faults = _faults(cells, named_before=first if first != where else None)
            if not faults and not _is_file(path):
                faults.append(f"{cells['file_name']!r} is no file: {path}")
            if faults:
                problems.append(f"{where}: {'; '.join(faults)}")
                continue
            clips.append(
                Clip(
                    path=path,
                    label=cells.get("label", "").strip() or None,
                    speaker=cells.get("speaker", "").strip() or None,
                    split=_SPLIT_NAMES.get(cells.get("split", "").strip().lower()),
                )
            )
    source = str(tables[0][0] if len(tables) == 1 else tables[0][0].parent)
    if problems:
        raise ManifestError(list_problems(f"{source} has bad rows", problems))
    if not clips:
        raise ManifestError(f"{source} lists no recordings; add a row for each below the header")
    return clips


def _faults(cells: Mapping[str, str], named_before: str | None) -> list[str]:
    """What is wrong with a row; `named_before` is the line that already names its file, if any."""
    faults = []
    if not cells["file_name"].strip():
        faults.append("file_name is empty")
    elif named_before:
        faults.append(f"{cells['file_name']!r} is already named in {named_before}")
    if "label" in cells and not cells["label"].strip():
        faults.append("the label is empty")
    split = cells.get("split", "").strip()
    if split and split.lower() not in _SPLIT_NAMES:
        faults.append(f"the split {split!r} is none of {', '.join(_SPLIT_NAMES)}")
    return faults


def _read_rows(table: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header of a CSV file, and its other rows that are not blank with their line numbers."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:  # -sig: spreadsheets write a BOM
            reader = csv.reader(file, strict=True)
            rows = [(reader.line_num, row) for row in reader if row]
    except UnicodeDecodeError as error:
        raise ManifestError(f"{table} is not UTF-8 text ({error}); save it as a UTF-8 CSV file") from error
    except csv.Error as error:
        raise ManifestError(
            f"{table} line {reader.line_num} is not CSV ({error}); "
            "close every quote, and double a quote that is part of a name"
        ) from error
    columns = [column.strip() for column in rows[0][1]] if rows else []
    if "file_name" not in columns:
        found = f"the columns {', '.join(columns)}" if columns else "no header"
        raise ManifestError(
            f"{table} has {found}; the first line must name the columns, separated by commas, "
            "and one of them file_name"
        )
    twice = [column for column in _COLUMNS if columns.count(column) > 1]
    if twice:
        raise ManifestError(f"{table} has more than one column {listed(twice)}; keep one")
    return columns, rows[1:]


def _read_label_folders(folder: Path) -> list[Clip]:
    """The clips of a folder of label folders, sorted by label and then by name."""
    clips = []
    silent = []
    labels = sorted(child.name for child in folder.iterdir() if child.is_dir())
    for label in labels:
        if label.startswith(("_", ".")):
            continue
        found = find_recordings(folder / label)
        clips += [Clip(path=path, label=label) for path in found]
        if not found:
            silent.append(label)
    suffixes = ", ".join(sorted(AUDIO_SUFFIXES))
    if not clips:
        raise ManifestError(
            f"{folder} holds neither train.csv nor label folders with recordings ({suffixes}); "
            "give the CSV file, or put each recording into a folder named after its label"
        )
    if silent:
        raise ManifestError(
            f"no recording ({suffixes}) in the label folder {listed(silent)} of {folder}; "
            "add some, or begin the folder's name with '_' to leave it out"
        )
    return clips


def _is_file(path: Path) -> bool:
    """Whether a file is there; also False where asking fails: a name too long, a forbidden folder."""
    try:
        return path.is_file()
    except OSError:
        return False
