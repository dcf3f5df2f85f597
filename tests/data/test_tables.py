"""The same clips come out of every kind of table, and what is wrong is said with its line."""

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audiocnn.data.manifest import Clip, read_files, read_manifest
from audiocnn.errors import ManifestError

ROWS = [
    {"file_name": "no/1.wav", "label": "no", "speaker": "ada", "split": "train", "seconds": 1.5},
    {"file_name": "yes, or so.wav", "label": "نعم", "speaker": None, "split": "val", "seconds": 2.0},
]


def write(path, rows):
    """Rows in the format that the ending names."""
    columns = list(rows[0])
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix in (".jsonl", ".json"):
        path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", encoding="utf-8")
    else:
        separator = "\t" if path.suffix == ".tsv" else ","
        cells = [[f'"{row[c]}"' if row[c] is not None else "" for c in columns] for row in rows]
        lines = [separator.join(row) for row in [columns, *cells]]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def recordings(tmp_path):
    (tmp_path / "no").mkdir()
    for row in ROWS:
        (tmp_path / row["file_name"]).touch()
    return tmp_path


def expected(folder):
    return [
        Clip(path=folder / "no/1.wav", label="no", speaker="ada", split="train"),
        Clip(path=folder / "yes, or so.wav", label="نعم", split="validation"),
    ]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".json", ".parquet"])
def test_every_format_holds_the_same_clips(recordings, suffix):
    table = write(recordings / f"words{suffix}", ROWS)
    assert read_manifest(table) == expected(recordings)
    assert read_files(table) == [Clip(path=clip.path, label=None) for clip in expected(recordings)]


PARTS = [
    {"file_name": "no/1.wav", "label": "no", "start": None, "stop": 0.1 + 0.2},
    {"file_name": "no/1.wav", "label": "no", "start": 1 / 3, "stop": None},
    {"file_name": "no/1.wav", "label": "yes", "start": 3600.000001, "stop": 3601.0},
    {"file_name": "no/1.wav", "label": "no", "start": None, "stop": None},
]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".json", ".parquet"])
def test_every_format_holds_the_same_parts_to_the_last_digit(recordings, suffix):
    table = write(recordings / f"parts{suffix}", PARTS)
    path = recordings / "no/1.wav"
    parts = [(0.0, 0.1 + 0.2), (1 / 3, None), (3600.000001, 3601.0), (0.0, None)]
    assert read_manifest(table) == [
        Clip(path=path, label=row["label"], start=start, stop=stop)
        for row, (start, stop) in zip(PARTS, parts, strict=True)
    ]
    assert read_files(table) == [Clip(path=path, label=None, start=start, stop=stop) for start, stop in parts]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_nemo_has_an_offset_and_a_duration_or_only_the_length_of_the_file(recordings, suffix):
    rows = [
        {"audio_filepath": "no/1.wav", "offset": 2.5, "duration": 0.25, "label": "no"},
        {"audio_filepath": "no/1.wav", "offset": 0.0, "duration": None, "label": "no"},
        {"audio_filepath": "yes, or so.wav", "offset": None, "duration": 1.23, "label": "yes"},
    ]
    clips = read_manifest(write(recordings / f"manifest{suffix}", rows))
    assert [(clip.start, clip.stop) for clip in clips] == [(2.5, 2.75), (0.0, None), (0.0, None)]
    for row in rows:
        del row["offset"]
        row["duration"] = "about a second"  # not looked at
    clips = read_manifest(write(recordings / f"manifest{suffix}", rows[1:]))
    assert not any(clip.is_part for clip in clips)


def test_both_readers_take_a_name_as_it_is(tmp_path):
    (tmp_path / " 1.wav").touch()
    table = write(tmp_path / "words.csv", [{"file_name": " 1.wav"}])
    assert read_files(table) == read_manifest(table) == [Clip(path=tmp_path / " 1.wav", label=None)]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_nemo_names_the_file_otherwise(recordings, suffix):
    rows = [{"audio_filepath": row["file_name"], **row} for row in ROWS]
    for row in rows:
        del row["file_name"]
    assert read_manifest(write(recordings / f"manifest{suffix}", rows)) == expected(recordings)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_an_audio_folder_has_its_metadata_in_it(recordings, suffix):
    write(recordings / f"metadata{suffix}", ROWS)
    assert read_manifest(recordings) == expected(recordings)


