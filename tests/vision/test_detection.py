"""A page that is scanned gives what its windows give; what is found is where it is, at its size, once."""

import pytest
import torch
from marks import marks

from audiocnn.data.pages import PageConfig, draw_pages
from audiocnn.errors import ParameterError
from audiocnn.layers import Conv2d
from audiocnn.models import create
from audiocnn.models.image_net import ImageNet
from audiocnn.models.lenet import lenet5
from audiocnn.models.localizer import Localizer
from audiocnn.vision.boxes import decode
from audiocnn.vision.detection import Counts, Detections, count_matches, detect, match, scan_page, windows_of


def spotter(size=4, *, sharp=40.0, least=0.8):
    """A net of two classes that is sure of a bright square that fills its window, and of no part of one."""
    body = Conv2d(1, 1, size, stride=2, bias=False)
    torch.nn.init.constant_(body.weight, 1 / size**2)
    net = ImageNet(body, channels=1, num_classes=2, input_size=(size, size))
    with torch.no_grad():
        net.logits.weight[:, 0, 0, 0] = torch.tensor([sharp, -sharp])
        net.logits.bias.copy_(torch.tensor([-least * sharp, least * sharp]))
    return net


@pytest.mark.parametrize("build", [lambda net: net, Localizer], ids=["windows", "boxes"])
def test_a_page_that_is_scanned_equals_its_windows(build):
    torch.manual_seed(0)
    net = build(lenet5(num_classes=11)).eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    page = torch.rand(1, 45, 53)
    probabilities, boxes = scan_page(net, page)
    assert probabilities.shape == (11, 4, 6) and boxes.shape == (4, 6, 4)
    windows = windows_of(net, 45, 53)
    cut = torch.stack([page[:, a:c, b:d] for a, b, c, d in windows.long().flatten(0, 1).tolist()])
    with torch.inference_mode():
        outputs = net(cut)[..., 0, 0]
        alone = outputs[:, :11].softmax(dim=1).T.view(11, 4, 6)
        torch.testing.assert_close(probabilities, alone, rtol=1e-5, atol=1e-5)
        if isinstance(net, Localizer):
            theirs = decode(outputs[:, 11:].view(4, 6, 4), windows)
            torch.testing.assert_close(boxes, theirs, rtol=1e-4, atol=1e-3)
        else:
            assert torch.equal(boxes, windows)


def test_windows_lie_by_strides_on_both_axes():
    net = ImageNet(Conv2d(1, 2, (3, 5), stride=(2, 3)), channels=2, num_classes=2, input_size=(3, 8))
    windows = windows_of(net, 8, 15)
    assert windows.shape == (3, 3, 4)
    assert windows[1, 2].tolist() == [2, 6, 5, 14]
    padded = create("resnet20_narrow", num_classes=2)
    windows = windows_of(padded, 40, 32)
    assert windows[0, 0].tolist() == [0, 0, 32, 32] and windows[2, 0].tolist() == [8, 0, 40, 32]
    assert windows.shape[:2] == padded.eval()(torch.zeros(1, 3, 40, 32)).shape[2:]


def test_squares_are_found_where_they_are():
    page = torch.zeros(1, 30, 40)
    for top, left in ((2, 4), (20, 30), (10, 10)):
        page[:, top : top + 4, left : left + 4] = 1.0
    found = detect(spotter(), page, nothing=1)
    assert sorted(found.boxes.tolist()) == [[2, 4, 6, 8], [10, 10, 14, 14], [20, 30, 24, 34]]
    assert found.classes.tolist() == [0, 0, 0] and (found.scores > 0.9).all() and len(found) == 3
    everything = detect(spotter(), page, threshold=0.0, max_overlap=1.0)
    assert len(everything) == 14 * 19  # every window is something, if nothing stands for nothing
    assert len(detect(spotter(), torch.zeros(1, 9, 9), nothing=1)) == 0


def test_a_square_of_twice_the_size_is_found_at_half_the_scale():
    page = torch.zeros(1, 40, 40)
    page[:, 8:16, 20:28] = 1.0
    at_one = detect(spotter(), page, nothing=1, max_overlap=0.0)
    assert len(at_one) > 1  # several parts of it
    at_half = detect(spotter(), page, nothing=1, scales=(0.5,))
    assert at_half.boxes.tolist() == [[8, 20, 16, 28]]
    both = detect(spotter(), page, nothing=1, scales=(1.0, 0.5, 0.05), max_overlap=1.0)
    assert len(both) > len(at_half) and [8, 20, 16, 28] in both.boxes.tolist()
    odd = detect(spotter(), page[:, :, :39], scales=(0.5,), threshold=0.0, max_overlap=1.0)
    assert odd.boxes[:, 3].max() == pytest.approx(39.0)  # of 20 columns: boxes are brought back by 39 / 20


