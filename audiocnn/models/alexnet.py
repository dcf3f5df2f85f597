"""AlexNet, the convnet that won ImageNet in 2012, and its forms: one tower, and for small pictures."""

from audiocnn.layers import (
    Conv2d,
    Dropout,
    LocalResponseNorm,
    MaxPool2d,
    Padded,
    Padding,
    ReLU,
    Scan,
    Sequential,
)
from audiocnn.models.image_net import ImageNet
from audiocnn.models.net import InputSize, draw_weights, resolve_input_size

__all__ = ["alexnet", "alexnet_one_tower", "alexnet_small", "dense_layers"]

CHANNELS = (96, 256, 384, 384, 256)
ONE_TOWER = (64, 192, 384, 256, 256)
HIDDEN = 4096


def alexnet(
    *,
    num_classes: int,
    in_channels: int = 3,
    input_size: InputSize = None,
    padding: Padding = "same",
    groups: int = 2,
    local_norm: bool = True,
    width: float = 1.0,
) -> ImageNet:
    """AlexNet, of five convolutions and three dense layers.

    Krizhevsky, Sutskever & Hinton 2012, "ImageNet Classification with Deep Convolutional Neural
    Networks", NeurIPS 25:

        1   conv 11x11, stride 4    96   ReLU, local response norm, largest of 3x3, stride 2
        2   conv 5x5               256   ReLU, local response norm, largest of 3x3, stride 2
        3   conv 3x3               384   ReLU
        4   conv 3x3               384   ReLU
        5   conv 3x3               256   ReLU, largest of 3x3, stride 2
        6   dense                 4096   ReLU, dropout 0.5
        7   dense                 4096   ReLU, dropout 0.5
        8   dense              classes

    Layers 2, 4 and 5 are in two groups, which the authors had on two GPUs. On 3 x 227 x 227 pixels and
    1000 classes that is 60,965,224 parameters and 0.72 billion multiply-accumulates (`alexnet`), and
    62,378,344 and 1.14 billion without groups (`alexnet_ungrouped`). (The paper says 224 pixels; the
    55 x 55 positions of layer 1 in its figure take 227. Some lecture notes give layer 2 a stride of 2; the
    paper gives it none, and its 27 x 27 positions take 1.) Layer 1 and the pools take no padding; layers 2
    to 5 keep the size of the map, with `padding="valid"` that of its rows alone.

    For sound the default is 96 frames with `padding="same"`, and 227 with `"valid"`. On 80 rows that leaves
    the dense layer one or two positions in time: 20.2 and 21.2 million parameters with 12 classes, 71 and 131
    million multiply-accumulates (21.6, 22.7, 109 and 209 without groups). A position sees 195 frames, 1970 ms
    of 30/10 ms, and 195 rows.

    Deviation: weights begin as in He et al. 2015 (`audiocnn.models.net.draw_weights`); the paper's are normal
    with a deviation of 0.01, and its biases in layers 2, 4, 5, 6 and 7 are 1.

    Args:
        num_classes: classes.
        in_channels: colours of a picture; 1 for a spectrogram.
        input_size: `(rows, columns)`; `(227, 227)` by default. Rows alone, as a front-end gives them, get 96
            frames with `"same"` and 227 with `"valid"`. There must be 67 rows, and with `"same"` as many
            columns; `alexnet_small` takes fewer. The parameters of layer 6 grow with both.
        padding: along columns.
        groups: independent groups of channels in layers 2, 4 and 5; 1 for none.
        local_norm: whether there are the local response norms.
        width: factor on all channels.

    Raises:
        ParameterError: for rows of which the pools leave none.
    """
    size = resolve_input_size(input_size, default=(227, 227), window=96 if padding == "same" else 227)
    channels, hidden = [round(channels * width) for channels in CHANNELS], round(HIDDEN * width)
    body = _convolutions(
        Conv2d(in_channels, channels[0], 11, stride=4),
        channels,
        padding=padding,
        groups=groups,
        local_norm=local_norm,
    )
    net = ImageNet(
        Sequential(body),
        channels=channels[-1],
        num_classes=num_classes,
        input_size=size,
        pool=lambda rows, columns: Conv2d(channels[-1], hidden, (rows, columns)),
        pooled=hidden,
        head=(dense_layers(hidden), hidden),
    )
    return draw_weights(net)


