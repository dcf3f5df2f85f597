"""Every recipe runs, on recordings made on the spot in the layout of its data set."""

import csv
import json
import runpy
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import soundfile
import torch
from bars import write_cifar, write_set

import audiocnn
from audiocnn import vision
from audiocnn.data.manifest import read_manifest
from audiocnn.errors import ParameterError
from audiocnn.evaluate import evaluate_pictures
from audiocnn.image_config import ImageTrainConfig
from audiocnn.image_task import read_pictures

RECIPES = Path(__file__).parent.parent / "recipes"


def test_every_recipe_is_here_and_short():
    scripts = sorted(RECIPES.glob("*/*.py"))
    assert {script.parent.name for script in scripts if script.name == "train.py"} == {
        "arabic_speech_commands",
        "cifar",
        "degradation",
        "digit_pages",
        "mnist",
        "neocognitron_digits",
        "spoken_digits",
        "spotting",
        "synthetic_words",
    }
    for folder in RECIPES.iterdir():
        assert (folder / "README.md").is_file()
    for script in scripts:
        assert len(script.read_text(encoding="utf-8").splitlines()) <= 80


RUN_FILES = {
    "model.safetensors",
    "test.json",
    "test_confusion.png",
    "validation.json",
    "validation_confusion.png",
}


def run_recipe(name, *arguments, script="train.py"):
    recipe = runpy.run_path(str(RECIPES / name / script))
    recipe["main"]([str(argument) for argument in arguments])


def test_arabic_speech_commands(spoken, tmp_path, capsys):
    out = tmp_path / "runs"
    small = ["--epochs", 2, "--model", "tc_resnet_8"]
    run_recipe("arabic_speech_commands", "--data", spoken, "--out", out, *small, "--seeds", 3, 4)
    table = capsys.readouterr().out.splitlines()[-6:]
    assert table[:2] == ["", "| seed | validation | test | minutes |"]
    assert table[3].startswith("| 3 | ") and table[5].startswith("| mean ± standard deviation | ")
    run = out / "tc_resnet_8_seed3"
    assert {p.name for p in run.iterdir()} > RUN_FILES
    assert json.loads((run / "test.json").read_text())["clips"] == 8
    # goes on from there, with what two of the four speakers of the validation part say
    more = ["--start_from", run / "model.safetensors", "--validation_speakers", "00000012", "00000013"]
    run_recipe("arabic_speech_commands", "--data", spoken, "--out", tmp_path / "more", *small, *more)
    parts = {"train": set(), "validation": set(), "test": set()}
    for clip in read_manifest(tmp_path / "more" / "tc_resnet_8_seed0" / "split.csv"):
        parts[clip.split].add(int(clip.speaker))
    assert parts == {"train": {*range(12), 14, 15}, "validation": {12, 13}, "test": {*range(16, 20)}}
    with pytest.raises(ParameterError) as caught:  # and does not make up a validation part of its own
        run_recipe("arabic_speech_commands", "--data", spoken, "--out", out, "--validation_speakers", "12")
    assert str(caught.value) == (
        "validation_speakers names 12; those of the validation part are 00000012, 00000013, 00000014, "
        "00000015"
    )


def test_the_comparison_of_nets_on_arabic_speech_commands(spoken, tmp_path):
    page, results = tmp_path / "page.md", tmp_path / "results.csv"
    some = ["--models", "tc_resnet_8", "--padding", "same", "valid", "--minutes", 0.001, "--results", results]
    some += ["--offset", 0.05]
    with pytest.raises(SystemExit) as end:
        data = ["--data", spoken, "--out", tmp_path / "runs"]
        run_recipe("arabic_speech_commands", *data, *some, script="compare.py")
    assert end.value.code is None
    names = {"tc_resnet_8_same_offset0.05_seed0", "tc_resnet_8_valid_offset0.05_seed0"}
    assert {path.name for path in (tmp_path / "runs").iterdir()} == names
    page.write_text("<!-- comparison begins -->\n<!-- comparison ends -->\n")
    more = ["--models", "tc_resnet_8", "bc_resnet_1", "--results", results, "--page", page, "--offset", 0.05]
    run_recipe("arabic_speech_commands", "--table", *more, script="compare.py")
    lines = [line.split(" | ") for line in page.read_text().splitlines() if line.startswith("| `")]
    assert {(line[0], line[1]) for line in lines[:2]} == {
        ("| `tc_resnet_8`, off by 0.05 s at most", "same"),
        ("| `tc_resnet_8`, off by 0.05 s at most", "valid"),
    }
    not_run = ("| `bc_resnet_1`, off by 0.05 s at most", "not yet run")
    assert [(line[0], line[2]) for line in lines[2:]] == [not_run] * 2
    assert (tmp_path / "frontier.png").is_file()


