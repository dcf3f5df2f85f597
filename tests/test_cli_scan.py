"""`audiocnn scan`: what is where in a recording, and what a user may do wrong."""

import csv
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from conftest import PITCHES_HZ, RATE
from test_cli import call

import audiocnn
from audiocnn.cli import scanning
from audiocnn.score_track import scan

ONSETS = {"high": (2.0, 9.0), "low": (5.5,)}


@pytest.fixture(scope="module")
def model(run):
    return run[0] / "model.safetensors"


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """Twenty-four seconds with three tones of a second in a little noise."""
    rng = np.random.default_rng(1)
    samples = 0.01 * rng.standard_normal(24 * RATE)
    time = np.arange(RATE) / RATE
    for label, onsets in ONSETS.items():
        for onset in onsets:
            samples[round(onset * RATE) :][:RATE] += 0.3 * np.sin(2 * np.pi * PITCHES_HZ[label] * time)
    path = tmp_path_factory.mktemp("nights") / "night.flac"
    soundfile.write(path, samples, RATE)
    return path


# noise alone may be called either; a tone is told by its score
OPTIONS = ["--on", "0.9", "--off", "0.8", "--min_seconds", "0.3", "--smoothing_seconds", "0.1"]


def events_of(text):
    return list(csv.DictReader(text.splitlines()))


def test_tones_are_found_where_they_are(model, night, capsys):
    status, out, err = call(capsys, "scan", model, night, *OPTIONS)
    assert (status, err) == (0, "")
    events = events_of(out)
    for label, onsets in ONSETS.items():
        middles = [(float(e["onset"]) + float(e["offset"])) / 2 for e in events if e["label"] == label]
        for onset in onsets:
            assert any(abs(middle - onset - 0.5) < 0.4 for middle in middles), (label, onset, events)
    assert {event["file_name"] for event in events} == {str(night)}


def test_scores_are_those_of_a_scan(model, night, tmp_path, capsys):
    path = tmp_path / "scores.parquet"
    options = ("--hop_seconds", "0.16", "--edges", "inside")
    status, _, err = call(capsys, "scan", model, night, "--scores", path, *options)
    assert (status, err) == (0, "")
    table = pq.read_table(path)
    track = scan(audiocnn.load(model), night, hop_seconds=0.16)
    assert table.column_names == ["file_name", "seconds", "score_high", "score_low"]
    assert table["seconds"].to_pylist() == pytest.approx(list(track.seconds))
    assert table["score_low"].to_numpy() == pytest.approx(track.scores[1].numpy(), abs=1e-6)
    assert not list(tmp_path.glob("*.partial"))


def test_a_part_has_the_times_of_the_whole(model, night, tmp_path, capsys):
    table = tmp_path / "parts.csv"
    table.write_text(f"file_name,start,stop\n{night},4.0,8.0\n")
    whole = events_of(call(capsys, "scan", model, night, *OPTIONS, "--ignore", "high")[1])
    part = events_of(call(capsys, "scan", model, table, *OPTIONS, "--ignore", "high")[1])
    (low,) = [event for event in part if 5.0 < float(event["peak"]) < 7.0]
    (same,) = [event for event in whole if 5.0 < float(event["peak"]) < 7.0]
    assert float(low["onset"]) == pytest.approx(float(same["onset"]), abs=0.01)
    assert all(4.0 <= float(event["peak"]) <= 8.0 and event["label"] == "low" for event in part)


def test_each_form_has_the_same_events(model, night, tmp_path, capsys):
    expected = events_of(call(capsys, "scan", model, night, *OPTIONS)[1])
    for name in ("a.jsonl", "a.txt", "a.selections.txt"):
        out = tmp_path / name
        assert call(capsys, "scan", model, night, *OPTIONS, "--out", out) == (0, "", "")
        lines = out.read_text().splitlines()
        if name == "a.jsonl":
            onsets = [json.loads(line)["onset"] for line in lines]
        elif name == "a.txt":
            onsets = [float(line.split("\t")[0]) for line in lines]
        else:
            onsets = [float(line.split("\t")[3]) for line in lines[1:]]
            assert lines[1].split("\t")[6] == "8000.0"  # up to half the sample rate
        assert onsets == pytest.approx([float(event["onset"]) for event in expected])


def test_one_bad_recording_stops_no_other(model, night, tmp_path, capsys):
    cut = tmp_path / "cut.flac"
    cut.write_bytes(night.read_bytes()[: night.stat().st_size * 2 // 3])
    status, out, err = call(capsys, "scan", model, tmp_path / "none.wav", cut, night, *OPTIONS)
    assert status == 1
    first, second = err.splitlines()
    assert first == f"audiocnn scan: {tmp_path}/none.wav does not exist; check the name and the folder"
    assert second.startswith(f"audiocnn scan: {cut} ")
    found = {str(path): [e for e in events_of(out) if e["file_name"] == str(path)] for path in (cut, night)}
    assert found[str(night)]
    # what was heard before the damage counts, whatever the decoder gave of it
    assert all(float(event["offset"]) < 9.0 for event in found[str(cut)])


def test_an_interrupt_leaves_what_was_found(model, night, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("audiocnn.classifier.BLOCK_SECONDS", 20.0)
    out, listen = tmp_path / "events.csv", scanning._listen

    def stopped(listener, clip):
        for heard in listen(listener, clip):
            yield heard
            raise KeyboardInterrupt

    monkeypatch.setattr(scanning, "_listen", stopped)
    status, _, err = call(capsys, "scan", model, night, *OPTIONS, "--out", out)
    assert (status, err) == (
        130,
        f"audiocnn scan: interrupted 20 s into {night}; {out} holds the events that were over by then\n",
    )
    monkeypatch.undo()
    events = events_of(out.read_text())
    assert events and events == events_of(call(capsys, "scan", model, night, *OPTIONS)[1])[: len(events)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["{night}", "--on", "2"], "on=2.0 must be a score, from 0 to 1"),
        (["{night}", "--on", '{{"up": 0.5}}'], "on names 'up', which is not among high, low"),
        (["{night}", "--ignore", "up"], "ignore names 'up', which is not among high, low"),
        (
            ["{night}", "--hop_seconds", "0.013"],
            (
                "hop_seconds=0.013 must be a multiple or a whole part of the net's own hop, 0.08 s, such as "
                "0.16 or 0.04"
            ),
        ),
        (["{night}", "--out", "a.xml"], "out=a.xml must end in .csv, .jsonl, .txt"),
        (
            ["{night}", "{night}", "--out", "a.txt"],
            "out=a.txt is for one recording, and there are 2; write .csv or .jsonl",
        ),
        (["{night}", "--scores", "a.npy"], "scores=a.npy must end in .csv, .jsonl, .parquet"),
    ],
)
def test_a_mistake_is_said_before_anything_is_written(
    options, message, model, night, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    arguments = [option.format(night=night) for option in options]
    assert call(capsys, "scan", model, *arguments) == (2, "", f"audiocnn scan: {message}\n")
    assert not list(tmp_path.iterdir())
