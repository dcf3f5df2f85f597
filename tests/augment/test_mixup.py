"""Mixup: inputs and targets are mixed by the same shares, which follow Beta(alpha, alpha)."""

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.augment.mixup import mixup
from audiocnn.errors import ParameterError


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(
    batch=st.integers(1, 8),
    shape=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    alpha=st.floats(0.01, 10),
    seed=st.integers(0, 2**40),
)
@settings(max_examples=80, deadline=None)
def test_inputs_and_targets_are_mixed_alike(batch: int, shape: list[int], alpha: float, seed: int) -> None:
    # As targets, the rows of the identity tell how much of each clip went into each row.
    inputs = torch.randn(batch, *shape, dtype=torch.float64, generator=seeded(1))
    mixed, shares = mixup(inputs, torch.eye(batch, dtype=torch.float64), alpha=alpha, generator=seeded(seed))
    assert mixed.shape == inputs.shape
    assert torch.allclose(mixed, torch.einsum("ij,j...->i...", shares, inputs))
    assert torch.allclose(shares.sum(dim=1), torch.ones(batch).double())
    assert shares.min() >= 0
    assert (shares > 0).sum(dim=1).max() <= 2


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_follow_the_beta_distribution(alpha: float) -> None:
    # Beta(a, a) has mean 1/2 and variance 1 / (4 (2 a + 1)). Clips of value 1 beside one 0
    # in a pair give the share itself; here every other clip is 0.
    inputs = torch.zeros(40000, 1, dtype=torch.float64)
    inputs[::2] = 1
    mixed = mixup(inputs, inputs, alpha=alpha, generator=seeded())[0].flatten()
    pairs = mixed[(mixed > 0) & (mixed < 1)]
    variance = 1 / (4 * (2 * alpha + 1))
    assert 0.4 * len(inputs) < len(pairs) < 0.6 * len(inputs)
    assert abs(pairs.mean() - 0.5) < 5 * (variance / len(pairs)) ** 0.5
    assert abs(pairs.var() / variance - 1) < 0.05


def test_every_clip_serves_once_as_the_other() -> None:
    shares = mixup(torch.eye(50), torch.eye(50), alpha=1.0, generator=seeded())[1]
    used = (shares > 0).sum(dim=0)
    assert used.max() <= 2
    assert used.sum() >= 90  # a few may meet themselves


def test_pairs_draw_their_own_shares() -> None:
    shares = mixup(torch.eye(20), torch.eye(20), alpha=1.0, generator=seeded())[1].diag()
    assert len(shares.unique()) > 15


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_generators_state_decides_and_the_input_stays(dtype: torch.dtype) -> None:
    inputs = torch.eye(6, dtype=dtype)
    generator = seeded(3)
    first = mixup(inputs, inputs, alpha=0.4, generator=generator)[0]
    second = mixup(inputs, inputs, alpha=0.4, generator=generator)[0]
    assert torch.equal(first, mixup(inputs, inputs, alpha=0.4, generator=seeded(3))[0])
    assert not torch.equal(first, second)
    assert torch.equal(inputs, torch.eye(6, dtype=dtype))
    assert first.dtype == dtype


@pytest.mark.parametrize(
    ("targets", "alpha", "message"),
    [
        (torch.eye(2), 0.0, "alpha=0.0 must be positive; 0.2 is usual, and to mix nothing leave mixup out"),
        (torch.eye(3), 0.2, "inputs has 2 rows, targets_one_hot 3; give one target per clip"),
        (
            torch.tensor([0, 1]),
            0.2,
            (
                "targets_one_hot of dtype torch.int64 must be floating point; "
                "torch.nn.functional.one_hot(targets, num_classes).float() makes it from class indices"
            ),
        ),
    ],
)
def test_what_cannot_be_mixed(targets: torch.Tensor, alpha: float, message: str) -> None:
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}$"):
        mixup(torch.eye(2), targets, alpha=alpha, generator=seeded())


def test_the_result_is_on_the_inputs_device() -> None:
    # The meta device, which every machine has, refuses to meet tensors of the CPU as a GPU does.
    inputs = torch.ones(2, 4, device="meta")
    assert {result.device.type for result in mixup(inputs, inputs, alpha=0.4, generator=seeded())} == {"meta"}
