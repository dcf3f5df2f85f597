"""Training from recordings to a file, on two tones that any net can tell apart."""

import csv
import json
import logging
from functools import partial

import numpy as np
import pytest
import soundfile
import torch
from conftest import TRAINED_WITH

import audiocnn
from audiocnn.config import TrainConfig
from audiocnn.data.batches import Batches, epoch_generator
from audiocnn.data.corpus import Corpus
from audiocnn.data.manifest import Clip, read_manifest
from audiocnn.data.statistics import feature_statistics
from audiocnn.errors import ManifestError, ParameterError
from audiocnn.frontends import LogMel, LogMelConfig
from audiocnn.layers import SemiOrthogonalConv1d
from audiocnn.loss import training_loss
from audiocnn.models import MODELS
from audiocnn.schedule import LearningRate, make_optimizer
from audiocnn.train import fit

RATE = 16000


def config(tones, out, **changes):
    return TrainConfig(data=tones, out=out, **{**TRAINED_WITH, **changes})


def test_two_tones_are_learned(run, tones):
    out, classifier = run
    assert not classifier.training
    assert classifier.labels == ("high", "low")
    test = [clip for clip in read_manifest(out / "split.csv") if clip.split == "test"]
    assert len(test) == 4
    for clip in test:
        assert classifier.predict(clip.path).label == clip.label


def test_a_run_leaves_all_that_describes_it(run, tones):
    out, classifier = run
    assert {p.name for p in out.iterdir()} == {
        "config.json",
        "last.ckpt",
        "last.safetensors",
        "metrics.csv",
        "model.safetensors",
        "split.csv",
        "tensorboard",
    }
    settings = json.loads((out / "config.json").read_text())
    assert settings["data"] == str(tones) and settings["epochs"] == 16 and settings["seed"] == 0
    rows = metrics_of(out)
    assert [row["epoch"] for row in rows] == [str(epoch) for epoch in range(1, 17)]
    assert rows[0].keys() == {"epoch", "loss", "learning_rate", "validation_loss", "validation_accuracy"}
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert len(list((out / "tensorboard").glob("events.out.tfevents.*"))) == 1
    assert audiocnn.load(out / "last.safetensors").labels == classifier.labels
    saved = audiocnn.load(out / "model.safetensors")
    clip = torch.rand(RATE)
    assert saved.predict(clip, sample_rate=RATE) == classifier.predict(clip, sample_rate=RATE)


def test_the_statistics_are_those_of_the_unpadded_training_recordings(run, tones):
    out, classifier = run
    frames = [
        classifier.front_end(torch.from_numpy(soundfile.read(clip.path, dtype="float32")[0])[None])[0, 0]
        for clip in read_manifest(out / "split.csv")
        if clip.split == "train"
    ]
    rows = torch.cat(frames, dim=1).double()
    torch.testing.assert_close(classifier.normalize.mean.double(), rows.mean(dim=1), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        classifier.normalize.deviation.double(), rows.std(dim=1, correction=0), rtol=1e-3, atol=0.0
    )


def test_the_same_seed_trains_the_same_weights(run, tones, tmp_path):
    torch.manual_seed(1)  # which must not matter
    again = fit(config(tones, tmp_path / "again"))
    for name, tensor in run[1].state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], tensor, rtol=1e-3, atol=1e-4)
    other = fit(config(tones, tmp_path / "other", seed=1, epochs=1))
    assert not torch.equal(other.net.logits.weight, again.net.logits.weight)


def test_dropout_is_drawn_from_the_seed_too(tones, tmp_path):
    nets = []
    for i in range(2):
        torch.manual_seed(i)  # which must not matter
        small = {"model": "bc_resnet_1", "epochs": 1}
        nets.append(fit(config(tones, tmp_path / str(i), **small)).net.state_dict())
    for name, tensor in nets[0].items():
        torch.testing.assert_close(nets[1][name], tensor, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("model", "padding"), [("tdnn", "valid"), ("bc_resnet_1", "same")])
