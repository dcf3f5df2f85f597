"""Detection by scanning: a net that was trained on windows is run over the whole page, at several sizes.

After Sermanet et al. 2014, "OverFeat: Integrated Recognition, Localization and Detection using Convolutional
Networks", ICLR, arXiv 1312.6229:

    page - resize - net - scores of each window - above the threshold? - box - suppress - detections
             x 1.0        (classes, rows', columns')                     of the window, or the net's own
             x 0.8

A net that is a scan (LeNet-5) computes what neighbouring windows share but once, and gives of each what it
would give of the window by itself. Deviations: OverFeat merges boxes that agree by averaging; here the best
of them is kept (`suppress`), as in R-CNN. It also shifts its last pool, to get positions in between; here
there are none.

(In sound a scan along the last axis gives a track of scores in the same way, and detections in time.)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.models import ImageNet
from audiocnn.models.localizer import Localizer
from audiocnn.vision.boxes import decode, intersection_over_union, suppress

__all__ = ["Counts", "Detections", "count_matches", "detect", "match", "scan_page", "windows_of"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Detections:
    """What was found on a page, the highest score first.

    Attributes:
        boxes: `(found, 4)`, in pixels of the page.
        classes: the index of the class of each, int64 `(found,)`.
        scores: its probability, `(found,)`.
    """

    boxes: Tensor
    classes: Tensor
    scores: Tensor

    def __len__(self) -> int:
        return len(self.scores)

    def cpu(self) -> "Detections":
        """The same, on the CPU."""
        return Detections(boxes=self.boxes.cpu(), classes=self.classes.cpu(), scores=self.scores.cpu())

    def above(self, threshold: float) -> "Detections":
        """Those of at least that score: what `detect` gives at that threshold if these are of a lower one."""
        kept = self.scores >= threshold
        return Detections(boxes=self.boxes[kept], classes=self.classes[kept], scores=self.scores[kept])


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How detections compare with what is there; those of several pages add up.

    Attributes:
        found: things that were detected.
        missed: things that were not.
        false: detections of nothing, of the wrong class, or of a thing that was found already.

    >>> counts = Counts(found=38, missed=2, false=2) + Counts(found=40, missed=0, false=0)
    >>> counts.shares
    (0.975, 0.025)
    """

    found: int = 0
    missed: int = 0
    false: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            found=self.found + other.found, missed=self.missed + other.missed, false=self.false + other.false
        )

    @property
    def shares(self) -> tuple[float, float]:
        """`found_share` and `false_share`."""
        return self.found_share, self.false_share

    @property
    def f1(self) -> float:
        """The harmonic mean of recall and precision, 0 to 1; 1 if nothing is there, and nothing detected."""
        most = 2 * self.found + self.missed + self.false
        return 2 * self.found / most if most else 1.0

    @property
    def found_share(self) -> float:
        """Part of the things that were detected (recall), 0 to 1; 1 if there is none."""
        things = self.found + self.missed
        return self.found / things if things else 1.0

    @property
    def false_share(self) -> float:
        """Part of the detections that are false (1 - precision), 0 to 1; 0 if there is none."""
        detections = self.found + self.false
        return self.false / detections if detections else 0.0


def windows_of(net: ImageNet | Localizer, rows: int, columns: int) -> Tensor:
    """The window of each position of the map that a net gives of a picture: boxes `(rows', columns', 4)`.

    The window of position (i, j) begins at (i, j) strides, and is of the size that the net was trained on:
    for a net that is a scan, all that it sees. A net that pads sees more of a page than of a picture.

    Args:
        net: the net.
        rows: rows of the picture.
        columns: its columns.

    Raises:
        ParameterError: for a net that does not move by a stride (one of layers with `ceil_mode`), or a
            picture that is smaller than the net's.

    >>> from audiocnn.models.lenet import lenet5
    >>> windows_of(lenet5(num_classes=10), 32, 40)[0]
    tensor([[ 0.,  0., 32., 32.],
            [ 0.,  4., 32., 36.],
            [ 0.,  8., 32., 40.]])
    """
    row_takes, takes = net.row_axis.takes if net.row_axis else None, net.time_axis.takes
    if row_takes is None or takes is None:
        raise ParameterError(
            "net does not move by a stride, as it has layers of ceil_mode; give one without, such as lenet5"
        )
    if rows < net.rows or columns < net.window:
        raise ParameterError(
            f"a page of {rows} x {columns} pixels is smaller than the net's picture of {net.rows} x "
            f"{net.window}; pad it"
        )
    top = torch.arange(row_takes.output_length(rows), dtype=torch.float32)[:, None] * row_takes.stride
    left = torch.arange(takes.output_length(columns), dtype=torch.float32) * takes.stride
    corners = torch.stack(torch.broadcast_tensors(top, left), dim=-1)  # type: ignore[no-untyped-call]
    return torch.cat((corners, corners + torch.tensor([net.rows, net.window])), dim=-1)


