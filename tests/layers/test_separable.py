"""Depthwise-separable convolutions against the full convolution they factor."""

import torch

from audiocnn.layers import Conv1d, Conv2d, SeparableConv1d, SeparableConv2d


def test_it_is_a_full_convolution_of_rank_one_kernels():
    separable = SeparableConv1d(4, 6, 3, stride=2, dilation=2)
    full = Conv1d(4, 6, 3, stride=2, dilation=2)
    # weight[o, i, k] = pointwise[o, i] * depthwise[i, k]
    full.weight.data.copy_(separable.pointwise.weight * separable.depthwise.weight[:, 0])
    full.bias.data.copy_(separable.pointwise.bias)
    x = torch.randn(2, 4, 20)
    torch.testing.assert_close(separable(x), full(x))


def test_it_is_a_full_convolution_in_2d():
    separable = SeparableConv2d(4, 6, (3, 2), stride=(1, 2), padding=("same", "valid"), bias=False)
    full = Conv2d(4, 6, (3, 2), stride=(1, 2), padding=("same", "valid"), bias=False)
    full.weight.data.copy_(separable.pointwise.weight * separable.depthwise.weight[:, 0])
    x = torch.randn(2, 4, 7, 20)
    torch.testing.assert_close(separable(x), full(x))


def test_mirrored_padding_reaches_the_depthwise_part():
    layer = SeparableConv1d(4, 6, 3, padding="same", padding_mode="reflect", bias=False)
    constant = layer(torch.ones(1, 4, 9))
    torch.testing.assert_close(constant, constant[..., :1].expand(-1, -1, 9))


def test_what_it_saves():
    channels, units, kernel = 32, 64, 9
    full = Conv2d(channels, units, 3, bias=False).weight.numel()
    separable = sum(p.numel() for p in SeparableConv2d(channels, units, 3, bias=False).parameters())
    assert separable == channels * kernel + channels * units
    assert separable / full == 1 / units + 1 / kernel