def test_spoken_digits(tmp_path, capsys):
    data, out, generator = tmp_path / "data", tmp_path / "runs", np.random.default_rng(0)
    data.mkdir()
    for digit, hz in (("0", 400), ("1", 1500)):
        for speaker in ("ada", "bob", "cy"):
            for take in range(6):
                tone = np.sin(2 * np.pi * generator.uniform(0.9, 1.1) * hz * np.arange(3000) / 8000)
                soundfile.write(data / f"{digit}_{speaker}_{take}.flac", 0.1 * tone, 8000)
    some = ["--front_ends", "mfcc", "leaf", "--epochs", 1, "--seeds", 0, 1]
    run_recipe("spoken_digits", "--data", data, "--out", out, *some)
    table = capsys.readouterr().out.splitlines()
    assert table[0] == "|  | validation | test | worst speaker |"
    assert [line.split(" | ")[0] for line in table[2:]] == ["| mfcc", "| leaf"]
    accuracies = []
    for tested, chosen_by in (("ada", "cy"), ("bob", "ada"), ("cy", "bob")):
        runs = out / "leaf" / tested
        rows = csv.DictReader((runs / "split.csv").read_text().splitlines())
        assert {(row["speaker"], row["split"]) for row in rows} >= {
            (tested, "test"),
            (chosen_by, "validation"),
        }
        for seed in (0, 1):
            judged = json.loads((runs / f"tc_resnet_8_seed{seed}" / "test.json").read_text())
            assert judged["clips"] == 12
            accuracies.append(judged["accuracy"])
        assert audiocnn.load(runs / "tc_resnet_8_seed0" / "model.safetensors").sample_rate == 8000
    assert float(table[3].split(" | ")[2].split()[0]) == pytest.approx(100 * np.mean(accuracies), abs=0.006)

    nets = ["--front_ends", "mfcc", "--models", "tc_resnet_8", "tc_resnet_14_0_4", "--epochs", 1, "--floor"]
    run_recipe("spoken_digits", "--data", data, "--out", out, *nets)  # of which some are there
    table = capsys.readouterr().out.splitlines()
    floor = ["| logmel, support vector machine, set", "| logmel, support vector machine, chosen"]
    names = [*floor, "| mfcc, tc_resnet_8", "| mfcc, tc_resnet_14_0_4"]
    assert [line.split(" | ")[0] for line in table[2:]] == names


def test_spotting(spoken, tmp_path, capsys):
    noise, out, generator = tmp_path / "noise", tmp_path / "runs", np.random.default_rng(0)
    noise.mkdir()
    for name in ("hiss", "rain"):
        soundfile.write(noise / f"{name}.wav", 0.1 * generator.standard_normal(24 * 16000), 16000)
    some = ["--targets", "high", "--minutes", 1, "--epochs", 1, "--max_fa_per_hour", 100000]
    run_recipe("spotting", "--data", spoken, "--noise", noise, "--out", out, *some, "--seeds", 0, 1)
    hours = {
        f"{part}_{snr}_db.{end}"
        for part in ("validation", "test")
        for snr in (5, 20)
        for end in ("csv", "flac")
    }
    assert {p.name for p in out.iterdir()} == hours | {"words.csv", "noise.csv", "seed0", "seed1"}
    assert soundfile.info(out / "test_5_db.flac").frames == 60 * 16000
    assert {(clip.start, clip.stop) for clip in read_manifest(out / "noise.csv")} == {(0.0, 12.0)}
    text = capsys.readouterr().out
    rows = [line.split() for line in text.splitlines() if line.startswith("high ")]
    assert len(rows) == 8 and {row[2] for row in rows} == {"3"}  # of each seed, noise and part
    tuned, judged = rows[0][1], rows[1][1]
    assert tuned == judged  # thresholds of validation are those of the test
    for seed in (0, 1):
        labels = audiocnn.load(out / f"seed{seed}" / "model.safetensors").labels
        assert labels == ("background", "high", "low")
        assert matplotlib.image.imread(out / f"seed{seed}" / "det.png").std() > 0.02


