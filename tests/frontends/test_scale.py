"""Scales against the formulas."""

import numpy as np
import pytest
import torch

from audiocnn.frontends import Spectrogram, SpectrogramConfig
from audiocnn.frontends.scale import root

FORMULAS = {
    ("linear", 1): lambda x: x,
    ("linear", 2): lambda x: x,
    ("log", 1): np.log,
    ("log", 2): np.log,
    ("log10", 1): np.log10,
    ("log10", 2): np.log10,
    ("db", 1): lambda x: 20.0 * np.log10(x),
    ("db", 2): lambda x: 10.0 * np.log10(x),
}


@pytest.mark.parametrize("form", ["eager", "exportable"])
@pytest.mark.parametrize("floor_rule", ["add", "clamp"])
@pytest.mark.parametrize(("scale", "power"), FORMULAS)
def test_features_are_the_formula_of_the_spectrum(scale, power, floor_rule, form):
    config = SpectrogramConfig(
        n_fft=16, win_length=16, hop_length=16, power=power, scale=scale, floor=1e-3, floor_rule=floor_rule
    )
    waveform = torch.randn(1, 80, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    waveform[:, 32:48] *= 1e-3
    waveform[:, 48:64] = 0.0
    front_end = Spectrogram(config).double()
    window = front_end.get_buffer("frames.window").numpy()
    magnitude = np.abs(np.fft.rfft(waveform[0].numpy().reshape(5, 16) * window)).T
    raised = magnitude**power
    if scale != "linear":
        raised = raised + 1e-3 if floor_rule == "add" else np.maximum(raised, 1e-3)
    features = front_end.use(form)(waveform)[0, 0].numpy()
    # waves of the exportable form are of single precision
    rtol = 1e-12 if form == "eager" else 1e-5
    np.testing.assert_allclose(features, FORMULAS[scale, power](raised), rtol=rtol, atol=rtol)


def test_decibels_are_of_the_power_whichever_is_summed():
    waveform = torch.randn(1, 2000, generator=torch.Generator().manual_seed(0))
    of_power, of_magnitude = (
        Spectrogram(SpectrogramConfig(power=power, scale="db", floor=1e-20)) for power in (2, 1)
    )
    torch.testing.assert_close(of_magnitude(waveform), of_power(waveform), rtol=1e-5, atol=1e-4)


def test_the_root_of_silence_has_no_slope():
    power = torch.tensor([0.0, 1e-38, 4.0], requires_grad=True)
    assert torch.equal(root(power), power.sqrt())
    (slope,) = torch.autograd.grad(root(power).sum(), power)
    assert slope[0] == 0.0
    torch.testing.assert_close(slope[1:], 0.5 / power.detach()[1:].sqrt())
