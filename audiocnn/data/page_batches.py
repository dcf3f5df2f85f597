"""Pages dealt out in batches: patches of them to learn to detect by, or whole ones to segment."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from audiocnn.data.batches import Epochs
from audiocnn.data.pages import Pages
from audiocnn.errors import ParameterError

__all__ = ["PageBatches", "PatchBatches", "Patches"]

_TRIES = 100


class Patches(NamedTuple):
    """Patches cut from pages.

    Attributes:
        pictures: float32 `(batch, channel, rows, columns)` from 0 to 1.
        targets: the class of the object in the middle, or `nothing`, int64 `(batch,)`.
        boxes: around its ink, in pixels of the patch, float32 `(batch, 4)`; zeros where there is nothing.
    """

    pictures: Tensor
    targets: Tensor
    boxes: Tensor


class PatchBatches(Epochs):
    """Patches of pages around each object, and some that have no object in the middle.

        |offset| <= max_offset     the object's class; an offset is from the middle of the object's frame to
                                   the middle of the patch, the larger of rows and columns
        in between                 not drawn: either answer would do
        |offset| > least_offset    nothing, if that holds for all objects; drawn around an object up to a
                                   whole patch away, so that many hold parts of one or two

    A net that is scanned by a stride meets each object at an offset of half of it or less.

    Args:
        pages: what patches are cut from.
        size: rows and columns of a patch; None for the whole page, where each holds one object.
        batch_size: patches in a batch.
        seed: for training: draws order and places, and leaves out what does not fill a batch. None: in order,
            every object in the middle as far as the page's edges allow, and none with nothing.
        nothing_share: part of a batch that has nothing, 0 or more and less than 1.
        max_offset: pixels.
        least_offset: pixels.

    Raises:
        ParameterError: for values that cannot work; while batches are drawn, if no place is free of objects.
    """

    def __init__(
        self,
        pages: Pages,
        *,
        batch_size: int,
        size: tuple[int, int] | None = None,
        seed: int | None = None,
        nothing_share: float = 0.0,
        max_offset: int = 2,
        least_offset: int = 4,
    ) -> None:
        if not 0 <= nothing_share < 1:
            raise ParameterError(f"nothing_share={nothing_share} must be 0 or more and less than 1")
        if not 0 <= max_offset <= least_offset:
            raise ParameterError(
                f"max_offset={max_offset} must be 0 or more, and at most least_offset={least_offset}"
            )
        page = pages.pictures.shape[-2], pages.pictures.shape[-1]
        size = page if size is None else size
        if size[0] > page[0] or size[1] > page[1]:
            raise ParameterError(f"size={size} must be at most {page}, the size of a page")
        self.nothings = 0 if seed is None else round(nothing_share * batch_size)
        super().__init__(pages.targets.numel(), batch_size=batch_size - self.nothings, seed=seed)
        self.pages = pages
        self.size = size
        self.max_offset, self.least_offset = max_offset, least_offset

    def __iter__(self) -> Iterator[Patches]:
        """The epoch's batches; patches with nothing are the last of each."""
        batches, draws = self.deal("order and places")
        for objects in batches:
            page, j = objects // self.pages.targets.shape[1], objects % self.pages.targets.shape[1]
            jitter = torch.zeros(len(objects), 2)
            if draws is not None:
                jitter = _offsets(len(objects), self.max_offset, draws)
            corners = self._corners(page, j, jitter)
            targets = self.pages.targets[page, j]
            boxes = self.pages.boxes[page, j] - corners.repeat(1, 2)
            if draws is not None and self.nothings:
                empty_page, empty_corners = self._draw_nothing(draws)
                page, corners = torch.cat((page, empty_page)), torch.cat((corners, empty_corners))
                targets = torch.cat((targets, torch.full((self.nothings,), self.pages.nothing)))
                boxes = torch.cat((boxes, boxes.new_zeros(self.nothings, 4)))
            yield Patches(self._cut(page, corners), targets, boxes.float())

    def _middles(self, page: Tensor) -> Tensor:
        """The middles of the frames of all objects of each of some pages, `(patches, objects, 2)`."""
        frames = self.pages.frames[page]
        return (frames[..., :2] + frames[..., 2:]) / 2

    def _corners(self, page: Tensor, j: Tensor, offsets: Tensor) -> Tensor:
        """Upper left corners of patches with so much between their middle and that of an object."""
        middles = self._middles(page)[torch.arange(len(j)), j]
        corners = (middles + offsets - torch.tensor(self.size) / 2).floor().long()
        last = torch.tensor(self.pages.pictures.shape[2:]) - torch.tensor(self.size)
        return torch.minimum(corners.clamp(min=0), last)

    def _draw_nothing(self, draws: torch.Generator) -> tuple[Tensor, Tensor]:
        """Pages and corners of patches that have no object in the middle."""
        count, objects = self.nothings, self.pages.targets.shape[1]
        page = torch.randint(len(self.pages), (count,), generator=draws)
        j = torch.randint(objects, (count,), generator=draws)
        corners = torch.zeros(count, 2, dtype=torch.int64)
        wrong = torch.arange(count)
        for _ in range(_TRIES):
            offsets = _offsets(len(wrong), max(self.size), draws)
            corners[wrong] = self._corners(page[wrong], j[wrong], offsets)
            middles = corners[wrong] + torch.tensor(self.size) / 2
            away = (self._middles(page[wrong]) - middles[:, None]).abs().amax(dim=2)  # (wrong, objects)
            wrong = wrong[(away <= self.least_offset).any(dim=1)]
            if len(wrong) == 0:
                return page, corners
        raise ParameterError(
            f"least_offset={self.least_offset}: objects are so dense that no patch free of them was found; "
            "give larger pages"
        )

    def _cut(self, page: Tensor, corners: Tensor) -> Tensor:
        rows, columns = self.size
        places = zip(page.tolist(), corners.tolist(), strict=True)
        patches = [
            self.pages.pictures[i, :, top : top + rows, left : left + columns] for i, (top, left) in places
        ]
        return torch.stack(patches).float().div_(255)


class PageBatches(Epochs):
    """Whole pages and their class maps; each iteration is an epoch.

    Args:
        pages: the pages.
        batch_size: pages in a batch.
        seed: for training: draws the order, and leaves out what does not fill a batch. None: in order, all.
    """

    def __init__(self, pages: Pages, *, batch_size: int, seed: int | None = None) -> None:
        super().__init__(len(pages), batch_size=batch_size, seed=seed)
        self.pages = pages

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Pages `(batch, channel, rows, columns)` and class maps, int64 `(batch, rows, columns)`."""
        batches, _ = self.deal("order")
        for indices in batches:
            yield self.pages.batch(indices), self.pages.class_maps[indices].long()


def _offsets(count: int, most: int, draws: torch.Generator) -> Tensor:
    """Integers from `-most` to `most`, `(count, 2)`."""
    return torch.randint(-most, most + 1, (count, 2), generator=draws).float()
