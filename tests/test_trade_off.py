"""Thresholds of several labels together: no way to share out the false alarms misses fewer words."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from audiocnn.operating_point import OperatingPoint
from audiocnn.trade_off import best_together


def curve(points):
    """Points of false alarms and misses, of 9 words."""
    return [
        OperatingPoint(
            threshold=0.1,
            words=9,
            misses=misses,
            false_alarms=alarms,
            hours=2.0,
            latencies=(0.2,) * (9 - misses),
        )
        for alarms, misses in points
    ]


points = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), min_size=1, max_size=6)


@given(st.lists(points, min_size=1, max_size=3))
def test_no_other_way_is_better(lists):
    curves = {f"word {i}": curve(some) for i, some in enumerate(lists)}
    ways = best_together(curves, hours=2.0)
    for total, chosen in ways:
        assert list(chosen) == list(curves) and all(chosen[label] in curves[label] for label in curves)
        assert total.false_alarms == sum(point.false_alarms for point in chosen.values())
        assert total.misses == sum(point.misses for point in chosen.values())
        assert (total.words, total.hours, total.threshold) == (9 * len(lists), 2.0, None)
        assert total.latencies == ()  # of as many ways as words they would take the square of these
    alarms = [total.false_alarms for total, _ in ways]
    misses = [total.misses for total, _ in ways]
    assert alarms == sorted(set(alarms)) and misses == sorted(set(misses), reverse=True)
    for some in product(*curves.values()):
        cost, lost = sum(p.false_alarms for p in some), sum(p.misses for p in some)
        assert any(total.false_alarms <= cost and total.misses <= lost for total, _ in ways)


def test_a_label_without_a_point_leaves_no_way():
    assert best_together({"yes": curve([(0, 1)]), "no": []}, hours=2.0) == []
