"""In what numbers to compute, where those of the input are too few."""

import torch
from torch import Tensor

__all__ = ["at_least_single", "wide"]

_ENOUGH = (torch.float32, torch.float64)  # asked first, as it takes less time than to ask for both


def at_least_single(x: Tensor) -> Tensor:
    """`x` in float32 at least: in float16 the square of 256 is infinite.

    >>> at_least_single(torch.tensor(256.0, dtype=torch.float16)).square()
    tensor(65536.)
    """
    return x if x.dtype in _ENOUGH else x.to(torch.promote_types(x.dtype, torch.float32))


def wide(x: Tensor) -> torch.dtype:
    """What sums of `x` are kept in.

    >>> wide(torch.zeros(1))
    torch.float64
    """
    return torch.float32 if x.device.type == "mps" else torch.float64
