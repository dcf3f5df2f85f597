"""Windows against scipy's and Kaldi's."""

import numpy as np
import pytest
import scipy.signal
import torch
import torchaudio

from audiocnn.errors import ParameterError
from audiocnn.frontends.window import window


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("name", ["hann", "hamming", "blackman"])
def test_agrees_with_scipy(name, periodic):
    for length in (1, 2, 5, 400):
        expected = scipy.signal.get_window(name, length, fftbins=periodic)
        np.testing.assert_allclose(window(name, length, periodic=periodic), expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("name", ["povey", "hamming", "rectangular", "blackman"])
def test_agrees_with_kaldi(name):
    theirs = torchaudio.compliance.kaldi._feature_window_function(
        name, 400, blackman_coeff=0.42, device=torch.device("cpu"), dtype=torch.float64
    )
    np.testing.assert_allclose(window(name, 400, periodic=False), theirs.numpy(), rtol=1e-12, atol=1e-15)


def test_an_unknown_name():
    with pytest.raises(ParameterError) as error:
        window("kaiser", 5)
    assert str(error.value) == (
        "window='kaiser' must be one of 'hann', 'hamming', 'blackman', 'povey', 'rectangular'"
    )
