"""The command line: what it prints, its exit status, and never a traceback."""

import csv
import json
import re
import subprocess
import sys

import pytest
import soundfile

from audiocnn.cli import main
from audiocnn.models import MODELS


def call(capsys, *arguments):
    """Exit status, standard output, standard error."""
    try:
        status = main([str(a) for a in arguments])
    except SystemExit as stop:  # from the parser
        status = stop.code
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return status, out, err


@pytest.fixture(scope="module")
def trained(tones, tmp_path_factory):
    """A run of the train command: its folder, and what it printed."""
    out = tmp_path_factory.mktemp("cli") / "run"
    command = [sys.executable, "-W", "error::FutureWarning", "-c"]
    command += ["import sys; from audiocnn.cli import main; sys.exit(main())", "train", tones, "--out", out]
    command += ["--epochs=16", "--batch_size=8", "--device=cpu"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out, done


def test_train_says_how_it_goes_and_what_is_next(trained):
    out, done = trained
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["model", "tc_resnet_8,", "padding", "'valid',", "2", "classes"]
    assert lines[-2:] == [
        f"{out}/model.safetensors is the classifier; next:",
        f"  audiocnn evaluate {out}/model.safetensors {out}/split.csv",
    ]
    epochs = done.stderr.splitlines()
    assert len(epochs) == 16
    assert re.fullmatch(r"epoch 16 of 16: loss \d\.\d{3}, validation accuracy \d+\.\d\d %", epochs[-1])


def test_a_config_file_gives_what_the_command_line_does_not(trained, tmp_path, capsys):
    out = trained[0]
    status, printed, _ = call(
        capsys, "train", "--config", out / "config.json", "--out", tmp_path / "run", "--epochs", "1"
    )
    assert status == 0 and printed.endswith(f"{tmp_path}/run/split.csv\n")
    before, after = (json.loads((run / "config.json").read_text()) for run in (out, tmp_path / "run"))
    assert after == {**before, "out": str(tmp_path / "run"), "epochs": 1}
    yaml = tmp_path / "run.yaml"
    yaml.write_text(f"data: {before['data']}\nout: {out}\nepochs: 16\nbatch_size: 8\ndevice: cpu\n")
    status, printed, _ = call(capsys, "train", "--config", yaml, "--resume")
    assert (status, printed) == (0, trained[1].stdout)


def test_a_config_file_with_a_mistake(tmp_path, capsys):
    config = tmp_path / "run.yaml"
    config.write_text("epoch: 6\n")
    status, out, err = call(capsys, "train", "--config", config)
    assert (status, out) == (2, "")
    assert err.endswith("error: Subcommand 'train' does not accept option 'epoch'\n")


def test_the_demo_goes_the_whole_path(tmp_path, capsys):
    pytest.importorskip("espeakng_loader")
    out = tmp_path / "demo"
    small = ["--num_voices", "3", "--epochs", "1", "--model", "tc_resnet_8"]
    status, printed, err = call(capsys, "demo", "--out", out, *small)
    assert status == 0, err
    assert printed.startswith(
        f"Everything is written to the folder {out}. A second run uses what is finished"
    )
    assert "accuracy " in printed
    lines = printed.splitlines()
    named = [line.split()[0] for line in lines if line.startswith(str(out))]
    made = ["words/words.csv", "run/model.safetensors", "confusion.png", "predictions.csv"]
    assert named == [str(out / name) for name in made]
    assert all((out / name).is_file() for name in made)
    assert lines[-4].endswith("Next:")
    assert main(lines[-3].split()[1:-1] + [str(tmp_path / "scores.csv")]) == 0
    assert main(lines[-2].split()[1:]) == 0
    assert (tmp_path / "scores.csv").read_text() == (out / "predictions.csv").read_text()
    model, words = (out / made[1]).read_bytes(), (out / made[0]).stat().st_mtime_ns
    capsys.readouterr()
    status, again, _ = call(capsys, "demo", "--out", out, *small)
    assert (status, again) == (0, printed)
    assert ((out / made[1]).read_bytes(), (out / made[0]).stat().st_mtime_ns) == (model, words)


def test_a_config_file_that_is_no_text(tones, capsys):
    status, out, err = call(capsys, "train", "--config", tones / "low" / "00.flac")
    assert (status, out) == (2, "") and "error: the file that --config names is not text (" in err


def test_a_demo_that_cannot_be(tmp_path, capsys):
    status, _, err = call(capsys, "demo", "--out", tmp_path / "demo", "--num_voices", "2")
    assert status == 2
    assert err.splitlines()[-1] == "audiocnn demo: num_voices=2 must be from 3, one for each split, to 504"
    assert not (tmp_path / "demo").exists()


def test_evaluate_prints_and_writes_its_report(trained, tones, tmp_path, capsys):
    run, _ = trained
    model, split = run / "model.safetensors", run / "split.csv"
    figures, picture = tmp_path / "figures.json", tmp_path / "confusion.png"
    status, out, err = call(capsys, "evaluate", model, split, "--out", figures, "--picture", picture)
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == f"{model} on {split}, test split"
    assert out.splitlines()[-1].startswith("accuracy ")
    assert json.loads(figures.read_text())["clips"] == 4
    assert picture.read_bytes().startswith(b"\x89PNG")
    status, out, _ = call(capsys, "evaluate", model, split, "--split", "train")
    assert status == 0 and "of 40 clips" in out
    status, out, _ = call(capsys, "evaluate", model, tones)
    assert out.startswith(f"{model} on {tones}, all clips, also those it may have learned from\n")


def test_predict_writes_a_row_a_file(trained, tones, tmp_path, capsys):
    model = trained[0] / "model.safetensors"
    status, out, err = call(capsys, "predict", model, tones / "low", tones / "high" / "00.flac")
    assert (status, err) == (0, "")
    rows = list(csv.DictReader(out.splitlines()))
    assert len(rows) == 25 and rows[24]["file_name"] == str(tones / "high" / "00.flac")
    path = tmp_path / "out.jsonl"
    status, out, err = call(capsys, "predict", model, tones / "low", "--out", path, "--all_scores")
    assert (status, out, err) == (0, "", "")
    first = json.loads(path.read_text().splitlines()[0])
    assert first["label"] == rows[0]["label"]
    assert first["score_low"] + first["score_high"] == pytest.approx(1.0)


def test_parts_of_a_recording_are_rows_that_say_where(trained, tones, tmp_path, capsys):
    table = tmp_path / "parts.csv"
    table.write_text(
        f"file_name,start,stop\n{tones}/low/00.flac,0.05,0.3\n{tones}/low/00.flac,,\n{tones}/low/00.flac,9,\n"
    )
    status, out, err = call(capsys, "predict", trained[0] / "model.safetensors", table)
    rows = list(csv.DictReader(out.splitlines()))
    assert [(row["start"], row["stop"]) for row in rows] == [("0.05", "0.3"), ("0.0", ""), ("9.0", "")]
    assert rows[1]["label"] == "low" and rows[0]["score"] != rows[1]["score"]
    assert not rows[2]["label"] and rows[2]["error"]
    assert (status, err) == (1, "1 of 3 files or parts could not be read; their rows say why\n")


def test_a_bad_file_is_a_row_and_the_exit_status_one(trained, tones, tmp_path, capsys):
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"")
    good = tones / "low" / "00.flac"
    status, out, err = call(capsys, "predict", trained[0] / "model.safetensors", good, bad, good)
    assert status == 1
    assert err == "1 of 3 files could not be read; their rows say why\n"
    rows = list(csv.DictReader(out.splitlines()))
    assert [row["file_name"] for row in rows] == [str(good), str(bad), str(good)]
    assert rows[0] == rows[2] and rows[0]["label"]
    assert rows[1] == {
        "file_name": str(bad),
        "label": "",
        "score": "",
        "error": f"{bad} is an empty file; copy it again",
    }


