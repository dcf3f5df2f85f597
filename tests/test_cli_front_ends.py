"""`audiocnn describe` of front-ends, and `audiocnn features`."""

import json

import numpy as np
import pytest
import soundfile
import torch
from test_cli import call

import audiocnn
from audiocnn import Classifier, ClassifierConfig
from audiocnn.describe import describe
from audiocnn.frontends import FRONT_ENDS, LogMelConfig, create_front_end
from audiocnn.frontends.description import describe_front_end
from audiocnn.frontends.feature_file import read_features
from audiocnn.frontends.kinds import config_as_dict
from audiocnn.models import NetConfig

NAMES = ", ".join(FRONT_ENDS)
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def recording(tmp_path):
    """A second and a half at 22,050 Hz in stereo."""
    path = tmp_path / "word.wav"
    samples = 0.1 * np.random.default_rng(0).standard_normal((33075, 2))
    soundfile.write(path, samples, 22050, subtype="FLOAT")
    return path


def test_describe_prints_the_table_and_draws_the_filters(tmp_path, capsys):
    status, out, err = call(capsys, "describe", "kaldi", "--plot", tmp_path / "filters.png")
    assert (status, err) == (0, "")
    assert out == f"{describe_front_end(create_front_end('kaldi'), name='kaldi')}\n"
    assert (tmp_path / "filters.png").read_bytes().startswith(PNG)


def test_what_describe_prints_as_json_is_a_front_end(tmp_path, capsys):
    status, out, _ = call(capsys, "describe", "logmel", "--json")
    values = json.loads(out)
    values["config"]["n_mels"] = 24
    mine = tmp_path / "mine.json"
    mine.write_text(json.dumps(values))
    status, out, _ = call(capsys, "describe", mine)
    assert status == 0
    assert out == f"{describe_front_end(create_front_end(LogMelConfig(n_mels=24)), name=str(mine))}\n"


def test_of_a_name_that_is_both_the_network_is_told_first(tmp_path, capsys):
    arguments = ("describe", "vggish", "--padding", "same", "--num_classes", "2")
    network = describe("vggish", padding="same", num_classes=2)
    front_end = describe_front_end(create_front_end("vggish"), name="vggish")
    status, out, err = call(capsys, *arguments, "--plot", tmp_path / "filters.png")
    assert (status, err) == (0, "")
    assert out == f"{network.table()}\n\n{network}\n\n{front_end}\n"
    assert (tmp_path / "filters.png").read_bytes().startswith(PNG)
    status, out, _ = call(capsys, *arguments, "--json")
    assert json.loads(out) == {
        "network": json.loads(network.json()),
        "front_end": json.loads(front_end.json()),
    }


def test_a_classifier_says_which_front_end_it_has_and_draws_it(tmp_path, capsys):
    status, out, _ = call(capsys, "describe", "demo", "--plot", tmp_path / "filters.svg")
    fingerprint = audiocnn.load("demo").front_end.fingerprint()
    assert status == 0
    assert (
        f"front-end        logmel of 40 rows at 16000 Hz (others are resampled), fingerprint {fingerprint}\n"
        in out
    )
    assert b"<svg" in (tmp_path / "filters.svg").read_bytes()


def test_a_classifier_says_what_its_front_end_has_learnt():
    net = NetConfig(name="tc_resnet_8", num_classes=2)
    front_end = create_front_end("leaf")
    classifier = Classifier(ClassifierConfig(labels=("a", "b"), front_end=front_end.config, net=net))
    said = describe(classifier).front_end
    assert said == (
        "leaf of 40 rows at 16000 Hz (others are resampled), 280 parameters of its own, fingerprint "
        f"{front_end.fingerprint()}"
    )


@pytest.mark.parametrize("preset", ["logmel", "kaldi", "demo", "mfcc"])
def test_features_are_those_of_the_recording_at_the_rate_of_the_front_end(
    recording, tmp_path, capsys, preset
):
    path = tmp_path / "features.npy"
    status, out, _ = call(capsys, "features", recording, "--preset", preset, "--out", path)
    front_end = audiocnn.load("demo").front_end if preset == "demo" else create_front_end(preset)
    waveform = audiocnn.audio.read(recording, sample_rate=16000).waveform
    expected = front_end.eval()(waveform[None])[0, 0].numpy()
    assert status == 0
    assert out == (
        f"{path}: {front_end.n_freqs} rows, {expected.shape[1]} frames, 100 a second, fingerprint "
        f"{front_end.fingerprint()}\n"
    )
    np.testing.assert_allclose(np.load(path), expected, rtol=1e-5, atol=1e-5)
    read_features(path, front_end)