def test_an_audio_folder_of_splits_has_metadata_in_each(tmp_path):
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        (tmp_path / split / "1.wav").touch()
        write(tmp_path / split / "metadata.csv", [{"file_name": "1.wav", "label": split}])
    assert read_manifest(tmp_path) == [
        Clip(path=tmp_path / "train/1.wav", label="train", split="train"),
        Clip(path=tmp_path / "test/1.wav", label="test", split="test"),
    ]
    write(tmp_path / "test" / "metadata.csv", [{"file_name": "2.wav", "label": "no"}])
    with pytest.raises(ManifestError) as error:
        read_manifest(tmp_path)
    assert str(error.value) == (
        f"{tmp_path} has bad rows (1):\n  test/metadata.csv line 2: '2.wav' is no file: {tmp_path}/test/2.wav"
    )


def test_tables_of_splits_may_differ_in_format(recordings):
    write(recordings / "train.parquet", ROWS[:1])
    write(recordings / "val.tsv", ROWS[1:])
    assert read_manifest(recordings) == expected(recordings)
    write(recordings / "val.csv", ROWS[1:])
    with pytest.raises(ManifestError) as error:
        read_manifest(recordings)
    assert str(error.value) == f"{recordings} holds both val.csv and val.tsv; keep one"


def test_bad_lines_of_json_are_listed_with_the_others(recordings):
    table = recordings / "words.jsonl"
    table.write_text(
        '{"file_name": "no/1.wav", "label": "no"}\n'
        "\n"
        "no/1.wav no\n"  # 3
        '["no/1.wav", "no"]\n'
        '{"label": "no"}\n'  # 5
        '{"file_name": "yes, or so.wav", "label": null}\n'
    )
    with pytest.raises(ManifestError) as error:
        read_manifest(table)
    assert str(error.value) == (
        f"{table} has bad rows (4):\n"
        "  line 3: is not JSON (Expecting value: line 1 column 1 (char 0)); write one object a line\n"
        '  line 4: is no JSON object; write {"file_name": ..., "label": ...}\n'
        "  line 5: file_name is empty\n"
        "  line 6: the label is empty"
    )
    with pytest.raises(ManifestError, match=re.escape("has bad rows (3)")):
        read_files(table)


def test_rows_of_parquet_are_counted(recordings):
    table = write(recordings / "words.parquet", [*ROWS, {**ROWS[0], "file_name": None}])
    with pytest.raises(ManifestError) as error:
        read_manifest(table)
    assert str(error.value) == f"{table} has bad rows (1):\n  row 3: file_name is empty"


def test_files_that_are_not_what_they_are_called(tmp_path):
    parquet = tmp_path / "words.parquet"
    parquet.write_text("file_name,label\n")
    with pytest.raises(ManifestError, match=r"is no Parquet file, or a damaged one \(.*\); write"):
        read_manifest(parquet)
    write(parquet, [{"path": "1.wav", "label": "no"}])
    with pytest.raises(ManifestError) as error:
        read_manifest(parquet)
    assert str(error.value) == f"{parquet} has the columns path, label; one of them must be file_name"
    for name, kind in (("a.jsonl", "JSON Lines"), ("a.tsv", "TSV")):
        (tmp_path / name).write_bytes(b"\xf8")
        with pytest.raises(ManifestError, match=rf"is not UTF-8 text \(.*\); save it as a UTF-8 {kind}"):
            read_manifest(tmp_path / name)
    (tmp_path / "b.tsv").write_text("file_name,label\n1.wav,no\n")
    with pytest.raises(ManifestError, match="the first line must name the columns, separated by tabs"):
        read_manifest(tmp_path / "b.tsv")
