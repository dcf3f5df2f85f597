"""Losses are those of the papers, by hand; pixels are judged class by class."""

import math

import pytest
import torch
import torch.nn.functional as F

from audiocnn.layers import Conv2d
from audiocnn.metrics import confusion_matrix
from audiocnn.models.fcn import FCN
from audiocnn.models.image_net import ImageNet
from audiocnn.models.localizer import Localizer
from audiocnn.vision.boxes import decode, encode, intersection_over_union
from audiocnn.vision.losses import class_overlaps, localization_loss, located, pixel_loss, segmented


def constant(logits, numbers):
    """A localizer of 8 x 8 pixels that says the same of every picture."""
    net = ImageNet(Conv2d(1, 1, 8), channels=1, num_classes=len(logits), input_size=(8, 8))
    localizer = Localizer(net)
    for branch, values in zip(localizer.outputs.branches, (logits, numbers), strict=True):
        torch.nn.init.zeros_(branch.weight)
        branch.bias.data.copy_(torch.tensor(values))
    return localizer


def test_the_loss_of_class_and_box_by_hand():
    net = constant([0.0, math.log(3.0), 0.0], [0.0, 0.0, 0.0, 0.0])
    pictures, targets = torch.rand(2, 1, 8, 8), torch.tensor([1, 2])
    window = torch.tensor([0.0, 0.0, 8.0, 8.0])
    box = decode(torch.tensor([0.5, -3.0, 0.0, 1.0]), window)  # is off by these
    boxes = torch.stack((box, torch.zeros(4)))
    classes = (-math.log(3 / 5) - math.log(1 / 5)) / 2
    distance = 0.5 * 0.5**2 + (3 - 0.5) + 0 + 0.5
    loss = localization_loss(net, pictures, targets, boxes)
    assert loss.item() == pytest.approx(classes + distance / 2, rel=1e-5)
    doubled = localization_loss(net, pictures, targets, boxes, box_weight=2.0)
    assert doubled.item() == pytest.approx(classes + distance, rel=1e-5)


def test_where_there_is_nothing_no_box_is_learnt():
    net = constant([0.0, 0.0], [0.3, 0.3, 0.3, 0.3])
    nothing = torch.ones(3, dtype=torch.int64)
    localization_loss(net, torch.rand(3, 1, 8, 8), nothing, torch.zeros(3, 4)).backward()
    assert not net.outputs.branches[1].bias.grad.any() and net.outputs.branches[0].bias.grad.any()


def test_located_gives_probabilities_and_boxes():
    wanted = torch.tensor([1.0, 2.0, 7.0, 5.0])
    numbers = encode(wanted, torch.tensor([0.0, 0.0, 8.0, 8.0])).tolist()
    net = constant([0.0, math.log(3.0)], numbers)
    probabilities, boxes = located(net, torch.rand(5, 1, 8, 8))
    torch.testing.assert_close(probabilities, torch.tensor([[0.25, 0.75]] * 5))
    torch.testing.assert_close(boxes, wanted.expand(5, 4))
    assert intersection_over_union(boxes, wanted).mean() == pytest.approx(1.0)
    assert net.training


def test_pixels_count_alike():
    net = FCN(ImageNet(Conv2d(1, 2, 3), channels=2, num_classes=2, input_size=(4, 4)), num_classes=3)
    torch.nn.init.normal_(net.scores[0].weight)
    pictures, maps = torch.randn(2, 1, 4, 5), torch.randint(3, (2, 4, 5))
    logits = net(pictures)
    each = F.cross_entropy(logits.movedim(1, -1).flatten(0, 2), maps.flatten(), reduction="none")
    torch.testing.assert_close(pixel_loss(net, pictures, maps), each.mean())


def test_segmented_gives_the_likeliest_class_of_each_pixel():
    net = FCN(ImageNet(Conv2d(1, 2, 3), channels=2, num_classes=2, input_size=(4, 4)), num_classes=3)
    torch.nn.init.normal_(net.scores[0].weight)
    pages = torch.randn(2, 1, 4, 5)
    with torch.no_grad():
        assert torch.equal(segmented(net, pages), net(pages).argmax(dim=1))
    assert net.training


def test_overlaps_of_classes_by_hand():
    truth = torch.tensor([[0, 0, 1, 1], [0, 0, 1, 1]])
    found = torch.tensor([[0, 0, 0, 1], [0, 0, 1, 2]])
    overlaps = class_overlaps(confusion_matrix(found.flatten(), truth.flatten(), 4))
    assert overlaps[:3].tolist() == [4 / 5, 2 / 4, 0.0] and overlaps[3].isnan()
    assert float(overlaps.nanmean()) == pytest.approx((0.8 + 0.5) / 3)
    perfect = class_overlaps(confusion_matrix(truth.flatten(), truth.flatten(), 2))
    assert perfect.tolist() == [1.0, 1.0]