def test_a_picture_of_features(recording, tmp_path, capsys):
    status, out, _ = call(capsys, "features", recording, "--preset", "pcen", "--out", tmp_path / "a.png")
    assert status == 0 and out.startswith(f"{tmp_path / 'a.png'}: 40 rows, 148 frames, 100 a second")
    assert (tmp_path / "a.png").read_bytes().startswith(PNG)


def test_features_of_a_config_of_ones_own(recording, tmp_path, capsys):
    mine = tmp_path / "mine.json"
    mine.write_text(json.dumps(config_as_dict(LogMelConfig(n_mels=24, deltas=1))))
    assert call(capsys, "features", recording, "--preset", mine, "--out", tmp_path / "a.npy")[0] == 0
    assert np.load(tmp_path / "a.npy").shape == (48, 148)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["features", "{recording}"],
            "features: out is missing; use `audiocnn features FILE --out features.npy`, or a .png",
        ),
        (
            ["features", "{recording}", "--out", "a.txt"],
            "features: out=a.txt must end in .npy, .png, .svg, .pdf",
        ),
        (
            ["features", "none.wav", "--out", "a.npy"],
            "features: none.wav does not exist; check the name and the folder",
        ),
        (
            ["features", "{recording}", "--preset", "melody", "--out", "a.npy"],
            f"features: front_end='melody' is unknown; there are {NAMES}, or give a .json file",
        ),
        (
            ["features", "{short}", "--out", "a.npy"],
            "features: a recording of 100 samples is shorter than a frame, 480; give a longer one",
        ),
        (
            ["describe", "log_mel"],
            "describe: model='log_mel' is no network and no front-end; did you mean logmel, mel?",
        ),
        (
            ["describe", "logmel", "--padding", "same"],
            "describe: --padding: a front-end has none; leave it out, or name a network",
        ),
        (
            ["describe", "spectrogram", "--plot", "a.png"],
            (
                "describe: front_end='spectrogram' has no filters to draw: its rows are the bins of the "
                "Fourier transform"
            ),
        ),
        (
            ["describe", "tdnn", "--plot", "a.png"],
            (
                f"describe: plot=a.png is for the filters of a front-end: name one ({NAMES}), or "
                "the file of a classifier, which has one"
            ),
        ),
        (
            ["describe", "none.json"],
            "describe: front_end=none.json cannot be read: No such file or directory",
        ),
    ],
)
def test_a_mistake_is_one_clear_line(recording, tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    soundfile.write("short.wav", torch.zeros(100).numpy(), 16000)
    names = {"recording": recording, "short": "short.wav"}
    status, out, err = call(capsys, *(argument.format(**names) for argument in arguments))
    said = [line for line in err.splitlines() if not line.startswith("recordings of ")]  # that it resamples
    assert (status, out, said) == (2, "", [f"audiocnn {message}"])
    assert not (tmp_path / "a.npy").exists() and not (tmp_path / "a.png").exists()


def test_predict_refuses_other_rates_if_told_to(recording, tmp_path, capsys):
    status, out, err = call(capsys, "predict", "demo", recording, "--refuse_other_rates")
    assert status == 1
    assert (
        "has 22050 samples a second, and the classifier, which was told not to resample, hears 16000" in out
    )
    assert err == "1 of 1 files could not be read; their rows say why\n"
    parts = tmp_path / "parts.csv"
    parts.write_text(f"file_name,start,stop\n{recording},0.2,0.9\n")
    refused = call(capsys, "predict", "demo", parts, "--refuse_other_rates")
    assert refused[0] == 1 and "has 22050 samples a second" in refused[1]
    assert call(capsys, "predict", "demo", recording)[0] == 0
    assert call(capsys, "predict", "demo", parts)[0] == 0
