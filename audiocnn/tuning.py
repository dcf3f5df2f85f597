"""From recordings whose words are known to the thresholds that a classifier listens with.

    words that stand alone     _[yes]_   _[no]_          are they found?
    words in long recordings   ___[yes]______[no]___     are they, and how often is one where none was said?
    negatives                  _____________________     how often is one?
                                  scores of labels
                                         |
                    sweep of every threshold - curve - choice - EventConfig

The rules of counting are those of `operating_point`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from audiocnn.classifier import Classifier
from audiocnn.det_curve import draw_curves
from audiocnn.errors import ParameterError, list_problems, listed
from audiocnn.events import Clock, EventConfig, find_events
from audiocnn.operating_point import OperatingPoint, choose_point, count_events, in_all
from audiocnn.point_table import format_points, name_together, point_values
from audiocnn.recordings import Recording, listen, recordings_of
from audiocnn.threshold_sweep import Track, sweep
from audiocnn.trade_off import best_together

__all__ = ["Judgement", "Recording", "Tuning", "judge", "recordings_of", "tune"]


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is found, missed and false at the thresholds of labels.

    Attributes:
        points: of each label.
        hours: of recordings, words by themselves left out.
        tolerance_seconds: how far from a word an event still counted for it.
    """

    points: Mapping[str, OperatingPoint]
    hours: float
    tolerance_seconds: float = 0.3

    @property
    def total(self) -> OperatingPoint:
        """Of all labels together."""
        return in_all(self.points.values(), threshold=None, hours=self.hours)

    def __str__(self) -> str:
        """The report for the terminal."""
        return format_points(self.points, self.total, tolerance=self.tolerance_seconds)

    def as_dict(self) -> dict[str, object]:
        """The report as plain values, for JSON."""
        return {
            "hours": self.hours,
            "tolerance_seconds": self.tolerance_seconds,
            "labels": {label: point_values(point) for label, point in self.points.items()},
            "all": point_values(self.total),
        }


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """The thresholds that were found, and what others would give.

    Attributes:
        points: of each label the best thresholds, in rising order, as `threshold_sweep.sweep` gives them.
        together: what can be had for what of all labels together, the fewest false alarms first.
        chosen: what comes of those that were chosen.
        config: these, with the smoothing and the durations that they hold for.
        hop_seconds: from one decision to the next.
        max_fa_per_hour: what was allowed to all labels together.
    """

    points: Mapping[str, list[OperatingPoint]]
    together: list[OperatingPoint]
    chosen: Judgement
    config: EventConfig
    hop_seconds: float
    max_fa_per_hour: float

    def store(self, classifier: Classifier) -> None:
        """Make the thresholds and the hop those of a classifier: what it listens with unless told otherwise.

        `Classifier.save` writes them with it.
        """
        classifier.config = replace(classifier.config, events=self.config, hop_seconds=self.hop_seconds)

    def rows(self) -> list[dict[str, object]]:
        """A row for each of `points`, with its label and whether it was chosen."""
        return [
            {"label": label, **point_values(point), "chosen": point == self.chosen.points[label]}
            for label, points in self.points.items()
            for point in points
        ]

    def draw(self, path: Path) -> None:
        """Write a picture of what can be had for what: misses against false alarms, of each label and of all.

        Raises:
            ParameterError: for an ending that matplotlib does not write.
        """
        if len(self.points) == 1:
            draw_curves(path, self.points, self.chosen.points)
            return
        together = name_together(self.points)
        curves = {**self.points, together: self.together}
        draw_curves(path, curves, {**self.chosen.points, together: self.chosen.total}, together=together)

    def __str__(self) -> str:
        """The report for the terminal."""
        of_all = f", of {len(self.points)} labels together" if len(self.points) > 1 else ""
        alarms = f"false alarm{'' if self.max_fa_per_hour == 1 else 's'}"
        return f"at most {self.max_fa_per_hour:g} {alarms} an hour{of_all}\n\n{self.chosen}"


def tune(
    classifier: Classifier,
    recordings: Sequence[Recording],
    *,
    labels: Sequence[str],
    max_fa_per_hour: float,
    events: EventConfig | None = None,
    hop_seconds: float | None = None,
    tolerance_seconds: float = 0.3,
) -> Tuning:
    """Find the thresholds of labels that miss the fewest words for the false alarms that are allowed.

    These are shared out among the labels in the way that misses the fewest words in all, on these recordings.
    How sure that is of others the intervals say.

    Of the scores those of the labels are held, in float32: an hour at a hop of 10 ms takes 1.4 MB a label.

    Args:
        classifier: on any device.
        recordings: of one collection; false alarms are counted in the hours of all.
        labels: words to be found, each with a threshold of its own; others are never an event.
        max_fa_per_hour: false alarms of all labels together.
        events: smoothing and durations; its thresholds are not used.
        hop_seconds: as for `audiocnn.score_track.Scanner`; None takes the net's own.
        tolerance_seconds: how far from a word an event still counts for it.

    Raises:
        ManifestError: listing every recording that cannot be read.
        ParameterError: for labels that the classifier does not know or of which there is no word, recordings
            without a time that has no word, or listing those for which no threshold has so few false alarms.
    """
    if not max_fa_per_hour >= 0:
        raise ParameterError(f"max_fa_per_hour={max_fa_per_hour} must be 0 or more")
    _require_words(classifier, recordings, labels)
    if all(recording.is_clip for recording in recordings):
        raise ParameterError(
            "negatives are missing: words by themselves have no time in which a false alarm could be; name "
            "recordings in which no word is said, or give the words as parts of longer recordings"
        )
    events = events or EventConfig()
    tracks: dict[str, list[Track]] = {label: [] for label in labels}
    hours = 0.0
    clock = Clock()
    for recording, scores, clock, seconds in listen(classifier, recordings, labels, hop_seconds):
        hours += 0.0 if recording.is_clip else seconds / 3600
        for label, row in zip(labels, scores, strict=True):
            tracks[label].append(
                Track(scores=row, clock=clock, truths=recording.truths, has_alarms=not recording.is_clip)
            )
    points = {
        label: sweep(some, label, config=events, hours=hours, tolerance_seconds=tolerance_seconds)
        for label, some in tracks.items()
    }
    together, chosen = _choose(points, hours, max_fa_per_hour)
    thresholds = {label: point.threshold or 0.0 for label, point in chosen.items()}
    return Tuning(
        points=points,
        together=together,
        chosen=Judgement(points=chosen, hours=hours, tolerance_seconds=tolerance_seconds),
        config=replace(events, on=thresholds, off=None, ignore=()),
        hop_seconds=clock.hop_seconds,
        max_fa_per_hour=max_fa_per_hour,
    )


