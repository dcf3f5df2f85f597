"""M5: the count of a reimplementation, what it sees, and a classifier of it from samples to scores."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F

import audiocnn
from audiocnn import Classifier, ClassifierConfig
from audiocnn.accounting import account, count_parameters
from audiocnn.describe import describe
from audiocnn.errors import ParameterError
from audiocnn.frontends import LogMelConfig, SamplesConfig
from audiocnn.layers import BatchNorm1d, Conv1d
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


def test_the_windows_that_strides_reach():
    assert create("m5", num_classes=2, padding="same").config.input_size == (1, 8000)
    for size in (None, (1, 11_600)):
        assert create("m5", num_classes=2, input_size=size).config.input_size == (1, 10_988)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_it_is_the_composition_of_the_paper(padding, monkeypatch):
    monkeypatch.setitem(MODELS, "m5", partial(MODELS["m5"], width=1 / 16))
    net = create("m5", num_classes=3, padding=padding, input_size=(1, 3000)).double().eval()
    convs = [part for part in net.body.modules() if isinstance(part, Conv1d)]
    norms = [part for part in net.body.modules() if isinstance(part, BatchNorm1d)]
    for norm in norms:
        torch.nn.init.uniform_(norm.running_var, 0.001, 0.01)
        torch.nn.init.normal_(norm.running_mean, std=0.1)
    x = torch.randn(2, 1, 1, 3000, dtype=torch.float64)
    y = x[:, 0]
    for i, (conv, norm) in enumerate(zip(convs, norms, strict=True)):
        zeros = (39, 40) if i == 0 else (1, 1)
        y = F.pad(y, zeros) if padding == "same" else y
        y = norm(F.conv1d(y, conv.weight, conv.bias, stride=4 if i == 0 else 1)).relu()
        y = F.max_pool1d(y, 4)
    torch.testing.assert_close(net.body(x), y)
    expected = F.conv1d(y.mean(dim=2, keepdim=True), net.logits.weight, net.logits.bias)
    torch.testing.assert_close(net(x), expected)


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
