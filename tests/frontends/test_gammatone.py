"""Gammatone bands against the filters of scipy, the formulas, and a tone in each."""

import numpy as np
import pytest
import scipy.signal
import torch
from oracles import ours

from audiocnn.errors import ParameterError
from audiocnn.frontends import GammatoneSpectrogram, GammatoneSpectrogramConfig
from audiocnn.frontends.gammatone import erb_hz, erb_rate


def scipy_response(centre_hz, bins_hz):
    """The squared response of the impulse response, a quarter of a second long; its peak is 1."""
    numerator, denominator = scipy.signal.gammatone(centre_hz, "fir", order=4, numtaps=4000, fs=16000)
    _, response = scipy.signal.freqz(numerator, denominator, worN=bins_hz, fs=16000)
    return np.abs(response) ** 2 / (np.abs(response) ** 2).max()


def filter_at(centre_hz, n_fft=16000):
    config = GammatoneSpectrogramConfig(n_bands=1, n_fft=n_fft, f_min=centre_hz, f_max=8000.0)
    return config.filterbank()[0]


@pytest.mark.parametrize(
    ("centre_hz", "image"), [(100.0, 2e-3), (500.0, 1e-4), (1000.0, 1e-4), (4000.0, 1e-4)]
)
def test_filters_are_those_of_scipy_but_for_the_image(centre_hz, image):
    bins_hz = np.arange(8001.0)
    np.testing.assert_allclose(filter_at(centre_hz), scipy_response(centre_hz, bins_hz), atol=image)


def test_the_bandwidth_is_that_of_the_ear():
    # the area under the squared response over its peak is the equivalent rectangular bandwidth
    for centre_hz in (500.0, 1000.0, 3000.0):
        assert filter_at(centre_hz).sum() == pytest.approx(24.7 * (1 + 4.37e-3 * centre_hz), rel=1e-3)


def test_centres_are_even_on_the_erb_rate_scale():
    config = GammatoneSpectrogramConfig(n_fft=16000, n_bands=30)
    centres_hz = config.filterbank().argmax(axis=1)
    assert (centres_hz[0], centres_hz[-1]) == (50, 7500)
    steps = np.diff(erb_rate(centres_hz))
    np.testing.assert_allclose(steps, steps.mean(), atol=1.0 / erb_hz(50.0))  # each is rounded to a Hz


def test_the_scale_counts_bandwidths():
    # Glasberg & Moore integrate 1 / ERB and round the factor, 21.33, to 21.4
    hz = np.linspace(0.0, 8000.0, 80001)
    assert erb_rate(8000.0) == pytest.approx(np.trapezoid(1.0 / erb_hz(hz), hz), rel=4e-3)


def test_edges_are_where_the_response_is_a_half():
    config = GammatoneSpectrogramConfig(n_fft=16000)
    for row, (low, high) in list(zip(config.filterbank(), config.band_edges_hz(), strict=True))[:-1]:
        half = np.interp([low, high], np.arange(8001), row)
        np.testing.assert_allclose(half, 0.5, atol=1e-3)


def test_edges_stay_where_there_is_sound():
    config = GammatoneSpectrogramConfig(n_fft=1024, f_min=0.0, f_max=8000.0)
    assert config.band_edges_hz()[0][0] == 0.0
    assert config.band_edges_hz()[-1][1] == 8000.0


def test_a_tone_lands_in_its_band():
    config = GammatoneSpectrogramConfig()
    time = np.arange(4000) / 16000
    for band in (8, 20, 39):
        tone = np.sin(2 * np.pi * np.mean(config.band_edges_hz()[band]) * time)
        assert (ours(config, tone).argmax(axis=0) == band).all()


def test_silence_is_the_floor_exactly():
    features = GammatoneSpectrogram(GammatoneSpectrogramConfig())(torch.zeros(2, 1000))
    assert (features == torch.tensor(1e-6).log()).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_bands": -1}, "n_bands=-1 must be a positive integer; 40 is the default"),
        (
            {"f_min": -1.0},
            "f_min=-1 and f_max=7500 must satisfy 0 <= f_min < f_max <= 8000, half the sample rate",
        ),
        (
            {"sample_rate": 8000},
            "f_min=50 and f_max=7500 must satisfy 0 <= f_min < f_max <= 4000, half the sample rate",
        ),
    ],
)
def test_impossible_configs_say_what_would_work(changes, message):
    with pytest.raises(ParameterError) as error:
        GammatoneSpectrogramConfig(**changes)
    assert str(error.value) == message


def test_a_filter_without_a_bin_is_refused():
    with pytest.raises(ParameterError) as error:
        GammatoneSpectrogram(GammatoneSpectrogramConfig(f_min=45.0, n_bands=64))
    assert str(error.value) == (
        "f_min=45 is too low for n_fft=512: filter 0, 32 to 58 Hz, holds none of the bins 31.2 Hz apart; "
        "raise f_min or n_fft"
    )
