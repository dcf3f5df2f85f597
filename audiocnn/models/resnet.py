"""ResNets: residual nets of 18 to 152 layers."""

from typing import Literal

from audiocnn.layers import (
    BasicBlock,
    BatchNorm2d,
    BottleneckBlock,
    Conv2d,
    MaxPool2d,
    Padding,
    ReLU,
    Scan,
    Sequential,
)
from audiocnn.models.image_net import ImageNet
from audiocnn.models.net import InputSize, draw_weights, resolve_input_size

__all__ = ["resnet"]

STAGE_CHANNELS = (64, 128, 256, 512)
EXPANSION = 4


def resnet(
    *,
    num_classes: int,
    in_channels: int = 3,
    input_size: InputSize = None,
    padding: Padding = "same",
    blocks: tuple[int, int, int, int],
    bottleneck: bool = False,
    stride_on: Literal["middle", "first"] = "middle",
    small_input: bool = False,
    width: float = 1.0,
) -> ImageNet:
    """ResNet-18, -34, -50, -101 and -152.

    He et al. 2016, "Deep Residual Learning for Image Recognition", CVPR, arXiv 1512.03385:

        conv 7x7, stride 2         64    largest of 3x3, stride 2
        stage 1             64 or 256
        stage 2            128 or 512    from here on the first block of a stage has stride 2
        stage 3           256 or 1024
        stage 4           512 or 2048    mean of the map, classes

    Batch norm follows every convolution, and ReLUs stand between two of them and behind every sum. A block of
    ResNet-18 and -34 is two convolutions 3x3; one of the deeper nets is a bottleneck, 1x1, 3x3 and 1x1, with
    a quarter of the channels in the middle. Where channels or strides change the shortcut is a projection
    (option B). (Lecture slides that say "no pooling" mean between blocks: the paper has the maximum behind
    the first convolution and the mean at the end.)

    On 3 x 224 x 224 pixels and 1000 classes, with what a position before the mean sees:

                     parameters    billion multiply-accumulates    pixels
        resnet18     11,689,512     1.81                              435
        resnet34     21,797,672     3.66                              899
        resnet50     25,557,032     4.09, resnet50_v1 3.86            427, v1 483
        resnet101    44,549,160     7.80, resnet101_v1 7.57           971, v1 1027
        resnet152    60,192,808    11.51, resnet152_v1 11.28         1451, v1 1507

    The `_v1` nets are the paper's bottlenecks, whose stride is on the first convolution; without it they are
    torchvision's ("v1.5"), with the stride on the middle one.

    Pictures of 28 or 32 pixels would leave a map of one position. With `small_input` (`resnet18_small`) the
    first convolution is 3x3 of stride 1 and no pool follows it, so that 32 pixels leave 4 x 4 positions, each
    of which sees 109 pixels: 11,173,962 parameters with 10 classes, and 0.56 billion multiply-accumulates.

    For sound the default is 96 frames with `padding="same"`, about a second, as Hershey et al. 2017 (arXiv
    1609.09430) give to image nets: with 64 rows and 12 classes 0.21, 0.44, 0.49, 0.95 and 1.40 billion
    multiply-accumulates from `resnet18` to `resnet152`. With `"valid"` there are no zeros in time, and the
    window has to hold what a position sees; by default it leaves two.

    Weights begin as in the paper (`audiocnn.models.net.draw_weights`), but for those of the classes, as
    torch's layers do.

    Args:
        num_classes: classes.
        in_channels: colours of a picture; 1 for a spectrogram.
        input_size: `(rows, columns)`; `(224, 224)` by default, `(32, 32)` with `small_input`. Rows alone, as
            a front-end gives them, get 96 frames. With `"valid"` columns are by default 32 more than a
            position sees, 8 with `small_input`.
        padding: along columns.
        blocks: residual blocks in each stage.
        bottleneck: blocks of three convolutions, the middle one on a quarter of the channels.
        stride_on: the convolution of a bottleneck with the stride: the `"middle"` one, as in torchvision, or
            the `"first"`, as in the paper.
        small_input: whether the first convolution is 3x3 of stride 1, and no pool follows it.
        width: factor on all channels.

    Raises:
        ParameterError: with `"valid"`, for a window that does not hold what the net sees.
    """
    stem = round(STAGE_CHANNELS[0] * width)
    both: tuple[Padding, Padding] = ("same", padding)
    kernel_size, stride = (3, 1) if small_input else (7, 2)
    body: dict[str, Scan] = {
        "conv": Conv2d(in_channels, stem, kernel_size, stride=stride, bias=False, padding=both),
        "norm": BatchNorm2d(stem),
        "relu": ReLU(),  # (batch, 64, rows / 2, columns / 2)
    }
    if not small_input:
        body["pool"] = MaxPool2d(3, stride=2, padding=both)  # (batch, 64, rows / 4, columns / 4)
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
            )  # (batch, channels, rows / 2**(i + 1), columns / 2**(i + 1))
            before = channels
    layers = Sequential(body)
    side = 32 if small_input else 224
    if layers.geometry:  # nothing is added along columns: two positions
        size = resolve_input_size(input_size, default=(side, layers.geometry.input_length(2)))
    else:
        size = resolve_input_size(input_size, default=(side, side), window=96)
    return draw_weights(ImageNet(layers, channels=before, num_classes=num_classes, input_size=size))
