"""A report says what the scores of labelled recordings are worth."""

import json
import re
from dataclasses import replace

import laws
import matplotlib.image
import numpy as np
import pytest
import soundfile
import torch

from audiocnn import ManifestError, ParameterError, metrics
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
    # a: 3 of 5 right, b: 4 of 5; macro F1 (2/3 + 1/2 + 2/3) / 3 and (2/3 + 1 + 2/3) / 3
    evaluation = replace(worked, groups=tuple("ababababab"), grouped_by="speaker")
    assert evaluation.accuracy == 0.7
    assert str(evaluation) == (
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
        "macro F1 0.6944 (95 % interval 0.6111 to 0.7778 or wider)\n"
        "accuracy 70.00 % (7 of 10 clips; 95 % interval 60.00 to 80.00 or wider, from only 2 speakers)"
    )
    figures = json.loads(json.dumps(evaluation.as_dict()))
    assert figures["clips"] == 10 and figures["accuracy"] == 0.7
    assert figures["top_1_error"] == pytest.approx(0.3) and figures["top_5_error"] is None
    assert figures["intervals"] == {
        "level": 0.95,
        "accuracy": [0.6, 0.8],
        "macro_f1": [pytest.approx(11 / 18), pytest.approx(14 / 18)],
        "resampled": "speaker",
        "groups": 2,
        "resamples": 2000,
        "seed": 0,
    }
    assert figures["confusion"] == [[2, 0, 0], [1, 3, 0], [1, 1, 2]]
    assert figures["classes"]["up"] == {"precision": 0.75, "recall": 0.75, "f1": 0.75, "support": 4}


def figures(evaluation):
    """The last lines of a report."""
    return str(evaluation).split("\n\n")[-1].splitlines()


def test_the_interval_is_that_of_the_groups(worked):
    evaluation = replace(worked, groups=tuple("abcdeabcde"), grouped_by="speaker")
    answers = (worked.scores.argmax(dim=1), worked.targets)
    assert evaluation.intervals == metrics.bootstrap_intervals(*answers, torch.arange(10) % 5, 3)
    assert worked.intervals == metrics.bootstrap_intervals(*answers, torch.arange(10), 3)
    assert figures(worked)[-1].endswith(" or wider, from only 10 clips)")
    many = Evaluation(
        labels=("no", "yes"),
        scores=torch.eye(2)[[0, 1] * 100],
        targets=torch.tensor([1, 1] * 100),
        groups=tuple(f"{i}.wav" for i in range(200)),
        grouped_by="file",
    )
    assert re.fullmatch(
        r"accuracy 50\.00 % \(100 of 200 clips; 95 % interval 43\.\d\d to 57\.\d\d, from 200 files\)",
        figures(many)[-1],
    )
    assert re.fullmatch(r"macro F1 0\.3333 \(95 % interval 0\.30\d\d to 0\.36\d\d\)", figures(many)[-2])


def test_where_there_is_no_interval_the_report_says_why(worked):
    alone = replace(worked, groups=("ada",) * 10, grouped_by="speaker")
    assert figures(alone) == [
        "macro F1 0.6944",
        "accuracy 70.00 % (7 of 10 clips; no interval from a single speaker)",
    ]
    assert alone.as_dict()["intervals"]["accuracy"] is None
    perfect = replace(worked, targets=worked.scores.argmax(dim=1))
    assert figures(perfect) == [
        "macro F1 1.0000",
        "accuracy 100.00 % (10 of 10 clips; no interval, as all 10 clips score alike)",
    ]


@pytest.mark.parametrize("classes", [2, 5, 6, 40])
def test_with_more_than_five_classes_the_best_five_count_too(classes):
    # the true class is the best of one clip, the fifth best of one, and at best the sixth of two
    scores = torch.linspace(1.0, 0.0, classes).expand(4, -1)
    targets = torch.tensor([0, min(4, classes - 1), min(5, classes - 1), classes - 1])
    evaluation = Evaluation(labels=tuple(map(str, range(classes))), scores=scores, targets=targets)
    has_top_5 = classes > 5
    assert evaluation.top_1_error == 0.75 == evaluation.as_dict()["top_1_error"]
    assert evaluation.top_5_error == (0.5 if has_top_5 else None) == evaluation.as_dict()["top_5_error"]
    shown = ", top-1 error 75.00 %, top-5 error 50.00 %" if has_top_5 else ""
    assert figures(evaluation)[0].endswith(f"){shown}")


def test_a_group_for_each_clip(worked):
    with pytest.raises(ParameterError) as error:
        replace(worked, groups=("ada", "bob"))
    assert str(error.value) == "groups names 2 groups for 10 clips; name that of each"


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
    assert evaluation.groups == tuple(str(clip.path) for clip in clips)
    assert evaluation.grouped_by == "file"


def test_speakers_are_drawn_where_all_are_known(run, tones):
    clips = [replace(clip, speaker=f"{i % 3}") for i, clip in enumerate(read_manifest(tones)[::7])]
    evaluation = evaluate(run[1], clips)
    assert evaluation.groups == ("0", "1", "2", "0", "1", "2", "0") and evaluation.grouped_by == "speaker"
    assert evaluate(run[1], [*clips[1:], replace(clips[0], speaker=None)]).grouped_by == "file"


def test_parts_of_a_file_are_judged_each_by_its_label_and_drawn_together(run, tones, tmp_path):
    high, low = (soundfile.read(tones / label / "00.flac")[0] for label in ("high", "low"))
    path = tmp_path / "both.wav"
    soundfile.write(path, np.concatenate((high, low)), 16000)
    seconds, length = len(high) / 16000, (len(high) + len(low)) / 16000
    clips = [Clip(path=path, label="high", stop=seconds), Clip(path=path, label="low", start=seconds)]
    evaluation = evaluate(run[1], clips)
    assert evaluation.accuracy == 1.0
    assert figures(evaluation)[-1] == "accuracy 100.00 % (2 of 2 clips; no interval from a single file)"
    with pytest.raises(ManifestError) as error:
        evaluate(run[1], [*clips, replace(clips[0], start=60.0, stop=None)])
    assert str(error.value) == (
        "these recordings cannot be read (1):\n"
        f"  start_seconds=60.0 is behind the end of {path}, which is {length:.3f} s long"
    )


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
    with pytest.raises(ManifestError) as error:
        evaluate(classifier, [])
    assert str(error.value) == "there are no clips to judge; give at least one"
    strange = [Clip(path=tmp_path / "0.wav", label="up"), Clip(path=tmp_path / "1.wav", label=None)]
    with pytest.raises(ManifestError) as error:
        evaluate(classifier, strange)
    assert str(error.value) == (
        "the classifier does not know the labels of these clips (2):\n"
        f"  {strange[0].path}: label 'up'\n"
        f"  {strange[1].path}: label None"
    )


def test_any_label_can_be_drawn(tmp_path):
    labels = ("$\\frac$", "a$b$", "\u6c34")
    evaluation = Evaluation(labels=labels, scores=torch.eye(3), targets=torch.arange(3))
    evaluation.draw_confusion(tmp_path / "confusion.png")
    assert (tmp_path / "confusion.png").read_bytes().startswith(b"\x89PNG")
