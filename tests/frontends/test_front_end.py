"""What every front-end shares: rows and rates, context, the waveforms it takes, settings that cannot work."""

import copy
import pickle
from dataclasses import replace

import pytest
import torch

from audiocnn import ParameterError
from audiocnn.frontends import (
    FORMS,
    FRONT_ENDS,
    FrontEndConfig,
    LogMel,
    LogMelConfig,
    MelSpectrogramConfig,
    SpectrogramConfig,
    create_front_end,
)

every_name = pytest.mark.parametrize("name", FRONT_ENDS)


def noise(samples, seed=0):
    return 0.1 * torch.randn(1, samples, generator=torch.Generator().manual_seed(seed))


@every_name
def test_rows_and_rate_are_those_of_the_features(name):
    front_end = create_front_end(name).eval()
    assert front_end.sample_rate == front_end.config.sample_rate
    span, stride = front_end.time_axis.takes.span, front_end.time_axis.takes.stride
    features = front_end(noise(span + 2 * stride))
    assert features.shape == (1, 1, front_end.n_freqs, 3)
    assert front_end.frame_rate_hz == front_end.sample_rate / stride
    assert len(front_end.band_edges_hz) == front_end.n_freqs
    for low, high in front_end.band_edges_hz:
        assert 0 <= low < high <= front_end.sample_rate / 2


@every_name
def test_a_recording_in_its_context_has_the_frames_of_the_bare_front_end(name):
    front_end = create_front_end(name).eval()
    frame = front_end.scans()[0].time_axis.takes
    recording = noise(frame.span + 5 * frame.stride)[0]
    blocks = list(front_end.feature_blocks(recording.split(1000)))
    assert sum(block.shape[-1] for block in blocks) == 6


@pytest.mark.parametrize(
    ("waveform", "message"),
    [
        (
            torch.zeros(16000),
            (
                "waveform of shape (16000,) must be (batch, time), of at least one clip; "
                "waveform[None] makes a batch of one"
            ),
        ),
        (
            torch.zeros(0, 16000),
            (
                "waveform of shape (0, 16000) must be (batch, time), of at least one clip; "
                "waveform[None] makes a batch of one"
            ),
        ),
        (
            torch.zeros(1, 16000, dtype=torch.int16),
            "waveform of torch.int16 must be floating point on unit scale; divide 16-bit samples by 32768",
        ),
        (
            torch.zeros(1, 479),
            (
                "input of 479 steps along time is shorter than the span of LogMel, 480; pad the clip once, "
                "before the network"
            ),
        ),
    ],
)
def test_waveforms_that_are_refused(waveform, message):
    front_end = LogMel(LogMelConfig())
    with pytest.raises(ParameterError) as error:
        front_end(waveform)
    assert str(error.value) == message
    if waveform.shape[-1] != 479:  # a stream may bring as little as it likes
        with pytest.raises(ParameterError) as error:
            front_end.step(waveform)
        assert str(error.value) == message


def test_who_takes_blocks_is_left_in_peace():
    front_end, blocks = create_front_end("leaf").train(), noise(40000)[0].split(8000)
    for features in front_end.feature_blocks(blocks):
        assert front_end.training and front_end.frames.training
        assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
        assert not features.requires_grad and not features.is_inference()  # and so can be learnt from


def test_blocks_shorter_than_a_frame_are_refused():
    front_end = LogMel(LogMelConfig(deltas=2))
    with pytest.raises(ParameterError) as error:
        list(front_end.feature_blocks(torch.zeros(479).split(100)))
    assert str(error.value) == "a recording of 479 samples is shorter than a frame, 480; give a longer one"


def test_a_sample_that_is_no_number_spoils_the_frames_that_read_it_alone():
    front_end = LogMel(LogMelConfig())
    for value in (float("nan"), float("inf")):
        waveform = noise(16000)
        waveform[0, 8000] = value
        spoilt = (~front_end(waveform).isfinite()).any(dim=2).flatten().nonzero().flatten()
        # frames j with 160 j <= 8000 < 160 j + 480
        assert spoilt.tolist() == [48, 49, 50]


