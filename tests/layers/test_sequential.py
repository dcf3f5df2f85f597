"""Layers one after the other."""

from audiocnn.layers import Conv1d, Identity, ReLU, Sequential


def test_layers_may_be_named_or_not():
    net = Sequential(Identity(), {"conv": Conv1d(1, 1, 3)}, ReLU())
    assert [name for name, _ in net.named_children()] == ["0", "conv", "2"]
