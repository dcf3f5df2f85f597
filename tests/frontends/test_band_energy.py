"""The energy of filters, smoothed, against the sums that define it."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.frontends import band_energy as module
from audiocnn.frontends.band_energy import band_energy


def drawn(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def by_convolution(x, filters, low_pass, hop_length):
    """What `band_energy` gives, by two convolutions."""
    waves = F.conv1d(x[:, None], filters.flatten(0, 1)[:, None]).unflatten(1, filters.shape[:2])
    return F.conv1d(waves.square().sum(2), low_pass[:, None], stride=hop_length, groups=len(low_pass))


def test_it_is_the_sum_that_it_says():
    x, filters, low_pass, hop = drawn(1, 40), drawn(2, 2, 5), drawn(2, 7), 3
    ours = band_energy(x, filters, low_pass, hop)
    assert ours.shape == (1, 2, 10)
    for c in range(2):
        for j in range(10):
            energy = 0.0
            for t in range(7):
                for part in range(2):
                    wave = sum(filters[c, part, k] * x[0, j * hop + t + k] for k in range(5))
                    energy += low_pass[c, t] * wave**2
            assert ours[0, c, j].item() == pytest.approx(energy.item(), rel=1e-12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    batch=st.integers(1, 3),
    parts=st.integers(1, 2),
    taps=st.integers(1, 12),
    low_pass_taps=st.integers(1, 15),
    hop=st.integers(1, 20),
    more=st.integers(0, 150),
)
def test_values_and_gradients_are_those_of_two_convolutions(batch, parts, taps, low_pass_taps, hop, more):
    tensors = drawn(batch, taps + low_pass_taps - 1 + more), drawn(3, parts, taps), drawn(3, low_pass_taps)
    for tensor in tensors:
        tensor.requires_grad_()
    ours, expected = band_energy(*tensors, hop), by_convolution(*tensors, hop)
    torch.testing.assert_close(ours, expected, rtol=1e-10, atol=1e-10)
    weights = torch.randn_like(ours)
    for a, b in zip(
        torch.autograd.grad(ours, tensors, weights),
        torch.autograd.grad(expected, tensors, weights),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


def test_gradcheck():
    tensors = [tensor.requires_grad_() for tensor in (drawn(2, 30), drawn(2, 2, 4), drawn(2, 5))]
    assert torch.autograd.gradcheck(lambda *given: band_energy(*given, 3), tensors)


@pytest.mark.parametrize("room", [1, 20_000, 10**9])
def test_work_done_in_pieces_is_the_whole(monkeypatch, room):
    x, filters, low_pass = drawn(3, 2000), drawn(2, 2, 20).requires_grad_(), drawn(2, 30)
    monkeypatch.setattr(module, "_CPU_BYTES", room)
    ours, expected = band_energy(x, filters, low_pass, 11), by_convolution(x, filters, low_pass, 11)
    torch.testing.assert_close(ours, expected, rtol=1e-10, atol=1e-10)
    (for_ours,), (for_expected,) = (torch.autograd.grad(y.sum(), filters) for y in (ours, expected))
    torch.testing.assert_close(for_ours, for_expected, rtol=1e-9, atol=1e-9)


def test_float32_is_near_float64():
    x, filters, low_pass = drawn(2, 4000), drawn(4, 2, 101), drawn(4, 101).square()
    exact = band_energy(x, filters, low_pass, 40)
    ours = band_energy(x.float(), filters.float(), low_pass.float(), 40)
    assert ours.dtype == torch.float32
    assert (ours - exact).abs().max() <= 1e-6 * exact.abs().max()
