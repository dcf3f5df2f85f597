"""Large batches in parts: the same numbers, within bounds, and where it is left alone."""

import pytest
import torch

from audiocnn.layers import Conv1d
from audiocnn.models import create, in_parts
from audiocnn.models.in_parts import largest_result


@pytest.fixture
def net():
    return create("tdnn", num_classes=3).eval()


@pytest.fixture
def parts(net):
    """How many clips each call of the body was given."""
    seen = []
    forward = net.body.forward
    net.body.forward = lambda x: (seen.append(len(x)), forward(x))[1]
    return seen


def bound(monkeypatch, net, clips):
    """Let the widest layer, 384 channels before the pool, have room for so many clips of one window."""
    monkeypatch.setattr(in_parts, "LARGEST", clips * 384 * (net.window - 14))


@pytest.mark.parametrize("clips", [1, 4, 9])
def test_the_parts_are_as_large_as_the_bound_allows_and_give_the_same(net, parts, monkeypatch, clips):
    x = torch.randn(9, 1, 40, net.window)
    with torch.inference_mode():
        whole = net(x)
        assert parts == [1, 9]  # the first clip by itself, to see how large the layers are; then all
        parts.clear()
        bound(monkeypatch, net, clips)
        torch.testing.assert_close(net(x), whole, rtol=1e-5, atol=1e-6)
    assert parts == {1: [1] * 9, 4: [4, 4, 1], 9: [9]}[clips]


def test_longer_clips_are_fewer_at_a_time(net, parts, monkeypatch):
    bound(monkeypatch, net, 4)
    with torch.inference_mode():
        net(torch.randn(4, 1, 40, net.window))
        parts.clear()
        net(torch.randn(4, 1, 40, 2 * net.window))
    assert parts == [2, 2]


def test_a_clip_too_large_for_the_bound_is_run_by_itself(net, parts, monkeypatch):
    monkeypatch.setattr(in_parts, "LARGEST", 10)
    with torch.inference_mode():
        assert net(torch.randn(2, 1, 40, net.window)).shape == (2, 3, 1)
    assert parts == [1, 1, 1]


def test_training_sees_the_whole_batch(net, parts, monkeypatch):
    bound(monkeypatch, net, 1)
    x = torch.randn(3, 1, 40, net.window)
    net(x)  # gradients may be wanted
    net.train()
    with torch.no_grad():
        net(x)
    assert parts == [3, 3]


def test_so_does_what_looks_at_a_layer(net, parts, monkeypatch):
    with torch.inference_mode():
        x = torch.randn(3, 1, 40, net.window)
        net(x)
        bound(monkeypatch, net, 1)
        parts.clear()
        net.body.frame1.register_forward_hook(lambda *_: None)
        net(x)
    assert parts == [3]


def test_the_largest_result_is_the_widest_layers():
    conv = Conv1d(4, 32, 3)
    with torch.inference_mode():
        assert largest_result(conv, torch.zeros(1, 4, 10)) == 32 * 8
