"""Pages: small pictures at drawn places on an empty page, and exactly what is where.

    corpus of digits          page                        truth
    |0| |1| |2| ...     ->    | 7      2 |                frames   where each small picture was put
                              |    3     |                boxes    rows and columns of its ink
                              |  1    0  |                targets  its class
                                                          class_maps  the class of every pixel

Whatever is to be found, located or segmented is thus known to the pixel. (What goes together where sound is
put on a longer recording is the same along one axis; nothing here does that.)
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.data.batches import epoch_generator
from audiocnn.data.picture_corpus import PictureCorpus
from audiocnn.errors import ParameterError

__all__ = ["NOTHING", "PageConfig", "Pages", "Truths", "draw_pages"]

NOTHING = "nothing"
"""The name of the class of what is no object; it comes after those of the corpus."""

_WHITE = 255
_TRIES = 1000


@dataclass(frozen=True, kw_only=True)
class PageConfig:
    """What pages are like.

    Attributes:
        rows: pixels.
        columns: pixels.
        objects: small pictures on each.
        gap: pixels that are at least between the frames of two; 0 lets them touch.
        max_scale: each is resized by a factor drawn between this and its inverse, all being equally likely on
            a logarithmic scale; 1 leaves them as they are.
        ink: from which brightness a pixel is ink, 0 to 1. Darker ones are nothing.

    Raises:
        ParameterError: for values that cannot work.
    """

    rows: int = 512
    columns: int = 512
    objects: int = 40
    gap: int = 0
    max_scale: float = 1.0
    ink: float = 0.25

    def __post_init__(self) -> None:
        for name, least in (("rows", 1), ("columns", 1), ("objects", 1), ("gap", 0)):
            if getattr(self, name) < least:
                raise ParameterError(f"{name}={getattr(self, name)} must be {least} or more")
        if self.max_scale < 1:
            raise ParameterError(f"max_scale={self.max_scale} must be 1 or more; 1 leaves sizes as they are")
        if not 0 < self.ink <= 1:
            raise ParameterError(f"ink={self.ink} must be above 0 and at most 1")


class Truths(NamedTuple):
    """What is there, on one page.

    Attributes:
        boxes: around each thing, `(things, 4)`.
        classes: int64 `(things,)`.
    """

    boxes: Tensor
    classes: Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Pages:
    """Pages of one size, each with as many objects, and the truth about them.

    Boxes are `(top, left, bottom, right)` in pixels; bottom and right are outside (`audiocnn.vision.boxes`).

    Attributes:
        pictures: uint8 `(pages, channel, rows, columns)`, 0 where there is nothing.
        class_maps: the class of each pixel, uint8 `(pages, rows, columns)`: that of its object, or `nothing`.
        frames: where the small pictures were put, int64 `(pages, objects, 4)`.
        boxes: around their ink, int64 `(pages, objects, 4)`.
        targets: their classes, int64 `(pages, objects)`.
        labels: the names of the classes, `NOTHING` being the last.
    """

    pictures: Tensor
    class_maps: Tensor
    frames: Tensor
    boxes: Tensor
    targets: Tensor
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def nothing(self) -> int:
        """The index of the class that stands for nothing."""
        return len(self.labels) - 1

    def subset(self, indices: Tensor) -> "Pages":
        """Some of the pages, in the order of their indices, int64 `(pages,)`."""
        return replace(
            self,
            pictures=self.pictures[indices],
            class_maps=self.class_maps[indices],
            frames=self.frames[indices],
            boxes=self.boxes[indices],
            targets=self.targets[indices],
        )

    def truths(self, index: int) -> Truths:
        """The boxes of the ink of one page's objects, and their classes."""
        return Truths(self.boxes[index].float(), self.targets[index])

    def batch(self, indices: Tensor) -> Tensor:
        """Pages by their indices, `(batch,)`, as float32 `(batch, channel, rows, columns)` from 0 to 1."""
        return self.pictures[indices].float().div_(_WHITE)


