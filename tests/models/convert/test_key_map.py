"""State dicts under other names."""

import pytest
import torch
from torch import nn

from audiocnn.errors import ParameterError
from audiocnn.layers import BatchNorm1d, Conv1d, Sequential
from audiocnn.models.convert import rename_state
from audiocnn.models.convert.key_map import rename_layers, turn_kernels


@pytest.fixture
def net():
    return Sequential({"dense": Conv1d(4, 2, 1), "norm": BatchNorm1d(2)})


@pytest.fixture
def state():
    """The same net of stock layers."""
    return nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2)).state_dict()


LAYERS = {"dense": "0", "norm": "1"}


def test_what_is_in_a_layer_keeps_its_name(net, state):
    renamed = rename_layers(state, LAYERS, net=net)
    net.load_state_dict(renamed)
    assert torch.equal(net.dense.weight[..., 0], state["0.weight"])
    assert torch.equal(net.norm.running_var, state["1.running_var"])


def test_counters_stay_as_they_are(net, state):
    net.norm.num_batches_tracked.fill_(7)
    assert rename_layers(state, LAYERS, net=net)["norm.num_batches_tracked"] == 7
    without = {name: tensor for name, tensor in state.items() if "tracked" not in name}
    assert rename_layers(without, LAYERS, net=net)["norm.num_batches_tracked"] == 7


def test_numbers_take_the_type_of_the_net(net, state):
    halves = {name: tensor.half() for name, tensor in state.items()}
    assert rename_layers(halves, LAYERS, net=net)["dense.weight"].dtype == torch.float32


def test_what_has_no_place_may_be_ignored(net, state):
    ignored = rename_layers(state | {"stft.window": torch.ones(9)}, LAYERS, net=net, ignored=("stft.",))
    assert set(ignored) == set(net.state_dict())


def test_missing_and_left_over_tensors_are_named(net, state):
    with pytest.raises(ParameterError) as error:
        rename_layers({"0.weight": state["0.weight"]}, LAYERS, net=net)
    assert str(error.value) == (
        "state lacks '0.bias', '1.bias', '1.running_mean' and 2 more; give the state dict of the same variant"
    )
    with pytest.raises(ParameterError) as error:
        rename_layers(state | {"2.weight": torch.ones(2)}, LAYERS, net=net)
    assert str(error.value) == (
        "state holds '2.weight', which the net has no place for; give the state dict of the same variant"
    )


def test_only_axes_of_one_may_be_new():
    net = Conv1d(4, 2, 1, bias=False)
    with pytest.raises(ParameterError) as error:
        rename_state({"w": torch.ones(4, 2)}, {"weight": "w"}, net=net)
    assert str(error.value) == (
        "state['w'] of shape (4, 2) does not fit 'weight' of shape (2, 4, 1); build the net with the same "
        "classes, rows and width"
    )


def test_kernels_of_two_axes_are_turned_and_nothing_else():
    kernel, dense = torch.arange(6.0).view(1, 1, 2, 3), torch.arange(6.0).view(2, 3)
    turned = turn_kernels({"kernel": kernel, "dense": dense})
    assert turned["kernel"].tolist() == [[[[0, 3], [1, 4], [2, 5]]]]
    assert turned["dense"] is dense
