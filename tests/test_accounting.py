"""Costs against torch's own counter, the classic papers' figures, and streams that are measured."""

import laws
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from audiocnn.accounting import account, count_parameters
from audiocnn.geometry import ReceptiveField
from audiocnn.layers import (
    Conv1d,
    Conv2d,
    Identity,
    MaxPool2d,
    MeanRows,
    Parallel,
    ReLU,
    Residual,
    Sequential,
    WindowMean,
    Windows,
)
from audiocnn.models import MODELS, create


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("name", MODELS)
def test_macs_are_half_of_torchs_flops(name, padding):
    with torch.device("meta"):  # shapes, without numbers
        net = create(name, num_classes=3, in_channels=1, padding=padding).eval()
        size = (1, net.rows, net.window)
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            net(torch.zeros(1, *size))
    layers = account(net, size).layers
    inhibited = sum(layer.neurons for layer in layers if layer.kind == "SLayer")  # by one weight, not torch's
    assert (sum(layer.macs for layer in layers) - inhibited) * 2 == counter.get_total_flops()
    assert sum(layer.parameters for layer in layers) == count_parameters(net)


def test_lenets_first_layers_as_the_paper_counts_them():
    # LeCun et al. 1998: C1 has 156 parameters and 122,304 connections; S2's 2 x 2 sums feed 1,176 neurons
    c1, s2 = account(Sequential(Conv2d(1, 6, 5), MaxPool2d(2)), (1, 32, 32)).layers
    assert (c1.output, c1.parameters, c1.neurons, c1.connections) == ((6, 28, 28), 156, 4704, 122_304)
    assert c1.macs == 4704 * 25
    assert c1.operations == 4704 * (25 + 26)
    assert (s2.output, s2.parameters, s2.neurons, s2.connections) == ((6, 14, 14), 0, 1176, 4704)
    assert (s2.macs, s2.operations) == (0, 4704)


def test_what_a_branching_net_sees_and_where():
    net = Sequential(
        {
            "stem": Conv2d(1, 4, (3, 5), stride=(1, 2), padding=("same", "valid")),
            "residual": Residual(Sequential(Conv2d(4, 4, (1, 7)), ReLU())),
            "mean": MeanRows(),
            "last": Conv2d(4, 2, (1, 3), padding="same"),
        }
    )
    rows = {layer.name: layer for layer in account(net, (1, 10, 40)).layers}
    assert list(rows) == [
        "stem",
        "residual.branches.0.0",
        "residual.branches.0.1",
        "residual.crops.1",
        "mean",
        "last",
    ]
    assert rows["stem"].rows == ReceptiveField(size=3, stride=1, centre=0.0)
    assert rows["residual.branches.0.0"].time == ReceptiveField(size=17, stride=2, centre=8.0)
    # the delay line of the shortcut sees the middle of that
    assert rows["residual.crops.1"].time == ReceptiveField(size=5, stride=2, centre=8.0)
    assert rows["mean"].rows is None
    assert rows["last"].time == ReceptiveField(size=21, stride=2, centre=8.0)
    assert [name for name, layer in rows.items() if not layer.keeps_law] == ["last"]
    assert rows["last"].remedy.startswith("padding='same' adds")
    assert all(net.get_submodule(name) for name in rows)


def test_a_layer_that_stands_twice_is_counted_twice():
    relu = ReLU()
    rows = account(Sequential(relu, Conv1d(1, 1, 3), relu), (1, 10)).layers
    assert [(row.kind, row.output) for row in rows] == [
        ("ReLU", (1, 10)),
        ("Conv1d", (1, 8)),
        ("ReLU", (1, 8)),
    ]


def test_a_layer_of_layers_is_one_row_with_their_cost():
    windows = Windows(Sequential(Conv1d(2, 4, 3, padding="same"), WindowMean(8)), window=8, stride=4)
    (row,) = account(windows, (2, 16)).layers
    assert row.macs == 3 * 8 * 4 * 2 * 3  # three windows, eight steps each
    assert row.parameters == 28
    assert row.state_bytes == 7 * 2 * 4


def test_the_output_is_that_of_the_joined_branches():
    joined = Parallel(Conv1d(1, 2, 3), Conv1d(1, 3, 3), join="concatenate")
    assert account(joined, (1, 10)).output == (5, 8)


def test_what_only_moves_numbers_costs_nothing():
    (crop, conv) = account(Parallel(Identity(), Conv1d(1, 1, 3)), (1, 10)).layers
    assert (crop.kind, crop.operations, crop.activation_bytes) == ("Crop", 0, 0)
    assert (conv.operations, conv.activation_bytes) == (8 * (3 + 4), 32)


def test_a_net_without_memory_is_counted_too():
    net = Sequential(Conv1d(2, 3, 3), ReLU(), Parallel(Identity(), Conv1d(3, 3, 3)))
    counted = account(net, (2, 10))
    with torch.device("meta"):
        assert account(net.to("meta"), (2, 10)) == counted


def _bytes(state):
    if state is None:
        return 0
    if isinstance(state, torch.Tensor):
        return state.numel() * state.element_size()
    return sum(map(_bytes, state))


@pytest.mark.parametrize("case", [*laws.LAYERS, *laws.NETS[:2], laws.NETS[6]], ids=str)
def test_a_stream_keeps_what_is_said_and_no_more(case):
    module = case.module(torch.float32)
    x = case.input(module).float()
    said = sum(layer.state_bytes for layer in account(module, tuple(x.shape[1:])).layers)
    state, kept = None, 0
    with torch.inference_mode():
        for step in x.split(1, dim=-1):
            _, state = module.step(step, state)
            kept = max(kept, _bytes(state))
    # the layers of a net may not be at their fullest at once, where it has strides
    assert kept <= said
    assert kept >= said * 0.9 - 8 * module.geometry.stride


def test_counting_leaves_the_net_as_it_was():
    net = create("bc_resnet_1", num_classes=2).train()
    net.body.eval()  # as where a trained body is kept
    modes = [module.training for module in net.modules()]
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    account(net, (1, 40, 143))
    assert [module.training for module in net.modules()] == modes
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert not any(module._forward_hooks for module in net.modules())