@every_name
def test_waveforms_of_double_precision_become_what_it_computes_in(name):
    front_end = create_front_end(name).eval()
    takes = front_end.time_axis.takes
    waveform = noise(takes.input_length(3)).double()
    expected = front_end(waveform.float())
    features = front_end(waveform)
    assert features.dtype == torch.float32
    assert torch.equal(features, expected)
    first, state = front_end.step(waveform[:, : takes.span])  # a stream may change its mind
    second, _ = front_end.step(waveform[:, takes.span :].float(), state)
    torch.testing.assert_close(torch.cat((first, second), dim=-1), expected, rtol=1e-4, atol=1e-4)
    front_end.double()
    assert torch.equal(front_end(waveform.float()), front_end(waveform))
    assert front_end(waveform).dtype == torch.float64


@every_name
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_does_not_touch_its_tables(name, dtype):
    front_end = create_front_end(name).eval()
    waveform = noise(front_end.time_axis.takes.input_length(3))
    expected = front_end(waveform)
    assert torch.equal(front_end.to(dtype)(waveform), expected)
    assert front_end.double().to(dtype)(waveform).dtype == torch.float64


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_a_copy_has_tables_of_its_own_and_the_same_form(monkeypatch, form, copied):
    monkeypatch.setattr(torch, "compile", lambda function, **_: lambda x: function(x))  # at once
    front_end = LogMel(LogMelConfig(n_mels=24)).eval()
    waveform = noise(1000)
    expected = front_end(waveform)
    twin = copied(front_end.use(form))
    for module in (front_end, twin):
        compiled, made = module.frames._compiled, module.frames._waves
        assert (compiled is not None, made is not None) == (form == "compiled", form == "exportable")
    for table in front_end.buffers():
        table.zero_()
    torch.testing.assert_close(twin(waveform), expected, rtol=1e-4, atol=1e-4)


@every_name
@pytest.mark.parametrize("form", ["eager", "exportable"])
def test_features_and_gradients_are_finite_whatever_the_level(name, form):
    front_end = create_front_end(name).eval().use(form)
    samples = front_end.time_axis.takes.input_length(2)
    for level in (0.0, 1e-45, 1e-30, 1e-20, 10**-4.5, 1.0, 1e4):
        for waveform in (torch.full((1, samples), level), level * 10 * noise(samples)):
            features = front_end(waveform.requires_grad_())
            assert features.isfinite().all()
            (gradient,) = torch.autograd.grad(features.sum(), waveform)
            assert gradient.isfinite().all()


def test_dither_is_drawn_in_training_alone():
    front_end = LogMel(LogMelConfig(dither=1 / 32768))
    silence = torch.zeros(1, 320000)
    assert (front_end.eval()(silence) == torch.tensor(1e-6).log()).all()
    drawn = front_end.train()(silence)
    assert drawn.isfinite().all() and drawn.std() > 0
    # mel power of white noise: its variance times the sum of the squared window, 180, times the filter's sum
    filters = front_end.get_buffer("frames.filters").sum(dim=1)
    expected = (1 / 32768) ** 2 * 180 * filters + 1e-6
    torch.testing.assert_close(drawn.exp().mean(dim=(0, 1, 3)), expected, rtol=0.05, atol=0)


