"""Convolution along time with a kernel of 1, by oneDNN also where torch takes a product of matrices.

torch gives such a layer to oneDNN from 16 clips or two threads on, and to MKL below that. On AMD's
processors MKL does without AVX-512, and oneDNN's kernel, its input and output rearranged for it included,
takes half of MKL's time; where there is little to multiply the rearranging would take more than it saves.
"""

import torch
from torch import Tensor, nn

__all__ = ["convolve_pointwise", "is_large_pointwise"]

LEAST_MACS = 2**22


def is_large_pointwise(conv: nn.Conv1d, x: Tensor) -> bool:
    """Whether `convolve_pointwise` serves for this layer and input, and is the faster way.

    In inference alone, so that what is trained, traced or compiled is the plain layer.
    """
    return (
        conv.kernel_size == conv.stride == (1,)
        and x.numel() * conv.out_channels >= LEAST_MACS
        and x.shape[-1] > 1
        and conv.groups == 1
        and x.is_cpu
        and x.dtype == conv.weight.dtype == torch.float32
        and not torch.is_grad_enabled()
        and torch.get_num_threads() == 1  # with more it is torch's way too
        and not torch.is_autocast_enabled("cpu")
        and torch.backends.mkldnn.is_available()
        and torch.backends.mkldnn.enabled  # type: ignore[attr-defined]
        and not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()  # type: ignore[no-untyped-call]
    )


def convolve_pointwise(conv: nn.Conv1d, x: Tensor) -> Tensor:
    """What the stock `conv(x)` gives.

    >>> conv = nn.Conv1d(3, 2, 1)
    >>> with torch.inference_mode():
    ...     x = torch.randn(1, 3, 20)
    ...     torch.allclose(convolve_pointwise(conv, x), conv(x), atol=1e-6)
    True
    """
    y: Tensor = torch.mkldnn_convolution(x, conv.weight, conv.bias, (0,), (1,), (1,), 1)
    return y
