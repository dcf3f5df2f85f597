"""Nothing is lost when training is stopped: by Ctrl-C, by kill -9, or by a mistake."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from itertools import count

import pytest
import torch
from conftest import TRAINED_WITH

import audiocnn
from audiocnn import audio_task
from audiocnn.config import TrainConfig
from audiocnn.errors import ModelFileError, ParameterError
from audiocnn.train import fit

RUN = """
import json, logging, sys, torch
from pathlib import Path
from audiocnn.config import TrainConfig
from audiocnn.train import fit
torch.set_num_threads(1)
logging.basicConfig(level=logging.INFO, format="%(message)s")
values = json.loads(sys.argv[1])
fit(TrainConfig(**{**values, "data": Path(values["data"]), "out": Path(values["out"])}))
"""


def settings(tones, out, **changes):
    small = {"epochs": 5, "batch_size": 8, "device": "cpu", "model": "bc_resnet_1", "schedule": "plateau"}
    return {"data": str(tones), "out": str(out), **small, "decay_epochs": 1, "mixup_alpha": 0.3, **changes}


def config(tones, out, **changes):
    return TrainConfig(**{**settings(tones, out, **changes), "data": tones, "out": out})


@pytest.fixture
def threads():
    """Give the number of threads back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_a_killed_run_resumes_to_the_same_bits(tones, tmp_path, threads):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    command = [sys.executable, "-c", RUN, json.dumps(settings(tones, killed))]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if line.startswith("epoch 3 of 5"):
                wait_for(killed / "last.ckpt")
                os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL

    torch.set_num_threads(1)
    fit(config(tones, whole))
    torch.set_num_threads(2)  # which must not matter: the run has its own number stored
    torch.manual_seed(5)
    fit(config(tones, killed), resume=True)
    assert torch.get_num_threads() == 2
    assert_same_bits(whole, killed)


def assert_same_bits(one, other):
    """Every weight of two runs, of the best epoch and of the last, and every figure on the way."""
    assert (one / "metrics.csv").read_text() == (other / "metrics.csv").read_text()
    for name in ("last.safetensors", "model.safetensors"):
        weights, others = (audiocnn.load(run / name).state_dict() for run in (one, other))
        assert weights.keys() == others.keys()
        for tensor, twin in zip(weights.values(), others.values(), strict=True):
            assert torch.equal(tensor, twin)


def wait_for(path):
    """Until a file is there, as it is soon after the line that tells of it."""
    for _ in range(200):
        if path.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} does not appear")


def interrupting(after):
    """A loss that is interrupted at its n-th call."""
    calls = count()
    whole = audio_task.training_loss

    def loss(*args, **kwargs):
        if next(calls) == after:
            raise KeyboardInterrupt
        return whole(*args, **kwargs)

    return loss


@pytest.mark.parametrize(
    ("after", "message"),
    [
        (2, "interrupted after 0 of 5 epochs; {best} is what was learned so far, and resume begins again"),
        (11, "interrupted after 2 of 5 epochs; {best} is the best of them, and resume goes on from there"),
    ],
)
def test_an_interrupt_leaves_a_usable_classifier_and_says_so(tones, tmp_path, monkeypatch, after, message):
    out = tmp_path / "run"
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr("audiocnn.audio_task.training_loss", interrupting(after))
    try:
        with pytest.raises(KeyboardInterrupt) as interrupt:
            fit(config(tones, out, model="tc_resnet_8"))
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert str(interrupt.value) == message.format(best=out / "model.safetensors")
    assert audiocnn.load(out / "model.safetensors").predict(tones / "low" / "00.flac").label
    monkeypatch.undo()
    fit(config(tones, out, model="tc_resnet_8"), resume=True)
    whole = tmp_path / "whole"
    fit(config(tones, whole, model="tc_resnet_8"))
    assert_same_bits(out, whole)


def test_ctrl_c_on_the_command_line_is_one_line(tones, tmp_path):
    out = tmp_path / "run"
    code = "import sys; from audiocnn.cli import main; sys.exit(main())"
    command = [
        sys.executable,
        "-c",
        code,
        "train",
        tones,
        "--out",
        out,
        "--epochs",
        "500",
        "--batch_size",
        "8",
    ]
    lines = []
    with subprocess.Popen([str(word) for word in command], stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            lines.append(line)
            if line.startswith("epoch 2 of 500"):
                process.send_signal(signal.SIGINT)
    assert process.returncode == 130
    told = [line for line in lines if not line.startswith("epoch ")]
    assert len(told) == 1 and told[0].startswith("audiocnn train: interrupted after ")
    assert f"of 500 epochs; {out / 'model.safetensors'} is the best of them" in told[0]
    assert audiocnn.load(out / "model.safetensors").labels == ("high", "low")


def test_resuming_a_finished_run_gives_its_classifier(run, tones):
    out, classifier = run
    begun = (out / "last.ckpt").read_bytes()
    again = fit(TrainConfig(data=tones, out=out, **TRAINED_WITH), resume=True)
    assert (out / "last.ckpt").read_bytes() == begun
    for name, tensor in classifier.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)