def test_synthetic_words(tmp_path, capsys):
    pytest.importorskip("espeakng_loader")
    run_recipe("synthetic_words", "--out", tmp_path, "--num_voices", 3, "--epochs", 1)
    assert {p.name for p in tmp_path.iterdir()} == {"words", "bc_resnet_1_seed0"}
    assert {p.name for p in (tmp_path / "bc_resnet_1_seed0").iterdir()} > RUN_FILES
    assert capsys.readouterr().out.splitlines()[-1].startswith("| 0 | ")


def test_neocognitron_digits(tmp_path, capsys):
    run_recipe("neocognitron_digits", "--out", tmp_path, "--epochs", 1)
    table = capsys.readouterr().out.splitlines()
    assert table[0] == "|  | validation | test | favourites |"
    rows = {name: cells for name, *cells in (line.strip("| ").split(" | ") for line in table[2:])}
    validation = {name: float(cells[0].split()[0]) for name, cells in rows.items()}
    assert validation["learnt"] > validation["untrained"] + 2
    names = {f"{how}_{layer}.png" for how in ("untrained", "imprinted", "learnt") for layer in ("s1", "s2")}
    assert {p.name for p in tmp_path.iterdir()} == names


def test_mnist(tmp_path, capsys):
    data, out = tmp_path / "digits", tmp_path / "runs"
    data.mkdir()
    write_set(data)
    small = ["--model", "resnet20_narrow", "--side", 16, "--epochs", 1]
    run_recipe("mnist", "--data", data, "--out", out, *small, "--seeds", 0, 1)
    table = capsys.readouterr().out.splitlines()[-6:]
    assert table[:2] == ["", "| seed | validation | test | minutes |"]
    assert table[5].startswith("| mean ± standard deviation | ")
    run = out / "resnet20_narrow_seed1"
    assert {p.name for p in run.iterdir()} > RUN_FILES
    assert json.loads((run / "test.json").read_text())["pictures"] == 40


def test_cifar(tmp_path, capsys):
    data, out = write_cifar(tmp_path / "cifar.tar.gz"), tmp_path / "runs"
    some = ["--model", "resnet20_narrow", "--epochs", 4, "--seeds", 0, 1]
    run_recipe("cifar", "--data", data, "--out", out, *some)
    table = capsys.readouterr().out.splitlines()[-6:]
    assert table[:2] == ["", "| seed | validation | test | minutes |"]
    assert table[3].startswith("| 0 | ") and table[5].startswith("| mean ± standard deviation | ")
    run = out / "resnet20_narrow_seed1"
    assert {p.name for p in run.iterdir()} > RUN_FILES
    with (run / "metrics.csv").open(newline="") as file:  # a batch an epoch
        rates = [float(epoch["learning_rate"]) for epoch in csv.DictReader(file)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.001])
    assert json.loads((run / "config.json").read_text())["seed"] == 1
    assert json.loads((run / "test.json").read_text())["pictures"] == 40


def test_degradation(tmp_path, capsys):
    data, out = tmp_path / "digits", tmp_path / "runs"
    data.mkdir()
    write_set(data)
    run_recipe("degradation", "--data", data, "--out", out, "--side", 8, "--epochs", 1)
    header, _, *rows = (line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines())
    assert header == ["net", "seed", "training error", "training loss", "validation error", "test error"]
    nets = ("plain20", "plain56", "resnet20", "resnet56")
    assert [row[:2] for row in rows] == [[f"`{net}_narrow`", "0"] for net in nets]
    classifier = audiocnn.load(out / "plain56_narrow_seed0" / "last.safetensors")
    config = ImageTrainConfig(data=data, out=out, picture=classifier.config.picture)
    train = read_pictures(config, None).train
    judged = evaluate_pictures(classifier, train)
    loss = -judged.scores[range(180), judged.targets].log().mean()
    assert rows[1][2:4] == [f"{100 * judged.top_1_error:.2f} %", f"{loss:.4f}"]
    assert matplotlib.image.imread(out / "courses.png").std() > 0.02


