"""Training from recordings to a file, on two tones that any net can tell apart."""

import csv
import json
import logging
import signal

import numpy as np
import pytest
import soundfile
import torch

import audiocnn
from audiocnn.config import TrainConfig
from audiocnn.data.corpus import Corpus
from audiocnn.data.manifest import read_manifest
from audiocnn.errors import ManifestError, ParameterError
from audiocnn.frontends import LogMel, LogMelConfig
from audiocnn.models import NetConfig
from audiocnn.train import Batches, feature_statistics, fit, training_loss

RATE = 16000


def config(tones, out, **changes):
    small = {"epochs": 8, "batch_size": 8, "device": "cpu"}
    return TrainConfig(data=tones, out=out, **{**small, **changes})


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
    assert {p.name for p in out.iterdir()} == {"model.safetensors", "split.csv", "config.json", "log"}
    settings = json.loads((out / "config.json").read_text())
    assert settings["data"] == str(tones) and settings["epochs"] == 8 and settings["seed"] == 0
    with (out / "log" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows if row["loss"]] == [str(i) for i in range(8)]
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


def test_an_interrupt_is_handed_on(tones, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("audiocnn.train.training_loss", interrupted)
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(KeyboardInterrupt):
            fit(config(tones, tmp_path))
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("model", "padding"), [("tdnn", "valid"), ("bc_resnet_1", "same")])
def test_every_kind_of_net_trains(tones, tmp_path, caplog, model, padding):
    with caplog.at_level(logging.INFO, logger="audiocnn"):
        classifier = fit(config(tones, tmp_path, model=model, padding=padding, epochs=1))
    assert classifier.config.net.name == model and classifier.config.net.padding == padding
    assert "epoch 1 of 1: loss" in caplog.text and "validation accuracy" in caplog.text


def test_a_bare_loop_trains_too(tones):
    torch.manual_seed(0)
    clips = read_manifest(tones)
    classifier = audiocnn.Classifier(
        audiocnn.ClassifierConfig(
            labels=("high", "low"),
            front_end=LogMelConfig(),
            net=NetConfig(name="tc_resnet_8", num_classes=2),
        )
    )
    corpus = Corpus.load(clips, labels=classifier.labels, sample_rate=classifier.sample_rate)
    mean, deviation = feature_statistics(corpus, classifier.front_end)
    classifier.normalize.set_statistics(mean=mean, deviation=deviation)
    generator = torch.Generator().manual_seed(0)
    batches = Batches(corpus, window=classifier.geometry.span, batch_size=16, generator=generator)
    assert len(batches) == 3
    optimizer = torch.optim.AdamW(classifier.net.parameters(), lr=0.005)
    run = config(tones, tones, mixup_alpha=0.0)
    losses = []
    for _ in range(8):
        for waveforms, targets in batches:
            loss = training_loss(classifier, waveforms, targets, config=run, generator=generator)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert np.mean(losses[-3:]) < 0.5 * np.mean(losses[:3])


def test_evaluation_batches_hold_every_recording_once_in_order(tones):
    corpus = Corpus.load(read_manifest(tones), labels=("high", "low"), sample_rate=RATE)
    batches = Batches(corpus, window=1000, batch_size=9)
    seen = list(batches)
    assert len(seen) == len(batches) == 6 and len(seen[-1][0]) == 3
    assert torch.equal(torch.cat([targets for _, targets in seen]), corpus.targets)


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
        f"out={out} already holds model.safetensors; give another folder, or remove it"
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
        ({"device": "mps"}, "device='mps' must be 'auto', 'cpu' or 'cuda'"),
        ({"learning_rate": 0.0}, "learning_rate=0.0 must be positive; 0.01 is the default"),
        ({"weight_decay": -1.0}, "weight_decay=-1.0 must not be negative"),
        ({"mixup_alpha": -1.0}, "mixup_alpha=-1.0 must not be negative"),
    ],
)
def test_impossible_runs(tmp_path, changes, message):
    with pytest.raises(ParameterError) as error:
        config(tmp_path, tmp_path, **changes)
    assert str(error.value) == message
