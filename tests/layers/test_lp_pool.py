"""The p-norm pool against its formula."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.errors import ParameterError
from audiocnn.layers import LpPool1d, LpPool2d


@settings(deadline=None)
@given(
    kernel=st.integers(1, 5),
    stride=st.integers(1, 6),
    extra=st.integers(0, 12),
    p=st.sampled_from([1.0, 1.5, 2.0, 3.0, 7.0]),
)
def test_it_is_the_norm_of_each_block(kernel, stride, extra, p):
    x = torch.randn(2, 3, kernel + extra, dtype=torch.float64)
    expected = torch.linalg.vector_norm(x.unfold(-1, kernel, stride), ord=p, dim=-1)
    torch.testing.assert_close(LpPool1d(kernel, stride=stride, p=p)(x), expected)
    torch.testing.assert_close(LpPool2d((1, kernel), stride=(1, stride), p=p)(x[None])[0], expected)
    torch.testing.assert_close(LpPool2d((kernel, 1), stride=(stride, 1), p=p)(x[..., None])[..., 0], expected)


def test_torch_agrees_where_its_power_is_even():
    x = torch.randn(2, 3, 8, 9)
    torch.testing.assert_close(LpPool2d((2, 3))(x), F.lp_pool2d(x, 2.0, (2, 3)))
    # and loses signs where it is odd: 1 and -1 cancel
    pair = torch.tensor([[[1.0, -1.0]]])
    assert F.lp_pool1d(pair, 1.0, 2).item() == 0
    assert LpPool1d(2, p=1)(pair).item() == 2


@pytest.mark.parametrize("kernel", [3, 4])
def test_same_padding_adds_nothing_to_the_sum(kernel):
    x = torch.randn(1, 2, 9, dtype=torch.float64)
    left = (kernel - 1) // 2
    padded = F.pad(x, (left, kernel - 1 - left))
    pool = LpPool1d(kernel, stride=2, p=3, padding="same")
    torch.testing.assert_close(pool(x), LpPool1d(kernel, stride=2, p=3)(padded))


@pytest.mark.parametrize("p", [1, 1.5, 2, 3])
def test_gradients_are_right(p):
    x = torch.randn(1, 2, 5, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(LpPool2d((2, 3), stride=(1, 2), p=p, padding=("same", "valid")), x)
    assert torch.autograd.gradcheck(LpPool1d(3, stride=2, p=p), x[0])
    assert torch.autograd.gradgradcheck(LpPool1d(3, stride=2, p=p), x[0])


@pytest.mark.parametrize("p", [1, 1.5, 2, 3])
def test_silence_is_zero_and_has_a_gradient_of_zero(p):
    x = torch.zeros(1, 1, 6, requires_grad=True)
    y = LpPool1d(3, p=p)(x)
    assert y.tolist() == [[[0.0, 0.0]]]
    y.sum().backward()
    assert x.grad.tolist() == [[[0.0] * 6]]


@pytest.mark.parametrize("p", [1, 2, 3])
def test_the_gradient_of_the_gradient_is_zero_in_silence_too(p):
    x = torch.tensor([[[0.0, 0.0, 0.0, 1.0, 0.0, 2.0]]], requires_grad=True)
    (gradient,) = torch.autograd.grad(LpPool1d(3, p=p)(x).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(gradient.square().sum(), x)
    assert second[..., :3].tolist() == [[[0.0, 0.0, 0.0]]]
    assert second.isfinite().all()


@pytest.mark.parametrize("pool", [LpPool1d(3), LpPool2d((3, 1))], ids=str)
def test_half_precision_holds_what_its_square_does_not(pool):
    x = torch.full((1, 1, 3, 3), 300.0, dtype=torch.float16)
    y = pool(x if isinstance(pool, LpPool2d) else x[0])
    assert y.dtype == torch.float16
    torch.testing.assert_close(y, torch.full_like(y, 300 * 3**0.5))


def test_a_large_power_comes_close_to_the_largest():
    x = torch.tensor([[[1.0, -3.0, 2.0]]], dtype=torch.float64)
    assert LpPool1d(3, p=60)(x).item() == pytest.approx(3, rel=1e-6)


def test_what_it_shows_of_itself():
    assert repr(LpPool1d(3)) == "LpPool1d(p=2.0, kernel_size=(3,), stride=(3,))"
    assert repr(LpPool2d(3, p=3)) == "LpPool2d(p=3, kernel_size=(3, 3), stride=(3, 3))"


@pytest.mark.parametrize("p", [0.5, 0, -1, math.inf, math.nan])
@pytest.mark.parametrize("pool", [LpPool1d, LpPool2d])
def test_what_is_no_norm(pool, p):
    with pytest.raises(ParameterError) as error:
        pool(3, p=p)
    assert str(error.value) == f"p={p} must be 1 or more and finite; max pooling is the limit of large p"


def test_a_block_of_nothing_is_refused():
    with pytest.raises(ParameterError) as error:
        LpPool2d((2, 0))
    assert str(error.value) == "kernel_size=0 must be a positive integer"
