"""The command line with pictures: the commands of sound, and `train-images`."""

import csv
import json
import shutil
import sys

import pytest
import soundfile
from bars import bars, write_set
from PIL import Image
from test_cli import call

import audiocnn
from audiocnn import ImageClassifier
from audiocnn.averaging import Averaging
from audiocnn.predict import score_files

PICTURE = {"rows": 16, "columns": 16, "channels": 1, "how": "centre", "background": 0.0}
OPTIONS = [
    *(f"--picture.{name}={value}" for name, value in PICTURE.items()),
    "--batch_size=20",
    "--device=cpu",
]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder of class folders of PNG files."""
    folder = tmp_path_factory.mktemp("files") / "bars"
    for i, (picture, target) in enumerate(zip(*bars(60, 2), strict=True)):
        child = folder / ("lying", "standing")[target]
        child.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(child / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def idx(tmp_path_factory):
    """A folder in MNIST's form."""
    return write_set(tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="module")
def model(files, tmp_path_factory):
    """What `audiocnn train-images` makes of the files."""
    from audiocnn.cli import main

    out = tmp_path_factory.mktemp("runs") / "run"
    assert main(["train-images", str(files), "--out", str(out), *OPTIONS, "--epochs=1"]) == 0
    return out / "model.safetensors"


def test_training_says_what_is_next_and_goes_on_with_a_run(files, tmp_path, capsys):
    run = tmp_path / "run"
    flips = ["--augmentation.flip_rows=true", "--augmentation.flip_columns", "true"]
    status, printed, err = call(
        capsys, "train-images", files, "--out", run, *OPTIONS, "--model=resnet20", "--epochs=2", *flips
    )
    assert status == 0, err
    assert printed.startswith(
        "model            resnet20, padding 'same', 2 classes\npicture          16 x 16 px, "
    )
    assert printed.splitlines()[-2:] == [
        f"{run}/model.safetensors is the classifier; next:",
        f"  audiocnn evaluate {run}/model.safetensors {run}/split.csv",
    ]
    config = json.loads((run / "config.json").read_text())
    assert config["picture"] == PICTURE | {"crop_share": 1.0}
    assert config["augmentation"]["flip_rows"] and config["augmentation"]["flip_columns"]
    status, again, _ = call(capsys, "train-images", "--config", run / "config.json", "--resume")
    assert (status, again) == (0, printed)
    status, _, err = call(
        capsys, "train-images", "--config", run / "config.json", "--picture.rows=20", "--resume"
    )
    assert status == 2 and err.startswith(f"audiocnn train-images: out={run} was begun with picture=")


def test_axes_of_light_are_read_from_a_config(files, tmp_path, capsys):
    axes = {"variances": [0.2, 0.02, 0.01], "directions": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}
    values = {"data": str(files), "out": str(tmp_path / "run"), "epochs": 1, "batch_size": 20}
    values["augmentation"] = {"lighting_deviation": 0.1, "colour_axes": axes}
    values["picture"] = {"rows": 16, "columns": 16}
    (tmp_path / "run.json").write_text(json.dumps(values))
    status, _, err = call(capsys, "train-images", "--config", tmp_path / "run.json")
    assert status == 0, err
    assert json.loads((tmp_path / "run" / "config.json").read_text())["augmentation"]["colour_axes"] == axes
    assert call(capsys, "train-images", "--config", tmp_path / "run" / "config.json", "--resume")[0] == 0


def test_a_published_set_is_trained_on_and_judged_by_its_test_part(idx, tmp_path, capsys):
    run = tmp_path / "run"
    status, printed, err = call(capsys, "train-images", idx, "--out", run, *OPTIONS, "--epochs=3")
    assert status == 0, err
    command = printed.splitlines()[-1].split()
    assert command == ["audiocnn", "evaluate", f"{run}/model.safetensors", str(idx)]
    status, report, _ = call(capsys, *command[1:])
    assert status == 0
    assert report.startswith(f"{run}/model.safetensors on {idx}, test split\n")
    assert " of 40 pictures; " in report and ", top-5 error 0.00 %\n" in report
    assert " of 200 pictures; " in call(capsys, *command[1:], "--split", "train")[1]
    status, _, err = call(capsys, *command[1:], "--split", "validation")
    assert (status, err) == (
        2,
        f"audiocnn evaluate: split='validation': as published, {idx} has train and test; take one of them\n",
    )


def test_of_some_classes_what_is_next_can_be_done(files, idx, tmp_path, capsys):
    labels = ["--labels", '["standing", "lying"]', "--epochs=1"]
    more = shutil.copytree(files, tmp_path / "more")
    shutil.copytree(more / "lying", more / "other")
    status, printed, err = call(capsys, "train-images", more, "--out", tmp_path / "a", *OPTIONS, *labels)
    assert status == 0, err
    status, report, err = call(capsys, *printed.splitlines()[-1].split()[1:])  # as it says
    assert (status, err) == (0, "") and " of 6 pictures; " in report
    labels = ["--labels", '["1", "0"]', "--epochs=1"]
    status, printed, err = call(capsys, "train-images", idx, "--out", tmp_path / "b", *OPTIONS, *labels)
    assert status == 0, err
    model = f"{tmp_path}/b/model.safetensors"
    assert printed.splitlines()[-1] == f"{model} is the classifier, of some of the classes of {idx}"


