"""What is kept of each trial: one line of a table that several processes may add to at once."""

import csv
import io
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from audiocnn.comparison.cost import Cost
from audiocnn.errors import ParameterError
from audiocnn.files import locked

__all__ = ["Result", "append_result", "read_results"]


@dataclass(frozen=True, kw_only=True)
class Result:
    """One trial: a net trained for so many minutes from one seed, and what it is good for.

    Attributes:
        model: a name in `audiocnn.models.MODELS`.
        padding: along time.
        front_end: a name that `audiocnn describe` knows.
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
        delay_ms: how long after the end of a recording the decision is due that is judged here.
        clip_ms: to score one recording, in processor time of one thread.
        reference_clip_ms: the same of `audiocnn.comparison.REFERENCE`, measured by turns with it.
        machine: that all this was measured on.
        torch: its version.
        commit: of the program.
    """

    model: str
    padding: str
    front_end: str
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
    def trial(self) -> tuple[str, str, str, float, int]:
        """What was tried: of two results with the same, one is superfluous."""
        return self.model, self.padding, self.front_end, self.minutes, self.seed

    @property
    def cost(self) -> Cost:
        """What needed no training to know."""
        return Cost(**{field.name: getattr(self, field.name) for field in fields(Cost)})


def read_results(path: Path) -> list[Result]:
    """The results in a table, in the order in which they came; none where there is no file.

    Raises:
        ParameterError: for a file that is no such table.
    """
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    names = [field.name for field in fields(Result)]
    if lines and lines[0].split(",") != names:
        raise ParameterError(
            f"results={path} does not begin with the columns {','.join(names)}; move it away"
        )
    results = []
    for number, row in enumerate(csv.reader(lines[1:]), start=2):
        try:
            results.append(Result(**dict(zip(names, map(_value, names, row), strict=True))))
        except ValueError as error:
            raise ParameterError(f"results={path}, line {number}: {error}; mend or remove it") from None
    return results


def append_result(path: Path, result: Result) -> None:
    """Add a line to a table, made if need be; other processes may do so at the same time.

    Raises:
        ParameterError: for a file that is no such table.
    """
    with locked(path, wait=True):
        read_results(path)  # which raises where a line more would not fit
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if path.stat().st_size == 0:
            writer.writerow([field.name for field in fields(Result)])
        values = asdict(result) | {"test_speakers": json.dumps(result.test_speakers)}
        writer.writerow(values.values())
        with path.open("a", encoding="utf-8") as file:
            file.write(text.getvalue())


def _value(name: str, text: str) -> Any:
    """What a cell holds."""
    kind = Result.__annotations__[name]
    if kind in (int, float):
        return kind(text)
    if kind is str:
        return text
    return {speaker: (right, total) for speaker, (right, total) in json.loads(text).items()}