def test_there_may_be_nothing_to_resume(tones, tmp_path):
    fit(config(tones, tmp_path / "run", epochs=1, model="tc_resnet_8"), resume=True)
    assert (tmp_path / "run" / "model.safetensors").exists()


def test_a_run_is_resumed_with_the_values_it_was_begun_with(run, tones):
    out, _ = run
    with pytest.raises(ParameterError) as error:
        fit(TrainConfig(data=tones, out=out, **{**TRAINED_WITH, "epochs": 17, "model": "tdnn"}), resume=True)
    assert str(error.value) == (
        f"out={out} was begun with epochs=16, not 17; model='tc_resnet_8', not 'tdnn'; "
        "resume it so, or train in another folder"
    )


def test_a_resumed_run_keeps_its_split(tones, tmp_path, monkeypatch):
    out, words = tmp_path / "run", tmp_path / "words"
    for label in ("high", "low"):
        (words / label).mkdir(parents=True)
        for path in (tones / label).iterdir():
            (words / label / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr("audiocnn.audio_task.training_loss", interrupting(11))
    with pytest.raises(KeyboardInterrupt):
        fit(config(words, out, model="tc_resnet_8"))
    monkeypatch.undo()
    split = (out / "split.csv").read_bytes()
    (words / "low" / "more.flac").write_bytes((words / "low" / "00.flac").read_bytes())
    fit(config(words, out, model="tc_resnet_8"), resume=True)
    assert (out / "split.csv").read_bytes() == split


def test_an_interrupt_before_a_resumed_run_gets_going_loses_nothing(tones, tmp_path, monkeypatch):
    out = tmp_path / "run"
    monkeypatch.setattr("audiocnn.audio_task.training_loss", interrupting(11))
    with pytest.raises(KeyboardInterrupt):
        fit(config(tones, out, model="tc_resnet_8"))
    monkeypatch.undo()
    best = (out / "model.safetensors").stat().st_mtime_ns

    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("audiocnn.train._Training.configure_optimizers", interrupted)
    with pytest.raises(KeyboardInterrupt, match="interrupted after 2 of 5 epochs; .* is the best of them"):
        fit(config(tones, out, model="tc_resnet_8"), resume=True, progress=True)
    assert (out / "model.safetensors").stat().st_mtime_ns == best


def test_other_recordings_are_another_run(run, tones, tmp_path):
    with pytest.raises(ParameterError) as error:
        fit(TrainConfig(data=tmp_path, out=run[0], **TRAINED_WITH), resume=True)
    assert f"was begun with data={str(tones)!r}, not {str(tmp_path)!r}; resume it so" in str(error.value)


def test_a_run_begun_before_a_setting_existed_goes_on(run, tones, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(run[0], out)
    values = json.loads((out / "config.json").read_text())
    del values["front_end"], values["front_end_rate"]
    (out / "config.json").write_text(json.dumps(values))
    again = fit(TrainConfig(data=tones, out=out, **TRAINED_WITH), resume=True)
    assert again.config == run[1].config
    with pytest.raises(ParameterError, match=r"was begun with front_end='logmel', not 'mfcc'; resume it so"):
        fit(TrainConfig(data=tones, out=out, front_end="mfcc", **TRAINED_WITH), resume=True)


def test_a_damaged_config_is_refused(run, tones, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(run[0], out)
    (out / "config.json").write_text("")
    with pytest.raises(ModelFileError) as error:
        fit(TrainConfig(data=tones, out=out, **TRAINED_WITH), resume=True)
    assert str(error.value).startswith(f"{out}/config.json is damaged (")


class Trap:
    """What executes, where it is unpickled."""

    def __reduce__(self):
        return exec, ("raise SystemExit('executed')",)


@pytest.mark.parametrize("content", ["cut", "trap", "other"])
def test_a_checkpoint_that_is_none_is_refused_and_never_executed(run, tones, tmp_path, content):
    out = tmp_path / "run"
    shutil.copytree(run[0], out)
    state = out / "last.ckpt"
    if content == "cut":
        state.write_bytes(state.read_bytes()[:1000])
    else:
        torch.save(Trap() if content == "trap" else [1, 2], state)
    with pytest.raises(ModelFileError) as error:
        fit(TrainConfig(data=tones, out=out, **TRAINED_WITH), resume=True)
    assert str(error.value).startswith(f"{state} is no checkpoint of a training, or a damaged one (")
    assert str(error.value).endswith("); remove it to begin the run again")