def scan_page(net: ImageNet | Localizer, page: Tensor) -> tuple[Tensor, Tensor]:
    """What a net says at every position of a page, in evaluation mode.

    Args:
        net: the net.
        page: `(channel, rows, columns)`, as the net was trained on: normalised, if it was.

    Returns:
        Probabilities `(num_classes, rows', columns')`, and boxes `(rows', columns', 4)` in pixels of the
        page: those of a `Localizer`, the windows of another net.

    Raises:
        ParameterError: as `windows_of`.
    """
    boxes = windows_of(net, *page.shape[1:]).to(page.device)
    with net.evaluating(), torch.inference_mode():
        outputs = net(page[None])
        if isinstance(net, Localizer):
            outputs, numbers = net.split(outputs)
            boxes = decode(numbers[0].movedim(0, -1), boxes)
        return outputs[0].softmax(dim=0), boxes


def detect(
    net: ImageNet | Localizer,
    page: Tensor,
    *,
    nothing: int | None = None,
    scales: Sequence[float] = (1.0,),
    threshold: float = 0.5,
    max_overlap: float = 0.3,
    across_classes: bool = False,
) -> Detections:
    """Find what a net knows, wherever on a page and, with several scales, however large it is.

    Args:
        net: the net; a `Localizer` gives boxes, and what another one finds is where its window is.
        page: `(channel, rows, columns)`, as the net was trained on.
        nothing: the index of the class that stands for nothing, if the net has one.
        scales: the sizes that the page is brought to, in parts of its own. At 0.5 the net finds things of
            twice the size. Those at which the page would be smaller than the net's picture are left out.
        threshold: the probability from which a window holds its likeliest class.
        max_overlap: the intersection over union up to which two detections are two things.
        across_classes: whether those of other classes are one thing too, where things do not overlap.

    Raises:
        ParameterError: if no scale is positive and leaves a page as large as the net's picture; and as
            `windows_of` and `suppress`.
    """
    _, rows, columns = page.shape
    found = []
    for scale in scales:
        size = round(rows * scale), round(columns * scale)
        if size[0] < net.rows or size[1] < net.window:
            continue
        scaled = page
        if size != (rows, columns):
            scaled = F.interpolate(page[None], size, mode="bilinear", antialias=True)[0]
        probabilities, boxes = scan_page(net, scaled)
        if nothing is not None:
            probabilities = probabilities.index_fill(0, torch.tensor(nothing, device=page.device), -1.0)
        scores, classes = probabilities.max(dim=0)  # (rows', columns')
        above = scores >= threshold
        per_row, per_column = rows / size[0], columns / size[1]
        boxes = boxes[above] * boxes.new_tensor([per_row, per_column, per_row, per_column])
        found.append((boxes, classes[above], scores[above]))
    if not found:
        raise ParameterError(
            f"scales={tuple(scales)}: at none is a page of {rows} x {columns} pixels as large as the net's "
            f"picture of {net.rows} x {net.window}; give a larger one"
        )
    boxes, classes, scores = (torch.cat(parts) for parts in zip(*found, strict=True))
    kept = suppress(boxes, scores, None if across_classes else classes, max_overlap=max_overlap)
    return Detections(boxes=boxes[kept], classes=classes[kept], scores=scores[kept])


def match(detections: Detections, boxes: Tensor, classes: Tensor, *, min_overlap: float = 0.5) -> Tensor:
    """Which of the things on a page each detection finds.

    From the highest score on, each detection finds, of the things of its class that none has found before,
    the one it overlaps most, if by `min_overlap` at least.

    Args:
        detections: on the page.
        boxes: of the things that are there, `(things, 4)`.
        classes: their classes, int64 `(things,)`.
        min_overlap: the least intersection over union.

    Returns:
        The index of the thing, or -1 for a false detection, int64 `(found,)`.
    """
    overlaps = intersection_over_union(detections.boxes[:, None], boxes)  # (detections, things)
    overlaps = overlaps * (detections.classes[:, None] == classes)
    things = torch.full((len(detections),), -1)
    for i in detections.scores.argsort(descending=True, stable=True).tolist():
        best = int(overlaps[i].argmax()) if len(boxes) else -1
        if best >= 0 and overlaps[i, best] >= min_overlap:
            things[i] = best
            overlaps[:, best] = 0.0
    return things


def count_matches(
    detections: Detections, boxes: Tensor, classes: Tensor, *, min_overlap: float = 0.5
) -> Counts:
    """How what was detected on a page compares with what is there, by `match` of the same arguments."""
    found = int((match(detections, boxes, classes, min_overlap=min_overlap) >= 0).sum())
    return Counts(found=found, missed=len(boxes) - found, false=len(detections) - found)
