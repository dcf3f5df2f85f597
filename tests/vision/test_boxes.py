"""Boxes: areas and overlaps by hand and as torchvision has them, suppression, and boxes as four numbers."""

import math

import pytest
import torch
import torchvision.ops

from audiocnn.errors import ParameterError
from audiocnn.vision.boxes import area, decode, encode, intersection_over_union, suppress


def random_boxes(count, seed=0):
    draw = torch.Generator().manual_seed(seed)
    corners = 60 * torch.rand(count, 2, generator=draw)
    return torch.cat((corners, corners + 1 + 25 * torch.rand(count, 2, generator=draw)), dim=1)


def test_areas():
    boxes = torch.tensor([[1, 1, 3, 4], [0, 0, 0, 5], [4, 4, 2, 9]])
    assert area(boxes).tolist() == [6, 0, 0]
    drawn = random_boxes(20)
    torch.testing.assert_close(area(drawn), torchvision.ops.box_area(drawn))


@pytest.mark.parametrize(
    ("box", "overlap"),
    [
        ((0, 0, 4, 4), 1.0),
        ((0, 0, 4, 2), 8 / 16),  # its half
        ((2, 2, 6, 6), 4 / 28),  # a corner
        ((0, 3, 4, 7), 4 / 28),  # an edge
        ((1, 1, 2, 3), 2 / 16),  # inside
        ((4, 0, 8, 4), 0.0),  # touching
        ((6, 6, 9, 9), 0.0),
    ],
)
def test_overlaps_by_hand(box, overlap):
    mine = torch.tensor([0, 0, 4, 4])
    assert intersection_over_union(mine, torch.tensor(box)) == pytest.approx(overlap)
    assert intersection_over_union(torch.tensor(box), mine) == pytest.approx(overlap)


def test_overlaps_of_all_pairs_are_torchvisions():
    a, b = random_boxes(30), random_boxes(20, seed=1)
    torch.testing.assert_close(intersection_over_union(a[:, None], b), torchvision.ops.box_iou(a, b))
    empty = torch.zeros(4)
    assert intersection_over_union(empty, empty) == 0


@pytest.mark.parametrize("max_overlap", [0.0, 0.2, 0.5, 1.0])
def test_suppression_is_torchvisions(max_overlap):
    draw = torch.Generator().manual_seed(2)
    boxes, scores = random_boxes(200), torch.rand(200, generator=draw)
    kept = suppress(boxes, scores, max_overlap=max_overlap)
    assert torch.equal(kept, torchvision.ops.nms(boxes, scores, max_overlap))
    classes = torch.randint(3, (200,), generator=draw)
    kept = suppress(boxes, scores, classes, max_overlap=max_overlap)
    assert torch.equal(kept, torchvision.ops.batched_nms(boxes, scores, classes, max_overlap))


def test_suppression_by_hand():
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 4, 10, 14], [0, 8, 10, 18], [50, 50, 60, 60]])
    scores = torch.tensor([0.9, 0.8, 0.7, 0.6])
    # the second goes with the first, so that the third, which it overlaps, stays
    assert suppress(boxes, scores, max_overlap=0.3).tolist() == [0, 2, 3]
    assert suppress(boxes, scores, torch.tensor([0, 1, 1, 0]), max_overlap=0.3).tolist() == [0, 1, 3]
    none = suppress(torch.zeros(0, 4), torch.zeros(0))
    assert none.dtype == torch.int64 and none.shape == (0,)
    with pytest.raises(ParameterError) as error:
        suppress(boxes, scores, max_overlap=1.5)
    assert str(error.value) == "max_overlap=1.5 must be from 0 to 1"


def test_numbers_of_a_box_by_hand():
    window, box = torch.tensor([10.0, 20.0, 42.0, 52.0]), torch.tensor([16.0, 40.0, 32.0, 48.0])
    # middles (26, 36) and (24, 44); sizes 32 and (16, 8)
    wanted = [-2 / 32 / 0.1, 8 / 32 / 0.1, math.log(1 / 2) / 0.2, math.log(1 / 4) / 0.2]
    assert encode(box, window).tolist() == pytest.approx(wanted)
    assert decode(torch.zeros(4), window).tolist() == window.tolist()


def test_boxes_come_back_from_their_numbers():
    boxes, windows = random_boxes(50), random_boxes(50, seed=1)
    torch.testing.assert_close(decode(encode(boxes, windows), windows), boxes, rtol=1e-4, atol=1e-3)
    huge = decode(torch.full((4,), 1e9), torch.tensor([0.0, 0.0, 1.0, 1.0]))
    assert huge.isfinite().all()
