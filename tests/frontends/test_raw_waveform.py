"""RawWaveform: against its formula, gammatone filters, and tones."""

import math

import pytest
import scipy.signal
import torch

from audiocnn import ParameterError
from audiocnn.frontends import RawWaveform, RawWaveformConfig
from audiocnn.frontends.gammatone import erb_rate, erb_rate_to_hz
from audiocnn.frontends.raw_waveform import gammatone_impulses
from audiocnn.layers.fft_conv import fft_conv1d


def test_it_is_its_formula():
    config = RawWaveformConfig(
        sample_rate=1000, n_filters=2, kernel_size=5, pool_size=4, hop_length=3, f_max=400.0
    )
    front_end = RawWaveform(config).double()
    filters = front_end.get_parameter("frames.filters").data
    waveform = torch.randn(1, 20, dtype=torch.float64)
    features = front_end(waveform)
    assert features.shape == (1, 1, 2, 5)
    for c in range(2):
        for j in range(5):
            outputs = [
                sum(filters[c, k] * waveform[0, j * 3 + t + k] for k in range(5)).item() for t in range(4)
            ]
            assert features[0, 0, c, j].item() == pytest.approx(
                math.log(max(0.0, *outputs) + 0.01), rel=1e-12
            )


def test_filters_begin_as_gammatones():
    ours = gammatone_impulses(4, 400, sample_rate=16000, f_min=500.0, f_max=4000.0)
    for impulse, hz in zip(ours, erb_rate_to_hz(torch.linspace(*erb_rate([500.0, 4000.0]), 4)), strict=True):
        theirs = scipy.signal.gammatone(hz, "fir", order=4, numtaps=401, fs=16000)[0][1:]
        theirs = theirs / math.sqrt((theirs**2).sum())
        assert abs(impulse @ theirs) > 0.99
    config = RawWaveformConfig(n_filters=4, f_min=500.0, f_max=4000.0)
    click = torch.zeros(1, 1200)
    click[0, 600] = 1.0
    waves = fft_conv1d(click[:, None], RawWaveform(config).get_parameter("frames.filters")[:, None])[0]
    # the click rings, as a gammatone does, from the first output that hears it on
    torch.testing.assert_close(waves[:, 201:601], torch.tensor(ours).float(), rtol=0, atol=1e-5)


def test_a_tone_lands_in_its_filter():
    front_end = RawWaveform(RawWaveformConfig())
    ends = erb_rate([100.0, 7000.0])
    centres_hz = erb_rate_to_hz([ends[0] + i * (ends[1] - ends[0]) / 39 for i in range(40)])
    for band in (5, 15, 25, 35):
        low, high = front_end.band_edges_hz[band]
        assert low < centres_hz[band] < high
        tone = 0.3 * torch.sin(2 * torch.pi * centres_hz[band] * torch.arange(2000) / 16000)
        assert (front_end(tone[None])[0, 0].argmax(dim=0) == band).all()


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_clips_done_by_parts_are_all_clips(monkeypatch, at_once):
    front_end = RawWaveform(RawWaveformConfig()).double()
    waveforms = torch.randn(5, 2000, dtype=torch.float64)
    whole = front_end(waveforms)
    monkeypatch.setattr("audiocnn.frontends.raw_waveform.CLIPS_AT_ONCE", at_once)
    torch.testing.assert_close(front_end(waveforms), whole, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_filters": 0}, "n_filters=0 must be a positive integer; 40 is the default"),
        ({"kernel_size": 0}, "kernel_size=0 must be a positive integer; 400 is the default"),
        ({"pool_size": 0}, "pool_size=0 must be a positive integer; 161 is the default"),
        ({"hop_length": True}, "hop_length=True must be a positive integer; 160 is the default"),
        ({"offset": 0.0}, "offset=0.0 must be positive; 0.01 is the default"),
        (
            {"sample_rate": 8000},
            "f_min=100 and f_max=7000 must satisfy 0 <= f_min < f_max <= 4000, half the sample rate",
        ),
    ],
)
def test_impossible_configs_say_what_would_work(changes, message):
    with pytest.raises(ParameterError) as error:
        RawWaveformConfig(**changes)
    assert str(error.value) == message