def test_every_kind_of_net_trains(tones, tmp_path, caplog, model, padding):
    with caplog.at_level(logging.INFO, logger="audiocnn"):
        classifier = fit(config(tones, tmp_path, model=model, padding=padding, epochs=1))
    assert classifier.config.net.name == model and classifier.config.net.padding == padding
    assert "epoch 1 of 1: loss" in caplog.text and "validation accuracy" in caplog.text


def test_semi_orthogonal_factors_are_kept_so(tones, tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "tdnn_f", partial(MODELS["tdnn_f"], width=1 / 32))
    net = fit(config(tones, tmp_path, model="tdnn_f", epochs=4)).bare_net
    factors = [part.weight.flatten(1) for part in net.modules() if isinstance(part, SemiOrthogonalConv1d)]
    assert len(factors) == 16
    for factor in factors:
        lengths = factor.norm(dim=1)
        cosines = (factor / lengths[:, None]) @ (factor / lengths[:, None]).T
        assert (cosines - torch.eye(len(factor))).abs().max() < 0.1  # without the constraint 0.2 and more
        assert lengths.max() / lengths.min() < 1.1


def test_a_window_of_its_own(tones, tmp_path):
    classifier = fit(config(tones, tmp_path, window=120, epochs=1))
    assert classifier.config.net.input_size == (40, 119)  # as far as the strides reach


@pytest.mark.parametrize("model", ["tc_resnet_8", "bc_resnet_1"])
def test_a_bare_loop_trains_the_same_weights(tones, tmp_path, model):
    run = config(tones, tmp_path / "run", model=model, epochs=3, schedule="step", mixup_alpha=0.3)
    fit(run)
    fitted = audiocnn.load(run.out / "last.safetensors")

    clips = [clip for clip in read_manifest(run.out / "split.csv") if clip.split == "train"]
    torch.manual_seed(run.seed)
    classifier = audiocnn.Classifier(fitted.config)
    corpus = Corpus.load(clips, labels=classifier.labels, sample_rate=classifier.sample_rate)
    mean, deviation = feature_statistics(corpus, classifier.front_end)
    classifier.normalize.set_statistics(mean=mean, deviation=deviation)
    batches = Batches(
        corpus,
        window=classifier.geometry.span,
        batch_size=run.batch_size,
        seed=run.seed,
        speed_percents=run.speed_percents,
    )
    optimizer = make_optimizer(classifier.net.parameters(), run)
    rate = LearningRate(optimizer, run, steps_per_epoch=len(batches))
    classifier.train()
    for epoch in range(run.epochs):
        torch.manual_seed(epoch_generator(run.seed, epoch, "dropout").initial_seed())
        generator = epoch_generator(run.seed, epoch, "augmentation")
        for waveforms, targets in batches:
            loss = training_loss(classifier, waveforms, targets, config=run, generator=generator)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rate.step()
    for clip in clips[:4]:
        bare, lightning = (one.predict(clip.path).scores for one in (classifier, fitted))
        for label in classifier.labels:
            assert bare[label] == pytest.approx(lightning[label], abs=1e-6)


def test_noise_fills_the_silence_around_a_recording(run, tones, tmp_path):
    classifier = run[1]
    noise = Corpus.load(
        [Clip(path=tones / "low" / "00.flac", label="noise")], labels=("noise",), sample_rate=RATE
    )
    heard = []
    classifier.front_end.register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0]))
    silent = torch.zeros(2, classifier.geometry.span)
    silent[:, 8000:9000] = 0.1
    for background in (None, noise):
        training_loss(
            classifier,
            silent,
            torch.tensor([0, 1]),
            config=config(tones, tmp_path, noise_probability=1.0, max_snr_db=10.0),
            generator=torch.Generator().manual_seed(0),
            noise=background,
        )
    assert heard[0][:, :8000].abs().max() == 0 < heard[1][:, :8000].abs().max()


