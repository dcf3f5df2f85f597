"""Files of features: what NumPy reads, what we read, and what is refused."""

import json
import tracemalloc

import numpy as np
import pytest
import torch

from audiocnn import FeatureFileError, FingerprintError, ParameterError
from audiocnn.frontends import LogMel, LogMelConfig, create_front_end
from audiocnn.frontends.feature_file import read_features, write_features


def noise(samples):
    return 0.1 * torch.randn(samples, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", ["logmel", "mfcc", "pcen"])
def test_a_file_holds_the_features_of_the_whole(tmp_path, name):
    front_end, recording = create_front_end(name).eval(), noise(40000)
    path = tmp_path / "features.npy"
    frames = write_features(path, front_end, recording.split(7001))
    before, after = front_end.context
    padded = torch.nn.functional.pad(recording, (before, after))
    expected = front_end(padded[None])[0, 0].detach().numpy()
    assert frames == expected.shape[1]
    for features in (np.load(path), np.load(path, mmap_mode="r"), read_features(path, front_end).features):
        assert features.dtype == np.float32
        np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    found = read_features(path)
    assert found.config == front_end.config
    assert found.fingerprints == front_end.fingerprints()
    assert [file.name for file in tmp_path.iterdir()] == ["features.npy"]


def test_features_of_another_front_end_are_refused(tmp_path):
    path = tmp_path / "features.npy"
    write_features(path, LogMel(LogMelConfig(window="hamming")), [noise(16000)])
    with pytest.raises(FingerprintError) as error:
        read_features(path, LogMel(LogMelConfig()))
    assert str(error.value).endswith(
        'window is "hamming" there and "hann" here, frames.window has other values'
    )


def test_a_long_recording_takes_no_more_memory_than_a_short_one(tmp_path):
    front_end, block = create_front_end("logmel"), noise(16000)

    def peak(blocks):
        tracemalloc.start()
        write_features(tmp_path / "features.npy", front_end, (block for _ in range(blocks)))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(2)
    short = peak(20)
    assert peak(200) < short + 100_000
    assert np.load(tmp_path / "features.npy", mmap_mode="r").shape == (40, 19998)


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "features.npy"
    path.write_text("before")

    def blocks():
        yield noise(16000)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        write_features(path, create_front_end("logmel"), blocks())
    with pytest.raises(ParameterError, match=r"^a recording of 10 samples is shorter than a frame, 480;"):
        write_features(path, create_front_end("logmel"), [noise(10)])
    assert path.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["features.npy"]


@pytest.mark.parametrize(
    "damage", ["missing", "text", "plain array", "cut", "note", "pickle", "header", "huge"]
)
def test_other_files_are_refused(tmp_path, damage):
    path = tmp_path / "features.npy"
    if damage == "text":
        path.write_text("features")
    elif damage == "plain array":
        np.save(path, np.zeros((40, 9), dtype=np.float32))
    elif damage == "pickle":
        np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    elif damage != "missing":
        write_features(path, create_front_end("logmel"), [noise(16000)])
        whole = path.read_bytes()
        if damage == "cut":
            path.write_bytes(whole[: len(whole) // 2])
        elif damage == "header":  # NumPy reads it as Python source
            path.write_bytes(whole.replace(b"}", b"(", 1))
        elif damage == "huge":
            path.write_bytes(whole.replace(b"(40, 98), }" + b" " * 12, b"(40, 98" + b"0" * 12 + b"), }", 1))
        else:
            path.write_bytes(whole.replace(b'"logmel"', b'"melog!"'))
    with pytest.raises(FeatureFileError) as error:
        read_features(path)
    if damage == "missing":
        assert str(error.value) == f"{path} cannot be read: No such file or directory"
    else:
        assert str(error.value).startswith(f"{path} holds no features with a fingerprint, or is damaged (")
        assert str(error.value).endswith("; make it with write_features or `audiocnn features`")


def test_the_note_is_json_behind_the_numbers(tmp_path):
    path = tmp_path / "features.npy"
    write_features(path, create_front_end("logmel"), [noise(16000)])
    with path.open("rb") as file:
        assert np.load(file).shape == (40, 98)
        note = json.loads(np.load(file).tobytes())
        assert file.read() == b""
    assert note["front_end"]["kind"] == "logmel" and note["front_end"]["n_mels"] == 40
