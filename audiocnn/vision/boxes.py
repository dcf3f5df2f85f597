"""Boxes around things in a picture: how large they are, how far they agree, and which say the same.

A box is four numbers, `(top, left, bottom, right)`, in pixels from the upper left corner of the picture.
Bottom and right are the first row and column that are outside:

        0 1 2 3 4 5
      0 . . . . . .
      1 . # # # . .         (1, 1, 3, 4), of an area of 6
      2 . # # # . .
      3 . . . . . .
"""

import torch
from torch import Tensor

from audiocnn.errors import ParameterError

__all__ = ["area", "decode", "encode", "intersection_over_union", "suppress"]

SPREADS = (0.1, 0.1, 0.2, 0.2)
"""What the numbers of a box are divided by, so that all are of the order of 1, as in Fast R-CNN."""
_MOST_GROWTH = 4.0


def area(boxes: Tensor) -> Tensor:
    """Pixels in each of boxes `(..., 4)`; 0 for one that ends before it begins.

    >>> area(torch.tensor([1, 1, 3, 4]))
    tensor(6)
    """
    top, left, bottom, right = boxes.unbind(-1)
    return (bottom - top).clamp(min=0) * (right - left).clamp(min=0)


def intersection_over_union(a: Tensor, b: Tensor) -> Tensor:
    """The share that two boxes have in common, 0 to 1, of what both cover.

    Shapes are broadcast: `iou(a[:, None], b)` of boxes `(n, 4)` and `(m, 4)` is every pair, `(n, m)`.
    Of two empty boxes it is 0.

    >>> a, b = torch.tensor([0.0, 0.0, 2.0, 2.0]), torch.tensor([0.0, 1.0, 2.0, 3.0])
    >>> intersection_over_union(a, b)
    tensor(0.3333)
    """
    common = area(
        torch.cat((torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])), -1)
    )
    union = area(a) + area(b) - common
    return torch.where(union > 0, common / union.clamp(min=torch.finfo(torch.float32).tiny), 0.0)


def suppress(
    boxes: Tensor, scores: Tensor, classes: Tensor | None = None, *, max_overlap: float = 0.5
) -> Tensor:
    """Non-maximum suppression: of boxes that say the same, the one with the highest score.

    The best is kept, those that overlap it by more than `max_overlap` go, then the best of the rest is kept,
    and so on.

    Args:
        boxes: `(boxes, 4)`.
        scores: `(boxes,)`; of equal ones the first counts as higher.
        classes: int64 `(boxes,)`: boxes of other classes do not suppress each other. None: all do.
        max_overlap: the intersection over union up to which both are kept, 0 to 1.

    Returns:
        Indices of those that are kept, the highest score first, int64.

    Raises:
        ParameterError: for a `max_overlap` outside 0 to 1.

    >>> boxes = torch.tensor([[0.0, 0, 10, 10], [0, 1, 10, 11], [0, 20, 10, 30]])
    >>> suppress(boxes, torch.tensor([0.8, 0.9, 0.7]))
    tensor([1, 2])
    """
    if not 0 <= max_overlap <= 1:
        raise ParameterError(f"max_overlap={max_overlap} must be from 0 to 1")
    left = scores.argsort(descending=True, stable=True)
    kept = []
    while len(left):
        first, left = left[0], left[1:]
        kept.append(first)
        same = intersection_over_union(boxes[first], boxes[left]) > max_overlap
        if classes is not None:
            same &= classes[left] == classes[first]
        left = left[~same]
    return torch.stack(kept) if kept else left


def encode(boxes: Tensor, windows: Tensor) -> Tensor:
    """Boxes as a net gives them, by the window that it looks at: four numbers of the order of 1.

        (centre - centre of the window) / size of the window / 0.1       rows, columns
        log(size / size of the window) / 0.2                             rows, columns

    Girshick et al. 2014, "Rich Feature Hierarchies for Accurate Object Detection and Semantic Segmentation",
    CVPR, arXiv 1311.2524; the divisors are those of the code of Fast R-CNN, whose paper brings the numbers to
    a variance of 1.

    Args:
        boxes: `(..., 4)`, not empty.
        windows: boxes likewise.
    """
    centre, size = _centre_and_size(boxes)
    window_centre, window_size = _centre_and_size(windows)
    numbers = torch.cat(((centre - window_centre) / window_size, (size / window_size).log()), dim=-1)
    return numbers / numbers.new_tensor(SPREADS)


def decode(numbers: Tensor, windows: Tensor) -> Tensor:
    """Boxes `(..., 4)` of the numbers that `encode` gives; none becomes larger than exp(4) windows.

    >>> window, box = torch.tensor([0.0, 0.0, 32.0, 32.0]), torch.tensor([6.0, 10.0, 26.0, 20.0])
    >>> decode(encode(box, window), window)
    tensor([ 6., 10., 26., 20.])
    """
    shift, growth = (numbers * numbers.new_tensor(SPREADS)).split(2, dim=-1)  # type: ignore[no-untyped-call]
    window_centre, window_size = _centre_and_size(windows)
    centre, half = window_centre + shift * window_size, growth.clamp(max=_MOST_GROWTH).exp() * window_size / 2
    return torch.cat((centre - half, centre + half), dim=-1)


def _centre_and_size(boxes: Tensor) -> tuple[Tensor, Tensor]:
    first, last = boxes[..., :2], boxes[..., 2:]
    return (first + last) / 2, last - first
