"""A scan at another stride: the same outputs at other places, and nothing computed twice."""

import laws
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.errors import LawError, ParameterError
from audiocnn.layers import (
    Conv1d,
    KeepEvery,
    MaxPool1d,
    Polyphase,
    ReLU,
    Residual,
    Sequential,
    ShiftAndStitch,
    WindowMean,
    with_stride,
)
from audiocnn.layers.conv import Convolution
from audiocnn.models import AUDIO_MODELS, create


@pytest.fixture(autouse=True)
def _without_gradients():
    with torch.inference_mode():
        yield


def outputs_of_windows(net, x, stride):
    span = net.geometry.span
    return torch.cat([net(x[..., i : i + span]) for i in range(0, x.shape[-1] - span + 1, stride)], dim=-1)


def assert_is_moved(net, stride, x):
    moved = with_stride(net, stride)
    assert (moved.geometry.span, moved.geometry.stride) == (net.geometry.span, stride)
    expected = outputs_of_windows(net, x, stride)
    torch.testing.assert_close(moved(x), expected, rtol=0, atol=1e-12 * max(1.0, expected.abs().max().item()))


def count_macs(net, x):
    total = 0

    def add(layer, inputs, output):
        nonlocal total
        total += layer.macs(inputs[0], output)

    hooks = [layer.register_forward_hook(add) for layer in net.modules() if isinstance(layer, Convolution)]
    net(x)
    for hook in hooks:
        hook.remove()
    return total


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_stride_gives_the_outputs_of_the_windows(data):
    """Of chains of layers, some in a chain of their own or in a residual, with strides beyond spans too."""
    layers, channels = [], 2
    for _ in range(data.draw(st.integers(1, 4))):
        kernel, stride = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
        layer = Conv1d(channels, channels, kernel, stride=stride)
        how = data.draw(st.sampled_from(["plain", "inner", "residual", "activated"]))
        if how == "inner":
            layer = Sequential(layer, ReLU(), Conv1d(channels, channels, 2))
        elif how == "residual":
            layer = Residual(layer, Sequential(Conv1d(channels, channels, 1, stride=stride), ReLU()))
        elif how == "activated":
            layer = Sequential(layer, ReLU())
        layers.append(layer)
    net = Sequential(*layers).double().eval()
    own = net.geometry.stride
    whole_parts = [stride for stride in range(1, own + 1) if own % stride == 0]
    stride = data.draw(st.sampled_from([*whole_parts, 2 * own, 3 * own]))
    steps = net.geometry.span + data.draw(st.integers(0, 3 * own + 5))
    x = torch.randn(2, channels, steps, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert_is_moved(net, stride, x)


@pytest.mark.parametrize("name", [name for name in AUDIO_MODELS if laws.net(name).geometry.stride > 1])
def test_every_net_of_sounds_can_decide_at_every_frame(name):
    (case,) = (case for case in laws.NETS if case.name == name)
    net = case.module(torch.float64)
    x = case.input(net)[..., : net.geometry.span + 5]
    assert_is_moved(net, 1, x)


def test_strides_whose_steps_never_meet():
    net = Sequential(Conv1d(1, 2, 5, stride=4), ReLU(), Conv1d(2, 1, 3, stride=3)).double().eval()
    moved = with_stride(net, 6)
    assert [type(layer) for layer in moved.scans()] == [ShiftAndStitch]
    assert_is_moved(net, 6, torch.randn(1, 1, 80, dtype=torch.float64))


def test_nothing_is_computed_twice():
    """TC-ResNet-8 at each frame uses every weight once; a window by itself takes 27 times that."""
    net = create("tc_resnet_8", num_classes=12).eval()
    per_output = sum(layer.weight.numel() for layer in net.modules() if isinstance(layer, Convolution))
    x = torch.zeros(1, 1, 40, 2000)
    dense = with_stride(net, 1)
    longer = torch.zeros(1, 1, 40, 2800)
    assert count_macs(dense, longer) - count_macs(dense, x) == 800 * per_output
    assert (per_output, count_macs(net, torch.zeros(1, 1, 40, net.window))) == (66_933, 1_815_431)


def test_what_is_dropped_is_not_computed_behind_the_last_window():
    net = Sequential(Conv1d(2, 4, 3), WindowMean(10), Conv1d(4, 5, 1)).eval()
    x = torch.zeros(1, 2, 512)
    every, tenth = count_macs(net, x), count_macs(with_stride(net, 10), x)
    assert (every, tenth) == (510 * 24 + 501 * 20, 510 * 24 + 51 * 20)
    assert isinstance(with_stride(Conv1d(2, 2, 3), 5)[1], KeepEvery)


def test_the_own_stride_is_the_net_itself_and_weights_are_shared():
    net = Sequential(Conv1d(1, 1, 3, stride=2), MaxPool1d(2))
    assert with_stride(net, 4) is net
    assert next(with_stride(net, 1).parameters()) is net[0].weight


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (
            lambda: with_stride(Conv1d(1, 1, 3, stride=6), 4),
            "stride=4 must be a multiple or a whole part of 6, by which Conv1d moves",
        ),
        (lambda: with_stride(Conv1d(1, 1, 3), 0), "stride=0 must be a positive integer"),
        (
            lambda: ShiftAndStitch(Conv1d(1, 1, 3, stride=6), 4),
            "stride=4 must be a whole part of the layer's own, 6",
        ),
        (
            lambda: Polyphase(Conv1d(1, 1, 3, stride=2), 2),
            "layer moves by 2; give with_stride(layer, 1), which moves by 1",
        ),
    ],
)
def test_what_cannot_be_is_said(act, message):
    with pytest.raises(ParameterError) as error:
        act()
    assert str(error.value) == message


def test_what_is_no_scan_has_no_other_stride():
    with pytest.raises(LawError, match="Conv1d cannot stream: padding='same' adds steps"):
        with_stride(Conv1d(1, 1, 3, padding="same"), 2)
