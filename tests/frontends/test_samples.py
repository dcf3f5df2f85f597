"""Samples as features: they are what went in, in a classifier too."""

import numpy as np
import pytest
import soundfile
import torch
from test_cli import call

from audiocnn import ParameterError
from audiocnn.data.corpus import Corpus
from audiocnn.data.manifest import Clip
from audiocnn.data.statistics import feature_statistics
from audiocnn.frontends import Samples, SamplesConfig, description
from audiocnn.frontends.description import draw_features
from audiocnn.frontends.feature_file import read_features


def test_features_are_the_samples():
    waveform = torch.randn(2, 50)
    features = Samples(SamplesConfig())(waveform)
    assert features.shape == (2, 1, 1, 50)
    assert torch.equal(features[:, 0, 0], waveform)


def test_it_hears_all_that_its_rate_can_hold():
    front_end = Samples(SamplesConfig(sample_rate=22050))
    assert front_end.band_edges_hz == [(0.0, 11025.0)]
    hz, gains = front_end.frames.response()
    assert hz.tolist() == [0.0, 11025.0] and gains.tolist() == [[1.0, 1.0]]
    assert front_end.frame_rate_hz == 22050


def test_statistics_are_the_level_of_all_recordings(tmp_path):
    rng, clips, samples = np.random.default_rng(0), [], []
    for i, seconds in enumerate((0.5, 1.0)):
        samples.append((0.02 + 0.1 * (i + 1) * rng.standard_normal(int(8000 * seconds))).astype(np.float32))
        soundfile.write(tmp_path / f"{i}.wav", samples[-1], 8000, subtype="FLOAT")
        clips.append(Clip(path=tmp_path / f"{i}.wav", label="a"))
    corpus = Corpus.load(clips, labels=("a",), sample_rate=8000)
    mean, deviation = feature_statistics(corpus, Samples(SamplesConfig()))
    together = np.concatenate(samples)
    np.testing.assert_allclose([mean.item(), deviation.item()], [together.mean(), together.std()], rtol=1e-4)


def test_its_page_and_its_features_on_the_command_line(tmp_path, capsys):
    status, out, _ = call(capsys, "describe", "samples", "--plot", tmp_path / "filters.png")
    assert status == 0
    assert "frame        1 sample, 0.125 ms\nhop          1 sample, 0.125 ms, 8000 frames a second\n" in out
    samples = 0.1 * np.random.default_rng(0).standard_normal(4000).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="FLOAT")
    for name in ("a.npy", "a.png"):
        status, out, _ = call(
            capsys, "features", tmp_path / "a.wav", "--preset", "samples", "--out", tmp_path / name
        )
        assert status == 0
        assert out.startswith(f"{tmp_path / name}: 1 row, 4000 frames, 8000 a second, fingerprint ")
    written = read_features(tmp_path / "a.npy", Samples(SamplesConfig()))
    np.testing.assert_array_equal(written.features, samples[None])


def test_a_row_is_drawn_as_a_curve_over_seconds(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(description, "save_figure", lambda figure, path: drawn.append(figure))
    front_end, samples = Samples(SamplesConfig()), np.random.default_rng(0).standard_normal((1, 500))
    draw_features(front_end, samples, tmp_path / "a.png", title="a word")
    (axes,) = drawn[0].axes
    ((seconds, values),) = (line.get_data() for line in axes.lines)
    np.testing.assert_allclose(seconds, (0.5 + np.arange(500)) / 8000)  # the middle of each sample
    np.testing.assert_array_equal(values, samples[0])
    assert (axes.get_title(), axes.get_ylabel()) == ("a word", "features")


def test_the_default_rate_is_said_where_another_is_impossible():
    with pytest.raises(ParameterError) as error:
        SamplesConfig(sample_rate=0)
    assert str(error.value) == "sample_rate=0 must be a positive integer; 8000 is the default"
