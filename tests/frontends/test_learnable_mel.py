"""LearnableMel: LogMel before training, any filters after; and where a filter of any shape hears."""

import numpy as np
import pytest
import torch

from audiocnn.frontends import LearnableMel, LearnableMelConfig, LogMel, LogMelConfig
from audiocnn.frontends.filter_response import half_power_bands


@pytest.mark.parametrize("changes", [{}, {"mel_scale": "slaney", "norm": "slaney", "power": 1}])
def test_it_begins_as_log_mel(changes):
    waveform = 0.1 * torch.randn(3, 4000, dtype=torch.float64)
    ours = LearnableMel(LearnableMelConfig(**changes)).double()(waveform)
    torch.testing.assert_close(
        ours, LogMel(LogMelConfig(**changes)).double()(waveform), rtol=1e-12, atol=1e-12
    )


def test_every_weight_is_learnt_and_saved():
    front_end = LearnableMel(LearnableMelConfig())
    assert [name for name, _ in front_end.named_parameters()] == ["frames.filters"]
    assert list(front_end.state_dict()) == ["frames.filters"]
    front_end(0.1 * torch.randn(1, 1000)).sum().backward()
    assert (front_end.get_parameter("frames.filters").grad > 0).all()


def test_a_band_of_negative_power_is_silent():
    front_end = LearnableMel(LearnableMelConfig())
    front_end.get_parameter("frames.filters").data[3] = -1.0
    features = front_end(torch.randn(1, 1000))
    assert (features[:, :, 3] == torch.tensor(1e-6).log()).all()


def test_bands_are_those_of_the_filters_as_they_are():
    front_end = LearnableMel(LearnableMelConfig())
    filters = front_end.get_parameter("frames.filters")
    filters.data[3] = 0.0
    filters.data[3, 100:111] = 2.0  # bins 31.25 Hz apart
    low, high = front_end.band_edges_hz[3]
    assert (low, high) == pytest.approx((99.5 * 31.25, 110.5 * 31.25))


@pytest.mark.parametrize(
    ("power", "band"),
    [
        ([0, 4, 8, 4, 0, 0], (100.0, 300.0)),
        ([0, 0, 8, 6, 0, 0], (150.0, 300.0 + 100.0 / 3)),
        ([8, 6, 0, 0, 8, 0], (0.0, 100.0 + 100.0 / 3)),  # the band about the first of two peaks
        ([0, 0, 0, 0, 2, 8], (400.0 + 100.0 / 3, 500.0)),
        ([5, 5, 5, 5, 5, 5], (0.0, 500.0)),
        ([0, 0, 0, 0, 0, 0], (0.0, 0.0)),
        ([-1, -1, -1, -1, -2, -1], (0.0, 0.0)),
    ],
)
def test_half_power_bands(power, band):
    hz = np.arange(0.0, 600.0, 100.0)
    assert half_power_bands(hz, np.array([power], dtype=np.float64)) == [pytest.approx(band)]
