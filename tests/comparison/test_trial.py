"""Trials: made once, gone on with, and written down, whatever becomes of the others."""

import json
import logging
from dataclasses import replace
from functools import partial
from statistics import median

import pytest
import soundfile
import torch

from audiocnn.comparison import trial
from audiocnn.comparison.results import read_results
from audiocnn.comparison.trial import run_trial, run_trials
from audiocnn.config import TrainConfig
from audiocnn.data.manifest import read_manifest
from audiocnn.errors import ParameterError
from audiocnn.files import locked


@pytest.fixture
def config(spoken, tmp_path):
    return TrainConfig(data=spoken, out=tmp_path / "runs", batch_size=8, device="cpu")


@pytest.fixture
def results(tmp_path):
    return tmp_path / "results.csv"


@pytest.fixture(autouse=True)
def two_epochs(monkeypatch):
    """However fast the machine is."""
    monkeypatch.setattr(trial, "epochs_within", lambda *_: 2)


def test_a_trial_is_made_once(config, results):
    made = run_trial(config, minutes=0.5, results=results)
    assert read_results(results) == [made]
    assert (made.model, made.padding, made.front_end, made.seed) == ("tc_resnet_8", "valid", "logmel", 0)
    assert (made.minutes, made.epochs, made.span_ms) == (0.5, 2, 1450.0)
    clips = [clip for clip in read_manifest(config.data) if clip.split == "test"]
    clip_ms = 1000 * median(soundfile.info(clip.path).duration for clip in clips)
    assert made.delay_ms == pytest.approx(max(0.0, 1450.0 - clip_ms) / 2) and made.delay_ms > 0
    assert made.processor_minutes > 0 and made.clip_ms > 0 and made.reference_clip_ms > 0
    right, total = (sum(column) for column in zip(*made.test_speakers.values(), strict=True))
    assert total == 8 and right / total == made.test_accuracy
    folder = config.out / "tc_resnet_8_valid_seed0"
    judged = json.loads((folder / "test.json").read_text())
    assert judged["accuracy"] == made.test_accuracy and judged["clips"] == 8
    assert json.loads((folder / "config.json").read_text())["epochs"] == 2
    assert run_trial(config, minutes=0.5, results=results) is None
    assert len(read_results(results)) == 1


def test_a_trial_that_was_stopped_is_gone_on_with(config, results, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(trial, "judge", stopped)
        with pytest.raises(KeyboardInterrupt):
            run_trial(config, minutes=0.5, results=results)
    assert read_results(results) == []
    spent = json.loads((config.out / "tc_resnet_8_valid_seed0" / "budget.json").read_text())
    monkeypatch.setattr(trial, "epochs_within", lambda *_: 99)  # what was told first holds
    made = run_trial(config, minutes=0.5, results=results)
    assert made.epochs == 2
    assert made.processor_minutes >= round(spent["processor_minutes"], 3) > 0


def test_seeds_differ_by_nothing_else(config, results, monkeypatch):
    run_trial(config, minutes=0.5, results=results)
    monkeypatch.setattr(trial, "epochs_within", lambda *_: 1)  # as on a machine that is busy
    assert run_trial(replace(config, seed=1), minutes=0.5, results=results).epochs == 2
    assert run_trial(replace(config, seed=1, padding="same"), minutes=0.5, results=results).epochs == 1
    other_folder = replace(config, seed=1, out=config.out / "longer")
    assert run_trial(other_folder, minutes=1.0, results=results).epochs == 1


def test_a_folder_belongs_to_its_minutes(config, results):
    run_trial(config, minutes=0.5, results=results)
    with pytest.raises(ParameterError) as error:
        run_trial(config, minutes=1.0, results=results)
    folder = config.out / "tc_resnet_8_valid_seed0"
    assert str(error.value) == f"minutes=1.0: {folder} was begun with 0.5; give another folder"


def test_a_trial_nearer_to_the_middle_is_another(config, results):
    for offset in (None, 0.1):
        made = run_trial(replace(config, max_offset_seconds=offset), minutes=0.5, results=results)
        assert made.max_offset_seconds == offset
    assert (config.out / "tc_resnet_8_valid_offset0.1_seed0" / "test.json").is_file()
    assert len(read_results(results)) == 2


def test_what_another_process_is_at_is_left_to_it(config, results):
    folder = config.out / "tc_resnet_8_valid_seed0"
    folder.mkdir(parents=True)
    with locked(folder / "lock", wait=False):
        assert run_trial(config, minutes=0.5, results=results) is None
    assert [path.name for path in folder.iterdir()] == ["lock"]


def test_one_that_fails_stops_no_other(config, results, caplog):
    caplog.set_level(logging.INFO)
    configs = [replace(config, model=model) for model in ("m5", "tc_resnet_14", "tc_resnet_8")]
    limit = {"num_classes": 2, "most_macs": 2_000_000}  # tc_resnet_14 has more
    assert run_trials(configs, minutes=0.5, results=results, **limit) == ["m5_valid_seed0"]
    assert [result.model for result in read_results(results)] == ["tc_resnet_8"]
    assert "m5_valid_seed0 failed" in caplog.messages
    assert run_trials(configs[2:], minutes=0.5, results=results, num_classes=2) == []
    assert caplog.messages[-1] == "tc_resnet_8_valid_seed0: has a result, or another process is at it"


def test_a_test_part_needs_speakers(tones, tmp_path, results):
    config = TrainConfig(data=tones, out=tmp_path / "runs", batch_size=8, device="cpu")
    with pytest.raises(ParameterError) as error:
        run_trial(config, minutes=0.5, results=results)
    assert str(error.value) == "the test part names no speakers; give the manifest a column speaker"
    assert [path.name for path in (config.out / "tc_resnet_8_valid_seed0").iterdir()] == ["lock"]


def test_teachers_are_refused(config, results):
    with pytest.raises(ParameterError) as error:
        run_trial(replace(config, teachers=("a.safetensors",)), minutes=0.5, results=results)
    assert str(error.value) == (
        "teachers: nets are compared that learn from labels alone; leave teachers=() as it is"
    )
    assert not config.out.exists()


@pytest.mark.parametrize("make", [run_trial, partial(run_trials, num_classes=2)])
def test_a_table_that_cannot_be_added_to_stops_all(config, results, make):
    results.write_text("file_name,label\n")
    configs = config if make is run_trial else [config]
    with pytest.raises(ParameterError, match=f"^results={results} does not begin with the columns "):
        make(configs, minutes=0.5, results=results)
    assert not config.out.exists()


def test_a_trial_is_another_on_another_front_end_or_window(config, results):
    some = [
        config,
        replace(config, front_end="mfcc"),
        replace(config, window=160),
    ]
    assert run_trials(some, minutes=0.5, results=results, num_classes=2) == []
    assert [(made.front_end, made.window) for made in read_results(results)] == [
        ("logmel", None),
        ("mfcc", None),
        ("logmel", 160),
    ]
    assert {path.name for path in config.out.iterdir()} == {
        "tc_resnet_8_valid_seed0",
        "tc_resnet_8_valid_mfcc_seed0",
        "tc_resnet_8_valid_window160_seed0",
    }


def test_a_net_has_one_thread_and_the_others_are_given_back(config, results, monkeypatch):
    seen, fit, threads = [], trial.fit, torch.get_num_threads()

    def watched(*arguments, **named):
        seen.append(torch.get_num_threads())
        return fit(*arguments, **named)

    monkeypatch.setattr(trial, "fit", watched)
    torch.set_num_threads(3)
    try:
        run_trial(config, minutes=0.5, results=results)
        assert seen == [1] and torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)
