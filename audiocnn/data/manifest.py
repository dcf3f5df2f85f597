"""Which recordings or pictures there are, what they hold, and which split each belongs to.

A manifest is a table (CSV, TSV, JSON Lines, Parquet), or a folder whose structure says the same:

    words.csv                       words/                     words/
        file_name,label,speaker         train.csv                  no/0001.wav
        no/0001.wav,no,ada              val.csv                    yes/0002.wav
        yes/0002.wav,yes,bob            test.csv                   _noise_/left out

A table may also list parts of recordings, by the seconds where each starts and stops:

    file_name,start,stop,label
    monday.flac,12.5,14.25,wren
    monday.flac,3600,,rain

Of pictures, which have no parts, all else holds alike. Everything here is names and numbers: no
recording and no picture is opened.
"""

import csv
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiocnn.data.media import RECORDINGS, Media
from audiocnn.data.tables import COLUMNS, TABLE_SUFFIXES, read_table
from audiocnn.errors import ManifestError, ParameterError, list_problems, listed
from audiocnn.files import whole_file

__all__ = [
    "Clip",
    "find_files",
    "read_files",
    "read_manifest",
    "unreadable",
    "write_manifest",
]

_SPLITS = ("train", "validation", "test")
_SPLIT_NAMES = {name: name for name in _SPLITS} | dict.fromkeys(("val", "valid", "dev"), "validation")