@pytest.mark.parametrize(
    "changes",
    [
        {"label_smoothing": 0.0},
        {"mixup_alpha": 0.0},
        {"min_gain_db": 3.0},
        {"max_freq_width": 0, "max_time_width": 0},
        {"noise_probability": 0.0},
        {"equalizer_db": 6.0},
        {"low_pass_probability": 1.0},
        {"max_snr_db": 0.0},
        {"min_snr_db": 30.0},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_every_setting_changes_the_loss(run, tones, tmp_path, changes):
    classifier = run[1]
    clips = [Clip(path=tones / "low" / f"{i:02}.flac", label="low") for i in range(4)]
    corpus = Corpus.load(clips, labels=classifier.labels, sample_rate=RATE)
    waveforms = corpus.windows(torch.arange(4), classifier.geometry.span)
    losses = [
        training_loss(
            classifier,
            waveforms,
            torch.tensor([0, 1, 0, 1]),
            config=config(tones, tmp_path, **some),
            generator=torch.Generator().manual_seed(3),
            noise=corpus,
        )
        for some in ({}, {}, changes)
    ]
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"noise": "low"},
        {"max_shift_seconds": 0.2},
        {"max_offset_seconds": 0.01},
        {"speed_percents": (90,)},
        {"momentum": 0.5},
        {"nesterov": False},
    ],
)
def test_every_setting_reaches_the_training(tones, tmp_path, changes):
    changes = {name: tones / value if name == "noise" else value for name, value in changes.items()}
    weights = []
    for name, some in (("plain", {}), ("changed", changes)):
        sgd = {"optimizer": "sgd", "epochs": 1, "batch_size": 16, "noise_probability": 1.0}
        fit(config(tones, tmp_path / name, **sgd, **some))
        weights.append(audiocnn.load(tmp_path / name / "last.safetensors").net.logits.weight)
    assert torch.allclose(*weights, rtol=0.0, atol=1e-6) == (not changes)


def test_the_classifier_is_that_of_the_best_epoch(tones, tmp_path):
    # where the labels of validation are wrong, learning makes it worse
    rows = [
        f"{tones}/{label}/{i:02}.flac,{label if i < 20 else wrong},{'train' if i < 20 else 'validation'}"
        for label, wrong in (("high", "low"), ("low", "high"))
        for i in range(24)
    ]
    table = tmp_path / "wrong.csv"
    table.write_text("\n".join(["file_name,label,split", *rows, ""]))
    best = fit(config(table, tmp_path / "run"))
    accuracies = [float(row["validation_accuracy"]) for row in metrics_of(tmp_path / "run")]
    assert max(accuracies) > accuracies[-1]
    clips = [clip for clip in read_manifest(table) if clip.split == "validation"]
    corpus = Corpus.load(clips, labels=best.labels, sample_rate=RATE)
    waveforms, targets = next(iter(Batches(corpus, window=best.geometry.span, batch_size=99)))
    with torch.no_grad():
        right = best(waveforms)[..., 0].argmax(dim=1) == targets
    assert right.float().mean().item() == pytest.approx(max(accuracies))


def test_a_plateau_is_told_the_accuracy(tones, tmp_path):
    out = tmp_path / "run"
    fit(config(tones, out, schedule="plateau", decay_epochs=2, decay_factor=0.5, warmup=0.0, epochs=24))
    rate, best, waited = TRAINED_WITH["learning_rate"], -1.0, 0
    for row in metrics_of(out):
        assert float(row["learning_rate"]) == pytest.approx(rate)
        accuracy = float(row["validation_accuracy"])
        best, waited = (accuracy, 0) if accuracy > best else (best, waited + 1)
        if waited == 2:
            rate, waited = rate / 2, 0
    assert rate < TRAINED_WITH["learning_rate"]


def test_paths_may_be_text(tones, tmp_path):
    as_text = config(str(tones), str(tmp_path), noise=str(tones))
    assert as_text == config(tones, tmp_path, noise=tones)


