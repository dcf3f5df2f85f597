"""Convolutions against their formula and torch, and padding against TensorFlow's rule."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.errors import ParameterError
from audiocnn.layers import Conv1d, Conv2d


def test_the_formula():
    conv = Conv1d(2, 3, 4, stride=2, dilation=3).double()
    x = torch.randn(1, 2, 30, dtype=torch.float64)
    y = conv(x)
    for o in range(3):
        for t in range(y.shape[-1]):
            taps = x[0, :, t * 2 : t * 2 + 10 : 3]
            torch.testing.assert_close(y[0, o, t], conv.bias[o] + (conv.weight[o] * taps).sum())


# torch's own "same", which we compare with, warns that an even kernel makes it copy its input
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@settings(deadline=None)
@given(kernel=st.integers(1, 9), dilation=st.integers(1, 4), length=st.integers(1, 40))
def test_same_is_torchs_same(kernel, dilation, length):
    ours = Conv1d(2, 3, kernel, dilation=dilation, padding="same")
    theirs = torch.nn.Conv1d(2, 3, kernel, dilation=dilation, padding="same")
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(1, 2, length)
    torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")  # torch's, about speed
@settings(deadline=None)
@given(rows=st.integers(1, 5), columns=st.integers(1, 5))
def test_same_is_torchs_same_in_2d(rows, columns):
    ours = Conv2d(2, 3, (rows, columns), padding="same")
    theirs = torch.nn.Conv2d(2, 3, (rows, columns), padding="same")
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(1, 2, 6, 11)
    torch.testing.assert_close(ours(x), theirs(x))


@given(kernel=st.integers(1, 9), stride=st.integers(1, 4), length=st.integers(1, 40))
def test_same_gives_the_length_over_the_stride_rounded_up(kernel, stride, length):
    conv = Conv1d(1, 1, kernel, stride=stride, padding="same")
    assert conv(torch.zeros(1, 1, length)).shape[-1] == -(-length // stride)
    assert conv.time_axis.takes.output_length(length) == -(-length // stride)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel_size": 0}, "kernel_size=0 must be a positive integer"),
        ({"kernel_size": 3, "stride": 0}, "stride=0 must be a positive integer"),
        ({"kernel_size": 3, "dilation": -2}, "dilation=-2 must be a positive integer"),
        ({"kernel_size": 3, "padding": "causal"}, "padding='causal' must be 'valid' or 'same'"),
    ],
)
def test_impossible_convolutions(arguments, message):
    with pytest.raises(ParameterError) as error:
        Conv1d(4, 4, **arguments)
    assert str(error.value) == message