def alexnet_one_tower(
    *,
    num_classes: int,
    in_channels: int = 3,
    input_size: InputSize = None,
    padding: Padding = "same",
    width: float = 1.0,
) -> ImageNet:
    """AlexNet in one tower, as torchvision has it.

    Krizhevsky 2014, "One Weird Trick for Parallelizing Convolutional Neural Networks", arXiv 1404.5997, for
    one GPU: the layers of `alexnet` without groups and norms, of 64, 192, 384, 256 and 256 channels. (A
    footnote of the paper gives layer 4 384 of them, its author's code, `layers-imagenet-1gpu.cfg` of
    cuda-convnet2, 256; torchvision follows the code.) Two zeros at each edge of a picture of 224 x 224 give
    layer 1 the same 55 x 55 positions. As in torchvision, dropout stands before layers 6 and 7.

    With 1000 classes that is 61,100,840 parameters and 0.71 billion multiply-accumulates
    (`alexnet_one_tower`). For sound the default is 96 frames with `padding="same"`, and 227 with `"valid"`. A
    position sees 195 frames and rows, as in `alexnet`.

    Deviations: of a picture of another size torchvision averages the map to 6 x 6 positions; ours gives
    layer 6 a kernel over the map that `input_size` leaves. Weights begin as in He et al. 2015
    (`audiocnn.models.net.draw_weights`).

    Args:
        num_classes: classes.
        in_channels: colours of a picture; 1 for a spectrogram.
        input_size: `(rows, columns)`; `(224, 224)` by default. Rows alone, as a front-end gives them, get 96
            frames with `"same"` and 227 with `"valid"`. There must be 63 rows, and with `"same"` as many
            columns. The parameters of layer 6 grow with both.
        padding: along columns.
        width: factor on all channels.

    Raises:
        ParameterError: for rows of which the pools leave none.
    """
    size = resolve_input_size(input_size, default=(224, 224), window=96 if padding == "same" else 227)
    channels, hidden = [round(channels * width) for channels in ONE_TOWER], round(HIDDEN * width)
    first = Conv2d(in_channels, channels[0], 11, stride=4)
    edge = 2 if padding == "same" else 0
    body = _convolutions(
        Padded(first, left=edge, right=edge, top=2, bottom=2), channels, padding=padding
    )  # (batch, 256, rows / 32, columns / 32)
    head = {"relu6": ReLU(), "dropout6": Dropout(0.5), "dense7": Conv2d(hidden, hidden, 1), "relu7": ReLU()}
    net = ImageNet(
        Sequential(body, {"dropout5": Dropout(0.5)}),
        channels=channels[-1],
        num_classes=num_classes,
        input_size=size,
        pool=lambda rows, columns: Conv2d(channels[-1], hidden, (rows, columns)),
        pooled=hidden,
        head=(Sequential(head), hidden),
    )
    return draw_weights(net)


