"""Parts that are built for one or two dimensions."""

import pytest

from audiocnn.errors import ParameterError
from audiocnn.layers import BatchNorm1d, BatchNorm2d, Conv1d, Conv2d, MaxPool1d, MaxPool2d
from audiocnn.layers.dimensions import batch_norm, conv, max_pool


def test_each_part_has_its_dimensions():
    assert [type(conv(n, 2, 4, 3)) for n in (1, 2)] == [Conv1d, Conv2d]
    assert [type(batch_norm(n, 4)) for n in (1, 2)] == [BatchNorm1d, BatchNorm2d]
    assert [type(max_pool(n, 3, stride=1)) for n in (1, 2)] == [MaxPool1d, MaxPool2d]


@pytest.mark.parametrize("dimensions", [1, 2])
def test_a_convolution_has_all_that_is_asked_for(dimensions):
    made = conv(dimensions, 4, 6, 3, stride=2, dilation=5, groups=2, bias=True, padding="same")
    plain = (Conv1d if dimensions == 1 else Conv2d)(
        4, 6, 3, stride=2, dilation=5, groups=2, bias=True, padding="same"
    )
    assert repr(made) == repr(plain)
    assert made.time_axis == plain.time_axis
    assert conv(dimensions, 4, 6, 3).bias is None


@pytest.mark.parametrize("dimensions", [1, 2])
def test_a_pool_has_all_that_is_asked_for(dimensions):
    made = max_pool(dimensions, 3, stride=2, padding="same")
    plain = (MaxPool1d if dimensions == 1 else MaxPool2d)(3, stride=2, padding="same")
    assert made.time_axis == plain.time_axis


@pytest.mark.parametrize(
    "build",
    [
        lambda: conv(3, 2, 4, 3),
        lambda: batch_norm(3, 4),
        lambda: max_pool(3, 3, stride=1),
    ],
)
def test_other_dimensions_are_refused(build):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == (
        "dimensions=3 must be 1, for (batch, channel, time), or 2, for (batch, channel, rows, time)"
    )


@pytest.mark.parametrize(
    ("name", "value", "build"),
    [
        ("kernel_size", (3, 3), lambda pair: conv(1, 2, 4, pair)),
        ("stride", (1, 2), lambda pair: conv(1, 2, 4, 3, stride=pair)),
        ("dilation", (1, 2), lambda pair: conv(1, 2, 4, 3, dilation=pair)),
        ("padding", ("same", "valid"), lambda pair: conv(1, 2, 4, 3, padding=pair)),
        ("kernel_size", (3, 3), lambda pair: max_pool(1, pair, stride=1)),
        ("stride", (1, 2), lambda pair: max_pool(1, 3, stride=pair)),
        ("padding", ("same", "valid"), lambda pair: max_pool(1, 3, stride=1, padding=pair)),
    ],
)
def test_pairs_are_refused_where_there_are_no_rows(name, value, build):
    with pytest.raises(ParameterError) as error:
        build(value)
    assert str(error.value) == (
        f"{name}={value} is a pair for rows and time; with dimensions=1 give one value"
    )
