"""ResNets for small pictures: those of CIFAR, without shortcuts, and with the activation first."""

from collections.abc import Iterator

from audiocnn.layers import (
    BasicBlock,
    BatchNorm2d,
    Conv2d,
    Padding,
    PreActivationBlock,
    ReLU,
    Scan,
    Sequential,
)
from audiocnn.models.image_net import ImageNet
from audiocnn.models.net import InputSize, draw_weights, resolve_input_size

__all__ = ["cifar_resnet", "preact_resnet"]

STAGE_CHANNELS = (16, 32, 64)
EXPANSION = 4
PICTURE = (32, 32)
FRAMES = 96


def cifar_resnet(
    *,
    num_classes: int,
    in_channels: int = 3,
    input_size: InputSize = None,
    padding: Padding = "same",
    blocks: int,
    shortcuts: bool = True,
    width: float = 1.0,
) -> ImageNet:
    """ResNet-20, -32, -44, -56 and -110 for CIFAR, and the plain nets they are compared with.

    He et al. 2016, "Deep Residual Learning for Image Recognition", CVPR, arXiv 1512.03385, section 4.2:

        conv 3x3    16
        stage 1     16    blocks of two convolutions 3x3
        stage 2     32    the first block has stride 2
        stage 3     64    the first block has stride 2; mean of the map, classes

    Batch norm follows every convolution, and a ReLU the norm, or the sum at the end of a block. With `blocks`
    in each stage there are 6 * blocks + 2 layers. Where channels and stride change the shortcut is every
    second position with zeros for the new channels (option A). It has no parameters: the plain nets
    (`shortcuts=False`) have as many. The paper shows with them that deeper ones train worse.

    On 3 x 32 x 32 pixels and 10 classes, with what a position before the mean sees:

                                   parameters    million multiply-accumulates    pixels
        resnet20_narrow                68,050     10.2                               81
        resnet56_narrow               214,546     31.5                              249
        resnet20, plain20             269,722     40.6                               81
        resnet32                      464,154     68.9                              137
        resnet44                      658,586     97.2                              193
        resnet56, plain56             853,018    125.5                              249
        resnet110                   1,727,962    252.9                              501

    The narrow ones, half as wide, are not in the paper: they are for digits. `plain20_narrow` and
    `plain56_narrow` have the figures of the ResNets of as many layers.

    For sound the default is 96 frames with `padding="same"`: with 64 rows 242 million multiply-accumulates in
    `resnet20`. With `"valid"` there are no zeros in time, and the window has to hold what a position sees; by
    default it leaves two.

    Weights begin as in the paper (`audiocnn.models.net.draw_weights`), but for those of the classes, as
    torch's layers do.

    Args:
        num_classes: classes.
        in_channels: colours of a picture; 1 for a spectrogram.
        input_size: `(rows, columns)`; `(32, 32)` by default. Rows alone, as a front-end gives them, get 96
            frames. With `"valid"` columns are by default 4 more than a position sees.
        padding: along columns.
        blocks: blocks in each of the three stages.
        shortcuts: whether there are any.
        width: factor on all channels.

    Raises:
        ParameterError: with `"valid"`, for a window that does not hold what the net sees.
    """
    both: tuple[Padding, Padding] = ("same", padding)
    before = round(STAGE_CHANNELS[0] * width)
    body: dict[str, Scan] = {
        "conv": Conv2d(in_channels, before, 3, bias=False, padding=both),
        "norm": BatchNorm2d(before),
        "relu": ReLU(),  # (batch, 16, rows, columns)
    }
    for name, published, stride in _places(blocks):
        channels = round(published * width)
        body[name] = (
            BasicBlock(before, channels, stride=stride, padding=both, shortcut="zeros")
            if shortcuts
            else _plain_block(before, channels, stride, both)
        )  # (batch, channels, rows / 2**(i - 1), columns / 2**(i - 1)) in stage i
        before = channels
    return _net(body, before, num_classes, input_size)


