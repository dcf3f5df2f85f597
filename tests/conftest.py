"""Recordings made on the spot, and a classifier trained on them once for all tests."""

import numpy as np
import pytest
import soundfile
import torch

from audiocnn.config import TrainConfig

# these run where the systems are installed whose numbers they write down
collect_ignore_glob = ["*/golden/make*.py"]

RATE = 16000
# What the run of the tones is trained with.
TRAINED_WITH = {"epochs": 16, "batch_size": 8, "learning_rate": 0.003, "device": "cpu"}
PITCHES_HZ = {"high": 2500.0, "low": 300.0}


@pytest.fixture(autouse=True)
def _seed():
    """The same random weights and inputs in every run, for each test by itself or among others."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def tones(tmp_path_factory):
    """A folder of label folders: 24 tones each, of drawn length, pitch and loudness, in some noise."""
    folder = tmp_path_factory.mktemp("tones")
    rng = np.random.default_rng(0)
    for label, hz in PITCHES_HZ.items():
        (folder / label).mkdir()
        for i in range(24):
            time = np.arange(int(rng.uniform(0.3, 1.6) * RATE)) / RATE
            tone = rng.uniform(0.1, 0.5) * np.sin(2 * np.pi * hz * rng.uniform(0.8, 1.2) * time)
            samples = tone + 0.01 * rng.standard_normal(len(time))
            soundfile.write(folder / label / f"{i:02}.flac", samples, RATE)
    return folder


@pytest.fixture
def spoken(tones, tmp_path):
    """A folder with train.csv, val.csv and test.csv, speakers and all."""
    parts = {"train": range(12), "val": range(12, 16), "test": range(16, 20)}
    for part, numbers in parts.items():
        rows = [f"{tones}/{label}/{i:02}.flac,{label},{i:08}" for label in ("high", "low") for i in numbers]
        (tmp_path / f"{part}.csv").write_text("\n".join(["file_name,label,speaker", *rows, ""]))
    return tmp_path


@pytest.fixture(scope="session")
def run(tones, tmp_path_factory):
    """The folder of a finished training on the tones, and its classifier."""
    from audiocnn.train import fit

    out = tmp_path_factory.mktemp("runs") / "a" / "run"
    return out, fit(TrainConfig(data=tones, out=out, **TRAINED_WITH))
