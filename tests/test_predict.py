"""Many files: in order, each scored as if alone, a bad one no more than a row."""

import csv
import json
import os
import re
from dataclasses import replace

import laws
import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
import torch

from audiocnn import ManifestError, ParameterError, table_files
from audiocnn import classifier as classifier_module
from audiocnn.data.manifest import Clip
from audiocnn.predict import collect_files, score_files
from audiocnn.prediction_table import write_predictions

RATE = 16000
SECONDS = [0.3, 1.0, 1.45, 1.0, 2.0, 3.1, 1.0, 5.0, 0.8, 1.0, 4.2]


@pytest.fixture(scope="module")
def classifier():
    return laws.Case("", lambda: laws.classifier("tc_resnet_8", "valid"), ()).module(torch.float32)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Files of several lengths, rates and formats, and two bad ones among them."""
    folder = tmp_path_factory.mktemp("recordings")
    rng = np.random.default_rng(0)
    paths = []
    for i, seconds in enumerate(SECONDS):
        rate = (16000, 44100, 8000)[i % 3]
        path = folder / f"{i:02}.{('wav', 'flac')[i % 2]}"
        soundfile.write(path, rng.uniform(-0.3, 0.3, round(seconds * rate)), rate)
        paths.append(path)
    broken = folder / "broken.wav"
    broken.write_bytes(b"RIFF")
    paths.insert(3, broken)
    paths.insert(8, folder / "missing.wav")
    return paths


@pytest.mark.parametrize(("batch_size", "workers"), [(1, 1), (3, 2), (64, 1), (4, 5)])
def test_every_file_scores_as_if_alone_in_order(classifier, recordings, batch_size, workers):
    scored = list(score_files(classifier, recordings, batch_size=batch_size, workers=workers))
    assert [file.path for file in scored] == recordings
    for file in scored:
        if file.path.name in ("broken.wav", "missing.wav"):
            assert file.scores is None
            assert file.error.startswith(f"{file.path} ")
        else:
            assert file.error is None
            torch.testing.assert_close(file.scores, classifier.score_file(file.path), rtol=1e-5, atol=1e-6)


def test_long_files_are_read_in_blocks_and_score_the_same(classifier, recordings, monkeypatch):
    expected = list(score_files(classifier, recordings))
    monkeypatch.setattr(classifier_module, "BLOCK_SECONDS", 2.0)
    for file, other in zip(score_files(classifier, recordings), expected, strict=True):
        assert file.error == other.error
        if file.scores is not None:
            torch.testing.assert_close(file.scores, other.scores, rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """A file of twelve seconds, and clips of parts of it."""
    path = tmp_path_factory.mktemp("long") / "long.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.3, 0.3, 12 * 22050), 22050)
    parts = [(0.0, 0.75), (1.5, 3.0), (1.5, 4.25), (0.5, None), (11.0, 99.0), (12.5, 13.0), (3.0, 3.00001)]
    return [Clip(path=path, label="x", start=start, stop=stop) for start, stop in parts]


@pytest.mark.parametrize("block_seconds", [10.0, 1.0])
def test_a_part_scores_as_a_file_that_holds_it_alone(classifier, long, tmp_path, monkeypatch, block_seconds):
    whole, rate = soundfile.read(long[0].path)
    files = []
    for i, clip in enumerate(long[:5]):
        files.append(tmp_path / f"{i}.flac")
        stop = None if clip.stop is None else round(clip.stop * rate)
        soundfile.write(files[-1], whole[round(clip.start * rate) : stop], rate)
    expected = list(score_files(classifier, files))
    monkeypatch.setattr(classifier_module, "BLOCK_SECONDS", block_seconds)
    scored = list(score_files(classifier, [*long, long[0].path], batch_size=3, workers=2))
    assert [file.clip for file in scored[:-1]] == long
    for file, alone in zip(scored, expected, strict=False):
        torch.testing.assert_close(file.scores, alone.scores, rtol=1e-5, atol=1e-6)
    assert not scored[7].clip.is_part and scored[7].scores is not None
    path = long[0].path
    assert [file.error for file in scored] == [
        *[None] * 5,
        f"start_seconds=12.5 is behind the end of {path}, which is 12.000 s long",
        f"{path}: start_seconds=3.0 to stop_seconds=3.00001 holds no sample at 22050 Hz",
        None,
    ]


def test_parts_of_a_file_that_cannot_be_sought_score_as_each_alone(classifier, tmp_path):
    path = tmp_path / "a.mp3"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.3, 0.3, 20 * RATE), RATE)
    clips = [Clip(path=path, label=None, start=i / 2, stop=i / 2 + 1.7) for i in range(41)]
    scored = list(score_files(classifier, clips[::-1], batch_size=16))
    for file in scored[1:]:
        part = (file.clip.start, file.clip.stop)
        expected = classifier.score_file(path, start_seconds=part[0], stop_seconds=part[1])
        torch.testing.assert_close(file.scores, expected, rtol=1e-5, atol=1e-6)
    assert scored[0].error == f"start_seconds=20.0 is behind the end of {path}, which is 20.000 s long"


def test_a_long_part_is_never_held_whole(classifier, long, monkeypatch):
    monkeypatch.setattr(classifier_module, "BLOCK_SECONDS", 1.0)
    blocks = classifier.clip_or_blocks(long[0].path, start_seconds=2.0, stop_seconds=9.0)
    lengths = [len(block) for block in blocks]
    assert sum(lengths) == 7 * RATE and max(lengths) < 1.1 * RATE


def test_threads_and_mode_are_left_as_they_were(classifier, recordings):
    threads = torch.get_num_threads()
    classifier.train()
    try:
        scored = score_files(classifier, recordings, batch_size=2)
        next(scored)
        assert not torch.is_inference_mode_enabled()
        scored.close()
        assert classifier.training
        list(score_files(classifier, recordings))
        assert torch.get_num_threads() == threads
        assert all(module.training for module in classifier.modules())
    finally:
        classifier.eval()


def test_names_that_are_not_utf8_are_rows(classifier, tmp_path):
    good, bad = tmp_path / os.fsdecode(b"caf\xe9.wav"), tmp_path / os.fsdecode(b"\xff.raw")
    soundfile.write(os.fsencode(good), np.zeros(RATE), RATE, format="WAV")
    bad.write_bytes(b"12")
    for suffix in (".csv", ".jsonl", ".parquet"):
        out = tmp_path / f"out{suffix}"
        assert write_predictions(classifier, score_files(classifier, [good, bad]), out) == 1
        first, second = rows_of(out)
        assert first["file_name"] == f"{tmp_path}/caf\\xe9.wav" and first["label"]
        assert second["error"].startswith(f"{tmp_path}/\\xff.raw is not audio that libsndfile reads (")


def test_a_long_file_that_breaks_off_is_a_row_too(classifier, tmp_path, monkeypatch):
    monkeypatch.setattr(classifier_module, "BLOCK_SECONDS", 1.0)
    path = tmp_path / "a.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.3, 0.3, 6 * RATE), RATE)
    path.write_bytes(path.read_bytes()[:-50000])
    (file,) = score_files(classifier, [path])
    assert file.scores is None and "breaks off or is damaged after" in file.error


def test_files_are_taken_as_they_are_needed(classifier, recordings):
    taken = []

    def endless():
        while True:
            taken.append(recordings[0])
            yield recordings[0]

    scored = score_files(classifier, endless(), batch_size=2, workers=1)
    for _ in range(6):
        next(scored)
    assert len(taken) <= 12
    scored.close()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_scores(classifier, recordings, monkeypatch):
    monkeypatch.setattr(classifier_module, "BLOCK_SECONDS", 2.0)
    expected = list(score_files(classifier, recordings))
    try:
        for file, other in zip(score_files(classifier.cuda(), recordings), expected, strict=True):
            assert file.error == other.error
            if file.scores is not None:
                torch.testing.assert_close(file.scores, other.scores, rtol=1e-3, atol=1e-4)
    finally:
        classifier.cpu()


def test_no_files_give_no_rows(classifier):
    assert list(score_files(classifier, [])) == []


@pytest.mark.parametrize("name", ["batch_size", "workers"])
def test_nothing_at_once_is_refused(classifier, name):
    with pytest.raises(ParameterError) as error:
        score_files(classifier, [], **{name: 0})
    assert str(error.value) == f"{name}=0 must be a positive integer"


def rows_of(path):
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        number = re.compile(r"score.*|start|stop")
        return [{k: float(v) if v and number.match(k) else v or None for k, v in row.items()} for row in rows]
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return pq.read_table(path).to_pylist()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_every_format_holds_every_digit(classifier, recordings, tmp_path, suffix, monkeypatch):
    monkeypatch.setattr(table_files._ParquetWriter, "ROWS", 4)  # more than one row group
    scored = list(score_files(classifier, recordings))
    out = tmp_path / f"out{suffix}"
    assert write_predictions(classifier, scored, out, all_scores=True) == 2
    rows = rows_of(out)
    assert [row["file_name"] for row in rows] == [str(path) for path in recordings]
    for row, file in zip(rows, scored, strict=True):
        assert list(row) == [
            *("file_name", "label", "score", "error"),
            *("score_left", "score_right", "score_other"),
        ]
        scores = [row[f"score_{label}"] for label in classifier.labels]
        if file.scores is None:
            assert row["error"] == file.error
            assert row["label"] is None and row["score"] is None and scores == [None] * 3
        else:
            assert row["error"] is None
            assert torch.equal(torch.tensor(scores), file.scores)
            assert np.float32(row["score"]) == max(np.float32(scores))
            assert row["label"] == classifier.labels[int(file.scores.argmax())]
    assert [p.name for p in tmp_path.iterdir()] == [out.name]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_rows_of_parts_say_where_they_start_and_stop(classifier, long, tmp_path, suffix):
    exact = replace(long[0], start=0.1 + 0.2, stop=3.000000001)
    out = tmp_path / f"out{suffix}"
    scored = list(score_files(classifier, [exact, long[5], long[0].path]))
    assert write_predictions(classifier, scored, out, parts=True) == 1
    rows = rows_of(out)
    assert [list(row) for row in rows] == [["file_name", "start", "stop", "label", "score", "error"]] * 3
    parts = [(0.1 + 0.2, 3.000000001), (12.5, 13.0), (0.0, None)]
    assert [(row["start"], row["stop"]) for row in rows] == parts
    assert [row["error"] for row in rows] == [None, scored[1].error, None]
    assert collect_files([out]) == [
        *(Clip(path=exact.path, label=None, start=start, stop=stop) for start, stop in parts[:2]),
        exact.path,
    ]


def test_without_a_file_rows_are_printed_as_they_come(classifier, recordings, capsys):
    assert write_predictions(classifier, score_files(classifier, recordings[:4])) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "file_name,label,score,error"
    assert len(lines) == 5
    assert lines[4].startswith(f"{recordings[3]},,,")


def test_until_the_end_rows_are_in_a_partial_file(classifier, recordings, tmp_path):
    def breaks():
        yield from list(score_files(classifier, recordings[:2]))
        raise RuntimeError("power cut")

    out = tmp_path / "out.csv"
    with pytest.raises(RuntimeError):
        write_predictions(classifier, breaks(), out)
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv.partial"]
    assert len((tmp_path / "out.csv.partial").read_text().splitlines()) == 3


def test_an_out_that_cannot_be_is_told_before_anything_is_scored(classifier, tmp_path):
    def never():
        raise AssertionError("scored")
        yield

    out = tmp_path / "out.txt"
    with pytest.raises(ParameterError) as error:
        write_predictions(classifier, never(), out)
    assert str(error.value) == f"out={out} must end in .csv, .jsonl, .parquet"


def test_files_folders_and_manifests_in_the_order_given(tmp_path):
    for name in (
        "b/2.wav",
        "b/._2.wav",
        "b/.cache/3.wav",
        "b/1.FLAC",
        "b/deep/0.ogg",
        "b/notes.txt",
        "a.wav",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    manifest = tmp_path / "list.csv"
    manifest.write_text("label,file_name\n,a.wav\nno,gone.wav\n,a.wav\n")
    files = collect_files([tmp_path / "nowhere.wav", manifest, str(tmp_path / "b")])
    expected = ["nowhere.wav", "a.wav", "gone.wav", "a.wav", "b/1.FLAC", "b/2.wav", "b/deep/0.ogg"]
    assert files == [tmp_path / name for name in expected]
    manifest.write_text("label,file_name,start,stop\n,a.wav,,\nno,gone.wav,2,\n,a.wav,,0.5\n")
    assert collect_files([manifest]) == [
        tmp_path / "a.wav",
        Clip(path=tmp_path / "gone.wav", label=None, start=2.0),
        Clip(path=tmp_path / "a.wav", label=None, stop=0.5),
    ]


def test_a_folder_of_nothing_and_a_manifest_of_nothing(tmp_path):
    with pytest.raises(ParameterError) as error:
        collect_files([tmp_path])
    assert str(error.value) == (
        f"{tmp_path} holds no recording (.aif, .aiff, .au, .caf, .flac, .mp3, .oga, .ogg, .opus, .wav); "
        "name a folder that does"
    )
    (tmp_path / "list.csv").write_text("name\n")
    with pytest.raises(ManifestError, match="has the columns name; the first line must name the columns"):
        collect_files([tmp_path / "list.csv"])
    (tmp_path / "list.csv").write_text("file_name,label\na.wav,no\n ,yes\n")
    with pytest.raises(ManifestError) as bad:
        collect_files([tmp_path / "list.csv"])
    assert str(bad.value) == f"{tmp_path}/list.csv has bad rows (1):\n  line 3: file_name is empty"
    (tmp_path / "list.csv").write_text("file_name\n")
    with pytest.raises(ManifestError, match="lists no recordings; add a row for each"):
        collect_files([tmp_path / "list.csv"])
    with pytest.raises(ManifestError, match="does not exist; give a table with a column file_name"):
        collect_files([tmp_path / "gone.csv"])