def alexnet_small(
    *,
    num_classes: int,
    in_channels: int = 3,
    input_size: InputSize = None,
    padding: Padding = "same",
    width: float = 1.0,
) -> ImageNet:
    """The small AlexNet, for pictures of 28 or 32 pixels.

    Zhang et al. 2017, "Understanding Deep Learning Requires Rethinking Generalization", ICLR, arXiv
    1611.03530, on the middle 28 x 28 pixels of CIFAR-10:

        1   conv 5x5        64   ReLU, largest of 3x3, stride 2, local response norm
        2   conv 5x5        64   ReLU, largest of 3x3, stride 2, local response norm
        3   dense          384   ReLU
        4   dense          192   ReLU
        5   dense      classes

    The paper gives neither channels nor padding; these, with pools that halve 28 pixels to 14 and 7, are its
    1,387,786 parameters on 3 colours and 10 classes (`alexnet_small`), of 25.0 million multiply-accumulates.
    (Nor does it place the ReLUs.) On 32 x 32 pixels layer 3 reads 8 x 8 positions: 1,756,426 parameters. A
    position of it sees 19 rows and columns. For sound the default is 96 frames.

    Deviations: the constants of the norms, which the paper does not give, are AlexNet's, and weights begin as
    in He et al. 2015 (`audiocnn.models.net.draw_weights`).

    Args:
        num_classes: classes.
        in_channels: colours of a picture; 1 for grey ones, or a spectrogram.
        input_size: `(rows, columns)`; `(28, 28)` by default. Rows alone, as a front-end gives them, get 96
            frames. The parameters of layer 3 grow with both.
        padding: along columns.
        width: factor on all channels.

    Raises:
        ParameterError: for a window that does not hold what the net sees, with `"valid"`.
    """
    size = resolve_input_size(input_size, default=(28, 28), window=96)
    channels, wide, narrow = round(64 * width), round(384 * width), round(192 * width)
    both: tuple[Padding, Padding] = ("same", padding)
    body: dict[str, Scan] = {}
    before = in_channels
    for i in (1, 2):
        body |= {
            f"conv{i}": Conv2d(before, channels, 5, padding=both),
            f"relu{i}": ReLU(),
            f"pool{i}": MaxPool2d(3, stride=2, padding=both),  # (batch, 64, rows / 2**i, columns / 2**i)
            f"local_norm{i}": LocalResponseNorm(),
        }
        before = channels
    net = ImageNet(
        Sequential(body),
        channels=channels,
        num_classes=num_classes,
        input_size=size,
        pool=lambda rows, columns: Conv2d(channels, wide, (rows, columns)),
        pooled=wide,
        head=(Sequential({"relu3": ReLU(), "dense4": Conv2d(wide, narrow, 1), "relu4": ReLU()}), narrow),
    )
    return draw_weights(net)


def dense_layers(hidden: int) -> Scan:
    """What follows the first dense layer, 6: its ReLU and dropout, and layer 7."""
    return Sequential(
        {
            "relu6": ReLU(),
            "dropout6": Dropout(0.5),
            "dense7": Conv2d(hidden, hidden, 1),
            "relu7": ReLU(),
            "dropout7": Dropout(0.5),
        }
    )


def _convolutions(
    first: Scan, channels: list[int], *, padding: Padding, groups: int = 1, local_norm: bool = False
) -> dict[str, Scan]:
    """Layers 1 to 5 with their pools; the first convolution is given."""
    c1, c2, c3, c4, c5 = channels
    both: tuple[Padding, Padding] = ("same", padding)

    def norm(name: str) -> dict[str, Scan]:
        return {name: LocalResponseNorm()} if local_norm else {}

    return {
        "conv1": first,  # (batch, 96, rows / 4, columns / 4)
        "relu1": ReLU(),
        **norm("local_norm1"),
        "pool1": MaxPool2d(3, stride=2),  # (batch, 96, rows / 8, columns / 8)
        "conv2": Conv2d(c1, c2, 5, groups=groups, padding=both),
        "relu2": ReLU(),
        **norm("local_norm2"),
        "pool2": MaxPool2d(3, stride=2),  # (batch, 256, rows / 16, columns / 16)
        "conv3": Conv2d(c2, c3, 3, padding=both),
        "relu3": ReLU(),
        "conv4": Conv2d(c3, c4, 3, groups=groups, padding=both),
        "relu4": ReLU(),
        "conv5": Conv2d(c4, c5, 3, groups=groups, padding=both),
        "relu5": ReLU(),
        "pool5": MaxPool2d(3, stride=2),  # (batch, 256, rows / 32, columns / 32)
    }
