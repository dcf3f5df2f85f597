"""Pooling by the p-norm of a block."""

from math import isfinite
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.layers.conv import Padding, padding_pair, pair
from audiocnn.layers.pool import BlockPool
from audiocnn.layers.precision import at_least_single

__all__ = ["LpPool1d", "LpPool2d"]


class LpPool(BlockPool):
    """What pools by the p-norm have in common; tuples as in `BlockPool`."""

    def __init__(
        self, kernel_size: tuple[int, ...], p: float, stride: tuple[int, ...], padding: tuple[Padding, ...]
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        if not (p >= 1 and isfinite(p)):
            raise ParameterError(f"p={p} must be 1 or more and finite; max pooling is the limit of large p")
        self.p = p

    def _powers(self, x: Tensor) -> Tensor:
        z = at_least_single(x)
        return z.square() if self.p == 2 else z.abs().pow(self.p)

    def _root(self, total: Tensor) -> Tensor:
        """`total ^ (1/p)`, with a gradient of zero at zero."""
        root: Tensor = _Root.apply(total, self.p)
        return root

    def extra_repr(self) -> str:
        """The power, kernel and stride."""
        return f"p={self.p}, {super().extra_repr()}"


class LpPool1d(LpPool):
    """The p-norm of each block: `(batch, channel, time)` -> `(batch, channel, time')`.

        y = (sum over the block of |x|^p) ^ (1/p)

    p = 2 is the length of the block as a vector (L2 pooling); p = 1 the sum of magnitudes, and a large p
    comes close to the largest magnitude. Sermanet, Chintala & LeCun 2012, "Convolutional Neural
    Networks Applied to House Numbers Digit Classification", arXiv 1204.3968 (there with a weighted
    sum). With `|x|` it is a norm for every p; `torch.nn.LPPool1d` raises `x` itself, so that for odd p
    opposite signs cancel. The gradient in silence is zero, where the bare root has none.

    Args:
        kernel_size: steps in a block.
        p: the power, 1 or more.
        stride: steps from one block to the next; as many as a block has by default.
        padding: `"valid"` (a scan) or `"same"`, which adds nothing to the sum.

    Raises:
        ParameterError: as `MaxPool1d`, and for a `p` below 1 or infinite.

    >>> import torch
    >>> LpPool1d(2)(torch.tensor([[[3.0, -4.0, 0.0, 0.0]]]))
    tensor([[[5., 0.]]])
    """

    def __init__(
        self,
        kernel_size: int,
        *,
        p: float = 2.0,
        stride: int | None = None,
        padding: Padding = "valid",
    ) -> None:
        super().__init__((kernel_size,), p, (kernel_size if stride is None else stride,), (padding,))

    def forward(self, x: Tensor) -> Tensor:
        """Take the norm."""
        self._require_block(x)
        powers = self._pad(self._powers(x), 0.0).unsqueeze(-2)  # only the pool in 2-D gives plain sums
        (kernel,), (stride,), (ends,) = self.kernel_size, self.stride, self.both_ends
        total = F.avg_pool2d(powers, (1, kernel), (1, stride), (0, ends), divisor_override=1)
        return self._root(total.squeeze(-2)).to(x.dtype)


class LpPool2d(LpPool):
    """The p-norm of each block: `(batch, channel, rows, time)` -> `(batch, channel, rows', time')`.

    As `LpPool1d`; pairs are `(rows, time)`, a single value serves both.

    Args:
        kernel_size: rows and steps of a block.
        p: the power, 1 or more.
        stride: from one block to the next; as large as a block by default.
        padding: `"valid"` or `"same"`, which adds nothing to the sum.

    Raises:
        ParameterError: as `LpPool1d`.

    >>> import torch
    >>> LpPool2d((2, 1))(torch.tensor([[[[3.0, 5.0], [4.0, 12.0]]]]))
    tensor([[[[ 5., 13.]]]])
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        *,
        p: float = 2.0,
        stride: int | tuple[int, int] | None = None,
        padding: Padding | tuple[Padding, Padding] = "valid",
    ) -> None:
        kernels = pair("kernel_size", kernel_size)
        strides = kernels if stride is None else pair("stride", stride)
        super().__init__(kernels, p, strides, padding_pair(padding))

    def forward(self, x: Tensor) -> Tensor:
        """Take the norm."""
        self._require_block(x)
        powers = self._pad(self._powers(x), 0.0)
        total = F.avg_pool2d(powers, self.kernel_size, self.stride, self.both_ends, divisor_override=1)
        return self._root(total).to(x.dtype)


class _Root(torch.autograd.Function):
    """`y = x ^ (1/p)` of `x >= 0`; its gradient is `y / (p x)`, and here zero at zero."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, p: float) -> Tensor:
        """The root."""
        y = x.sqrt() if p == 2 else x.pow(1 / p)
        ctx.p = p
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """The gradient by `x`."""
        x, y = ctx.saved_tensors
        # where x is 0, so is y: any other divisor gives zero, to this gradient and to those of it
        return gradient * y / (ctx.p * x.masked_fill(x == 0, 1.0)), None
