"""LEAF: its filters against their formula, the mel filters they begin as, and tones."""

import cmath
import math

import librosa
import numpy as np
import pytest
import torch

from audiocnn import LawError, ParameterError
from audiocnn.frontends import LEAF, LEAFConfig
from audiocnn.frontends.gabor import GaborFilters
from audiocnn.frontends.learnable_filterbank import GaussianLowPass

LOG = LEAFConfig(compression="log")


def gabor(n_filters=40, kernel_size=401, f_min=60.0, f_max=7800.0):
    return GaborFilters(n_filters, kernel_size, sample_rate=16000, f_min=f_min, f_max=f_max)


def tone(hz, samples=4000, amplitude=0.5):
    return amplitude * torch.sin(2 * torch.pi * hz * torch.arange(samples, dtype=torch.float64) / 16000)[None]


@pytest.mark.parametrize("size", [9, 10])
def test_gabor_filters_are_their_formula(size):
    filters = gabor(n_filters=2, kernel_size=size).double()
    filters.mu.data = torch.tensor([0.3, 2.0], dtype=torch.float64)
    filters.sigma.data = torch.tensor([1.6, 3.0], dtype=torch.float64)
    kernels = filters()
    assert kernels.shape == (2, 2, size)
    for c, (mu, sigma) in enumerate([(0.3, 1.6), (2.0, 3.0)]):
        for i in range(size):
            t = i - (size - 1) / 2
            wave = cmath.exp(-(t**2) / (2 * sigma**2) + 1j * mu * t) / (math.sqrt(2 * math.pi) * sigma)
            assert kernels[c, 0, i].item() == pytest.approx(wave.real, abs=1e-15)
            assert kernels[c, 1, i].item() == pytest.approx(wave.imag, abs=1e-15)


def test_gabor_filters_act_within_their_bounds():
    filters = gabor(n_filters=2).double()
    half = math.sqrt(2 * math.log(2))
    for learnt, low, high in (
        (filters.mu, 0.0, math.pi),
        (filters.sigma, 4 * half / math.pi, 401 * half / math.pi),
    ):
        for outside, bound in ((-1e3, low), (1e3, high)):
            learnt.data.fill_(outside)
            acting = filters()
            learnt.data.fill_(bound)
            assert torch.equal(acting, filters())


def test_the_low_pass_is_its_formula():
    low_pass = GaussianLowPass(2, 7).double()
    assert (low_pass.deviation == torch.tensor(0.4)).all()
    low_pass.deviation.data = torch.tensor([0.9, 0.1], dtype=torch.float64)  # outside of the bounds
    kernels = low_pass()
    for c, deviation in enumerate((0.5, 2 / 7)):
        for t in range(7):
            expected = math.exp(-0.5 * ((t - 3) / (deviation * 3)) ** 2)
            assert kernels[c, t].item() == pytest.approx(expected, rel=1e-12)


def test_it_begins_as_mel_filters():
    front_end = LEAF(LOG)
    corners_hz = librosa.mel_frequencies(n_mels=42, fmin=60.0, fmax=7800.0, htk=True)
    hz, gains = front_end.scans()[0].response()
    for i in range(40):
        low, centre, high = corners_hz[i : i + 3]
        peak = gains[i].argmax()
        assert abs(hz[peak] - centre) <= hz[1]
        # the window of 401 samples widens the sharpest filters
        heard = hz[gains[i] >= gains[i, peak] / 2]
        assert heard[-1] - heard[0] == pytest.approx(0.75 * (high - low), rel=0.2 if i < 10 else 0.05)
    # a real tone is half a wave of positive frequency
    assert gains.max(axis=1) == pytest.approx(np.full(40, math.sqrt(0.5)), rel=0.03)


def test_band_edges_are_where_half_the_power_passes():
    front_end = LEAF(LOG)
    hz, gains = front_end.scans()[0].response()
    for i in range(15, 39):
        low, high = front_end.band_edges_hz[i]
        heard = hz[gains[i] ** 2 >= gains[i].max() ** 2 / 2]
        assert abs(low - heard[0]) <= 3 * hz[1]
        assert abs(high - heard[-1]) <= 3 * hz[1]


