"""LeNet-5: convolution and pooling in alternation, trained to read digits."""

from random import Random

import torch
from torch import Tensor, nn

from audiocnn.layers import (
    Conv2d,
    MaxPool2d,
    Padding,
    RadialBasis,
    ReLU,
    ScaledTanh,
    Scan,
    Sequential,
    SparseConv2d,
    Subsample2d,
)
from audiocnn.models.image_net import ImageNet
from audiocnn.models.net import InputSize, draw_weights, resolve_input_size

__all__ = ["class_codes", "lenet5", "lenet5_1998"]

PICTURE = (32, 32)
FRAMES = 98
# Table I of the paper: which maps of S2 each map of C3 reads.
CONNECTIONS = [
    *[(0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)],  # three neighbours, in a ring
    *[(0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)],  # four
    *[(0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)],  # two and two
    (0, 1, 2, 3, 4, 5),
]
# The ten digits on 7 x 12 pixels, drawn in the manner of the paper's figure 3.
DIGITS = """
..###..  ...#...  ..###..  .#####.  .....#.  #######  ...###.  #######  .#####.  ..####.
.##.##.  ..##...  .#...#.  #.....#  ....##.  #......  ..#....  #.....#  #.....#  .#....#
.#...#.  .###...  #.....#  ......#  ...#.#.  #......  .#.....  ......#  #.....#  #.....#
#.....#  #..#...  ......#  ......#  ...#.#.  #......  #......  .....#.  #.....#  #.....#
#.....#  ...#...  ......#  .....#.  ..#..#.  #......  #......  .....#.  .#...#.  #.....#
#.....#  ...#...  .....#.  ..####.  ..#..#.  ######.  #.####.  ....#..  ..###..  #....##
#.....#  ...#...  ....#..  .....#.  .#...#.  ......#  ##....#  ....#..  .#...#.  .####.#
#.....#  ...#...  ...#...  ......#  #....#.  ......#  #.....#  ...#...  #.....#  ......#
#.....#  ...#...  ..#....  ......#  #######  ......#  #.....#  ...#...  #.....#  ......#
.#...#.  ...#...  .#.....  ......#  .....#.  ......#  #.....#  ..#....  #.....#  .....#.
.##.##.  ...#...  #......  #.....#  .....#.  #.....#  .#....#  ..#....  #.....#  ....#..
..###..  #######  #######  .#####.  .....#.  .#####.  ..####.  ..#....  .#####.  .###...
"""


def lenet5(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
) -> ImageNet:
    """LeNet-5 as it is built today, with ReLUs, maxima and dense connections.

    After LeCun, Bottou, Bengio & Haffner 1998, "Gradient-Based Learning Applied to Document
    Recognition", Proceedings of the IEEE 86:

        C1  conv 5x5        6   ReLU
        S2  largest of 2x2
        C3  conv 5x5       16   ReLU
        S4  largest of 2x2
        C5  dense         120   ReLU; over the 5 x 5 places that 32 x 32 pixels leave
        F6  dense          84   ReLU
            dense     classes

    On 32 x 32 pixels and ten classes that is 61,706 parameters and 416,520 multiply-accumulates. Digits of
    28 x 28 are put in the middle of 32 x 32, as in the paper; with `input_size=(28, 28)` they leave 4 x 4
    places, and there are 44,426 parameters. Nothing is padded, along neither axis: on a larger page the net
    moves by 4 pixels, and gives at each place what it gives of that window by itself. A place of S4 sees
    16 x 16 pixels.

    For sound the default is 98 frames. On 40 rows C5 then reads 7 x 21 places, and there are 296,116
    parameters and 2.2 million multiply-accumulates with 12 classes.

    Deviations: as printed, the net has other pools, connections, curves and outputs: that is `lenet5_1998`.
    Weights begin as in He et al. 2015 (`audiocnn.models.net.draw_weights`).

    Args:
        num_classes: classes.
        in_channels: 1 for grey pictures and spectrograms.
        input_size: `(rows, columns)`; `(32, 32)` by default, of which 16 are the least. Rows alone, as a
            front-end gives them, get 98 frames. The parameters of C5 grow with both.
        padding: of the convolutions along columns; rows are never padded.

    Raises:
        ParameterError: for rows or columns of which the pools leave none.
    """
    size = resolve_input_size(input_size, default=PICTURE, window=FRAMES)
    body: dict[str, Scan] = {
        "conv1": Conv2d(in_channels, 6, 5, padding=("valid", padding)),  # (batch, 6, 28, 28)
        "relu1": ReLU(),
        "pool2": MaxPool2d(2),  # (batch, 6, 14, 14)
        "conv3": Conv2d(6, 16, 5, padding=("valid", padding)),  # (batch, 16, 10, 10)
        "relu3": ReLU(),
        "pool4": MaxPool2d(2),  # (batch, 16, 5, 5)
    }
    head = {"relu5": ReLU(), "dense6": Conv2d(120, 84, 1), "relu6": ReLU()}
    net = ImageNet(
        Sequential(body),
        channels=16,
        num_classes=num_classes,
        input_size=size,
        pool=lambda rows, columns: Conv2d(16, 120, (rows, columns)),  # (batch, 120, 1, 1)
        pooled=120,
        head=(Sequential(head), 84),
    )
    return draw_weights(net)


