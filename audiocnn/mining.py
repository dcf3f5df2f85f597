"""Hard negatives: what a classifier takes for a word in hours where nobody says it, for its next training.

    hours          |------------------------------------------------|
    events            (--)        (-)  (---)               (--)         of the labels, whatever their score
    said                                [yes]                           what is true is no false alarm
    windows         [======]    [======]                 [======]       what the decision at each peak heard
                      0.7         0.9                      0.4          the best are kept

Of windows that overlap the better is kept. However long the hours are, the memory they take is that of the
false alarms that are asked for.
"""

import math
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from audiocnn import audio
from audiocnn.classifier import BLOCK_SECONDS, Classifier
from audiocnn.data.manifest import Clip, write_manifest
from audiocnn.errors import ParameterError
from audiocnn.events import Event, EventConfig
from audiocnn.stream import Listener

__all__ = ["FalseAlarm", "Miner", "write_false_alarms"]


@dataclass(frozen=True, kw_only=True)
class FalseAlarm:
    """A part of a recording that was taken for what it is not.

    Attributes:
        clip: what the decision with the highest score heard of the recording; it has no label.
        taken_for: the label that it got.
        score: the highest of the event's smoothed scores, 0 to 1.
    """

    clip: Clip
    taken_for: str
    score: float


class Miner:
    """Listens to recordings and keeps the false alarms with the highest scores.

    They are those that one gets who takes the best first, and leaves out what overlaps one that was taken; of
    equals the earlier is better.

    Args:
        classifier: on any device.
        labels: whose events are false alarms.
        most: how many are kept.
        per_file: how many of one recording at most; None sets no limit.
        events: what counts as an event; None takes what the classifier was tuned to, if it was, or an
            `EventConfig()`. An event gives one false alarm, however long it is.
        hop_seconds: from one decision to the next, as for `audiocnn.stream.Listener`.
        truths: stretches of recordings where a label is really said, or, of a clip without a label, any of
            them. A window that overlaps one is no false alarm: it holds some of the word.

    Raises:
        ParameterError: for values that cannot work, or labels that the classifier does not have.

    >>> import tempfile, numpy, soundfile
    >>> from audiocnn import load
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     hiss = 0.1 * numpy.random.default_rng(0).standard_normal(5 * 16000)
    ...     soundfile.write(f"{folder}/hiss.wav", hiss, 16000)
    ...     miner = Miner(load("demo"), labels=["silence"], most=2, events=EventConfig(on=0.3))
    ...     miner.listen(Clip(path=Path(f"{folder}/hiss.wav"), label=None))
    >>> [(alarm.taken_for, alarm.clip.stop - alarm.clip.start <= 1.45) for alarm in miner.best]
    [('silence', True)]
    """

    def __init__(
        self,
        classifier: Classifier,
        *,
        labels: Sequence[str],
        most: int = 200,
        per_file: int | None = None,
        events: EventConfig | None = None,
        hop_seconds: float | None = None,
        truths: Iterable[Clip] = (),
    ) -> None:
        for name, value in (("most", most), ("per_file", per_file)):
            if value is not None and value < 1:
                raise ParameterError(f"{name}={value} must be a positive integer")
        classifier.require_labels(labels)
        config = events or classifier.config.events or EventConfig()
        for label in labels:
            if config.thresholds(label) is None:
                raise ParameterError(
                    f"labels names {label!r}, which is never an event; give it a score in on"
                )
        others = tuple(label for label in classifier.labels if label not in labels)
        self.classifier = classifier
        self.most = most
        self.per_file = most if per_file is None else min(most, per_file)
        self._listener = Listener(
            classifier,
            hop_seconds=hop_seconds,
            past="silence",
            events=replace(config, ignore=(*config.ignore, *others)),
        )
        rate = classifier.sample_rate
        hop = hop_seconds or classifier.config.hop_seconds or classifier.geometry.stride / rate
        self._half = classifier.window / rate / 2
        # the best of a recording are among so many: each keeps out those whose peaks are less than a window
        # away, and two events of a label are two decisions apart at least
        self._enough = self.per_file * (1 + len(labels) * math.ceil(2 * self._half / hop))
        self._said: dict[Path, list[Clip]] = defaultdict(list)
        for truth in truths:
            if truth.label is None or truth.label in labels:
                self._said[truth.path.resolve()].append(truth)
        self._best: list[FalseAlarm] = []

    @property
    def best(self) -> list[FalseAlarm]:
        """The false alarms that are kept by now, the best first."""
        return list(self._best)

    def listen(self, clip: Clip) -> None:
        """Listen to a recording, or to a part of one.

        Args:
            clip: of which only the file, start and stop count.

        Raises:
            AudioReadError: for a recording that cannot be read; what was found before the damage counts.
            ParameterError: if it ends before the part begins, or has another sample rate and the
                classifier refuses such.
        """
        self.classifier.require_rate_of(clip.path)
        self._listener.reset()
        self._listener.skip(clip.start)
        found: list[FalseAlarm] = []
        blocks = audio.blocks(
            clip.path,
            block_seconds=BLOCK_SECONDS,
            sample_rate=self.classifier.sample_rate,
            start_seconds=clip.start,
            stop_seconds=clip.stop,
        )
        try:
            for block in blocks:
                found += self._false_alarms(self._listener.hear(block).events, clip)
                if len(found) > 2 * self._enough:
                    found = _best_first(found)[: self._enough]
        finally:
            found += self._false_alarms(self._listener.finish().events, clip)
            end = self._listener.seconds
            whole = [replace(alarm, clip=_until(end, alarm.clip)) for alarm in found]
            self._best = _apart(self._best + _apart(whole, self.per_file), self.most)

    def _false_alarms(self, events: Iterable[Event], clip: Clip) -> list[FalseAlarm]:
        """Those of a recording's events whose window holds nothing that is said."""
        said, alarms = self._said.get(clip.path.resolve(), ()), []
        for event in events:
            heard = Clip(
                path=clip.path,
                label=None,
                start=round(max(clip.start, event.peak - self._half), 6),
                stop=round(event.peak + self._half, 6),
            )
            if not any(_overlap(heard, truth) for truth in said):
                alarms.append(FalseAlarm(clip=heard, taken_for=event.label, score=event.peak_score))
        return alarms


