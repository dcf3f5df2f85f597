"""`audiocnn tune`, what it leaves with a model, and `audiocnn evaluate --stream`."""

import csv
import json
import shutil

import numpy as np
import pytest
import soundfile
from conftest import PITCHES_HZ, RATE
from test_cli import call

import audiocnn
from audiocnn.events import EventConfig

SMOOTH = ("--smoothing_seconds", "0.2", "--min_seconds", "0.1")


@pytest.fixture(scope="module")
def model(run):
    return run[0] / "model.safetensors"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three recordings with tones in noise, each of a split, one of noise, and a word by itself."""
    folder = tmp_path_factory.mktemp("streams")
    rng = np.random.default_rng(5)
    rows = ["file_name,start,stop,label,split"]
    time = np.arange(round(0.8 * RATE)) / RATE
    for split in ("train", "validation", "test"):
        samples = np.geomspace(0.003, 0.03, 15 * RATE) * rng.standard_normal(15 * RATE)
        for onset, label in ((2.0, "high"), (6.0, "low"), (11.0, "high")):
            samples[round(onset * RATE) :][: len(time)] += 0.3 * np.sin(2 * np.pi * PITCHES_HZ[label] * time)
            rows.append(f"{split}.flac,{onset},{onset + 0.8},{label},{split}")
        soundfile.write(folder / f"{split}.flac", samples, RATE)
    (folder / "said.csv").write_text("\n".join([*rows, ""]))
    soundfile.write(folder / "noise.wav", 0.01 * rng.standard_normal(10 * RATE), RATE)
    (folder / "words" / "low").mkdir(parents=True)
    soundfile.write(
        folder / "words" / "low" / "0.wav", 0.3 * np.sin(2 * np.pi * PITCHES_HZ["low"] * time), RATE
    )
    return folder


@pytest.fixture(scope="module")
def tuned(model, folder, tmp_path_factory):
    """A model with thresholds, and the files and the text that came with it."""
    from audiocnn.cli import main

    out = tmp_path_factory.mktemp("tuned")
    arguments = ["tune", model, "--positives", folder / "said.csv", "--negatives", folder / "noise.wav"]
    arguments += [
        "--max_fa_per_hour",
        "300",
        *SMOOTH,
        "--hop_seconds",
        "0.16",
        "--out",
        out / "tuned.safetensors",
    ]
    arguments += ["--picture", out / "det.svg", "--table", out / "det.csv"]
    assert main(list(map(str, arguments))) == 0
    return out


def test_what_was_found_is_kept_drawn_and_listed(tuned):
    config = audiocnn.load(tuned / "tuned.safetensors").config
    assert set(config.events.on) == {"high", "low"} and config.hop_seconds == 0.16
    assert (config.events.smoothing_seconds, config.events.min_seconds, config.events.off) == (0.2, 0.1, None)
    assert "<svg" in (tuned / "det.svg").read_text()
    with (tuned / "det.csv").open() as file:
        rows = list(csv.DictReader(file))
    chosen = {row["label"]: row for row in rows if row["chosen"] == "True"}
    for label, row in chosen.items():
        assert float(row["threshold"]) == pytest.approx(config.events.on[label])
        assert (row["words"], float(row["hours"])) == (
            {"high": "2", "low": "1"}[label],
            pytest.approx(25 / 3600),
        )
    assert sum(int(row["false_alarms"]) for row in chosen.values()) <= 300 * 25 / 3600


def test_the_validation_split_is_heard_and_said(model, folder, capsys):
    options = ("--positives", folder / "said.csv", "--max_fa_per_hour", "500", *SMOOTH)
    status, out, err = call(capsys, "tune", model, *options)
    assert (status, err) == (0, "the thresholds are not kept; --out does that\n")
    first, _, _, high, low, together, *_ = out.splitlines()
    assert first == (
        f"{model} on {folder}/said.csv, validation split: at most 500 false alarms an hour, of 2 labels "
        "together"
    )
    assert [line.split()[0] for line in (high, low, together)] == ["high", "low", "all"]
    assert (high.split()[2], low.split()[2]) == ("2", "1")
    out = call(capsys, "tune", model, *options, "--split", "all", "--labels", "high")[1]
    assert out.splitlines()[3].split()[:3:2] == ["high", "6"]


def test_words_by_themselves_are_found_and_negatives_are_heard(model, folder, capsys):
    options = (
        "--positives",
        folder / "words",
        "--negatives",
        folder / "noise.wav",
        "--max_fa_per_hour",
        "360",
    )
    status, out, _ = call(capsys, "tune", model, *options)
    assert status == 0 and out.splitlines()[3].split()[2] == "1"
    assert f"False alarms are of {10 / 3600:.2f} h." in out


def test_the_model_itself_may_be_replaced_and_no_other_file(model, folder, tmp_path, capsys):
    mine, other = tmp_path / "mine.safetensors", tmp_path / "other.safetensors"
    shutil.copy(model, mine)
    shutil.copy(model, other)
    options = ("--positives", folder / "said.csv", "--labels", "low", "--max_fa_per_hour", "1000")
    assert call(capsys, "tune", mine, *options, "--out", other) == (
        2,
        "",
        (
            f"audiocnn tune: out={other} is there already; name a new file, or the model itself to have it "
            "replaced\n"
        ),
    )
    assert other.read_bytes() == model.read_bytes()
    status, out, _ = call(capsys, "tune", mine, *options, "--out", mine)
    assert status == 0 and out.endswith(f"{mine} has these thresholds\n")
    assert list(audiocnn.load(mine).config.events.on) == ["low"]


def test_a_scan_takes_what_was_tuned_and_an_option_just_its_own_value(tuned, folder, capsys):
    path, file = tuned / "tuned.safetensors", folder / "test.flac"
    config = audiocnn.load(path).config

    def scanned(*options):
        status, out, err = call(capsys, "scan", path, file, *options)
        assert (status, err) == (0, "")
        return out

    plain = scanned()
    on = json.dumps(dict(config.events.on))
    told = ("--on", on, *SMOOTH, "--hop_seconds", "0.16")
    assert plain == scanned(*told) and len(plain.splitlines()) > 1
    assert plain != scanned("--on", "0.3")
    assert scanned("--on", "0.3") == scanned(*told, "--on", "0.3")
    assert scanned("--hop_seconds", "0.08") == scanned(*told, "--hop_seconds", "0.08")
    assert scanned("--ignore", "high") == scanned(*told, "--ignore", "high") != plain


def test_a_tuned_model_is_judged_on_what_it_was_not_tuned_on(tuned, folder, tmp_path, capsys):
    out = tmp_path / "judged.json"
    path, negatives = tuned / "tuned.safetensors", ("--negatives", folder / "noise.wav")
    status, text, err = call(
        capsys, "evaluate", path, folder / "said.csv", "--stream", *negatives, "--out", out
    )
    assert (status, err) == (0, "")
    assert text.splitlines()[0] == f"{path} on {folder}/said.csv, test split, as a stream"
    values = json.loads(out.read_text())
    assert values["hours"] == pytest.approx(25 / 3600) and list(values["labels"]) == ["high", "low"]
    assert values["all"]["words"] == 3 and values["all"]["misses"] <= 3
    # on what it was tuned on it is as good as was said there
    call(
        capsys,
        "evaluate",
        path,
        folder / "said.csv",
        "--stream",
        *negatives,
        "--split",
        "validation",
        "--out",
        out,
    )
    values = json.loads(out.read_text())["labels"]
    with (tuned / "det.csv").open() as file:
        for row in csv.DictReader(file):
            if row["chosen"] == "True":
                judged = values[row["label"]]
                assert (judged["misses"], judged["false_alarms"]) == (
                    int(row["misses"]),
                    int(row["false_alarms"]),
                )


def test_without_thresholds_a_half_is_one(model, folder, capsys):
    status, out, _ = call(capsys, "evaluate", model, folder / "said.csv", "--stream")
    assert status == 0
    assert out.splitlines()[0] == (
        f"{model} on {folder}/said.csv, test split, as a stream, not tuned: a score of 0.5 is an event"
    )
    assert EventConfig().on == 0.5


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (
            "tune {model} --positives {folder}/words",
            (
                "negatives are missing: words by themselves have no time in which a false alarm could be; "
                "name recordings in which no word is said, or give the words as parts of longer recordings"
            ),
        ),
        (
            "tune {model} --positives {folder}/said.csv --labels up",
            "labels names 'up', which is not among high, low",
        ),
        (
            "tune {model} --positives {folder}/said.csv --out a.bin",
            "out=a.bin must end in .safetensors",
        ),
        (
            "tune {model} --positives {folder}/mixed.csv --split test",
            (
                "{folder}/test.flac has words of other splits than test too, which would be taken for false "
                "alarms; give each recording one split, or take --split all"
            ),
        ),
        (
            "tune {model} --positives {folder}/none.csv",
            (
                "{folder}/none.csv does not exist; give a table with a column file_name, or a folder of "
                "label folders"
            ),
        ),
        (
            "evaluate {model} {model} {folder}/said.csv --stream",
            "--stream: one model listens, and there are 2; name one",
        ),
        (
            "evaluate {model} {folder}/said.csv --stream --shifts 3",
            "--stream: a stream has no other views; leave --ten_crop, --scales, --shifts out",
        ),
        (
            "evaluate {model} {folder}/said.csv --stream --picture a.png",
            "--stream: there is no confusion matrix of events; leave --picture out",
        ),
        (
            "evaluate {model} {folder}/said.csv --negatives {folder}",
            "negatives are heard with --stream alone; add it, or leave them out",
        ),
    ],
)
def test_a_mistake_is_said(command, message, model, folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mixed = ["file_name,start,stop,label,split", "test.flac,2,2.8,high,test", "test.flac,6,6.8,low,train", ""]
    (folder / "mixed.csv").write_text("\n".join(mixed))
    places = {"model": model, "folder": folder}
    words = [word.format(**places) for word in command.split()]
    expected = f"audiocnn {words[0]}: {message.format(**places)}\n"
    assert call(capsys, *words) == (2, "", expected)
    assert not list(tmp_path.iterdir())
