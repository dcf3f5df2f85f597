"""Thresholds found in recordings are those that judging them finds, and are refused where they cannot be."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import PITCHES_HZ, RATE

import audiocnn
from audiocnn.classifier import Classifier
from audiocnn.data.manifest import Clip, read_manifest
from audiocnn.errors import ManifestError, ParameterError
from audiocnn.events import EventConfig, find_events
from audiocnn.operating_point import OperatingPoint, Truth, count_events
from audiocnn.point_table import format_points
from audiocnn.recordings import listen
from audiocnn.score_track import scan
from audiocnn.tuning import Judgement, Recording, judge, recordings_of, tune

SMOOTH = EventConfig(smoothing_seconds=0.2, min_seconds=0.1, merge_seconds=0.2)


def tone(label, seconds=0.8, loudness=0.3):
    return loudness * np.sin(2 * np.pi * PITCHES_HZ[label] * np.arange(round(seconds * RATE)) / RATE)


@pytest.fixture(scope="module")
def model(run):
    return run[0] / "model.safetensors"


@pytest.fixture
def classifier(model):
    return audiocnn.load(model)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two long recordings with tones in noise that grows, three by themselves, and two of noise alone."""
    folder = tmp_path_factory.mktemp("nights")
    rng = np.random.default_rng(3)
    rows = ["file_name,start,stop,label"]
    for name, onsets in (("a", (3.0, 7.5, 12.0, 17.0)), ("b", (2.0, 9.0, 15.0))):
        samples = np.geomspace(0.003, 0.03, 20 * RATE) * rng.standard_normal(20 * RATE)
        for i, onset in enumerate(onsets):
            label = ("high", "low")[i % 2]
            samples[round(onset * RATE) :][: round(0.8 * RATE)] += tone(label)
            rows.append(f"{name}.flac,{onset},{onset + 0.8},{label}")
        soundfile.write(folder / f"{name}.flac", samples.clip(-1, 1), RATE)
    (folder / "parts.csv").write_text("\n".join([*rows, ""]))
    (folder / "noise").mkdir()
    for i in range(2):
        noise = 0.01 * rng.standard_normal(15 * RATE)
        soundfile.write(folder / "noise" / f"{i}.wav", noise, RATE)
    (folder / "words").mkdir()
    for i, label in enumerate(("high", "low", "high")):
        (folder / "words" / label).mkdir(exist_ok=True)
        samples = np.pad(tone(label, 1.2), RATE // 4) + 0.001 * rng.standard_normal(RATE * 17 // 10)
        soundfile.write(folder / "words" / label / f"{i}.wav", samples, RATE)
    return folder


@pytest.fixture(scope="module")
def recordings(folder):
    return recordings_of(read_manifest(folder / "parts.csv"), sorted((folder / "noise").iterdir()))


def test_parts_of_a_file_are_the_truths_of_one_recording(folder):
    path, noise = folder / "a.flac", folder / "noise" / "0.wav"
    clips = [
        Clip(path=path, label="low", start=12.0, stop=99.0),
        Clip(path=folder / "noise" / ".." / "a.flac", label="high", start=3.0, stop=3.8),
    ]
    negatives = [noise, path, Clip(path=noise, label=None, start=2.0, stop=5.0)]
    assert recordings_of(clips, negatives) == [
        Recording(
            path=path,
            truths=(
                Truth(label="high", onset=3.0, offset=3.8),
                Truth(label="low", onset=12.0, offset=20.0),  # the end of the file
            ),
        ),
        Recording(path=noise),
        Recording(path=noise, start=2.0, stop=5.0),
    ]


def test_a_whole_file_is_a_word_where_it_sounds(folder):
    path = folder / "words" / "low" / "1.wav"
    (recording,) = recordings_of([Clip(path=path, label="low")], [path])
    (word,) = recording.truths
    assert recording.is_clip and word.label == "low"
    assert (word.onset, word.offset) == pytest.approx((0.25, 1.45), abs=0.011)


def test_positives_that_cannot_be_are_all_listed(folder, tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    path = folder / "a.flac"
    clips = [
        Clip(path=tmp_path / "bad.wav", label="high"),
        Clip(path=path, label="high", start=30.0),
        Clip(path=folder / "b.flac", label=None, start=1.0),
    ]
    with pytest.raises(ManifestError) as caught:
        recordings_of(clips)
    heading, bad, behind, unnamed = str(caught.value).splitlines()
    assert heading == "these positives cannot be used (3):"
    assert str(tmp_path / "bad.wav") in bad
    assert behind == f"  {path}: start=30.0 is behind its end, at 20 s"
    assert (
        unnamed
        == f"  {folder / 'b.flac'} has no label; name what is said in it, or list it among the negatives"
    )


def test_the_chosen_thresholds_give_what_they_are_chosen_for(classifier, recordings):
    tuning = tune(
        classifier,
        recordings,
        labels=["high", "low"],
        max_fa_per_hour=200,
        events=SMOOTH,
        hop_seconds=0.16,
    )
    assert tuning.hop_seconds == 0.16
    chosen = tuning.chosen
    assert chosen.hours == pytest.approx(70 / 3600)
    assert (chosen.points["high"].words, chosen.points["low"].words) == (4, 3)
    assert chosen.total.alarms_per_hour <= 200 and chosen.total.misses < 7
    assert tuning.config == replace(
        SMOOTH, on={label: point.threshold for label, point in chosen.points.items()}
    )
    # found by the mechanism that `scan` and `listen` find events with
    judged = judge(classifier, recordings, events=tuning.config, hop_seconds=0.16)
    assert judged == chosen
    # no other thresholds of the two miss fewer words for as few false alarms
    allowed = 200 * chosen.hours
    for high, low in product(tuning.points["high"], tuning.points["low"]):
        if high.false_alarms + low.false_alarms <= allowed and max(high.misses / 4, low.misses / 3) < 1:
            assert high.misses + low.misses >= chosen.total.misses
    assert replace(chosen.total, latencies=()) in tuning.together


def test_what_is_judged_is_what_a_scan_finds(classifier, recordings, folder):
    events = replace(SMOOTH, on={"low": 0.7})
    judged = judge(classifier, recordings, events=events)
    found = misses = alarms = 0
    for recording in recordings:
        track = scan(classifier, recording.path, edges="silence")
        truths = [truth for truth in recording.truths if truth.label == "low"]
        some = find_events(track.scores, track.labels, events, track.clock)
        point = count_events(some, truths, threshold=0.7, hours=1.0)
        found, misses, alarms = found + len(some), misses + point.misses, alarms + point.false_alarms
    assert list(judged.points) == ["low"] and found
    assert (judged.total.words, judged.total.misses, judged.total.false_alarms) == (3, misses, alarms)


def test_a_part_is_heard_by_itself_at_the_times_of_the_whole(classifier, folder):
    path = folder / "a.flac"
    word = Truth(label="low", onset=7.5, offset=8.3)
    part = Recording(path=path, truths=(word,), start=6.0, stop=10.0)
    judged = judge(classifier, [part], events=replace(SMOOTH, on={"low": 0.7}))
    assert judged.hours == pytest.approx(4 / 3600)
    assert (judged.total.misses, judged.total.words) == (0, 1)
    assert -1 < judged.total.latencies[0] < 2


def test_words_by_themselves_are_found_or_missed_and_no_more(classifier, folder):
    clips = [Clip(path=path, label=path.parent.name) for path in sorted((folder / "words").glob("*/*.wav"))]
    words = recordings_of(clips)
    judged = judge(classifier, words, events=replace(SMOOTH, on=0.7))
    assert (judged.hours, judged.total.false_alarms, judged.total.words) == (0.0, 0, 3)
    assert judged.total.misses == 0
    assert str(judged).splitlines()[1].split()[:3] == ["high", "0.7000", "2"]
    noise = Recording(path=folder / "noise" / "0.wav")
    tuning = tune(classifier, [*words, noise], labels=["low"], max_fa_per_hour=0, events=SMOOTH)
    assert tuning.chosen.total.words == 1 and tuning.chosen.hours == pytest.approx(15 / 3600)


def test_a_word_is_heard_with_silence_around(classifier, folder):
    path = folder / "words" / "low" / "1.wav"
    half = classifier.window // 2
    samples = torch.nn.functional.pad(audiocnn.audio.read(path).waveform, (half, half))
    track = scan(classifier, samples, edges="silence")
    ((_, scores, clock, seconds),) = listen(
        classifier, recordings_of([Clip(path=path, label="low")]), ["low"], None
    )
    assert scores.dtype == np.float32 and np.allclose(scores[0], track.scores[1], atol=1e-6)
    assert clock.first_seconds == pytest.approx(track.clock.first_seconds - half / RATE)
    assert seconds == pytest.approx(1.7)
    middles = clock.first_seconds + clock.hop_seconds * np.arange(scores.shape[1])
    assert middles[0] < -0.7 and middles[-1] > 1.7 + 0.6  # all that hear something of it


def test_tuned_thresholds_travel_with_the_classifier(classifier, recordings, tmp_path):
    tuning = tune(classifier, recordings, labels=["low"], max_fa_per_hour=1000, events=SMOOTH)
    before = classifier.score_clips([torch.zeros(RATE)])
    tuning.store(classifier)
    classifier.save(tmp_path / "tuned.safetensors")
    loaded = audiocnn.load(tmp_path / "tuned.safetensors")
    assert loaded.config == classifier.config
    assert loaded.config.events == tuning.config and loaded.config.hop_seconds == tuning.hop_seconds
    assert torch.equal(loaded.score_clips([torch.zeros(RATE)]), before)
    assert judge(loaded, recordings) == tuning.chosen  # its thresholds, its hop


def test_the_report_says_what_was_chosen(classifier, recordings, tmp_path):
    tuning = tune(classifier, recordings, labels=["high", "low"], max_fa_per_hour=300, events=SMOOTH)
    first, _, head, high, low, together, _, *rules = str(tuning).splitlines()
    assert first == "at most 300 false alarms an hour, of 2 labels together"
    assert head.split()[:3] == ["label", "threshold", "words"]
    assert [line.split()[0] for line in (high, low, together)] == ["high", "low", "all"]
    assert together.split()[1:3] == ["7", f"{100 * tuning.chosen.total.miss_rate:.1f}"]
    assert rules[0].startswith("False alarms are of 0.02 h.") and "give or take" in rules[0]
    rows = tuning.rows()
    assert len(rows) == sum(map(len, tuning.points.values()))
    for label, point in tuning.chosen.points.items():
        (row,) = [row for row in rows if row["label"] == label and row["chosen"]]
        assert row["threshold"] == point.threshold and row["miss_rate_high"] == point.miss_interval[1]
    values = json.loads(json.dumps(tuning.chosen.as_dict(), allow_nan=False))
    assert values["all"]["words"] == 7 and values["all"]["threshold"] is None
    assert values["labels"]["low"]["latency_90"] == tuning.chosen.points["low"].latency(90)
    tuning.draw(tmp_path / "det.png")
    assert (tmp_path / "det.png").read_bytes().startswith(b"\x89PNG")


def test_a_label_may_be_called_all():
    point = OperatingPoint(threshold=0.5, words=4, misses=1, false_alarms=0, hours=1.0, latencies=(0.1,) * 3)
    report = format_points({"all": point, "none": point}, point, tolerance=0.3).splitlines()
    assert [line.split("  ")[0] for line in report[1:4]] == ["all", "none", "all labels"]


CLIP = Recording(path="1.wav", truths=(Truth(label="low", onset=0.0, offset=1.0),), is_clip=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda classifier, some: tune(classifier, some, labels=["up"], max_fa_per_hour=1),
            "labels names 'up', which is not among high, low",
        ),
        (
            lambda classifier, some: tune(classifier, some, labels=[], max_fa_per_hour=1),
            "labels is empty; name one at least",
        ),
        (
            lambda classifier, some: tune(classifier, some, labels=["low"], max_fa_per_hour=-1),
            "max_fa_per_hour=-1 must be 0 or more",
        ),
        (
            lambda classifier, some: tune(classifier, some[2:], labels=["low"], max_fa_per_hour=1),
            "labels names 'low', of which there is no positive; there are none",
        ),
        (
            lambda classifier, some: tune(classifier, [CLIP], labels=["low"], max_fa_per_hour=1),
            (
                "negatives are missing: words by themselves have no time in which a false alarm could be; "
                "name recordings in which no word is said, or give the words as parts of longer recordings"
            ),
        ),
        (
            lambda classifier, some: judge(
                classifier, some, labels=["high"], events=EventConfig(on={"low": 0.5})
            ),
            "labels names 'high', which is never an event; give it a threshold in on",
        ),
        (
            lambda classifier, some: judge(classifier, some, events=EventConfig(on={"up": 0.5})),
            "labels names 'up', which is not among high, low",
        ),
    ],
)
def test_what_cannot_be_is_said(call, message, classifier, recordings):
    with pytest.raises(ParameterError) as caught:
        call(classifier, recordings)
    assert str(caught.value) == message


