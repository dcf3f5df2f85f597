"""Where to set a threshold: how many words are missed, against how many false alarms an hour.

    truth           [yes]              [yes]                        what is said when
    events           (--)  (-)                     (-)              what is found at one threshold
                     hit   the same   miss         false alarm

Grouping rule. A word is found if an event of its label overlaps it that was not known before the word began,
`tolerance_seconds` before and behind it included both times; it is missed otherwise. All such events are that
word's, however many: they count once. Any other event is a false alarm, and counts once however long it is;
`merge_seconds` and `refractory_seconds` of `EventConfig` say which are one. An event that was on long before
the word is none of its own, or else one that never ends would find every word at the cost of no alarm.

The intervals are exact: of misses, Clopper & Pearson 1934, "The Use of Confidence or Fiducial Limits
Illustrated in the Case of the Binomial", Biometrika 26; of false alarms an hour, Garwood 1936, "Fiducial
Limits for the Poisson Distribution", Biometrika 28. They take words and alarms for independent, which those
of one speaker, or of one noise, are not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from audiocnn.errors import ParameterError
from audiocnn.events import Event

__all__ = [
    "OperatingPoint",
    "Truth",
    "binomial_interval",
    "choose_point",
    "count_events",
    "in_all",
    "poisson_interval",
    "require_counts",
]

_LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Something that is said, or sounds.

    Attributes:
        label: what it is.
        onset: where it begins, in seconds.
        offset: where it ends.
    """

    label: str
    onset: float
    offset: float


@dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """What comes of one threshold.

    Attributes:
        threshold: the score, 0 to 1; None where labels with thresholds of their own are counted together.
        words: that are there.
        misses: of these.
        false_alarms: events that are none of these.
        hours: that were listened to.
        latencies: of each word that is found, how many seconds behind its end that was known, the first event
            counting; negative where it was known before.
    """

    threshold: float | None
    words: int
    misses: int
    false_alarms: int
    hours: float
    latencies: tuple[float, ...] = ()

    @property
    def miss_rate(self) -> float:
        """Part of the words that are missed, 0 to 1; NaN where there are none."""
        return self.misses / self.words if self.words else float("nan")

    def latency(self, percent: float) -> float:
        """What so many per cent of the words that are found do not exceed, in seconds; NaN for none."""
        return float(np.percentile(self.latencies, percent)) if self.latencies else float("nan")

    @property
    def alarms_per_hour(self) -> float:
        """False alarms in an hour; NaN where no time was listened to that could have some."""
        return self.false_alarms / self.hours if self.hours else float("nan")

    @property
    def miss_interval(self) -> tuple[float, float]:
        """Where the miss rate lies with a confidence of 95 %."""
        return binomial_interval(self.misses, self.words)

    @property
    def alarm_interval(self) -> tuple[float, float]:
        """Where the false alarms in an hour lie, likewise."""
        if not self.hours:
            return 0.0, float("inf")
        low, high = poisson_interval(self.false_alarms)
        return low / self.hours, high / self.hours


def binomial_interval(count: int, of: int, *, level: float = _LEVEL) -> tuple[float, float]:
    """The exact interval of a share, of which `count` in `of` were seen.

    >>> low, high = binomial_interval(0, 100)
    >>> low, round(high, 4)  # 1 - 0.025 ** (1 / 100)
    (0.0, 0.0362)
    """
    from scipy.stats import beta

    tail = (1 - level) / 2
    low = float(beta.ppf(tail, count, of - count + 1)) if count > 0 else 0.0
    high = float(beta.ppf(1 - tail, count + 1, of - count)) if count < of else 1.0
    return low, high


def poisson_interval(count: int, *, level: float = _LEVEL) -> tuple[float, float]:
    """The exact interval of the mean of a number that was seen to be `count`.

    >>> [tuple(round(limit, 3) for limit in poisson_interval(count)) for count in (0, 10)]
    [(0.0, 3.689), (4.795, 18.39)]
    """
    from scipy.stats import chi2

    tail = (1 - level) / 2
    low = float(chi2.ppf(tail, 2 * count)) / 2 if count > 0 else 0.0
    return low, float(chi2.ppf(1 - tail, 2 * count + 2)) / 2


