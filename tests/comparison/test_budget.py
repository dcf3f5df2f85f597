"""The same time for every net, told by a clock that the tests wind."""

from itertools import count

import pytest

from audiocnn.comparison import budget
from audiocnn.comparison.budget import epochs_within, seconds_per_epoch
from audiocnn.config import TrainConfig
from audiocnn.data.manifest import read_manifest
from audiocnn.data.splits import split_clips


@pytest.fixture
def config(tones, tmp_path):
    return TrainConfig(data=tones, out=tmp_path, batch_size=4)


def test_an_epoch_is_all_its_steps_and_the_judging(config, monkeypatch):
    """Every look at the clock is a second later: a step takes one, and so does all of the judging."""
    monkeypatch.setattr(budget.time, "process_time", count().__next__)
    splits = [clip.split for clip in split_clips(read_manifest(config.data), seed=0)]
    assert seconds_per_epoch(config) == splits.count("train") // 4 + 1


def test_as_many_epochs_as_fit_and_one_at_least(config, monkeypatch):
    monkeypatch.setattr(budget, "seconds_per_epoch", lambda _: 2.0)
    assert [epochs_within(minutes, config) for minutes in (4.0, 0.1, 0.001)] == [120, 3, 1]
