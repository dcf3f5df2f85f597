"""Residual blocks of depthwise-separable convolutions, for small nets, in 1-D and in 2-D.

A convolution of C channels and a kernel of K elements has `C * C * K` weights; split into one that is
channel by channel (depthwise) and one of 1 (pointwise) it has `C * K + C * C`.
"""

from audiocnn.layers.activation import ReLU, ReLU6
from audiocnn.layers.conv import require_positive
from audiocnn.layers.dimensions import PaddingOrPair, Size, batch_norm, conv
from audiocnn.layers.parallel import Residual
from audiocnn.layers.regularization import Dropout, DropPath, require_probability
from audiocnn.layers.scan import Scan
from audiocnn.layers.sequential import Sequential

__all__ = ["InvertedResidual", "SeparableResidual"]


class SeparableResidual(Sequential):
    """Separable convolutions one after the other, and a projection around them: the block of MatchboxNet.

    Majumdar & Ginsburg 2020, "MatchboxNet: 1D Time-Channel Separable Convolutional Neural
    Network Architecture for Speech Commands Recognition", arXiv 2004.08531.
    `(batch, in_channels, [rows,] time)` -> `(batch, out_channels, [rows',] time')`.

        x -+- depthwise K - pointwise - norm [- ReLU - dropout - the same again, ...] -+- ReLU - dropout
           +- pointwise - norm --------------------------------------------------------+

    The projection is there even where channels stay the same, as in the paper.

    Args:
        in_channels: channels of `x`.
        out_channels: channels of each pointwise convolution.
        kernel_size: of the depthwise convolutions.
        dimensions: 1 or 2.
        repeats: separable convolutions in the block; `R` in the paper.
        stride: of the first depthwise convolution and the projection.
        dilation: of the depthwise convolutions.
        dropout: probability that a number is dropped in training.
        eps: of the batch norms; NVIDIA's code has 1e-3.
        padding: `"valid"` (a scan) or `"same"` (as published).

    Raises:
        ParameterError: for what its layers refuse, such as sizes that are not positive.

    >>> block = SeparableResidual(128, 64, 13)  # the first of MatchboxNet-3x1x64
    >>> block.geometry, sum(p.numel() for p in block.parameters())
    (Geometry(span=13, stride=1), 18304)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        *,
        dimensions: int = 1,
        repeats: int = 1,
        stride: Size = 1,
        dilation: Size = 1,
        dropout: float = 0.0,
        eps: float = 1e-5,
        padding: PaddingOrPair = "valid",
    ) -> None:
        require_positive("repeats", repeats)
        branch: dict[str, Scan] = {}
        before = in_channels
        for i in range(1, repeats + 1):
            if i > 1:
                branch |= {f"relu{i - 1}": ReLU(), f"dropout{i - 1}": Dropout(dropout)}
            branch[f"depthwise{i}"] = conv(
                dimensions,
                before,
                before,
                kernel_size,
                stride=stride if i == 1 else 1,
                dilation=dilation,
                groups=before,
                padding=padding,
            )
            branch[f"pointwise{i}"] = conv(dimensions, before, out_channels, 1)
            branch[f"norm{i}"] = batch_norm(dimensions, out_channels, eps=eps)
            before = out_channels
        projection: dict[str, Scan] = {
            "conv": conv(dimensions, in_channels, out_channels, 1, stride=stride),
            "norm": batch_norm(dimensions, out_channels, eps=eps),
        }
        super().__init__(
            {
                "residual": Residual(Sequential(branch), Sequential(projection)),
                "relu": ReLU(),
                "dropout": Dropout(dropout),
            }
        )


class InvertedResidual(Sequential):
    """A depthwise convolution on many channels between two narrow ends: the block of MobileNetV2.

    Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR,
    arXiv 1801.04381. `(batch, in_channels, [rows,] time)` -> `(batch, out_channels, [rows',] time')`.

        x -+- conv 1 - norm - ReLU6 - depthwise K, stride - norm - ReLU6 - conv 1 - norm -+-
           +- identity, where neither stride nor channels change -------------------------+

    No activation follows the sum: on few channels it would lose what it cuts off. Between the
    convolutions of 1 are `expansion * in_channels` channels; with an expansion of 1 the first is left out.

    Args:
        in_channels: channels of `x`.
        out_channels: channels of the result.
        dimensions: 1 or 2.
        expansion: channels in the middle for each that comes in.
        kernel_size: of the depthwise convolution.
        stride: of the depthwise convolution.
        dilation: of the depthwise convolution.
        padding: `"valid"` (a scan) or `"same"` (as published).
        drop_path: probability that the branch is left out for an example in training; without effect
            where there is no shortcut.

    Raises:
        ParameterError: for what its layers refuse, such as sizes that are not positive.

    >>> block = InvertedResidual(24, 24, padding="same")
    >>> sum(p.numel() for p in block.parameters())
    8832
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        dimensions: int = 2,
        expansion: int = 6,
        kernel_size: Size = 3,
        stride: Size = 1,
        dilation: Size = 1,
        padding: PaddingOrPair = "valid",
        drop_path: float = 0.0,
    ) -> None:
        require_positive("expansion", expansion)
        require_probability(drop_path)
        middle = in_channels * expansion
        layers: dict[str, Scan] = {}
        if expansion > 1:
            layers |= {
                "expand": conv(dimensions, in_channels, middle, 1),
                "expand_norm": batch_norm(dimensions, middle),
                "expand_relu": ReLU6(),
            }
        layers |= {
            "depthwise": conv(
                dimensions,
                middle,
                middle,
                kernel_size,
                stride=stride,
                dilation=dilation,
                groups=middle,
                padding=padding,
            ),
            "norm": batch_norm(dimensions, middle),
            "relu": ReLU6(),
            "project": conv(dimensions, middle, out_channels, 1),
            "project_norm": batch_norm(dimensions, out_channels),
        }
        if in_channels == out_channels and stride in (1, (1, 1)):
            if drop_path:
                layers["drop_path"] = DropPath(drop_path)
            super().__init__({"residual": Residual(Sequential(layers))})
        else:
            super().__init__(layers)
