"""Norms against their formula and torch's."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from audiocnn.errors import ParameterError
from audiocnn.layers import BatchNorm1d, BatchNorm2d, ChannelNorm, FrameNorm, LocalResponseNorm, Scan


def with_random_weights(norm: Scan) -> Scan:
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    return norm.double()


def test_local_response_is_alexnets_formula():
    size, k, alpha, beta = 5, 2.0, 0.3, 0.75
    x = torch.randn(2, 7, 3, 4, dtype=torch.float64)
    y = LocalResponseNorm(size, k=k, alpha=alpha, beta=beta)(x)
    for i in range(7):
        neighbours = range(max(0, i - size // 2), min(6, i + size // 2) + 1)
        energy = sum(x[:, j] ** 2 for j in neighbours)
        torch.testing.assert_close(y[:, i], x[:, i] / (k + alpha * energy) ** beta)


@pytest.mark.parametrize("shape", [(2, 9, 11), (2, 9, 4, 5)])
@pytest.mark.parametrize("size", [1, 3, 7, 21])
def test_local_response_is_torchs_whose_alpha_is_divided_by_size(shape, size):
    x = torch.randn(*shape, dtype=torch.float64)
    theirs = F.local_response_norm(x, size, alpha=0.3 * size, beta=0.75, k=2.0)
    torch.testing.assert_close(LocalResponseNorm(size, alpha=0.3)(x), theirs)


def test_alexnets_constants_are_the_defaults():
    norm = LocalResponseNorm()
    assert (norm.size, norm.k, norm.alpha, norm.beta) == (5, 2.0, 1e-4, 0.75)


@pytest.mark.parametrize("shape", [(2, 6, 11), (2, 6, 4, 5)])
def test_channel_norm_is_layer_norm_of_each_place(shape):
    norm = with_random_weights(ChannelNorm(6))
    x = 3 + torch.randn(*shape, dtype=torch.float64)
    theirs = F.layer_norm(x.movedim(1, -1), (6,), norm.weight, norm.bias).movedim(-1, 1)
    torch.testing.assert_close(norm(x), theirs)


def test_frame_norm_is_layer_norm_of_each_step():
    norm = with_random_weights(FrameNorm(6, 4))
    x = 3 + torch.randn(2, 6, 4, 5, dtype=torch.float64)
    frames = x.movedim(-1, 1)  # (batch, time, channel, rows)
    theirs = F.layer_norm(frames, (6, 4), norm.weight[..., 0], norm.bias[..., 0]).movedim(1, -1)
    torch.testing.assert_close(norm(x), theirs)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("norm", [LocalResponseNorm(3), ChannelNorm(4), FrameNorm(4, 3)], ids=str)
def test_half_precision_squares_no_number_to_infinity(norm, dtype):
    x = (1000 * torch.randn(2, 4, 3, 5)).to(dtype)
    with torch.no_grad():
        y = norm.to(dtype)(x)
        exact = norm.double()(x.double())
    assert y.dtype == dtype
    torch.testing.assert_close(y.double(), exact, rtol=0.01, atol=0.01)


def test_without_energy_local_response_is_a_constant_factor():
    x = torch.randn(1, 4, 3)
    torch.testing.assert_close(LocalResponseNorm(alpha=0.0, k=16.0)(x), x / 8)  # 16 ** 0.75


def test_silence_gives_the_bias_and_no_nan():
    norm = with_random_weights(ChannelNorm(6))
    assert torch.equal(norm(torch.zeros(1, 6, 3).double()), norm.bias[:, None].expand(1, 6, 3))
    assert torch.equal(LocalResponseNorm()(torch.zeros(1, 6, 3)), torch.zeros(1, 6, 3))


@pytest.mark.parametrize(
    ("norm", "shape"),
    [
        (LocalResponseNorm(3, alpha=0.5), (2, 5, 3)),
        (LocalResponseNorm(5, k=1.0, alpha=0.5, beta=0.5), (1, 4, 2, 2)),
        (with_random_weights(ChannelNorm(4)), (2, 4, 3)),
        (with_random_weights(FrameNorm(3, 2)), (2, 3, 2, 2)),
    ],
    ids=str,
)
def test_gradients(norm, shape):
    x = torch.randn(*shape, dtype=torch.float64, requires_grad=True)
    parameters = tuple(norm.parameters())
    assert torch.autograd.gradcheck(lambda x, *_: norm(x), (x, *parameters))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: LocalResponseNorm(4),
            "size=4 must be odd and positive: as many channels on either side, such as 5",
        ),
        (
            lambda: LocalResponseNorm(-1),
            "size=-1 must be odd and positive: as many channels on either side, such as 5",
        ),
        (lambda: LocalResponseNorm(k=0.0), "k=0.0 must be positive; silence would be divided by zero"),
        (lambda: LocalResponseNorm(alpha=-1.0), "alpha=-1.0 must be 0 or more"),
        (lambda: ChannelNorm(0), "channels=0 must be a positive integer"),
        (lambda: FrameNorm(4, 0), "rows=0 must be a positive integer"),
        (lambda: FrameNorm(-4, 2), "channels=-4 must be a positive integer"),
        (lambda: ChannelNorm(4)(torch.zeros(1, 5, 9)), "input has 5 channels; this norm has 4"),
        (
            lambda: FrameNorm(4, 3)(torch.zeros(1, 4, 2, 9)),
            (
                "FrameNorm takes (batch, 4, 3, time), not (1, 4, 2, 9); ChannelNorm is the one for features "
                "without rows"
            ),
        ),
        (
            lambda: FrameNorm(4, 3)(torch.zeros(1, 4, 3)),
            (
                "FrameNorm takes (batch, 4, 3, time), not (1, 4, 3); ChannelNorm is the one for features "
                "without rows"
            ),
        ),
        (lambda: BatchNorm1d(0), "channels=0 must be a positive integer"),
        (lambda: BatchNorm2d(-1), "channels=-1 must be a positive integer"),
        (lambda: BatchNorm1d(4)(torch.zeros(2, 5, 9)), "input has 5 channels; this norm has 4"),
        (lambda: BatchNorm2d(4).eval()(torch.zeros(2, 3, 2, 9)), "input has 3 channels; this norm has 4"),
    ],
)
def test_what_cannot_work_says_what_would(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message
