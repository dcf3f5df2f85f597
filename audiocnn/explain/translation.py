"""How far a net tells an object wherever it is: its accuracy against the object's place.

    what is moved          convolution moves what it gives as far: it is equivariant
    . . . .    . . . .     pooling over all places forgets where: it is invariant
    . # . . -> . . # .     a dense layer has other weights for every place: it is neither

Goodfellow, Bengio & Courville 2016, "Deep Learning", sections 9.2 and 9.3. A net with strides moves what it
gives by whole steps alone, and the edges of a picture may cut off what a cell sees; so it is to be measured.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.figures import figure_for, save_figure
from audiocnn.layers import Scan

__all__ = ["accuracy_by_distance", "accuracy_by_offset", "draw_accuracy_by_distance"]


def accuracy_by_offset(net: Scan, pictures: Tensor, targets: Tensor, *, margin: int) -> Tensor:
    """How many pictures a net tells rightly when what is in their middle is moved, for every move.

    Args:
        net: gives logits `(batch, num_classes, 1, 1)`.
        pictures: `(batch, channel, rows, columns)`, with a margin of one colour.
        targets: class indices `(batch,)`.
        margin: the greatest move, in pixels, either way along both axes.

    Returns:
        Accuracies, 0 to 1, `(2 * margin + 1, 2 * margin + 1)`: moved up first, to the left first; not moved
        in the middle.

    Raises:
        ParameterError: for a margin that is not positive, or one that is not empty.

    >>> from audiocnn.layers import Conv2d
    >>> dot = torch.zeros(1, 1, 3, 3)
    >>> dot[..., 1, 1] = 1.0
    >>> dense = Conv2d(1, 2, 3, bias=False)  # one class sees the middle, the other the corner above
    >>> dense.weight.data = torch.zeros(2, 1, 3, 3)
    >>> dense.weight.data[0, 0, 1, 1], dense.weight.data[1, 0, 0, 0] = 1.0, 1.0
    >>> accuracy_by_offset(dense, dot, torch.tensor([1]), margin=1)
    tensor([[1., 0., 0.],
            [0., 0., 0.],
            [0., 0., 0.]])
    """
    if margin < 1:
        raise ParameterError(f"margin={margin} must be a positive number of pixels")
    inner = pictures[..., margin:-margin, margin:-margin]
    ground = pictures[0, :, 0, 0]
    outer = (pictures != ground[:, None, None]).flatten(1).sum() - (inner != ground[:, None, None]).sum()
    if outer or not inner.numel():
        raise ParameterError(
            f"margin={margin}: pictures hold more than one colour in it, and what is moved would be cut off; "
            "put them on a larger ground, or take a smaller margin"
        )
    moves = range(-margin, margin + 1)
    accuracies = torch.empty(len(moves), len(moves))
    with net.evaluating(), torch.inference_mode():
        for i, down in enumerate(moves):
            for j, along in enumerate(moves):
                found = net(pictures.roll((down, along), dims=(2, 3))).flatten(1).argmax(dim=1)
                accuracies[i, j] = (found == targets).float().mean()
    return accuracies


def accuracy_by_distance(accuracies: Tensor) -> Tensor:
    """The mean over all moves that are as far, the longer of the two axes counting.

    Args:
        accuracies: of every move, from `accuracy_by_offset`.

    Returns:
        For a move of 0 pixels, of 1 and so on, `(margin + 1,)`.

    >>> accuracy_by_distance(torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.5, 0.0], [1.0, 0.0, 1.0]]))
    tensor([0.5000, 0.5000])
    """
    margin = len(accuracies) // 2
    steps = (torch.arange(len(accuracies)) - margin).abs()
    distances = torch.maximum(steps[:, None], steps)
    return torch.stack([accuracies[distances == distance].mean() for distance in range(margin + 1)])


def draw_accuracy_by_distance(runs: Mapping[str, Sequence[Tensor]], path: Path) -> None:
    """Write a picture of accuracy against distance, nets side by side.

    Args:
        runs: by the name of each net, for each of its runs what `accuracy_by_distance` gives. Their mean is
            a curve, around which all of them are a band.
        path: of the picture, ending in `.png`, `.svg` or `.pdf`.

    Raises:
        ParameterError: for an ending that matplotlib does not write.
    """
    figure = figure_for(path, inches=(6.0, 3.6), layout="constrained")
    axes = figure.add_subplot(xlabel="pixels from the middle", ylabel="accuracy in %", ylim=(0, 102))
    for name, curves in runs.items():
        percent = 100 * torch.stack(list(curves))
        distances = torch.arange(percent.shape[1])
        axes.plot(distances, percent.mean(dim=0), label=name)
        axes.fill_between(distances, percent.amin(dim=0), percent.amax(dim=0), alpha=0.2)
    axes.legend(loc="center right")
    save_figure(figure, path)
