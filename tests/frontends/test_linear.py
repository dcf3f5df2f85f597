"""Linear bands against torchaudio, and a tone in each."""

import numpy as np
import pytest
import torch
from oracles import float64, ours, torchaudio_module

from audiocnn.errors import ParameterError
from audiocnn.frontends import LinearSpectrogram, LinearSpectrogramConfig

CONFIGS = [
    LinearSpectrogramConfig(),
    LinearSpectrogramConfig(n_bands=100, f_min=20.0, f_max=7600.0),
    LinearSpectrogramConfig(sample_rate=8000, n_fft=256, win_length=200, hop_length=80, f_max=4000.0),
]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.sample_rate}-{c.n_bands}")
def test_filterbank_is_that_of_torchaudio(config):
    torchaudio = torchaudio_module()
    with float64():
        expected = torchaudio.functional.linear_fbanks(
            n_freqs=config.n_fft // 2 + 1,
            f_min=config.f_min,
            f_max=config.f_max,
            n_filter=config.n_bands,
            sample_rate=config.sample_rate,
        ).T.numpy()
    np.testing.assert_allclose(config.filterbank(), expected, rtol=1e-9, atol=1e-12)


def test_a_tone_lands_in_its_band():
    config = LinearSpectrogramConfig()
    time = np.arange(4000) / 16000
    for band in (0, 7, 20, 39):
        tone = np.sin(2 * np.pi * np.mean(config.band_edges_hz()[band]) * time)
        assert (ours(config, tone).argmax(axis=0) == band).all()


def test_edges_are_where_the_filter_begins_and_ends():
    config = LinearSpectrogramConfig(n_bands=9)
    bins_hz = np.arange(257) * 31.25
    for row, (low, high) in zip(config.filterbank(), config.band_edges_hz(), strict=True):
        assert ((row > 0.0) == ((bins_hz > low) & (bins_hz < high))).all()


def test_silence_is_the_floor_exactly():
    features = LinearSpectrogram(LinearSpectrogramConfig())(torch.zeros(2, 1000))
    assert (features == torch.tensor(1e-6).log()).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_bands": 0}, "n_bands=0 must be a positive integer; 40 is the default"),
        (
            {"f_min": 9000.0},
            "f_min=9000 and f_max=8000 must satisfy 0 <= f_min < f_max <= 8000, half the sample rate",
        ),
        (
            {"f_max": 8001.0},
            "f_min=0 and f_max=8001 must satisfy 0 <= f_min < f_max <= 8000, half the sample rate",
        ),
    ],
)
def test_impossible_configs_say_what_would_work(changes, message):
    with pytest.raises(ParameterError) as error:
        LinearSpectrogramConfig(**changes)
    assert str(error.value) == message


def test_a_filter_without_a_bin_is_refused():
    with pytest.raises(ParameterError) as error:
        LinearSpectrogram(LinearSpectrogramConfig(n_bands=512))
    assert str(error.value) == (
        "n_bands=512 is too many for n_fft=512: filter 0, 0 to 31 Hz, holds none of the bins 31.2 Hz apart; "
        "lower n_bands or raise n_fft"
    )
