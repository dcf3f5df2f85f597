"""Accuracy against place: what is moved, what counts as how far, and what cannot be measured."""

import pytest
import torch

from audiocnn import layers as L
from audiocnn.errors import ParameterError
from audiocnn.explain import accuracy_by_distance, accuracy_by_offset, draw_accuracy_by_distance

MARGIN = 3


def bars():
    """A lying and a standing bar of 3 pixels in the middle of 9 x 9, on grey."""
    pictures = torch.full((2, 1, 9, 9), 0.5)
    pictures[0, 0, 4, 3:6] = 1.0
    pictures[1, 0, 3:6, 4] = 1.0
    return pictures, torch.tensor([0, 1])


def detectors(kernel):
    """One for each bar, `(2, 1, kernel, kernel)`, in the middle of the kernel."""
    layer = L.Conv2d(1, 2, kernel, bias=False)
    middle = kernel // 2
    layer.weight.data.zero_()
    layer.weight.data[0, 0, middle, middle - 1 : middle + 2] = 1.0
    layer.weight.data[1, 0, middle - 1 : middle + 2, middle] = 1.0
    return layer


def test_convolution_with_a_pool_over_all_places_is_invariant():
    accuracies = accuracy_by_offset(L.Sequential(detectors(3), L.MaxPool2d(7)), *bars(), margin=MARGIN)
    assert torch.equal(accuracies, torch.ones(7, 7))


def test_a_dense_layer_knows_what_is_in_the_middle_alone():
    accuracies = accuracy_by_offset(detectors(9), *bars(), margin=MARGIN)
    assert accuracies[3, 3] == 1.0
    assert accuracies.mean() < 0.5  # elsewhere it sees nothing, or the end of a bar


def test_rows_are_up_and_down_and_columns_left_and_right():
    net = L.Conv2d(1, 2, 9, bias=False)  # the second class is what has its middle below and to the left
    net.weight.data.zero_()
    net.weight.data[1, 0, 6, 2] = 1.0
    net.weight.data[0] = 1 / 81
    dot = torch.zeros(1, 1, 9, 9)
    dot[0, 0, 4, 4] = 1.0
    accuracies = accuracy_by_offset(net, dot, torch.tensor([1]), margin=MARGIN)
    assert accuracies.nonzero().tolist() == [[MARGIN + 2, MARGIN - 2]]


def test_the_longer_axis_is_the_distance():
    accuracies = torch.arange(25.0).view(5, 5)
    accuracies[1:4, 1:4] = 1.0
    accuracies[2, 2] = 0.25
    ring = (torch.arange(25.0).sum() - torch.tensor([6.0, 7, 8, 11, 12, 13, 16, 17, 18]).sum()) / 16
    assert accuracy_by_distance(accuracies).tolist() == [0.25, 1.0, ring.item()]


def test_dropout_is_off_and_training_goes_on():
    net = L.Sequential(detectors(3), L.MaxPool2d(7), L.Dropout(0.99)).train()
    assert accuracy_by_offset(net, *bars(), margin=1).min() == 1.0
    assert net.training


def test_a_margin_that_is_none():
    with pytest.raises(ParameterError) as error:
        accuracy_by_offset(detectors(9), *bars(), margin=0)
    assert str(error.value) == "margin=0 must be a positive number of pixels"


@pytest.mark.parametrize("margin", [4, 5])
def test_a_margin_that_is_not_empty(margin):
    with pytest.raises(ParameterError) as error:
        accuracy_by_offset(detectors(9), *bars(), margin=margin)
    assert str(error.value) == (
        f"margin={margin}: pictures hold more than one colour in it, and what is moved would be cut off; put "
        "them on a larger ground, or take a smaller margin"
    )


def test_the_picture_is_written(tmp_path):
    runs = {"conv": [torch.ones(4), torch.ones(4)], "MLP": [torch.linspace(1, 0, 4)]}
    draw_accuracy_by_distance(runs, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(ParameterError) as error:
        draw_accuracy_by_distance(runs, tmp_path / "curves.txt")
    assert str(error.value) == f"picture={tmp_path / 'curves.txt'} must end in .png, .svg or .pdf"