def test_noise_comes_from_a_folder_or_a_table(tones, tmp_path):
    (tmp_path / "noise").mkdir()
    table = tmp_path / "noise.csv"
    table.write_text(f"file_name\n{tones}/low/00.flac\n")
    fit(config(tones, tmp_path / "run", noise=table, epochs=1))
    with pytest.raises(ManifestError) as error:
        fit(config(tones, tmp_path / "other", noise=tmp_path / "noise"))
    empty = tmp_path / "noise"
    assert str(error.value) == f"noise={empty} holds no recordings; give a folder or a table of some"
    with pytest.raises(ManifestError) as error:
        fit(config(tones, tmp_path / "other", noise=tmp_path / "none"))
    assert str(error.value).startswith(f"noise={tmp_path}/none: {tmp_path}/none does not exist; give a table")
    assert not (tmp_path / "other").exists()


def test_training_stops_when_patience_is_over(tones, tmp_path, monkeypatch):
    out = tmp_path / "run"
    # all classes alike: the first epoch is as good as any
    stopping = config(tones, out, epochs=30, patience=3, optimizer="sgd", learning_rate=1e-9, schedule="step")
    fit(stopping)
    assert len(epochs_of(out)) == 4
    fit(stopping, resume=True)  # at its end: nothing more is trained
    assert len(epochs_of(out)) == 4


def epochs_of(out):
    return [int(row["epoch"]) for row in metrics_of(out)]