def test_a_rate_that_no_threshold_reaches_is_said(classifier, folder, tmp_path):
    """Words that are said where none is named have scores as high as any."""
    clips = [clip for clip in read_manifest(folder / "parts.csv") if clip.path.name == "a.flac"]
    same = tmp_path / "again.flac"
    same.write_bytes((folder / "a.flac").read_bytes())
    recordings = recordings_of(clips, [same])
    with pytest.raises(ParameterError) as caught:
        tune(classifier, recordings, labels=["low"], max_fa_per_hour=1, events=SMOOTH)
    assert str(caught.value) == (
        "no threshold does what is asked, for these labels (1):\n"
        f"  low: max_fa_per_hour=1 is too few: {3600 / 40:.2f} is the least that can be had; allow more, "
        "or train on what is taken for the word"
    )


def test_recordings_that_cannot_be_read_are_all_listed_before_one_is_heard(classifier, folder):
    missing = [Recording(path=folder / name) for name in ("x.wav", "y.wav")]
    with pytest.raises(ManifestError) as caught:
        judge(classifier, [*missing, missing[0]], labels=["low"])
    assert str(caught.value) == (
        "these recordings cannot be read (2):\n"
        f"  {folder}/x.wav does not exist; check the name and the folder\n"
        f"  {folder}/y.wav does not exist; check the name and the folder"
    )


