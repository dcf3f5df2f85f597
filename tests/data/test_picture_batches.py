"""Batches: every picture once an epoch, changed in a way that seed and epoch alone decide."""

import pytest
import torch

from audiocnn.augment.image import ImageAugmentation
from audiocnn.data.picture_batches import PictureBatches
from audiocnn.data.picture_corpus import PictureCorpus


@pytest.fixture
def corpus() -> PictureCorpus:
    """Seven pictures, each of noise around its own grey."""
    noise = torch.randint(0, 5, (7, 1, 6, 6), generator=torch.Generator().manual_seed(0))
    greys = 30 * torch.arange(1, 8)
    return PictureCorpus(
        pictures=(greys.view(7, 1, 1, 1) + noise).to(torch.uint8),
        targets=torch.arange(7),
        labels=tuple("abcdefg"),
    )


def test_evaluation_holds_every_picture_once_in_order_and_unchanged(corpus: PictureCorpus) -> None:
    changes = ImageAugmentation(flip_columns=True, cutout_size=3)
    batches = PictureBatches(corpus, batch_size=3, augmentation=changes)
    for _ in range(2):
        seen = list(batches)
        assert len(seen) == len(batches) == 3 and len(seen[-1][0]) == 1
        assert torch.equal(torch.cat([targets for _, targets in seen]), corpus.targets)
        assert torch.equal(torch.cat([pictures for pictures, _ in seen]), corpus.pictures / 255)


def test_training_leaves_out_what_does_not_fill_a_batch_and_changes_the_rest(corpus: PictureCorpus) -> None:
    changes = ImageAugmentation(crop_rows=4, crop_columns=5)
    batches = PictureBatches(corpus, batch_size=3, seed=0, augmentation=changes)
    seen = list(batches)
    targets = torch.cat([targets for _, targets in seen])
    assert len(seen) == len(batches) == 2 and len(targets.unique()) == 6
    for pictures, of in seen:
        assert pictures.shape == (3, 1, 4, 5)
        assert ((pictures.amin(dim=(1, 2, 3)) * 255 / 30).floor() - 1).tolist() == of.tolist()


def test_epochs_differ_and_hang_on_seed_and_number_alone(corpus: PictureCorpus) -> None:
    def made(**changes) -> PictureBatches:
        flips = ImageAugmentation(flip_columns=True)
        return PictureBatches(corpus, **{"batch_size": 3, "seed": 0, "augmentation": flips, **changes})

    batches = made()
    epochs = [torch.cat([pictures for pictures, _ in batches]) for _ in range(3)]
    assert batches.epoch == 3
    assert not torch.equal(epochs[0], epochs[1])
    later = made()
    later.epoch = 2
    assert torch.equal(torch.cat([pictures for pictures, _ in later]), epochs[2])
    assert not torch.equal(torch.cat([pictures for pictures, _ in made(seed=1)]), epochs[0])
    plain = torch.cat([pictures for pictures, _ in made(augmentation=None)])
    assert not torch.equal(plain, epochs[0])
    torch.testing.assert_close(plain.mean(dim=(1, 2, 3)), epochs[0].mean(dim=(1, 2, 3)))  # in the same order


def test_a_batch_is_never_larger_than_the_corpus(corpus: PictureCorpus) -> None:
    assert [len(targets) for _, targets in PictureBatches(corpus, batch_size=100, seed=0)] == [7]


def test_batches_are_made_where_the_pictures_are(corpus: PictureCorpus) -> None:
    changes = ImageAugmentation(flip_columns=True, max_rotation_degrees=90, cutout_size=2)
    for pictures, targets in PictureBatches(corpus.to("meta"), batch_size=3, seed=0, augmentation=changes):
        assert pictures.device.type == targets.device.type == "meta"