_Part = tuple[float, float | None]  # start and stop in seconds
_WHOLE: _Part = (0.0, None)
_PLACES = ("start", "stop", "offset")


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One recording, a part of one, or one picture: where it is and what is known about it.

    Attributes:
        path: the file.
        label: what it holds; None where that is not known, as in prediction.
        speaker: who is heard, or who wrote or drew it, whatever names them; None where not known.
        split: "train", "validation" or "test"; None where not yet decided.
        start: where it begins in the file, in seconds.
        stop: where it ends, in seconds; None, or beyond the end, is the end of the file.

    Raises:
        ParameterError: if split is none of these, start is negative, or stop not after start.

    >>> Clip(path=Path("no/0001.wav"), label="no").is_part
    False
    >>> Clip(path=Path("monday.flac"), label="wren", start=12.5, stop=14.25).is_part
    True
    """

    path: Path
    label: str | None
    speaker: str | None = None
    split: str | None = None
    start: float = 0.0
    stop: float | None = None

    def __post_init__(self) -> None:
        if self.split is not None and self.split not in _SPLITS:
            raise ParameterError(f"split={self.split!r} must be one of {', '.join(_SPLITS)}, or None")
        _check_part(self.start, self.stop)

    @property
    def is_part(self) -> bool:
        """Whether it is told where in the file the clip begins or ends."""
        return self.start > 0 or self.stop is not None


def _check_part(start: float, stop: float | None) -> None:
    """Raise where seconds enclose no part of a file."""
    if not (math.isfinite(start) and start >= 0):
        raise ParameterError(f"start={start} must be a number of seconds, from 0, the beginning of the file")
    if stop is not None and not (math.isfinite(stop) and stop > start):
        raise ParameterError(
            f"stop={stop} must be a number of seconds greater than start={start}; "
            "without one, the end of the file is meant"
        )


def unreadable(clip: Clip, error: Exception) -> str:
    """For a message: why a clip cannot be read, with the name of its file.

    >>> unreadable(Clip(path=Path("1.wav"), label=None), ParameterError("it holds no sample"))
    '1.wav: it holds no sample'
    """
    return str(error) if str(clip.path) in str(error) else f"{clip.path}: {error}"


def read_manifest(source: str | os.PathLike[str], *, media: Media = RECORDINGS) -> list[Clip]:
    """The clips that a table or a folder lists, in its order and with absolute paths.

    A table is a CSV, TSV, JSON Lines or Parquet file. Its column `file_name` (or NeMo's
    `audio_filepath`) is required: absolute, or relative to the table's own folder. The columns
    `label`, `speaker` and `split` (train; validation, val, valid or dev; test)
    are optional and others are passed over. Spaces around a label, speaker or
    split do not count.

    The columns `start` and `stop`, optional too, make a row a part of its file, in seconds: a row without
    a start begins where the file does, one without a stop ends where it ends. So does NeMo's `offset` with
    its `duration`; a `duration` without it is the file's own length, rounded, and cuts nothing. A picture
    has no parts: a row that names one is a bad one.

    A folder that holds a table named after each split, such as `train.csv`, `val.csv` and `test.csv`,
    or a folder named after it with a `metadata.csv`, is read from these: the name is then the split,
    whatever a `split` column says. One that holds a `metadata.csv` itself, as Hugging Face's
    AudioFolder does, is read from that. All of them may end as any table does.

    In any other folder each sub-folder is a label, and the recordings or pictures in it,
    at any depth, are its clips, sorted by name. Label folders whose name begins
    with "_" or "." are left out, and so are hidden files, files that do not end
    in one of the suffixes of `media`, and files that lie beside the label folders.

    Args:
        source: the table or folder.
        media: `RECORDINGS` or `PICTURES`.

    Raises:
        ManifestError: if there is no such file or folder, it lists
            nothing, or rows are bad. All bad rows are listed at once: without
            a file name, with an empty label, an unknown split, a start or stop that
            cannot be, or a file that is not there, or of which an earlier row already
            names the same part. So are names that no UTF-8 table can hold, as `split.csv` must.
    """
    source = Path(source).absolute()  # a clip stays where it is when the process changes its folder
    if source.is_file():
        return _nameable(_read_tables([(source, None)], media), source)
    if not source.is_dir():
        raise ManifestError(
            f"{source} does not exist; give a table with a column file_name, or a folder of label folders"
        )
    tables = _tables_in(source)
    clips = _read_tables(tables, media) if tables else _read_label_folders(source, media)
    return _nameable(clips, source)


def _nameable(clips: list[Clip], source: Path) -> list[Clip]:
    """The same clips, if the table that a run writes of them can hold their names and labels."""
    problems = []
    for clip in clips:
        for what, text in (
            ("path", str(clip.path)),
            ("label", clip.label or ""),
            ("speaker", clip.speaker or ""),
        ):
            if "\r" in text or text.encode("utf-8", "replace") != os.fsencode(text):
                problems.append(f"{os.fsencode(clip.path)!r}: the {what} is not plain UTF-8 text")
            elif what == "label" and text != text.strip():
                problems.append(f"{clip.path}: the label {text!r} begins or ends with a space")
    if problems:
        raise ManifestError(list_problems(f"{source} has names to change", problems))
    return clips


def read_files(source: str | os.PathLike[str], *, media: Media = RECORDINGS) -> list[Clip]:
    """The files and parts of recordings that a table lists, in its order, with absolute paths.

    That is all that prediction needs: no column but `file_name` and those of parts is looked at, a file may
    be named twice, and one that is not there is left for the reader to find.

    Args:
        source: a CSV, TSV, JSON Lines or Parquet file, as for `read_manifest`.
        media: `RECORDINGS` or `PICTURES`.

    Returns:
        Clips without label, speaker and split.

    Raises:
        ManifestError: if there is no such file, it is no table with a column `file_name`, or lists nothing;
            listing every row without a name, or with a start or stop that cannot be.
    """
    table = Path(source).absolute()
    if not table.is_file():
        raise ManifestError(f"{table} does not exist; give a table with a column file_name")
    clips = []
    problems = []
    for row in read_table(table):
        name = row.cells.get("file_name", "")
        (start, stop), faults = _part(row.cells, media)
        if row.fault is not None:
            faults = [row.fault]
        elif not name.strip():
            faults.insert(0, "file_name is empty")
        if faults:
            problems.append(f"{row.where}: {'; '.join(faults)}")
            continue
        clips.append(Clip(path=table.parent / name, label=None, start=start, stop=stop))
    return _all_of(table, clips, problems, media)


def find_files(folder: Path, *, media: Media = RECORDINGS) -> list[Path]:
    """The recordings or pictures at any depth below a folder, sorted by name, without what is hidden."""
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in media.suffixes and _is_file(path)
    )
    return [folder / name for name in names if "/." not in f"/{name}"]


def write_manifest(
    path: str | os.PathLike[str], clips: Sequence[Clip], *, more: Mapping[str, Sequence[str]] | None = None
) -> None:
    """Write clips as a CSV file, from which `read_manifest` gives the same clips.

    A file below the manifest's folder is named relative to it, so that the two
    can be moved together; any other by its absolute path. A column that no clip
    fills is left out.

    Args:
        path: the CSV file to write; its folder must exist.
        clips: what to write. Relative paths are taken from the current folder.
        more: columns for whoever looks at the table, which reading passes over: their names, and a text for
            each clip.

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
        start = str(float(clip.start)) if clip.start else ""  # every digit, so that it is read back
        stop = str(float(clip.stop)) if clip.stop is not None else ""
        known = (clip.label or "", clip.speaker or "", clip.split or "")
        rows.append((name.as_posix(), start, stop, *known))
    used = [i for i, column in enumerate(COLUMNS) if column == "file_name" or any(row[i] for row in rows)]
    with whole_file(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*(COLUMNS[i] for i in used), *(more or {})])
        for i, row in enumerate(rows):
            writer.writerow([*(row[j] for j in used), *(column[i] for column in (more or {}).values())])


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


