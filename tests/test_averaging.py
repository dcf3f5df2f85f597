"""Several views of an example score as each of them does, averaged."""

from dataclasses import replace

import laws
import numpy as np
import pytest
import soundfile
import torch

from audiocnn.averaging import Averaging, mean_scores, scaled, shifted, ten_crop
from audiocnn.classifier_config import ImageClassifierConfig
from audiocnn.data.manifest import Clip
from audiocnn.data.picture_corpus import PictureCorpus
from audiocnn.errors import ParameterError
from audiocnn.evaluate import evaluate, evaluate_pictures
from audiocnn.image_classifier import ImageClassifier
from audiocnn.models import NetConfig
from audiocnn.picture import PictureConfig
from audiocnn.picture import read as read_picture
from audiocnn.predict import score_files

LABELS = ("cat", "dog")
SIZE = PictureConfig(rows=32, columns=32)


def fresh(seed=0, labels=LABELS, picture=SIZE):
    """A classifier whose scores hang on what it sees."""
    torch.manual_seed(seed)
    net = NetConfig(name="resnet20", num_classes=len(labels), in_channels=picture.channels)
    classifier = ImageClassifier(ImageClassifierConfig(labels=labels, picture=picture, net=net))
    with torch.no_grad():  # to about 1
        classifier.net.logits.weight /= classifier.eval()(
            torch.rand(8, 3, picture.rows, picture.columns)
        ).std()
    return classifier