@pytest.mark.parametrize(
    ("config", "changes", "message"),
    [
        (
            FrontEndConfig,
            {"sample_rate": 0},
            "sample_rate=0 must be a positive integer; 16000 is the default",
        ),
        (
            FrontEndConfig,
            {"deltas": 3},
            "deltas=3 must be 0, 1 or 2: none, the first, or also the second derivative",
        ),
        (
            FrontEndConfig,
            {"deltas": 1.0},
            "deltas=1.0 must be 0, 1 or 2: none, the first, or also the second derivative",
        ),
        (
            FrontEndConfig,
            {"delta_width": 4},
            "delta_width=4 must be an odd integer of at least 3; 9 is the default",
        ),
        (
            FrontEndConfig,
            {"normalization_frames": 1},
            "normalization_frames=1 must be an integer of at least 2, or None; 600 is Kaldi's",
        ),
        (
            SpectrogramConfig,
            {"win_length": True},
            "win_length=True must be a positive integer; 480 is the default",
        ),
        (
            SpectrogramConfig,
            {"n_fft": 400},
            "n_fft=400 must be at least win_length=480; 512 is the next power of two",
        ),
        (
            SpectrogramConfig,
            {"window": "kaiser"},
            "window='kaiser' must be 'hann', 'hamming', 'blackman', 'povey' or 'rectangular'",
        ),
        (
            SpectrogramConfig,
            {"remove_dc": "no"},
            "remove_dc='no' must be True or False; False is the default",
        ),
        (SpectrogramConfig, {"floor": "1"}, "floor='1' must be a number; 1e-06 is the default"),
        (SpectrogramConfig, {"dither": True}, "dither=True must be a number; 0.0 is the default"),
        (
            SpectrogramConfig,
            {"floor": 1e-50},
            "floor=1e-50 must be positive, also in float32; 1e-06 is the default",
        ),
        (SpectrogramConfig, {"power": 3}, "power=3 must be 1 or 2"),
        (SpectrogramConfig, {"power": 2.0}, "power=2.0 must be 1 or 2"),
        (SpectrogramConfig, {"scale": "mel"}, "scale='mel' must be 'linear', 'log', 'log10' or 'db'"),
        (SpectrogramConfig, {"floor_rule": "max"}, "floor_rule='max' must be 'add' or 'clamp'"),
        (
            SpectrogramConfig,
            {"floor": float("nan")},
            "floor=nan must be positive, also in float32; 1e-06 is the default",
        ),
        (SpectrogramConfig, {"sample_scale": 0.0}, "sample_scale=0.0 must be positive; 1.0 is the default"),
        (
            SpectrogramConfig,
            {"dither": -1.0},
            "dither=-1.0 must be at least 0 and below 1, full scale; 3.05176e-05 is Kaldi's",
        ),
        (SpectrogramConfig, {"preemphasis": 1.5}, "preemphasis=1.5 must be from 0 to 1; 0.97 is usual"),
        (MelSpectrogramConfig, {"straight_in": "bark"}, "straight_in='bark' must be 'hz' or 'mel'"),
    ],
)
def test_impossible_settings_say_what_would_work(config, changes, message):
    with pytest.raises(ParameterError) as error:
        config(**changes)
    assert str(error.value) == message


def test_an_unknown_form():
    with pytest.raises(ParameterError) as error:
        LogMel(LogMelConfig()).use("fast")
    assert str(error.value) == "form='fast' must be 'eager', 'compiled' or 'exportable'"


@pytest.mark.parametrize(("form", "rtol"), [("eager", 1e-10), ("exportable", 1e-4)])
def test_preemphasis_and_dc_removal_are_those_of_a_loop(form, rtol):
    config = SpectrogramConfig(n_fft=64, win_length=60, hop_length=20, preemphasis=0.9, remove_dc=True)
    waveform = noise(100)[0].double() + 0.5
    # that of Hamming hears the first sample of a frame, where those of Hann and Povey are zero
    for changes in (
        {"window": "hamming"},
        {"window": "povey", "window_periodic": False, "sample_scale": 2.0},
    ):
        changed = replace(config, **changes)
        front_end = create_front_end(changed).double().use(form)
        window = front_end.get_buffer("frames.window")
        columns = []
        for start in (0, 20, 40):
            frame = waveform[start : start + 60] - waveform[start : start + 60].mean()
            emphasized = [frame[i] - 0.9 * frame[max(i - 1, 0)] for i in range(60)]
            columns.append(torch.fft.rfft(torch.stack(emphasized) * window, n=64).abs().square())
        torch.testing.assert_close(
            front_end(waveform[None])[0, 0], torch.stack(columns, dim=1), rtol=rtol, atol=rtol**2
        )
