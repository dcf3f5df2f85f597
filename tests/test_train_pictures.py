"""Training on pictures: what is learned, kept and gone on with; and the loss of a batch."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from bars import bars, write_set

from audiocnn import image_classifier
from audiocnn.augment.image import ImageAugmentation
from audiocnn.data.manifest import read_manifest
from audiocnn.data.media import PICTURES
from audiocnn.data.picture_corpus import PictureCorpus
from audiocnn.data.picture_sets import PictureSets, is_published_set, load_pictures, read_published_set
from audiocnn.errors import ManifestError, ParameterError
from audiocnn.image_config import ImageTrainConfig
from audiocnn.image_task import ImageTask, image_loss, read_pictures
from audiocnn.picture import PictureConfig
from audiocnn.train import fit

GREY = PictureConfig(rows=16, columns=16, channels=1, how="centre", background=0.0)
LABELS = ("lying", "standing")


@pytest.fixture(scope="module")
def idx(tmp_path_factory):
    """A folder in MNIST's form."""
    return write_set(tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder of class folders of PNG files."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("bars")
    pictures, targets = bars(60, 2)
    for i, (picture, target) in enumerate(zip(pictures, targets, strict=True)):
        (folder / LABELS[target]).mkdir(exist_ok=True)
        Image.fromarray(picture).save(folder / LABELS[target] / f"{i}.png")
    return folder


def config(data, out, **changes):
    settings = {"model": "lenet5", "picture": GREY, "epochs": 2, "batch_size": 20} | changes
    return ImageTrainConfig(data=data, out=out, **settings)


def small(data, out, **changes):
    """A net that fits 16 x 16 pixels."""
    return config(data, out, model="resnet20", **changes)


def test_a_published_set_is_split_by_class_and_seed(idx):
    assert is_published_set(idx)
    sets = read_published_set(idx, picture=GREY, seed=0)
    assert [len(part) for part in sets] == [180, 20, 40]
    assert sets.validation.targets.bincount().tolist() == [10, 10]
    assert sets.train.pictures.shape == (180, 1, 16, 16)
    assert sets.train.pictures[:, :, 1:15, 1:15].float().mean() > 20
    assert sets.train.pictures[:, :, 0].max() == 0  # the background
    again, other = (read_published_set(idx, picture=GREY, seed=seed) for seed in (0, 1))
    assert torch.equal(again.validation.pictures, sets.validation.pictures)
    assert not torch.equal(other.validation.pictures, sets.validation.pictures)
    both = torch.cat((sets.train.pictures, sets.validation.pictures)).flatten(1)
    assert len(both.unique(dim=0)) == 200  # none twice, none lost


def test_a_published_set_of_the_right_size_is_cropped_as_files_are(idx):
    close = PictureConfig(rows=14, columns=14, channels=1, crop_share=0.5)
    whole = PictureConfig(rows=14, columns=14, channels=1)
    cropped, plain = (read_published_set(idx, picture=some, seed=0).test for some in (close, whole))
    by_rule = close.fitted(plain.pictures[0].float() / 255)
    assert torch.equal(cropped.pictures[0], (by_rule * 255).round().byte())
    assert not torch.equal(cropped.pictures[0], plain.pictures[0])


def test_what_is_trained_tells_them_apart_and_is_what_is_in_the_folder(idx, tmp_path):
    classifier = fit(small(idx, tmp_path / "run", epochs=6))
    test = read_published_set(idx, picture=GREY, seed=0).test
    scores = classifier.score_pictures(list(test.batch(torch.arange(len(test)))))
    assert (scores.argmax(dim=1) == test.targets).float().mean() > 0.9
    read = image_classifier.load(tmp_path / "run" / "model.safetensors")
    assert torch.equal(read.net.logits.weight, classifier.net.logits.weight)
    assert read.labels[:2] == ("0", "1")


def test_a_folder_is_trained_on_from_memory_and_from_its_files_alike(files, tmp_path):
    weights = []
    for in_memory in (True, False):
        out = tmp_path / str(in_memory)
        classifier = fit(small(files, out, in_memory=in_memory, epochs=1))
        assert classifier.labels == LABELS
        assert (out / "split.csv").read_text().count("\n") == 61
        weights.append(classifier.net.logits.weight)
    # in memory they are rounded to bytes, which these are
    torch.testing.assert_close(weights[0], weights[1], rtol=0, atol=1e-6)


def test_a_run_that_is_gone_on_with_ends_at_the_same_bits(idx, tmp_path):
    crop = ImageAugmentation(crop_rows=16, crop_columns=16, crop_padding=2, cutout_size=3)
    settings = {"epochs": 3, "augmentation": crop, "mixup_alpha": 0.2}
    whole = fit(small(idx, tmp_path / "whole", **settings))
    stopped = small(idx, tmp_path / "stopped", **settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("audiocnn.train._is_over", lambda history, config: len(history) >= 2)
        fit(stopped)
    resumed = fit(stopped, resume=True)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], tensor), name


