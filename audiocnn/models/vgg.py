"""VGG: small kernels, many layers."""

from audiocnn.layers import BatchNorm2d, Conv2d, Dropout, MaxPool2d, Padding, ReLU, Scan, Sequential
from audiocnn.models.alexnet import HIDDEN, dense_layers
from audiocnn.models.image_net import ImageNet
from audiocnn.models.net import InputSize, draw_weights, resolve_input_size

__all__ = ["stages_of_convolutions", "vgg"]

STAGE_CHANNELS = (64, 128, 256, 512, 512)
SMALL_HIDDEN = 512


def vgg(
    *,
    num_classes: int,
    in_channels: int = 3,
    input_size: InputSize = None,
    padding: Padding = "same",
    convolutions: tuple[int, int, int, int, int],
    norm: bool = False,
    small_input: bool = False,
    width: float = 1.0,
) -> ImageNet:
    """VGG-11, VGG-13, VGG-16 and VGG-19.

    Simonyan & Zisserman 2015, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR,
    arXiv 1409.1556. Convolutions are 3x3 and followed by a ReLU: two of them see what one of 5x5 sees, with
    fewer weights and a ReLU more. They come in five stages, with the largest of 2x2 after each:

                 channels    convolutions of 11 (A)    13 (B)    16 (D)    19 (E)
        stage 1        64                         1         2         2         2
        stage 2       128                         1         2         2         2
        stage 3       256                         2         2         3         4
        stage 4       512                         2         2         3         4
        stage 5       512                         2         2         3         4
        dense        4096    ReLU, dropout 0.5
        dense        4096    ReLU, dropout 0.5
        dense     classes

    On 3 x 224 x 224 pixels, which leave the first dense layer 7 x 7 positions, and 1000 classes:

                 parameters    with batch norm (`_bn`)    multiply-accumulates    a position sees
        vgg11   132,863,336                132,868,840            7.61 billion         150 pixels
        vgg13   133,047,848                133,053,736           11.31 billion         156 pixels
        vgg16   138,357,544                138,365,992           15.47 billion         212 pixels
        vgg19   143,667,240                143,678,248           19.63 billion         268 pixels

    Batch norm is later than the paper; it stands where torchvision has it, between a convolution and its
    ReLU. Net A with a local response norm (A-LRN), which the paper found to be of no use, and net C are not
    here.

    Small pictures: five halvings of 32 pixels leave one, and of 28 too if pools keep an odd last row and
    column. So with `small_input` they do, and one dense layer of 512 is in place of both of 4096, as in
    Zagoruyko 2015, "92.45% on CIFAR-10 in Torch" (`vgg_bn_drop.lua` of szagoruyko/cifar.torch, which also has
    dropout between convolutions and batch norm in the dense layer). `vgg11_small` and `vgg16_small`, with
    batch norm, have 9,493,770 and 14,990,922 parameters with 10 classes, and take 153 and 313 million
    multiply-accumulates on 3 x 32 x 32 pixels.

    For sound the default is 96 frames with `padding="same"`. With `"valid"`, which pads rows alone, there are
    by default 32 columns more than a position sees, which leaves two of them.

    Deviations: weights begin as in He et al. 2015 (`audiocnn.models.net.draw_weights`). The paper draws those
    of net A normally with a deviation of 0.1, and begins the others with its layers.

    Args:
        num_classes: classes.
        in_channels: colours of a picture; 1 for a spectrogram.
        input_size: `(rows, columns)`; `(224, 224)` by default, `(32, 32)` with `small_input`. Rows alone, as
            a front-end gives them, get 96 frames with `"same"`. There must be 32 rows, and with `"same"` as
            many columns; with `small_input` there may be fewer. The parameters of the first dense layer grow
            with both.
        padding: along columns.
        convolutions: convolutions in each stage.
        norm: whether there is batch norm.
        small_input: whether the net is that for small pictures.
        width: factor on all channels.

    Raises:
        ParameterError: for rows of which the pools leave none.
    """
    both: tuple[Padding, Padding] = ("same", padding)
    channels = [round(published * width) for published in STAGE_CHANNELS]
    body = Sequential(
        stages_of_convolutions(
            in_channels,
            [[after] * repeats for after, repeats in zip(channels, convolutions, strict=True)],
            norm=norm,
            padding=both,
            pool_padding=both if small_input else "valid",
        )
    )  # (batch, 512, rows / 32, columns / 32)
    if small_input:
        picture, hidden = 32, round(SMALL_HIDDEN * width)
        head: Scan = Sequential({"relu6": ReLU(), "dropout6": Dropout(0.5)})
    else:
        picture, hidden = 224, round(HIDDEN * width)
        head = dense_layers(hidden)
    if body.geometry:
        size = resolve_input_size(input_size, default=(picture, body.geometry.input_length(2)))
    else:
        size = resolve_input_size(input_size, default=(picture, picture), window=96)
    net = ImageNet(
        body,
        channels=channels[-1],
        num_classes=num_classes,
        input_size=size,
        pool=lambda rows, columns: Conv2d(channels[-1], hidden, (rows, columns)),
        pooled=hidden,
        head=(head, hidden),
    )
    return draw_weights(net)


def stages_of_convolutions(
    in_channels: int,
    stages: list[list[int]],
    *,
    padding: tuple[Padding, Padding],
    norm: bool = False,
    pool_padding: Padding | tuple[Padding, Padding] = "valid",
) -> dict[str, Scan]:
    """Convolutions 3x3, each with a ReLU, and after each stage of them the largest of 2x2.

    Args:
        in_channels: channels of the input.
        stages: for each the channels of its convolutions.
        padding: of the convolutions.
        norm: whether there is batch norm between a convolution and its ReLU.
        pool_padding: of the pools; `"same"` for pools that keep an odd last row or column.
    """
    layers: dict[str, Scan] = {}
    before = in_channels
    for i, stage in enumerate(stages, start=1):
        for j, channels in enumerate(stage, start=1):
            layers[f"conv{i}_{j}"] = Conv2d(before, channels, 3, padding=padding)
            if norm:
                layers[f"norm{i}_{j}"] = BatchNorm2d(channels)
            layers[f"relu{i}_{j}"] = ReLU()
            before = channels
        layers[f"pool{i}"] = MaxPool2d(
            2, padding=pool_padding
        )  # (batch, channels, rows / 2**i, columns / 2**i)
    return layers
