"""Classifiers and their front-ends: any kind travels in the file, is heard in silence, and has a rate."""

import laws
import numpy as np
import pytest
import soundfile
import torch

import audiocnn
from audiocnn import Classifier, ClassifierConfig, LawError, ModelFileError, ParameterError, model_file
from audiocnn.frontends import FRONT_ENDS, LogMelConfig, PCENConfig, create_front_end, spectrogram
from audiocnn.models import NetConfig
from audiocnn.placement import place
from audiocnn.resampling import resample, say_once

RATE = 16000


def noise(seconds, seed=0):
    return 0.3 * torch.randn(round(seconds * RATE), generator=torch.Generator().manual_seed(seed))


def assert_close(ours, expected):
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)


def with_front_end(config):
    """A classifier with another front-end."""
    net = NetConfig(name="tc_resnet_8", num_classes=3)
    build = laws.Case(
        "", lambda: Classifier(ClassifierConfig(labels=("a", "b", "c"), front_end=config, net=net)), ()
    )
    return build.module(torch.float32)


@pytest.mark.parametrize("name", ["mfcc", "pcen", "leaf", "whisper"])
def test_other_front_ends_are_saved_and_loaded(tmp_path, name):
    classifier, clip = with_front_end(FRONT_ENDS[name]), noise(1)
    for parameter in classifier.front_end.parameters():
        torch.nn.init.normal_(
            parameter, mean=parameter.mean().item(), std=0.01 * parameter.abs().mean().item()
        )
    classifier.save(tmp_path / "model.safetensors")
    loaded = audiocnn.load(tmp_path / "model.safetensors")
    assert loaded.front_end.fingerprint() == classifier.front_end.fingerprint()
    assert loaded.predict(clip, sample_rate=RATE) == classifier.predict(clip, sample_rate=RATE)


@pytest.mark.parametrize(
    "config", [LogMelConfig(deltas=2), LogMelConfig(normalization_frames=30), PCENConfig()]
)
def test_a_recording_is_heard_in_silence_where_frames_are_judged_by_those_around(config):
    classifier, context = with_front_end(config), sum(with_front_end(config).front_end.context)
    plain = with_front_end(LogMelConfig())
    assert context > 0
    assert classifier.window == plain.window == classifier.geometry.span - context
    before, after = classifier.front_end.context
    for seconds in (0.3, 1.2, 1.5, 4.0):
        clip = noise(seconds)
        placed = place([clip], max(classifier.window, len(clip)))
        whole = torch.nn.functional.pad(placed, (before, after))
        expected = classifier.probabilities(classifier(whole))[0].mean(dim=-1)
        assert_close(classifier.score_clips([clip, noise(0.7)])[0], expected)
        assert_close(classifier.score_blocks(clip.split(5000)), expected)
        assert len(classifier(whole)[0, 0]) == plain.geometry.output_length(placed.shape[1])


def test_a_front_end_that_is_no_scan_is_refused():
    with pytest.raises(LawError) as error:
        with_front_end(PCENConfig(smoother_frames=None))
    assert "is no scan: " in str(error.value)


def test_a_file_whose_front_end_makes_other_features_here_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    classifier = with_front_end(LogMelConfig())
    classifier.save(path)
    monkeypatch.setattr(spectrogram, "window", lambda name, length, periodic: np.ones(length))
    with pytest.raises(ModelFileError) as error:
        audiocnn.load(path)
    assert str(error.value) == (
        f"{path}: these features are not those of the front-end here, of fingerprint "
        f"{create_front_end('logmel').fingerprint()}: frames.window has other values; use the "
        "audiocnn that saved it, or train again"
    )


def test_a_file_of_the_first_format_is_read(tmp_path):
    classifier, path = with_front_end(LogMelConfig()), tmp_path / "model.safetensors"
    classifier.save(path)
    config, tensors = model_file.read(path)
    del config["fingerprints"], config["front_end"]["kind"]
    first = ("sample_rate n_fft win_length hop_length n_mels f_min f_max mel_scale norm floor").split()
    config["front_end"] = {name: config["front_end"][name] for name in first}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_file, "FORMAT_VERSION", 1)
        model_file.write(path, config=config, tensors=tensors)
    assert audiocnn.load(path).config == classifier.config


def test_other_rates_are_resampled_or_refused_as_asked(tmp_path, caplog):
    path, classifier = tmp_path / "model.safetensors", with_front_end(LogMelConfig())
    classifier.save(path)
    strict = audiocnn.load(path, resample=False)
    clip = noise(1)
    recording = tmp_path / "clip.wav"
    soundfile.write(recording, resample(clip, RATE, 11111).numpy(), 11111, subtype="FLOAT")
    said = "recordings of 11111 samples a second are resampled to 16000"
    say_once.cache_clear()
    with caplog.at_level("INFO"):
        classifier.predict(recording)
        classifier.predict(recording)
        classifier.predict(clip, sample_rate=11111)
    assert [record.getMessage() for record in caplog.records] == [said]
    assert strict.predict(clip, sample_rate=RATE) == classifier.predict(clip, sample_rate=RATE)
    refusal = (
        "{} has 11111 samples a second, and the classifier, which was told not to resample, hears 16000; "
        "resample it first, or let it (resample=True)"
    )
    say_once.cache_clear()
    caplog.clear()
    for source, rate, name in ((recording, None, recording), (clip, 11111, "the waveform")):
        with pytest.raises(ParameterError) as error:
            strict.predict(source, sample_rate=rate)
        assert str(error.value) == refusal.format(name)
    assert not caplog.records  # nothing was resampled, nor is it said to be
