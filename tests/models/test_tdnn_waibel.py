"""Waibel's net: its sizes, and its units one by one."""

import pytest
import torch

from audiocnn.describe import count_parameters, describe
from audiocnn.geometry import Geometry
from audiocnn.models import create


def test_it_is_as_large_as_published():
    """8 units of 3 frames of 16 bands, 3 units of 5 frames of 8; and our logits."""
    net = create("tdnn_waibel", num_classes=3, padding="same")
    assert (net.rows, net.window) == (16, 15)
    assert count_parameters(net.body) == 8 * (3 * 16 + 1) + 3 * (5 * 8 + 1) == 392 + 123
    assert count_parameters(net) == 527


def test_of_15_frames_13_and_then_9_are_left():
    net = create("tdnn_waibel", num_classes=3, padding="same")
    shapes = {layer.name: layer.output for layer in describe(net).layers}
    assert shapes["body.hidden1"] == (8, 13)
    assert shapes["body.hidden2"] == (3, 9)
    assert shapes["pool"] == (3, 1)
    connections = {layer.name: layer.connections for layer in describe(net).layers}
    assert connections["body.hidden1"] + connections["body.hidden2"] == 13 * 8 * 49 + 9 * 3 * 41
    assert net.body.geometry == Geometry(7)


@pytest.mark.parametrize("padding", ["same", "valid"])
@torch.no_grad()
def test_the_evidence_of_each_class_is_added_up_over_time(padding):
    net = create("tdnn_waibel", num_classes=3, padding=padding).double().eval()
    x = torch.randn(1, 1, 16, net.window, dtype=torch.float64)
    first, second = net.body.hidden1, net.body.hidden2
    hidden = [
        torch.sigmoid(torch.einsum("ork,rk->o", first.weight, x[0, 0, :, t : t + 3]) + first.bias)
        for t in range(net.window - 2)
    ]
    evidence = [
        torch.sigmoid(torch.einsum("ohk,kh->o", second.weight, torch.stack(hidden[t : t + 5])) + second.bias)
        for t in range(net.window - 6)
    ]
    total = torch.stack(evidence).sum(dim=0)
    logits = net.logits.weight[..., 0] @ (total / len(evidence)) + net.logits.bias
    torch.testing.assert_close(net(x).flatten(), logits)
