"""The broadcasted residual block of BC-ResNet, its last sum in few passes over memory."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.layers.activation import ReLU, SiLU
from audiocnn.layers.conv import Conv2d, Padding
from audiocnn.layers.norm import BatchNorm2d
from audiocnn.layers.parallel import Residual
from audiocnn.layers.pointwise import is_traced
from audiocnn.layers.pool import MeanRows
from audiocnn.layers.regularization import Dropout2d
from audiocnn.layers.scan import Scan
from audiocnn.layers.sequential import Sequential
from audiocnn.layers.subspectral import SubSpectralNorm

__all__ = ["BroadcastedBlock", "broadcasted_sum"]


class BroadcastedBlock(Sequential):
    """The block of BC-ResNet: a 2-D path, and a 1-D path over time that is broadcast to all rows.

    Kim et al. 2021, "Broadcasted Residual Learning for Efficient Keyword Spotting",
    arXiv 2106.04140. `(batch, in_channels, rows, time)` -> `(batch, out_channels, rows', time')`.

        x -+- f2: conv 3x1 over rows, sub-spectral norm -+- mean of rows - f1 -+- + - ReLU
           |                                             +---------------------+  |
           +----------------------------------------------------------------------+
        f1: conv 1x3 over time, dilated - norm - SiLU - conv 1x1 - dropout

    Where channels change (a transition) f2 begins with conv 1x1 - norm - ReLU and the outer
    shortcut is left out.

    Args:
        in_channels: channels of `x`.
        out_channels: channels of the result.
        row_stride: stride of the 3x1 convolution over rows.
        dilation: of the 1x3 convolution over time.
        bands: bands of the sub-spectral norm; the rows must divide into them.
        dropout: probability that a channel of f1 is dropped in training.
        padding: of time, `"valid"` (a scan) or `"same"` (as published). Rows are padded.

    Raises:
        ParameterError: for what its layers refuse: sizes that are not positive, a probability of 1 or
            more, an unknown padding; and for rows that do not divide into the bands.

    >>> block = BroadcastedBlock(8, 12, row_stride=2, dilation=2)
    >>> block(torch.zeros(1, 8, 20, 98)).shape, block.geometry
    (torch.Size([1, 12, 10, 94]), Geometry(span=5, stride=1))
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        row_stride: int = 1,
        dilation: int = 1,
        bands: int = 5,
        dropout: float = 0.1,
        padding: Padding = "valid",
    ) -> None:
        is_transition = in_channels != out_channels
        f2: dict[str, Scan] = {}
        if is_transition:
            f2["expand"] = Conv2d(in_channels, out_channels, 1, bias=False)
            f2["expand_norm"] = BatchNorm2d(out_channels)
            f2["expand_relu"] = ReLU()
        f2["conv"] = Conv2d(
            out_channels,
            out_channels,
            (3, 1),
            stride=(row_stride, 1),
            groups=out_channels,
            bias=False,
            padding=("same", "valid"),  # one step of time: there is nothing to pad
        )
        f2["norm"] = SubSpectralNorm(out_channels, bands=bands)
        f1 = Sequential(
            {
                "mean": MeanRows(),  # (batch, out_channels, 1, time)
                "conv": Conv2d(
                    out_channels,
                    out_channels,
                    (1, 3),
                    dilation=(1, dilation),
                    groups=out_channels,
                    bias=False,
                    padding=padding,
                ),
                "norm": BatchNorm2d(out_channels),
                "silu": SiLU(),
                "project": Conv2d(out_channels, out_channels, 1, bias=False),
                "dropout": Dropout2d(dropout),
            }
        )
        f2["broadcast"] = Residual(f1)
        body: Scan = Sequential(f2)
        super().__init__({"body": body if is_transition else Residual(body), "relu": ReLU()})

    def forward(self, x: Tensor) -> Tensor:
        """A processor joins the paths by `broadcasted_sum`; the numbers are the same."""
        body, relu = self.scans()
        # what is looked at layer by layer is run in this way
        if is_traced() or not x.is_cpu or relu._forward_hooks:
            return super().forward(x)
        self.require_span(x)
        path = body.paths()[0][-1] if isinstance(body, Residual) else body
        assert isinstance(path, Sequential)
        *f2, broadcast = path.scans()
        assert isinstance(broadcast, Residual)
        f1 = broadcast.paths()[0][-1]
        y = x
        for layer in f2:
            y = layer(y)
        return broadcasted_sum(f1(y), y, x if isinstance(body, Residual) else None)


def broadcasted_sum(f1: Tensor, f2: Tensor, x: Tensor | None = None) -> Tensor:
    """`relu(f1 + f2 + x)`, with one row broadcast to all, and the longer inputs cropped to their centre.

    In separate modules every sum, crop and activation writes a new buffer, and its gradient another.
    Here the sums and the ReLU share one; and `f2` and `x`, whose gradients are the same, share that.

    Args:
        f1: `(batch, channel, 1, time')`.
        f2: `(batch, channel, rows, time)`, `time >= time'`.
        x: the same, or None.

    Returns:
        `(batch, channel, rows, time')`.

    >>> broadcasted_sum(torch.tensor([[[[1.0]]]]), torch.tensor([[[[9.0, -2.0, 9.0], [9.0, 3.0, 9.0]]]]))
    tensor([[[[0.],
              [4.]]]])
    """
    total: Tensor = _BroadcastedSum.apply(f1, f2, x)
    return total


class _BroadcastedSum(torch.autograd.Function):
    """`broadcasted_sum` and its gradients."""

    @staticmethod
    def forward(ctx: Any, f1: Tensor, f2: Tensor, x: Tensor | None) -> Tensor:
        """The sum, cut off below 0."""
        time, spare = f1.shape[-1], f2.shape[-1] - f1.shape[-1]
        left = spare // 2
        total = f2[..., left : left + time] + f1
        if x is not None:
            total += x[..., left : left + time]
        total.relu_()
        ctx.crop = left, spare - left
        ctx.save_for_backward(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Where the sum is positive each term has its gradient; the broadcast one has that of all rows."""
        (total,) = ctx.saved_tensors
        gradient = torch.ops.aten.threshold_backward(gradient, total, 0)
        uncropped = F.pad(gradient, ctx.crop) if any(ctx.crop) else gradient
        return gradient.sum(dim=-2, keepdim=True), uncropped, uncropped if ctx.needs_input_grad[2] else None
