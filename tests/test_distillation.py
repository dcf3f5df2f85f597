"""Learning from the scores of other classifiers."""

from dataclasses import replace

import pytest
import torch
from conftest import TRAINED_WITH

from audiocnn import Classifier, ClassifierConfig
from audiocnn.config import TrainConfig
from audiocnn.data.manifest import read_manifest
from audiocnn.distillation import load_teachers, teachers_scores
from audiocnn.errors import ParameterError
from audiocnn.frontends import LogMelConfig
from audiocnn.loss import training_loss
from audiocnn.models import NetConfig
from audiocnn.train import fit

PLAIN = {
    "mixup_alpha": 0.0,
    "label_smoothing": 0.0,
    "n_freq_masks": 0,
    "n_time_masks": 0,
    "min_gain_db": 0.0,
    "max_gain_db": 0.0,
}


def classifier(labels=("high", "low"), *, rate=16000, window=None, seed=0, name="tc_resnet_8"):
    torch.manual_seed(seed)
    net = NetConfig(name=name, num_classes=len(labels), input_size=(None, window))
    front_end = LogMelConfig(sample_rate=rate, f_max=rate / 2)
    return Classifier(ClassifierConfig(labels=labels, front_end=front_end, net=net)).eval()


def test_scores_are_the_mean_of_the_teachers():
    teachers = [classifier(seed=1), classifier(seed=2)]
    waveforms = torch.randn(3, teachers[0].geometry.span)
    alone = [teachers_scores([teacher], waveforms) for teacher in teachers]
    torch.testing.assert_close(teachers_scores(teachers, waveforms), (alone[0] + alone[1]) / 2)
    torch.testing.assert_close(alone[0].sum(dim=1), torch.ones(3))


def test_there_is_a_teacher():
    with pytest.raises(ParameterError, match=r"^teachers is empty; give one classifier at least$"):
        teachers_scores([], torch.zeros(2, 16000))


def test_a_teacher_hears_the_middle_or_silence_around():
    teacher = classifier(window=120)
    span = teacher.geometry.span
    waveforms = torch.randn(2, span)
    expected = teachers_scores([teacher], waveforms)
    around = torch.nn.functional.pad(waveforms, (102, 101), value=7.0)
    torch.testing.assert_close(teachers_scores([teacher], around), expected)
    silent = waveforms.clone()
    silent[:, :100] = silent[:, -101:] = 0
    torch.testing.assert_close(
        teachers_scores([teacher], waveforms[:, 100:-101]), teachers_scores([teacher], silent)
    )


def test_the_loss_is_the_cross_entropy_with_the_teachers_scores(tmp_path):
    student, teacher = classifier(seed=1), classifier(seed=2)
    config = TrainConfig(data=tmp_path, out=tmp_path, **PLAIN)
    waveforms = torch.randn(4, student.geometry.span)
    losses = [
        training_loss(
            student,
            waveforms,
            targets,
            config=config,
            generator=torch.Generator().manual_seed(0),
            teachers=[teacher],
        )
        for targets in (torch.tensor([0, 1, 0, 1]), torch.tensor([1, 1, 1, 0]))  # which must not matter
    ]
    with torch.no_grad():
        logits, taught = (one(waveforms)[..., 0] for one in (student, teacher))
    expected = -(taught.softmax(dim=1) * logits.log_softmax(dim=1)).sum(dim=1).mean()
    torch.testing.assert_close(losses[0], expected)
    assert losses[0] == losses[1]
    losses[0].backward()
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_a_student_learns_the_tones_from_a_teacher_alone(run, tones, tmp_path):
    teacher = run[0] / "model.safetensors"
    # in half as many epochs some seeds learn them, some do not yet
    settings = TRAINED_WITH | {"epochs": 32}
    taught = TrainConfig(data=tones, out=tmp_path / "student", teachers=(teacher,), **settings)
    student = fit(replace(taught, model="tc_resnet_14_0_4", label_smoothing=0.0))
    right = [
        student.predict(clip.path).label == clip.label
        for clip in read_manifest(taught.out / "split.csv")
        if clip.split == "test"
    ]
    assert len(right) == 4 and all(right)
    # the file of the run holds the student alone
    assert student.state_dict().keys() == classifier(name="tc_resnet_14_0_4").state_dict().keys()


def test_teachers_of_other_labels_or_rates_are_refused(tmp_path):
    student = classifier()
    path = tmp_path / "teacher.safetensors"
    classifier(("low", "high")).save(path)
    with pytest.raises(ParameterError) as error:
        load_teachers([path], student)
    assert str(error.value) == (
        f"teachers: {path} tells other labels than the 2 of the recordings; give a classifier that was "
        "trained on the same ones"
    )
    classifier(rate=8000).save(path)
    with pytest.raises(ParameterError) as error:
        load_teachers([path], student)
    assert str(error.value) == (
        f"teachers: {path} hears 8000 Hz, the front-end 16000 Hz; give a classifier of the same rate"
    )


def test_teachers_are_a_tuple_of_files(tmp_path):
    with pytest.raises(ParameterError, match=r"^teachers='a\.safetensors' must be a tuple of files$"):
        TrainConfig(data=tmp_path, out=tmp_path, teachers="a.safetensors")
    config = TrainConfig(data=tmp_path, out=tmp_path, teachers=["a.safetensors"])
    assert config.teachers == (tmp_path.__class__("a.safetensors"),)
