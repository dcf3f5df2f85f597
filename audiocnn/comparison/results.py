"""What is kept of each trial: one line of a table that several processes may add to at once."""

import csv
import io
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple, get_args

from audiocnn.comparison.cost import Cost
from audiocnn.config import TrainConfig
from audiocnn.errors import ParameterError
from audiocnn.files import locked

__all__ = ["Result", "Setup", "append_result", "read_results"]


class Setup(NamedTuple):
    """A net and how it is trained, but for the minutes and the seed.

    Attributes:
        model: a name in `audiocnn.models.MODELS`.
        padding: along time.
        front_end: a name that `audiocnn describe` knows.
        window: frames of a decision that were asked for; None for the net's own.
        max_offset_seconds: by how much recordings lay off the middle of their windows in training; None for
            anywhere.
    """

    model: str
    padding: str
    front_end: str
    window: int | None
    max_offset_seconds: float | None

    @classmethod
    def of(cls, run: "TrainConfig | Result") -> "Setup":
        """That of a run, or of what came out of one."""
        return cls(*(getattr(run, name) for name in cls._fields))


@dataclass(frozen=True, kw_only=True)
class Result:
    """One trial: a net trained for so many minutes from one seed, and what it is good for.

    Attributes:
        model, padding, front_end, window, max_offset_seconds: as in `Setup`.
        seed: of the run.
        minutes: processor minutes that training was to take, on one thread.
        epochs: passes over the training part that were to fit into them.
        processor_minutes: that training took, decoding the recordings and judging each epoch included.
        wall_minutes: the same by the clock.
        validation_accuracy: 0 to 1, on the part that the epoch was chosen by.
        test_accuracy: 0 to 1, on the part that nothing was chosen by.
        test_speakers: of each speaker of the test part how many recordings were recognised, and how many
            there are.
        parameters: trainable numbers, those of a front-end that learns included.
        macs: multiply-accumulates of the net for one decision; see `audiocnn.describe.MACS_RULE`.
        receptive_field_ms: the sound that one position before the pool sees.
        span_ms: the sound that one decision hears.
        stride_ms: from one decision to the next.
        delay_ms: how long after the end of a recording the decision is due that is judged here; the recording
            has the median length of those whose scoring is timed.
        clip_ms: to score one recording, in processor time of one thread.
        reference_clip_ms: the same of `audiocnn.comparison.REFERENCE`, measured by turns with it.
        machine: that all this was measured on.
        torch: its version.
        commit: of the program.
    """

    model: str
    padding: str
    front_end: str
    window: int | None
    max_offset_seconds: float | None
    seed: int
    minutes: float
    epochs: int
    processor_minutes: float
    wall_minutes: float
    validation_accuracy: float
    test_accuracy: float
    test_speakers: dict[str, tuple[int, int]]
    parameters: int
    macs: int
    receptive_field_ms: float
    span_ms: float
    stride_ms: float
    delay_ms: float
    clip_ms: float
    reference_clip_ms: float
    machine: str
    torch: str
    commit: str

    @property
    def trial(self) -> tuple[Setup, float, int]:
        """What was tried: of two results with the same, one is superfluous."""
        return Setup.of(self), self.minutes, self.seed

    @property
    def cost(self) -> Cost:
        """What needed no training to know."""
        return Cost(**{field.name: getattr(self, field.name) for field in fields(Cost)})


def read_results(path: Path) -> list[Result]:
    """The results in a table, in the order in which they came; none where there is no file.

    Raises:
        ParameterError: for a file that is no such table, or a folder that does not exist.
    """
    _check_folder(path)
    if not path.is_file():
        return []
    head, *lines = path.read_bytes().split(b"\n")
    columns = ",".join(field.name for field in fields(Result))
    if (head or lines) and head.rstrip(b"\r") != columns.encode():
        raise ParameterError(f"results={path} does not begin with the columns {columns}; move it away")
    results = []
    for number, line in enumerate(lines, start=2):
        try:
            if line.strip():
                results.append(_read_line(line.decode()))
        except (ValueError, csv.Error) as error:
            raise ParameterError(f"results={path}, line {number}: {error}; mend or remove it") from None
    return results


def append_result(path: Path, result: Result) -> None:
    """Add a line to a table, made if need be; other processes may do so at the same time.

    Raises:
        ParameterError: for a file that is no such table, or a folder that does not exist.
    """
    _check_folder(path)
    with locked(path, wait=True):
        read_results(path)  # which raises where a line more would not fit
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        there = path.read_bytes()
        if not there:
            writer.writerow([field.name for field in fields(Result)])
        elif not there.endswith(b"\n"):  # what an editor left
            text.write("\n")
        values = asdict(result) | {"test_speakers": json.dumps(result.test_speakers)}
        writer.writerow(values.values())
        with path.open("a", encoding="utf-8") as file:
            file.write(text.getvalue())


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise ParameterError(f"results={path}: there is no folder {path.parent}; make it")


def _read_line(line: str) -> Result:
    """A result; ValueError or csv.Error says what is wrong with its line."""
    row = next(csv.reader([line], strict=True))
    names = [field.name for field in fields(Result)]
    if len(row) != len(names):
        raise ValueError(f"has {len(row)} of {len(names)} cells")
    return Result(**dict(zip(names, map(_value, names, row), strict=True)))


def _value(name: str, text: str) -> Any:
    """What a cell holds."""
    kind = Result.__annotations__[name]
    if kind in (int, float):
        return kind(text)
    if kind in (int | None, float | None):
        return get_args(kind)[0](text) if text else None
    return text if kind is str else _counts(text)


def _counts(text: str) -> dict[str, tuple[int, int]]:
    """Of each speaker how many recordings were recognised, and how many there are."""
    counts = json.loads(text)
    if not (isinstance(counts, dict) and counts and all(map(_is_pair, counts.values()))):
        raise ValueError(f'test_speakers={text} must be as {{"ada": [8, 10]}}: 8 of 10 recognised')
    return {speaker: (right, total) for speaker, (right, total) in counts.items()}


def _is_pair(pair: object) -> bool:
    return isinstance(pair, list) and [type(n) for n in pair] == [int, int] and 0 <= pair[0] <= pair[1]
