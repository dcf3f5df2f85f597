"""Branches: how they align, and what is refused."""

import pytest
import torch

from audiocnn.errors import ParameterError
from audiocnn.geometry import Geometry, ReceptiveField
from audiocnn.layers import Conv1d, Conv2d, Crop, Identity, Parallel, Residual, Sequential


def test_a_valid_residual_adds_the_centre():
    residual = Residual(Conv1d(1, 1, 4, bias=False))
    torch.nn.init.zeros_(residual.branches[0].weight)
    x = torch.arange(10.0).view(1, 1, 10)
    # span 4, the shorter one 1: left = 3 // 2 = 1, right = 2
    assert residual(x).flatten().tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_a_residual_of_a_net_with_even_kernels_keeps_its_delay_on_a_stream():
    residual = Residual(Sequential(Conv1d(1, 1, 4), Conv1d(1, 1, 2)))
    assert residual.geometry == Geometry(5)
    assert residual.crops[1].time == (2, 2)


def test_what_branches_see_together_is_counted_from_where_each_is_cropped():
    ahead = Sequential(Crop(time=(4, 0)), Conv1d(1, 1, 1))  # takes 5 steps, sees the last one
    parallel = Parallel(ahead, Conv1d(1, 1, 3))  # which sees steps 1 to 3
    assert parallel.time_axis.receptive_field == ReceptiveField(size=4, stride=1, centre=2.5)


def test_2d_branches_align_on_both_axes():
    parallel = Parallel(Conv2d(1, 1, 3), Conv2d(1, 1, (6, 4)))
    assert parallel.geometry == Geometry(4)
    assert parallel.geometry_rows == Geometry(6)
    assert parallel(torch.zeros(1, 1, 10, 10)).shape == (1, 1, 5, 7)


def test_a_crop_wants_a_row_that_is_left():
    with pytest.raises(ParameterError) as error:
        Crop(rows=(2, 2))(torch.zeros(1, 1, 4, 9))
    assert str(error.value) == (
        "input of 4 rows is shorter than the span of Crop along rows, 5; give more rows, or "
        "padding='same' along them"
    )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: Parallel(Conv1d(1, 1, 3, stride=2), Identity()),
            "branches have strides [1, 2]; give all the same stride",
        ),
        (
            lambda: Residual(Sequential(Conv1d(1, 1, 3, padding="same"), Conv1d(1, 1, 3))),
            (
                "branches give outputs of different lengths (they take [1, 3] steps for the first one); "
                "give all the same padding"
            ),
        ),
        (
            lambda: Parallel(Identity(), join="stack"),
            "join='stack' must be 'sum', 'product' or 'concatenate'",
        ),
        (lambda: Parallel(), "branches must be at least one layer"),
        (
            lambda: Residual(torch.nn.ReLU()),
            (
                "branches[0]=ReLU() is no layer that scans; take it from audiocnn.layers, or give "
                "Elementwise(...) of a module that treats every number by itself"
            ),
        ),
        (lambda: Crop(time=(-1, 1)), "time=(-1, 1) must be 0 or more steps at each end"),
        (lambda: Crop(rows=(0, -2)), "rows=(0, -2) must be 0 or more steps at each end"),
    ],
)
def test_what_cannot_work_says_what_would(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message
