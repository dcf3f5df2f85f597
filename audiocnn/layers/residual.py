"""Residual blocks of the keyword-spotting nets."""

from audiocnn.layers.conv import Conv1d, Conv2d, Padding
from audiocnn.layers.norm import BatchNorm1d, BatchNorm2d, Dropout2d, ReLU, SiLU, SubSpectralNorm
from audiocnn.layers.pool import MeanRows
from audiocnn.layers.scan import Residual, Scan, Sequential

__all__ = ["BroadcastedBlock", "TemporalBlock"]


class TemporalBlock(Sequential):
    """The block of TC-ResNet: two convolutions along time and a shortcut.

    Choi et al. 2019, "Temporal Convolution for Real-time Keyword Spotting on Mobile
    Devices", arXiv 1904.03814. `(batch, in_channels, time)` -> `(batch, out_channels, time')`.

        x -+- conv, stride - norm - ReLU - conv - norm -+- ReLU
           +- conv 1, stride - norm - ReLU -------------+       (the identity without a stride)

    Args:
        in_channels: channels of `x`; the same as `out_channels` where the stride is 1.
        out_channels: channels of the result.
        kernel_size: steps each convolution covers.
        stride: of the first convolution and the shortcut.
        padding: `"valid"` (a scan) or `"same"` (as published).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: Padding = "valid",
    ) -> None:
        branch = Sequential(
            {
                "conv1": Conv1d(
                    in_channels, out_channels, kernel_size, stride=stride, bias=False, padding=padding
                ),
                "norm1": BatchNorm1d(out_channels),
                "relu": ReLU(),
                "conv2": Conv1d(out_channels, out_channels, kernel_size, bias=False, padding=padding),
                "norm2": BatchNorm1d(out_channels),
            }
        )
        shortcut = None
        if stride > 1 or in_channels != out_channels:
            shortcut = Sequential(
                {
                    "conv": Conv1d(in_channels, out_channels, 1, stride=stride, bias=False, padding=padding),
                    "norm": BatchNorm1d(out_channels),
                    "relu": ReLU(),
                }
            )
        super().__init__({"residual": Residual(branch, shortcut), "relu": ReLU()})


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