def test_describe_names_and_files(trained, capsys):
    status, named, _ = call(capsys, "describe", "bc_resnet_1", "--num_classes", "12", "--padding", "same")
    assert status == 0
    assert "parameters       9,232 trainable" in named
    status, filed, _ = call(capsys, "describe", trained[0] / "model.safetensors")
    assert status == 0
    table, page = filed.split("\n\n")
    assert page == "\n".join(trained[1].stdout.splitlines()[:-3]) + "\n"
    assert table.splitlines()[-1].split()[0] == "all"
    status, values, _ = call(capsys, "describe", "bc_resnet_1", "--padding", "same", "--json")
    assert status == 0
    assert json.loads(values)["parameters"] == 9232


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["describe", "tc_resnet8"],
            "describe: name='tc_resnet8' is no model; did you mean tc_resnet_8, bc_resnet_8, tc_resnet_14?",
        ),
        (
            ["describe", "demo", "--padding", "same"],
            "describe: --padding: a file says this itself; leave it out, or name a network",
        ),
        (
            ["describe", "none.safetensors"],
            "describe: none.safetensors does not exist; name the .safetensors file of a classifier",
        ),
        (
            ["predict", "none.safetensors", "a.wav"],
            "predict: none.safetensors does not exist; name the .safetensors file of a classifier",
        ),
        (
            ["predict", "none.safetensors", "a.wav", "--out", "a.xls"],
            "predict: out=a.xls must end in .csv, .jsonl, .parquet",
        ),
        (
            ["predict", "none.safetensors", "a.wav", "--out", "none/a.csv"],
            "predict: out=none/a.csv: there is no folder none; make it first",
        ),
        (
            ["predict", "{model}", "a.wav", "--batch_size", "0"],
            "predict: batch_size=0 must be a positive integer",
        ),
        (
            ["evaluate", "none.safetensors", "a.csv", "--out", "{folder}"],
            "evaluate: out={folder} is a folder; name a file",
        ),
        (
            ["train", "{tones}", "--out", "x", "--n_time_masks", "9"],
            (
                "train: n_time_masks=9 of max_time_width=9 could cover more than a fifth of the 143 frames; "
                "n_time_masks * max_time_width must be at most 28"
            ),
        ),
        (
            ["evaluate", "none.safetensors", "a.csv", "--picture", "a.gif"],
            "evaluate: picture=a.gif must end in .png, .svg, .pdf",
        ),
        (
            ["evaluate", "{model}", "{tones}", "--split", "test"],
            "evaluate: split='test' has no clips; the manifest has no splits, or take 'all'",
        ),
        (
            ["train", "{tones}", "--out", "{run}"],
            (
                "train: out={run} already holds model.safetensors; resume that run, give another folder, "
                "or remove it"
            ),
        ),
        (
            ["train", "--out", "x"],
            "train: data is missing; use `audiocnn train DATA --out FOLDER`, or a --config file",
        ),
        (
            ["train", "{tones}", "--out", "{run}", "--resume", "--epochs", "16", "--batch_size", "9"],
            "train: out={run} was begun with batch_size=8, not 9; resume it so, or train in another folder",
        ),
        (
            ["train", "{tones}", "--out", "x", "--epochs", "0"],
            "train: epochs=0 must be an integer of at least 1",
        ),
        (
            ["train", "{tones}", "--out", "x", "--model", "perceptron"],
            f"train: name='perceptron' is no model; there are {', '.join(MODELS)}",
        ),
        (
            ["train", "{tones}/low", "--out", "x"],
            (
                "train: {tones}/low holds neither train.csv nor label folders with recordings (.aif, .aiff, "
                ".au, .caf, .flac, .mp3, .oga, .ogg, .opus, .wav); give the table, or put each recording "
                "into a folder named after its label"
            ),
        ),
    ],
)
def test_a_mistake_is_one_clear_line(trained, tones, capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    run = trained[0]
    (run.parent / "folder.json").mkdir(exist_ok=True)
    names = {
        "model": run / "model.safetensors",
        "tones": tones,
        "run": run,
        "folder": run.parent / "folder.json",
    }
    status, out, err = call(capsys, *(a.format(**names) for a in arguments))
    assert (status, out, err) == (2, "", f"audiocnn {message.format(**names)}\n")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], 'expected "command" to be one of {demo,train,train-images,evaluate,predict, ...}'),
        (["dance"], "invalid choice: 'dance'"),
        (["predict"], "the following arguments are required: predict.model, predict.inputs"),
        (["train", "x", "--out", "y", "--epochs", "many"], 'Parser key "epochs":\n  Expected a'),
        (["describe", "tdnn", "--colour", "red"], "--colour"),
    ],
)
def test_what_the_parser_refuses(capsys, arguments, message):
    status, out, err = call(capsys, *arguments)
    assert status == 2 and out == ""
    assert message in err