def preact_resnet(
    *,
    num_classes: int,
    in_channels: int = 3,
    input_size: InputSize = None,
    padding: Padding = "same",
    blocks: int,
    bottleneck: bool = False,
    width: float = 1.0,
) -> ImageNet:
    """ResNets for CIFAR whose norms and ReLUs come before the convolutions, so that sums are left alone.

    He et al. 2016, "Identity Mappings in Deep Residual Networks", ECCV, arXiv 1603.05027:

        conv 3x3    16
        stage 1     16 or  64    blocks of two convolutions 3x3; or bottlenecks, 1x1, 3x3 and 1x1
        stage 2     32 or 128    the first block has stride 2
        stage 3     64 or 256    the first block has stride 2
        batch norm, ReLU, mean of the map, classes

    The layers are those of `cifar_resnet` in another order. The first norm and ReLU stand before the fork in
    the first block, as the paper says, and in a block that changes channels; other shortcuts hand on the sum
    as it is. New channels are zeros, behind bottlenecks a projection without norm, as in the authors' code
    (KaimingHe/resnet-1k-layers).

    On 3 x 32 x 32 pixels and 10 classes, with what a position before the mean sees:

                              parameters    million multiply-accumulates    pixels
        preact_resnet20          269,722     40.6                               81
        preact_resnet56          853,018    125.5                              249
        preact_resnet110       1,727,962    252.9                              501
        preact_resnet164       1,703,258    247.6                              249    bottlenecks

    Deviation: the stride of a bottleneck is on its middle convolution; the authors' code has it on the first.

    For sound, `"valid"` and how weights begin see `cifar_resnet`.

    Args:
        num_classes: classes.
        in_channels: colours of a picture; 1 for a spectrogram.
        input_size: `(rows, columns)`; `(32, 32)` by default. Rows alone, as a front-end gives them, get 96
            frames. With `"valid"` columns are by default 4 more than a position sees.
        padding: along columns.
        blocks: blocks in each of the three stages.
        bottleneck: blocks of three convolutions, the middle one on a quarter of the channels.
        width: factor on all channels.

    Raises:
        ParameterError: with `"valid"`, for a window that does not hold what the net sees.
    """
    both: tuple[Padding, Padding] = ("same", padding)
    before = round(STAGE_CHANNELS[0] * width)
    body: dict[str, Scan] = {
        "conv": Conv2d(in_channels, before, 3, bias=False, padding=both)
    }  # (batch, 16, rows, columns)
    for name, published, stride in _places(blocks):
        channels = round(published * width) * (EXPANSION if bottleneck else 1)
        body[name] = PreActivationBlock(
            before,
            channels,
            expansion=EXPANSION if bottleneck else None,
            stride=stride,
            padding=both,
            shortcut="projection" if bottleneck else "zeros",
            activate_before_fork=name == "stage1_block1",
        )  # (batch, channels, rows / 2**(i - 1), columns / 2**(i - 1)) in stage i
        before = channels
    body |= {"norm": BatchNorm2d(before), "relu": ReLU()}
    return _net(body, before, num_classes, input_size)


def _places(blocks: int) -> Iterator[tuple[str, int, int]]:
    """Of each block its name, its channels and its stride."""
    for i, channels in enumerate(STAGE_CHANNELS, start=1):
        for j in range(1, blocks + 1):
            yield f"stage{i}_block{j}", channels, 2 if i > 1 and j == 1 else 1


def _plain_block(before: int, after: int, stride: int, padding: tuple[Padding, Padding]) -> Sequential:
    """What a `BasicBlock` is without its shortcut."""
    return Sequential(
        {
            "conv1": Conv2d(before, after, 3, stride=stride, bias=False, padding=padding),
            "norm1": BatchNorm2d(after),
            "relu1": ReLU(),
            "conv2": Conv2d(after, after, 3, bias=False, padding=padding),
            "norm2": BatchNorm2d(after),
            "relu2": ReLU(),
        }
    )


def _net(body: dict[str, Scan], channels: int, num_classes: int, input_size: InputSize) -> ImageNet:
    """The mean of the map and the classes behind the body."""
    layers = Sequential(body)
    if layers.geometry:  # nothing is added along columns: two positions
        size = resolve_input_size(input_size, default=(PICTURE[0], layers.geometry.input_length(2)))
    else:
        size = resolve_input_size(input_size, default=PICTURE, window=FRAMES)
    return draw_weights(ImageNet(layers, channels=channels, num_classes=num_classes, input_size=size))
