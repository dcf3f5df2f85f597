"""The sparse convolution: a dense one whose other weights are zero, and are not there."""

import pytest
import torch
import torch.nn.functional as F

from audiocnn.accounting import account
from audiocnn.errors import ParameterError
from audiocnn.geometry import Geometry
from audiocnn.layers import Conv2d, SparseConv2d

TABLE = [(0, 2), (1,), (2, 0, 1)]


@pytest.mark.parametrize("padding", ["valid", "same", ("valid", "same")])
def test_it_sums_over_the_channels_of_the_table_alone(padding):
    layer = SparseConv2d(3, TABLE, (3, 4), padding=padding).double()
    x = torch.randn(2, 3, 6, 7, dtype=torch.float64)
    y, weights = layer(x), iter(layer.weight)
    dense = Conv2d(3, 3, (3, 4), padding=padding).double()
    assert (layer.geometry, layer.geometry_rows) == (dense.geometry, dense.geometry_rows)
    expected = torch.zeros_like(dense(x))
    one = Conv2d(1, 1, (3, 4), padding=padding, bias=False).double()
    for channel, row in enumerate(TABLE):
        for i in row:
            one.weight.data = next(weights)[None, None]
            expected[:, channel] += one(x[:, i : i + 1])[:, 0]
    torch.testing.assert_close(y, expected + layer.bias[:, None, None])


def test_its_dense_weight_is_that_of_the_same_convolution():
    layer = SparseConv2d(3, TABLE, 2)
    x, dense = torch.randn(1, 3, 4, 4), layer.dense_weight()
    torch.testing.assert_close(F.conv2d(x, dense, layer.bias), layer(x))
    connected = [[i in row for i in range(3)] for row in TABLE]
    assert (dense != 0).all(dim=(2, 3)).tolist() == connected
    assert (dense != 0).any(dim=(2, 3)).tolist() == connected


def test_what_is_not_connected_is_not_seen():
    layer = SparseConv2d(3, TABLE, 2)
    x = torch.randn(1, 3, 4, 4)
    changed = x.clone()
    changed[:, 1] += 1.0
    assert ((layer(changed) != layer(x)).any(dim=(0, 2, 3))).tolist() == [False, True, True]


def test_gradients_are_right():
    layer = SparseConv2d(3, TABLE, 2).double()
    x = torch.randn(1, 3, 3, 4, dtype=torch.float64, requires_grad=True)
    run = torch.func.functional_call
    assert torch.autograd.gradcheck(
        lambda x, w, b: run(layer, {"weight": w, "bias": b}, x), (x, layer.weight, layer.bias)
    )


def test_weights_start_by_the_inputs_that_each_channel_has():
    layer = SparseConv2d(40, [(0,), tuple(range(40))], 5)
    (one, _, few), (all_of_them, _, many) = layer.by_channel()
    assert (few, many) == (25, 1000)
    for weights, inputs in ((one, few), (all_of_them, many)):
        assert 0.8 * inputs**-0.5 < weights.abs().max() <= inputs**-0.5


def test_it_counts_its_connections_and_computes_the_zeros():
    (row,) = account(SparseConv2d(3, TABLE, 2), (3, 5, 6)).layers
    assert row.output == (3, 4, 5)
    assert row.parameters == 6 * 4 + 3
    assert row.connections == 20 * (6 * 4 + 3)
    assert row.macs == 20 * 9 * 4


def test_it_is_a_scan_and_padded_it_is_none():
    layer = SparseConv2d(3, TABLE, (3, 5), padding=("same", "valid"))
    assert (layer.geometry_rows, layer.geometry) == (None, Geometry(5))


def test_what_is_printed():
    assert str(SparseConv2d(3, TABLE, 2)) == "SparseConv2d(3, 3, kernel_size=(2, 2), connected=6 of 9)"


NAMES = "must name channels of the input, from 0 to 2, at least one and none twice"


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SparseConv2d(0, TABLE, 2), "in_channels=0 must be a positive integer"),
        (lambda: SparseConv2d(3, [], 2), "table=[] has no row; give one for each channel of the output"),
        (lambda: SparseConv2d(3, [(0,), ()], 2), f"table[1]=() {NAMES}"),
        (lambda: SparseConv2d(3, [(0, 3)], 2), f"table[0]=(0, 3) {NAMES}"),
        (lambda: SparseConv2d(3, [(1, 1)], 2), f"table[0]=(1, 1) {NAMES}"),
        (lambda: SparseConv2d(3, TABLE, (2, 0)), "kernel_size=0 must be a positive integer"),
        (
            lambda: SparseConv2d(3, TABLE, 2, padding="full"),
            "padding='full' must be 'valid' or 'same'",
        ),
        (
            lambda: SparseConv2d(3, TABLE, 2)(torch.zeros(1, 2, 4, 4)),
            "SparseConv2d with in_channels=3 takes (batch, 3, rows, time), not (1, 2, 4, 4)",
        ),
        (
            lambda: SparseConv2d(3, TABLE, 5)(torch.zeros(1, 3, 4, 5)),
            (
                "input of 4 rows is shorter than the span of SparseConv2d along rows, 5; give more rows, or "
                "padding='same' along them"
            ),
        ),
    ],
)
def test_what_is_refused(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message
