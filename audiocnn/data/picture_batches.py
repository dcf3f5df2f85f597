"""Pictures dealt out in batches, epoch after epoch, each changed as it is drawn."""

from collections.abc import Iterator

from torch import Tensor

from audiocnn.augment.image import ImageAugmentation, augment_pictures
from audiocnn.data.batches import Epochs
from audiocnn.data.picture_corpus import PictureCorpus, PictureFiles

__all__ = ["PictureBatches"]


class PictureBatches(Epochs):
    """A corpus as batches of pictures and targets; each iteration is an epoch.

    Args:
        corpus: the pictures; batches are made on its device.
        batch_size: pictures in a batch.
        seed: for training: draws the order and all changes, and leaves out what does not fill a batch.
            None, for evaluation: in order, unchanged, all.
        augmentation: the changes of training; None for none.
    """

    def __init__(
        self,
        corpus: PictureCorpus | PictureFiles,
        *,
        batch_size: int,
        seed: int | None = None,
        augmentation: ImageAugmentation | None = None,
    ) -> None:
        super().__init__(len(corpus), batch_size=batch_size, seed=seed)
        self.corpus = corpus
        self.augmentation = augmentation

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The epoch's batches: pictures `(batch, channel, rows, columns)` and targets `(batch,)`."""
        batches, draws = self.deal("order and changes")
        for indices in batches:
            pictures = self.corpus.batch(indices)
            if draws is not None and self.augmentation is not None:
                pictures = augment_pictures(pictures, self.augmentation, draws)
            yield pictures, self.corpus.targets[indices]
