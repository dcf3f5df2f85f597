"""Activations against the curves of their docstrings."""

from math import exp

import pytest
import torch

from audiocnn.layers import LeakyReLU, ReLU, ReLU6, Sigmoid, SiLU, Tanh

CURVES = {
    ReLU: lambda x: max(x, 0.0),
    LeakyReLU: lambda x: x if x > 0 else 0.01 * x,
    ReLU6: lambda x: min(max(x, 0.0), 6.0),
    SiLU: lambda x: x / (1 + exp(-x)),
    Sigmoid: lambda x: 1 / (1 + exp(-x)),
    Tanh: lambda x: (exp(x) - exp(-x)) / (exp(x) + exp(-x)),
}


@pytest.mark.parametrize(("layer", "curve"), CURVES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_the_curve(layer, curve):
    points = [-9.0, -1.5, -0.1, 0.0, 0.3, 2.0, 5.9, 7.5]
    y = layer()(torch.tensor(points, dtype=torch.float64))
    torch.testing.assert_close(y, torch.tensor([curve(x) for x in points], dtype=torch.float64))
