"""Events as files: CSV, JSON Lines, an Audacity label track, a Raven selection table.

Every line is written whole and at once, so that the file is a valid one whenever the program stops.
"""

import csv
import json
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import IO

from audiocnn.errors import ParameterError
from audiocnn.events import Event

__all__ = ["EVENT_COLUMNS", "EVENT_ENDINGS", "EventWriter", "event_format", "event_values"]

EVENT_COLUMNS = ("label", "onset", "offset", "peak_score", "peak", "known")
EVENT_ENDINGS = (".csv", ".jsonl", ".txt")

# what Raven asks for of every selection, and what is ours
_RAVEN = (
    "Selection",
    "View",
    "Channel",
    "Begin Time (s)",
    "End Time (s)",
    "Low Freq (Hz)",
    "High Freq (Hz)",
    "Label",
    "Score",
)


def event_format(path: Path) -> str:
    """The format that a file's name stands for: csv, jsonl, audacity or raven.

    `.selections.txt` is a selection table of Raven (Cornell Lab of Ornithology), other `.txt` a label track
    of Audacity.

    Raises:
        ParameterError: for another ending.

    >>> event_format(Path("night.selections.txt")), event_format(Path("night.txt"))
    ('raven', 'audacity')
    """
    if path.suffix not in EVENT_ENDINGS:
        raise ParameterError(f"out={path} must end in {', '.join(EVENT_ENDINGS)}")
    if path.name.endswith(".selections.txt"):
        return "raven"
    return {".csv": "csv", ".jsonl": "jsonl", ".txt": "audacity"}[path.suffix]


class EventWriter(AbstractContextManager["EventWriter"]):
    """Writes events one by one.

    Seconds are written to the microsecond, scores with all the digits of a float32.

    - csv: a header and a row each, with `file_name` before the event's own columns.
    - jsonl: the same as an object each.
    - audacity: onset, offset and label, with tabs between; for one recording.
    - raven: a selection from 0 Hz to half the sample rate in the spectrogram's view; for one recording.

    Args:
        file: open for text; it is not closed here unless by `with`.
        form: csv, jsonl, audacity or raven.
        top_hz: for Raven, half the sample rate of the recording.

    >>> import sys
    >>> writer = EventWriter(sys.stdout, "audacity")
    >>> writer.write(Event(label="yes", onset=1, offset=1.5, peak_score=0.9, peak=1.2, known=2), "a.wav")
    1.000000	1.500000	yes
    """

    def __init__(self, file: IO[str], form: str, *, top_hz: float = 0.0) -> None:
        self._file, self._form, self._top_hz = file, form, top_hz
        self._count = 0
        if form == "csv":
            self._row(("file_name", *EVENT_COLUMNS))
        if form == "raven":
            self._line(_RAVEN)

    def write(self, event: Event, file_name: str, *, channel: int = 1) -> None:
        """Write an event of a recording, or of one of its channels, counted from 1."""
        self._count += 1
        values = event_values(event)
        seconds = [f"{event.onset:.6f}", f"{event.offset:.6f}"]
        if self._form == "csv":
            self._row((file_name, *values.values()))
        elif self._form == "jsonl":
            self._file.write(json.dumps({"file_name": file_name} | values, ensure_ascii=False) + "\n")
        elif self._form == "audacity":
            self._line((*seconds, event.label))
        else:
            high = f"{self._top_hz:.1f}"
            place = (str(self._count), "Spectrogram 1", str(channel), *seconds, "0.0", high)
            self._line((*place, event.label, f"{event.peak_score:.9g}"))
        self._file.flush()

    def _row(self, values: Iterable[object]) -> None:
        csv.writer(self._file, lineterminator="\n").writerow(values)

    def _line(self, values: Sequence[str]) -> None:
        """Values with tabs between; those within, and ends of lines, become blanks."""
        self._file.write("\t".join(" ".join(value.split()) for value in values) + "\n")

    def __exit__(self, *_: object) -> None:
        self._file.close()


def event_values(event: Event) -> dict[str, str | float]:
    """The values of an event by name, with the digits that mean something."""
    seconds = {name: round(getattr(event, name), 6) for name in ("onset", "offset", "peak", "known")}
    return asdict(event) | seconds | {"peak_score": float(f"{event.peak_score:.9g}")}