def draw_pages(corpus: PictureCorpus, config: PageConfig, *, count: int, seed: int) -> Pages:
    """Draw pages of a corpus of small pictures that are light on dark.

    All pictures come up before one comes up again. A place is drawn among all that are still free.

    Args:
        corpus: the small pictures.
        config: what pages are like.
        count: how many.
        seed: another draws others.

    Raises:
        ParameterError: if count is not positive, there are more classes than bytes, a picture has no ink, or
            no room is found on a page in 1000 draws.

    >>> corpus = PictureCorpus(
    ...     pictures=torch.full((1, 1, 2, 2), 255, dtype=torch.uint8),
    ...     targets=torch.tensor([0]),
    ...     labels=("dot",),
    ... )
    >>> pages = draw_pages(corpus, PageConfig(rows=4, columns=6, objects=2), count=1, seed=6)
    >>> pages.class_maps[0]
    tensor([[1, 1, 1, 1, 0, 0],
            [1, 1, 1, 1, 0, 0],
            [0, 0, 1, 1, 1, 1],
            [0, 0, 1, 1, 1, 1]], dtype=torch.uint8)
    >>> pages.boxes[0].tolist(), pages.targets[0].tolist()
    ([[2, 0, 4, 2], [0, 4, 2, 6]], [0, 0])
    """
    if count < 1:
        raise ParameterError(f"count={count} must be a positive integer")
    labels = (*corpus.labels, NOTHING)
    if len(labels) > _WHITE + 1:
        raise ParameterError(f"labels names {len(corpus.labels)} classes; pages hold {_WHITE} at most")
    generator = epoch_generator(seed, 0, "pages")
    drawn = count * config.objects
    orders = [torch.randperm(len(corpus), generator=generator) for _ in range(-(-drawn // len(corpus)))]
    order = torch.cat(orders)[:drawn].view(count, config.objects)
    channels = corpus.pictures.shape[1]
    shape = (config.rows, config.columns)
    pages = Pages(
        pictures=torch.zeros(count, channels, *shape, dtype=torch.uint8),
        class_maps=torch.full((count, *shape), len(corpus.labels), dtype=torch.uint8),
        frames=torch.zeros(count, config.objects, 4, dtype=torch.int64),
        boxes=torch.zeros(count, config.objects, 4, dtype=torch.int64),
        targets=corpus.targets[order],
        labels=labels,
    )
    for i in range(count):
        for j, index in enumerate(order[i].tolist()):
            picture = _resized(corpus.pictures[index], config.max_scale, generator)
            frame = _free_place(pages.frames[i, :j].tolist(), picture, config, generator)
            _put(pages, i, j, picture, frame, config.ink)
    return pages


def _resized(picture: Tensor, max_scale: float, generator: torch.Generator) -> Tensor:
    if max_scale == 1:
        return picture
    scale = max_scale ** (2 * float(torch.rand((), generator=generator)) - 1)
    size = [max(1, round(side * scale)) for side in picture.shape[1:]]
    resized = F.interpolate(picture[None].float(), size, mode="bilinear", antialias=True)[0]
    return resized.round().clamp(0, _WHITE).to(torch.uint8)


def _free_place(
    taken: list[list[int]], picture: Tensor, config: PageConfig, generator: torch.Generator
) -> tuple[int, int, int, int]:
    """A frame for a picture, drawn among all that are far enough from those that are taken."""
    rows, columns = picture.shape[1:]
    if rows > config.rows or columns > config.columns:
        raise ParameterError(
            f"a picture of {rows} x {columns} pixels is larger than a page of {config.rows} x "
            f"{config.columns}; give larger pages"
        )
    gap = config.gap
    for _ in range(_TRIES):
        row = int(torch.randint(config.rows - rows + 1, (), generator=generator))
        column = int(torch.randint(config.columns - columns + 1, (), generator=generator))
        if all(
            row >= bottom + gap
            or row + rows + gap <= top
            or column >= right + gap
            or column + columns + gap <= left
            for top, left, bottom, right in taken
        ):
            return row, column, row + rows, column + columns
    raise ParameterError(
        f"objects={config.objects}: on a page of {config.rows} x {config.columns} pixels no room was found "
        f"after {len(taken)}; give fewer, or larger pages"
    )


def _put(pages: Pages, i: int, j: int, picture: Tensor, frame: tuple[int, int, int, int], ink: float) -> None:
    """Put a picture on a page, and note the truth about it."""
    top, left, bottom, right = frame
    pages.pictures[i, :, top:bottom, left:right] = picture
    inked = (picture >= ink * _WHITE).any(dim=0)  # (rows, columns)
    if not inked.any():
        raise ParameterError(f"ink={ink}: a picture has no pixel as bright; give a lower one")
    pages.class_maps[i, top:bottom, left:right][inked] = pages.targets[i, j].to(torch.uint8)
    rows, columns = (inked.any(dim=dim).nonzero().flatten().tolist() for dim in (1, 0))
    pages.frames[i, j] = torch.tensor(frame)
    pages.boxes[i, j] = torch.tensor(
        [top + rows[0], left + columns[0], top + rows[-1] + 1, left + columns[-1] + 1]
    )
