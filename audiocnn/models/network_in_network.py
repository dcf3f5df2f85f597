"""Network in Network: 1x1 convolutions, and a mean over maps of class scores in place of dense layers."""

from torch import nn

from audiocnn.layers import Conv2d, Dropout, Identity, MaxPool2d, Padded, Padding, ReLU, Scan, Sequential
from audiocnn.models.image_net import ImageNet, mean_of_map
from audiocnn.models.net import InputSize, draw_weights, resolve_input_size

__all__ = ["network_in_network"]

# The kernel of each block and the channels of its three convolutions; the last one's are the classes.
BLOCKS = ((5, (192, 160, 96)), (5, (192, 192, 192)), (3, (192, 192)))


def network_in_network(
    *,
    num_classes: int,
    in_channels: int = 3,
    input_size: InputSize = None,
    padding: Padding = "same",
    width: float = 1.0,
) -> ImageNet:
    """Network in Network, of three blocks, for pictures of 32 x 32.

    Lin, Chen & Yan 2014, "Network in Network", ICLR, arXiv 1312.4400: behind each convolution a small dense
    net of its own, moved with it, which is two convolutions 1x1. Sizes are those of its authors' code
    (`NIN/cifar-10_def` of mavenlin/cuda-convnet):

        1   conv 5x5, 1x1, 1x1     192, 160, 96        largest of 3x3, stride 2, dropout 0.5
        2   conv 5x5, 1x1, 1x1     192, 192, 192       largest of 3x3, stride 2, dropout 0.5
        3   conv 3x3, 1x1, 1x1     192, 192, classes   mean

    A ReLU follows every convolution, the last too: each class has a map of scores of 0 or more, and the mean
    of it is the logit. (So they suit a softmax; a sigmoid of them is never below a half.) There are no dense
    layers. On 3 x 32 x 32 pixels and 10 classes that is 966,986 parameters and 222 million
    multiply-accumulates (`network_in_network`).

    The last blocks of the pools hang over the end, as in that code: 32 pixels become 16 and 8. Here that is a
    zero below and to the right; with `padding="valid"` there are none to the right. Pictures of 28 pixels
    become 14 and 7. A position sees 27 rows and columns. For sound the default is 96 frames.

    Deviations: weights begin as in He et al. 2015 (`audiocnn.models.net.draw_weights`); the code's are normal
    with a deviation of 0.05. The biases of the maps of scores begin at 1: at 0 the last ReLU of a fresh net
    is shut for some classes whatever the picture, which then cannot learn. (The models for Caffe and torch
    that came after the paper have means for the second pool; paper and code have the largest.)

    Args:
        num_classes: classes.
        in_channels: colours of a picture; 1 for grey ones, or a spectrogram.
        input_size: `(rows, columns)`; `(32, 32)` by default. Rows alone, as a front-end gives them, get 96
            frames.
        padding: along columns.
        width: factor on all channels.

    Raises:
        ParameterError: for rows of which the pools leave none.
    """
    both: tuple[Padding, Padding] = ("same", padding)
    body: dict[str, Scan] = {}
    before = in_channels
    for i, (kernel_size, block) in enumerate(BLOCKS, start=1):
        for j, published in enumerate(block, start=1):
            channels = round(published * width)
            body[f"conv{i}_{j}"] = Conv2d(before, channels, kernel_size if j == 1 else 1, padding=both)
            body[f"relu{i}_{j}"] = ReLU()
            before = channels
        if i < len(BLOCKS):
            pool = MaxPool2d(3, stride=2)
            # (batch, channels, rows / 2**i, columns / 2**i)
            body[f"pool{i}"] = Padded(pool, bottom=1, right=1 if padding == "same" else 0)
            body[f"dropout{i}"] = Dropout(0.5)

    def mean_of_scores(rows: int, columns: int) -> Scan:
        return Sequential({"relu": ReLU(), "mean": mean_of_map(rows, columns)})

    net = ImageNet(
        Sequential(body),  # (batch, 192, rows / 4, columns / 4)
        channels=before,
        num_classes=num_classes,
        input_size=resolve_input_size(input_size, default=(32, 32), window=96),
        pool=lambda rows, columns: Identity(),
        tail=mean_of_scores,
    )
    draw_weights(net)
    assert isinstance(net.logits, Conv2d) and net.logits.bias is not None
    nn.init.ones_(net.logits.bias)
    return net
