"""Pooling that is learned: one small network, shared, looks at every block of every channel.

    block of K numbers -+- hidden units, ReLU - weighted -+- one number
                        +- weighted ----------------------+

To begin with the first path gives nothing and the second the mean, so that the pool starts as
mean pooling and learns what else to look for.
"""

from math import prod

from torch import Tensor
from torch.nn import init

from audiocnn.layers.activation import ReLU
from audiocnn.layers.conv import Conv1d, Conv2d, Padding, pair, require_positive
from audiocnn.layers.parallel import Parallel
from audiocnn.layers.scan import Scan
from audiocnn.layers.sequential import Sequential

__all__ = ["LearnedPool1d", "LearnedPool2d"]


class LearnedPool(Scan):
    """What both have in common: a network over one channel, run on each."""

    def __init__(self, linear: Conv1d | Conv2d, hidden: Conv1d | Conv2d, output: Conv1d | Conv2d) -> None:
        super().__init__()
        self.network = Parallel(linear, Sequential(hidden, ReLU(), output))
        self.time_axis, self.row_axis = self.network.time_axis, self.network.row_axis
        assert linear.bias is not None
        init.constant_(linear.weight, 1 / prod(linear.kernel_size))
        init.zeros_(linear.bias)
        init.zeros_(output.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Run the network on the blocks of every channel."""
        self.require_span(x)
        y: Tensor = self.network(x.flatten(0, 1)[:, None])  # (batch * channel, 1, ...)
        return y.reshape(*x.shape[:2], *y.shape[2:])


class LearnedPool1d(LearnedPool):
    """A small network on each block: `(batch, channel, time)` -> `(batch, channel, time')`.

    For a block x of `kernel_size` steps, `y = w . x + b + v . ReLU(U x + c)`, with the same weights at every
    position and in every channel: an MLP scanned over each channel, in the sense of Lin et al. 2014,
    "Network In Network", arXiv 1312.4400. Lee, Gallagher & Tu 2016, "Generalizing Pooling Functions
    in Convolutional Neural Networks", arXiv 1509.08985, learn simpler mixtures of mean and maximum.

    Args:
        kernel_size: steps in a block.
        stride: steps from one block to the next; as many as a block has by default.
        hidden: hidden units.
        padding: `"valid"` (a scan) or `"same"`, with zeros.

    Raises:
        ParameterError: for a size that is not positive, an unknown padding, and on input shorter than
            a block.

    >>> import torch
    >>> LearnedPool1d(2)(torch.tensor([[[1.0, 5.0, 2.0, 0.0]]]))
    tensor([[[3., 1.]]], grad_fn=<ViewBackward0>)
    """

    def __init__(
        self, kernel_size: int, *, stride: int | None = None, hidden: int = 8, padding: Padding = "valid"
    ) -> None:
        require_positive("hidden", hidden)
        stride = kernel_size if stride is None else stride
        super().__init__(
            Conv1d(1, 1, kernel_size, stride=stride, padding=padding),
            Conv1d(1, hidden, kernel_size, stride=stride, padding=padding),
            Conv1d(hidden, 1, 1, bias=False),
        )


class LearnedPool2d(LearnedPool):
    """A small network on each block: `(batch, channel, rows, time)` -> `(batch, channel, rows', time')`.

    As `LearnedPool1d`; pairs are `(rows, time)`, a single value serves both.

    Args:
        kernel_size: rows and steps of a block.
        stride: from one block to the next; as large as a block by default.
        hidden: hidden units.
        padding: `"valid"` or `"same"`, with zeros.

    Raises:
        ParameterError: as `LearnedPool1d`.

    >>> import torch
    >>> LearnedPool2d((2, 1))(torch.zeros(1, 16, 40, 98)).shape
    torch.Size([1, 16, 20, 98])
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        *,
        stride: int | tuple[int, int] | None = None,
        hidden: int = 8,
        padding: Padding | tuple[Padding, Padding] = "valid",
    ) -> None:
        require_positive("hidden", hidden)
        kernels = pair("kernel_size", kernel_size)
        strides = kernels if stride is None else pair("stride", stride)
        super().__init__(
            Conv2d(1, 1, kernels, stride=strides, padding=padding),
            Conv2d(1, hidden, kernels, stride=strides, padding=padding),
            Conv2d(hidden, 1, 1, bias=False),
        )
