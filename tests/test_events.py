"""Events: what is found in a score track is what its rules say, whole or in pieces."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.errors import ParameterError
from audiocnn.events import Clock, Event, EventConfig, EventFinder, find_events, smooth

TENTH = Clock(hop_seconds=0.1)


def spans(scores, config, clock=TENTH):
    """Onsets and offsets of the events of one label, in hops."""
    events = find_events([scores], ["a"], config, clock)
    return [(round(e.onset / clock.hop_seconds, 6), round(e.offset / clock.hop_seconds, 6)) for e in events]


def test_an_event_lasts_from_on_to_off():
    scores = [0.1, 0.6, 0.9, 0.7, 0.5, 0.3, 0.9]
    (first, last) = find_events([scores], ["a"], EventConfig(on=0.8, off=0.5), TENTH)
    assert first == Event(
        label="a",
        onset=pytest.approx(0.15),
        offset=pytest.approx(0.45),
        peak_score=0.9,
        peak=pytest.approx(0.2),
        known=pytest.approx(0.2),
    )
    assert last.onset == pytest.approx(0.55) and last.offset == pytest.approx(0.65)  # open at the end
    # without `off` it ends where it would not begin
    assert spans(scores, EventConfig(on=0.8)) == [(1.5, 2.5), (5.5, 6.5)]
    # a score that is just the threshold begins, and does not end, an event
    assert spans([0.4, 0.8, 0.5, 0.4], EventConfig(on=0.8, off=0.5)) == [(0.5, 2.5)]


def test_times_are_the_middles_of_what_was_heard():
    clock = Clock(first_seconds=0.75, hop_seconds=0.25, lag_seconds=0.75)
    (event,) = find_events([[0, 0, 1, 1, 0]], ["a"], EventConfig(min_seconds=0.5), clock)
    assert (event.onset, event.offset, event.peak) == (1.125, 1.625, 1.25)
    assert event.known == 1.5 + 0.75  # the second decision made it long enough


def test_smoothing_is_centred_and_takes_what_there_is_at_the_ends():
    scores = [0.9, 0.0, 0.0, 0.0, 0.0, 0.9, 0.9]
    mean = EventConfig(on=0.6, smoothing_seconds=0.3)
    # 0.45, 0.3, 0, 0, 0.3, 0.6, 0.9
    assert spans(scores, mean) == [(4.5, 6.5)]
    assert spans(scores, EventConfig(on=0.45, smoothing_seconds=0.3)) == [(-0.5, 0.5), (4.5, 6.5)]
    median = EventConfig(on=0.6, smoothing="median", smoothing_seconds=0.3)
    assert spans([0.0, 0.9, 0.0, 0.9, 0.9, 0.0, 0.0], median) == [(1.5, 4.5)]
    (event,) = find_events([[0, 1, 1, 1, 0]], ["a"], EventConfig(smoothing_seconds=0.3), TENTH)
    assert event.known == pytest.approx(event.onset + 0.05 + 0.1)  # it waits for half of the smoothing


def test_a_long_track_is_smoothed_in_parts_as_if_in_one():
    scores = np.random.default_rng(0).random((2, 10_000))
    config = EventConfig(smoothing="median", smoothing_seconds=0.5)
    expected = [[np.median(row[max(0, i - 2) : i + 3]) for i in range(10_000)] for row in scores]
    np.testing.assert_array_equal(smooth(scores, config, TENTH), expected)


def test_gaps_are_bridged_before_durations_are_asked():
    scores = [1, 0, 0, 1, 0, 0, 0, 1]
    assert spans(scores, EventConfig()) == [(-0.5, 0.5), (2.5, 3.5), (6.5, 7.5)]
    assert spans(scores, EventConfig(merge_seconds=0.2)) == [(-0.5, 3.5), (6.5, 7.5)]
    assert spans(scores, EventConfig(merge_seconds=0.2, min_seconds=0.4)) == [(-0.5, 3.5)]
    (event,) = find_events([scores], ["a"], EventConfig(merge_seconds=0.2, min_seconds=0.2), TENTH)
    assert event.known == pytest.approx(0.3)  # in the gap there was nothing to say


def test_what_comes_too_soon_is_no_event_and_delays_no_other():
    scores = [1, 0, 1, 0, 1, 0, 0, 1]
    assert spans(scores, EventConfig(refractory_seconds=0.2)) == [(-0.5, 0.5), (3.5, 4.5), (6.5, 7.5)]
    # nor does one that is too short itself
    scores = [1, 0, 1, 1, 0, 1]
    assert spans(scores, EventConfig(refractory_seconds=0.3, min_seconds=0.2)) == [(1.5, 3.5)]


def test_each_label_has_its_thresholds_and_some_none():
    scores = [[0.5, 0.5], [0.5, 0.5], [1.0, 1.0]]
    config = EventConfig(on={"a": 0.4, "b": 0.6}, off={"a": 0.2, "b": 0.5}, ignore=("silence",))
    assert [event.label for event in find_events(scores, ["a", "b", "silence"], config)] == ["a"]
    config = EventConfig(on={"b": 0.4}, off={})  # which names those that count
    assert [event.label for event in find_events(scores, ["a", "b", "silence"], config)] == ["b"]


def reference(scores, config, hop):
    """The rules, decision by decision, for one label; onset, offset and peak in decisions."""
    n, reach = len(scores), int(np.ceil(config.smoothing_seconds / hop - 1e-6)) // 2
    how = {"mean": np.mean, "median": np.median}[config.smoothing]
    smoothed = [float(how(scores[max(0, i - reach) : i + reach + 1])) for i in range(n)]
    off = config.on if config.off is None else config.off
    runs, on = [], False
    for i, score in enumerate(smoothed):
        on = score >= (off if on else config.on)
        if on and (not runs or runs[-1][-1] != i - 1):
            runs.append([i])
        elif on:
            runs[-1].append(i)
    merged = []
    for run in runs:
        if merged and (run[0] - merged[-1][-1] - 1) * hop <= config.merge_seconds + 1e-6 * hop:
            merged[-1] += run
        else:
            merged.append(list(run))
    found, last = [], None
    for run in merged:
        if (run[-1] + 1 - run[0]) * hop < config.min_seconds - 1e-6 * hop:
            continue
        if last is not None and (run[0] - last - 1) * hop < config.refractory_seconds - 1e-6 * hop:
            continue
        last = run[-1]
        found.append((run[0], run[-1], max(run, key=lambda i: smoothed[i])))
    return found


durations = st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.3, 0.5])


@settings(max_examples=300, deadline=None)
@given(
    scores=st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=6),
    thresholds=st.sampled_from([(0.5, None), (0.75, 0.5), (1.0, 0.25), (0.25, 0.25)]),
    smoothing=st.sampled_from(["mean", "median"]),
    times=st.tuples(durations, durations, durations, durations),
)
def test_however_a_track_is_cut_its_events_are_those_of_the_rules(scores, cuts, thresholds, smoothing, times):
    smooth, merge, least, refractory = times
    config = EventConfig(
        on=thresholds[0],
        off=thresholds[1],
        smoothing=smoothing,
        smoothing_seconds=smooth,
        merge_seconds=merge,
        min_seconds=least,
        refractory_seconds=refractory,
    )
    whole = find_events([scores, scores[::-1]], ["a", "b"], config, TENTH)
    finder, pieces = EventFinder(["a", "b"], config, TENTH), []
    bounds = sorted({0, len(scores), *(cut for cut in cuts if cut < len(scores))})
    track = np.array([scores, scores[::-1]])
    for start, stop in zip(bounds, bounds[1:], strict=False):
        pieces += finder.push(track[:, start:stop])
    pieces += finder.flush()
    assert sorted(pieces, key=lambda event: (event.onset, event.label)) == whole  # to the bit
    for label, row in (("a", scores), ("b", scores[::-1])):
        found = [event for event in whole if event.label == label]
        expected = reference(row, config, 0.1)
        assert [(e.onset, e.offset, e.peak) for e in found] == [
            (TENTH.seconds(first - 0.5), TENTH.seconds(last + 0.5), TENTH.seconds(peak))
            for first, last, peak in expected
        ]


def test_an_event_is_given_as_soon_as_nothing_can_change_it():
    finder = EventFinder(["a"], EventConfig(merge_seconds=0.2, smoothing_seconds=0.3, on=0.6), TENTH)
    given = [len(finder.push([[score]])) for score in [0, 1, 1, 1, 0, 0, 0, 0, 0, 0]]
    # smoothed by one more on each side it ends with the fourth; a gap of two is waited for
    assert given == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    assert finder.flush() == []


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EventConfig(on=1.5), "on=1.5 must be a score, from 0 to 1"),
        (lambda: EventConfig(off={"a": -1.0}), "off=-1.0 must be a score, from 0 to 1"),
        (lambda: EventConfig(smoothing="max"), "smoothing='max' must be 'mean' or 'median'"),
        (
            lambda: EventConfig(min_seconds=-1.0),
            "min_seconds=-1.0 must be a number of seconds, 0 or more",
        ),
        (
            lambda: EventConfig(merge_seconds=float("nan")),
            "merge_seconds=nan must be a number of seconds, 0 or more",
        ),
        (lambda: Clock(hop_seconds=0.0), "hop_seconds=0.0 must be positive; 0.01 is usual"),
        (
            lambda: EventFinder(["a"], EventConfig(off=0.9)),
            "off=0.9 must be at most on=0.5, for 'a' too; leave it out",
        ),
        (
            lambda: EventFinder(["a", "b"], EventConfig(on={"c": 0.5})),
            "on names 'c', which is not among a, b",
        ),
        (
            lambda: EventFinder(["a", "b"], EventConfig(ignore=("c",))),
            "ignore names 'c', which is not among a, b",
        ),
        (
            lambda: find_events([0.5, 0.5], ["a"]),
            "scores of shape (2,) must be (1, decisions): a row for each label",
        ),
        (
            lambda: find_events([[0.5, float("nan")]], ["a"]),
            "scores hold values that are not finite; nothing can be said of these",
        ),
    ],
)
def test_what_cannot_work_is_said(make, message):
    with pytest.raises(ParameterError) as caught:
        make()
    assert str(caught.value) == message


def test_a_flushed_track_is_over():
    finder = EventFinder(["a"])
    finder.flush()
    with pytest.raises(ParameterError, match="the track was flushed, which ends it; make a new EventFinder"):
        finder.push([[0.5]])
