"""The integers of scanning, against brute force."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from audiocnn.errors import ParameterError
from audiocnn.geometry import (
    Axis,
    Geometry,
    ReceptiveField,
    chain,
    kernel_span,
    output_length,
    same_padding,
)

geometries = st.builds(Geometry, st.integers(1, 12), st.integers(1, 5))


def reads(geometry: Geometry, output: int) -> set[int]:
    return set(range(output * geometry.stride, output * geometry.stride + geometry.span))


@given(geometries, st.integers(0, 80))
def test_output_length_counts_the_windows_that_fit(geometry, length):
    fits = sum(max(reads(geometry, output)) < length for output in range(length + 1))
    assert geometry.output_length(length) == fits


@given(geometries, st.integers(1, 20))
def test_input_length_is_the_least_that_gives_the_outputs(geometry, outputs):
    needed = geometry.input_length(outputs)
    assert geometry.output_length(needed) == outputs
    assert geometry.output_length(needed - 1) == outputs - 1


@given(geometries, geometries, st.integers(0, 5))
def test_then_reads_what_both_read(first, second, output):
    both = first.then(second)
    read = set().union(*(reads(first, middle) for middle in reads(second, output)))
    assert min(read) == min(reads(both, output))
    assert max(read) == max(reads(both, output))


@given(geometries, geometries, st.integers(0, 200))
def test_lengths_chain(first, second, length):
    assert first.then(second).output_length(length) == second.output_length(first.output_length(length))


@given(geometries, geometries, geometries)
def test_then_is_associative(a, b, c):
    assert a.then(b).then(c) == a.then(b.then(c))


@given(st.integers(1, 40))
def test_same_padding_is_even_but_for_one(span):
    left, right = same_padding(span)
    assert left + right == span - 1
    assert right - left in (0, 1)


def test_published_receptive_fields():
    # TC-ResNet14: a convolution of 3, then three stages of two blocks of two kernels of 9
    stages = [Axis.scan(3)]
    for _ in range(3):
        stages += [Axis.scan(9, 2), Axis.scan(9), Axis.scan(9), Axis.scan(9)]
    assert chain(stages).geometry == Geometry(395, 8)
    # BC-ResNet: 5, then kernels of 3 dilated 1, 2, 4, 8 in 2, 2, 4, 4 blocks, then 5
    dilations = [1] * 2 + [2] * 2 + [4] * 4 + [8] * 4
    axes = [Axis.scan(5), *(Axis.scan(kernel_span(3, dilation)) for dilation in dilations), Axis.scan(5)]
    assert chain(axes).geometry == Geometry(117)


@pytest.mark.parametrize(
    ("span", "stride", "message"),
    [
        (0, 1, "span=0 must be a positive integer"),
        (3, -1, "stride=-1 must be a positive integer"),
        (2.5, 1, "span=2.5 must be a positive integer"),
    ],
)
def test_impossible_geometries(span, stride, message):
    with pytest.raises(ParameterError) as error:
        Geometry(span, stride)
    assert str(error.value) == message


padded = st.builds(
    lambda span, stride, left: Axis(Geometry(1, stride), Geometry(span, stride), -min(left, span - 1)),
    st.integers(1, 9),
    st.integers(1, 3),
    st.integers(0, 8),
)


@given(padded, padded, st.integers(0, 5))
def test_a_padded_field_begins_where_the_fields_it_reads_begin(first, second, output):
    def field(axis, output):
        begin = axis.start + output * axis.sees.stride
        return range(begin, begin + axis.sees.span)

    read = set().union(*(field(first, middle) for middle in field(second, output)))
    both = field(first.then(second), output)
    assert (min(read), max(read)) == (both[0], both[-1])


def test_a_chain_is_a_scan_if_all_of_it_is():
    valid, same = Axis.scan(3), Axis(takes=Geometry(1), sees=Geometry(3), start=-1)
    assert chain([valid, valid]).geometry == Geometry(5)
    assert [chain(axes).geometry for axes in ([valid, same], [same, valid], [same, same])] == [None] * 3
    assert chain([]) == Axis.scan() == Axis(Geometry(1, 1), Geometry(1, 1), is_scan=True)
    assert kernel_span(5) == 5  # without gaps


def test_the_centre_of_same_padding_stays_where_it_is():
    same = Axis(takes=Geometry(1), sees=Geometry(5), start=-2)
    assert chain([same] * 10).receptive_field == ReceptiveField(size=41, stride=1, centre=0.0)
    assert Axis.scan(4).receptive_field == ReceptiveField(size=4, stride=1, centre=1.5)


def test_what_depends_on_all_has_no_field_and_spoils_what_follows():
    whole = Axis(takes=None, sees=None)
    assert whole.then(Axis.scan(3)) == whole
    assert Axis.scan(3).then(whole).receptive_field is None
    assert whole.geometry is None


@given(
    length=st.integers(1, 40),
    kernel_size=st.integers(1, 7),
    stride=st.integers(1, 5),
    padding=st.integers(0, 3),
    ceil_mode=st.booleans(),
)
def test_output_length_is_torchs(length, kernel_size, stride, padding, ceil_mode):
    padding = min(padding, kernel_size // 2)
    if length + 2 * padding < kernel_size:
        return
    pool = torch.nn.MaxPool1d(kernel_size, stride, padding, ceil_mode=ceil_mode)
    ours = output_length(length, kernel_size, stride=stride, padding=padding, ceil_mode=ceil_mode)
    assert ours == pool(torch.zeros(1, 1, length)).shape[-1]


def test_lengths_that_courses_work_out():
    assert output_length(5, 3) == 3
    assert output_length(5, 3, stride=2) == 2
    assert [output_length(7, 3, stride=stride) for stride in (1, 2, 3)] == [5, 3, 2]  # 3 does not fit evenly
    assert (output_length(32, 5), output_length(32, 5, padding=2)) == (28, 32)
    assert output_length(227, 11, stride=4) == 55
    assert output_length(224, 7, stride=2, padding=3) == 112
    assert output_length(112, 3, stride=2, ceil_mode=True) == 56
    assert output_length(20, 3, dilation=4) == 12


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"length": 0, "kernel_size": 3}, "length=0 must be a positive integer"),
        ({"length": 9, "kernel_size": -1}, "kernel_size=-1 must be a positive integer"),
        ({"length": 9, "kernel_size": 3, "stride": 0}, "stride=0 must be a positive integer"),
        ({"length": 9, "kernel_size": 3, "dilation": 0}, "dilation=0 must be a positive integer"),
        ({"length": 9, "kernel_size": 3, "padding": -1}, "padding=-1 must be 0 or more steps"),
        (
            {"length": 9, "kernel_size": 4, "dilation": 4, "padding": 1},
            "length=9 with padding=1 does not hold a kernel over 13 steps; give at least 11",
        ),
    ],
)
def test_lengths_that_cannot_be(arguments, message):
    with pytest.raises(ParameterError) as error:
        output_length(**arguments)
    assert str(error.value) == message


def test_an_even_span_has_no_symmetric_padding():
    assert same_padding(5, symmetric=True) == (2, 2)
    with pytest.raises(ParameterError) as error:
        same_padding(4, symmetric=True)
    assert str(error.value) == "span=4 is even and cannot be padded by as much on both sides; 3 or 5 can"
    with pytest.raises(ParameterError) as error:
        same_padding(0)
    assert str(error.value) == "span=0 must be a positive integer"
