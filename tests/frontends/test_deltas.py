"""Deltas against the plain loop, torchaudio and librosa."""

import librosa
import numpy as np
import pytest
import torch
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.frontends import Deltas, LogMel, LogMelConfig


def features(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def loop(x: np.ndarray, width: int) -> np.ndarray:
    """The delta as it is written in the docstring."""
    reach = width // 2
    steps = range(-reach, reach + 1)
    columns = [
        sum(i * x[..., t + i] for i in steps) / sum(i * i for i in steps)
        for t in range(reach, x.shape[-1] - reach)
    ]
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("width", [3, 5, 9, 13])
def test_deltas_are_the_loop(width):
    x, reach = features(2, 1, 4, 40), width // 2
    first = loop(x.numpy(), width)
    second = loop(first, width)
    of_one = np.concatenate((x.numpy()[..., reach:-reach], first), axis=-2)
    np.testing.assert_allclose(Deltas(1, width=width)(x).numpy(), of_one, rtol=1e-12, atol=1e-14)
    of_two = np.concatenate(
        (x.numpy()[..., 2 * reach : -2 * reach], first[..., reach:-reach], second), axis=-2
    )
    np.testing.assert_allclose(Deltas(2, width=width)(x).numpy(), of_two, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("width", [5, 9])
def test_deltas_are_those_of_torchaudio_between_the_ends(width):
    functional = pytest.importorskip("torchaudio.functional", exc_type=(ImportError, OSError))
    x, reach = features(1, 1, 4, 60), width - 1
    first = functional.compute_deltas(x, win_length=width)
    expected = torch.cat((x, first, functional.compute_deltas(first, win_length=width)), dim=-2)
    torch.testing.assert_close(Deltas(2, width=width)(x), expected[..., reach:-reach], rtol=1e-12, atol=1e-14)


def test_the_first_delta_is_that_of_librosa_between_the_ends():
    x = features(4, 60)
    expected = librosa.feature.delta(x.numpy(), width=9)[:, 4:-4]
    np.testing.assert_allclose(Deltas(1)(x)[4:].numpy(), expected, rtol=1e-10, atol=1e-12)


def test_the_second_delta_is_not_the_curvature_that_librosa_fits():
    x = features(4, 60)
    curvature = librosa.feature.delta(x.numpy(), width=9, order=2)[:, 8:-8]
    ours = Deltas(2)(x)[8:].numpy()
    assert np.abs(ours - curvature).max() > 0.1 * np.abs(curvature).max()
    # of a parabola both are the same
    parabola = torch.arange(60.0, dtype=torch.float64).square()[None]
    np.testing.assert_allclose(Deltas(2)(parabola)[2].numpy(), 2.0, rtol=1e-10)
    np.testing.assert_allclose(librosa.feature.delta(parabola.numpy(), width=9, order=2), 2.0, rtol=1e-10)


def test_what_does_not_change_has_no_deltas():
    x = torch.full((1, 1, 3, 50), -13.8155)
    assert (Deltas(2)(x)[..., 3:, :] == 0).all()


def test_of_a_line_the_delta_is_its_slope_and_the_rows_are_of_one_frame():
    line = torch.arange(30.0)[None]
    static, first, second = Deltas(2, width=5)(line)
    assert static.tolist() == list(range(4, 26))
    torch.testing.assert_close(first, torch.ones(22))
    torch.testing.assert_close(second, torch.zeros(22), rtol=0.0, atol=1e-5)


def test_gradients():
    assert torch.autograd.gradcheck(Deltas(2, width=3), features(2, 3, 8).requires_grad_())


def test_a_front_end_stacks_them_below_its_features():
    waveform = 0.1 * torch.randn(1, 8000, generator=torch.Generator().manual_seed(0))
    front_end = LogMel(LogMelConfig(deltas=2, delta_width=5))
    ours, plain = front_end(waveform), LogMel(LogMelConfig())(waveform)
    assert front_end.n_freqs == ours.shape[2] == 120
    torch.testing.assert_close(ours, Deltas(2, width=5)(plain))
    assert torch.equal(ours[:, :, :40], plain[..., 4:-4])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"order": 0}, "order=0 must be 1, the first derivative, or 2, the second as well"),
        ({"order": 3}, "order=3 must be 1, the first derivative, or 2, the second as well"),
        ({"width": 4}, "width=4 must be an odd integer of at least 3; 9 is the default"),
        ({"width": 1}, "width=1 must be an odd integer of at least 3; 9 is the default"),
        ({"width": 5.0}, "width=5.0 must be an odd integer of at least 3; 9 is the default"),
    ],
)
def test_impossible_settings_say_what_would_work(arguments, message):
    with pytest.raises(ParameterError) as error:
        Deltas(**arguments)
    assert str(error.value) == message