def lenet5_1998(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
) -> ImageNet:
    """LeNet-5 as printed.

    LeCun, Bottou, Bengio & Haffner 1998, "Gradient-Based Learning Applied to Document Recognition",
    Proceedings of the IEEE 86:

                                       parameters  connections
        C1  conv 5x5               6          156      122,304
        S2  weighted sums of 2x2               12        5,880
        C3  conv 5x5, by a table  16        1,516      151,600
        S4  weighted sums of 2x2               32        2,000
        C5  conv 5x5             120       48,120       48,120
        F6  dense                 84       10,164       10,164
            distance to a code  classes      none          840
        all                                60,000      340,908

    each but the last followed by `1.7159 tanh(2 x / 3)` (`ScaledTanh`). A map of C3 sees three, four or
    six maps of S2 (`SparseConv2d`). The outputs compare F6 with a code for each class (`RadialBasis`): its
    picture on 7 x 12 pixels, 1 for ink and -1 for paper, which is fixed. Digits that look alike have codes
    that are alike. Logits are minus the squared distances: the nearest code has the largest, and
    cross-entropy is the paper's loss of eq. 9 in its limit (see `RadialBasis`). Multiply-accumulates are the
    416,520 of `lenet5`, those by zeros in C3 included.

    Pictures are 28 x 28 in the middle of 32 x 32 pixels, -0.1 for paper and 1.175 for ink, so that the mean
    is about 0 and the variance about 1. Padding, other sizes and sound are as for `lenet5`.

    Deviations: the paper has codes for all of ASCII; ours are drawn in the manner of its figure 3 for the ten
    digits, and any other number of classes gets codes drawn at random (`class_codes`). Weights begin uniform
    within 2.4 / inputs, as in the paper's appendix A; what it leaves open begins so that S2 and S4 average
    and all biases are 0.

    Args:
        num_classes: classes; ten are taken for the digits 0 to 9, in this order.
        in_channels: as for `lenet5`.
        input_size: as for `lenet5`.
        padding: as for `lenet5`.

    Raises:
        ParameterError: as `lenet5`.
    """
    size = resolve_input_size(input_size, default=PICTURE, window=FRAMES)
    body: dict[str, Scan] = {
        "conv1": Conv2d(in_channels, 6, 5, padding=("valid", padding)),  # (batch, 6, 28, 28)
        "tanh1": ScaledTanh(),
        "pool2": Subsample2d(6, 2),  # (batch, 6, 14, 14)
        "tanh2": ScaledTanh(),
        "conv3": SparseConv2d(6, CONNECTIONS, 5, padding=("valid", padding)),  # (batch, 16, 10, 10)
        "tanh3": ScaledTanh(),
        "pool4": Subsample2d(16, 2),  # (batch, 16, 5, 5)
        "tanh4": ScaledTanh(),
    }
    head = {"tanh5": ScaledTanh(), "dense6": Conv2d(120, 84, 1), "tanh6": ScaledTanh()}
    net = ImageNet(
        Sequential(body),
        channels=16,
        num_classes=num_classes,
        input_size=size,
        pool=lambda rows, columns: Conv2d(16, 120, (rows, columns)),  # (batch, 120, 1, 1)
        pooled=120,
        head=(Sequential(head), 84),
        logits=lambda rows, columns: RadialBasis(class_codes(num_classes)),
    )
    for layer in net.modules():
        if isinstance(layer, Conv2d):
            _draw(layer.weight, layer.bias, inputs=layer.weight[0].numel())
        elif isinstance(layer, SparseConv2d):
            for weight, bias, inputs in layer.by_channel():
                _draw(weight, bias, inputs=inputs)
    return net


def _draw(weight: Tensor, bias: Tensor | None, *, inputs: int) -> None:
    """Uniform weights within 2.4 / inputs, and no bias."""
    assert bias is not None
    nn.init.uniform_(weight, -2.4 / inputs, 2.4 / inputs)
    nn.init.zeros_(bias)


def class_codes(num_classes: int) -> Tensor:
    """The codes that `lenet5_1998` compares with, `(num_classes, 84)`, of 1 and -1.

    Ten classes have the pictures of the digits, row by row from the top. Other numbers have codes drawn at
    random, the same at every call: two of them differ in about half of their places.

    >>> ["".join("#" if pixel > 0 else "." for pixel in row) for row in class_codes(10)[4].view(12, 7)[6:9]]
    ['.#...#.', '#....#.', '#######']
    """
    if num_classes == 10:
        rows = [line.split() for line in DIGITS.strip().splitlines()]
        pixels = ["".join(row[digit] for row in rows) for digit in range(10)]
        return torch.tensor([[1.0 if pixel == "#" else -1.0 for pixel in picture] for picture in pixels])
    draw = Random(1998)
    return torch.tensor(
        [[1.0 if draw.random() < 0.5 else -1.0 for _ in range(84)] for _ in range(num_classes)]
    )
