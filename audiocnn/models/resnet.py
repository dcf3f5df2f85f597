"""ResNets: residual nets for images, on spectrograms."""

from typing import Literal

from audiocnn.layers import (
    BasicBlock,
    BatchNorm2d,
    BottleneckBlock,
    Conv2d,
    FlattenRows,
    MaxPool2d,
    MeanRows,
    Padding,
    ReLU,
    Scan,
    Sequential,
)
from audiocnn.models.net import InputSize, Net, resolve_input_size

__all__ = ["resnet"]

STAGE_CHANNELS = (64, 128, 256, 512)
EXPANSION = 4


def resnet(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    blocks: tuple[int, int, int, int],
    bottleneck: bool = False,
    stride_on: Literal["middle", "first"] = "middle",
    width: float = 1.0,
) -> Net:
    """ResNet-18, ResNet-34 and ResNet-50.

    He et al. 2016, "Deep Residual Learning for Image Recognition", arXiv 1512.03385: a convolution 7x7
    of stride 2 to 64 channels, batch norm, ReLU, the largest of 3x3 with stride 2; four stages of residual
    blocks, the last three of which halve rows and frames, of 64, 128, 256 and 512 channels, with
    bottlenecks of four times as many; the mean of all that is left; classes. Where channels or strides change
    the shortcut is a projection (the paper's option B).

    On 3 x 224 x 224 pixels and 1000 classes `resnet18` has 11,689,512 parameters, `resnet34` 21,797,672 and
    `resnet50` 25,557,032, as torchvision's, and they take 1.81, 3.66 and 4.09 billion multiply-accumulates.
    For sound the default is 64 rows and, with `padding="same"`, 96 frames, the size that Hershey et al. 2017
    (arXiv 1609.09430) give to image nets: 0.21, 0.44 and 0.49 billion.

    A position before the mean sees 435 frames in `resnet18`, 899 in `resnet34` and 427 in `resnet50`
    (4370, 9010 and 4290 ms of 30/10 ms), of all rows: on 96 frames these nets lean on their zeros, and long
    recordings are scanned window by window. With `"valid"` there are no zeros in time, and the window has to
    hold what a position sees; by default it leaves two.

    Deviation: weights begin as torch's layers do.

    Args:
        num_classes: classes.
        in_channels: channels of the spectrogram.
        input_size: `(rows, window)`; `(64, 96)` by default with `"same"`. With `"valid"` 64 rows, and 32
            frames more than a position sees.
        padding: along time.
        blocks: residual blocks in each stage.
        bottleneck: blocks of three convolutions, the middle one on a quarter of the channels.
        stride_on: the convolution of a bottleneck with the stride: the `"middle"` one, as in torchvision
            ("v1.5"), or the `"first"`, as in the paper.
        width: factor on all channels.

    Raises:
        ParameterError: for a window that does not hold what the net sees, with `"valid"`.
    """
    stem = round(STAGE_CHANNELS[0] * width)
    both: tuple[Padding, Padding] = ("same", padding)
    body: dict[str, Scan] = {
        "conv": Conv2d(in_channels, stem, 7, stride=2, bias=False, padding=both),
        "norm": BatchNorm2d(stem),
        "relu": ReLU(),  # (batch, 64, rows / 2, time / 2)
        "pool": MaxPool2d(3, stride=2, padding=both),  # (batch, 64, rows / 4, time / 4)
    }
    before = stem
    for i, (published, repeats) in enumerate(zip(STAGE_CHANNELS, blocks, strict=True), start=1):
        channels = round(published * width) * (EXPANSION if bottleneck else 1)
        for j in range(1, repeats + 1):
            stride = 2 if i > 1 and j == 1 else 1
            body[f"stage{i}_block{j}"] = (
                BottleneckBlock(
                    before, channels, expansion=EXPANSION, stride=stride, stride_on=stride_on, padding=both
                )
                if bottleneck
                else BasicBlock(before, channels, stride=stride, padding=both)
            )  # (batch, channels, rows / 2**(i + 1), time / 2**(i + 1))
            before = channels
    body |= {"mean_rows": MeanRows(), "flatten": FlattenRows()}  # (batch, channels, time / 32)
    layers = Sequential(body)
    window = 96 if layers.geometry is None else layers.geometry.input_length(2)
    return Net(
        layers,
        channels=before,
        num_classes=num_classes,
        input_size=resolve_input_size(input_size, default=(64, window)),
    )
