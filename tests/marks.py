"""Small pictures made on the spot, of which pages are made."""

import torch

from audiocnn.data.picture_corpus import PictureCorpus

__all__ = ["marks"]


def marks(count=12, channels=1):
    """Pictures of 9 x 7 pixels of noise, no two alike, whose empty border differs from side to side."""
    draw = torch.Generator().manual_seed(0)
    pictures = torch.zeros(count, channels, 9, 7, dtype=torch.uint8)
    pictures[:, :, 1:6, 2:6] = torch.randint(1, 256, (count, channels, 5, 4), generator=draw).to(torch.uint8)
    pictures[:, :, 3, 3] = 255
    return PictureCorpus(pictures=pictures, targets=torch.arange(count) % 3, labels=("a", "b", "c"))
