"""Windows of a module that is no scan."""

import pytest
import torch

from audiocnn.errors import ParameterError
from audiocnn.layers import Conv1d, Conv2d, GlobalMean, Identity, MaxPool1d, Sequential, WindowMean, Windows


def test_a_module_of_any_length_is_run_on_each_window():
    module = Sequential(Conv1d(2, 3, 3, padding="same"), GlobalMean()).eval()
    x = torch.randn(1, 2, 20)
    track = Windows(module, window=8, stride=4)(x)
    assert track.shape == (1, 3, 4)
    for j in range(4):
        torch.testing.assert_close(track[..., j : j + 1], module(x[..., 4 * j : 4 * j + 8]))


def test_a_window_gives_one_output():
    message = "window=7 gives 3 outputs of WindowMean; choose a window that gives one"
    with pytest.raises(ParameterError) as error:
        Windows(WindowMean(5), window=7, stride=1)
    assert str(error.value) == message


def test_a_window_of_a_module_of_unknown_length_is_checked_when_it_is_run():
    windows = Windows(Sequential(MaxPool1d(3, stride=2, ceil_mode=True), Identity()), window=8, stride=1)
    with pytest.raises(ParameterError) as error:
        windows(torch.zeros(1, 1, 9))
    assert str(error.value) == "window=8 gives 4 outputs of Sequential; choose a window that gives one"


def test_a_map_for_each_window_is_flattened_however_it_lies_in_memory():
    conv = Conv2d(2, 3, (2, 4))
    x = torch.randn(2, 2, 5, 9)
    expected = conv(x).flatten(1, 2)
    last = conv.to(memory_format=torch.channels_last)
    torch.testing.assert_close(Windows(last, window=4, stride=1)(x), expected)


def test_a_batch_of_nothing():
    assert Windows(GlobalMean(), window=4, stride=1)(torch.zeros(0, 2, 9)).shape == (0, 2, 6)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Windows(GlobalMean(), window=0, stride=1), "window=0 must be a positive integer"),
        (lambda: Windows(GlobalMean(), window=4, stride=-1), "stride=-1 must be a positive integer"),
        (
            lambda: Windows(GlobalMean(), window=4, stride=1, batch_size=0),
            "batch_size=0 must be a positive integer",
        ),
        (
            lambda: Windows(torch.nn.ReLU(), window=4, stride=1),
            (
                "module=ReLU() is no layer that scans; take it from audiocnn.layers, or give "
                "Elementwise(...) of a module that treats every number by itself"
            ),
        ),
        (
            lambda: Windows(GlobalMean(), window=4, stride=1)(torch.zeros(1, 2, 3)),
            (
                "input of 3 steps along time is shorter than the span of Windows, 4; pad the clip once, "
                "before the network"
            ),
        ),
    ],
)
def test_what_is_refused(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message