@pytest.fixture(scope="module")
def classifier():
    return fresh()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Pictures of several sizes, each with a label."""
    from PIL import Image

    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    clips = []
    for i, (height, width) in enumerate([(32, 32), (50, 80), (90, 40), (61, 61)]):
        coarse = Image.fromarray(rng.integers(0, 256, (5, 5, 3)).astype(np.uint8))
        coarse.resize((width, height)).save(folder / f"{i}.png")
        clips.append(Clip(path=folder / f"{i}.png", label=LABELS[i % 2]))
    return clips


@pytest.mark.parametrize("size", [(40, 40), (41, 39), (33, 60), (35, 37)])
def test_ten_crops_are_torchvisions(size):
    functional = pytest.importorskip("torchvision.transforms.functional")
    picture = torch.rand(3, *size)
    expected = functional.ten_crop(picture, [32, 34])
    for crop, other in zip(ten_crop(picture, 32, 34), expected, strict=True):
        assert torch.equal(crop, other)
    batch = torch.rand(2, 1, *size)
    assert torch.equal(ten_crop(batch, 32, 34)[:, 1], ten_crop(batch[1], 32, 34))


def test_ten_crop_scores_are_the_mean_of_ten_explicit_crops(classifier, files):
    # 32 / 0.875 rounds to 37, of which 5 are left over: the centre begins at round(2.5) = 2
    larger = replace(SIZE, rows=37, columns=37)
    for file, clip in zip(
        score_files(classifier, files, averaging=Averaging(ten_crop=True)), files, strict=True
    ):
        whole = larger.read(clip.path)
        crops = []
        for some in (whole, whole.flip(2)):
            crops += [some[:, :32, :32], some[:, :32, 5:], some[:, 5:, :32], some[:, 5:, 5:]]
            crops.append(some[:, 2:34, 2:34])
        with torch.inference_mode():
            scores = [classifier(crop[None]).softmax(dim=1)[0, :, 0, 0] for crop in crops]
        torch.testing.assert_close(file.scores, torch.stack(scores).mean(dim=0))
        assert torch.stack(scores).std(dim=0).max() > 1e-3  # they are not all alike


def test_crops_are_cut_from_what_the_single_view_is_cut_from():
    config = replace(SIZE, crop_share=0.8)
    picture = torch.rand(3, 50, 70)
    views = Averaging(ten_crop=True).of_picture(picture, config)
    assert torch.equal(views[4], config.fitted(picture))
    assert torch.equal(views[9], config.fitted(picture).flip(2))


def test_crops_of_what_is_never_resized_move_it():
    config = PictureConfig(rows=32, columns=32, channels=1, how="centre", background=0.0)
    digit = torch.rand(1, 28, 28)
    views = Averaging(ten_crop=True).of_picture(digit, config)
    # of 37 x 37, in which it begins at 4
    assert torch.equal(views[0][:, 4:32, 4:32], digit) and views[0][:, :4].max() == 0
    assert torch.equal(views[3][:, :27, :27], digit[:, 1:, 1:])


def test_scales_are_scanned_and_averaged_with_their_mirror_images(classifier, files):
    averaging = Averaging(scales=(1.0, 1.5))
    for file, clip in zip(score_files(classifier, files, averaging=averaging), files, strict=True):
        picture = read_picture(clip.path)
        height, width = picture.shape[1:]
        scores = []
        for shorter in (32, 48):  # and no part cut off
            size = [round(side * shorter / min(height, width)) for side in (height, width)]
            whole = replace(SIZE, rows=size[0], columns=size[1], how="stretch").fitted(picture)
            with torch.inference_mode():
                for view in (whole, whole.flip(2)):
                    scores.append(classifier(view[None]).softmax(dim=1)[0].mean(dim=(1, 2)))
        torch.testing.assert_close(file.scores, torch.stack(scores).mean(dim=0))


@pytest.mark.parametrize("how", ["crop", "stretch", "pad", "centre"])
def test_scale_one_of_a_picture_of_the_right_shape_is_the_single_view(how):
    config = replace(SIZE, how=how)
    view, mirror = scaled(torch.ones(3, 64, 64).cumsum(dim=2) / 64, config, [1.0])
    assert torch.equal(view, config.fitted(torch.ones(3, 64, 64).cumsum(dim=2) / 64))
    assert torch.equal(mirror, view.flip(2))


@pytest.mark.parametrize(
    ("how", "shape"), [("crop", (48, 96)), ("stretch", (48, 48)), ("pad", (48, 48)), ("centre", (48, 48))]
)
def test_the_sizes_of_a_scale(how, shape):
    views = scaled(torch.rand(1, 40, 80), replace(SIZE, how=how), [1.5])
    assert [view.shape for view in views] == [(3, *shape)] * 2


def test_the_papers_sizes():
    config = PictureConfig(rows=224, columns=224, crop_share=0.875)
    views = scaled(torch.rand(3, 512, 512), config, [0.875, 1, 1.125])
    assert [view.shape[1] for view in views[::2]] == [224, 256, 288]


def test_places_in_a_window():
    clip = torch.arange(1.0, 6.0)
    places = []
    for view in shifted(clip, 12, 5):
        left = (12 - len(view)) // 2  # where prediction puts it
        window = torch.zeros(12)
        window[left : left + len(view)] = view
        begin = int((window == 1).nonzero())
        assert torch.equal(window[begin : begin + 5], clip) and window.count_nonzero() == 5
        places.append(begin)
    assert places == [0, 1, 3, 5, 7]
    assert len(shifted(clip, 7, 9)) == 3  # there are no more
    assert [view.tolist() for view in shifted(clip, 5, 3) + shifted(clip, 4, 3) + shifted(clip, 12, 1)] == [
        clip.tolist()
    ] * 3


def test_shifted_scores_are_the_mean_over_the_places(tmp_path):
    classifier = laws.Case("", lambda: laws.classifier("tc_resnet_8", "valid"), ()).module(torch.float32)
    window, samples = classifier.window, torch.randn(9000) / 10
    soundfile.write(tmp_path / "clip.wav", samples.numpy(), 16000, subtype="FLOAT")
    [file] = score_files(classifier, [tmp_path / "clip.wav"], averaging=Averaging(shifts=3))
    expected = []
    for left in (0, (window - 9000) // 2, window - 9000):
        heard = torch.zeros(window)
        heard[left : left + 9000] = samples
        with torch.inference_mode():
            expected.append(classifier.probabilities(classifier(heard[None]))[0, :, 0])
    torch.testing.assert_close(file.scores, torch.stack(expected).mean(dim=0))
    assert (expected[0] - expected[2]).abs().max() > 1e-4


def test_a_long_recording_has_no_shifts(tmp_path):
    classifier = laws.Case("", lambda: laws.classifier("tc_resnet_8", "valid"), ()).module(torch.float32)
    for name, seconds in (("a", 3), ("b", 11)):  # the second is read in blocks
        soundfile.write(
            tmp_path / f"{name}.wav", np.random.default_rng(0).normal(0, 0.1, seconds * 16000), 16000
        )
    paths = [tmp_path / "a.wav", tmp_path / "b.wav"]
    rows = zip(
        score_files(classifier, paths),
        score_files(classifier, paths, averaging=Averaging(shifts=3)),
        strict=True,
    )
    assert all(torch.equal(plain.scores, shifts.scores) for plain, shifts in rows)


def test_several_classifiers_are_judged_by_the_mean_of_their_scores(classifier, files):
    other = fresh(seed=1, picture=PictureConfig(rows=24, columns=40))
    alone = [evaluate(one, files).scores for one in (classifier, other)]
    both = evaluate([classifier, other], files)
    assert torch.equal(both.scores, torch.stack(alone).mean(dim=0))
    assert (alone[0] - alone[1]).abs().max() > 1e-3
    assert (both.unit, both.grouped_by) == ("picture", "picture")
    drawn = [replace(clip, speaker="ada") for clip in files]
    assert evaluate(classifier, drawn).grouped_by == "author"


def test_pictures_at_hand_are_viewed_as_files_are(classifier, files):
    bytes_ = (read_picture(files[3].path)[None] * 255).round().to(torch.uint8)
    corpus = PictureCorpus(pictures=bytes_, targets=torch.tensor([1]), labels=LABELS)
    for averaging in (Averaging(), Averaging(ten_crop=True), Averaging(scales=(1.0, 1.25))):
        [file] = score_files(classifier, [files[3].path], averaging=averaging)
        scores = evaluate_pictures(classifier, corpus, averaging=averaging).scores
        torch.testing.assert_close(scores, file.scores[None], rtol=0, atol=1e-6)
    other = fresh(seed=1)
    both = evaluate_pictures([classifier, other], corpus).scores
    alone = [evaluate_pictures(one, corpus).scores for one in (classifier, other)]
    assert torch.equal(both, torch.stack(alone).mean(dim=0))


def test_pictures_of_the_right_size_are_judged_as_they_are():
    """A corpus that training has fitted is not cropped once more."""
    classifier = fresh(picture=replace(SIZE, crop_share=0.5))
    pictures = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    corpus = PictureCorpus(pictures=pictures, targets=torch.tensor([0, 1]), labels=LABELS)
    expected = classifier.score_pictures(list(pictures / 255))
    torch.testing.assert_close(evaluate_pictures(classifier, corpus).scores, expected)


def test_the_mean_over_views_of_no_example():
    assert mean_scores(lambda views: torch.empty(len(views), 3), []).shape == (0, 3)


@pytest.mark.parametrize(
    ("averaging", "text"),
    [
        (Averaging(), ""),
        (Averaging(ten_crop=True), "ten crops"),
        (Averaging(scales=(0.875, 1.0)), "scales 0.875, 1"),
        (Averaging(shifts=5), "5 shifts"),
    ],
)
def test_what_a_headline_says(averaging, text):
    assert str(averaging) == text


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (
            lambda: Averaging(ten_crop=True, scales=(1.0,)),
            "scales=(1.0,) and ten_crop are two ways to view a picture; take one of them",
        ),
        (
            lambda: Averaging(scales=(1.0, 0.0)),
            "scales=(1.0, 0.0) must be positive; 1 is the size of a single view",
        ),
        (lambda: Averaging(shifts=0), "shifts=0 must be a positive integer; 1 is the middle alone"),
        (
            lambda: ten_crop(torch.zeros(3, 31, 40), 32, 32),
            "a picture of 31 x 40 is smaller than a crop of 32 x 32; resize it first",
        ),
        (
            lambda: scaled(torch.zeros(3, 40, 40), replace(SIZE, crop_share=0.8), [0.7, 1.0]),
            "scales=(0.7, 1.0) must be at least 0.8, where a picture is the 32 x 32 that the net reads",
        ),
        (
            lambda: Averaging(shifts=3).of_picture(torch.zeros(3, 40, 40), SIZE),
            "shifts=3 are of recordings; pictures have ten_crop, or scales",
        ),
        (
            lambda: Averaging(ten_crop=True).of_recording(torch.zeros(9), 10),
            "ten_crop is of pictures; recordings have shifts",
        ),
        (
            lambda: Averaging(scales=(1.0,)).of_recording(torch.zeros(9), 10),
            "scales=(1.0,) are of pictures; recordings have shifts",
        ),
        (
            lambda: score_files(fresh(), [], averaging=Averaging(shifts=3)),
            "shifts=3 are of recordings; pictures have ten_crop, or scales",
        ),
        (lambda: evaluate([], []), "classifiers is empty; give one at least"),
        (
            lambda: evaluate([fresh(), laws.classifier("tc_resnet_8", "valid")], []),
            "classifiers of pictures and of recordings have no common score; give those of one kind",
        ),
        (
            lambda: evaluate([fresh(), fresh(labels=("cat", "owl"))], []),
            (
                "classifiers of other labels (only one of two tells dog, owl) have no common score; give "
                "those that learned the same"
            ),
        ),
        (
            lambda: evaluate([fresh(), fresh(labels=("dog", "cat"))], []),
            (
                "classifiers of other labels (the order differs) have no common score; give those that "
                "learned the same"
            ),
        ),
    ],
)
def test_what_cannot_be_averaged(attempt, message):
    with pytest.raises(ParameterError) as error:
        attempt()
    assert str(error.value) == message
