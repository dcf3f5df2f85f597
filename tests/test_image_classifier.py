"""A classifier of pictures: scores, files, and what it refuses."""

import pytest
import torch

import audiocnn
from audiocnn import classifier as sound_classifier
from audiocnn import image_classifier
from audiocnn.classifier_config import ImageClassifierConfig
from audiocnn.errors import ModelFileError, ParameterError
from audiocnn.image_classifier import ImageClassifier
from audiocnn.models import NetConfig
from audiocnn.picture import PictureConfig

LABELS = ("cat", "dog", "owl")


def config(*, name="resnet20", rows=32, columns=32, channels=3, labels=LABELS, **net):
    net = {"num_classes": len(LABELS), "in_channels": channels} | net
    return ImageClassifierConfig(
        labels=labels,
        picture=PictureConfig(rows=rows, columns=columns, channels=channels),
        net=NetConfig(name=name, **net),
    )


@pytest.fixture(scope="module")
def classifier():
    torch.manual_seed(0)
    made = ImageClassifier(config())
    made.normalize.set_statistics(mean=torch.tensor([0.5, 0.4, 0.3]), deviation=torch.full((3,), 0.2))
    return made.eval()


def test_scores_are_the_softmax_of_the_nets_logits(classifier):
    pictures = torch.rand(2, 3, 32, 32)
    normal = (pictures - torch.tensor([0.5, 0.4, 0.3]).view(3, 1, 1)) / 0.2
    with torch.inference_mode():
        expected = classifier.net(normal)[..., 0, 0].softmax(dim=1)
    scores = classifier.score_pictures(list(pictures))
    torch.testing.assert_close(scores, expected)
    prediction = classifier.predict(pictures[0])
    assert prediction.label == LABELS[int(expected[0].argmax())]
    assert list(prediction.scores) == list(LABELS)
    assert sum(prediction.scores.values()) == pytest.approx(1.0)


def test_a_larger_picture_is_scored_by_the_mean_over_its_map(classifier):
    page = torch.rand(3, 40, 44)
    with torch.inference_mode():
        track = classifier(page[None]).softmax(dim=1)
    assert track.shape[2] > 1 < track.shape[3]
    torch.testing.assert_close(classifier.score_pictures([page])[0], track[0].mean(dim=(1, 2)))


def test_the_scores_of_a_picture_do_not_depend_on_the_others(classifier):
    pictures = [torch.rand(3, 32, 32), torch.rand(3, 40, 40), torch.rand(3, 32, 32)]
    together = classifier.score_pictures(pictures)
    for picture, scores in zip(pictures, together, strict=True):
        torch.testing.assert_close(classifier.score_pictures([picture])[0], scores, rtol=0, atol=1e-5)


def test_what_is_saved_scores_the_same(classifier, tmp_path):
    classifier.save(tmp_path / "cats.safetensors")
    read = image_classifier.load(tmp_path / "cats.safetensors")
    assert read.config == classifier.config
    pictures = list(torch.rand(2, 3, 32, 32))
    assert torch.equal(read.score_pictures(pictures), classifier.score_pictures(pictures))


def test_a_file_is_brought_to_size(classifier, tmp_path):
    from PIL import Image

    Image.new("RGB", (90, 45), (10, 200, 30)).save(tmp_path / "green.png")
    flat = torch.tensor([10, 200, 30]).view(3, 1, 1).expand(3, 32, 32) / 255
    found = classifier.predict(tmp_path / "green.png").scores
    assert found == pytest.approx(classifier.predict(flat).scores, abs=1e-5)


def test_files_of_sounds_and_of_pictures_are_told_apart(classifier, tmp_path):
    cats, words = tmp_path / "cats.safetensors", tmp_path / "words.safetensors"
    classifier.save(cats)
    audiocnn.load("demo").save(words)
    assert audiocnn.load(cats).config == classifier.config
    assert "yes" in audiocnn.load(words).labels
    with pytest.raises(ModelFileError) as error:
        sound_classifier.load(cats)
    assert str(error.value) == f"{cats} is a classifier of pictures, not of sounds; audiocnn.load reads it"
    with pytest.raises(ModelFileError) as error:
        image_classifier.load(words)
    assert str(error.value) == f"{words} is a classifier of sounds, not of pictures; audiocnn.load reads it"


def test_a_batch_for_which_the_cache_is_too_small_is_scored_in_parts(classifier):
    pictures = list(torch.rand(300, 3, 32, 32))
    calls = []
    hook = classifier.net.register_forward_hook(lambda _, inputs, __: calls.append(len(inputs[0])))
    scores = classifier.score_pictures(pictures)
    large = classifier.score_pictures([torch.rand(3, 64, 64)] * 40)
    hook.remove()
    # the largest layer gives 16 x 32 x 32 numbers of 4 bytes, of which 128 fill 8 MiB
    assert calls == [128, 128, 44, 32, 8]
    torch.testing.assert_close(scores[290:], classifier.score_pictures(pictures[290:]), rtol=0, atol=1e-6)
    torch.testing.assert_close(large[0], large[39])


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (
            torch.zeros(1, 32, 32),
            (
                "a picture of shape (1, 32, 32) must be (channel, rows, columns) of 3 channels and at least "
                "32 x 32; resize it first, or give its file"
            ),
        ),
        (
            torch.zeros(3, 31, 40),
            (
                "a picture of shape (3, 31, 40) must be (channel, rows, columns) of 3 channels and at least "
                "32 x 32; resize it first, or give its file"
            ),
        ),
        (
            torch.zeros(3, 32, 32, dtype=torch.uint8),
            (
                "a picture must hold finite floating-point values from 0, black, to 1, white; divide bytes "
                "by 255"
            ),
        ),
        (
            torch.full((3, 32, 32), torch.nan),
            (
                "a picture must hold finite floating-point values from 0, black, to 1, white; divide bytes "
                "by 255"
            ),
        ),
    ],
)
def test_pictures_that_cannot_be_scored(classifier, picture, message):
    with pytest.raises(ParameterError) as error:
        classifier.predict(picture)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: config(in_channels=1),
            "in_channels=1 must be 3, as a picture has",
        ),
        (
            lambda: config(input_size=(28, 28)),
            "input_size=(28, 28) must be (32, 32), the size of a picture, or None",
        ),
        (lambda: config(labels=("cat",)), "labels: 1 for num_classes=3; give one for each class"),
    ],
)
def test_parts_that_do_not_fit(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message


def test_a_net_for_sound_is_refused():
    with pytest.raises(ParameterError) as error:
        ImageClassifier(config(name="tc_resnet_8"))
    assert str(error.value).startswith("name='tc_resnet_8' is no model for pictures; there are ")
