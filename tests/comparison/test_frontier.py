"""The picture: every point has its name, and no name covers anything."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from audiocnn.comparison import frontier as drawing
from audiocnn.comparison.frontier import Point, draw_frontier, frontier, name_points
from audiocnn.figures import figure_for


def crowd(count):
    generator = np.random.default_rng(0)
    return [
        Point(
            name=f"a_net_{i}",
            macs=int(10 ** generator.uniform(5.5, 7)),
            accuracy=generator.uniform(0.5, 1.0),
            is_scan=bool(i % 2),
        )
        for i in range(count)
    ]


def test_nothing_cheaper_is_as_good_as_the_frontier():
    points = crowd(60)
    best = frontier(points)
    assert set(best) == {
        point
        for point in points
        if not any(
            other.macs <= point.macs and other.accuracy >= point.accuracy
            for other in points
            if other != point
        )
    }
    assert [point.macs for point in best] == sorted(point.macs for point in best)


def test_names_cover_neither_points_nor_each_other():
    points = crowd(40)
    axes = figure_for(Path("a.png"), inches=(9.0, 6.5)).add_subplot(xscale="log", yscale="log")
    axes.set_xlim(2e5, 2e7)
    axes.set_ylim(100, 0.1)
    names = name_points(axes, points)
    assert len(names) == len(points) == len(axes.texts)
    assert not any(one.padded(2.9).overlaps(other) for one, other in combinations(names, 2))
    for point in points:
        x, y = axes.transData.transform((point.macs, 100 * (1 - point.accuracy)))
        assert not any(name.contains(x, y) for name in names)
    axes.figure.draw_without_rendering()
    for text, box in zip(axes.texts, names, strict=True):
        drawn = super(type(text), text).get_window_extent()
        assert drawn.extents == pytest.approx(box.extents, abs=1.5)  # pixels


def test_a_net_without_a_mistake_stands_above_one_of_a_thousand():
    axes = figure_for(Path("a.png"), inches=(9.0, 6.5)).add_subplot(xscale="log", yscale="log")
    axes.set_xlim(1, 100)
    axes.set_ylim(1, 0.01)
    name_points(axes, [Point(name="a", macs=9, accuracy=share, is_scan=True) for share in (0.999, 1.0)])
    assert [text.xy[1] for text in axes.texts] == pytest.approx([0.1, 0.02])


@pytest.mark.parametrize("accuracy", [0.0, 0.2, 0.5, 0.68, 0.9, 0.95, 0.9968, 0.999, 0.9998, 1.0])
def test_one_net_has_two_ticks_to_be_read_off_by(tmp_path, monkeypatch, accuracy):
    figures = []
    monkeypatch.setattr(drawing, "save_figure", lambda figure, _: figures.append(figure))
    draw_frontier([Point(name="a", macs=9, accuracy=accuracy, is_scan=True)], tmp_path / "a.png")
    (axes,) = figures[0].axes
    most, least = axes.get_ylim()
    assert len([tick for tick in axes.get_yticks() if least <= tick <= most]) >= 2
    assert least <= max(0.02, 100 * (1 - accuracy)) <= most


def test_it_is_drawn_even_of_nothing_and_of_a_net_without_a_mistake(tmp_path):
    for name, points in (
        ("none.png", []),
        ("one.png", [Point(name="a", macs=9, accuracy=1.0, is_scan=True)]),
    ):
        draw_frontier(points, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 5000
