"""PCEN against librosa, the plain loop, and what it is for."""

import math

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from audiocnn.errors import LawError, ParameterError
from audiocnn.frontends import (
    PCEN,
    MelSpectrogram,
    MelSpectrogramConfig,
    PCENConfig,
    PerChannelEnergyNorm,
    pcen,
)
from audiocnn.frontends.pcen import decayed_sums, smoothing_of

SMOOTHING = smoothing_of(0.4, 100.0)
SETTINGS = ("gain", "bias", "root", "smoothing")
ENDLESS = (
    "is no scan: its smoother never forgets, and so an output depends on all there was before; give it an "
    "end, as smoother_frames=64, or scan by windows (audiocnn.layers.Windows)"
)


def energies(*shape: int, seed: int = 0) -> Tensor:
    """Energies of many orders of magnitude."""
    generator = torch.Generator().manual_seed(seed)
    return torch.exp(4.0 * torch.randn(*shape, generator=generator, dtype=torch.float64) - 4.0)


def compressed(energy: np.ndarray, level: np.ndarray) -> np.ndarray:
    return (energy / (1e-6 + level) ** 0.98 + 2.0) ** 0.5 - 2.0**0.5


def loop(energy: np.ndarray, smoothing: float, frames: int) -> np.ndarray:
    """PCEN as it is written in the docstring."""
    weights = (1.0 - smoothing) ** np.arange(frames)
    weights /= weights.sum()
    columns = []
    for t in range(frames - 1, energy.shape[-1]):
        level = sum(weights[k] * energy[..., t - k] for k in range(frames))
        columns.append(compressed(energy[..., t], level))
    return np.stack(columns, axis=-1)


def endless_loop(energy: np.ndarray, smoothing: float, level: np.ndarray | float) -> np.ndarray:
    columns = []
    for t in range(energy.shape[-1]):
        level = (1.0 - smoothing) * level + smoothing * energy[..., t]
        columns.append(compressed(energy[..., t], level))
    return np.stack(columns, axis=-1)


def librosa_pcen(energy: Tensor) -> Tensor:
    return torch.from_numpy(librosa.pcen(energy.double().numpy(), sr=16000, hop_length=160))


@pytest.mark.parametrize("time_constant_seconds", [0.001, 0.06, 0.4, 9.0])
def test_the_smoothing_is_that_of_librosa(time_constant_seconds):
    frames = time_constant_seconds * 100.0
    expected = (math.sqrt(1.0 + 4.0 * frames**2) - 1.0) / (2.0 * frames**2)
    assert smoothing_of(time_constant_seconds, 100.0) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-6)], ids=["float64", "float32"]
)
def test_without_an_end_it_is_that_of_librosa(dtype, tolerance):
    energy = energies(2, 1, 5, 1300).to(dtype)  # several times `FRAMES_AT_ONCE`
    ours = PerChannelEnergyNorm(5, smoothing=SMOOTHING, smoother_frames=None)(energy)
    assert ours.dtype == dtype
    torch.testing.assert_close(ours.double(), librosa_pcen(energy), rtol=tolerance, atol=0.0)


