"""An MLP at every position and the net it becomes: the same numbers, there and back."""

import pytest
import torch
from torch import nn

from audiocnn.errors import ParameterError
from audiocnn.geometry import Geometry
from audiocnn.layers import (
    BatchNorm1d,
    BatchNorm2d,
    ChannelNorm,
    Conv1d,
    Conv2d,
    Elementwise,
    MaxPool1d,
    ReLU,
    Sequential,
    conv_to_linear,
    linear_to_conv,
    scan_mlp,
    unscan_mlp,
)

NOT_SCANNED = (
    "cannot be scanned; an MLP is made of Linear, activations and dropout, and after the first Linear "
    "BatchNorm1d with running statistics and LayerNorm with eps=1e-05"
)
NO_PLACE = (
    "has no place in an MLP; one is made of a convolution over a block, 1x1 convolutions without stride, "
    "activations, dropout, batch norm and ChannelNorm"
)


def make_mlp(inputs):
    torch.manual_seed(0)
    mlp = nn.Sequential(
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(inputs, 16),
        nn.BatchNorm1d(16, eps=0.1),
        nn.GELU(),
        nn.Linear(16, 12, bias=False),
        nn.LayerNorm(12),
        nn.PReLU(12),
        ReLU(),
        nn.Dropout(),
        nn.Linear(12, 5),
    )
    for norm in (mlp[3], mlp[6]):
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    nn.init.normal_(mlp[3].running_mean)
    nn.init.uniform_(mlp[3].running_var, 0.5, 2.0)
    nn.init.uniform_(mlp[7].weight)
    return mlp.double().eval()


def test_a_scanned_mlp_is_the_mlp_at_every_position():
    mlp = make_mlp(3 * 4)
    net = scan_mlp(mlp, (3, 4), stride=2)
    assert net.geometry == Geometry(4, 2)
    x = torch.randn(2, 3, 15, dtype=torch.float64)
    expected = torch.stack([mlp(x[..., t : t + 4]) for t in range(0, 12, 2)], dim=-1)
    torch.testing.assert_close(net(x), expected)


def test_a_scanned_mlp_is_the_mlp_at_every_position_of_a_map():
    mlp = make_mlp(3 * 2 * 4)
    net = scan_mlp(mlp, (3, 2, 4))
    assert (net.geometry_rows, net.geometry) == (Geometry(2), Geometry(4))
    x = torch.randn(2, 3, 5, 9, dtype=torch.float64)
    y = net(x)
    assert y.shape == (2, 5, 4, 6)
    for r in range(4):
        for t in range(6):
            torch.testing.assert_close(y[..., r, t], mlp(x[..., r : r + 2, t : t + 4]))


@pytest.mark.parametrize("block", [(3, 4), (3, 2, 4)])
def test_there_and_back(block):
    inputs = torch.Size(block).numel()
    mlp = make_mlp(inputs)
    x = torch.randn(7, *block, dtype=torch.float64)
    back = unscan_mlp(scan_mlp(mlp, block))
    assert torch.equal(back(x), mlp(x))
    kinds = [type(layer) for layer in mlp]
    assert [type(layer) for layer in back] == kinds
    net = scan_mlp(back, block)
    torch.testing.assert_close(net(x).flatten(1), mlp(x))
    assert [type(layer) for layer in net] == [
        Elementwise,
        Conv1d if len(block) == 2 else Conv2d,
        BatchNorm1d if len(block) == 2 else BatchNorm2d,
        Elementwise,
        Conv1d if len(block) == 2 else Conv2d,
        ChannelNorm,
        Elementwise,
        ReLU,
        Elementwise,
        Conv1d if len(block) == 2 else Conv2d,
    ]


def test_weights_are_copied_and_the_mode_is_kept():
    mlp = make_mlp(12).train()
    net = scan_mlp(mlp, (3, 4))
    assert all(module.training for module in net.modules())
    back = unscan_mlp(net)
    assert all(module.training for module in back.modules())
    nets = (mlp, net, back)
    assert len({p.data_ptr() for each in nets for p in each.parameters()}) == 3 * len(list(mlp.parameters()))
    assert not any(module.training for module in scan_mlp(mlp.eval(), (3, 4)).modules())


def test_names_are_kept():
    mlp = nn.Sequential()
    mlp.add_module("hidden", nn.Linear(12, 5))
    mlp.add_module("logits", nn.Linear(5, 2))
    net = scan_mlp(mlp, (3, 4))
    assert net.names() == ["hidden", "logits"]
    assert [name for name, _ in unscan_mlp(net).named_children()] == ["flatten", "hidden", "logits"]


@pytest.mark.parametrize("map_size", [(16, 5), (4, 5, 4)])
def test_a_dense_layer_on_a_flattened_map_is_a_convolution_over_all_of_it(map_size):
    linear = nn.Linear(80, 7)
    x = torch.randn(3, *map_size)
    conv = linear_to_conv(linear, map_size)
    torch.testing.assert_close(conv(x).flatten(1), linear(x.flatten(1)))
    back = conv_to_linear(conv)
    assert torch.equal(back.weight, linear.weight)
    assert torch.equal(back.bias, linear.bias)


