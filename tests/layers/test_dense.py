"""A kernel that covers all of its input is trained as a dense layer, with the same result."""

import pytest
import torch
from torch import nn

from audiocnn.layers import Conv1d, Conv2d
from audiocnn.layers.dense import convolve_whole

LAYERS = {
    "1-D": (Conv1d(6, 5, 9), (3, 6, 9)),
    "2-D": (Conv2d(6, 5, (2, 7)), (3, 6, 2, 7)),
    "of 1": (Conv2d(6, 5, 1, bias=False), (3, 6, 1, 1)),
    "strided": (Conv1d(6, 5, 4, stride=2), (3, 6, 4)),
}


def with_gradients(convolve, conv, x):
    """The output, and the gradients of input and parameters."""
    x = x.clone().requires_grad_()
    y = convolve(x)
    return (y, *torch.autograd.grad(y.square().sum(), (x, *conv.parameters())))


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("name", LAYERS)
def test_result_and_gradients_are_those_of_torch(name, memory_format):
    conv, shape = LAYERS[name]
    conv.double()
    x = torch.randn(shape, dtype=torch.float64)
    if x.dim() == 4:
        x, conv = x.to(memory_format=memory_format), conv.to(memory_format=memory_format)
    stock = nn.Conv1d.forward if isinstance(conv, nn.Conv1d) else nn.Conv2d.forward
    expected = with_gradients(lambda x: stock(conv, x), conv, x)
    torch.testing.assert_close(with_gradients(conv, conv, x), expected)
    torch.testing.assert_close(convolve_whole(conv, x), expected[0])


@pytest.mark.parametrize(
    ("conv", "shape"),
    [
        (Conv2d(2, 3, 5), (1, 2, 5, 6)),
        (Conv2d(2, 4, 5, groups=2), (1, 2, 5, 5)),
        (Conv1d(2, 3, 3, padding="same"), (1, 2, 3)),
        (Conv1d(2, 3, 3, dilation=2), (1, 2, 3)),
    ],
)
def test_what_is_no_dense_layer_is_left_to_torch(conv, shape):
    assert convolve_whole(conv, torch.randn(shape)) is None


def test_inference_is_left_to_torch():
    conv, shape = Conv1d(2, 3, 4), (1, 2, 4)
    with torch.no_grad():
        assert convolve_whole(conv, torch.randn(shape)) is None
