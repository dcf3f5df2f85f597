r"""From a track of scores to events: what was heard, from when to when.

    scores of one label    __/\_/~~~\___/\__    one for each decision, a hop apart
    smoothed               ___/------\__/\__    mean or median of those around
    on                     ----[-------------    begins where a score reaches `on`,
    off                    -----------]------    ends where one falls below `off`
    event                      [######]          the second is too short, or comes too soon

Nothing here knows of nets or files: a score is a number from 0 to 1, and a time is a number of seconds. An
`EventFinder` is pushed what scores there are; however these are cut into pieces, the events are the same.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from audiocnn.errors import ParameterError, listed
from audiocnn.smoothing import Scores, Smoother

__all__ = ["Clock", "Durations", "Event", "EventConfig", "EventFinder", "find_events", "smooth"]

# what a duration in steps may be off by, from dividing seconds
_ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True)
class Clock:
    """When the decisions of a score track were made.

    Attributes:
        first_seconds: the middle of what the first decision heard.
        hop_seconds: from one decision to the next.
        lag_seconds: from the middle of what a decision heard to its end, where it can be made.

    Raises:
        ParameterError: for a hop that is not positive.
    """

    first_seconds: float = 0.0
    hop_seconds: float = 0.01
    lag_seconds: float = 0.0

    def __post_init__(self) -> None:
        if not self.hop_seconds > 0:
            raise ParameterError(f"hop_seconds={self.hop_seconds} must be positive; 0.01 is usual")

    def seconds(self, step: float) -> float:
        """The middle of what a decision heard; of half a step more or less the border to the next."""
        return self.first_seconds + step * self.hop_seconds

    def steps(self, seconds: float) -> int:
        """The decisions that a duration takes, rounded up."""
        return math.ceil(seconds / self.hop_seconds - _ROUNDING)


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that was heard.

    Attributes:
        label: what it is.
        onset: where it begins, in seconds: half a hop before the middle of the first decision for it.
        offset: where it ends: half a hop behind the middle of the last one.
        peak_score: the highest of its smoothed scores, 0 to 1.
        peak: the middle of the decision with that score, the first of equals.
        known: when enough had been heard to say so: the end of what was heard by the decision that made it
            long enough, and of what that was smoothed by.
    """

    label: str
    onset: float
    offset: float
    peak_score: float
    peak: float
    known: float