def _choose(
    points: Mapping[str, Sequence[OperatingPoint]], hours: float, max_fa_per_hour: float
) -> tuple[list[OperatingPoint], dict[str, OperatingPoint]]:
    """What can be had of all labels together, and the best point of each, or why some have none."""
    problems = []
    for label, some in points.items():
        try:
            choose_point(some, max_fa_per_hour=max_fa_per_hour)
        except ParameterError as error:
            problems.append(f"{label}: {error}")
    if problems:
        raise ParameterError(list_problems("no threshold does what is asked, for these labels", problems))
    finding = {
        label: [point for point in some if point.misses < point.words] for label, some in points.items()
    }
    ways = best_together(finding, hours=hours)
    together = [total for total, _ in ways]
    best = choose_point(together, max_fa_per_hour=max_fa_per_hour)
    return together, ways[together.index(best)][1]


def judge(
    classifier: Classifier,
    recordings: Sequence[Recording],
    *,
    events: EventConfig | None = None,
    labels: Sequence[str] | None = None,
    hop_seconds: float | None = None,
    tolerance_seconds: float = 0.3,
) -> Judgement:
    """What a classifier finds, misses and takes for a word, at thresholds that are settled.

    Args:
        classifier: on any device.
        recordings: as for `tune`; other ones, or the figures are better than they will be.
        events: what counts as an event; None takes what the classifier was tuned to, if it was, or an
            `EventConfig()`.
        labels: that are judged; None takes those that `events` has thresholds of their own for, or all words
            that are said.
        hop_seconds: None takes that which the classifier was tuned at, or the net's own.
        tolerance_seconds: as for `tune`.

    Raises:
        ManifestError: listing every recording that cannot be read.
        ParameterError: for labels that the classifier does not know, or that are never an event.
    """
    events = events or classifier.config.events or EventConfig()
    if labels is None:
        said = {truth.label for recording in recordings for truth in recording.truths}
        wanted = set(events.on) - set(events.ignore) if isinstance(events.on, Mapping) else said
        labels = [label for label in classifier.labels if label in wanted] + sorted(
            wanted - set(classifier.labels)
        )
    classifier.require_labels(labels)
    events.require_labels(classifier.labels)
    thresholds = {label: _thresholds(label, events) for label in labels}
    own = replace(
        events,
        on={label: on for label, (on, _) in thresholds.items()},
        off={label: off for label, (_, off) in thresholds.items()},
        ignore=(),
    )
    parts: dict[str, list[OperatingPoint]] = {label: [] for label in labels}
    hours = 0.0
    hop = classifier.config.hop_seconds if hop_seconds is None else hop_seconds
    for recording, scores, clock, seconds in listen(classifier, recordings, labels, hop):
        hours += 0.0 if recording.is_clip else seconds / 3600
        found = find_events(scores, labels, own, clock)
        for label in labels:
            point = count_events(
                [event for event in found if event.label == label],
                [truth for truth in recording.truths if truth.label == label],
                threshold=thresholds[label][0],
                hours=hours,
                tolerance_seconds=tolerance_seconds,
            )
            parts[label].append(replace(point, false_alarms=0) if recording.is_clip else point)
    return Judgement(
        points={
            label: in_all(some, threshold=thresholds[label][0], hours=hours) for label, some in parts.items()
        },
        hours=hours,
        tolerance_seconds=tolerance_seconds,
    )


def _thresholds(label: str, events: EventConfig) -> tuple[float, float]:
    thresholds = events.thresholds(label)
    if thresholds is None:
        raise ParameterError(f"labels names {label!r}, which is never an event; give it a threshold in on")
    return thresholds


def _require_words(classifier: Classifier, recordings: Iterable[Recording], labels: Sequence[str]) -> None:
    classifier.require_labels(labels)
    said = {truth.label for recording in recordings for truth in recording.truths}
    for label in labels:
        if label not in said:
            known = listed(sorted(said)) or "none"
            raise ParameterError(f"labels names {label!r}, of which there is no positive; there are {known}")
