"""AlexNet: the convnet that won ImageNet in 2012, on spectrograms."""

from audiocnn.layers import (
    Conv1d,
    Conv2d,
    Dropout,
    FlattenRows,
    LocalResponseNorm,
    MaxPool2d,
    Padding,
    ReLU,
    Scan,
    Sequential,
)
from audiocnn.models.net import InputSize, Net, draw_weights, resolve_input_size, rows_left

__all__ = ["alexnet"]

CHANNELS = (96, 256, 384, 384, 256)
HIDDEN = 4096


def alexnet(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    groups: int = 2,
    local_norm: bool = True,
    width: float = 1.0,
) -> Net:
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
    to 5 keep the size of the map.

    For sound both paddings take 80 rows by default. `padding="same"`, with 96 frames, leaves the dense layer
    one position in time; with `"valid"` layers 2 to 5 add no zeros in time either, and 227 frames leave
    it two: 20.2 and 21.2 million parameters with 12 classes, 71 and 131 million multiply-accumulates (21.6,
    22.7, 109 and 209 without groups). A position sees 195 frames, 1970 ms of 30/10 ms, of all rows.

    Deviation: weights begin as in He et al. 2015 (`audiocnn.models.net.draw_weights`); the paper's are normal
    with a deviation of 0.01, and its biases in layers 2, 4, 5, 6 and 7 are 1.

    Args:
        num_classes: classes.
        in_channels: channels of the spectrogram.
        input_size: `(rows, window)`; `(80, 96)` by default with `"same"`, `(80, 227)` with `"valid"`. There
            must be 67 rows, and with `"same"` as many frames. The parameters of layer 6 grow with both.
        padding: along time.
        groups: independent groups of channels in layers 2, 4 and 5; 1 for none.
        local_norm: whether there are the local response norms.
        width: factor on all channels.

    Raises:
        ParameterError: for rows of which the pools leave none.
    """
    size = resolve_input_size(input_size, default=(80, 96) if padding == "same" else (80, 227))
    c1, c2, c3, c4, c5 = (round(channels * width) for channels in CHANNELS)
    hidden = round(HIDDEN * width)
    both: tuple[Padding, Padding] = ("same", padding)
    body: dict[str, Scan] = {"conv1": Conv2d(in_channels, c1, 11, stride=4), "relu1": ReLU()}
    if local_norm:
        body["local_norm1"] = LocalResponseNorm()
    body |= {
        "pool1": MaxPool2d(3, stride=2),  # (batch, 96, rows / 8, time / 8)
        "conv2": Conv2d(c1, c2, 5, groups=groups, padding=both),
        "relu2": ReLU(),
    }
    if local_norm:
        body["local_norm2"] = LocalResponseNorm()
    body |= {
        "pool2": MaxPool2d(3, stride=2),  # (batch, 256, rows / 16, time / 16)
        "conv3": Conv2d(c2, c3, 3, padding=both),
        "relu3": ReLU(),
        "conv4": Conv2d(c3, c4, 3, groups=groups, padding=both),
        "relu4": ReLU(),
        "conv5": Conv2d(c4, c5, 3, groups=groups, padding=both),
        "relu5": ReLU(),
        "pool5": MaxPool2d(3, stride=2),  # (batch, 256, rows / 32, time / 32)
    }
    flat = c5 * rows_left(Sequential(body), size)
    body["flatten"] = FlattenRows()  # (batch, 256 * rows / 32, time / 32)
    head = {
        "relu6": ReLU(),
        "dropout6": Dropout(0.5),
        "dense7": Conv1d(hidden, hidden, 1),
        "relu7": ReLU(),
        "dropout7": Dropout(0.5),
    }
    net = Net(
        Sequential(body),
        channels=flat,
        num_classes=num_classes,
        input_size=size,
        pool=lambda positions: Conv1d(flat, hidden, positions),
        head=(Sequential(head), hidden),
    )
    return draw_weights(net)
