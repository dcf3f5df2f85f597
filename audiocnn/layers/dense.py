"""Training a convolution whose kernel covers all of its input, a dense layer: as a product of matrices.

Every dense layer of a net here is one. Torch's convolution rearranges its weights at each step, three times
over; of AlexNet's and VGG's millions that takes longer than the arithmetic.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from audiocnn.layers.pointwise import is_traced

__all__ = ["convolve_whole"]


def convolve_whole(conv: nn.Conv1d | nn.Conv2d, x: Tensor) -> Tensor | None:
    """What the stock `conv(x)` gives, or None where the kernel does not cover just all of `x`.

    It serves training on a processor, where torch's convolution takes 1.3 to 3.4 times as long; anything
    else is left to torch.

    Args:
        conv: a layer.
        x: `(batch, channel, time)`, or with rows before time.

    >>> conv = nn.Conv2d(3, 2, 5)
    >>> x = torch.randn(4, 3, 5, 5)
    >>> torch.allclose(convolve_whole(conv, x), conv(x), atol=1e-6)
    True
    >>> convolve_whole(conv, torch.randn(4, 3, 5, 6))
    """
    if x.shape[2:] != conv.kernel_size or not torch.is_grad_enabled() or is_traced() or not x.is_cpu:
        return None
    if conv.groups > 1 or any(conv.padding) or max(conv.dilation) > 1:
        return None
    weight = conv.weight
    if not weight.is_contiguous():  # channels last, and so they are joined without a copy
        x, weight = x.movedim(1, -1), weight.movedim(1, -1)
    y = F.linear(x.flatten(1), weight.flatten(1), conv.bias)
    return y.view(*y.shape, *(1 for _ in conv.kernel_size))
