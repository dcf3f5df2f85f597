"""Fixed statistics, of rows and of channels."""

import pytest
import torch

from audiocnn import frontends
from audiocnn.errors import ParameterError
from audiocnn.geometry import Geometry
from audiocnn.layers import Normalize


def set_to(size, **of):
    normalize = Normalize(size, **of)
    normalize.set_statistics(mean=torch.arange(float(size)), deviation=1 + torch.arange(float(size)))
    return normalize


def test_each_row_has_its_own():
    x = torch.randn(2, 3, 4, 5)
    y = set_to(4)(x)
    for row in range(4):
        torch.testing.assert_close(y[:, :, row], (x[:, :, row] - row) / (1 + row))


def test_the_rows_of_1d_features_are_their_channels():
    x = torch.randn(2, 4, 5)
    torch.testing.assert_close(set_to(4)(x), set_to(4)(x[:, None])[:, 0])
    torch.testing.assert_close(set_to(4)(x), set_to(4, of="channels")(x))


def test_each_colour_of_an_image_has_its_own():
    x = torch.randn(2, 3, 4, 5)
    y = set_to(3, of="channels")(x)
    for channel in range(3):
        torch.testing.assert_close(y[:, channel], (x[:, channel] - channel) / (1 + channel))


def test_front_ends_know_it_by_the_same_name_and_it_keeps_two_vectors():
    assert frontends.Normalize is Normalize
    assert {key: tuple(value.shape) for key, value in Normalize(40).state_dict().items()} == {
        "mean": (40,),
        "deviation": (40,),
    }


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Normalize(0), "size=0 must be a positive integer"),
        (lambda: Normalize(3, of="images"), "of='images' must be 'rows' or 'channels'"),
        (
            lambda: Normalize(3)(torch.zeros(1, 1, 1, 9)),
            "input has 1 rows; the statistics are those of 3",
        ),
        (
            lambda: Normalize(3, of="channels")(torch.zeros(1, 1, 3, 9)),
            "input has 1 channels; the statistics are those of 3",
        ),
        (
            lambda: Normalize(3).set_statistics(mean=torch.zeros(2), deviation=torch.ones(3)),
            "mean has shape (2,); one value for each of 3 rows is needed",
        ),
        (
            lambda: Normalize(1).set_statistics(mean=torch.tensor([torch.nan]), deviation=torch.ones(1)),
            "mean holds values that are not finite",
        ),
        (
            lambda: Normalize(2).set_statistics(mean=torch.zeros(2), deviation=torch.tensor([1.0, 0.0])),
            "deviation must be positive; some of the rows never change",
        ),
        (  # positive in float64, and zero in float32
            lambda: Normalize(1).set_statistics(
                mean=torch.zeros(1), deviation=torch.tensor([1e-60], dtype=torch.float64)
            ),
            "deviation must be positive; some of the rows never change",
        ),
    ],
)
def test_what_cannot_work_says_what_would(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message


def test_statistics_of_rows_are_no_scan_over_rows():
    assert (Normalize(4).geometry_rows, Normalize(4).geometry) == (None, Geometry())
    assert Normalize(4, of="channels").geometry_rows == Geometry()
