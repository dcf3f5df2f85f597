"""The constant-Q transform against librosa's filters sample by sample, librosa's transform, and physics."""

import librosa
import numpy as np
import pytest
import torch
from oracles import assert_logs_agree, assert_powers_agree, ours
from signals import signals

from audiocnn.errors import ParameterError
from audiocnn.frontends import ConstantQ, ConstantQConfig, spectrogram
from audiocnn.geometry import Geometry

SMALL = {"sample_rate": 16000, "hop_length": 160, "f_min": 200.0, "n_bins": 36}
CONFIGS = {
    "librosa's defaults": ConstantQConfig(),
    "small": ConstantQConfig(**SMALL),
    "variable Q": ConstantQConfig(gamma=13.2),
    "hops that fill the filters": ConstantQConfig(**SMALL | {"hop_length": 77}),  # 1386 samples
    "hops longer than filters": ConstantQConfig(**SMALL | {"hop_length": 2000, "filter_scale": 0.5}),
    "fewer bins in all than in an octave": ConstantQConfig(
        **SMALL | {"f_min": 900.0, "n_bins": 9, "bins_per_octave": 24, "window": "hamming"}
    ),
    "octaves of five": ConstantQConfig(**SMALL | {"n_bins": 13, "bins_per_octave": 5, "window": "blackman"}),
}
every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def clips(config):
    """Signals of twenty frames and more."""
    return signals(config.sample_rate, ConstantQ(config).geometry.input_length(20) + 7)


def sample_by_sample(config, clip):
    """The sum over all samples of each frame, in float64, with the filters that librosa makes."""
    filters, lengths = librosa.filters.wavelet(
        freqs=config.frequencies_hz(),
        sr=config.sample_rate,
        window=config.window,
        filter_scale=config.filter_scale,
        gamma=config.gamma,
        pad_fft=False,
        dtype=np.complex128,
    )
    span = ConstantQ(config).geometry.span
    assert filters.shape[1] - span in (0, 1)  # librosa rounds up, and what it adds is zero
    padded = np.pad(clip.astype(np.float64), (0, filters.shape[1] - span))
    frames = np.lib.stride_tricks.sliding_window_view(padded, filters.shape[1])[:: config.hop_length]
    return np.sqrt(lengths)[:, None] * np.abs(filters @ frames.T)


def as_librosa(config, clip):
    """Our frames centred where librosa centres its own: the first on sample 0."""
    span = ConstantQ(config).geometry.span
    return ours(config, np.pad(clip, ((span - 1) // 2, span // 2)))


@every_config
def test_is_that_of_librosas_filters_sample_by_sample(config):
    for name, clip in clips(config).items():
        expected = sample_by_sample(config, clip)
        assert_powers_agree(ours(config, clip), expected, name, within=2e-6)
