"""Normalisation by the clip against NumPy, librosa and Whisper's rule."""

import librosa
import numpy as np
import pytest
import torch

from audiocnn.errors import LawError, ParameterError
from audiocnn.frontends import ClipNormalize, ClipRange


def clips(dtype: torch.dtype = torch.float64) -> torch.Tensor:
    x = torch.randn(3, 1, 4, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return (3.0 * x - 10.0 + 5.0 * torch.arange(3)[:, None, None, None]).to(dtype)


def test_each_row_of_each_clip_is_normalised():
    x = clips().numpy()
    expected = (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(ClipNormalize()(clips()).numpy(), expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ClipNormalize()(clips(torch.float32)).numpy(), expected, rtol=1e-5, atol=1e-5)


def test_silence_is_zero():
    for dtype in (torch.float32, torch.float64):
        silence = torch.full((1, 1, 3, 18), 0.1, dtype=dtype)  # its sum is rounded in float64
        assert (ClipNormalize()(silence) == 0).all()


def test_small_deviations_are_exact_in_float32():
    x = -13.8 + 3e-3 * torch.randn(1, 1, 3, 100, generator=torch.Generator().manual_seed(0))
    expected = ClipNormalize()(x.double())
    assert (ClipNormalize()(x) - expected).abs().max() <= 1e-6 * expected.abs().max()


def test_gradients():
    assert torch.autograd.gradcheck(ClipNormalize(), clips()[:1, :, :2, :5].requires_grad_())
    assert torch.autograd.gradcheck(ClipRange(4.0), clips()[:1, :, :2, :5].requires_grad_())


def test_the_range_of_decibels_is_that_of_librosa():
    power = clips().exp()
    power[:, :, 0, 7] = 1e-12
    decibels = 10.0 * power.log10()
    ours = ClipRange(80.0)(decibels)
    for clip, expected in zip(ours, power, strict=True):
        librosa_db = librosa.power_to_db(expected.numpy(), amin=1e-20, top_db=80.0)
        np.testing.assert_allclose(clip.numpy(), librosa_db, rtol=1e-12)
    assert not torch.equal(ours, decibels)


def test_clips_are_measured_by_themselves():
    x = clips()
    ours = ClipRange(5.0)(x)
    for i in range(3):
        assert torch.equal(ours[i], x[i].maximum(x[i].max() - 5.0))
        assert ours[i].min() == x[i].max() - 5.0


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (
            ClipNormalize,
            (
                "it takes the mean and deviation of the whole clip; use SlidingNormalize, or Normalize with "
                "those of the training data, or scan by windows (audiocnn.layers.Windows)"
            ),
        ),
        (
            lambda: ClipRange(8.0),
            (
                "it measures from the largest of the whole clip; give the features a fixed floor instead, or "
                "scan by windows (audiocnn.layers.Windows)"
            ),
        ),
    ],
)
def test_they_break_the_law_and_say_so(build, reason):
    module = build()
    x = clips()
    assert (module(x)[..., :20] - module(x[..., :20])).abs().max() > 1e-3
    with pytest.raises(LawError) as error:
        module.step(x, None)
    assert str(error.value) == f"{type(module).__name__} cannot stream: {reason}"


@pytest.mark.parametrize("value", [0.0, -80.0, float("inf"), float("nan")])
def test_an_impossible_range_says_what_would_work(value):
    with pytest.raises(ParameterError) as error:
        ClipRange(value)
    assert str(error.value) == f"range={value!r} must be positive; 80.0 is usual for decibels"


def test_of_nothing_there_is_no_mean():
    for module in (ClipNormalize(), ClipRange(80.0)):
        with pytest.raises(ParameterError, match="shorter than the span"):
            module(torch.zeros(1, 1, 3, 0))
