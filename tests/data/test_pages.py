"""Pages hold each small picture where they say, apart from the others; the truth is that of its pixels."""

import pytest
import torch
from marks import marks

from audiocnn.data.pages import NOTHING, PageConfig, draw_pages
from audiocnn.data.picture_corpus import PictureCorpus
from audiocnn.errors import ParameterError

SMALL = PageConfig(rows=60, columns=50, objects=6)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_page_is_its_pictures_and_nothing_else(channels):
    corpus = marks(channels=channels)
    pages = draw_pages(corpus, SMALL, count=4, seed=3)
    assert len(pages) == 4 and pages.pictures.shape == (4, channels, 60, 50)
    assert pages.labels == ("a", "b", "c", NOTHING) and pages.nothing == 3
    seen = []
    for i in range(4):
        left = pages.pictures[i].clone()
        for (top, first, bottom, end), target in zip(
            pages.frames[i].tolist(), pages.targets[i].tolist(), strict=True
        ):
            assert (bottom - top, end - first) == (9, 7)
            cut = left[:, top:bottom, first:end]
            (which,) = [k for k in range(12) if torch.equal(corpus.pictures[k], cut)]
            assert corpus.targets[which] == target
            seen.append(which)
            cut.zero_()
        assert not left.any()
    assert sorted(seen[:12]) == sorted(seen[12:]) == list(range(12))  # all, before one comes again


def test_boxes_and_class_maps_are_those_of_the_ink():
    pages = draw_pages(marks(), SMALL, count=5, seed=0)
    ink = pages.pictures[:, 0] >= 0.25 * 255
    assert torch.equal(pages.class_maps != pages.nothing, ink)
    for i in range(5):
        covered = torch.zeros(60, 50, dtype=torch.bool)
        for box, target in zip(pages.boxes[i].tolist(), pages.targets[i].tolist(), strict=True):
            top, left, bottom, right = box
            inside = pages.class_maps[i, top:bottom, left:right]
            assert set(inside.unique().tolist()) <= {target, pages.nothing}
            edges = inside[0], inside[-1], inside[:, 0], inside[:, -1]
            assert all((edge == target).any() for edge in edges)  # as tight as can be
            covered[top:bottom, left:right] = True
        assert not (ink[i] & ~covered).any()


@pytest.mark.parametrize("gap", [0, 1, 5])
def test_frames_are_apart_by_the_gap_and_anywhere(gap):
    config = PageConfig(rows=44, columns=40, objects=3, gap=gap)
    frames = draw_pages(marks(), config, count=400, seed=0).frames
    assert frames.amin(dim=(0, 1)).tolist() == [0, 0, 9, 7]
    assert frames.amax(dim=(0, 1)).tolist() == [35, 33, 44, 40]
    nearest = 99
    for a, b in ((0, 1), (0, 2), (1, 2)):
        one, other = frames[:, a], frames[:, b]
        apart = torch.maximum(one[:, :2] - other[:, 2:], other[:, :2] - one[:, 2:]).amax(dim=1)
        nearest = min(nearest, int(apart.min()))
    assert nearest == gap  # of 400 pages some reach it


def test_the_seed_makes_the_pages():
    first, again, other = (draw_pages(marks(), SMALL, count=2, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first.pictures, again.pictures) and torch.equal(first.boxes, again.boxes)
    assert not torch.equal(first.pictures, other.pictures)


def test_sizes_are_drawn_between_the_scale_and_its_inverse():
    config = PageConfig(rows=60, columns=60, objects=4, max_scale=2.0)
    pages = draw_pages(marks(), config, count=60, seed=0)
    rows = (pages.frames[..., 2] - pages.frames[..., 0]).flatten()
    columns = (pages.frames[..., 3] - pages.frames[..., 1]).flatten()
    assert 4 <= rows.min() <= 5 and 17 <= rows.max() <= 18
    assert 0.4 < (rows < 9).float().mean() < 0.6  # as many smaller as larger
    assert (rows / columns - 9 / 7).abs().max() < 0.25
    assert (pages.boxes[..., :2] >= pages.frames[..., :2]).all()
    assert (pages.boxes[..., 2:] <= pages.frames[..., 2:]).all()


def test_a_part_of_them_are_pages_too():
    pages = draw_pages(marks(), SMALL, count=3, seed=0)
    part = pages.subset(torch.tensor([2, 0]))
    assert torch.equal(part.batch(torch.tensor([1])), pages.batch(torch.tensor([0])))
    assert torch.equal(part.boxes[0], pages.boxes[2]) and torch.equal(part.class_maps[0], pages.class_maps[2])
    assert part.batch(torch.arange(2)).max() == 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": 0}, "rows=0 must be 1 or more"),
        ({"gap": -1}, "gap=-1 must be 0 or more"),
        ({"max_scale": 0.5}, "max_scale=0.5 must be 1 or more; 1 leaves sizes as they are"),
        ({"ink": 0.0}, "ink=0.0 must be above 0 and at most 1"),
    ],
)
def test_what_cannot_be_a_page(change, message):
    with pytest.raises(ParameterError) as error:
        PageConfig(**change)
    assert str(error.value) == message


def test_what_cannot_be_drawn():
    def message(config=SMALL, corpus=None, count=1):
        with pytest.raises(ParameterError) as error:
            draw_pages(corpus or marks(), config, count=count, seed=0)
        return str(error.value)

    assert message(count=0) == "count=0 must be a positive integer"
    assert message(PageConfig(rows=8, columns=50)) == (
        "a picture of 9 x 7 pixels is larger than a page of 8 x 50; give larger pages"
    )
    assert message(PageConfig(rows=10, columns=9, objects=2)) == (
        "objects=2: on a page of 10 x 9 pixels no room was found after 1; give fewer, or larger pages"
    )
    blank = PictureCorpus(
        pictures=torch.full((1, 1, 2, 2), 20, dtype=torch.uint8), targets=torch.tensor([0]), labels=("a",)
    )
    assert message(corpus=blank) == "ink=0.25: a picture has no pixel as bright; give a lower one"
    many = PictureCorpus(
        pictures=blank.pictures, targets=blank.targets, labels=tuple(str(i) for i in range(256))
    )
    assert message(corpus=many) == "labels names 256 classes; pages hold 255 at most"
