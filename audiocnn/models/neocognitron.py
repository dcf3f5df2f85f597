"""The neocognitron: S- and C-cells in alternation, taught without labels, and a linear read-out."""

from audiocnn.layers import CLayer, Competition, Conv2d, Identity, Padding, ReLU, Scan, Sequential, SLayer
from audiocnn.models.image_net import ImageNet
from audiocnn.models.net import InputSize, resolve_input_size

__all__ = ["COMPETITIONS", "neocognitron"]

# How the two S-layers learn. They spend planes on finer differences than they then heed.
COMPETITIONS = (Competition(selectivity=6.0), Competition(selectivity=3.0))


def neocognitron(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    planes: tuple[int, int] = (24, 128),
) -> ImageNet:
    """A neocognitron for handwritten digits, with two S-, two C-layers and a linear read-out.

    After Fukushima 1988, "Neocognitron: A Hierarchical Neural Network Capable of Visual Pattern
    Recognition", Neural Networks 1, and 2003, "Neocognitron for handwritten digit recognition",
    Neurocomputing 51, smaller, and taught without labels as in his paper of 1980:

        S1  3x3            24   selectivity 4                  strokes, edges, ends
        C1  4x4, stride 2       forgives shifts of a pixel or two
        S2  3x3           128   selectivity 1                  parts of digits
        C2  4x4, stride 2       forgives shifts of some pixels
            dense     classes   over the 4 x 4 places that 28 x 28 pixels leave

    The S-layers learn by competition what digits are made of (`audiocnn.layers.competition`); then the
    read-out, `net.logits`, alone is trained with labels:

        learn_layer_by_layer(net.body, digits, COMPETITIONS)
        net.body.requires_grad_(False)

    On 28 x 28 pixels and ten classes that is 48,506 parameters, 20,490 of them the read-out's, and 3,055,368
    multiply-accumulates. Nothing is padded, along neither axis: on a larger page the net moves by 4 pixels,
    and gives at each place what it gives of that window by itself. A place of C2 sees 16 x 16 pixels.

    For sound the default is 98 frames. On 40 rows the read-out then covers 7 x 21 places, and there are
    253,820 parameters and 21.3 million multiply-accumulates with 12 classes.

    Deviations: the papers have four pairs of layers, of which the last sees the whole digit and learns by
    labels; here the read-out over the places of C2 stands for the third and the fourth. The net of 2003
    extracts contrast before S1, and its S1 extracts edges; here S1 sees the pixels, as in 1988, and learns.
    Cells know no negative input, which counts as 0: ink is to be positive and paper 0. The number of planes
    is given, where the net of 2003 adds planes as it learns; a plane that never wins stays as it began.
    Every plane of S-cells has C-cells of its own, where in 1988 several share them, and C-cells lack the
    inhibitory surround of 2003. The sizes of kernels and the selectivities are ours.

    Args:
        num_classes: classes.
        in_channels: 1 for grey pictures and spectrograms.
        input_size: `(rows, columns)`; `(28, 28)` by default, of which 16 are the least. Rows alone, as a
            front-end gives them, get 98 frames. The parameters of the read-out grow with both.
        padding: of the S-layers along columns; rows are never padded.
        planes: of S1 and S2.

    Raises:
        ParameterError: for rows or columns of which the layers leave none, and planes that are not positive.
    """
    size = resolve_input_size(input_size, default=(28, 28), window=98)
    first, second = planes
    both: tuple[Padding, Padding] = ("valid", padding)
    body: dict[str, Scan] = {
        "positive": ReLU(),
        "s1": SLayer(in_channels, first, 3, selectivity=4.0, padding=both),  # (batch, 24, 26, 26)
        "c1": CLayer(4, stride=2),  # (batch, 24, 12, 12)
        "s2": SLayer(first, second, 3, selectivity=1.0, padding=both),  # (batch, 128, 10, 10)
        "c2": CLayer(4, stride=2),  # (batch, 128, 4, 4)
    }
    return ImageNet(
        Sequential(body),
        channels=second,
        num_classes=num_classes,
        input_size=size,
        pool=lambda rows, columns: Identity(),
        logits=lambda rows, columns: Conv2d(second, num_classes, (rows, columns)),
    )