def test_the_front_end_is_librosa_on_the_mel_power():
    waveform = 0.1 * torch.randn(2, 9000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    power = MelSpectrogram(MelSpectrogramConfig()).double()(waveform)
    ours = PCEN(PCENConfig(smoother_frames=None)).double()(waveform)
    torch.testing.assert_close(ours, librosa_pcen(power), rtol=1e-12, atol=0.0)
    other = PCENConfig(
        hop_length=80,
        smoother_frames=None,
        time_constant_seconds=0.06,
        gain=0.8,
        bias=10.0,
        root=4.0,
        floor=1e-3,
        initial_level=None,
    )
    power = MelSpectrogram(MelSpectrogramConfig(hop_length=80)).double()(waveform)
    expected = librosa.pcen(
        power.numpy(),
        sr=16000,
        hop_length=80,
        time_constant=0.06,
        gain=0.8,
        bias=10.0,
        power=0.25,
        eps=1e-3,
        zi=power[..., :1].numpy() * (1.0 - smoothing_of(0.06, 200.0)),
    )
    ours = PCEN(other).double()(waveform)
    torch.testing.assert_close(ours, torch.from_numpy(expected), rtol=1e-12, atol=0.0)


@pytest.mark.parametrize("frames", [1, 2, 3, 7, 20, 64])
def test_it_is_the_loop(frames):
    energy = energies(2, 3, 90)
    ours = PerChannelEnergyNorm(3, smoothing=0.1, smoother_frames=frames)(energy)
    torch.testing.assert_close(
        ours, torch.from_numpy(loop(energy.numpy(), 0.1, frames)), rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize("initial_level", [1.0, 0.0, None])
@pytest.mark.parametrize("frames", [1, 2, 5, 130])
def test_without_an_end_it_is_the_loop(monkeypatch, initial_level, frames):
    monkeypatch.setattr(pcen, "FRAMES_AT_ONCE", 16)
    energy = energies(2, 3, frames)
    first = energy[..., 0].numpy() if initial_level is None else initial_level
    ours = PerChannelEnergyNorm(3, smoothing=0.1, smoother_frames=None, initial_level=initial_level)(energy)
    torch.testing.assert_close(
        ours, torch.from_numpy(endless_loop(energy.numpy(), 0.1, first)), rtol=1e-12, atol=1e-14
    )


def test_a_longer_smoother_comes_to_one_without_an_end():
    energy = energies(1, 4, 2000)
    endless = librosa_pcen(energy)
    off = []
    for frames in (64, 200, 1000):
        finite = PerChannelEnergyNorm(4, smoothing=SMOOTHING, smoother_frames=frames)(energy)
        off.append((finite - endless[..., frames - 1 :])[..., -900:].abs().max())
    assert off[0] > 3 * off[1] > 1e3 * off[2]
    assert off[2] < 1e-6


@given(frames=st.integers(1, 70), decay=st.floats(0.0, 1.0))
@settings(deadline=None, derandomize=True, max_examples=40)
def test_decayed_sums_are_sums(frames, decay):
    x = energies(2, 75)
    windows = x.unfold(-1, frames, 1)  # (2, time, frames), the newest last
    expected = (windows * decay ** torch.arange(frames - 1, -1, -1, dtype=torch.float64)).sum(dim=-1)
    torch.testing.assert_close(decayed_sums(x, decay, frames), expected, rtol=1e-12, atol=0.0)
    learnt = decayed_sums(x, torch.full((2, 1), decay, dtype=torch.float64), frames)
    torch.testing.assert_close(learnt, expected, rtol=1e-12, atol=0.0)


def test_steady_noise_comes_to_one_level():
    generator = torch.Generator().manual_seed(0)
    noise = 0.1 * torch.randn(1, 32000, generator=generator)
    front_end = PCEN(PCENConfig(gain=1.0, floor=1e-12))
    loud, soft = front_end(noise), front_end(1e-3 * noise)
    torch.testing.assert_close(loud, soft, rtol=1e-3, atol=1e-4)
    of_one = 3.0**0.5 - 2.0**0.5  # energy over its level is about 1
    assert (loud.mean(dim=-1) - of_one).abs().max() < 0.1


def test_what_begins_stands_out():
    waveform = torch.zeros(1, 32000)
    waveform[0, 16000:] = torch.sin(2 * torch.pi * 1000.0 * torch.arange(16000) / 16000)
    waveform += 1e-3 * torch.randn(1, 32000, generator=torch.Generator().manual_seed(0))
    features = PCEN(PCENConfig())(waveform)[0, 0]  # (40, frames), the first that of frame 63
    onset = 98 - 63  # the first frame that hears it; the third one hears nothing else
    band = int(features[:, onset + 2].argmax())
    assert features[band].argmax() in (onset, onset + 1, onset + 2)
    assert features[band].amax() > 5 * features[band, -1] > 0


@pytest.mark.parametrize("smoother_frames", [64, None])
@pytest.mark.parametrize("changes", [{}, {"sample_scale": 2.0**31}, {"learnable": True}], ids=str)
def test_it_is_finite_from_silence_to_full_scale(changes, smoother_frames):
    front_end = PCEN(PCENConfig(smoother_frames=smoother_frames, **changes))
    noise = torch.randn(1, 16000, generator=torch.Generator().manual_seed(0)).clamp(-1.0, 1.0)
    click = torch.zeros(1, 16000)
    click[0, 13000] = 1.0
    for waveform in (10 ** (-90 / 20) * noise, noise, noise.sign(), click):
        features = front_end(waveform)
        assert features.isfinite().all()
        assert (features >= 0).all()
    assert (front_end(torch.zeros(1, 16000)) == 0).all()


@pytest.mark.parametrize("smoother_frames", [5, None])
def test_the_learnable_one_begins_as_the_fixed_one(smoother_frames):
    energy = energies(2, 3, 50)
    fixed = PerChannelEnergyNorm(3, smoother_frames=smoother_frames, gain=0.5, root=3.0)
    learnt = PerChannelEnergyNorm(3, smoother_frames=smoother_frames, gain=0.5, root=3.0, learnable=True)
    assert {name for name, _ in learnt.named_parameters()} == set(SETTINGS)
    assert not list(fixed.parameters())
    torch.testing.assert_close(learnt.double()(energy), fixed(energy), rtol=1e-6, atol=0.0)


@pytest.mark.parametrize("initial_level", [1.0, None])
@pytest.mark.parametrize("smoother_frames", [5, None])
def test_gradients(monkeypatch, smoother_frames, initial_level):
    monkeypatch.setattr(pcen, "FRAMES_AT_ONCE", 4)
    norm = PerChannelEnergyNorm(
        2,
        smoothing=0.1,
        smoother_frames=smoother_frames,
        initial_level=initial_level,
        floor=0.1,
        learnable=True,
    ).double()
    with torch.no_grad():  # rows that differ, and none at its bound
        for name, values in {"gain": (0.9, 0.4), "bias": (2.0, 0.5), "root": (2.0, 4.0)}.items():
            norm.get_parameter(name).copy_(torch.tensor(values))

    def of(energy, *values):
        return torch.func.functional_call(norm, dict(zip(SETTINGS, values, strict=True)), (energy,))

    energy = 0.5 + torch.rand(2, 2, 11, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    inputs = [energy, *(norm.get_parameter(name).detach().clone() for name in SETTINGS)]
    assert torch.autograd.gradcheck(of, [x.requires_grad_() for x in inputs])


def test_a_gradient_reaches_the_waveform():
    front_end = PCEN(PCENConfig(n_mels=20, smoother_frames=3, floor=0.1, learnable=True)).double()
    waveform = torch.randn(1, 1000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.autograd.gradcheck(front_end, waveform.requires_grad_(), fast_mode=True)


@pytest.mark.parametrize("value", [-1e6, -1.0, 0.0, 1e-9, 1.0, 1.5, 1e6])
@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("smoother_frames", [5, None])
def test_nothing_that_is_learnt_ends_in_nan(smoother_frames, name, value):
    norm = PerChannelEnergyNorm(3, smoother_frames=smoother_frames, learnable=True)
    torch.nn.init.constant_(norm.get_parameter(name), value)
    energy = energies(1, 3, 50).float()
    energy[..., 20:30] = 0.0
    energy[..., 40] = 1e9
    energy.requires_grad_()
    features = norm(energy)
    features.sum().backward()
    assert features.isfinite().all()
    assert all(x.grad.isfinite().all() for x in (energy, *norm.parameters()))


def test_settings_beyond_their_bounds_act_as_these():
    energy = energies(1, 3, 30).float()
    for name, beyond, bound in [
        ("gain", 1.5, 1.0),
        ("gain", -1.0, 0.0),
        ("root", 0.5, 1.0),
        ("smoothing", 7.0, 1.0),
        ("smoothing", -1.0, 1e-4),
        ("bias", -3.0, 1e-4),
    ]:
        norm = PerChannelEnergyNorm(3, smoother_frames=5, learnable=True)
        torch.nn.init.constant_(norm.get_parameter(name), beyond)
        expected = PerChannelEnergyNorm(3, smoother_frames=5, **{name: bound})(energy)
        torch.testing.assert_close(norm(energy), expected, rtol=1e-5, atol=1e-6)


def test_a_nan_spoils_the_frames_that_read_it():
    energy = energies(1, 2, 40)
    spoilt = energy.clone()
    spoilt[0, 1, 20] = float("nan")
    norm = PerChannelEnergyNorm(2, smoother_frames=7)
    clean, features = norm(energy), norm(spoilt)
    reads = torch.zeros(1, 2, 34, dtype=torch.bool)
    reads[0, 1, 14:21] = True
    assert torch.equal(features.isnan(), reads)
    assert torch.equal(features[~reads], clean[~reads])


def test_the_input_stays_as_it_was():
    for frames in (1, 5, None):
        energy = energies(1, 2, 30)
        before = energy.clone()
        PerChannelEnergyNorm(2, smoother_frames=frames)(energy)
        assert torch.equal(energy, before)


def test_half_precision_comes_back_in_half_precision():
    energy = energies(1, 2, 30).clamp(max=1e4)
    norm = PerChannelEnergyNorm(2, smoother_frames=5)
    ours = norm(energy.half())
    assert ours.dtype == torch.float16
    torch.testing.assert_close(ours, norm(energy.half().float()).half())


# What the smoother without an end keeps of the laws: 2, stream = scan, and 3, batch = single.

ENDLESS_CASES = {
    "a layer": lambda: torch.nn.Sequential(PerChannelEnergyNorm(3, smoother_frames=None))[0],
    "from the first frame": lambda: PerChannelEnergyNorm(3, smoother_frames=None, initial_level=None),
    "learnable": lambda: PerChannelEnergyNorm(3, smoother_frames=None, learnable=True),
    "a front-end": lambda: PCEN(PCENConfig(n_mels=23, smoother_frames=None)),
    "a front-end with deltas": lambda: PCEN(PCENConfig(n_mels=23, smoother_frames=None, deltas=2)),
}
every_endless = pytest.mark.parametrize("build", ENDLESS_CASES.values(), ids=ENDLESS_CASES.keys())
every_dtype = pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)], ids=["float32", "float64"]
)


def input_of(module: torch.nn.Module, dtype: torch.dtype) -> Tensor:
    if isinstance(module, PCEN):
        return 0.3 * torch.randn(2, 8000, generator=torch.Generator().manual_seed(0)).to(dtype)
    return energies(2, 1, 3, 600).to(dtype)


@every_dtype
@every_endless
def test_without_an_end_stream_is_scan(build, dtype, tolerance):
    module = build().to(dtype).eval()
    x = input_of(module, dtype)
    with torch.inference_mode():
        whole = module(x)

    @settings(max_examples=10, deadline=None, derandomize=True, database=None)
    @given(cuts=st.lists(st.integers(0, x.shape[-1]), max_size=31))
    def stream(cuts):
        state, outputs = None, []
        with torch.inference_mode():
            for chunk in x.tensor_split(sorted(cuts), dim=-1):
                output, state = module.step(chunk.clone(), state)
                if output is not None:
                    outputs.append(output)
        assert (torch.cat(outputs, dim=-1) - whole).abs().max() <= tolerance * whole.abs().max()

    stream()


def test_without_an_end_a_stream_of_single_frames_does_not_drift():
    energy = energies(1, 2, 5000).float()
    norm = PerChannelEnergyNorm(2, smoother_frames=None)
    state, outputs = None, []
    for t in range(5000):
        output, state = norm.step(energy[..., t : t + 1], state)
        outputs.append(output)
    assert state.shape == (1, 2, 1)
    torch.testing.assert_close(torch.cat(outputs, dim=-1), norm(energy), rtol=1e-5, atol=1e-7)


@every_dtype
@every_endless
def test_without_an_end_batch_is_single(build, dtype, tolerance):
    module = build().to(dtype).eval()
    x = input_of(module, dtype)
    with torch.inference_mode():
        batch = module(x)
        for i in range(2):
            assert (batch[i] - module(x[i : i + 1])[0]).abs().max() <= tolerance * batch.abs().max()


def test_without_an_end_a_live_state_carries_no_graph():
    norm = PerChannelEnergyNorm(2, smoother_frames=None, learnable=True)
    output, state = norm.step(energies(1, 2, 5).float(), None)
    assert output.requires_grad
    assert not state.requires_grad


def test_without_an_end_it_is_no_scan_and_says_so():
    norm = PerChannelEnergyNorm(2, smoother_frames=None)
    assert norm.streams
    assert norm.geometry is None
    with pytest.raises(LawError) as error:
        norm.require_law()
    assert str(error.value) == f"PerChannelEnergyNorm {ENDLESS}"
    front_end = PCEN(PCENConfig(smoother_frames=None))
    assert front_end.streams
    assert front_end.geometry is None
    with pytest.raises(LawError) as error:
        front_end.require_law()
    assert str(error.value) == f"PerChannelEnergyNorm at 'pcen' {ENDLESS}"
    x = energies(1, 2, 30)
    assert (norm(x)[..., 10:] - norm(x[..., 10:])).abs().max() > 1e-3


def test_its_context_is_the_smoothed_past():
    assert PCEN(PCENConfig()).context == (63 * 160, 0)
    assert PCEN(PCENConfig(smoother_frames=None)).context == (0, 0)
    assert PCEN(PCENConfig(smoother_frames=10, deltas=1)).context == (13 * 160, 4 * 160)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": 0}, "rows=0 must be a positive integer"),
        ({"smoothing": 0.0}, "smoothing=0.0 must be from 0.0001 to 1; 0.025 is the default"),
        (
            {"smoother_frames": 0},
            (
                "smoother_frames=0 must be a positive integer, or None for a smoother without an end; 64 is "
                "the default"
            ),
        ),
        ({"gain": 1.2}, "gain=1.2 must be from 0 to 1; 0.98 is the default"),
        ({"bias": 0.0}, "bias=0.0 must be at least 0.0001; 2.0 is the default"),
        ({"root": 0.5}, "root=0.5 must be at least 1; 2.0, the square root, is the default"),
        ({"floor": 0.0}, "floor=0.0 must be positive, also in float32; 1e-06 is the default"),
        (
            {"initial_level": -1.0},
            (
                "initial_level=-1.0 must be 0 or more, or None for the energy of the first frame; 1.0 is the "
                "default"
            ),
        ),
    ],
)
def test_impossible_settings_say_what_would_work(changes, message):
    with pytest.raises(ParameterError) as error:
        PerChannelEnergyNorm(**{"rows": 3} | changes)
    assert str(error.value) == message
    if changes.keys() <= {"smoother_frames", "gain", "bias", "root", "floor", "initial_level"}:
        with pytest.raises(ParameterError) as error:
            PCENConfig(**changes)
        assert str(error.value) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": "log"}, "scale='log' must be 'linear': PCEN takes the place of a logarithm"),
        (
            {"time_constant_seconds": 0.0},
            "time_constant_seconds=0.0 must be above 0 and at most 10, 1000 frames; 0.4 is the default",
        ),
        (
            {"time_constant_seconds": 5.1, "hop_length": 80},
            "time_constant_seconds=5.1 must be above 0 and at most 5, 1000 frames; 0.4 is the default",
        ),
    ],
)
def test_impossible_configs_say_what_would_work(changes, message):
    with pytest.raises(ParameterError) as error:
        PCENConfig(**changes)
    assert str(error.value) == message


def test_the_longest_time_constant_is_one():
    assert PCEN(PCENConfig(time_constant_seconds=10.0))(torch.zeros(1, 16000)).isfinite().all()


def test_input_of_other_rows_is_refused():
    with pytest.raises(ParameterError) as error:
        PerChannelEnergyNorm(3)(torch.zeros(1, 1, 4, 100))
    assert str(error.value) == (
        "input of shape (1, 1, 4, 100) must be (..., 3, time), the rows that this PerChannelEnergyNorm was "
        "made for"
    )
