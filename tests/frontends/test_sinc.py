"""SincNet: its filters against their formula, where they begin, and tones."""

import math

import librosa
import pytest
import torch

from audiocnn import ParameterError
from audiocnn.frontends import SincNet, SincNetConfig
from audiocnn.frontends.sinc import SincFilters


def tone(hz, samples=4000, amplitude=0.5):
    return amplitude * torch.sin(2 * torch.pi * hz * torch.arange(samples, dtype=torch.float64) / 16000)[None]


@pytest.mark.parametrize("size", [9, 10])
def test_filters_are_their_formula(size):
    filters = SincFilters(
        2, size, sample_rate=1000, f_min=60.0, f_max=480.0, min_low_hz=30.0, min_band_hz=20.0
    ).double()
    radians = 2 * math.pi / 1000
    filters.low.data = torch.tensor([20 * radians, -120 * radians], dtype=torch.float64)
    filters.band.data = torch.tensor([-80 * radians, 1000 * radians], dtype=torch.float64)
    kernels = filters()
    assert kernels.shape == (2, 1, size)
    for c, (low, high) in enumerate([(0.05, 0.15), (0.15, 0.5)]):
        for i in range(size):
            n = i - (size - 1) / 2
            ideal = (
                2 * (high - low)
                if n == 0
                else (math.sin(2 * math.pi * high * n) - math.sin(2 * math.pi * low * n)) / (math.pi * n)
            )
            hamming = 0.54 - 0.46 * math.cos(2 * math.pi * i / (size - 1))
            assert kernels[c, 0, i].item() == pytest.approx(ideal * hamming, abs=1e-8)
    assert filters.band_edges_hz() == [pytest.approx((50.0, 150.0)), pytest.approx((150.0, 500.0))]


def test_a_filter_at_the_top_keeps_its_least_width():
    filters = SincFilters(
        2, 9, sample_rate=1000, f_min=60.0, f_max=480.0, min_low_hz=30.0, min_band_hz=20.0
    ).double()
    filters.low.data.fill_(100.0)
    filters.band.data.zero_()
    assert filters.band_edges_hz() == [pytest.approx((480.0, 500.0))] * 2


def test_bands_begin_side_by_side_on_the_mel_scale():
    front_end = SincNet(SincNetConfig())
    edges_hz = librosa.mel_frequencies(n_mels=41, fmin=60.0, fmax=7800.0, htk=True)
    for i, (low, high) in enumerate(front_end.band_edges_hz):
        assert low == pytest.approx(edges_hz[i], rel=1e-5)
        assert high == pytest.approx(edges_hz[i + 1], rel=1e-5)


def test_a_wide_band_passes_and_the_rest_does_not():
    front_end = SincNet(SincNetConfig())
    hz, gains = front_end.scans()[0].response()
    for i in range(25, 40):
        low, high = front_end.band_edges_hz[i]
        # a Hamming window of 401 samples needs 3.3 / 401 of the rate from pass to stop
        inside = (hz > low + 70) & (hz < high - 70)
        outside = (hz < low - 70) | (hz > high + 70)
        assert inside.any()
        assert abs(gains[i, inside] - 1.0).max() < 0.005
        assert gains[i, outside].max() < 0.005


def test_a_tone_lands_in_its_filter_with_half_its_square():
    front_end = SincNet(SincNetConfig()).double()
    total = front_end.scans()[0].low_pass()[0].sum()
    for band in (5, 15, 25, 35):
        features = front_end(tone(sum(front_end.band_edges_hz[band]) / 2))[0, 0]
        assert (features.argmax(dim=0) == band).all()
        if band >= 25:  # wide enough to be passed as it is
            level = (features[band].exp() / total).mean().item()
            assert level == pytest.approx(0.5**2 / 2, rel=0.01)


def test_it_can_have_the_compression_of_leaf():
    front_end = SincNet(SincNetConfig(compression="pcen", smoother_frames=4))
    assert front_end.names() == ["frames", "pcen"]
    assert front_end(torch.zeros(1, 4000)).isfinite().all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"min_low_hz": 0.0}, "min_low_hz=0.0 must be positive; 30 is the default"),
        ({"min_band_hz": -1.0}, "min_band_hz=-1.0 must be positive; 30 is the default"),
        (
            {"f_min": 30.0},
            "f_min=30 must be above min_low_hz=30: training could not move a filter that begins there",
        ),
        (
            {"n_filters": 80},
            (
                "n_filters=80 from f_min=60 to f_max=7800 begin with a band 23.3 Hz wide, which must be "
                "above min_band_hz=30; lower either"
            ),
        ),
        (
            {"sample_rate": 8000},
            "f_min=60 and f_max=7800 must satisfy 0 <= f_min < f_max <= 4000, half the sample rate",
        ),
    ],
)
def test_impossible_configs_say_what_would_work(changes, message):
    with pytest.raises(ParameterError) as error:
        SincNetConfig(**changes)
    assert str(error.value) == message
