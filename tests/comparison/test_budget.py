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


def test_the_first_steps_are_not_counted_nor_the_first_judging(spoken, tmp_path, monkeypatch):
    """Looks at the clock lie 1, 3, 5, 7, ... seconds apart."""
    config = TrainConfig(data=spoken, out=tmp_path, batch_size=8)
    monkeypatch.setattr(budget.time, "process_time", (look**2 for look in count()).__next__)
    # three steps an epoch, and a look before each: 1 3 5, 9 11 13, 17 19 21, 25 27 29; but for the first two
    # their median is 18; then the two of judging, 33 and 37, of all eight recordings at once
    assert seconds_per_epoch(config) == 18 * 3 + 37


def test_what_is_judged_in_several_parts_is_told_from_the_first(spoken, tmp_path, monkeypatch):
    config = TrainConfig(data=spoken, out=tmp_path, batch_size=8)
    monkeypatch.setattr(budget, "_JUDGED_AT_ONCE", 4)
    monkeypatch.setattr(budget.time, "process_time", count().__next__)
    assert seconds_per_epoch(config) == 3 + 2


def test_as_many_epochs_as_fit_and_one_at_least(config, monkeypatch):
    monkeypatch.setattr(budget, "seconds_per_epoch", lambda _: 2.0)
    assert [epochs_within(minutes, config) for minutes in (4.0, 0.1, 0.001)] == [120, 3, 1]
