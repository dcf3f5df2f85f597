"""Squeeze and excitation over the clip, a frame or a window."""

import pytest
import torch

from audiocnn.errors import LawError, ParameterError
from audiocnn.geometry import Geometry
from audiocnn.layers import Conv2d, Sequential, SqueezeExcitation


def gated(block, x, mean):
    """`x` times the gate of the formula, for a mean that broadcasts to it."""
    gate = block.branches[1]

    def dense(layer, v):
        return torch.einsum("oc,bc...->bo...", layer.weight.flatten(1), v) + layer.bias.view(
            -1, *[1] * (v.dim() - 2)
        )

    return x * torch.sigmoid(dense(gate.expand, dense(gate.reduce, mean).relu()))


def made(dimensions, context):
    block = SqueezeExcitation(8, context=context, dimensions=dimensions, reduction=4).double()
    x = 3 * torch.randn(2, 8, *(5, 20)[-dimensions:], dtype=torch.float64)
    return block, x


@pytest.mark.parametrize("dimensions", [1, 2])
def test_the_narrow_layer_has_a_channel_for_each_so_many(dimensions):
    gate = SqueezeExcitation(256, context="frame", dimensions=dimensions).branches[1]
    assert gate.reduce.weight.shape[:2] == (16, 256)  # the paper's reduction of 16
    assert gate.expand.weight.shape[:2] == (256, 16)


@pytest.mark.parametrize("dimensions", [1, 2])
def test_over_the_clip(dimensions):
    block, x = made(dimensions, "clip")
    mean = x.flatten(2).mean(dim=2).view(2, 8, *[1] * dimensions)
    torch.testing.assert_close(block(x), gated(block, x, mean))


def test_over_a_frame_of_rows():
    block, x = made(2, "frame")
    torch.testing.assert_close(block(x), gated(block, x, x.mean(dim=2, keepdim=True)))


def test_over_a_frame_without_rows_nothing_is_gathered():
    block, x = made(1, "frame")
    torch.testing.assert_close(block(x), gated(block, x, x))


@pytest.mark.parametrize("dimensions", [1, 2])
@pytest.mark.parametrize("window", [1, 4, 7])
def test_over_a_window_the_step_in_its_middle_is_gated(dimensions, window):
    block, x = made(dimensions, window)
    y = block(x)
    assert y.shape[2:] == (*x.shape[2:-1], 20 - window + 1)
    for t in range(20 - window + 1):
        seen = x[..., t : t + window]
        mean = seen.flatten(2).mean(dim=2).view(2, 8, *[1] * dimensions)
        middle = t + (window - 1) // 2
        expected = gated(block, x[..., middle : middle + 1], mean)
        torch.testing.assert_close(y[..., t : t + 1], expected)


@pytest.mark.parametrize("dimensions", [1, 2])
def test_a_window_of_the_whole_clip_is_the_clips_gate_on_its_middle(dimensions):
    windowed, x = made(dimensions, 20)
    whole = SqueezeExcitation(8, context="clip", dimensions=dimensions, reduction=4).double()
    whole.load_state_dict(windowed.state_dict())
    torch.testing.assert_close(windowed(x), whole(x)[..., 9:10])


def test_rows_stay_and_are_all_seen():
    for context in ("clip", "frame", 5):
        net = Sequential(Conv2d(1, 8, 3), SqueezeExcitation(8, context=context, reduction=4))
        assert net.row_axis.takes == Geometry(3)
        assert net.row_axis.receptive_field is None
        assert net(torch.zeros(1, 1, 10, 12)).shape[2] == 8


@pytest.mark.parametrize("dimensions", [1, 2])
def test_over_the_clip_it_cannot_stream_and_says_why(dimensions):
    block, x = made(dimensions, "clip")
    assert block.geometry is None
    with pytest.raises(LawError) as error:
        block.step(x)
    assert str(error.value) == (
        "GlobalMean at 'branches.1.mean' cannot stream: it averages the whole clip; build SqueezeExcitation "
        "with context='frame' or a number of steps, or scan by windows (audiocnn.layers.Windows)"
    )


def test_where_the_clip_is_cut_changes_its_scores_over_the_clip_but_not_over_a_window():
    clip, x = made(2, "clip")
    window, _ = made(2, 5)
    assert (clip(x[..., :10]) - clip(x)[..., :10]).abs().max() > 1e-3
    torch.testing.assert_close(window(x[..., :10]), window(x)[..., :6])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"context": "batch"}, "context='batch' must be 'clip', 'frame' or a number of steps"),
        ({"context": 0}, "context=0 must be a positive integer"),
        ({"context": 2.5}, "context=2.5 must be 'clip', 'frame' or a number of steps"),
        ({"channels": 0}, "channels=0 must be a positive integer"),
        ({"reduction": 0}, "reduction=0 must be a positive integer"),
        (
            {"channels": 20},
            "channels=20 must be a multiple of reduction=16; give one that divides them",
        ),
        (
            {"dimensions": 3},
            "dimensions=3 must be 1, for (batch, channel, time), or 2, for (batch, channel, rows, time)",
        ),
    ],
)
def test_what_cannot_work_says_what_would(options, message):
    with pytest.raises(ParameterError) as error:
        SqueezeExcitation(**({"channels": 16, "context": "frame"} | options))
    assert str(error.value) == message
