"""AlexNet: the convnet that won ImageNet in 2012."""

from audiocnn.layers import (
    Conv2d,
    Dropout,
    LocalResponseNorm,
    MaxPool2d,
    Padding,
    ReLU,
    Scan,
    Sequential,
)
from audiocnn.models.image_net import ImageNet
from audiocnn.models.net import InputSize, draw_weights, resolve_input_size

__all__ = ["alexnet"]

CHANNELS = (96, 256, 384, 384, 256)
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
    55 x 55 positions of layer 1 in its figure take 227.) Layer 1 and the pools take no padding; layers 2
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
            columns. The parameters of layer 6 grow with both.
        padding: along columns.
        groups: independent groups of channels in layers 2, 4 and 5; 1 for none.
        local_norm: whether there are the local response norms.
        width: factor on all channels.

    Raises:
        ParameterError: for rows of which the pools leave none.
    """
    size = resolve_input_size(input_size, default=(227, 227), window=96 if padding == "same" else 227)
    c1, c2, c3, c4, c5 = (round(channels * width) for channels in CHANNELS)
    hidden = round(HIDDEN * width)
    both: tuple[Padding, Padding] = ("same", padding)
    body: dict[str, Scan] = {"conv1": Conv2d(in_channels, c1, 11, stride=4), "relu1": ReLU()}
    if local_norm:
        body["local_norm1"] = LocalResponseNorm()
    body |= {
        "pool1": MaxPool2d(3, stride=2),  # (batch, 96, rows / 8, columns / 8)
        "conv2": Conv2d(c1, c2, 5, groups=groups, padding=both),
        "relu2": ReLU(),
    }
    if local_norm:
        body["local_norm2"] = LocalResponseNorm()
    body |= {
        "pool2": MaxPool2d(3, stride=2),  # (batch, 256, rows / 16, columns / 16)
        "conv3": Conv2d(c2, c3, 3, padding=both),
        "relu3": ReLU(),
        "conv4": Conv2d(c3, c4, 3, groups=groups, padding=both),
        "relu4": ReLU(),
        "conv5": Conv2d(c4, c5, 3, groups=groups, padding=both),
        "relu5": ReLU(),
        "pool5": MaxPool2d(3, stride=2),  # (batch, 256, rows / 32, columns / 32)
    }
    head = {
        "relu6": ReLU(),
        "dropout6": Dropout(0.5),
        "dense7": Conv2d(hidden, hidden, 1),
        "relu7": ReLU(),
        "dropout7": Dropout(0.5),
    }
    net = ImageNet(
        Sequential(body),
        channels=c5,
        num_classes=num_classes,
        input_size=size,
        pool=lambda rows, columns: Conv2d(c5, hidden, (rows, columns)),
        pooled=hidden,
        head=(Sequential(head), hidden),
    )
    return draw_weights(net)