@pytest.mark.parametrize("command", ["demo", "train", "train-images", "evaluate", "predict", "describe"])
def test_every_flag_has_help(capsys, command):
    status, out, err = call(capsys, command, "--help")
    assert (status, err) == (0, "")
    assert "<class" not in out
    flags = re.findall(r"^  (--[\w.]+)[^\n]*(?:  +|\n {10,})([a-zA-Z\"].*)$", out, re.MULTILINE)
    assert {flag for flag, _ in flags} == set(re.findall(r"^  (--[\w.]+)", out, re.MULTILINE))


def test_a_reader_that_stops_reading_is_no_error(trained, tones):
    command = f"{sys.executable} -c 'import sys; from audiocnn.cli import main; sys.exit(main())'"
    listed = " ".join([str(tones)] * 40)
    done = subprocess.run(
        f"{command} predict {trained[0]}/model.safetensors {listed} --batch_size 1 | head -n 1",
        shell=True, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == "file_name,label,score,error\n"
    assert done.stderr == ""


def test_a_gpu_that_is_not_there(trained, capsys, tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    soundfile.write(tmp_path / "a.wav", [0.0] * 16000, 16000)
    status, out, err = call(
        capsys, "predict", trained[0] / "model.safetensors", tmp_path / "a.wav", "--device", "cuda"
    )
    assert (status, out) == (2, "")
    assert err.startswith("audiocnn predict: device='cuda' cannot be used (")
