"""What every layer has from its base: a stream that is refused, and a state that is plain."""

import pytest
import torch

from audiocnn.errors import LawError
from audiocnn.layers import Conv1d, MaxPool1d, Residual, Sequential


def test_a_stream_is_refused_at_its_first_chunk_however_short():
    net = Sequential(Conv1d(1, 1, 50), Conv1d(1, 1, 3, padding="same"))
    with pytest.raises(LawError, match=r"^Conv1d at '1' cannot stream"):
        net.step(torch.zeros(1, 1, 1))


def test_the_state_is_a_plain_nest_of_tensors_and_bounded():
    net = Sequential(Conv1d(1, 1, 5), Residual(Conv1d(1, 1, 9)), Conv1d(1, 1, 2, stride=4))

    def leaves(state):
        if state is None:
            return []
        if isinstance(state, torch.Tensor):
            return [state]
        assert type(state) is tuple
        return [leaf for part in state for leaf in leaves(part)]

    state = None
    for _ in range(5):
        _, state = net.step(torch.randn(1, 1, 1000), state)
        stored = sum(leaf.untyped_storage().nbytes() for leaf in leaves(state))
        assert stored < 400  # not the chunk of 4,000 bytes
        assert not any(leaf.requires_grad for leaf in leaves(state))  # nor the graph of all the past


def test_hooks_run_on_a_stream_too():
    net, seen = Sequential(Conv1d(1, 1, 3), Conv1d(1, 1, 1)), []
    for layer in net:
        layer.register_forward_hook(lambda layer, x, y: seen.append(y.shape[-1]))
    net.step(torch.zeros(1, 1, 5))
    assert seen == [3, 3]


def test_a_stream_that_was_tried_without_numbers_leaves_others_alone():
    layer = MaxPool1d(1, stride=1009)
    with torch.device("meta"):
        layer.step(torch.zeros(1, 1, 1))
    _, state = layer.step(torch.zeros(1, 1, 1))  # owes 1008 steps, as the other did
    output, _ = layer.step(torch.arange(1009.0).view(1, 1, 1009), state)
    assert output.flatten().tolist() == [1008.0]
