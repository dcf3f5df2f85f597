"""A report says what the scores of labelled recordings are worth."""

import json

import laws
import matplotlib.image
import pytest
import torch

from audiocnn import ManifestError, ParameterError
from audiocnn.data.manifest import Clip, read_manifest
from audiocnn.evaluate import Evaluation, choose_split, evaluate


@pytest.fixture
def worked():
    """Ten clips, seven of them right."""
    predicted = [0, 0, 0, 1, 1, 1, 1, 2, 2, 0]
    return Evaluation(
        labels=("no", "up", "yes"),
        scores=torch.eye(3)[predicted],
        targets=torch.tensor([0, 0, 1, 1, 1, 1, 2, 2, 2, 2]),
    )


def test_a_report_of_worked_numbers(worked):
    assert worked.accuracy == 0.7
    assert str(worked) == (
        "label  precision  recall     f1  support\n"
        "no         0.500   1.000  0.667        2\n"
        "up         0.750   0.750  0.750        4\n"
        "yes        1.000   0.500  0.667        4\n"
        "\n"
        "true \\ predicted a b c\n"
        "a no             2 . .\n"
        "b up             1 3 .\n"
        "c yes            1 1 2\n"
        "\n"
        "accuracy 70.00 % (7 of 10 clips), macro F1 0.6944"
    )
    figures = json.loads(json.dumps(worked.as_dict()))
    assert figures["clips"] == 10 and figures["accuracy"] == 0.7
    assert figures["confusion"] == [[2, 0, 0], [1, 3, 0], [1, 1, 2]]
    assert figures["classes"]["up"] == {"precision": 0.75, "recall": 0.75, "f1": 0.75, "support": 4}


@pytest.mark.parametrize("ending", [".png", ".svg", ".pdf"])
def test_the_confusion_as_a_picture(worked, tmp_path, ending):
    path = tmp_path / f"confusion{ending}"
    worked.draw_confusion(path)
    content = path.read_bytes()
    assert content.startswith({".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[ending])
    if ending == ".svg":
        assert b"accuracy 70.00 % of 10 clips" in content
    if ending == ".png":
        picture = matplotlib.image.imread(path)
        assert picture.shape[0] > 400 and picture.std() > 0.05


def test_a_picture_of_another_kind_is_refused(worked, tmp_path):
    with pytest.raises(ParameterError) as error:
        worked.draw_confusion(tmp_path / "confusion.xyz")
    assert str(error.value) == f"picture={tmp_path / 'confusion.xyz'} must end in .png, .svg or .pdf"


def test_scores_are_those_of_predict(run, tones):
    _, classifier = run
    clips = read_manifest(tones)[::7]
    evaluation = evaluate(classifier, clips)
    for clip, scores, target in zip(clips, evaluation.scores, evaluation.targets, strict=True):
        expected = torch.tensor(list(classifier.predict(clip.path).scores.values()))
        torch.testing.assert_close(scores, expected, rtol=1e-5, atol=1e-6)
        assert classifier.labels[target] == clip.label


def test_which_split(tmp_path):
    clips = [
        Clip(path=tmp_path / f"{i}.wav", label="a", split=split)
        for i, split in enumerate(["train", "train", "validation", "test"])
    ]
    bare = [Clip(path=tmp_path / "1.wav", label="a")]
    assert choose_split(clips, "test") == clips[3:]
    assert choose_split(clips, "train") == clips[:2]
    assert choose_split(clips, "all") == clips
    assert choose_split(bare, "all") == bare
    with pytest.raises(ParameterError) as error:
        choose_split(clips[:3], "test")
    assert str(error.value) == (
        "split='test' has no clips; the manifest has train, validation, or take 'all'"
    )
    with pytest.raises(ParameterError) as error:
        choose_split(bare, "test")
    assert str(error.value) == "split='test' has no clips; the manifest has no splits, or take 'all'"


def test_nothing_is_left_out_silently(tmp_path):
    classifier = laws.classifier("tc_resnet_8", "valid")
    clips = [Clip(path=tmp_path / f"{i}.wav", label="left") for i in range(2)]
    with pytest.raises(ManifestError) as error:
        evaluate(classifier, clips)
    assert str(error.value) == (
        "these recordings cannot be read (2):\n"
        f"  {clips[0].path} does not exist; check the name and the folder\n"
        f"  {clips[1].path} does not exist; check the name and the folder"
    )
    strange = [Clip(path=tmp_path / "0.wav", label="up"), Clip(path=tmp_path / "1.wav", label=None)]
    with pytest.raises(ManifestError) as error:
        evaluate(classifier, strange)
    assert str(error.value) == (
        "the classifier does not know the labels of these clips (2):\n"
        f"  {strange[0].path}: label 'up'\n"
        f"  {strange[1].path}: label None"
    )
