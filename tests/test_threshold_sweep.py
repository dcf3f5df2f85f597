"""A sweep gives what finding events at each threshold by itself gives."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from audiocnn.errors import ParameterError
from audiocnn.events import Clock, Durations, EventConfig, find_events, smooth
from audiocnn.falling_threshold import FallingThreshold
from audiocnn.operating_point import Truth, count_events
from audiocnn.threshold_sweep import Track, _line_up, sweep

CLOCK = Clock(first_seconds=0.5, hop_seconds=0.1, lag_seconds=0.5)


def at(threshold, tracks, config):
    """What one threshold gives, by the one mechanism that finds events: misses, false alarms, latencies."""
    misses = false_alarms = 0
    latencies = ()
    for track in tracks:
        events = find_events([track.scores], ["a"], replace(config, on=threshold), track.clock)
        own = [truth for truth in track.truths if truth.label == "a"]
        point = count_events(events, own, threshold=threshold, hours=1.0)
        misses += point.misses
        false_alarms += point.false_alarms if track.has_alarms else 0
        latencies += point.latencies
    return misses, false_alarms, latencies


def distinct(tracks, config, least):
    """Thresholds that reach different decisions, in falling order."""
    smoothed = np.concatenate([smooth([track.scores], config, track.clock)[0] for track in tracks])
    return sorted({least, *smoothed[smoothed > least].tolist()}, reverse=True)


scores = st.lists(st.integers(0, 20).map(lambda k: k / 20), max_size=50)
truths = st.lists(
    st.builds(
        lambda label, onset, length: Truth(label=label, onset=onset, offset=onset + length),
        st.sampled_from(["a", "a", "a", "b"]),
        st.integers(-3, 60).map(lambda k: k / 10),
        st.integers(0, 15).map(lambda k: k / 10),
    ),
    max_size=6,
)
clocks = st.sampled_from([CLOCK, replace(CLOCK, first_seconds=-0.2)])
tracks = st.lists(
    st.builds(Track, scores=scores, clock=clocks, truths=truths, has_alarms=st.booleans()),
    min_size=1,
    max_size=3,
)
seconds = st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5, 0.9])
configs = st.builds(
    EventConfig,
    smoothing_seconds=st.sampled_from([0.0, 0.3, 0.5]),
    merge_seconds=seconds,
    min_seconds=seconds,
    refractory_seconds=seconds,
)


@settings(max_examples=400, deadline=None)
@given(tracks=tracks, config=configs)
@example(tracks=[Track(scores=[], clock=CLOCK)], config=EventConfig())
def test_what_can_be_had_is_what_the_best_thresholds_find(tracks, config):
    points = sweep(tracks, "a", config=config, hours=1.0, least=0.1)
    thresholds = [point.threshold for point in points]
    assert thresholds == sorted(set(thresholds)) and thresholds[0] >= 0.1
    words = sum(truth.label == "a" for track in tracks for truth in track.truths)
    assert all((point.words, point.hours) == (words, 1.0) for point in points)
    # the highest of equals first, and so the one that is kept
    tried = [(value, at(value, tracks, config)) for value in distinct(tracks, config, 0.1)]
    best = {}
    for value, (misses, false_alarms, latencies) in tried:
        if all(m > misses or f > false_alarms for _, (m, f, _) in tried if (m, f) != (misses, false_alarms)):
            best.setdefault((misses, false_alarms), (value, latencies))
    assert {(p.misses, p.false_alarms): p.latencies for p in points} == {
        counts: latencies for counts, (_, latencies) in best.items()
    }
    for point in points:  # not just at a score, unless it has to be
        value, latencies = best[point.misses, point.false_alarms]
        assert point.threshold <= value
        assert at(point.threshold, tracks, config) == (point.misses, point.false_alarms, latencies)


@settings(max_examples=200, deadline=None)
@given(tracks=tracks, config=configs)
def test_each_threshold_of_all_gives_what_it_finds(tracks, config):
    line = _line_up(tracks, "a", config, 0.3)
    falling = FallingThreshold(Durations.of(config, CLOCK), line.places, line.counted)
    for value in distinct(tracks, config, 0.1):
        for step in np.flatnonzero(line.smoothed == value).tolist():
            falling.reach(step)
        found = (falling.misses, falling.false_alarms, line.latencies(falling.known))
        assert found == at(value, tracks, config)


def test_a_long_track_gives_what_its_events_give():
    rng = np.random.default_rng(0)
    scores = np.clip(np.convolve(rng.random(4000), np.ones(9) / 9, "same") * 3 - 1, 0, 1)
    truths = [Truth(label="a", onset=t, offset=t + 0.4) for t in np.arange(3.0, 390.0, 7.0).tolist()]
    config = EventConfig(smoothing_seconds=0.3, min_seconds=0.2, merge_seconds=0.1, refractory_seconds=1.0)
    track = Track(scores=scores, clock=CLOCK, truths=truths)
    points = sweep([track], "a", config=config, hours=1.0)
    assert len(points) > 10
    for point in points:
        expected = at(point.threshold, [track], config)
        assert (point.misses, point.false_alarms, point.latencies) == expected


def test_scores_next_to_each_other_are_told_apart():
    top, below = 1.0, np.nextafter(1.0, 0)
    track = Track(
        scores=[top, 0.0, 0.0, 0.0, below, 0.0],
        clock=Clock(hop_seconds=1.0),
        truths=[Truth(label="a", onset=0.0, offset=0.1)],
    )
    (point,) = sweep([track], "a", config=EventConfig(), hours=1.0)
    assert (point.threshold, point.misses, point.false_alarms) == (1.0, 0, 0)


@pytest.mark.parametrize(
    ("tracks", "message"),
    [
        ([], "tracks have the hops []; give tracks, all with the same"),
        (
            [Track(scores=[0.1], clock=Clock(hop_seconds=hop)) for hop in (0.02, 0.01)],
            "tracks have the hops [0.01, 0.02]; give tracks, all with the same",
        ),
    ],
)
def test_tracks_that_do_not_go_together_are_refused(tracks, message):
    with pytest.raises(ParameterError) as caught:
        sweep(tracks, "a", config=EventConfig(), hours=1.0)
    assert str(caught.value) == message