def test_what_a_dense_layer_costs_as_a_convolution():
    linear = nn.Linear(400, 120)
    conv = linear_to_conv(linear, (16, 5, 5))
    x = torch.zeros(1, 16, 5, 5)
    assert conv.macs(x, conv(x)) == 400 * 120
    assert sum(p.numel() for p in conv.parameters()) == sum(p.numel() for p in linear.parameters())


def test_scanning_computes_lower_layers_again_and_again():
    # a detector of 3 steps at the 6 places of a block of 8, as one MLP and layer by layer
    detector, decision = Conv1d(4, 5, 3), Conv1d(5, 2, 6)
    first = nn.Linear(4 * 8, 5 * 6)
    with torch.no_grad():
        weight = torch.zeros(5, 6, 4, 8)
        for place in range(6):
            weight[:, place, :, place : place + 3] = detector.weight
        first.weight.copy_(weight.view(30, 32))
        first.bias.copy_(detector.bias.repeat_interleave(6))
    mlp = nn.Sequential(first, nn.ReLU(), conv_to_linear(decision))
    scanned, layered = scan_mlp(mlp, (4, 8)), Sequential(detector, ReLU(), decision)
    x = torch.randn(1, 4, 50)
    torch.testing.assert_close(scanned(x), layered(x))
    # per position 6 places of 12 inputs and 5 units, where layer by layer has one (and 5 more at the edge)
    places = scanned(x).shape[-1] * 6
    assert places == 43 * 6
    assert detector.macs(x, detector(x)) == (43 + 5) * 12 * 5
    # the MLP's matrix holds zeros besides: a scan of it multiplies those too
    conv = scanned.scans()[0]
    assert conv.macs(x, conv(x)) == 43 * 32 * 30 > places * 12 * 5


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: linear_to_conv(nn.Linear(120, 5), (16, 5, 5)),
            (
                "map_size=(16, 5, 5) holds 400 numbers, and the layer reads in_features=120; give the size "
                "of the map before it is flattened"
            ),
        ),
        (
            lambda: linear_to_conv(nn.Linear(120, 5), (120,)),
            "map_size=(120,) must be (channels, steps) or (channels, rows, steps), all positive",
        ),
        (
            lambda: scan_mlp(nn.Sequential(nn.Linear(12, 5)), (3, 0)),
            "block=(3, 0) must be (channels, steps) or (channels, rows, steps), all positive",
        ),
        (
            lambda: scan_mlp(nn.Sequential(nn.Linear(12, 5)), (3, 5)),
            (
                "block=(3, 5) holds 15 numbers, and the layer reads in_features=12; give the size of the map "
                "before it is flattened"
            ),
        ),
        (
            lambda: scan_mlp(nn.Sequential(nn.Linear(12, 5), nn.Softmax(dim=-1)), (3, 4)),
            f"Softmax at '1' {NOT_SCANNED}",
        ),
        (
            lambda: scan_mlp(nn.Sequential(nn.BatchNorm1d(12, affine=False), nn.Linear(12, 5)), (3, 4)),
            f"BatchNorm1d at '0' {NOT_SCANNED}",
        ),
        (
            lambda: scan_mlp(nn.Sequential(nn.Linear(12, 5), nn.LayerNorm(5, eps=1e-6)), (3, 4)),
            f"LayerNorm at '1' {NOT_SCANNED}",
        ),
        (
            lambda: scan_mlp(nn.Linear(12, 5), (3, 4)),
            (
                "mlp=Linear must be a torch.nn.Sequential, of which it is known in which order, and with "
                "which activations, its layers are applied"
            ),
        ),
        (
            lambda: scan_mlp(nn.Sequential(nn.ReLU()), (3, 4)),
            "mlp has no Linear layer, the one that becomes a convolution over the block",
        ),
        (lambda: unscan_mlp(Sequential(Conv1d(3, 5, 4), Conv1d(5, 2, 2))), f"Conv1d at '1' {NO_PLACE}"),
        (lambda: unscan_mlp(Sequential(Conv1d(3, 5, 4), MaxPool1d(2))), f"MaxPool1d at '1' {NO_PLACE}"),
        (
            lambda: unscan_mlp(Sequential(ReLU())),
            "net has no convolution, the one that becomes the MLP's first Linear",
        ),
        (
            lambda: conv_to_linear(Conv1d(4, 5, 3, dilation=2)),
            (
                "Conv1d(4, 5, kernel_size=(3,), stride=(1,), dilation=(2,)) pads, skips steps or splits its "
                "channels; a dense layer is a convolution with padding='valid', dilation=1 and groups=1"
            ),
        ),
        (
            lambda: conv_to_linear(Conv2d(4, 5, (3, 1), padding="same")),
            (
                "Conv2d(4, 5, kernel_size=(3, 1), stride=(1, 1), padding=(1, 0)) pads, skips steps or splits "
                "its channels; a dense layer is a convolution with padding='valid', dilation=1 and groups=1"
            ),
        ),
        (
            lambda: Elementwise(nn.Softmax(dim=1)),
            (
                "module=Softmax(dim=1) does not treat every number by itself; those that do are "
                "AlphaDropout, CELU, Dropout, ELU, GELU, Hardsigmoid, Hardswish, Hardtanh, Identity, "
                "LeakyReLU, LogSigmoid, Mish, PReLU, ReLU, SELU, SiLU, Sigmoid, Softplus, Softsign, Tanh"
            ),
        ),
    ],
)
def test_what_is_refused(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message