def test_augmentation_reaches_the_batches(idx, tmp_path):
    pictures = read_published_set(idx, picture=GREY, seed=0)
    flipped = config(idx, tmp_path, model="resnet20", augmentation=ImageAugmentation(flip_rows=True))
    plain, changed = (
        next(iter(ImageTask(some, pictures).training)) for some in (small(idx, tmp_path), flipped)
    )
    assert torch.equal(plain[1], changed[1])
    is_flipped = [not torch.equal(one, two) for one, two in zip(plain[0], changed[0], strict=True)]
    assert 0 < sum(is_flipped) < len(is_flipped)
    for one, two, flip in zip(plain[0], changed[0], is_flipped, strict=True):
        assert torch.equal(one.flip(1) if flip else one, two)


def test_the_statistics_are_those_of_the_training_pictures(idx, tmp_path):
    pictures = read_published_set(idx, picture=GREY, seed=0)
    task = ImageTask(small(idx, tmp_path), pictures)
    unit = pictures.train.pictures.double() / 255
    assert task.classifier.normalize.mean.item() == pytest.approx(unit.mean().item(), rel=1e-6)
    assert task.classifier.normalize.deviation.item() == pytest.approx(
        unit.std(correction=0).item(), rel=1e-6
    )


def corpus(channels=3, size=32, labels=LABELS):
    pictures = torch.randint(0, 256, (4, channels, size, size), dtype=torch.uint8)
    return PictureCorpus(pictures=pictures, targets=torch.tensor([0, 1, 0, 1]), labels=labels)


@pytest.mark.parametrize(
    "changes", [{"label_smoothing": 0.0}, {"mixup_alpha": 0.0}], ids=lambda changes: next(iter(changes))
)
def test_every_setting_changes_the_loss(tmp_path, changes):
    run = ImageTrainConfig(data=tmp_path, out=tmp_path)
    task = ImageTask(run, PictureSets(corpus(), corpus(), None))
    losses = [
        image_loss(
            task.classifier.train(),
            torch.ones(4, 3, 32, 32).cumsum(dim=0) / 5,
            torch.tensor([0, 1, 1, 0]),
            config=some,
            generator=torch.Generator().manual_seed(0),
        )
        for some in (run, run, replace(run, **changes))
    ]
    assert losses[0] == losses[1] != losses[2]


def test_auxiliary_heads_learn_too_at_three_tenths(tmp_path):
    size = PictureConfig(rows=64, columns=64)
    run = ImageTrainConfig(
        data=tmp_path,
        out=tmp_path,
        model="googlenet_bn_aux",
        picture=size,
        label_smoothing=0.0,
        mixup_alpha=0.0,
    )
    torch.manual_seed(0)
    task = ImageTask(run, PictureSets(corpus(size=64), corpus(size=64), None))
    classifier = task.classifier.eval()  # without dropout
    pictures, targets = torch.rand(2, 3, 64, 64), torch.tensor([0, 1])
    loss = image_loss(classifier, pictures, targets, config=run, generator=torch.Generator())
    with torch.no_grad():
        logits = classifier.net.with_auxiliary(classifier.normalize(pictures))
    parts = [F.cross_entropy(some.flatten(1), targets) for some in logits]
    assert len(parts) == 3
    torch.testing.assert_close(loss.detach(), parts[0] + 0.3 * (parts[1] + parts[2]))


def test_a_net_for_sound_does_not_learn_pictures(idx, tmp_path):
    with pytest.raises(ParameterError) as error:
        fit(config(idx, tmp_path / "run", model="tc_resnet_8"))
    assert str(error.value).startswith("name='tc_resnet_8' is no model for pictures; there are ")
    assert not (tmp_path / "run").exists()


def test_some_classes_are_learned_from_few_pictures(idx, files, tmp_path):
    for data, labels in ((idx, ("1", "0")), (files, ("standing", "lying"))):
        out = tmp_path / data.name
        run = small(data, out, labels=labels, per_class=3, epochs=1, batch_size=2)
        assert fit(run).labels == labels
        listed = read_manifest(out / "split.csv", media=PICTURES) if data is files else None
        few, whole = (read_pictures(some, listed) for some in (run, replace(run, per_class=None)))
        assert few.train.targets.bincount().tolist() == [3, 3]
        assert len(whole.train) > 6 and len(few.validation) == len(whole.validation)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": "01"}, "labels='01' must be a tuple of names"),
        ({"labels": (0, 1)}, "labels=(0, 1) must be a tuple of names"),
        ({"per_class": 0}, "per_class=0 must be an integer of at least 1"),
    ],
)
def test_labels_are_names_and_numbers_are_positive(tmp_path, changes, message):
    with pytest.raises(ParameterError) as error:
        config(tmp_path, tmp_path, **changes)
    assert str(error.value) == message


def test_one_class_is_nothing_to_learn(files):
    from audiocnn.data.manifest import Clip

    clips = [Clip(path=path, label="a", split="train") for path in files.rglob("*.png")]
    with pytest.raises(ManifestError) as error:
        load_pictures(clips, picture=GREY)
    assert str(error.value) == "there are 1 labels to learn; give pictures of at least two"
