"""Subsampling as LeNet-5 had it: each block is summed, and each channel weighs its sums."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.layers.conv import pair, require_positive
from audiocnn.layers.pool import BlockPool

__all__ = ["Subsample2d"]


class Subsample2d(BlockPool):
    """Weighted sums of blocks: `(batch, channels, rows, time)` -> `(batch, channels, rows', time')`.

        y = coefficient * (sum of the block) + bias         one of each for every channel

    LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition", Proceedings of the IEEE 86,
    layers S2 and S4, which are followed by a `ScaledTanh`. With a small coefficient that works in its linear
    part, and the layer blurs; with a large one it asks, according to the bias, whether any or all of the
    block are active. At first the coefficient is 1 / size of the block and the bias 0: the mean.

    Args:
        channels: channels of the input.
        kernel_size: rows and steps of a block; pairs are `(rows, time)`, an integer serves both.
        stride: from one block to the next; as large as a block by default.

    Attributes:
        coefficient: `(channels,)`.
        bias: `(channels,)`.

    Raises:
        ParameterError: for a size that is not positive, and on input of another shape, or
            smaller than a block.

    >>> Subsample2d(1, 2)(torch.tensor([[[[1.0, 1.0, 2.0, 4.0], [5.0, 6.0, 7.0, 8.0]]]])).flatten().tolist()
    [3.25, 5.25]
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int | tuple[int, int],
        *,
        stride: int | tuple[int, int] | None = None,
    ) -> None:
        require_positive("channels", channels)
        kernels = pair("kernel_size", kernel_size)
        strides = kernels if stride is None else pair("stride", stride)
        super().__init__(kernels, strides, ("valid", "valid"))
        self.coefficient = nn.Parameter(torch.full((channels,), 1 / (kernels[0] * kernels[1])))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Sum, and weigh."""
        channels = len(self.bias)
        if x.dim() != 4 or x.shape[1] != channels:
            raise ParameterError(
                f"Subsample2d with channels={channels} takes (batch, {channels}, rows, time), "
                f"not {tuple(x.shape)}"
            )
        self._require_block(x)
        sums = F.avg_pool2d(x, self.kernel_size, self.stride, divisor_override=1)
        return self.coefficient[:, None, None] * sums + self.bias[:, None, None]

    def connections(self, x: Tensor, y: Tensor) -> int:
        """A block and a bias for every number of `y`, as the paper counts."""
        return super().connections(x, y) + y.numel()

    def extra_repr(self) -> str:
        """Channels, kernel and stride."""
        return f"{len(self.bias)}, {super().extra_repr()}"