def _best_first(alarms: Iterable[FalseAlarm]) -> list[FalseAlarm]:
    return sorted(alarms, key=lambda alarm: (-alarm.score, alarm.clip.start, alarm.taken_for))


def _apart(alarms: Iterable[FalseAlarm], most: int) -> list[FalseAlarm]:
    """The best that do not overlap, so many at most, the best first."""
    taken: list[FalseAlarm] = []
    for alarm in _best_first(alarms):
        if len(taken) == most:
            break
        if not any(alarm.clip.path == one.clip.path and _overlap(alarm.clip, one.clip) for one in taken):
            taken.append(alarm)
    return taken


def _overlap(one: Clip, other: Clip) -> bool:
    """Whether two parts of a recording have some time in common."""
    return one.start < _stop(other) and other.start < _stop(one)


def _stop(clip: Clip) -> float:
    return math.inf if clip.stop is None else clip.stop


def _until(seconds: float, clip: Clip) -> Clip:
    """A clip that goes no farther."""
    return replace(clip, stop=min(_stop(clip), round(seconds, 6)))


def write_false_alarms(
    path: str | os.PathLike[str], alarms: Sequence[FalseAlarm], *, label: str, beside: Sequence[Clip] = ()
) -> None:
    """Write false alarms as a manifest, for a training that shall tell them from the word.

    The columns `score` and `taken_for`, which no reading of manifests looks at, say why they are there.

    Args:
        path: the CSV file to write; its folder must exist.
        alarms: what to write.
        label: that they are to be learned as.
        beside: other clips to learn from, written before them; where these have splits, false alarms are of
            the training part.

    Raises:
        ManifestError: if some clips beside have a label and others none.
    """
    split = "train" if any(clip.split for clip in beside) else None
    mined = [replace(alarm.clip, label=label, split=split) for alarm in alarms]
    blank = [""] * len(beside)
    write_manifest(
        path,
        [*beside, *mined],
        more={
            "score": blank + [f"{alarm.score:.9g}" for alarm in alarms],
            "taken_for": blank + [alarm.taken_for for alarm in alarms],
        },
    )
