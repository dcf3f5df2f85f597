"""What nets that locate and segment learn by, and what they are judged by."""

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.models.fcn import FCN
from audiocnn.models.localizer import Localizer
from audiocnn.vision.boxes import area, decode, encode

__all__ = ["class_overlaps", "localization_loss", "located", "pixel_loss", "segmented"]


def localization_loss(
    net: Localizer,
    pictures: Tensor,
    targets: Tensor,
    boxes: Tensor,
    *,
    box_weight: float = 1.0,
) -> Tensor:
    """The loss of Fast R-CNN: cross-entropy of the class, and the smooth L1 distance of the box.

    Girshick 2015, arXiv 1504.08083: of each of the four numbers d off it is `d * d / 2` up to 1 and
    `|d| - 1/2` beyond, so that one box far off does not outweigh all others. Where there is nothing the box
    does not count.

    Args:
        net: in training mode.
        pictures: `(batch, channel, rows, columns)` of the net's size.
        targets: class indices `(batch,)`.
        boxes: around what is in the pictures, `(batch, 4)`; empty where there is nothing.
        box_weight: of the box.
    """
    logits, numbers = (part.flatten(1) for part in net.split(net(pictures)))
    loss = F.cross_entropy(logits, targets)
    there = area(boxes) > 0
    wanted = encode(boxes[there].to(numbers), _window(net, numbers))
    distances = F.smooth_l1_loss(numbers[there], wanted, reduction="sum")
    return loss + box_weight * distances / len(targets)


def located(net: Localizer, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Probabilities `(batch, num_classes)` and boxes `(batch, 4)` of pictures of the net's size."""
    with net.evaluating(), torch.inference_mode():
        logits, numbers = (part.flatten(1) for part in net.split(net(pictures)))
        return logits.softmax(dim=1), decode(numbers, _window(net, numbers))


def segmented(net: FCN, pages: Tensor) -> Tensor:
    """The likeliest class of each pixel, int64 `(batch, rows, columns)`, of pages as for `pixel_loss`."""
    with net.evaluating(), torch.inference_mode():
        classes: Tensor = net(pages).argmax(dim=1)
        return classes


def pixel_loss(net: FCN, pictures: Tensor, class_maps: Tensor) -> Tensor:
    """Cross-entropy, the mean over all pixels, which all count alike, as in Long et al. 2015.

    Args:
        net: in training mode.
        pictures: `(batch, channel, rows, columns)`.
        class_maps: the class of each pixel, int64 `(batch, rows, columns)`.
    """
    return F.cross_entropy(net(pictures), class_maps)


def class_overlaps(confusion: Tensor) -> Tensor:
    """The intersection over union of each class: of the pixels that are of it, and those taken for it.

    Its mean over the classes is how segmentation is judged.

    Args:
        confusion: counts of pixels, true classes by predicted ones, as `metrics.confusion_matrix` gives.

    Returns:
        `(num_classes,)`, 0 to 1; NaN for a class that is neither there nor predicted, which `nanmean` leaves
        out.

    >>> class_overlaps(torch.tensor([[6, 2], [0, 8]]))
    tensor([0.7500, 0.8000], dtype=torch.float64)
    """
    hits = confusion.diag().double()
    return hits / (confusion.sum(dim=0) + confusion.sum(dim=1) - hits)


def _window(net: Localizer, like: Tensor) -> Tensor:
    return like.new_tensor([0.0, 0.0, net.rows, net.window])
