"""Mining: the best false alarms, what the decision heard of each, and a table that a training reads."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from conftest import PITCHES_HZ, RATE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_cli import call

import audiocnn
from audiocnn.audio import read
from audiocnn.data.manifest import Clip, read_manifest, write_manifest
from audiocnn.errors import AudioReadError, ParameterError
from audiocnn.events import EventConfig, find_events
from audiocnn.mining import Miner, write_false_alarms
from audiocnn.score_track import scan

LABELS = ("high", "low")
SECONDS = 90


@pytest.fixture(scope="module")
def model(run):
    return run[0] / "model.safetensors"


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """A minute and a half of tones that come and go, so that events crowd."""
    rng, pieces = np.random.default_rng(2), []
    while sum(map(len, pieces)) < SECONDS * RATE:
        time = np.arange(int(rng.uniform(0.1, 0.6) * RATE)) / RATE
        hz = rng.choice([*PITCHES_HZ.values(), 0.0])
        pieces.append(rng.uniform(0.02, 0.4) * np.sin(2 * np.pi * hz * time))
    samples = np.concatenate(pieces)[: SECONDS * RATE]
    path = tmp_path_factory.mktemp("nights") / "night.flac"
    soundfile.write(path, samples + 0.01 * rng.standard_normal(len(samples)), RATE)
    return path


def whole(path):
    return Clip(path=path, label=None)


def mined(classifier, clips, **options):
    miner = Miner(classifier, **{"labels": LABELS, **options})
    for clip in clips:
        miner.listen(clip)
    return miner.best


def rows_of(table):
    return list(csv.DictReader(table.read_text().splitlines()))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    most=st.sampled_from([1, 2, 5, 100]),
    on=st.sampled_from([0.3, 0.6, 0.9]),
    smoothing=st.sampled_from([0.0, 0.25]),
    labels=st.sampled_from([LABELS, ("low",)]),
)
def test_the_best_that_do_not_overlap_are_kept(run, night, most, on, smoothing, labels):
    classifier, config = run[1], EventConfig(on=on, smoothing_seconds=smoothing)
    track = scan(classifier, night, hop_seconds=0.04, edges="silence")
    events = [e for e in find_events(track.scores, track.labels, config, track.clock) if e.label in labels]
    half, taken = classifier.window / RATE / 2, []
    for event in sorted(events, key=lambda event: -event.peak_score):
        if all(abs(event.peak - other.peak) >= 2 * half for other in taken):
            taken.append(event)
    found = mined(classifier, [whole(night)], most=most, events=config, hop_seconds=0.04, labels=labels)
    assert [alarm.score for alarm in found] == pytest.approx([event.peak_score for event in taken[:most]])
    for alarm, event in zip(found, taken, strict=False):
        heard = (max(0.0, event.peak - half), min(SECONDS, event.peak + half))
        assert (alarm.clip.start, alarm.clip.stop) == pytest.approx(heard, abs=1e-6)
        assert alarm.taken_for == event.label


def test_the_window_alone_gets_the_score(run, night):
    classifier = run[1]
    (alarm, *_) = mined(classifier, [Clip(path=night, label=None, start=10.0, stop=40.0)], most=3)
    assert 10.0 <= alarm.clip.start and alarm.clip.stop <= 40.0 and alarm.clip.label is None
    heard = read(night, start_seconds=alarm.clip.start, stop_seconds=alarm.clip.stop).waveform
    assert len(heard) == classifier.window
    (scores,) = classifier.score_clips([heard])
    assert float(scores[classifier.labels.index(alarm.taken_for)]) == pytest.approx(alarm.score, abs=1e-5)


def test_what_the_classifier_was_tuned_to_counts(run, night):
    classifier = audiocnn.load(run[0] / "model.safetensors")
    tuned = EventConfig(on={"high": 0.8, "low": 0.9}, smoothing_seconds=0.2, merge_seconds=0.1)
    expected = mined(classifier, [whole(night)], events=tuned, hop_seconds=0.16)
    classifier.config = replace(classifier.config, events=tuned, hop_seconds=0.16)
    assert mined(classifier, [whole(night)]) == expected != mined(run[1], [whole(night)])


def test_recordings_share_what_is_kept(run, night, tmp_path):
    quiet = tmp_path / "quiet.wav"
    soundfile.write(quiet, 0.01 * np.random.default_rng(3).standard_normal(20 * RATE), RATE)
    one, other = (mined(run[1], [whole(path)], most=4) for path in (night, quiet))
    together = mined(run[1], [whole(quiet), whole(night)], most=4)
    scores = sorted((alarm.score for alarm in (*one, *other)), reverse=True)
    assert [alarm.score for alarm in together] == scores[:4]
    limited = mined(run[1], [whole(quiet), whole(night)], most=4, per_file=1)
    assert sorted(alarm.clip.path.name for alarm in limited) == ["night.flac", "quiet.wav"][: len(limited)]
    assert limited[0] == together[0]
    assert mined(run[1], [whole(night), whole(night)], most=4) == one  # heard twice, no part is listed twice


def test_what_is_said_is_no_false_alarm(run, night):
    everything = mined(run[1], [whole(night)], most=100)
    at = everything[0].clip
    word = Clip(path=night, label="low", start=at.start + 0.1, stop=at.start + 0.2)
    rest = mined(run[1], [whole(night)], most=100, truths=[word])
    assert everything[0] not in rest
    assert all(alarm.clip.stop <= word.start or alarm.clip.start >= word.stop for alarm in rest)
    unnamed = Clip(path=night, label=None, start=word.start, stop=word.stop)
    assert mined(run[1], [whole(night)], most=100, truths=[unnamed]) == rest
    elsewhere = Clip(path=night.with_name("dawn.flac"), label="low")
    other = Clip(path=night, label="a word that is not looked for", start=word.start, stop=word.stop)
    assert mined(run[1], [whole(night)], most=100, truths=[elsewhere, other]) == everything


def test_what_was_found_before_the_damage_counts(run, night, tmp_path):
    cut = tmp_path / "cut.flac"
    cut.write_bytes(night.read_bytes()[: night.stat().st_size // 2])
    miner = Miner(run[1], labels=LABELS, most=3)
    with pytest.raises(AudioReadError):
        miner.listen(whole(cut))
    before = miner.best
    assert before and max(alarm.clip.stop for alarm in before) < SECONDS * 2 / 3
    miner.listen(whole(night))
    assert len(miner.best) == 3


def test_the_table_is_a_manifest(run, night, tmp_path):
    alarms = mined(run[1], [whole(night)], most=3)
    write_false_alarms(tmp_path / "alone.csv", alarms, label="unknown")
    expected = [(alarm.clip.start, alarm.clip.stop, "unknown", None) for alarm in alarms]
    listed = read_manifest(tmp_path / "alone.csv")
    assert [(clip.start, clip.stop, clip.label, clip.split) for clip in listed] == expected

    words = [Clip(path=night, label="high", speaker="ada", split="test", start=0.0, stop=1.0)]
    write_false_alarms(tmp_path / "both.csv", alarms, label="unknown", beside=words)
    first, *mined_ones = read_manifest(tmp_path / "both.csv")
    assert first == words[0]
    assert {(clip.label, clip.speaker, clip.split) for clip in mined_ones} == {("unknown", None, "train")}
    rows = rows_of(tmp_path / "both.csv")
    assert (rows[0]["score"], rows[0]["taken_for"]) == ("", "")
    assert [row["taken_for"] for row in rows[1:]] == [alarm.taken_for for alarm in alarms]
    assert [float(row["score"]) for row in rows[1:]] == pytest.approx([alarm.score for alarm in alarms])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": ()}, "labels is empty; name one at least"),
        ({"labels": ("up",)}, "labels names 'up', which is not among high, low"),
        (
            {"labels": ("low",), "events": EventConfig(on={"high": 0.5})},
            "labels names 'low', which is never an event; give it a score in on",
        ),
        ({"most": 0}, "most=0 must be a positive integer"),
        ({"per_file": 0}, "per_file=0 must be a positive integer"),
    ],
)
def test_what_cannot_work_is_said(options, message, run):
    with pytest.raises(ParameterError) as caught:
        Miner(run[1], **{"labels": LABELS, **options})
    assert str(caught.value) == message


OPTIONS = ("--labels", "high", "low", "--on", "0.6", "--smoothing_seconds", "0.1")


def test_a_table_that_mine_wrote_trains(model, night, tmp_path, capsys):
    out, run, split = tmp_path / "next.csv", tmp_path / "run", model.with_name("split.csv")
    status, printed, err = call(
        capsys, "mine", model, night.parent, *OPTIONS, "--most", 6, "--data", split, "--out", out
    )
    assert (status, err) == (0, "")
    rows = [row for row in rows_of(out) if row["label"] == "unknown"]
    best, least = float(rows[0]["score"]), float(rows[-1]["score"])
    assert printed == f"{out} lists 6 false alarms, with scores from {least:.3f} to {best:.3f}\n"
    small = ["--epochs", 1, "--batch_size", 8, "--device", "cpu"]
    status, _, _ = call(capsys, "train", out, "--out", run, *small)
    assert status == 0
    classifier = audiocnn.load(run / "model.safetensors")
    assert classifier.labels == ("high", "low", "unknown")
    assert torch.isfinite(classifier.normalize.mean).all()
    learned = read_manifest(run / "split.csv")
    assert [clip.split for clip in learned if clip.label == "unknown"] == ["train"] * 6
    assert [clip for clip in learned if clip.label != "unknown"] == read_manifest(split)


def test_truth_is_left_out_by_a_table(model, night, tmp_path, capsys):
    out, table = tmp_path / "false.csv", tmp_path / "said.csv"
    words = [Clip(path=night, label="high", start=0.0, stop=SECONDS - 10.0)]
    write_manifest(table, words)
    assert call(capsys, "mine", model, night, *OPTIONS, "--truth", table, "--out", out)[0] == 0
    assert min(clip.start for clip in read_manifest(out)) >= SECONDS - 10.0
    both = ["--truth", table, tmp_path / "rest.csv"]
    write_manifest(both[-1], [Clip(path=night, label="low", start=SECONDS - 10.0)])
    assert call(capsys, "mine", model, night, *OPTIONS, *both, "--out", tmp_path / "none.csv") == (
        0,
        f"no false alarm was found, and {tmp_path}/none.csv is not written; a lower --on finds more\n",
        "",
    )
    assert not (tmp_path / "none.csv").exists()


def test_one_bad_recording_stops_no_other(model, night, tmp_path, capsys):
    out = tmp_path / "false.csv"
    status, printed, err = call(capsys, "mine", model, tmp_path / "none.wav", night, *OPTIONS, "--out", out)
    assert status == 1
    assert err == f"audiocnn mine: {tmp_path}/none.wav does not exist; check the name and the folder\n"
    assert printed.startswith(f"{out} lists ") and {clip.path for clip in read_manifest(out)} == {night}


def test_where_no_recording_can_be_heard_no_remedy_is_offered(model, tmp_path, capsys):
    out = tmp_path / "false.csv"
    status, printed, _ = call(capsys, "mine", model, tmp_path / "none.wav", *OPTIONS, "--out", out)
    assert (status, printed) == (1, f"no recording could be heard, and {out} is not written\n")


def test_an_interrupt_leaves_what_was_found(model, night, tmp_path, capsys, monkeypatch):
    out, listen = tmp_path / "false.csv", Miner.listen

    def stopped(miner, clip):
        listen(miner, clip)
        raise KeyboardInterrupt

    monkeypatch.setattr(Miner, "listen", stopped)
    status, _, err = call(capsys, "mine", model, night, night, *OPTIONS, "--most", 2, "--out", out)
    assert status == 130
    assert err.startswith(f"audiocnn mine: interrupted in {night}; {out} lists 2 false alarms, with scores")
    assert len(read_manifest(out)) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--labels", "up", "--out", "a.csv"], "labels names 'up', which is not among high, low"),
        (["--labels", "low", "--out", "a.txt"], "out=a.txt must end in .csv"),
        (
            ["--labels", "low", "--out", "a.csv", "--label", ""],
            "label='' must be a text: what false alarms are to be learned as; unknown is usual",
        ),
        (["--labels", "low", "--out", "a.csv", "--on", "2"], "on=2.0 must be a score, from 0 to 1"),
        (
            ["--labels", "low", "--out", "a.csv", "--truth", "{other}"],
            "truth={other} names none of these recordings; give the table that tells of them",
        ),
        (
            ["--labels", "low", "--out", "a.csv", "--data", "{other}"],
            (
                "data={other} does not say which recordings are for training; give the split.csv that the "
                "training left beside the classifier"
            ),
        ),
    ],
)
def test_a_mistake_is_said_before_anything_is_written(
    options, message, model, night, tmp_path_factory, tmp_path, capsys, monkeypatch
):
    other = tmp_path_factory.mktemp("said") / "said.csv"
    soundfile.write(other.with_name("dawn.wav"), np.zeros(RATE), RATE)
    write_manifest(other, [Clip(path=other.with_name("dawn.wav"), label="low", start=0.1, stop=0.5)])
    monkeypatch.chdir(tmp_path)
    arguments = [option.format(other=other) for option in options]
    expected = f"audiocnn mine: {message.format(other=other)}\n"
    assert call(capsys, "mine", model, night, *arguments) == (2, "", expected)
    assert not list(tmp_path.iterdir())
