"""What is found and missed while a threshold falls: of each step only what it changes is looked at.

    threshold 0.9        []          []            a decision that reaches the threshold begins a run,
    threshold 0.8       [==]    []   []            is added to its neighbours,
    threshold 0.7       [=======]    []            or makes one run of two

A run is an event, or none, by the durations of `EventConfig`: the events are those of `events.EventFinder`
where one ends at the score at which it begins. There are as many steps as distinct scores, and a step costs
about the same in an hour as in a minute. All here is counted in decisions.
"""

from bisect import bisect_left, bisect_right
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audiocnn.events import Durations

__all__ = ["FallingThreshold", "Places"]

Steps = npt.NDArray[np.int64]


class Places(NamedTuple):
    """Where the events of words are: `(words,)` each, in decisions.

    Attributes:
        before: such an event begins before this decision,
        after: ends at this one or behind it: events end before the decision they are said to end at,
        heard: and is known with this one or later.
    """

    before: Steps
    after: Steps
    heard: Steps


class FallingThreshold:
    """The events at a threshold that falls, and which of them are of words.

    Args:
        durations: what is an event.
        places: where words are found.
        counted: `(decisions,)`, whether an event that begins there and is no word's is a false alarm.

    Attributes:
        misses: words that are not found.
        false_alarms: events that are no word's.
        known: of each word the decision with which its first event was known, -1 for one that is missed.

    >>> none = np.zeros(0, dtype=np.int64)
    >>> durations = Durations(reach=0, merge=0, least=2, refractory=0)
    >>> falling = FallingThreshold(durations, Places(none, none, none), np.ones(9, dtype=bool))
    >>> for step in (1, 2, 5, 6, 4, 3):
    ...     falling.reach(step)
    ...     print(falling.false_alarms, end=" ")  # too short, long enough; another; in the end all is one
    0 1 1 2 2 1
    """

    def __init__(self, durations: Durations, places: Places, counted: npt.NDArray[np.bool_]) -> None:
        self._durations, self._places, self._counted = durations, places, counted
        self._reached = bytearray(len(counted))
        # of each run, in the order of time; known is -1 where it is no event
        self._starts: list[int] = []
        self._stops: list[int] = []
        self._known: list[int] = []
        self._false: list[bool] = []
        self.misses = len(places.before)
        self.false_alarms = 0
        self.known = [-1] * self.misses
        # of all words that an event might be of by its beginning, where the first lies
        nearest = np.full(len(counted) + 2, np.iinfo(np.int64).max)
        np.minimum.at(nearest, places.before, places.after)
        self._nearest: list[int] = np.minimum.accumulate(nearest[::-1])[::-1][1:].tolist()

    def reach(self, step: int) -> None:
        """Let the threshold fall to the score of a decision."""
        starts, stops, merge = self._starts, self._stops, self._durations.merge
        self._reached[step] = 1
        behind = bisect_right(starts, step)
        first, last = behind, behind  # the runs that become one with it
        start, stop = step, step + 1
        if behind > 0 and step - stops[behind - 1] <= merge:
            first = behind - 1
            start, stop = starts[first], max(stop, stops[first])
        if behind < len(starts) and starts[behind] - stop <= merge:
            last = behind + 1
            stop = stops[behind]
        self.false_alarms -= sum(self._false[first:last])
        for column, value in ((starts, start), (stops, stop), (self._known, -1)):
            column[first:last] = [value]
        self._false[first:last] = [False]
        self._settle(first)

    def _settle(self, first: int) -> None:
        """Find which runs are events, from one that changed to where nothing else does."""
        starts, stops, durations = self._starts, self._stops, self._durations
        last_stop = self._last_stop(first)
        changed = until = stops[first]
        for run in range(first, len(starts)):
            if run > first and starts[run] - until >= durations.refractory:
                break  # too far from all that changed
            known, was = -1, self._known[run]
            if (
                stops[run] - starts[run] >= durations.least
                and starts[run] - last_stop >= durations.refractory
            ):
                known, last_stop = self._reached.find(1, starts[run] + durations.least - 1), stops[run]
            if run > first and known >= 0 and was >= 0:
                break  # what follows hangs on this one alone
            if known != was:
                self._set(run, known)
                changed = until = stops[run]
        self._find_words(starts[first], changed)

    def _last_stop(self, run: int) -> int:
        """The end of the event before a run, if that is near enough to matter."""
        far = self._starts[run] - self._durations.refractory
        for before in range(run - 1, -1, -1):
            if self._stops[before] <= far:
                break
            if self._known[before] >= 0:
                return self._stops[before]
        return far

    def _set(self, run: int, known: int) -> None:
        self.false_alarms -= self._false[run]
        self._known[run] = known
        self._false[run] = known >= 0 and self._is_false(self._starts[run], self._stops[run], known)
        self.false_alarms += self._false[run]

    def _is_false(self, start: int, stop: int, known: int) -> bool:
        if not self._counted[start]:
            return False
        if self._nearest[start] > stop:
            return True
        before, after, heard = self._places
        return not bool(np.any((before > start) & (after <= stop) & (heard <= known)))

    def _find_words(self, start: int, stop: int) -> None:
        """Look again for the words that events between may be of."""
        if self._nearest[start] > stop:
            return
        before, after, heard = self._places
        for word in np.flatnonzero((before > start) & (after <= stop)).tolist():
            known = self._first(int(before[word]), int(after[word]), int(heard[word]))
            self.misses += (known < 0) - (self.known[word] < 0)
            self.known[word] = known

    def _first(self, before: int, after: int, heard: int) -> int:
        """When the first event of a word was known, or -1."""
        for run in range(bisect_left(self._stops, after), bisect_left(self._starts, before)):
            if self._known[run] >= max(0, heard):
                return self._known[run]
        return -1