def test_files_are_judged(model, tmp_path, capsys):
    split, figures = model.with_name("split.csv"), tmp_path / "figures.json"
    status, report, err = call(
        capsys, "evaluate", model, split, "--out", figures, "--picture", tmp_path / "confusion.png"
    )
    assert (status, err) == (0, "")
    assert report.startswith(f"{model} on {split}, test split\n")
    assert report.endswith(" from only 6 pictures)\n") or "no interval, as all 6 pictures" in report
    assert json.loads(figures.read_text())["pictures"] == 6
    assert (tmp_path / "confusion.png").read_bytes().startswith(b"\x89PNG")


def test_several_models_and_views_are_averaged(model, files, tmp_path, capsys):
    other = tmp_path / "other.safetensors"
    audiocnn.load(model).save(other)
    status, alone, _ = call(capsys, "evaluate", model, files)
    assert alone.startswith(f"{model} on {files}, all pictures, also those it may have learned from\n")
    status, both, _ = call(capsys, "evaluate", model, other, files)
    # of the same weights, so that the mean is what each of them says
    assert both == f"{model} and {other}{alone.removeprefix(str(model))}"
    for views, said in ((["--ten_crop"], "ten crops"), (["--scales", "1", "1.25"], "scales 1, 1.25")):
        status, report, err = call(capsys, "evaluate", model, files, *views)
        assert (status, err) == (0, "")
        assert report.startswith(f"{model}, {said}, on {files}, all pictures")


def test_recordings_too_are_viewed_several_times(run, tones, capsys):
    model = run[0] / "model.safetensors"
    status, report, err = call(capsys, "evaluate", model, model, tones, "--shifts", "3")
    assert (status, err) == (0, "")
    assert report.startswith(f"{model} and {model}, 3 shifts, on {tones}, all clips")


def test_predict_writes_a_row_a_picture(model, files, tmp_path, capsys):
    status, out, err = call(capsys, "predict", model, files / "lying", files / "standing" / "1.png")
    assert (status, err) == (0, "")
    rows = list(csv.DictReader(out.splitlines()))
    assert len(rows) == 31 and rows[30]["file_name"] == str(files / "standing" / "1.png")
    classifier = audiocnn.load(model)
    assert isinstance(classifier, ImageClassifier)
    for row in rows[::10]:
        expected = classifier.predict(row["file_name"])
        assert row["label"] == expected.label
        assert float(row["score"]) == pytest.approx(expected.score, abs=1e-5)
    table = tmp_path / "table.csv"
    table.write_text(f"file_name\n{files}/lying/0.png\n{files}/standing/1.png\n")
    path = tmp_path / "scores.jsonl"
    assert call(capsys, "predict", model, table, "--out", path, "--all_scores", "--workers=2") == (0, "", "")
    first, second = map(json.loads, path.read_text().splitlines())
    assert f"{second['score']:.9g}" == rows[30]["score"]
    assert first["score_lying"] + first["score_standing"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("views", "expected"),
    [(["--ten_crop"], Averaging(ten_crop=True)), (["--scales=1"], Averaging(scales=(1,)))],
)
def test_predict_averages_views(views, expected, model, files, capsys):
    some = sorted((files / "lying").glob("*.png"))[:3]
    status, out, err = call(capsys, "predict", model, *some, "--all_scores", *views)
    assert (status, err) == (0, "")
    rows = list(csv.DictReader(out.splitlines()))
    scored = list(score_files(audiocnn.load(model), some, averaging=expected))
    for row, file in zip(rows, scored, strict=True):
        assert [float(row["score_lying"]), float(row["score_standing"])] == pytest.approx(
            file.scores.tolist()
        )
    single = list(csv.DictReader(call(capsys, "predict", model, *some, "--all_scores")[1].splitlines()))
    assert [row["score_standing"] for row in rows] != [row["score_standing"] for row in single]


def test_predict_averages_shifts_of_a_recording(tones, capsys):
    clip = sorted(tones.glob("*/*"))[0]
    status, out, err = call(capsys, "predict", "demo", clip, "--shifts=3")
    assert (status, err) == (0, "")
    (row,) = csv.DictReader(out.splitlines())
    (file,) = score_files(audiocnn.load("demo"), [clip], averaging=Averaging(shifts=3))
    assert float(row["score"]) == pytest.approx(file.scores.max().item())


