"""Pictures of what was found: right ones blue, false ones red, what was missed orange; classes in colours."""

import matplotlib.image
import pytest
import torch

from audiocnn.data.page_batches import Patches
from audiocnn.data.pages import Truths
from audiocnn.errors import ParameterError
from audiocnn.vision.detection import Detections
from audiocnn.vision.drawing import draw_class_map, draw_detections, sheet

BLUE, RED, ORANGE = ((0.122, 0.467, 0.706), (0.839, 0.153, 0.157), (1.0, 0.498, 0.055))
LABELS = ("a", "b", "nothing")


def count(path, colour):
    """How many pixels of a picture have a colour."""
    pixels = torch.as_tensor(matplotlib.image.imread(path))[..., :3]
    return int(((pixels - torch.tensor(colour)).abs().amax(dim=-1) < 0.02).sum())


def detections(boxes, classes):
    return Detections(
        boxes=torch.tensor(boxes).float().view(-1, 4),
        classes=torch.tensor(classes).long(),
        scores=torch.ones(len(classes)),
    )


@pytest.mark.parametrize(
    ("boxes", "classes", "colours"),
    [
        ([[2, 2, 12, 12], [20, 30, 30, 40]], [0, 1], {BLUE}),
        ([[2, 2, 12, 12], [20, 30, 30, 40]], [0, 0], {BLUE, RED, ORANGE}),  # the second of the wrong class
        ([[2, 2, 12, 12], [20, 30, 30, 40], [40, 2, 50, 12]], [0, 1, 0], {BLUE, RED}),
        ([], [], {ORANGE}),
    ],
)
def test_colours_tell_right_from_false(tmp_path, boxes, classes, colours):
    truths = Truths(torch.tensor([[2.0, 2, 12, 12], [20, 30, 30, 40]]), torch.tensor([0, 1]))
    path = tmp_path / "page.png"
    draw_detections(torch.zeros(1, 60, 60), detections(boxes, classes), truths, path, labels=LABELS)
    plain = tmp_path / "plain.png"  # its legend has all three colours
    none = Truths(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    draw_detections(torch.zeros(1, 60, 60), detections([], []), none, plain, labels=LABELS)
    assert {one for one in (BLUE, RED, ORANGE) if count(path, one) > count(plain, one) + 20} == colours


def test_a_class_map_is_drawn_in_the_colours_of_its_classes(tmp_path):
    class_map = torch.full((40, 50), 2)
    class_map[5:15, 5:15] = 1
    path = tmp_path / "map.png"
    draw_class_map(torch.rand(1, 40, 50), class_map, path, labels=LABELS)
    orange, blue = count(path, ORANGE), count(path, BLUE)  # classes 1 and 0, the latter in the legend alone
    assert orange > 5 * blue > 0


def test_there_are_ten_colours(tmp_path):
    labels = tuple("abcdefghijk")
    with pytest.raises(ParameterError) as error:
        draw_class_map(torch.zeros(1, 4, 4), torch.zeros(4, 4).long(), tmp_path / "map.png", labels=labels)
    assert str(error.value) == "labels names 11 classes to draw, and there are 10 colours"


def test_a_sheet_has_every_picture_and_its_boxes():
    pictures = torch.rand(5, 1, 6, 8)
    boxes = torch.tensor([[1.0, 2, 4, 7]]).expand(5, 4)
    patches = Patches(pictures, torch.tensor([0, 1, 0, 1, 0]), boxes)
    probabilities = torch.tensor([[0.25, 0.75]]).expand(5, 2)
    page, found, truths = sheet(patches, (probabilities, boxes + 0.5), columns=3)
    assert page.shape == (1, 12, 24) and not page[:, 6:, 16:].any()
    for i, (top, left, bottom, right) in enumerate(truths.boxes.long().tolist()):
        assert torch.equal(page[0, top:bottom, left:right], pictures[i, 0, 1:4, 2:7])
    assert torch.equal(found.boxes, truths.boxes + 0.5) and torch.equal(truths.classes, patches.targets)
    assert found.classes.tolist() == [1] * 5 and found.scores.tolist() == [0.75] * 5
