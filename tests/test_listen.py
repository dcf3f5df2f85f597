"""`audiocnn listen`: what comes through a pipe or a microphone, and what may go wrong there."""

import io
import json
import subprocess
import sys
import types

import numpy as np
import pytest
import soundfile
import torch
from conftest import PITCHES_HZ, RATE
from test_cli import call

from audiocnn.errors import ParameterError
from audiocnn.microphone import BoundedQueue, Gap

OPTIONS = ["--on", "0.9", "--off", "0.8", "--min_seconds", "0.3", "--smoothing_seconds", "0.1"]


@pytest.fixture(scope="module")
def model(run):
    return run[0] / "model.safetensors"


@pytest.fixture(scope="module")
def samples():
    """Nine seconds with a tone each of both kinds."""
    x = 0.01 * np.random.default_rng(1).standard_normal(9 * RATE)
    time = np.arange(RATE) / RATE
    for onset, label in ((2.0, "high"), (5.5, "low")):
        x[round(onset * RATE) :][:RATE] += 0.3 * np.sin(2 * np.pi * PITCHES_HZ[label] * time)
    return x.astype(np.float32)


def listened(capsys, *arguments):
    """The events that `listen` prints as JSON, and what it says beside."""
    status, out, err = call(capsys, "listen", *arguments, *OPTIONS, "--format", "jsonl")
    assert status == 0, err
    return [json.loads(line) for line in out.splitlines()], err


def test_a_pipe_has_the_events_of_the_file(model, samples, tmp_path, capsys, monkeypatch):
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    out = tmp_path / "events.jsonl"
    assert call(capsys, "scan", model, path, *OPTIONS, "--edges", "inside", "--out", out)[0] == 0
    expected = [json.loads(line) for line in out.read_text().splitlines()]
    assert {event["label"] for event in expected} >= {"high", "low"}
    for data, options in (
        (path.read_bytes(), []),
        (samples.astype("<f4").tobytes(), ["--raw", "f32le"]),
        (np.stack((samples, samples), 1).astype("<f4").tobytes(), ["--raw=f32le", "--channels=2"]),
    ):
        monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(data)))
        events, err = listened(capsys, model, "-", *options)
        assert err == ""
        for event, wanted in zip(events, expected, strict=True):
            assert event["label"] == wanted["label"]
            assert [event[k] for k in ("onset", "offset", "known")] == pytest.approx(
                [wanted[k] for k in ("onset", "offset", "known")], abs=1e-5
            )


def test_events_are_printed_while_the_pipe_is_open(model, samples):
    command = [sys.executable, "-c", "import sys; from audiocnn.cli import main; sys.exit(main())"]
    command += ["listen", model, "-", "--raw", "s16le", *OPTIONS]
    listener = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    data = (32767 * samples).astype("<i2").tobytes()
    listener.stdin.write(data[: 2 * 5 * RATE])
    listener.stdin.flush()
    first = listener.stdout.readline().decode()  # comes, though the pipe is open
    out, err = listener.communicate(data[2 * 5 * RATE :], timeout=60)
    assert (listener.returncode, err) == (0, b"")
    assert first.split()[1] == "to" and first.split()[3] == "s" and first.split()[4] in PITCHES_HZ
    assert any(line.split()[4] == "low" for line in out.decode().splitlines())


class _Stream:
    """What sounddevice's InputStream is for us: calls back with what it is given, then falls silent."""

    def __init__(self, blocks, made, **options):
        self.blocks, self.callback = blocks, options.pop("callback")
        made.append(options)

    def __enter__(self):
        for block, overflow in self.blocks:
            if isinstance(block, Exception):
                raise block
            self.callback(block, len(block), None, types.SimpleNamespace(input_overflow=overflow))
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture
def card(monkeypatch):
    """A stand-in for sounddevice: no test can have a sound card. Its blocks, and what it was opened with."""
    blocks, made = [], []
    module = types.ModuleType("sounddevice")
    module.PortAudioError = type("PortAudioError", (Exception,), {})
    module.InputStream = lambda **options: _Stream(blocks, made, **options)
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    monkeypatch.setattr("audiocnn.microphone._SILENT_SECONDS", 0.1)
    return blocks, made, module


def test_a_microphone_is_heard_until_it_goes_away(model, samples, card, capsys):
    blocks, made, _ = card
    blocks += [(part[:, None], False) for part in np.split(samples, 90)]
    status, out, err = call(capsys, "listen", model, *OPTIONS, "--format", "jsonl", "--device_name", "USB")
    assert (status, err) == (
        2,
        "audiocnn listen: the microphone gave nothing for 0.1 s; is it still plugged in?\n",
    )
    assert {json.loads(line)["label"] for line in out.splitlines()} >= {"high", "low"}  # none is lost
    (options,) = made
    assert options == {
        "samplerate": RATE,
        "channels": 1,
        "device": "USB",
        "dtype": "float32",
        "blocksize": 800,
    }


def test_what_the_card_lost_is_a_gap(model, samples, card, capsys):
    parts = np.split(samples[:, None], 90)
    card[0].extend((part, i == 70) for i, part in enumerate(parts))
    _, _, err = call(capsys, "listen", model, *OPTIONS)
    assert err.splitlines()[0] == "audiocnn listen: gap: 0.000 s were dropped at 7.000 s"


@pytest.mark.parametrize("kind", ["PortAudioError", ValueError])
def test_a_microphone_that_cannot_be_used_is_said(kind, model, card, capsys):
    kind = getattr(card[2], kind) if isinstance(kind, str) else kind
    card[0].append((kind("no such device"), False))
    assert call(capsys, "listen", model) == (
        2,
        "",
        (
            "audiocnn listen: the microphone cannot be used (no such device); `python -m sounddevice` lists "
            "them\n"
        ),
    )


def test_without_sounddevice_the_remedy_is_said(model, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    status, out, err = call(capsys, "listen", model)
    assert (status, out) == (2, "")
    assert err.startswith("audiocnn listen: a microphone needs sounddevice and PortAudio (")
    assert err.endswith(
        'install them with `python -m pip install -e ".[listen]"`, or pipe samples to the standard input\n'
    )
    status, _, err = call(capsys, "listen", model, "--raw", "s16le")
    assert err == "audiocnn listen: raw='s16le' is of the standard input; add - after the model\n"


def test_a_full_queue_drops_and_says_so():
    chunks = BoundedQueue(max_frames=10)
    for i in range(6):
        chunks.put(torch.full((1, 4), float(i)))
    assert [float(chunks.get(0).mean()) for _ in range(2)] == [0.0, 1.0]
    assert chunks.get(0) is None  # what was dropped is told of when there is something behind it
    chunks.put(torch.full((1, 4), 6.0))
    assert chunks.get(0) == Gap(16)
    assert float(chunks.get(0).mean()) == 6.0
    with pytest.raises(ParameterError, match="max_frames=0 must be a positive integer"):
        BoundedQueue(0)


def test_a_rate_of_nothing_is_none(model, capsys):
    message = "audiocnn listen: sample_rate=0 must be a positive integer"
    for source in (["-", "--raw", "s16le"], []):
        status, _, err = call(capsys, "listen", model, *source, "--sample_rate", "0")
        assert status == 2 and err.startswith(message)