def count_events(
    events: Iterable[Event],
    truths: Iterable[Truth],
    *,
    threshold: float | None,
    hours: float,
    tolerance_seconds: float = 0.3,
) -> OperatingPoint:
    """Count what was found, missed and false, by the rule above.

    Args:
        events: of one label or of several.
        truths: of the same; each is looked for among the events of its label.
        threshold: that the events were found with.
        hours: that were listened to.
        tolerance_seconds: how far from a word an event still counts for it.

    Raises:
        ParameterError: for a negative time or tolerance.

    >>> yes = Truth(label="yes", onset=1.0, offset=1.4)
    >>> early = Event(label="yes", onset=0.9, offset=1.1, peak_score=0.9, peak=1.0, known=1.7)
    >>> late = Event(label="yes", onset=5.0, offset=5.1, peak_score=0.9, peak=5.0, known=5.7)
    >>> point = count_events([early, late], [yes], threshold=0.5, hours=0.5)
    >>> point.misses, point.false_alarms, point.alarms_per_hour, round(point.latencies[0], 3)
    (0, 1, 2.0, 0.3)
    """
    require_counts(hours, tolerance_seconds)
    events, truths = list(events), list(truths)
    starts, ends, known, sounds = (
        np.array([getattr(event, name) for event in events]) for name in ("onset", "offset", "known", "label")
    )
    is_false, latencies = np.ones(len(events), dtype=bool), []
    for truth in truths:
        near = starts < truth.offset + tolerance_seconds
        near &= (ends > truth.onset - tolerance_seconds) & (sounds == truth.label)
        near &= known > truth.onset - tolerance_seconds
        is_false &= ~near
        if near.any():
            latencies.append(float(known[near].min()) - truth.offset)
    return OperatingPoint(
        threshold=threshold,
        words=len(truths),
        misses=len(truths) - len(latencies),
        false_alarms=int(is_false.sum()),
        hours=hours,
        latencies=tuple(latencies),
    )


def choose_point(points: Sequence[OperatingPoint], *, max_fa_per_hour: float) -> OperatingPoint:
    """Of the points with no more false alarms that with the fewest misses; of equals the strictest.

    Raises:
        ParameterError: if none has so few, or none that finds a word where there are some.
    """
    finding = [point for point in points if point.misses < point.words or not point.words]
    # a share of a whole may be off by a rounding
    allowed = [point for point in finding if point.false_alarms <= max_fa_per_hour * point.hours + 1e-9]
    if not finding:
        raise ParameterError(
            "no threshold finds a word, however many false alarms are allowed; leave the label out, or train "
            "on more recordings of it"
        )
    if not allowed:
        fewest = min(point.alarms_per_hour for point in finding)
        raise ParameterError(
            f"max_fa_per_hour={max_fa_per_hour:g} is too few: {fewest:.2f} is the least that can be "
            "had; allow more, or train on what is taken for the word"
        )
    return min(allowed, key=lambda point: (point.misses, -(point.threshold or 0.0)))


def in_all(points: Iterable[OperatingPoint], *, threshold: float | None, hours: float) -> OperatingPoint:
    """What several give together, of other labels in the same time or of one label in several recordings.

    >>> two = [
    ...     OperatingPoint(threshold=0.5, words=2, misses=m, false_alarms=1, hours=1.0) for m in (0, 1)
    ... ]
    >>> point = in_all(two, threshold=0.5, hours=2.0)
    >>> point.miss_rate, point.alarms_per_hour
    (0.25, 1.0)
    """
    points = list(points)
    return OperatingPoint(
        threshold=threshold,
        words=sum(point.words for point in points),
        misses=sum(point.misses for point in points),
        false_alarms=sum(point.false_alarms for point in points),
        hours=hours,
        latencies=tuple(latency for point in points for latency in point.latencies),
    )


def require_counts(hours: float, tolerance_seconds: float) -> None:
    """Raise `ParameterError` for a negative time or tolerance."""
    if not hours >= 0:
        raise ParameterError(f"hours={hours} must be 0 or more: how long was listened")
    if not tolerance_seconds >= 0:
        raise ParameterError(f"tolerance_seconds={tolerance_seconds} must be 0 or more")
