"""What recipes share: one run for each seed, and a table of how much they differ."""

import json

import pytest
import torch

from audiocnn.config import TrainConfig
from audiocnn.errors import ParameterError
from audiocnn.evaluate import Evaluation
from audiocnn.recipe import SeedResult, format_results, train_seeds


def judged(right: int) -> Evaluation:
    """Of ten clips so many are right."""
    scores = torch.tensor([[1.0, 0.0]] * right + [[0.0, 1.0]] * (10 - right))
    return Evaluation(labels=("a", "b"), scores=scores, targets=torch.zeros(10, dtype=torch.int64))


def test_the_table_gives_mean_and_standard_deviation():
    results = [
        SeedResult(seed=seed, minutes=minutes, validation=judged(validation), test=judged(test))
        for seed, minutes, validation, test in ((0, 1.0, 7, 8), (5, 2.0, 9, 8))
    ]
    assert format_results(results).splitlines() == [
        "| seed | validation | test | minutes |",
        "|--:|--:|--:|--:|",
        "| 0 | 70.00 % | 80.00 % | 1.0 |",
        "| 5 | 90.00 % | 80.00 % | 2.0 |",
        "| mean ± standard deviation | 80.00 ± 14.14 % | 80.00 ± 0.00 % | 1.5 |",
    ]
    assert len(format_results(results[:1]).splitlines()) == 3


def test_the_figures_are_those_of_the_files(tones, tmp_path):
    config = TrainConfig(data=tones, out=tmp_path, epochs=2, batch_size=8, device="cpu")
    first = train_seeds(config, seeds=[7])[0]
    again = train_seeds(config, seeds=[7])[0]  # which finds the run at its end
    assert torch.equal(again.test.scores, first.test.scores)
    written = json.loads((tmp_path / "tc_resnet_8_seed7" / "test.json").read_text())
    assert written["accuracy"] == first.test.accuracy and written["clips"] == 4
    assert len(first.validation.targets) == len(first.test.targets) == 4


def test_no_seed_is_no_run(tones, tmp_path):
    with pytest.raises(ParameterError) as error:
        train_seeds(TrainConfig(data=tones, out=tmp_path), seeds=[])
    assert str(error.value) == "seeds is empty; give one seed at least"
