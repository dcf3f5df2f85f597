"""Which recordings there are, what they hold, and which split each belongs to.

A manifest is a table (CSV, TSV, JSON Lines, Parquet), or a folder whose structure says the same:

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

from audiocnn.data.tables import COLUMNS, TABLE_SUFFIXES, read_table
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
"""The files that count as recordings in a folder."""

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
    """The clips that a table or a folder lists, in its order and with absolute paths.

    A table is a CSV, TSV, JSON Lines or Parquet file. Its column `file_name` (or NeMo's
    `audio_filepath`) is required: absolute, or relative to the table's own folder. The columns
    `label`, `speaker` and `split` (train; validation, val, valid or dev; test)
    are optional and others are passed over. Spaces around a label, speaker or
    split do not count.

    A folder that holds a table named after each split, such as `train.csv`, `val.csv` and `test.csv`,
    or a folder named after it with a `metadata.csv`, is read from these: the name is then the split,
    whatever a `split` column says. One that holds a `metadata.csv` itself, as Hugging Face's
    AudioFolder does, is read from that. All of them may end as any table does.

    In any other folder each sub-folder is a label, and the audio files in it,
    at any depth, are its clips, sorted by name. Label folders whose name begins
    with "_" or "." are left out, and so are hidden files, files that do not end
    in one of `AUDIO_SUFFIXES`, and files that lie beside the label folders.

    Args:
        source: the table or folder.

    Raises:
        ManifestError: if there is no such file or folder, it lists no
            recordings, or rows are bad. All bad rows are listed at once: without
            a file name, with an empty label, an unknown split, or a file that is
            not there or that an earlier row already names.
    """
    source = Path(source).absolute()  # a clip stays where it is when the process changes its folder
    if source.is_file():
        return _read_tables([(source, None)])
    if not source.is_dir():
        raise ManifestError(
            f"{source} does not exist; give a table with a column file_name, or a folder of label folders"
        )
    tables = _tables_in(source)
    return _read_tables(tables) if tables else _read_label_folders(source)


def read_file_names(source: str | os.PathLike[str]) -> list[Path]:
    """The recordings that the column `file_name` of a table names, in its order, as absolute paths.

    That is all that prediction needs: no other column is looked at, a file may be named twice,
    and one that is not there is left for the reader to find.

    Args:
        source: a CSV, TSV, JSON Lines or Parquet file, as for `read_manifest`.

    Raises:
        ManifestError: if there is no such file, it is no table with that column, or lists nothing; listing
            every row without a name.
    """
    table = Path(source).absolute()
    if not table.is_file():
        raise ManifestError(f"{table} does not exist; give a table with a column file_name")
    paths = []
    problems = []
    for row in read_table(table):
        name = row.cells.get("file_name", "")
        if not name.strip():
            problems.append(f"{row.where}: {row.fault or 'file_name is empty'}")
        paths.append(table.parent / name)
    if problems:
        raise ManifestError(list_problems(f"{table} has bad rows", problems))
    if not paths:
        raise ManifestError(f"{table} lists no recordings; add a row for each")
    return paths


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
    used = [i for i, column in enumerate(COLUMNS) if column == "file_name" or any(row[i] for row in rows)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([COLUMNS[i] for i in used])
        writer.writerows([row[i] for i in used] for row in rows)


def _tables_in(folder: Path) -> list[tuple[Path, str | None]]:
    """The tables that a folder is read from, each with the split it stands for, if any."""
    tables: dict[str, Path] = {}
    for name, split in _SPLIT_NAMES.items():
        for suffix in TABLE_SUFFIXES:
            for table in (folder / f"{name}{suffix}", folder / name / f"metadata{suffix}"):
                if not table.is_file():
                    continue
                if split in tables:
                    both = [path.relative_to(folder).as_posix() for path in (tables[split], table)]
                    raise ManifestError(f"{folder} holds both {both[0]} and {both[1]}; keep one")
                tables[split] = table
    if "train" in tables:
        return [(tables[split], split) for split in _SPLITS if split in tables]
    for suffix in TABLE_SUFFIXES:
        if (folder / f"metadata{suffix}").is_file():
            return [(folder / f"metadata{suffix}", None)]
    return []  # a folder of label folders


def _read_tables(tables: Sequence[tuple[Path, str | None]]) -> list[Clip]:
    """The clips of tables that belong together, each with the split it stands for, if any."""
    clips = []
    problems = []
    first_named: dict[str, str] = {}  # where each file was first named
    source = tables[0][0] if len(tables) == 1 else Path(os.path.commonpath([table for table, _ in tables]))
    for table, split in tables:
        for row in read_table(table):
            where = row.where if len(tables) == 1 else f"{table.relative_to(source).as_posix()} {row.where}"
            if row.fault is not None:
                problems.append(f"{where}: {row.fault}")
                continue
            cells = row.cells if split is None else {**row.cells, "split": split}
            name = cells.get("file_name", "")
            path = table.parent / name
            # Not resolve(): that asks the disk about every folder on the way, for every row.
            first = first_named.setdefault(os.path.normpath(path), where)
            faults = _faults(cells, named_before=first if first != where else None)
            if not faults and not _is_file(path):
                faults.append(f"{name!r} is no file: {path}")
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
    if problems:
        raise ManifestError(list_problems(f"{source} has bad rows", problems))
    if not clips:
        raise ManifestError(f"{source} lists no recordings; add a row for each")
    return clips


def _faults(cells: Mapping[str, str], named_before: str | None) -> list[str]:
    """What is wrong with a row; `named_before` is the line that already names its file, if any."""
    faults = []
    name = cells.get("file_name", "")
    if not name.strip():
        faults.append("file_name is empty")
    elif named_before:
        faults.append(f"{name!r} is already named in {named_before}")
    if "label" in cells and not cells["label"].strip():
        faults.append("the label is empty")
    split = cells.get("split", "").strip()
    if split and split.lower() not in _SPLIT_NAMES:
        faults.append(f"the split {split!r} is none of {', '.join(_SPLIT_NAMES)}")
    return faults


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
            "give the table, or put each recording into a folder named after its label"
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
