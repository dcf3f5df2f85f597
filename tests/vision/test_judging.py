"""Nets that are right by construction are judged as perfect, and what is wrong by how much it is."""

import math

import pytest
import torch

from audiocnn.data.page_batches import PageBatches, PatchBatches
from audiocnn.data.pages import PageConfig, draw_pages
from audiocnn.data.picture_corpus import PictureCorpus
from audiocnn.layers import Conv2d
from audiocnn.models.fcn import FCN
from audiocnn.models.image_net import ImageNet
from audiocnn.models.localizer import Localizer
from audiocnn.vision.boxes import encode, intersection_over_union
from audiocnn.vision.detection import Counts
from audiocnn.vision.judging import best_threshold, judge_detector, judge_localizer, judge_segmenter


def squares(count=2, *, rows=40, objects=6):
    """Pages of white squares of 4 x 4 pixels, in small pictures of 6 x 6."""
    picture = torch.zeros(1, 1, 6, 6, dtype=torch.uint8)
    picture[:, :, 1:5, 1:5] = 255
    corpus = PictureCorpus(pictures=picture, targets=torch.tensor([0]), labels=("square",))
    return draw_pages(corpus, PageConfig(rows=rows, columns=rows, objects=objects), count=count, seed=0)


def affine(layer, weight, bias):
    """Give a layer that tells squares from nothing its weights: the first is sure if the other is not."""
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([weight, -weight]).view_as(layer.weight) / 2)
        layer.bias.copy_(torch.tensor([bias, -bias]) / 2)


def spotter(weight, bias):
    """A scan of windows of 4 x 4 whose logits are far apart by `weight * brightness + bias`."""
    body = Conv2d(1, 1, 4, bias=False)
    torch.nn.init.constant_(body.weight, 1 / 16)
    net = ImageNet(body, channels=1, num_classes=2, input_size=(4, 4))
    affine(net.logits, weight, bias)
    return net


def with_window_as_box(net):
    localizer = Localizer(net)
    torch.nn.init.zeros_(localizer.outputs.branches[1].weight)
    return localizer


def test_a_perfect_detector_finds_all_and_nothing_false():
    pages = squares()
    net = with_window_as_box(spotter(80.0, -68.0))  # a window that lies 1 pixel off is 0.75 bright
    assert judge_detector(net, pages, threshold=0.9) == Counts(found=12, missed=0, false=0)
    blind = with_window_as_box(spotter(0.0, -9.0))
    assert judge_detector(blind, pages, threshold=0.5) == Counts(found=0, missed=12, false=0)


def test_windows_are_compared_with_frames_and_boxes_with_ink():
    pages = squares()
    # a window of 4 x 4 covers 16 of the 36 pixels of a frame
    assert judge_detector(spotter(80.0, -68.0), pages, threshold=0.9).found == 0


def test_the_threshold_is_that_which_tells_squares_from_nothing():
    pages = squares(1)
    nothing, square = math.log(0.6 / 0.4), math.log(0.99 / 0.01)
    net = with_window_as_box(spotter(square - nothing, nothing))
    assert judge_detector(net, pages, threshold=0.5).false > 10
    assert judge_detector(net, pages, threshold=0.985) == Counts(found=6)
    assert best_threshold(net, pages, thresholds=(0.5, 0.985, 0.995)) == 0.985


def test_a_localizer_is_judged_by_the_mean_of_its_overlaps():
    pages = squares(5, rows=12, objects=1)
    net = Localizer(ImageNet(Conv2d(1, 1, 12), channels=1, num_classes=2, input_size=(12, 12)))
    always = torch.tensor([3.0, 4.0, 7.0, 8.0])
    for branch in net.outputs.branches:
        torch.nn.init.zeros_(branch.weight)
    net.outputs.branches[0].bias.data = torch.tensor([1.0, 0.0])
    net.outputs.branches[1].bias.data = encode(always, torch.tensor([0.0, 0.0, 12.0, 12.0]))
    judged = judge_localizer(net, PatchBatches(pages, batch_size=2))
    wanted = intersection_over_union(always, pages.boxes[:, 0].float()).mean()
    assert judged.mean_overlap == pytest.approx(float(wanted), abs=1e-5) and 0 < wanted < 1
    assert judged.accuracy == 1.0


def test_a_segmenter_is_judged_pixel_by_pixel():
    pages = squares(3)
    net = FCN(ImageNet(Conv2d(1, 1, 1), channels=1, num_classes=2, input_size=(8, 8)), num_classes=2)
    torch.nn.init.ones_(net.parts[0].body.weight)
    torch.nn.init.zeros_(net.parts[0].body.bias)
    affine(net.scores[0], 10.0, -5.0)
    perfect = judge_segmenter(net, PageBatches(pages, batch_size=2))
    assert perfect[:2] == (1.0, 1.0) and perfect.overlaps.tolist() == [1.0, 1.0]
    affine(net.scores[0], 0.0, -5.0)
    blind = judge_segmenter(net, PageBatches(pages, batch_size=2))
    share = 1 - 6 * 16 / 1600
    assert blind.overlaps.tolist() == pytest.approx([0.0, share])
    assert blind[:2] == pytest.approx((share / 2, share))