def test_a_tone_lands_in_its_filter_with_a_quarter_of_its_square():
    front_end = LEAF(LOG).double()
    corners_hz = librosa.mel_frequencies(n_mels=42, fmin=60.0, fmax=7800.0, htk=True)
    total = front_end.scans()[0].low_pass()[0].sum()
    for band in (5, 15, 25, 35):
        features = front_end(tone(corners_hz[band + 1]))[0, 0]
        assert (features.argmax(dim=0) == band).all()
        torch.testing.assert_close(
            features[band].exp() / total, torch.full((20,), 0.5**2 / 4.0).double(), rtol=0.02, atol=0
        )


def test_silence_is_the_floor():
    assert (LEAF(LOG)(torch.zeros(1, 1000)) == torch.tensor(1e-5).log()).all()


def test_what_is_below_the_floor_is_raised_to_it():
    waveform = tone(1000.0, amplitude=0.002).float()
    exact = LEAF(LEAFConfig(compression="log", floor=1e-30))(waveform).exp()
    assert exact.min() < 1e-5 < exact.max() < 1e-3
    torch.testing.assert_close(LEAF(LOG)(waveform).exp(), exact.clamp(min=1e-5), rtol=1e-4, atol=0)


def test_its_pcen_begins_as_that_of_leaf():
    front_end = LEAF(LEAFConfig(smoother_frames=3))
    energies = LEAF(LOG)(tone(1000.0).float()).exp()
    pcen = front_end.scans()[1]
    torch.testing.assert_close(front_end(tone(1000.0).float()), pcen(energies), rtol=1e-4, atol=1e-5)
    # PCENLayer(alpha=0.96, smooth_coef=0.04, delta=2.0, floor=1e-12) in leaf_audio/frontend.py, root 2.0
    values = {name: parameter[0].item() for name, parameter in pcen.named_parameters()}
    assert values == pytest.approx({"gain": 0.96, "bias": 2.0, "root": 2.0, "smoothing": 0.04})
    assert pcen.floor == 1e-12
    assert pcen.initial_level is None  # the energy of the first frame, as tf.gather(inputs, 0) in theirs


def test_the_smoother_of_the_original_streams_and_is_no_scan():
    front_end = LEAF(LEAFConfig(smoother_frames=None))
    waveform = 0.1 * torch.randn(1, 4000)
    assert front_end.geometry is None
    state, outputs = None, []
    for chunk in waveform.split(700, dim=-1):
        output, state = front_end.step(chunk, state)
        if output is not None:
            outputs.append(output)
    torch.testing.assert_close(torch.cat(outputs, dim=-1), front_end(waveform), rtol=1e-4, atol=1e-5)
    with pytest.raises(LawError):
        front_end.require_law()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_filters": 0}, "n_filters=0 must be a positive integer; 40 is the default"),
        ({"kernel_size": 2.5}, "kernel_size=2.5 must be a positive integer; 401 is the default"),
        ({"kernel_size": 3}, "kernel_size=3 must be at least 4; 401 is the default"),
        ({"pool_size": 1}, "pool_size=1 must be at least 4; 401 is the default"),
        ({"hop_length": -1}, "hop_length=-1 must be a positive integer; 160 is the default"),
        ({"smoother_frames": 0}, "smoother_frames=0 must be a positive integer; 64 is the default"),
        (
            {"sample_rate": 8000},
            "f_min=60 and f_max=7800 must satisfy 0 <= f_min < f_max <= 4000, half the sample rate",
        ),
        ({"floor": 0.0}, "floor=0.0 must be positive, also in float32; 1e-05 is the default"),
        ({"compression": "root"}, "compression='root' must be 'pcen' or 'log'"),
    ],
)
def test_impossible_configs_say_what_would_work(changes, message):
    with pytest.raises(ParameterError) as error:
        LEAFConfig(**changes)
    assert str(error.value) == message
