"""Subsampling: sums of blocks, weighed by channel, and what LeNet-5's paper counts."""

import pytest
import torch

from audiocnn.accounting import account
from audiocnn.errors import ParameterError
from audiocnn.geometry import Geometry
from audiocnn.layers import AvgPool2d, Subsample2d


def test_it_starts_as_the_mean():
    x = torch.randn(2, 3, 7, 11)
    torch.testing.assert_close(Subsample2d(3, 2)(x), AvgPool2d(2)(x))


def test_it_is_the_formula():
    layer = Subsample2d(3, (2, 3), stride=(2, 1)).double()
    torch.nn.init.normal_(layer.coefficient)
    torch.nn.init.normal_(layer.bias)
    x = torch.randn(2, 3, 5, 6, dtype=torch.float64)
    y = layer(x)
    assert y.shape == (2, 3, 2, 4)
    for channel in range(3):
        for row in range(2):
            for step in range(4):
                block = x[:, channel, 2 * row : 2 * row + 2, step : step + 3].sum(dim=(1, 2))
                expected = layer.coefficient[channel] * block + layer.bias[channel]
                torch.testing.assert_close(y[:, channel, row, step], expected)


def test_gradients_are_right():
    layer = Subsample2d(2, 2).double()
    x = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    run = torch.func.functional_call
    assert torch.autograd.gradcheck(
        lambda x, a, b: run(layer, {"coefficient": a, "bias": b}, x), (x, layer.coefficient, layer.bias)
    )


def test_both_axes_are_scans():
    layer = Subsample2d(1, (2, 3), stride=(2, 1))
    assert (layer.geometry_rows, layer.geometry) == (Geometry(2, 2), Geometry(3, 1))


def test_what_the_paper_counts():
    (s2,) = account(Subsample2d(6, 2), (6, 28, 28)).layers
    assert (s2.output, s2.parameters, s2.connections, s2.macs) == ((6, 14, 14), 12, 5_880, 0)
    (s4,) = account(Subsample2d(16, 2), (16, 10, 10)).layers
    assert (s4.output, s4.parameters, s4.connections, s4.macs) == ((16, 5, 5), 32, 2_000, 0)


def test_what_is_printed():
    assert str(Subsample2d(6, 2)) == "Subsample2d(6, kernel_size=(2, 2), stride=(2, 2))"


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Subsample2d(0, 2), "channels=0 must be a positive integer"),
        (lambda: Subsample2d(1, (2, 0)), "kernel_size=0 must be a positive integer"),
        (lambda: Subsample2d(1, 2, stride=-1), "stride=-1 must be a positive integer"),
        (
            lambda: Subsample2d(2, 2)(torch.zeros(1, 3, 4, 4)),
            "Subsample2d with channels=2 takes (batch, 2, rows, time), not (1, 3, 4, 4)",
        ),
        (
            lambda: Subsample2d(1, 2)(torch.zeros(1, 1, 1, 4)),
            (
                "input of 1 rows is shorter than the span of Subsample2d along rows, 2; give more rows, or "
                "padding='same' along them"
            ),
        ),
    ],
)
def test_what_is_refused(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message
