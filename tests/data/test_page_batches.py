"""Patches hold an object in their middle, or none; pages come with the class of every pixel."""

import pytest
import torch
from marks import marks

from audiocnn.data.page_batches import PageBatches, PatchBatches
from audiocnn.data.pages import PageConfig, draw_pages
from audiocnn.errors import ParameterError


@pytest.fixture(scope="module")
def pages():
    return draw_pages(marks(), PageConfig(rows=80, columns=70, objects=6), count=4, seed=0)


def test_for_evaluation_every_object_is_in_the_middle_in_order(pages):
    batches = PatchBatches(pages, size=(13, 11), batch_size=5)
    assert len(batches) == 5
    whole = [torch.cat(parts) for parts in zip(*batches, strict=True)]
    pictures, targets, boxes = whole
    assert pictures.shape == (24, 1, 13, 11) and torch.equal(targets, pages.targets.flatten())
    for k, (top, left, bottom, right) in enumerate(boxes.long().tolist()):
        i, j = divmod(k, 6)
        first, start, end, stop = pages.boxes[i, j].tolist()
        assert torch.equal(
            pictures[k, 0, top:bottom, left:right], pages.pictures[i, 0, first:end, start:stop].float() / 255
        )
    inner = (pages.frames[..., :2] >= 2).all(-1) & (pages.frames[..., 2:] <= torch.tensor([78, 68])).all(-1)
    relative = pages.boxes - pages.frames[..., :2].repeat(1, 1, 2)
    assert inner.sum() > 10
    assert torch.equal(boxes[inner.flatten()], (relative + 2)[inner].float())  # a border of 2 all around


def test_in_training_objects_are_moved_and_nothings_are_free_of_them(pages):
    batches = PatchBatches(
        pages, size=(12, 12), batch_size=16, seed=0, nothing_share=0.5, max_offset=1, least_offset=3
    )
    assert len(batches) == 3
    shifts, parts = set(), 0
    for _ in range(20):
        for pictures, targets, boxes in batches:
            assert pictures.shape == (16, 1, 12, 12) and targets.shape == (16,) and boxes.shape == (16, 4)
            assert (targets[:8] < 3).all() and (targets[8:] == 3).all() and not boxes[8:].any()
            shifts |= set(boxes[:8, 0].tolist())
            parts += int(pictures[8:].any(dim=(1, 2, 3)).sum())
            for patch, (top, left, bottom, right) in zip(
                pictures[:8], boxes[:8].long().tolist(), strict=True
            ):
                assert top >= 0 and left >= 0 and bottom <= 12 and right <= 12
                assert patch[0, top:bottom, left:right].max() == 1.0  # the brightest pixel of each mark
    assert len(shifts) >= 3 and parts > 240  # of 480; many hold parts of objects


def test_no_object_is_near_the_middle_of_nothing(pages):
    batches = PatchBatches(pages, size=(12, 12), batch_size=200, seed=0, nothing_share=0.9, least_offset=3)
    draws = torch.Generator().manual_seed(0)
    page, corners = batches._draw_nothing(draws)
    middles = (pages.frames[..., :2] + pages.frames[..., 2:])[page] / 2
    away = (middles - corners[:, None] - 6).abs().amax(dim=-1).amin(dim=1)
    assert away.min() == 3.5  # marks are of odd size: the nearest beyond 3
    assert corners.min() >= 0 and (corners <= torch.tensor([68, 58])).all()


def test_pages_of_one_object_are_patches_themselves():
    single = draw_pages(marks(), PageConfig(rows=20, columns=15, objects=1), count=6, seed=0)
    (pictures, targets, boxes), *_ = PatchBatches(single, batch_size=6)
    assert torch.equal(pictures, single.batch(torch.arange(6)))
    assert torch.equal(targets, single.targets[:, 0]) and torch.equal(boxes, single.boxes[:, 0].float())


def test_epochs_differ_and_repeat_by_their_number(pages):
    batches, again = (
        PatchBatches(pages, size=(12, 12), batch_size=8, seed=5, nothing_share=0.25) for _ in range(2)
    )
    first, second = next(iter(batches)), next(iter(batches))
    assert not torch.equal(first.pictures, second.pictures)
    again.epoch = 1
    for mine, theirs in zip(next(iter(again)), second, strict=True):
        assert torch.equal(mine, theirs)


def test_whole_pages_come_with_their_class_maps(pages):
    (first, maps), (second, _) = PageBatches(pages, batch_size=3)
    assert torch.equal(torch.cat((first, second)), pages.batch(torch.arange(4)))
    assert maps.dtype == torch.int64 and torch.equal(maps, pages.class_maps[:3].long())
    shuffled = torch.cat([maps for _, maps in PageBatches(pages, batch_size=2, seed=0)])
    assert {maps.numpy().tobytes() for maps in shuffled} == {
        maps.numpy().tobytes() for maps in pages.class_maps.long()
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nothing_share": 1.0}, "nothing_share=1.0 must be 0 or more and less than 1"),
        ({"max_offset": 5}, "max_offset=5 must be 0 or more, and at most least_offset=4"),
        ({"size": (81, 12)}, "size=(81, 12) must be at most (80, 70), the size of a page"),
    ],
)
def test_what_cannot_be_drawn(pages, change, message):
    with pytest.raises(ParameterError) as error:
        PatchBatches(pages, **{"size": (12, 12), "batch_size": 8} | change)
    assert str(error.value) == message


def test_a_page_full_of_objects_has_no_place_without(pages):
    full = draw_pages(marks(), PageConfig(rows=9, columns=7, objects=1), count=1, seed=0)
    batches = PatchBatches(full, size=(9, 7), batch_size=2, seed=0, nothing_share=0.5)
    with pytest.raises(ParameterError) as error:
        next(iter(batches))
    assert str(error.value) == (
        "least_offset=4: objects are so dense that no patch free of them was found; give larger pages"
    )
