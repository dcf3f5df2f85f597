"""Every recipe runs, on recordings made on the spot in the layout of its data set."""

import runpy
from pathlib import Path

import pytest

RECIPES = Path(__file__).parent.parent / "recipes"


def test_every_recipe_is_here_and_short():
    scripts = {script.parent.name: script for script in RECIPES.glob("*/train.py")}
    assert scripts.keys() == {"arabic_speech_commands"}
    for folder in RECIPES.iterdir():
        assert (folder / "README.md").is_file()
    for script in scripts.values():
        assert len(script.read_text(encoding="utf-8").splitlines()) <= 80


@pytest.fixture
def spoken(tones, tmp_path):
    """A folder with train.csv, val.csv and test.csv, speakers and all."""
    parts = {"train": range(12), "val": range(12, 16), "test": range(16, 20)}
    for part, numbers in parts.items():
        rows = [f"{tones}/{label}/{i:02}.flac,{label},{i:08}" for label in ("high", "low") for i in numbers]
        (tmp_path / f"{part}.csv").write_text("\n".join(["file_name,label,speaker", *rows, ""]))
    return tmp_path


def test_arabic_speech_commands(spoken, tmp_path, capsys):
    recipe = runpy.run_path(str(RECIPES / "arabic_speech_commands" / "train.py"))
    out = tmp_path / "runs"
    arguments = ["--data", spoken, "--out", out, "--epochs", "2", "--seeds", "3", "--model", "tc_resnet_8"]
    recipe["main"]([str(argument) for argument in arguments])
    printed = capsys.readouterr().out
    assert "seed 3: validation accuracy " in printed and "seed 3: test accuracy " in printed
    run = out / "tc_resnet_8_seed3"
    assert {p.name for p in run.iterdir()} == {
        "config.json",
        "last.ckpt",
        "last.safetensors",
        "metrics.csv",
        "model.safetensors",
        "split.csv",
        "tensorboard",
        "test.json",
        "test_confusion.png",
    }
