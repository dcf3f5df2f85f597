"""What all learnable front-ends do: gradients, learning, absurd parameters, silence, the exportable form."""

import pytest
import torch
from torch import nn
from torch.func import functional_call

from audiocnn.frontends import (
    LEAF,
    LEAFConfig,
    LearnableMel,
    LearnableMelConfig,
    RawWaveform,
    RawWaveformConfig,
    SincNet,
    SincNetConfig,
)

SMALL = {
    "sample_rate": 8000,
    "n_filters": 4,
    "kernel_size": 41,
    "pool_size": 41,
    "hop_length": 40,
    "f_max": 3900.0,
}
SMALL_MEL = {
    "sample_rate": 8000,
    "n_mels": 4,
    "n_fft": 128,
    "win_length": 80,
    "hop_length": 40,
    "f_max": 4000.0,
}
TINY = {
    "sample_rate": 1000,
    "n_filters": 3,
    "kernel_size": 9,
    "pool_size": 7,
    "hop_length": 5,
    "f_max": 480.0,
}
TINY_MEL = {"sample_rate": 1000, "n_mels": 3, "n_fft": 16, "win_length": 12, "hop_length": 5, "f_max": 480.0}

# Those of a size to hear with, and those of a size to differentiate by differences.
FRONT_ENDS = {
    "LEAF": (
        lambda: LEAF(LEAFConfig(**SMALL, smoother_frames=5)),
        lambda: LEAF(LEAFConfig(**TINY, smoother_frames=3)),
    ),
    "LEAF with logarithms": (
        lambda: LEAF(LEAFConfig(**SMALL, compression="log")),
        lambda: LEAF(LEAFConfig(**TINY, compression="log")),
    ),
    "SincNet": (lambda: SincNet(SincNetConfig(**SMALL)), lambda: SincNet(SincNetConfig(**TINY))),
    "LearnableMel": (
        lambda: LearnableMel(LearnableMelConfig(**SMALL_MEL)),
        lambda: LearnableMel(LearnableMelConfig(**TINY_MEL)),
    ),
    "RawWaveform": (
        lambda: RawWaveform(RawWaveformConfig(**(SMALL | {"f_max": 3500.0}))),
        lambda: RawWaveform(RawWaveformConfig(**TINY)),
    ),
}
every_front_end = pytest.mark.parametrize("name", FRONT_ENDS)


def noise(*shape, level=0.1):
    return level * torch.randn(*shape, dtype=torch.float64)


@every_front_end
def test_gradients_of_the_waveform_and_of_every_parameter(name):
    front_end = FRONT_ENDS[name][1]().double()
    parameters = dict(front_end.named_parameters())

    def features(waveform, *values):
        return functional_call(front_end, dict(zip(parameters, values, strict=True)), waveform)

    waveform = noise(2, front_end.geometry.input_length(3), level=0.5).requires_grad_()
    assert torch.autograd.gradcheck(features, (waveform, *parameters.values()))


@every_front_end
@pytest.mark.parametrize("amplitude", [0.0, 10 ** (-90 / 20), 1.0])
def test_features_and_gradients_are_finite_at_any_level(name, amplitude):
    front_end = FRONT_ENDS[name][0]()
    time = torch.arange(2000) / 8000
    waveform = amplitude * torch.sin(2 * torch.pi * 500.0 * time)[None]
    features = front_end(waveform)
    features.sum().backward()
    assert features.isfinite().all()
    for parameter in front_end.parameters():
        assert parameter.grad.isfinite().all()


@every_front_end
@pytest.mark.parametrize("value", [1e3, -1e3, 0.0])
def test_no_value_of_a_parameter_makes_nan(name, value):
    waveform = noise(1, 2000).float()
    for learnt, _ in FRONT_ENDS[name][0]().named_parameters():
        front_end = FRONT_ENDS[name][0]()
        front_end.get_parameter(learnt).data.fill_(value)
        features = front_end(waveform)
        features.sum().backward()
        assert features.isfinite().all(), learnt
        assert all(parameter.grad.isfinite().all() for parameter in front_end.parameters()), learnt
        for low, high in front_end.band_edges_hz:
            assert 0.0 <= low <= high <= 4000.0, learnt


@every_front_end
def test_the_exportable_form_gives_the_same(name):
    front_end = FRONT_ENDS[name][0]()
    waveform = noise(3, 3000).float()
    eager = front_end(waveform)
    plain = front_end.use("exportable")(waveform)
    assert (plain - eager).abs().max() <= 1e-5 * eager.abs().max()
    assert torch.equal(front_end.use("eager")(waveform), eager)


@every_front_end
def test_what_is_learnt_begins_as_the_config_says_without_chance(name):
    torch.manual_seed(1)
    ours = FRONT_ENDS[name][0]()
    torch.manual_seed(2)
    assert ours.fingerprint() == FRONT_ENDS[name][0]().fingerprint()


def losses_of_training(front_end, *, learnt):
    """Logistic regression on the means of the rows tells two tones apart that share a band."""
    torch.manual_seed(0)
    net = nn.Linear(front_end.n_freqs, 1)
    time = torch.arange(1600) / 8000
    hz = torch.tensor([600.0, 650.0]).repeat(8)[:, None]
    tones = 0.3 * torch.sin(2 * torch.pi * (hz * time + torch.rand(16, 1)))
    waveforms = tones * (time > 0.1) + 0.03 * torch.randn(16, 1600)  # PCEN hears what begins
    targets = torch.tensor([0.0, 1.0]).repeat(8)[:, None]
    with torch.no_grad():
        means = front_end(waveforms).mean((1, 3))
    groups = [{"params": net.parameters()}]
    if learnt:
        groups.append({"params": front_end.parameters(), "lr": 0.005})
    optimizer = torch.optim.Adam(groups, lr=0.02)
    losses = []
    for _ in range(40):
        rows = (front_end(waveforms).mean((1, 3)) - means.mean(0)) / means.std(0)
        loss = nn.functional.binary_cross_entropy_with_logits(net(rows), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@every_front_end
def test_filters_move_to_tell_tones_apart(name):
    front_end = FRONT_ENDS[name][0]()
    before = front_end.band_edges_hz
    losses = losses_of_training(front_end, learnt=True)
    assert losses[-1] < 0.6 * losses[0]
    assert losses[-1] < losses_of_training(FRONT_ENDS[name][0](), learnt=False)[-1]
    moved = [
        abs(new - old)
        for edges, was in zip(front_end.band_edges_hz, before, strict=True)
        for new, old in zip(edges, was, strict=True)
    ]
    assert max(moved) > 10.0  # Hz
