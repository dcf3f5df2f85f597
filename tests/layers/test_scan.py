"""Containers: how parts align, and what is refused."""

import pytest
import torch

from audiocnn.errors import LawError, ParameterError
from audiocnn.geometry import Geometry
from audiocnn.layers import (
    Conv1d,
    Conv2d,
    Crop,
    Identity,
    Parallel,
    ReLU,
    Residual,
    Sequential,
    SubSpectralNorm,
    WindowMean,
    Windows,
)


def test_a_valid_residual_adds_the_centre():
    residual = Residual(Conv1d(1, 1, 4, bias=False))
    torch.nn.init.zeros_(residual.branches[0].weight)
    x = torch.arange(10.0).view(1, 1, 10)
    # span 4, the shorter one 1: left = 3 // 2 = 1, right = 2
    assert residual(x).flatten().tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_a_residual_of_a_net_with_even_kernels_keeps_its_delay_on_a_stream():
    residual = Residual(Sequential(Conv1d(1, 1, 4), Conv1d(1, 1, 2)))
    assert residual.geometry == Geometry(5)
    assert residual.crops[1].time == (2, 2)


def test_2d_branches_align_on_both_axes():
    parallel = Parallel(Conv2d(1, 1, 3), Conv2d(1, 1, (6, 4)))
    assert parallel.geometry == Geometry(4)
    assert parallel.geometry_rows == Geometry(6)
    assert parallel(torch.zeros(1, 1, 10, 10)).shape == (1, 1, 5, 7)


def test_a_crop_wants_a_row_that_is_left():
    with pytest.raises(ParameterError) as error:
        Crop(rows=(2, 2))(torch.zeros(1, 1, 4, 9))
    assert str(error.value) == (
        "input of 4 rows is shorter than the span of Crop along rows, 5; give more rows, or "
        "padding='same' along them"
    )


def test_layers_may_be_named_or_not():
    net = Sequential(Identity(), {"conv": Conv1d(1, 1, 3)}, ReLU())
    assert [name for name, _ in net.named_children()] == ["0", "conv", "2"]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: Parallel(Conv1d(1, 1, 3, stride=2), Identity()),
            "branches have strides [1, 2]; give all the same stride",
        ),
        (
            lambda: Residual(Sequential(Conv1d(1, 1, 3, padding="same"), Conv1d(1, 1, 3))),
            (
                "branches give outputs of different lengths (they take [1, 3] steps for the first one); "
                "give all the same padding"
            ),
        ),
        (
            lambda: Parallel(Identity(), join="stack"),
            "join='stack' must be 'sum', 'product' or 'concatenate'",
        ),
        (lambda: Parallel(), "branches must be at least one layer"),
        (
            lambda: Windows(WindowMean(5), window=7, stride=1),
            "window=7 gives 3 outputs of WindowMean; choose a window that gives one",
        ),
        (
            lambda: SubSpectralNorm(4, bands=5)(torch.zeros(1, 4, 12, 3)),
            "rows=12 do not divide into 5 bands of frequency; 10 or 15 do",
        ),
    ],
)
def test_what_cannot_work_says_what_would(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message


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
