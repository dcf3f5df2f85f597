"""Events as files: each form, line by line."""

import csv
import io
import json
from pathlib import Path

import pytest

from audiocnn.errors import ParameterError
from audiocnn.event_table import EVENT_COLUMNS, EventWriter, event_format
from audiocnn.events import Event

YES = Event(label="yes", onset=1.5, offset=2.25, peak_score=1 / 3, peak=2.0, known=2.80000049)
ODD = Event(label='a\t"b",\nc', onset=0.1 + 0.2, offset=12345.678901, peak_score=1.0, peak=0.5, known=1.0)


def written(form, **options):
    file = io.StringIO()
    writer = EventWriter(file, form, **options)
    writer.write(YES, "a.wav")
    writer.write(ODD, "b,c.wav")
    return file.getvalue()


def test_csv():
    text = written("csv")
    assert text.splitlines()[:2] == [
        "file_name,label,onset,offset,peak_score,peak,known",
        "a.wav,yes,1.5,2.25,0.333333333,2.0,2.8",
    ]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[1]["label"] == ODD.label and rows[1]["file_name"] == "b,c.wav"
    assert [float(rows[1][name]) for name in EVENT_COLUMNS[1:]] == [0.3, 12345.678901, 1.0, 0.5, 1.0]


def test_jsonl():
    first, second = map(json.loads, written("jsonl").splitlines())
    assert first == {
        "file_name": "a.wav",
        "label": "yes",
        "onset": 1.5,
        "offset": 2.25,
        "peak_score": 0.333333333,
        "peak": 2.0,
        "known": 2.8,
    }
    assert second["label"] == ODD.label


def test_audacity():
    assert written("audacity") == '1.500000\t2.250000\tyes\n0.300000\t12345.678901\ta "b", c\n'


def test_raven():
    header, first, second = written("raven", top_hz=8000).splitlines()
    assert header.split("\t")[:7] == [
        "Selection",
        "View",
        "Channel",
        "Begin Time (s)",
        "End Time (s)",
        "Low Freq (Hz)",
        "High Freq (Hz)",
    ]
    assert first == "1\tSpectrogram 1\t1\t1.500000\t2.250000\t0.0\t8000.0\tyes\t0.333333333"
    assert second.split("\t")[0] == "2"


def test_what_was_found_is_in_the_file_at_once(tmp_path):
    path = tmp_path / "events.csv"
    with EventWriter(path.open("w"), "csv") as writer:
        writer.write(YES, "a.wav")
        assert len(path.read_text().splitlines()) == 2


def test_the_name_says_the_form():
    assert [event_format(Path(f"a{end}")) for end in (".csv", ".jsonl", ".txt", ".selections.txt")] == [
        "csv",
        "jsonl",
        "audacity",
        "raven",
    ]
    with pytest.raises(ParameterError, match=r"out=a\.xml must end in \.csv, \.jsonl, \.txt"):
        event_format(Path("a.xml"))