def test_parts_and_rates_that_cannot_be_heard_are_listed_with_them(classifier, folder, tmp_path):
    """Not only when their turn comes, after hours of others."""
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), RATE)
    soundfile.write(tmp_path / "slow.wav", np.zeros(RATE), RATE // 2)
    noise = Recording(path=folder / "noise" / "0.wav")
    strict = Classifier(classifier.config, resample=False)
    beyond = [replace(noise, start=100.0), Recording(path=tmp_path / "empty.wav")]
    with pytest.raises(ManifestError) as caught:
        judge(strict, [noise, *beyond, Recording(path=tmp_path / "slow.wav")], labels=["low"])
    head, *lines = str(caught.value).splitlines()
    assert head == "these recordings cannot be read (3):"
    for line, start in zip(
        lines,
        (
            f"  start_seconds=100.0 is behind the end of {folder}/noise/0.wav, which is ",
            f"  {tmp_path}/empty.wav holds no samples; ",
            f"  {tmp_path}/slow.wav has {RATE // 2} samples a second, and the classifier, which was told ",
        ),
        strict=True,
    ):
        assert line.startswith(start)


def test_a_judgement_of_nothing_says_nothing():
    judged = Judgement(points={}, hours=0.0)
    assert judged.total.words == 0 and np.isnan(judged.total.miss_rate)


def test_a_negative_is_known_by_its_file_however_it_is_named(folder, tmp_path, monkeypatch):
    """A table's paths are whole, those of a command line often not; none is heard twice."""
    monkeypatch.chdir(folder)
    (tmp_path / "linked.flac").symlink_to(folder / "b.flac")
    noise = Path("noise/0.wav")
    part = Clip(path=noise, label=None, start=1.0, stop=2.0)
    negatives = [
        Path("a.flac"),
        tmp_path / "linked.flac",
        noise,
        folder / noise,
        part,
        replace(part, start=1.5),
    ]
    clips = read_manifest("parts.csv")
    recordings = recordings_of(clips, negatives)
    heard = [(recording.path.name, recording.start) for recording in recordings]
    assert heard == [("a.flac", 0.0), ("b.flac", 0.0), ("0.wav", 0.0), ("0.wav", 1.0), ("0.wav", 1.5)]
