"""Filters by what they have in common are the filters themselves."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.frontends import ConstantQ, ConstantQConfig
from audiocnn.frontends.long_filters import LongFilters


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def slow_waves(n, span):
    """Windowed waves of one to two periods in twelve."""
    time = np.arange(span) / span
    return np.stack([np.sin(np.pi * time) ** 2 * np.cos(2 * np.pi * (12 + k) * time) for k in range(n)])


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    n=st.integers(1, 4),
    span=st.integers(1, 40),
    hop=st.integers(1, 45),
    frames=st.integers(1, 6),
    exportable=st.booleans(),
)
def test_is_the_sum_of_the_formula(n, span, hop, frames, exportable):
    filters, x = noise(n, span), noise(2, (frames - 1) * hop + span, seed=1)
    y = LongFilters(filters, hop).double()(torch.tensor(x), exportable=exportable)
    expected = [[[row @ clip[j * hop :][:span] for j in range(frames)] for row in filters] for clip in x]
    # the tables are rounded to float32
    np.testing.assert_allclose(y.numpy(), expected, rtol=0, atol=2e-6 * np.sqrt(span))


@pytest.mark.parametrize("hop", [50, 64, 250, 999, 1000, 1500])
def test_every_part_of_every_filter_is_kept(hop):
    filters = slow_waves(6, 1000)
    frames = torch.eye(1000, dtype=torch.float64)  # a click on each sample shows the filters as they are used
    used = LongFilters(filters, hop).double()(frames)[..., 0].T.numpy()
    for start in range(0, 1000, hop):
        part, lost = filters[:, start:][:, :hop], (used - filters)[:, start:][:, :hop]
        least = 0.01 * np.linalg.norm(filters, axis=1)
        # lost and rounded to float32
        assert (np.linalg.norm(lost, axis=1) <= 3e-7 * np.maximum(np.linalg.norm(part, axis=1), least)).all()


def test_what_filters_have_in_common_is_done_once():
    # 24 filters of 11685 samples
    lowest = ConstantQ(ConstantQConfig()).get_submodule("frames._octaves.0")
    rank, hop = lowest.waves.shape
    assert hop == 512 and lowest.parts.shape == (24, rank, 22) and lowest.rest.shape == (24, 421)
    assert 4 * sum(table.numel() for table in lowest.buffers()) < 24 * 11685


def test_nothing_beside_the_frame_is_read():
    filters = LongFilters(slow_waves(3, 1000), 64)
    x = torch.tensor(noise(1, 1000 + 64 * 9), dtype=torch.float32)
    whole = filters(x)
    for j in (0, 4, 9):
        alone = torch.full_like(x, float("nan"))
        alone[:, 64 * j : 64 * j + 1000] = x[:, 64 * j : 64 * j + 1000]
        torch.testing.assert_close(filters(alone)[..., j], whole[..., j], rtol=1e-5, atol=1e-5)
