"""A manifest gives every clip, or one error with every reason."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audiocnn.data.manifest import Clip, read_files, read_manifest, write_manifest
from audiocnn.data.media import PICTURES
from audiocnn.errors import ManifestError, ParameterError, list_problems


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def write(folder: Path, text: str, name: str = "words.csv", encoding: str = "utf-8") -> Path:
    (folder / name).write_bytes(text.encode(encoding))
    return folder / name


def test_a_csv_is_read_with_names_relative_to_it_or_absolute(tmp_path: Path) -> None:
    touch(tmp_path, "no/1.wav", "yes, or so.wav", "3.wav")
    manifest = write(
        tmp_path,
        "speaker,file_name,note,split,label\n"
        "ada,no/1.wav,x,VAL, no \n"
        '\n,"yes, or so.wav",,test,yes\n'
        f"bob,{tmp_path}/3.wav,,,ja\n",
    )
    assert read_manifest(manifest) == [
        Clip(path=tmp_path / "no/1.wav", label="no", speaker="ada", split="validation"),
        Clip(path=tmp_path / "yes, or so.wav", label="yes", split="test"),
        Clip(path=tmp_path / "3.wav", label="ja", speaker="bob"),
    ]


def test_paths_are_absolute_whatever_folder_the_manifest_is_named_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "1.wav")
    write(tmp_path, "file_name\n1.wav\n")
    monkeypatch.chdir(tmp_path)
    assert read_manifest("words.csv") == [Clip(path=tmp_path / "1.wav", label=None)]


@pytest.mark.parametrize("written", ["train", "validation", "val", "valid", "dev", "test", "Test"])
def test_split_names_in_use_are_understood(tmp_path: Path, written: str) -> None:
    touch(tmp_path, "1.wav")
    split = read_manifest(write(tmp_path, f"file_name,split\n1.wav,{written}\n"))[0].split
    assert split == {"Test": "test"}.get(
        written, "validation" if written.startswith(("va", "dev")) else written
    )


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_byte_order_mark_and_either_line_ending_are_tolerated(tmp_path: Path, ending: str) -> None:
    touch(tmp_path, "é.wav")
    manifest = write(tmp_path, f"file_name,label{ending}é.wav,نعم{ending}", encoding="utf-8-sig")
    assert read_manifest(manifest) == [Clip(path=tmp_path / "é.wav", label="نعم")]


def test_all_bad_rows_are_listed_at_once_with_line_and_reason(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "b.wav")
    manifest = write(
        tmp_path,
        "file_name,label,split\n"  # 1
        "a.wav,no,train\n"
        ",no,train\n"  # 3
        "b.wav, ,train\n"
        "c.wav,no,train\n"  # 5
        "\n"
        "./a.wav,no,train\n"  # 7
        "a.wav,no,tomorrow\n"
        "b,c.wav,no,train\n",  # 9
    )
    with pytest.raises(ManifestError) as raised:
        read_manifest(manifest)
    assert str(raised.value) == (
        f"{manifest} has bad rows (6):\n"
        "  line 3: file_name is empty\n"
        "  line 4: the label is empty\n"
        f"  line 5: 'c.wav' is no file: {tmp_path}/c.wav\n"
        "  line 7: './a.wav' is already named in line 2\n"
        "  line 8: 'a.wav' is already named in line 2; "
        "the split 'tomorrow' is none of train, validation, test, val, valid, dev\n"
        "  line 9: 4 cells where the header has 3; put quotes around a cell that holds a comma"
    )


def test_all_parts_that_cannot_be_are_listed_with_the_other_bad_rows(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    manifest = write(
        tmp_path,
        "file_name,label,start,stop,offset,duration\n"  # 1
        "a.wav,no,0,1.5,,2\n"
        "a.wav,no,1.5,,,2\n"  # 3
        "a.wav,yes,,1.50,,\n"
        "a.wav,no,-1,2,,\n"  # 5
        "a.wav,no,nan,,,\n"
        "a.wav,no,2,2,,\n"  # 7
        "a.wav,no,2,inf,,\n"
        'a.wav,no,"1,5",,,\n'  # 9
        "b.wav,,soon,,,\n"
        "a.wav,no,1,,2,\n"  # 11
        "a.wav,no,,,2,all\n"
        "a.wav,no,,,2,-0.5\n",  # 13
    )
    with pytest.raises(ManifestError) as raised:
        read_manifest(manifest)
    start, stop, end = (
        "must be a number of seconds, from 0, the beginning of the file",
        "must be a number of seconds greater than start=2.0",
        "without one, the end of the file is meant",
    )
    assert str(raised.value) == (
        f"{manifest} has bad rows (10):\n"
        "  line 4: this part of 'a.wav' is already named in line 2\n"
        f"  line 5: start=-1.0 {start}\n"
        f"  line 6: start=nan {start}\n"
        f"  line 7: stop=2.0 {stop}; {end}\n"
        f"  line 8: stop=inf {stop}; {end}\n"
        "  line 9: start='1,5' is no number of seconds\n"
        "  line 10: the label is empty; start='soon' is no number of seconds\n"
        "  line 11: there are both an offset and a start or stop; keep one kind\n"
        "  line 12: duration='all' is no number of seconds\n"
        f"  line 13: stop=1.5 {stop}; {end}"
    )
    with pytest.raises(ManifestError) as raised:
        read_files(write(tmp_path, "file_name,start\n ,soon\n1.wav,1\n1.wav,1,2\n", "list.csv"))
    assert str(raised.value) == (
        f"{tmp_path}/list.csv has bad rows (2):\n"
        "  line 2: file_name is empty; start='soon' is no number of seconds\n"
        "  line 4: 3 cells where the header has 2; put quotes around a cell that holds a comma"
    )


def test_a_column_that_tells_the_part_twice_is_one_too_many(tmp_path: Path) -> None:
    manifest = write(tmp_path, "file_name,offset,offset\n1.wav,1,2\n")
    with pytest.raises(ManifestError) as raised:
        read_manifest(manifest)
    assert str(raised.value) == f"{manifest} has more than one column offset; keep one"


def test_beyond_twenty_bad_rows_are_counted() -> None:
    lines = list_problems("x has bad rows", [f"line {i}: bad" for i in range(2, 25)]).split("\n")
    assert lines[0] == "x has bad rows (23):"
    assert lines[1] == "  line 2: bad"
    assert lines[20:] == ["  line 21: bad", "  ... and 3 more"]


def test_a_name_too_long_for_a_file_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="is no file: "):
        read_manifest(write(tmp_path, f"file_name\n{'x' * 5000}.wav\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no header; the first line must name the columns, separated by commas, and one of them"),
        ("path;label\n1.wav;no\n", "has the columns path;label; the first line must name the columns"),
        ("file_name,label\n", "lists no recordings; add a row for each"),
        ("file_name,label,label\n", "has more than one column label; keep one"),
        ('file_name\n"1.wav\n', "line 2 is not CSV (unexpected end of data); close every quote, and double"),
    ],
)
def test_a_csv_that_is_no_manifest_says_what_to_do(tmp_path: Path, text: str, message: str) -> None:
    manifest = write(tmp_path, text)
    with pytest.raises(ManifestError, match=f"^{re.escape(str(manifest))} {re.escape(message)}"):
        read_manifest(manifest)


def test_text_that_is_not_utf8_is_a_manifest_error(tmp_path: Path) -> None:
    manifest = write(tmp_path, "file_name,label\nø.wav,no\n", encoding="latin-1")
    with pytest.raises(
        ManifestError, match=r"words.csv is not UTF-8 text \(.*0xf8.*\); save it as a UTF-8 CSV file$"
    ):
        read_manifest(manifest)


def test_a_missing_source_says_what_to_give(tmp_path: Path) -> None:
    message = (
        f"{tmp_path}/none does not exist; give a table with a column file_name, or a folder of label folders"
    )
    with pytest.raises(ManifestError, match=f"^{re.escape(message)}$"):
        read_manifest(tmp_path / "none")


@pytest.mark.parametrize("validation", ["val.csv", "validation.csv"])
def test_a_folder_with_one_csv_per_split(tmp_path: Path, validation: str) -> None:
    touch(tmp_path, "1.wav", "2.wav", "3.wav")
    write(tmp_path, "file_name,label,split\n1.wav,no,test\n", "train.csv")
    write(tmp_path, "file_name,label\n2.wav,no\n", validation)
    write(tmp_path, "file_name,label\n3.wav,no\n", "test.csv")
    assert [(clip.path.name, clip.split) for clip in read_manifest(tmp_path)] == [
        ("1.wav", "train"),
        ("2.wav", "validation"),
        ("3.wav", "test"),
    ]


def test_a_clip_in_two_of_the_split_files_is_a_bad_row(tmp_path: Path) -> None:
    touch(tmp_path, "1.wav")
    write(tmp_path, "file_name\n1.wav\n", "train.csv")
    write(tmp_path, "file_name\n1.wav\n", "test.csv")
    with pytest.raises(ManifestError) as raised:
        read_manifest(tmp_path)
    assert str(raised.value) == (
        f"{tmp_path} has bad rows (1):\n  test.csv line 2: '1.wav' is already named in train.csv line 2"
    )


def test_two_validation_files_are_one_too_many(tmp_path: Path) -> None:
    touch(tmp_path, "train.csv", "val.csv", "validation.csv")
    with pytest.raises(ManifestError, match=r"holds both validation.csv and val.csv; keep one$"):
        read_manifest(tmp_path)


def test_a_folder_of_label_folders_is_sorted_and_skips_what_is_no_clip(tmp_path: Path) -> None:
    touch(tmp_path, "yes/b.wav", "yes/a/2.FLAC", "no/1.mp3", "beside.wav", "README.md")
    touch(tmp_path, "yes/notes.txt", "yes/._b.wav", "yes/.cache/b.wav", "_noise_/n.wav", ".git/x.wav")
    assert read_manifest(tmp_path) == [
        Clip(path=tmp_path / "no/1.mp3", label="no"),
        Clip(path=tmp_path / "yes/a/2.FLAC", label="yes"),
        Clip(path=tmp_path / "yes/b.wav", label="yes"),
    ]


def test_a_folder_without_recordings_says_what_to_do(tmp_path: Path) -> None:
    touch(tmp_path, "yes/a.doc")
    with pytest.raises(
        ManifestError,
        match=r"neither train.csv nor label folders with .* \(.*\.wav\); give the table",
    ):
        read_manifest(tmp_path)


def test_a_label_folder_without_recordings_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    touch(tmp_path, "yes/a.wav", "no/a.m4a", "docs/a.txt")
    with pytest.raises(
        ManifestError,
        match=r"in the label folder docs, no of .*; add some, or begin the folder's name with '_' to leave",
    ):
        read_manifest(tmp_path)


# --- write_manifest ---

# Any text but what no file name holds, and a bare carriage return, which a CSV file with plain
# line ends cannot keep.
name = st.text(st.characters(codec="utf-8", exclude_characters="/\\\0\r"), min_size=1, max_size=8)
word = name.map(str.strip).filter(bool)
second = st.just(0.0) | st.floats(0, 1e6, exclude_min=True)
part = st.tuples(second, st.none() | second).filter(lambda part: part[1] is None or part[1] > part[0])


@given(
    rows=st.lists(
        st.tuples(name, word, st.none() | word, st.sampled_from([None, "train", "validation", "test"]), part),
        min_size=1,
        max_size=6,
        unique_by=lambda row: (row[0], row[4]),
    ),
    labelled=st.booleans(),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str | None, str | None, tuple[float, float | None]]],
    labelled: bool,
) -> None:
    folder = tmp_path_factory.mktemp("round")
    clips = [
        Clip(
            path=folder / f"x{file}.wav",
            label=label if labelled else None,
            speaker=speaker,
            split=split,
            start=start,
            stop=stop,
        )
        for file, label, speaker, split, (start, stop) in rows
    ]
    for clip in clips:
        clip.path.touch()
    write_manifest(folder / "m.csv", clips)
    assert read_manifest(folder / "m.csv") == clips


def test_names_below_the_manifest_are_relative_and_others_absolute(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    clips = [Clip(path=tmp_path / "in/a/1.wav", label="no"), Clip(path=tmp_path / "2.wav", label="yes")]
    write_manifest(tmp_path / "in/m.csv", clips)
    assert (tmp_path / "in/m.csv").read_text() == f"file_name,label\na/1.wav,no\n{tmp_path}/2.wav,yes\n"


def test_labels_for_some_clips_only_cannot_be_written(tmp_path: Path) -> None:
    clips = [Clip(path=Path("1.wav"), label="no"), Clip(path=Path("2.wav"), label=None)]
    with pytest.raises(
        ManifestError, match=r"^1 of 2 clips have no label; write them to a manifest of their own$"
    ):
        write_manifest(tmp_path / "m.csv", clips)


def test_parts_are_written_beside_whole_files(tmp_path: Path) -> None:
    clips = [
        Clip(path=tmp_path / "1.wav", label="no"),
        Clip(path=tmp_path / "1.wav", label="no", start=0.1 + 0.2, stop=2),
    ]
    write_manifest(tmp_path / "m.csv", clips)
    assert (tmp_path / "m.csv").read_text() == (
        "file_name,start,stop,label\n1.wav,,,no\n1.wav,0.30000000000000004,2.0,no\n"
    )


# --- Clip ---

START = "start={} must be a number of seconds, from 0, the beginning of the file"
STOP = "stop={} must be a number of seconds greater than start=1.0; without one, the end of the file is meant"


@pytest.mark.parametrize(
    ("start", "stop", "message"),
    [
        (-0.5, None, START.format(-0.5)),
        (float("inf"), None, START.format("inf")),
        (1.0, 1.0, STOP.format(1.0)),
        (1.0, float("nan"), STOP.format("nan")),
    ],
)
def test_what_is_no_part(start: float, stop: float | None, message: str) -> None:
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}$"):
        Clip(path=Path("1.wav"), label="no", start=start, stop=stop)


def test_an_unknown_split_is_no_clip() -> None:
    with pytest.raises(
        ParameterError, match=r"^split='val' must be one of train, validation, test, or None$"
    ):
        Clip(path=Path("1.wav"), label="no", split="val")


def test_names_that_a_table_cannot_hold_are_refused_at_once(tmp_path):
    for label, name in ((" high", b"a.wav"), ("low", b"b\xe9.wav"), ("low", b"c.wav")):
        (tmp_path / label).mkdir(exist_ok=True)
        Path(os.fsdecode(os.fsencode(tmp_path / label) + b"/" + name)).write_bytes(b"")
    with pytest.raises(ManifestError) as error:
        read_manifest(tmp_path)
    assert str(error.value) == (
        f"{tmp_path} has names to change (2):\n"
        f"  {tmp_path}/ high/a.wav: the label ' high' begins or ends with a space\n"
        f"  {os.fsencode(tmp_path) + b'/low/b' + bytes([0xE9]) + b'.wav'!r}: the path is not plain UTF-8 text"
    )


def test_pictures_are_listed_as_recordings_are(tmp_path: Path) -> None:
    touch(tmp_path, "cat/1.PNG", "cat/deep/2.jpeg", "cat/3.wav", "cat/.4.png", "dog/5.webp", "_left/6.png")
    by_folder = [
        Clip(path=tmp_path / "cat/1.PNG", label="cat"),
        Clip(path=tmp_path / "cat/deep/2.jpeg", label="cat"),
        Clip(path=tmp_path / "dog/5.webp", label="dog"),
    ]
    assert read_manifest(tmp_path, media=PICTURES) == by_folder
    table = write(
        tmp_path,
        "file_name,label,split,start,stop\ncat/1.PNG,cat,val,,\ncat/deep/2.jpeg,cat,,,\ndog/5.webp,dog,, ,\n",
    )
    from_table = read_manifest(table, media=PICTURES)
    assert from_table[0] == Clip(path=tmp_path / "cat/1.PNG", label="cat", split="validation")
    assert from_table[1:] == by_folder[1:]
    assert read_files(table, media=PICTURES) == [Clip(path=clip.path, label=None) for clip in by_folder]


def test_a_picture_has_no_parts(tmp_path: Path) -> None:
    touch(tmp_path, "1.png", "2.png", "3.png")
    table = write(
        tmp_path,
        "file_name,label,start,stop,offset,duration\n1.png,cat,0.5,2,,\n2.png,,,,1,\n3.png,cat,,,,9\n",
    )
    with pytest.raises(ManifestError) as raised:
        read_manifest(table, media=PICTURES)
    assert str(raised.value) == (
        f"{table} has bad rows (2):\n"
        "  line 2: a picture has no parts; leave start=0.5, stop=2 out\n"
        "  line 3: the label is empty; a picture has no parts; leave offset=1 out"
    )


def test_where_there_are_no_pictures_the_error_speaks_of_pictures(tmp_path: Path) -> None:
    suffixes = ".bmp, .gif, .jpeg, .jpg, .pbm, .pgm, .png, .ppm, .tif, .tiff, .webp"
    touch(tmp_path, "cat/1.wav")
    with pytest.raises(ManifestError) as raised:
        read_manifest(tmp_path, media=PICTURES)
    assert str(raised.value) == (
        f"{tmp_path} holds neither train.csv nor label folders with pictures ({suffixes}); "
        "give the table, or put each picture into a folder named after its label"
    )
    touch(tmp_path, "dog/1.png")
    with pytest.raises(ManifestError) as raised:
        read_manifest(tmp_path, media=PICTURES)
    assert str(raised.value) == (
        f"no picture ({suffixes}) in the label folder cat of {tmp_path}; "
        "add some, or begin the folder's name with '_' to leave it out"
    )
    with pytest.raises(ManifestError) as raised:
        read_manifest(write(tmp_path, "file_name,label\n"), media=PICTURES)
    assert str(raised.value) == f"{tmp_path}/words.csv lists no pictures; add a row for each"
