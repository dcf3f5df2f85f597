"""The integers of scanning, against brute force."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis, Geometry, chain, kernel_span, same_padding

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