def test_few_digits_of_mnist(tmp_path, capsys):
    data, out = tmp_path / "digits", tmp_path / "runs"
    data.mkdir()
    write_set(data)
    two = ["--others", 0, 1, "--labels", 1, 0]
    some = ["--per_class", 5, "--epochs", 5, "--other_epochs", 1, "--seeds", 0, 1]
    run_recipe("mnist", "--data", data, "--out", out, *two, *some, script="few.py")
    table = capsys.readouterr().out.splitlines()
    assert table[0] == "|  | validation | test |" and len(table) == 7
    assert table[2].startswith("| from scratch | ") and table[2].count("±") == 2
    scratch, frozen = (
        json.loads(next(out.glob(f"augmented/{way}, *, seed 1")).joinpath("config.json").read_text())
        for way in ("from scratch", "transferred, body frozen")
    )
    differing = {name for name in scratch if scratch[name] != frozen[name]}
    assert differing >= {"out", "start_from", "freeze"}
    assert differing <= {"out", "start_from", "freeze", "learning_rate"}
    before, after = (
        audiocnn.load(next(out.glob(run)) / "model.safetensors").net.body.conv1.weight
        for run in ("others_seed1", "augmented/transferred, body frozen, *, seed 1")
    )
    assert torch.equal(before, after)


def test_a_neocognitron_on_mnist(tmp_path, capsys):
    data, out = tmp_path / "digits", tmp_path / "runs"
    data.mkdir()
    write_set(data)
    run_recipe("mnist", "--data", data, "--out", out, "--epochs", 1, script="neocognitron.py")
    table = capsys.readouterr().out.splitlines()
    assert table[0] == "|  | validation | test |"
    assert [line.split(" | ")[0] for line in table[2:]] == ["| untrained", "| imprinted", "| learnt"]
    learnt = out / "learnt_seed0"
    assert {p.name for p in learnt.iterdir()} > RUN_FILES | {"s1.png", "s2.png"}
    taught, read_out = (audiocnn.load(learnt / f"{name}.safetensors").net for name in ("taught", "model"))
    assert torch.equal(taught.body.s2.a, read_out.body.s2.a)
    assert not torch.equal(taught.logits.weight, read_out.logits.weight)


def test_translation_on_mnist(tmp_path, capsys):
    data, out = tmp_path / "digits", tmp_path / "runs"
    data.mkdir()
    write_set(data)
    some = ["--epochs", 1, "--judged", 2, "--seeds", 0, 1]
    run_recipe("mnist", "--data", data, "--out", out, *some, script="translation.py")
    table = capsys.readouterr().out.splitlines()
    assert table[0].startswith("|  | 0 pixels | 2 pixels | ") and table[0].endswith(" | 10 pixels |")
    assert [line.split(" | ")[0] for line in table[2:]] == [
        "| convolutions, pooled",
        "| LeNet-5, dense",
        "| MLP",
    ]
    assert {p.name for p in out.iterdir()} == {"translation.png"}


@pytest.mark.parametrize(
    ("task", "columns"),
    [
        ("detect", "|  | found | false |"),
        ("localise", "|  | mean IoU | right class |"),
        ("segment", "|  | mean IoU | right pixels |"),
    ],
)
def test_digit_pages(tmp_path, capsys, task, columns):
    data, out = tmp_path / "digits", tmp_path / "runs"
    data.mkdir()
    write_set(data)
    some = ["--task", task, "--epochs", 1, "--seeds", 0, 1]
    run_recipe("digit_pages", "--data", data, "--out", out, *some)
    table = capsys.readouterr().out.splitlines()
    assert table[0] == columns and table[2].startswith(f"| {task} | ") and table[2].count("±") == 2
    assert {p.name for p in out.iterdir()} == {f"{task}_seed0", f"{task}_seed1"}
    for seed in (0, 1):
        run = out / f"{task}_seed{seed}"
        assert {p.name for p in run.iterdir()} >= {"model.safetensors", "metrics.csv", "test.png"}
        assert vision.load(run / "model.safetensors").config.task == task
