"""The forms of every front-end agree; one is of real numbers and plain operations; autocast changes none."""

import shutil

import numpy as np
import pytest
import torch
from oracles import assert_logs_agree, assert_powers_agree
from signals import LEVELS_DB, signals
from torch import Tensor

from audiocnn.frontends import FrontEnd, LogMel, LogMelConfig, create_front_end
from audiocnn.frontends.kinds import FRONT_ENDS
from audiocnn.frontends.spectrogram import FrameFeatures

every_front_end = pytest.mark.parametrize("name", FRONT_ENDS)


@pytest.fixture(autouse=True)
def _without_gradients():
    with torch.no_grad():
        yield


def made(name: str) -> FrontEnd:
    return create_front_end(FRONT_ENDS[name]).eval()


def clips(front_end: FrontEnd, frames: int = 5) -> dict[str, Tensor]:
    """Noise, tone, click, sweep and silence, `(1, time)` each."""
    takes = front_end.time_axis.takes
    samples = takes.input_length(frames)
    seconds = np.arange(samples) / front_end.sample_rate
    hz_per_second = 3000.0 / seconds[-1]  # within what all of them hear: rounding is as the whole is loud
    sweep = np.sin(2 * np.pi * (500.0 + 0.5 * hz_per_second * seconds) * seconds)
    swept = {f"sweep at {level_db} dB": sweep * 10 ** (level_db / 20) for level_db in LEVELS_DB}
    made_by_formula = signals(front_end.sample_rate, samples) | swept
    return {what: torch.tensor(clip).float()[None] for what, clip in made_by_formula.items()}


@every_front_end
def test_the_exportable_form_gives_the_features_of_the_eager_one(name):
    eager, exportable = made(name), made(name).use("exportable")
    bands_alone = len(eager.scans()) == 1 and isinstance(eager.frames, FrameFeatures)
    if bands_alone:  # a cepstrum is a sum of bands however small their power; these themselves are compared
        eager.frames.basis = exportable.frames.basis = None
    for what, clip in clips(eager).items():
        expected, found = (form(clip)[0, 0].double().numpy() for form in (eager, exportable))
        assert np.isfinite(expected).all() and np.isfinite(found).all(), what
        if not bands_alone:
            largest = np.abs(expected).max(axis=0)
            assert (np.abs(found - expected) <= 1e-3 * largest).all(), what
            continue
        config = eager.config
        powers = {
            "linear": lambda features: features,
            "log": np.exp,
            "log10": lambda features: 10.0**features,
            "db": lambda features: 10.0 ** (features / 10.0),
        }
        if config.scale == "linear":
            assert_powers_agree(found, expected, what)
        else:
            power = powers[config.scale](expected) ** (1 if config.scale == "db" else 2 / config.power)
            assert_logs_agree(found, expected, power, what)


@every_front_end
def test_the_exportable_form_is_of_real_numbers_and_without_fft(name):
    front_end = made(name).use("exportable")
    clip = clips(front_end)["noise at 0 dB"]
    program = torch.export.export(front_end, (clip,))
    for node in program.graph.nodes:
        assert "fft" not in str(node.target)
        value = node.meta.get("val")
        assert not (isinstance(value, Tensor) and value.is_complex()), node
    torch.testing.assert_close(program.module()(clip), front_end(clip))


def test_what_was_exported_takes_other_lengths_and_batches():
    front_end = LogMel(LogMelConfig()).eval().use("exportable")
    sizes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("time", min=640)}
    program = torch.export.export(front_end, (torch.randn(2, 3000),), dynamic_shapes=(sizes,))
    for shape in ((1, 640), (3, 5001)):
        waveform = torch.randn(shape)
        torch.testing.assert_close(program.module()(waveform), front_end(waveform))


@pytest.mark.skipif(
    not any(shutil.which(compiler) for compiler in ("g++", "clang++")),
    reason="torch.compile needs a C++ compiler; install g++",
)
def test_the_compiled_form_gives_the_features_of_the_eager_one():
    config = LogMelConfig(n_mels=4, f_max=1500.0)  # fewer take less time to compile
    eager, compiled = LogMel(config).eval(), LogMel(config).eval().use("compiled")
    waveforms = torch.cat(list(clips(eager, frames=200).values()))  # several pieces
    for waveform in (waveforms, waveforms[:3, :9000]):
        expected, found = (form(waveform)[:, 0].double().numpy() for form in (eager, compiled))
        for i in range(len(waveform)):
            assert_logs_agree(found[i], expected[i], np.exp(expected[i]), f"clip {i}")


@pytest.mark.parametrize("form", ["compiled", "exportable"])
def test_a_gradient_reaches_the_waveform_in_other_forms(form):
    with torch.enable_grad():
        gradients = []
        for front_end in (made("logmel"), made("logmel").use(form)):
            waveform = clips(front_end)["noise at 0 dB"].requires_grad_()
            gradients += torch.autograd.grad(front_end(waveform).sum(), waveform)
    expected, found = gradients
    assert (found - expected).abs().max() <= 1e-4 * expected.abs().max()


@every_front_end
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=["float16", "bfloat16"])
def test_autocast_does_not_change_a_bit(name, dtype):
    front_end = made(name)
    waveform = torch.cat(list(clips(front_end).values()))
    expected = front_end(waveform)
    with torch.autocast("cpu", dtype=dtype):
        found = front_end(waveform)
        if front_end.streams:
            streamed, _ = front_end.step(waveform)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)
    if front_end.streams:
        assert torch.equal(streamed, expected)


@every_front_end
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=["float16", "bfloat16"])
def test_half_a_waveform_is_computed_in_float32(name, dtype):
    front_end = made(name)
    half = torch.cat(list(clips(front_end).values())).to(dtype)
    features = front_end(half)
    assert features.dtype == torch.float32
    assert torch.equal(features, front_end(half.float()))