@dataclass(frozen=True, kw_only=True)
class EventConfig:
    """What counts as an event.

    Attributes:
        on: the score at which one begins, 0 to 1: for all labels, or for some, the others then never being an
            event.
        off: the score below which it ends, at most `on`; None, or of a label that is not named, takes `on`.
        smoothing: the mean, or the median, of the scores around each; it is centred, and so waits for half
            its length. At the two ends it takes what there is.
        smoothing_seconds: over how long: an odd number of decisions, at least so many; 0 leaves them be.
        merge_seconds: two of a label with a gap of at most so long between are one.
        min_seconds: what is shorter is none.
        refractory_seconds: what begins so soon after an event of the same label is none.
        ignore: labels that are never an event, such as that of silence.

    Raises:
        ParameterError: for a value that cannot work.
    """

    on: float | Mapping[str, float] = 0.5
    off: float | Mapping[str, float] | None = None
    smoothing: Literal["mean", "median"] = "mean"
    smoothing_seconds: float = 0.0
    merge_seconds: float = 0.0
    min_seconds: float = 0.0
    refractory_seconds: float = 0.0
    ignore: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.smoothing not in ("mean", "median"):
            raise ParameterError(f"smoothing={self.smoothing!r} must be 'mean' or 'median'")
        for name in ("smoothing_seconds", "merge_seconds", "min_seconds", "refractory_seconds"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ParameterError(f"{name}={getattr(self, name)} must be a number of seconds, 0 or more")
        for name in ("on", "off"):
            for value in _values(getattr(self, name)):
                if not 0 <= value <= 1:
                    raise ParameterError(f"{name}={value} must be a score, from 0 to 1")

    def thresholds(self, label: str) -> tuple[float, float] | None:
        """Where events of a label begin, and where they end; None for one that is never an event.

        Raises:
            ParameterError: for one that would end above where it begins.
        """
        on = _of(label, self.on)
        if on is None or label in self.ignore:
            return None
        off = _of(label, self.off)
        off = on if off is None else off
        if off > on:
            raise ParameterError(f"off={off} must be at most on={on}, for {label!r} too; leave it out")
        return on, off

    def require_labels(self, labels: Sequence[str]) -> None:
        """Raise `ParameterError` if one is named that is not there, or would end above where it begins."""
        for name in ("on", "off", "ignore"):
            given = getattr(self, name)
            for label in given if isinstance(given, Mapping | tuple) else ():
                if label not in labels:
                    raise ParameterError(f"{name} names {label!r}, which is not among {listed(labels)}")
        for label in labels:
            self.thresholds(label)


@dataclass(frozen=True, kw_only=True)
class Durations:
    """What a config's seconds are in decisions.

    Attributes:
        reach: on either side of a score that it is smoothed over.
        merge: of a gap that is bridged.
        least: of a run that is long enough.
        refractory: from the end of an event to the beginning of the next.
    """

    reach: int
    merge: int
    least: int
    refractory: int

    @classmethod
    def of(cls, config: EventConfig, clock: Clock) -> "Durations":
        """Those of a config where decisions are so far apart."""
        return cls(
            reach=clock.steps(config.smoothing_seconds) // 2,
            merge=math.floor(config.merge_seconds / clock.hop_seconds + _ROUNDING),
            least=max(1, clock.steps(config.min_seconds)),
            refractory=clock.steps(config.refractory_seconds),
        )


def find_events(
    scores: npt.ArrayLike,
    labels: Sequence[str],
    config: EventConfig | None = None,
    clock: Clock | None = None,
) -> list[Event]:
    """The events of a whole score track, in the order of their onset.

    Args:
        scores: `(labels, decisions)`, 0 to 1.
        labels: what the rows are.
        config: what counts as an event.
        clock: when the decisions were made.

    Raises:
        ParameterError: for scores that are not such an array, or a config that does not fit the labels.

    >>> track = [[0.1, 0.2, 0.9, 0.8, 0.6, 0.1]]
    >>> (event,) = find_events(track, ["yes"], EventConfig(on=0.7, off=0.5), Clock(hop_seconds=0.1))
    >>> print(f"{event.label} from {event.onset:.2f} to {event.offset:.2f} s, {event.peak_score}")
    yes from 0.15 to 0.45 s, 0.9
    """
    finder = EventFinder(labels, config, clock)
    return _in_order(finder.push(scores) + finder.flush())


def smooth(scores: npt.ArrayLike, config: EventConfig, clock: Clock) -> Scores:
    """A whole score track `(labels, decisions)` as events are found in it."""
    array = np.asarray(scores, dtype=np.float64)
    smoother = Smoother(len(array), reach=Durations.of(config, clock).reach, how=config.smoothing)
    return np.concatenate((smoother.push(array), smoother.flush()), axis=1)


class EventFinder:
    """Finds the events of a score track that comes in pieces.

    What `push` and `flush` give, sorted, is what `find_events` gives of the whole. An event is given once
    nothing that may still come can change it: `merge_seconds` after its end.

    Args:
        labels: what the rows of the scores are.
        config: what counts as an event.
        clock: when the decisions are made.

    Raises:
        ParameterError: for a config that does not fit the labels.

    >>> finder = EventFinder(["yes"], EventConfig(on=0.7), Clock(hop_seconds=0.1))
    >>> finder.push([[0.1, 0.9]])
    []
    >>> [event.label for event in finder.push([[0.8, 0.2]])]
    ['yes']
    """

    def __init__(
        self, labels: Sequence[str], config: EventConfig | None = None, clock: Clock | None = None
    ) -> None:
        self.labels = tuple(labels)
        self.config = config or EventConfig()
        self.clock = clock or Clock()
        self.config.require_labels(self.labels)
        reach = Durations.of(self.config, self.clock).reach
        self._smoother = Smoother(len(self.labels), reach=reach, how=self.config.smoothing)
        self._runs = {
            i: _Runs(label, *thresholds, self.config, self.clock)
            for i, label in enumerate(self.labels)
            if (thresholds := self.config.thresholds(label))
        }

    def push(self, scores: npt.ArrayLike) -> list[Event]:
        """Take the next scores `(labels, decisions)`; give the events that are over by now.

        Raises:
            ParameterError: for scores of another shape, or that are no numbers.
        """
        return self._find(self._smoother.push(self._checked(scores)))

    def flush(self) -> list[Event]:
        """The end of the track: give the rest. What is pushed afterwards is refused."""
        found = self._find(self._smoother.flush())
        return found + _in_order(event for runs in self._runs.values() for event in runs.flush())

    def _checked(self, scores: npt.ArrayLike) -> Scores:
        array = np.asarray(scores, dtype=np.float64)
        if array.ndim != 2 or len(array) != len(self.labels):
            raise ParameterError(
                f"scores of shape {array.shape} must be ({len(self.labels)}, decisions): a row for each label"
            )
        if not np.isfinite(array).all():
            raise ParameterError("scores hold values that are not finite; nothing can be said of these")
        return array

    def _find(self, smoothed: Scores) -> list[Event]:
        return _in_order(event for i, runs in self._runs.items() for event in runs.push(smoothed[i]))


@dataclass
class _Open:
    """What may become an event; its times are decisions."""

    start: int
    stop: int
    peak_score: float
    peak: int
    known: int | None


class _Runs:
    """The runs of one label's scores above its thresholds, and which of them are events."""

    def __init__(self, label: str, on: float, off: float, config: EventConfig, clock: Clock) -> None:
        self.label, self.on, self.off, self.clock = label, on, off, clock
        self.durations = Durations.of(config, clock)
        self.now = 0  # decisions so far
        self.is_on = False
        self.open: _Open | None = None
        self.last_stop: int | None = None

    def push(self, scores: Scores) -> list[Event]:
        """Take the next scores; give the events that are over."""
        found: list[Event] = []
        begins, ends = np.flatnonzero(scores >= self.on), np.flatnonzero(scores < self.off)
        i, base = 0, self.now
        while True:
            if not self.is_on:
                i = _next(begins, i, len(scores))
                self._close_before(base + i, found)
                if i == len(scores):
                    break
                self.is_on = True
                if self.open is None:
                    self.open = _Open(base + i, base + i, -1.0, base + i, None)
            stop = _next(ends, i, len(scores))
            self._extend(scores[i:stop], base + i)
            self.is_on = stop == len(scores)
            if self.is_on:
                break
            i = stop
        self.now = base + len(scores)
        return found

    def flush(self) -> list[Event]:
        """The end of the track: give the event that is open, if it is one."""
        found: list[Event] = []
        self._close_before(None, found)
        return found

    def _extend(self, scores: Scores, start: int) -> None:
        """Add scores of a run to what is open."""
        if len(scores) == 0:
            return
        assert self.open is not None
        self.open.stop = start + len(scores)
        best = int(scores.argmax())
        if scores[best] > self.open.peak_score:
            self.open.peak_score, self.open.peak = float(scores[best]), start + best
        enough = max(self.open.start + self.durations.least - 1, start)
        if self.open.known is None and enough < self.open.stop:
            self.open.known = enough

    def _close_before(self, step: int | None, found: list[Event]) -> None:
        """Close what is open, unless a run that begins at this decision would be one with it."""
        run = self.open
        if run is None or (step is not None and step - run.stop <= self.durations.merge):
            return
        self.open, self.is_on = None, False
        too_soon = self.last_stop is not None and run.start - self.last_stop < self.durations.refractory
        if run.known is None or too_soon:
            return
        self.last_stop = run.stop
        clock = self.clock
        found.append(
            Event(
                label=self.label,
                onset=clock.seconds(run.start - 0.5),
                offset=clock.seconds(run.stop - 0.5),
                peak_score=run.peak_score,
                peak=clock.seconds(run.peak),
                known=clock.seconds(run.known + self.durations.reach) + clock.lag_seconds,
            )
        )


def _in_order(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=lambda event: (event.onset, event.label))


def _next(places: npt.NDArray[np.intp], start: int, end: int) -> int:
    """The first of some rising places that is not before `start`, or `end`."""
    k = int(np.searchsorted(places, start))
    return int(places[k]) if k < len(places) else end


def _values(threshold: float | Mapping[str, float] | None) -> Iterable[float]:
    if isinstance(threshold, Mapping):
        return threshold.values()
    return () if threshold is None else (threshold,)


def _of(label: str, threshold: float | Mapping[str, float] | None) -> float | None:
    return threshold.get(label) if isinstance(threshold, Mapping) else threshold