def metrics_of(out):
    with (out / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_progress_bar_is_drawn_on_request_and_taken_away(tones, tmp_path, capsys, caplog):
    fit(config(tones, tmp_path / "quiet", epochs=1))
    assert capsys.readouterr() == ("", "")
    fit(config(tones, tmp_path / "run", epochs=2), progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "epoch 1 of 2" in err and "epoch 2 of 2" in err and err.rstrip(" ").endswith("\r")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_learns_the_same_task(tones, tmp_path):
    classifier = fit(
        config(tones, tmp_path / "run", device="cuda", noise=tones / "low", noise_probability=0.1)
    )
    test = [clip for clip in read_manifest(tmp_path / "run" / "split.csv") if clip.split == "test"]
    assert all(classifier.predict(clip.path).label == clip.label for clip in test)


def test_a_loss_that_is_not_finite_ends_the_run(tones, tmp_path):
    with pytest.raises(ParameterError) as error:
        fit(config(tones, tmp_path / "run", optimizer="sgd", learning_rate=1e30, warmup=0.0))
    assert str(error.value) == (
        "learning_rate=1e+30: the loss is not finite after epoch 1; try a third of it"
    )
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_a_row_that_never_changes_is_left_unscaled():
    samples = torch.zeros(2000, dtype=torch.int16)
    corpus = Corpus(
        samples=samples,
        offsets=torch.tensor([0, 1000]),
        lengths=torch.tensor([1000, 1000]),
        targets=torch.tensor([0, 1]),
        labels=("a", "b"),
        sample_rate=RATE,
    )
    mean, deviation = feature_statistics(corpus, LogMel(LogMelConfig()))
    torch.testing.assert_close(mean, torch.full((40,), 1e-6).log())
    assert (deviation == 1.0).all()


def test_a_finished_run_is_not_overwritten(run, tones):
    out, _ = run
    with pytest.raises(ParameterError) as error:
        fit(config(tones, out))
    assert str(error.value) == (
        f"out={out} already holds model.safetensors; resume that run, give another folder, or remove it"
    )


def test_one_label_is_nothing_to_learn(tones, tmp_path):
    manifest = tmp_path / "one.csv"
    manifest.write_text(
        "file_name,label,split\n"
        + "".join(
            f"{tones}/high/{i:02}.flac,high,{split}\n" for i, split in enumerate(["train", "validation"])
        )
    )
    with pytest.raises(ManifestError) as error:
        fit(config(manifest, tmp_path / "run"))
    assert str(error.value) == f"{manifest} has 1 labels to learn; give recordings of at least two"
    assert not (tmp_path / "run").exists()


def test_recordings_shorter_than_a_frame(tmp_path):
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for i in range(10):
            soundfile.write(tmp_path / label / f"{i}.wav", np.zeros(100), RATE)
    with pytest.raises(ManifestError) as error:
        fit(config(tmp_path, tmp_path / "run"))
    assert str(error.value) == "every training recording is shorter than one frame; give longer ones"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs=0 must be an integer of at least 1"),
        ({"batch_size": 1}, "batch_size=1 must be an integer of at least 2"),
        (
            {"min_gain_db": 9.0},
            "min_gain_db=9.0 must not exceed max_gain_db=6.0; swap them",
        ),
        ({"epochs": "4"}, "epochs='4' must be an integer"),
        ({"learning_rate": "0.1"}, "learning_rate='0.1' must be a number"),
        ({"min_gain_db": float("-inf")}, "min_gain_db=-inf must be a number"),
        ({"window": 0}, "window=0 must be an integer of at least 1"),
        ({"speed_percents": 100}, "speed_percents=100 must be a tuple of integers"),
        ({"speed_percents": (99.5,)}, "speed_percents=(99.5,) must be a tuple of integers"),
        ({"milestones": ("half",)}, "milestones=('half',) must be a tuple of numbers"),
        (
            {"schedule": "step", "milestones": (0.75, 0.5)},
            "milestones=(0.75, 0.5) must rise and be between 0 and 1, parts of the run; (0.5, 0.75) is usual",
        ),
        (
            {"schedule": "step", "milestones": (0.5, float("nan"))},
            "milestones=(0.5, nan) must rise and be between 0 and 1, parts of the run; (0.5, 0.75) is usual",
        ),
        (
            {"milestones": (0.5,)},
            "milestones=(0.5,) are of schedule='step', not 'cosine'; give milestones=() for none",
        ),
        ({"nesterov": "no"}, "nesterov='no' must be True or False"),
        ({"squares_decay": 1.0}, "squares_decay=1.0 must be at least 0 and below 1"),
        ({"n_freq_masks": -1}, "n_freq_masks=-1 must be an integer of at least 0"),
        ({"max_snr_db": -1.0}, "min_snr_db=0.0 must not exceed max_snr_db=-1.0; swap them"),
        ({"device": "mps"}, "device='mps' must be 'auto', 'cpu' or 'cuda'"),
        ({"padding": "full"}, "padding='full' must be 'valid' or 'same'"),
        ({"optimizer": "adam"}, "optimizer='adam' must be 'adamw', 'sgd' or 'rmsprop'"),
        ({"schedule": "none"}, "schedule='none' must be 'cosine', 'step' or 'plateau'"),
        ({"patience": 0}, "patience=0 must be an integer of at least 1"),
        ({"decay_factor": 1.0}, "decay_factor=1.0 must be between 0 and 1; 0.3 is the default"),
        ({"warmup": 1.0}, "warmup=1.0 must be at least 0 and below 1"),
        ({"noise_probability": 1.1}, "noise_probability=1.1 must be from 0 to 1"),
        ({"low_pass_probability": -0.1}, "low_pass_probability=-0.1 must be from 0 to 1"),
        ({"equalizer_db": -6.0}, "equalizer_db=-6.0 must not be negative"),
        ({"max_shift_seconds": -0.1}, "max_shift_seconds=-0.1 must not be negative"),
        ({"max_offset_seconds": -0.1}, "max_offset_seconds=-0.1 must not be negative"),
        (
            {"speed_percents": (100, 300)},
            "speed_percents=(100, 300) must be integers from 50 to 200; (100,) changes none",
        ),
        ({"learning_rate": 0.0}, "learning_rate=0.0 must be positive; 0.01 is the default"),
        ({"weight_decay": -1.0}, "weight_decay=-1.0 must not be negative"),
        ({"mixup_alpha": -1.0}, "mixup_alpha=-1.0 must not be negative"),
    ],
)
def test_impossible_runs(tmp_path, changes, message):
    with pytest.raises(ParameterError) as error:
        config(tmp_path, tmp_path, **changes)
    assert str(error.value) == message
