"""Several views of one example, whose scores are averaged: better than one view as a rule, at their cost.

    ten crops                 scales                       shifts
    +---+-------+---+         +----+                       |clip........|
    | 1 |       | 2 |  and    |    |  +------+             |....clip....|
    +---+ +---+ +---+  each   +----+  |      |  and each   |........clip|
    |     | 5 |     |  mir-           |      |  mirrored
    +---+ +---+ +---+  rored          +------+
    | 3 |       | 4 |         each scanned, and its map
    +---+-------+---+         of scores averaged

What crops are to a picture, shifts are to a recording.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.picture import PictureConfig

__all__ = ["SINGLE_VIEW", "Averaging", "mean_scores", "scaled", "shifted", "ten_crop"]

_CROP_SHARE = 224 / 256  # of Krizhevsky et al.


@dataclass(frozen=True, kw_only=True)
class Averaging:
    """Which views of a picture or of a recording are scored; by default the one that prediction takes.

    Attributes:
        ten_crop: of a picture, the ten views that `ten_crop` cuts out of one that is larger as 256 is than
            224, or as the classifier's own `crop_share` says.
        scales: of a picture, the whole of it in these sizes, as `scaled` makes them.
        shifts: of a recording, at how many places of its window it is heard; see `shifted`.

    Raises:
        ParameterError: for both crops and scales, a scale that is not positive, or no shift.

    >>> views = Averaging(ten_crop=True).of_picture(torch.rand(1, 40, 40), PictureConfig(rows=28, columns=28))
    >>> len(views), views[0].shape
    (10, torch.Size([3, 28, 28]))
    """

    ten_crop: bool = False
    scales: tuple[float, ...] = ()
    shifts: int = 1

    def __post_init__(self) -> None:
        if self.ten_crop and self.scales:
            raise ParameterError(
                f"scales={self.scales} and ten_crop are two ways to view a picture; take one of them"
            )
        for scale in self.scales:
            if not scale > 0:
                raise ParameterError(f"scales={self.scales} must be positive; 1 is the size of a single view")
        if self.shifts < 1:
            raise ParameterError(f"shifts={self.shifts} must be a positive integer; 1 is the middle alone")

    def __str__(self) -> str:
        """For a headline: "ten crops"; nothing where there is but one view."""
        if self.scales:
            return f"scales {', '.join(f'{scale:g}' for scale in self.scales)}"
        return "ten crops" if self.ten_crop else f"{self.shifts} shifts" if self.shifts > 1 else ""

    def check(self, many: str) -> None:
        """Raise where "pictures", or "recordings", have no such views.

        Raises:
            ParameterError: naming them.
        """
        if many == "pictures" and self.shifts > 1:
            raise ParameterError(f"shifts={self.shifts} are of recordings; pictures have ten_crop, or scales")
        if many == "recordings" and (self.ten_crop or self.scales):
            given = f"scales={self.scales} are" if self.scales else "ten_crop is"
            raise ParameterError(f"{given} of pictures; recordings have shifts")

    def of_picture(self, picture: Tensor, config: PictureConfig) -> list[Tensor]:
        """The views of a picture, `(channel, rows, columns)`, each as large as the classifier's or larger.

        Args:
            picture: of any size, grey or in colour, from 0 to 1.
            config: of the classifier.

        Raises:
            ParameterError: for shifts, which pictures do not have, or a scale below the classifier's size.
        """
        self.check("pictures")
        if self.scales:
            return scaled(picture, config, self.scales)
        if not self.ten_crop:
            return [config.fitted(picture)]
        share = config.crop_share if config.crop_share < 1 else _CROP_SHARE
        rows, columns = round(config.rows / share), round(config.columns / share)
        larger = replace(config, rows=rows, columns=columns, crop_share=1.0)
        return list(ten_crop(larger.fitted(picture), config.rows, config.columns))

    def of_recording(self, clip: Tensor, window: int) -> list[Tensor]:
        """The views of a recording, `(time,)`.

        Args:
            clip: of any length.
            window: of the classifier, in samples.

        Raises:
            ParameterError: for crops or scales, which recordings do not have.
        """
        self.check("recordings")
        return shifted(clip, window, self.shifts)


SINGLE_VIEW = Averaging()
"""What prediction does: nothing is averaged."""


def ten_crop(pictures: Tensor, rows: int, columns: int) -> Tensor:
    """The four corners and the centre of a picture, and those of its mirror image.

    Krizhevsky, Sutskever & Hinton 2012, "ImageNet Classification with Deep Convolutional Neural Networks",
    NIPS 25, average the softmax of the net over these ten.

    Args:
        pictures: `(..., rows, columns)`.
        rows: of a crop.
        columns: of a crop.

    Returns:
        The crops, `(10, ..., rows, columns)`: upper left, upper right, lower left, lower right, centre; then
        those of the mirror image in the same order.

    Raises:
        ParameterError: if a picture is smaller than a crop.

    >>> ten_crop(torch.arange(9.0).view(3, 3), 1, 1).flatten().int().tolist()
    [0, 2, 6, 8, 4, 2, 0, 8, 6, 4]
    """
    height, width = pictures.shape[-2:]
    if rows > height or columns > width:
        raise ParameterError(
            f"a picture of {height} x {width} is smaller than a crop of {rows} x {columns}; resize it first"
        )
    lower, right = height - rows, width - columns
    corners = ((0, 0), (0, right), (lower, 0), (lower, right), (round(lower / 2), round(right / 2)))
    return torch.stack(
        [
            some[..., top : top + rows, left : left + columns]
            for some in (pictures, pictures.flip(-1))
            for top, left in corners
        ]
    )


def scaled(picture: Tensor, config: PictureConfig, scales: Sequence[float]) -> list[Tensor]:
    """A picture and its mirror image in several sizes, each for the net to scan.

    Simonyan & Zisserman 2015, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR,
    arXiv 1409.1556, scan the whole picture in three sizes, average each map of class scores, and then the
    softmax of them all. Here the softmax is taken at every position of a map, before the mean.

    Scale 1 has the size that the single view is cut out of, `rows / crop_share`: with 224 rows and a
    crop_share of 0.875 that is 256 pixels on the shorter side, and the paper's sizes for a net trained at 256
    are 0.875, 1 and 1.125. With `how="crop"` nothing is cut off; pictures that are otherwise fitted are
    fitted as for the single view.

    Args:
        picture: `(channel, rows, columns)`, of any size, grey or in colour.
        config: of the classifier.
        scales: one or more.

    Returns:
        Two views for each scale, of its size.

    Raises:
        ParameterError: for a scale at which the picture would be smaller than the classifier's.
    """
    views = []
    for scale in scales:
        if scale < config.crop_share:
            raise ParameterError(
                f"scales={tuple(scales)} must be at least {config.crop_share:g}, where a picture is the "
                f"{config.rows} x {config.columns} that the net reads"
            )
        view = _at_scale(picture, config, scale)
        views += [view, view.flip(-1)]
    return views


def _at_scale(picture: Tensor, config: PictureConfig, scale: float) -> Tensor:
    height, width = (side * scale / config.crop_share for side in (config.rows, config.columns))
    if config.how == "crop":  # nothing is cut off
        factor = max(height / picture.shape[-2], width / picture.shape[-1])
        height, width = factor * picture.shape[-2], factor * picture.shape[-1]
    elif config.how == "centre":  # which resizes nothing
        picture = config.fitted(picture)
    sized = replace(
        config,
        rows=max(config.rows, round(height)),
        columns=max(config.columns, round(width)),
        how="pad" if config.how == "pad" else "stretch",
        crop_share=1.0,
    )
    return sized.fitted(picture)


def shifted(clip: Tensor, window: int, count: int) -> list[Tensor]:
    """A recording at several places of a classifier's window, evenly from its beginning to its end.

    A recording of a window or more is one view: prediction averages over all of its windows as it is.

    Args:
        clip: `(time,)`.
        window: in samples.
        count: of places; those that are the same sample count once.

    Returns:
        The clip with silence before or behind it, so that in the middle of a window it has these places.

    >>> shifted(torch.tensor([1, 2]), 6, 3)
    [tensor([1, 2, 0, 0, 0, 0]), tensor([1, 2]), tensor([0, 0, 0, 0, 1, 2])]
    """
    spare = window - len(clip)
    if spare <= 0 or count == 1:
        return [clip]
    lefts = dict.fromkeys(i * spare // (count - 1) for i in range(count))
    return [F.pad(clip, (max(0, 2 * left - spare), max(0, spare - 2 * left))) for left in lefts]


def mean_scores(score: Callable[[Sequence[Tensor]], Tensor], views: Sequence[Sequence[Tensor]]) -> Tensor:
    """The mean of the scores of each example's views, `(examples, num_classes)`.

    Args:
        score: gives the scores `(views, num_classes)` of all views at once.
        views: of each example, one or more.
    """
    scores = score([view for some in views for view in some])
    of_each = torch.split(scores, [len(some) for some in views])
    return torch.stack([part.mean(dim=0) for part in of_each]) if views else scores
