"""Operating points: what counts as found, missed and false, and how sure that is."""

import numpy as np
import pytest
from scipy.stats import binom, poisson

from audiocnn.errors import ParameterError
from audiocnn.events import Event
from audiocnn.operating_point import (
    OperatingPoint,
    Truth,
    binomial_interval,
    choose_point,
    count_events,
    poisson_interval,
)


def event(label, onset, offset, known=100.0):
    return Event(label=label, onset=onset, offset=offset, peak_score=0.9, peak=onset, known=known)


def count(events, truths, **options):
    return count_events(
        events, truths, **{"threshold": 0.5, "hours": 2.0, "tolerance_seconds": 0.3, **options}
    )


def test_all_events_at_a_word_are_one_and_all_others_false():
    words = [Truth(label="yes", onset=1.0, offset=1.5), Truth(label="no", onset=4.0, offset=4.4)]
    found = [
        event("yes", 0.5, 0.8, known=1.9),  # reaches into the tolerance
        event("yes", 1.7, 2.0, known=2.5),
        event("no", 1.1, 1.3),  # another word
        event("no", 4.7, 5.0),  # just behind the tolerance
    ]
    point = count(found, words)
    assert (point.words, point.misses, point.false_alarms) == (2, 1, 2)
    assert point.latencies == (pytest.approx(0.4),)  # of the first, from the word's end
    assert point.miss_rate == 0.5 and point.alarms_per_hour == 1.0
    wider = count(found, words, tolerance_seconds=0.35)
    assert (wider.misses, wider.false_alarms) == (0, 1)


def test_an_event_may_find_two_words():
    words = [Truth(label="yes", onset=onset, offset=onset + 0.3) for onset in (1.0, 1.5)]
    point = count([event("yes", 1.0, 1.8)], words)
    assert (point.misses, point.false_alarms) == (0, 0)


def test_an_event_that_was_known_before_the_word_began_is_not_of_it():
    words = [Truth(label="yes", onset=onset, offset=onset + 0.5) for onset in (20.0, 40.0)]
    # it never ends, and so cannot have told of the second word
    point = count([event("yes", 19.8, 60.0, known=20.3)], words)
    assert (point.misses, point.false_alarms, point.latencies) == (1, 0, (pytest.approx(-0.2),))
    # nor of any, where it began long before
    point = count([event("yes", 1.0, 60.0, known=1.7)], words)
    assert (point.misses, point.false_alarms) == (2, 1)
    # but beginnings are known to within the tolerance only
    assert count([event("yes", 19.5, 20.5, known=19.8)], words).misses == 1


def test_latencies_are_told_by_percentiles():
    point = OperatingPoint(
        threshold=0.5, words=5, misses=1, false_alarms=0, hours=1.0, latencies=(0.4, 0.1, 0.3, 0.2)
    )
    assert [point.latency(p) for p in (0, 50, 90, 100)] == pytest.approx([0.1, 0.25, 0.37, 0.4])
    assert np.isnan(OperatingPoint(threshold=0.5, words=1, misses=1, false_alarms=0, hours=1.0).latency(50))


def test_of_nothing_nothing_is_said():
    point = count([], [], hours=0.0)
    assert np.isnan(point.miss_rate) and point.false_alarms == 0
    assert point.miss_interval == (0.0, 1.0)
    assert np.isnan(point.alarms_per_hour) and point.alarm_interval == (0.0, np.inf)


@pytest.mark.parametrize(("seen", "of"), [(0, 40), (1, 40), (17, 40), (40, 40)])
def test_beyond_the_limits_of_a_share_what_was_seen_is_rare(seen, of):
    low, high = binomial_interval(seen, of)
    if seen:
        assert binom.sf(seen - 1, of, low) == pytest.approx(0.025)
    if seen < of:
        assert binom.cdf(seen, of, high) == pytest.approx(0.025)
    assert (low == 0) == (seen == 0) and (high == 1) == (seen == of)


@pytest.mark.parametrize("seen", [0, 1, 12])
def test_beyond_the_limits_of_a_mean_what_was_seen_is_rare(seen):
    low, high = poisson_interval(seen)
    assert poisson.cdf(seen, high) == pytest.approx(0.025)
    assert low == 0 if seen == 0 else poisson.sf(seen - 1, low) == pytest.approx(0.025)
    point = OperatingPoint(threshold=0.5, words=1, misses=0, false_alarms=seen, hours=4.0)
    assert point.alarm_interval == (low / 4, high / 4)


def test_the_chosen_point_misses_least_of_those_allowed():
    points = [
        OperatingPoint(threshold=t, words=10, misses=m, false_alarms=f, hours=2.0)
        for t, m, f in ((0.2, 0, 9), (0.4, 1, 4), (0.6, 2, 2), (0.7, 2, 2), (0.8, 5, 1))
    ]
    assert choose_point(points, max_fa_per_hour=1.0).threshold == 0.7
    assert choose_point(points, max_fa_per_hour=2.0).threshold == 0.4
    with pytest.raises(ParameterError) as caught:
        choose_point(points, max_fa_per_hour=0.1)
    assert str(caught.value) == (
        "max_fa_per_hour=0.1 is too few: 0.50 is the least that can be had; allow more, or train on what "
        "is taken for the word"
    )


def test_a_threshold_that_finds_nothing_is_none():
    none = OperatingPoint(threshold=0.9, words=2, misses=2, false_alarms=0, hours=1.0)
    one = OperatingPoint(threshold=0.5, words=2, misses=1, false_alarms=2, hours=1.0)
    assert choose_point([one, none], max_fa_per_hour=2) == one
    with pytest.raises(ParameterError, match="max_fa_per_hour=1 is too few: 2.00 is the least that can"):
        choose_point([one, none], max_fa_per_hour=1)


@pytest.mark.parametrize("misses", [(2,), ()])
def test_where_no_threshold_finds_a_word_more_alarms_are_no_remedy(misses):
    points = [OperatingPoint(threshold=0.9, words=2, misses=m, false_alarms=0, hours=1.0) for m in misses]
    with pytest.raises(ParameterError) as caught:
        choose_point(points, max_fa_per_hour=1)
    assert str(caught.value) == (
        "no threshold finds a word, however many false alarms are allowed; leave the label out, or train on "
        "more recordings of it"
    )


def test_a_share_is_allowed_whole():
    point = OperatingPoint(threshold=0.5, words=1, misses=0, false_alarms=1, hours=10.0)
    assert choose_point([point], max_fa_per_hour=0.3 / 3) == point  # 0.09999999999999999


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hours": -1.0}, "hours=-1.0 must be 0 or more: how long was listened"),
        ({"tolerance_seconds": -1.0}, "tolerance_seconds=-1.0 must be 0 or more"),
    ],
)
def test_what_cannot_work_is_said(options, message):
    with pytest.raises(ParameterError) as caught:
        count([], [], **options)
    assert str(caught.value) == message
