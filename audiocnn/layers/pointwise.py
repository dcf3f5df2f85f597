"""Convolution with a kernel of 1 in inference on a processor: as a product of matrices, or by oneDNN.

torch has both, and goes by the batch: from 16 clips or two threads on it is oneDNN, below that a product
of matrices by MKL. What takes less time is a question of size. oneDNN rearranges what it reads and writes
into blocks of 16 channels, which with few channels takes longer than all the rest; with many its kernel
is the faster one, on AMD's processors, where MKL does without AVX-512, by a factor of two.
"""

import torch
from torch import Tensor, nn

__all__ = ["convolve_pointwise", "is_traced"]

# Measured on one thread of an AMD EPYC with torch 2.14. Weights below which oneDNN never is the faster,
FEW_WEIGHTS = 2**10
# and multiplications from which it is, if the weights are not few.
MANY_MACS = 2**22
# The clips from which torch gives these layers to oneDNN.
TORCHS_CLIPS = 16


def convolve_pointwise(conv: nn.Conv1d | nn.Conv2d, x: Tensor) -> Tensor | None:
    """What the stock `conv(x)` gives, or None where that is the best way, or not for us to say.

    What is trained, traced or compiled is the plain layer.

    Args:
        conv: a layer without padding.
        x: `(batch, channel, time)`, or with rows before time.

    >>> conv = nn.Conv1d(3, 2, 1)
    >>> x = torch.randn(16, 3, 20)
    >>> with torch.inference_mode():
    ...     torch.allclose(convolve_pointwise(conv, x), conv(x), atol=1e-6)
    True
    """
    weights = conv.weight.numel()
    if weights != conv.in_channels * conv.out_channels or torch.is_grad_enabled() or is_traced():
        return None
    by_torch_onednn = len(x) >= TORCHS_CLIPS or torch.get_num_threads() > 1
    if weights < FEW_WEIGHTS:
        if by_torch_onednn and _is_plain(conv, x):
            return _product(conv, x)
    elif not by_torch_onednn and x.numel() * conv.out_channels >= MANY_MACS and x.shape[-1] > 1:
        if _is_plain(conv, x) and torch._C._has_mkldnn and torch._C._get_mkldnn_enabled():
            ones = [1] * (x.dim() - 2)
            y: Tensor = torch.mkldnn_convolution(x, conv.weight, conv.bias, [0] * len(ones), ones, ones, 1)
            return y
    return None


def _product(conv: nn.Conv1d | nn.Conv2d, x: Tensor) -> Tensor:
    """Weights times channels, at all places."""
    weight = conv.weight.flatten(1).expand(len(x), -1, -1)
    places = x.flatten(2)
    if conv.bias is None:
        y = torch.bmm(weight, places)
    else:
        y = torch.baddbmm(conv.bias[:, None], weight, places)
    return y.view(len(x), conv.out_channels, *x.shape[2:])


def _is_plain(conv: nn.Conv1d | nn.Conv2d, x: Tensor) -> bool:
    """Whether nothing is out of the ordinary."""
    return (
        conv.groups == 1
        and max(conv.stride) == 1
        and x.is_cpu
        and x.dtype == conv.weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
    )


def is_traced() -> bool:
    """Whether torch is recording what is computed, to export or compile it: it then wants plain layers."""
    return torch.compiler.is_compiling()
