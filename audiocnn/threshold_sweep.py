r"""Every threshold that makes a difference, over the scores of any number of recordings.

    scores of one label in        recording 1     recording 2     recording 3
    smoothed, on one line         __/\_/~~\__  -  __/~\___  -  ____/\__
    a threshold that falls        = = = = = = = = = = = = = = = = = = = =     misses, false alarms

What counts as found, missed and false is said in `operating_point`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audiocnn.errors import ParameterError
from audiocnn.events import Clock, Durations, EventConfig, smooth
from audiocnn.falling_threshold import FallingThreshold, Places
from audiocnn.operating_point import OperatingPoint, Truth, require_counts
from audiocnn.smoothing import Scores

__all__ = ["Track", "sweep"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Track:
    """The scores of one label in one recording, and what is true of it.

    Attributes:
        scores: `(decisions,)`, 0 to 1.
        clock: when these were made.
        truths: what is there, of any label.
        has_alarms: whether an event that is no word's is a false alarm; False to look for words alone.
    """

    scores: npt.ArrayLike
    clock: Clock
    truths: Sequence[Truth] = field(default=())
    has_alarms: bool = True


def sweep(
    tracks: Sequence[Track],
    label: str,
    *,
    config: EventConfig,
    hours: float,
    least: float = 0.05,
    tolerance_seconds: float = 0.3,
) -> list[OperatingPoint]:
    """The best of every distinct threshold, in rising order; an event ends where it would not begin.

    Nothing changes between two neighbouring values of the smoothed scores, and so a threshold midway between
    each two of these is tried. Given are those with fewer misses than all others of as few false alarms; of
    equals the highest. That is the curve of what can be had for what: a point for each number of misses at
    most.

    Args:
        tracks: of one label, in any number of recordings, with one hop.
        label: what they are of; truths of others are not looked at.
        config: says smoothing and durations; its thresholds are not used.
        hours: that were listened to, in all recordings together.
        least: thresholds below this are not tried.
        tolerance_seconds: as for `count_events`.

    Raises:
        ParameterError: for no track, tracks of different hops, and what `count_events` refuses.

    >>> yes = [Truth(label="yes", onset=onset, offset=onset + 0.5) for onset in (3.0, 7.0)]
    >>> scores = [0.0, 0.5, 0.0, 0.9, 0.0, 0.2, 0.0, 0.3, 0.0]  # a decision each second
    >>> heard = Track(scores=scores, clock=Clock(hop_seconds=1.0), truths=yes)
    >>> points = sweep([heard], "yes", config=EventConfig(), hours=2.0)
    >>> [(round(point.threshold, 3), point.misses, point.false_alarms) for point in points]
    [(0.25, 0, 1), (0.7, 1, 0)]
    """
    require_counts(hours, tolerance_seconds)
    hops = sorted({track.clock.hop_seconds for track in tracks})
    if len(hops) != 1:
        raise ParameterError(f"tracks have the hops {hops}; give tracks, all with the same")
    line = _line_up(tracks, label, config, tolerance_seconds)
    falling = FallingThreshold(Durations.of(config, tracks[0].clock), line.places, line.counted)
    steps = np.flatnonzero(line.smoothed > least)
    steps = steps[np.argsort(-line.smoothed[steps], kind="stable")]
    values, firsts = np.unique(-line.smoothed[steps], return_index=True)
    at_least = np.flatnonzero(line.smoothed == least)
    groups = [*np.split(steps, firsts[1:]), at_least] if len(steps) else [at_least]
    thresholds = _midway([*(-values).tolist(), least])
    fewest: dict[int, OperatingPoint] = {}  # false alarms, for so many misses
    for threshold, group in zip(thresholds, groups, strict=True):
        for step in group.tolist():
            falling.reach(step)
        best = fewest.get(falling.misses)
        if best is None or falling.false_alarms < best.false_alarms:
            fewest[falling.misses] = OperatingPoint(
                threshold=threshold,
                words=len(line.words),
                misses=falling.misses,
                false_alarms=falling.false_alarms,
                hours=hours,
                latencies=line.latencies(falling.known),
            )
    return _best(fewest.values())


def _best(points: Iterable[OperatingPoint]) -> list[OperatingPoint]:
    """Those that no other is as good as, in rising order of the threshold."""
    kept: list[OperatingPoint] = []
    for point in sorted(points, key=lambda point: point.misses):
        if not kept or point.false_alarms < kept[-1].false_alarms:
            kept.append(point)
    return sorted(kept, key=lambda point: point.threshold or 0.0)


class _Line(NamedTuple):
    """Tracks one behind the other, too far apart for anything to reach from one into the next.

    Attributes:
        smoothed: the scores, with -1 between them.
        counted: where events can be false alarms.
        words: what is to be found.
        places: where.
        clocks: of each word, when the decisions of the whole line were made.
        reach: decisions that smoothing waits for.
    """

    smoothed: Scores
    counted: npt.NDArray[np.bool_]
    words: list[Truth]
    places: Places
    clocks: list[tuple[Clock, int]]
    reach: int

    def latencies(self, known: Sequence[int]) -> tuple[float, ...]:
        """From the end of each word that is found to when that was known."""
        return tuple(
            clock.seconds(step - begin + self.reach) + clock.lag_seconds - word.offset
            for word, (clock, begin), step in zip(self.words, self.clocks, known, strict=True)
            if step >= 0
        )


def _line_up(tracks: Sequence[Track], label: str, config: EventConfig, tolerance: float) -> _Line:
    durations = Durations.of(config, tracks[0].clock)
    apart = max(durations.merge, durations.refractory) + 1
    smoothed, counted, words, clocks = [], [], [], []
    places: list[tuple[int, int, int]] = []
    begin = 0
    for track in tracks:
        scores = smooth(np.asarray(track.scores, dtype=np.float64)[None], config, track.clock)[0]
        own = [truth for truth in track.truths if truth.label == label]
        steps = np.arange(len(scores) + 1)
        first, hop = track.clock.first_seconds, track.clock.hop_seconds
        edges = first + (steps - 0.5) * hop
        known = first + (steps + durations.reach) * hop + track.clock.lag_seconds
        for word in own:
            before = np.searchsorted(edges, word.offset + tolerance)
            after = np.searchsorted(edges, word.onset - tolerance, side="right")
            heard = np.searchsorted(known, word.onset - tolerance, side="right")
            places.append((begin + int(before), begin + int(after), begin + int(heard)))
        words += own
        clocks += [(track.clock, begin)] * len(own)
        smoothed += [scores, np.full(apart, -1.0)]
        counted.append(np.full(len(scores) + apart, track.has_alarms))
        begin += len(scores) + apart
    columns = np.array(places, dtype=np.int64).reshape(-1, 3).T
    return _Line(
        np.concatenate(smoothed), np.concatenate(counted), words, Places(*columns), clocks, durations.reach
    )


def _midway(values: Sequence[float]) -> list[float]:
    """For each of some falling values what lies midway between it and the next, the last itself."""
    middles = [(high + low) / 2 for high, low in zip(values, values[1:], strict=False)]
    # of two floats next to each other the lower may come out
    return [
        *(m if m > low else high for m, high, low in zip(middles, values, values[1:], strict=False)),
        values[-1],
    ]