def _read_tables(tables: Sequence[tuple[Path, str | None]], media: Media) -> list[Clip]:
    """The clips of tables that belong together, each with the split it stands for, if any."""
    clips = []
    problems = []
    first_named: dict[tuple[str, _Part], str] = {}  # where each part of a file was
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
            part, wrong = _part(cells, media)
            # Not resolve(): that asks the disk about every folder on the way, for every row.
            key = (os.path.normpath(path), part)
            first = where if wrong else first_named.setdefault(key, where)
            again = first if first != where else None
            faults = _faults(cells, named_before=again, is_part=part != _WHOLE) + wrong
            if not faults and not _is_file(path):
                faults.append(f"{name!r} is no file: {path}")
            if faults:
                problems.append(f"{where}: {'; '.join(faults)}")
                continue
            known = {name: cells.get(name, "").strip() or None for name in ("label", "speaker")}
            split_name = _SPLIT_NAMES.get(cells.get("split", "").strip().lower())
            clips.append(Clip(path=path, split=split_name, start=part[0], stop=part[1], **known))
    return _all_of(source, clips, problems, media)


def _all_of(source: Path, clips: list[Clip], problems: Sequence[str], media: Media) -> list[Clip]:
    """The clips of a table, if there are any and no problems."""
    if problems:
        raise ManifestError(list_problems(f"{source} has bad rows", problems))
    if not clips:
        raise ManifestError(f"{source} lists no {media.many}; add a row for each")
    return clips


def _faults(cells: Mapping[str, str], *, named_before: str | None, is_part: bool) -> list[str]:
    """What is wrong with a row but for its part; `named_before` is the row that already names that part."""
    faults = []
    name = cells.get("file_name", "")
    if not name.strip():
        faults.append("file_name is empty")
    elif named_before:
        same = "this part of " if is_part else ""
        faults.append(f"{same}{name!r} is already named in {named_before}")
    if "label" in cells and not cells["label"].strip():
        faults.append("the label is empty")
    split = cells.get("split", "").strip()
    if split and split.lower() not in _SPLIT_NAMES:
        faults.append(f"the split {split!r} is none of {', '.join(_SPLIT_NAMES)}")
    return faults


def _part(cells: Mapping[str, str], media: Media) -> tuple[_Part, list[str]]:
    """Where a row's part starts and stops in its file, in seconds, and what is wrong with that."""
    if not media.has_parts:
        given = [f"{name}={cells[name].strip()}" for name in _PLACES if cells.get(name, "").strip()]
        return _WHOLE, [f"a {media.one} has no parts; leave {', '.join(given)} out"] if given else []
    try:
        start, stop = _seconds(cells, "start"), _seconds(cells, "stop")
        offset = _seconds(cells, "offset")
        if offset is not None:
            if start is not None or stop is not None:
                return _WHOLE, ["there are both an offset and a start or stop; keep one kind"]
            duration = _seconds(cells, "duration")
            start, stop = offset, None if duration is None else offset + duration
        start = start or 0.0
        _check_part(start, stop)
    except ParameterError as error:
        return _WHOLE, [str(error)]
    return (start, stop), []


def _seconds(cells: Mapping[str, str], column: str) -> float | None:
    """A cell as a number; None for an empty one."""
    text = cells.get(column, "").strip()
    try:
        return float(text) if text else None
    except ValueError:
        raise ParameterError(f"{column}={text!r} is no number of seconds") from None


def _read_label_folders(folder: Path, media: Media) -> list[Clip]:
    """The clips of a folder of label folders, sorted by label and then by name."""
    clips = []
    silent = []
    labels = sorted(child.name for child in folder.iterdir() if child.is_dir())
    for label in labels:
        if label.startswith(("_", ".")):
            continue
        found = find_files(folder / label, media=media)
        clips += [Clip(path=path, label=label) for path in found]
        if not found:
            silent.append(label)
    suffixes = ", ".join(sorted(media.suffixes))
    if not clips:
        raise ManifestError(
            f"{folder} holds neither train.csv nor label folders with {media.many} ({suffixes}); "
            f"give the table, or put each {media.one} into a folder named after its label"
        )
    if silent:
        raise ManifestError(
            f"no {media.one} ({suffixes}) in the label folder {listed(silent)} of {folder}; "
            "add some, or begin the folder's name with '_' to leave it out"
        )
    return clips


def _is_file(path: Path) -> bool:
    """Whether a file is there; also False where asking fails: a name too long, a forbidden folder."""
    try:
        return path.is_file()
    except OSError:
        return False
