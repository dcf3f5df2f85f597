"""Activations against the curves of their docstrings."""

from math import exp, tanh

import pytest
import torch

from audiocnn.layers import LeakyReLU, ReLU, ReLU6, ScaledTanh, Sigmoid, SiLU, Tanh

CURVES = {
    ReLU: lambda x: max(x, 0.0),
    LeakyReLU: lambda x: x if x > 0 else 0.01 * x,
    ReLU6: lambda x: min(max(x, 0.0), 6.0),
    SiLU: lambda x: x / (1 + exp(-x)),
    Sigmoid: lambda x: 1 / (1 + exp(-x)),
    ScaledTanh: lambda x: 1.7159 * tanh(2 * x / 3),
    Tanh: lambda x: (exp(x) - exp(-x)) / (exp(x) + exp(-x)),
}


@pytest.mark.parametrize(("layer", "curve"), CURVES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_the_curve(layer, curve):
    points = [-9.0, -1.5, -0.1, 0.0, 0.3, 2.0, 5.9, 7.5]
    y = layer()(torch.tensor(points, dtype=torch.float64))
    torch.testing.assert_close(y, torch.tensor([curve(x) for x in points], dtype=torch.float64))


def test_the_scaled_tanh_has_its_fixed_points_and_its_largest_curvature_at_1_and_minus_1():
    x = torch.linspace(-3.0, 3.0, 6001, dtype=torch.float64)
    y = ScaledTanh()(x)
    torch.testing.assert_close(y[[2000, 4000]], x[[2000, 4000]], rtol=0.0, atol=1e-4)
    curvature = y.diff(n=2)
    assert x[1 + curvature.argmax()].item() == pytest.approx(-1.0, abs=0.02)
    assert x[1 + curvature.argmin()].item() == pytest.approx(1.0, abs=0.02)
