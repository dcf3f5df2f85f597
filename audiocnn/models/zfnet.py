"""ZFNet: AlexNet with a finer first layer, found by looking inside."""

from audiocnn.layers import Conv2d, LocalResponseNorm, MaxPool2d, Padded, Padding, ReLU, Scan, Sequential
from audiocnn.models.alexnet import HIDDEN, dense_layers
from audiocnn.models.image_net import ImageNet
from audiocnn.models.net import InputSize, draw_weights, resolve_input_size

__all__ = ["zfnet"]


def zfnet(
    *,
    num_classes: int,
    in_channels: int = 3,
    input_size: InputSize = None,
    padding: Padding = "same",
    channels: tuple[int, int, int] = (384, 384, 256),
    width: float = 1.0,
) -> ImageNet:
    """ZFNet, of five convolutions and three dense layers.

    Zeiler & Fergus 2014, "Visualizing and Understanding Convolutional Networks", ECCV, arXiv 1311.2901.
    Pictures of what AlexNet's filters had learnt showed dead ones and aliasing in its first two layers;
    smaller kernels and strides there removed both:

        1   conv 7x7, stride 2      96   ReLU, largest of 3x3, stride 2, contrast normalisation
        2   conv 5x5, stride 2     256   ReLU, largest of 3x3, stride 2, contrast normalisation
        3   conv 3x3               384   ReLU
        4   conv 3x3               384   ReLU
        5   conv 3x3               256   ReLU, largest of 3x3, stride 2
        6   dense                 4096   ReLU, dropout 0.5
        7   dense                 4096   ReLU, dropout 0.5
        8   dense              classes

    There are no groups. On 3 x 224 x 224 pixels and 1000 classes that is 62,357,608 parameters and 1.17
    billion multiply-accumulates (`zfnet`); with 512, 1024 and 512 channels in layers 3 to 5, a variant in the
    paper's table of results, 107,627,624 and 2.48 billion (`zfnet_512`). The paper gives no counts; these are
    those of pytorchcv's `zfnet` and `zfnetb`.

    The paper's maps, 110 x 110, 55, 26, 13 and 6, take convolutions and pools whose last block hangs over the
    end by a pixel, as in Krizhevsky's code, on which the authors' was based. Here that pixel is a zero below
    and to the right of the input of layer 1 and of the first two pools. With `padding="valid"` there are none
    to the right.

    For sound the default is 96 frames with `"same"`, and 203 with `"valid"`, which leaves layer 6 two
    positions in time. One of them sees 171 frames and rows.

    Deviations: the constants of the contrast normalisation, for which the paper refers to AlexNet's, are
    those of the local response norm there. Weights begin as in He et al. 2015
    (`audiocnn.models.net.draw_weights`); the paper's have a scale of 0.01. It also keeps the root mean square
    of every filter at 0.1 or less while it trains, which is no part of a net.

    Args:
        num_classes: classes.
        in_channels: colours of a picture; 1 for a spectrogram.
        input_size: `(rows, columns)`; `(224, 224)` by default. Rows alone, as a front-end gives them, get 96
            frames with `"same"` and 203 with `"valid"`. There must be 64 rows, and with `"same"` as many
            columns; for fewer there is `alexnet_small`. The parameters of layer 6 grow with both.
        padding: along columns.
        channels: of layers 3, 4 and 5.
        width: factor on all channels.

    Raises:
        ParameterError: for rows of which the pools leave none.
    """
    c1, c2, c3, c4, c5 = (round(published * width) for published in (96, 256, *channels))
    hidden = round(HIDDEN * width)
    both: tuple[Padding, Padding] = ("same", padding)

    def hang_over(layer: Scan) -> Padded:
        return Padded(layer, bottom=1, right=1 if padding == "same" else 0)

    body: dict[str, Scan] = {
        "conv1": hang_over(Conv2d(in_channels, c1, 7, stride=2)),  # (batch, 96, rows / 2, columns / 2)
        "relu1": ReLU(),
        "pool1": hang_over(MaxPool2d(3, stride=2)),  # (batch, 96, rows / 4, columns / 4)
        "local_norm1": LocalResponseNorm(),
        "conv2": Conv2d(c1, c2, 5, stride=2),  # (batch, 256, rows / 8, columns / 8)
        "relu2": ReLU(),
        "pool2": hang_over(MaxPool2d(3, stride=2)),  # (batch, 256, rows / 16, columns / 16)
        "local_norm2": LocalResponseNorm(),
        "conv3": Conv2d(c2, c3, 3, padding=both),
        "relu3": ReLU(),
        "conv4": Conv2d(c3, c4, 3, padding=both),
        "relu4": ReLU(),
        "conv5": Conv2d(c4, c5, 3, padding=both),
        "relu5": ReLU(),
        "pool5": MaxPool2d(3, stride=2),  # (batch, 256, rows / 32, columns / 32)
    }
    layers = Sequential(body)
    window = layers.geometry.input_length(2) if layers.geometry else 96
    net = ImageNet(
        layers,
        channels=c5,
        num_classes=num_classes,
        input_size=resolve_input_size(input_size, default=(224, 224), window=window),
        pool=lambda rows, columns: Conv2d(c5, hidden, (rows, columns)),
        pooled=hidden,
        head=(dense_layers(hidden), hidden),
    )
    return draw_weights(net)
