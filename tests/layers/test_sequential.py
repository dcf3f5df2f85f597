"""Layers one after the other."""

import pytest
import torch
from torch import nn

from audiocnn.errors import ParameterError
from audiocnn.geometry import Geometry
from audiocnn.layers import Conv1d, Identity, ReLU, Sequential
from audiocnn.models import create


def test_layers_may_be_named_or_not():
    net = Sequential(Identity(), {"conv": Conv1d(1, 1, 3)}, ReLU())
    assert [name for name, _ in net.named_children()] == ["0", "conv", "2"]


def test_a_slice_is_another():
    net = Sequential(Conv1d(1, 1, 3), {"conv": Conv1d(1, 1, 5, stride=2)}, ReLU())
    assert net[1:].geometry == Geometry(5, 2)
    assert [name for name, _ in net[1:].named_children()] == ["conv", "2"]


def test_a_slice_of_what_derives_from_it_is_a_plain_one():
    net = create("tdnn", num_classes=3).eval()
    embedding = net[:-1]
    assert type(embedding) is Sequential
    x = torch.randn(2, 1, 40, 98)
    assert torch.equal(net.logits(embedding(x)), net(x))
    assert net[-1] is net.logits


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((Conv1d(1, 1, 3), nn.ReLU()), "layers['1']=ReLU() is no layer that scans"),
        (({"swish": nn.SiLU()},), "layers['swish']=SiLU() is no layer that scans"),
        (([ReLU()],), "layers['0']=[ReLU()] is no layer that scans"),
    ],
)
def test_what_is_no_layer(layers, message):
    with pytest.raises(ParameterError) as error:
        Sequential(*layers)
    assert str(error.value) == (
        f"{message}; take it from audiocnn.layers, or give Elementwise(...) of a module that treats every "
        "number by itself"
    )