def test_classes_suppress_each_other_only_if_told():
    net = ImageNet(Conv2d(1, 2, 4, bias=False), channels=2, num_classes=2, input_size=(4, 4))
    with torch.no_grad():  # the left half of a square is class 0, the right half class 1
        net.body.weight.zero_()
        net.body.weight[0, 0, :, :2] = 1 / 8
        net.body.weight[1, 0, :, 2:] = 1 / 8
        net.logits.weight.copy_(20 * torch.eye(2).view(2, 2, 1, 1))
        net.logits.bias.zero_()
    page = torch.zeros(1, 4, 6)
    page[:, :, 2:4] = 1.0
    each = detect(net, page, threshold=0.9, max_overlap=0.3)
    assert sorted(each.classes.tolist()) == [0, 1]
    assert sorted(each.boxes.tolist()) == [[0, 0, 4, 4], [0, 2, 4, 6]]
    assert len(detect(net, page, threshold=0.9, max_overlap=0.3, across_classes=True)) == 1


def detections(boxes, classes, scores):
    return Detections(
        boxes=torch.tensor(boxes).float().view(-1, 4),
        classes=torch.tensor(classes).long(),
        scores=torch.tensor(scores).float(),
    )


def test_a_perfect_detector_finds_all_and_nothing_else():
    pages = draw_pages(marks(), PageConfig(rows=60, columns=50, objects=6), count=2, seed=0)
    total = Counts()
    for boxes, targets in zip(pages.boxes, pages.targets, strict=True):
        perfect = Detections(boxes=boxes.float(), classes=targets, scores=torch.rand(6))
        total = total + count_matches(perfect, boxes, targets)
    assert total == Counts(found=12, missed=0, false=0)
    assert (total.found_share, total.false_share) == (1.0, 0.0)


def test_matches_by_hand():
    boxes, classes = (
        torch.tensor([[0, 0, 10, 10], [20, 20, 30, 30], [40, 0, 50, 10]]),
        torch.tensor([0, 1, 2]),
    )
    found = detections(
        [
            [0, 0, 10, 10],  # right
            [0, 1, 10, 11],  # again
            [20, 20, 30, 30],  # of the wrong class
            [40, 4, 50, 14],  # overlaps by 60 / 140
            [70, 70, 80, 80],  # nothing there
        ],
        [0, 0, 2, 2, 1],
        [0.9, 0.8, 0.7, 0.6, 0.5],
    )
    counts = count_matches(found, boxes, classes)
    assert counts == Counts(found=1, missed=2, false=4)
    assert (counts.found_share, counts.false_share) == (1 / 3, 4 / 5)
    assert count_matches(found, boxes, classes, min_overlap=0.4).found == 2


def test_the_surest_takes_the_thing_and_the_other_the_next():
    boxes, classes = torch.tensor([[0, 0, 10, 10], [0, 4, 10, 14]]), torch.tensor([0, 0])
    found = detections([[0, 2, 10, 12], [0, 3, 10, 13]], [0, 0], [0.5, 0.9])
    assert count_matches(found, boxes, classes) == Counts(found=2)


def test_each_detection_finds_one_thing_or_none():
    boxes, classes = torch.tensor([[0, 0, 10, 10], [20, 20, 30, 30]]), torch.tensor([0, 1])
    found = detections([[20, 20, 30, 30], [0, 1, 10, 11], [0, 0, 10, 10]], [1, 0, 0], [0.5, 0.8, 0.9])
    assert match(found, boxes, classes).tolist() == [1, -1, 0]


def test_what_is_above_a_threshold_is_what_is_detected_at_it():
    torch.manual_seed(0)
    net = Localizer(lenet5(num_classes=3)).eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    page = torch.rand(1, 90, 90)
    low = detect(net, page, threshold=0.4, across_classes=True)
    at = float(low.scores.median())
    high = detect(net, page, threshold=at, across_classes=True)
    assert 0 < len(high) < len(low)
    for name in ("boxes", "classes", "scores"):
        assert torch.equal(getattr(low.above(at), name), getattr(high, name))


def test_f1_by_hand():
    assert Counts(found=6, missed=2, false=4).f1 == pytest.approx(2 / (1 / (6 / 8) + 1 / (6 / 10)))
    assert Counts().f1 == 1.0 and Counts(missed=3).f1 == 0.0 and Counts(false=3).f1 == 0.0


def test_nothing_found_and_nothing_there():
    none = detections([], [], [])
    boxes, classes = torch.tensor([[0, 0, 10, 10]]), torch.tensor([0])
    assert count_matches(none, boxes, classes) == Counts(missed=1)
    assert count_matches(none, boxes[:0], classes[:0]) == Counts()
    one = detections([[0, 0, 10, 10]], [0], [0.9])
    assert count_matches(one, boxes[:0], classes[:0]) == Counts(false=1)
    assert (Counts().found_share, Counts().false_share) == (1.0, 0.0)


def test_what_cannot_be_scanned():
    def message(act):
        with pytest.raises(ParameterError) as error:
            act()
        return str(error.value)

    assert message(lambda: windows_of(lenet5(num_classes=2), 31, 40)) == (
        "a page of 31 x 40 pixels is smaller than the net's picture of 32 x 32; pad it"
    )
    assert message(lambda: detect(lenet5(num_classes=2), torch.zeros(1, 40, 40), scales=(0.5, 0.7))) == (
        "scales=(0.5, 0.7): at none is a page of 40 x 40 pixels as large as the net's picture of 32 x 32; "
        "give a larger one"
    )
    ceil = create("googlenet_bn_small", num_classes=2)
    assert message(lambda: windows_of(ceil, 64, 64)) == (
        "net does not move by a stride, as it has layers of ceil_mode; give one without, such as lenet5"
    )
