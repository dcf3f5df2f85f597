"""M5: the count of a reimplementation, what it sees, and a classifier of it from samples to scores."""

from functools import partial

import pytest
import torch

import audiocnn
from audiocnn import Classifier, ClassifierConfig
from audiocnn.accounting import account, count_parameters
from audiocnn.describe import describe
from audiocnn.errors import ParameterError
from audiocnn.frontends import LogMelConfig, SamplesConfig
from audiocnn.models import MODELS, NetConfig, create


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_count_field_and_steps(padding):
    net = create("m5", num_classes=10, padding=padding)
    assert count_parameters(net) == 559_114
    assert net.body.time_axis.sees.span == 80 + 3 * 4 + sum(2 * step + 3 * step for step in (16, 64, 256))
    assert net.body.time_axis.sees.stride == 4 * 4**4


def test_macs_worked_by_hand():
    convs = [(1, 128, 80, 2000), (128, 128, 3, 500), (128, 256, 3, 125), (256, 512, 3, 31)]
    by_hand = sum(a * b * kernel * positions for a, b, kernel, positions in convs) + 512 * 10
    net = create("m5", num_classes=10, padding="same")
    assert sum(layer.macs for layer in account(net, (1, 1, 8000)).layers) == by_hand


def classifier(padding):
    net = NetConfig(name="m5", num_classes=2, padding=padding)
    return Classifier(ClassifierConfig(labels=("a", "b"), front_end=SamplesConfig(), net=net)).eval()


def test_a_classifier_of_samples_scans_streams_and_is_saved(tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "m5", partial(MODELS["m5"], width=1 / 16))
    ours = classifier("valid").double()
    assert (ours.window, ours.geometry.stride) == (10_988, 1024)
    recording = 0.1 * torch.randn(1, 20_000, dtype=torch.float64)
    with torch.no_grad():
        track = ours(recording)
        state, chunks = None, []
        for chunk in recording.split(3000, dim=1):
            logits, state = ours.step(chunk, state)
            chunks.append(logits)
    assert track.shape == (1, 2, 9)
    torch.testing.assert_close(torch.cat(chunks, dim=2), track)
    ours = ours.float()
    ours.save(tmp_path / "m5.safetensors")
    loaded = audiocnn.load(tmp_path / "m5.safetensors")
    for seconds in (0.4, 1.2, 2.0):
        clip = recording[0, : int(8000 * seconds)].float()
        assert loaded.predict(clip, sample_rate=8000) == ours.predict(clip, sample_rate=8000)


def test_as_published_it_is_run_every_tenth_of_a_second(monkeypatch):
    monkeypatch.setitem(MODELS, "m5", partial(MODELS["m5"], width=1 / 16))
    ours = classifier("same")
    assert (ours.geometry.span, ours.geometry.stride) == (8000, 800)
    assert ours(torch.zeros(1, 10_000)).shape == (1, 2, 3)


def test_it_is_described_behind_samples():
    description = describe("m5", padding="same")
    assert description.front_end.startswith("samples of 1 row at 8000 Hz (others are resampled), ")
    assert (description.span_ms, description.receptive_field_ms) == (1000.0, 221.5)


def test_a_spectrogram_is_refused():
    net = NetConfig(name="m5", num_classes=2)
    with pytest.raises(ParameterError) as error:
        Classifier(ClassifierConfig(labels=("a", "b"), front_end=LogMelConfig(), net=net))
    assert str(error.value) == "rows=40 must be 1, as this net reads samples; give it the front-end 'samples'"