def test_what_is_no_picture_is_a_row(model, files, tmp_path, capsys):
    empty, sound, text = tmp_path / "empty.png", tmp_path / "a.wav", tmp_path / "a.txt"
    empty.write_bytes(b"")
    text.write_text("words")
    soundfile.write(sound, [0.0] * 100, 16000)
    good = files / "lying" / "0.png"
    status, out, err = call(capsys, "predict", model, good, empty, sound, text, tmp_path / "none.wav", good)
    assert (status, err) == (1, "4 of 6 files could not be read; their rows say why\n")
    rows = list(csv.DictReader(out.splitlines()))
    assert rows[0] == rows[5] and rows[0]["label"]
    assert [row["error"] for row in rows[1:5]] == [
        f"{empty} is an empty file; copy it again",
        f"{sound} is a recording, by its name, and the classifier is of pictures",
        f"{text} is not a picture that is read here: PNG, JPEG, BMP, GIF, TIFF, WebP, PGM; save it as PNG",
        f"{tmp_path}/none.wav does not exist; check the name and the folder",
    ]
    rows = list(csv.DictReader(call(capsys, "predict", "demo", good)[1].splitlines()))
    assert rows[0]["error"] == f"{good} is a picture, by its name, and the classifier is of recordings"


def test_describe_shows_the_file(model, capsys):
    status, page, _ = call(capsys, "describe", model)
    assert status == 0
    assert page.split("\n\n")[1].splitlines()[:5] == [
        "model            resnet20, padding 'same', 2 classes",
        "picture          16 x 16 px, grey; others are not resized: their middle is cut out, or put on a",
        "                 background of 0",
        "labels           lying, standing",
        "input, output    1x16x16, 2x1x1",
    ]
    assert json.loads(call(capsys, "describe", model, "--json")[1])["labels"] == ["lying", "standing"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["predict", "demo", "{files}"],
            (
                "predict: {files} holds no recording (.aif, .aiff, .au, .caf, .flac, .mp3, .oga, .ogg, "
                ".opus, .wav); name a folder that does"
            ),
        ),
        (
            ["predict", "{model}", "{tones}"],
            (
                "predict: {tones} holds no picture (.bmp, .gif, .jpeg, .jpg, .pbm, .pgm, .png, .ppm, .tif, "
                ".tiff, .webp); name a folder that does"
            ),
        ),
        (
            ["predict", "{model}", "{files}", "--refuse_other_rates"],
            "predict: --refuse_other_rates: pictures have no sample rate; leave it out",
        ),
        (
            ["evaluate", "{model}", "{tones}"],
            (
                "evaluate: {tones} holds neither train.csv nor label folders with pictures (.bmp, .gif, "
                ".jpeg, .jpg, .pbm, .pgm, .png, .ppm, .tif, .tiff, .webp); give the table, or put each "
                "picture into a folder named after its label"
            ),
        ),
        (
            ["evaluate", "{model}", "demo", "{files}"],
            (
                "evaluate: classifiers of pictures and of recordings have no common score; give those of one "
                "kind"
            ),
        ),
        (
            ["evaluate", "{model}", "{files}", "--shifts", "3"],
            "evaluate: shifts=3 are of recordings; pictures have ten_crop, or scales",
        ),
        (
            ["evaluate", "demo", "{tones}", "--ten_crop"],
            "evaluate: ten_crop is of pictures; recordings have shifts",
        ),
        (
            ["predict", "demo", "{tones}", "--ten_crop"],
            "predict: ten_crop is of pictures; recordings have shifts",
        ),
        (
            ["describe", "{model}", "--plot", "a.png"],
            (
                "describe: plot=a.png is for the filters of a front-end, and {model} is a classifier of "
                "pictures, which has none; leave it out"
            ),
        ),
        (
            ["features", "{files}/lying/0.png", "--preset", "{model}", "--out", "a.npy"],
            "features: {model} is a classifier of pictures, not of sounds; audiocnn.load reads it",
        ),
        (
            ["train-images", "{files}"],
            "train-images: out is missing; use `audiocnn train-images DATA --out FOLDER`, or a --config file",
        ),
        (
            ["train-images", "{files}", "--out", "x", "--picture.rows", "0"],
            "train-images: rows=0 must be a positive number of pixels; 224 is usual",
        ),
        (
            ["train-images", "{files}", "--out", "x", "--augmentation.max_scale", "0.5"],
            "train-images: max_scale=0.5 must be at least 1, which changes nothing",
        ),
    ],
)
def test_a_mistake_is_one_clear_line(model, files, tones, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    names = {"model": model, "files": files, "tones": tones}
    status, out, err = call(capsys, *(argument.format(**names) for argument in arguments))
    assert (status, out, err) == (2, "", f"audiocnn {message.format(**names)}\n")
    assert not any(tmp_path.iterdir())


def test_without_pillow_the_extra_is_named(model, files, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    needs = (
        "reading pictures needs the package pillow, which the extra image brings: "
        'python -m pip install -e ".[image]"'
    )
    for command in (["predict", model, files], ["evaluate", model, files]):
        status, _, err = call(capsys, *command)
        assert (status, err) == (2, f"audiocnn {command[0]}: {needs}\n")
