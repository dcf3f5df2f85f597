"""The constant-Q transform against librosa's filters sample by sample, librosa's transforms, and physics."""

from dataclasses import replace

import librosa
import numpy as np
import pytest
import torch
from oracles import assert_logs_agree, assert_powers_agree, ours
from signals import signals

from audiocnn.errors import ParameterError
from audiocnn.frontends import ConstantQ, ConstantQConfig, spectrogram
from audiocnn.geometry import Geometry

SMALL = ConstantQConfig(sample_rate=16000, hop_length=160, f_min=200.0, n_bins=36)
CONFIGS = {
    "librosa's defaults": ConstantQConfig(),
    "small": SMALL,
    "variable Q": ConstantQConfig(gamma=13.2),
    "hops that fill the longest filter": replace(SMALL, hop_length=73),  # 19 of them
    "hops longer than filters": replace(SMALL, hop_length=2000, filter_scale=0.5),
    "less than an octave": replace(SMALL, f_min=900.0, n_bins=9, bins_per_octave=24, window="hamming"),
    "octaves of five": replace(SMALL, n_bins=13, bins_per_octave=5, window="blackman"),
}
INNER = slice(12, -12)  # frames that read nothing from beyond the ends of a recording
every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def span_of(config):
    return ConstantQ(config).geometry.span


def clips(config):
    """Signals of twenty frames, and some samples that make none."""
    return signals(config.sample_rate, ConstantQ(config).geometry.input_length(20) + 7)


def noise(samples, *, seed=0):
    return 0.3 * torch.randn(1, samples, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


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
    beyond = filters.shape[1] - span_of(config)
    assert beyond in (0, 1)  # librosa rounds up, and adds a zero
    padded = np.pad(clip.astype(np.float64), (0, beyond))
    frames = np.lib.stride_tricks.sliding_window_view(padded, filters.shape[1])[:: config.hop_length]
    return np.sqrt(lengths)[:, None] * np.abs(filters @ frames.T)


def centred(config, clip, *, late=0):
    """Our frames where librosa has its own, the first centred on sample 0, or some samples late."""
    before = (span_of(config) - 1) // 2 - late
    return ours(config, np.pad(clip, (before, span_of(config) - before)))


@every_config
def test_is_what_librosas_filters_give_sample_by_sample(config):
    for name, clip in clips(config).items():
        expected = sample_by_sample(config, clip)
        peaks = np.maximum(expected.max(axis=0), 1e-3 * expected.max())  # a click may hardly reach a frame
        assert (np.abs(ours(config, clip) - expected) <= 2e-6 * peaks).all(), name


@pytest.mark.parametrize("gamma", [0.0, 13.2])
def test_the_highest_octave_is_that_of_librosa(gamma):
    # where it computes at the full rate; it leaves out negative frequencies, which filters also hear a little
    config = ConstantQConfig(gamma=gamma, f_min=32.703 * 2**6, n_bins=12)
    clip = noise(22050)[0].numpy()
    theirs = librosa.vqt(clip, fmin=config.f_min, n_bins=12, gamma=gamma, sparsity=0)
    assert_powers_agree(centred(config, clip), np.abs(theirs), "noise", within=3e-4)


@pytest.mark.parametrize(("gamma", "within"), [(0.0, 0.03), (13.2, 0.13)])
@pytest.mark.parametrize("sparsity", [0.01, 0.0], ids=["by default", "not sparse"])
@pytest.mark.parametrize("quality", ["soxr_hq", "soxr_vhq"])
def test_is_near_librosa(gamma, within, sparsity, quality):
    clip = noise(3 * 22050)[0].numpy()
    settings = {"fmin": 32.703, "sparsity": sparsity, "res_type": quality}
    theirs = librosa.cqt(clip, **settings) if gamma == 0.0 else librosa.vqt(clip, gamma=gamma, **settings)
    features = centred(ConstantQConfig(gamma=gamma), clip)
    assert_powers_agree(features[:, INNER], np.abs(theirs)[:, INNER], quality, within=within)


def test_is_nearer_where_we_are_as_late_as_librosa():
    clip = noise(3 * 22050)[0].numpy()
    theirs = np.abs(librosa.cqt(clip, fmin=32.703, sparsity=0))
    for halvings in range(7):
        octave = slice(12 * (6 - halvings), 12 * (7 - halvings))
        late = centred(ConstantQConfig(), clip, late=2**halvings // 2)  # half a sample of the lower rate
        difference = np.abs(late - theirs)[octave] / theirs.max(axis=0)
        assert difference[:, INNER].max() <= 0.015, halvings


def test_span_and_hop_are_those_of_the_docstring():
    assert ConstantQ(ConstantQConfig()).geometry == Geometry(span=11685, stride=512)


@every_config
def test_the_span_is_the_longest_filter(config):
    q = config.filter_scale / np.tanh(np.log(2) / config.bins_per_octave)  # alpha as a hyperbolic tangent
    length = config.sample_rate / (config.f_min / q + config.gamma / config.filter_scale)
    assert span_of(config) == np.ceil(length / 2) + np.floor(length / 2)


def test_edges_are_half_a_bandwidth_from_the_centre():
    q = 1.0 / np.tanh(np.log(2) / 12)
    assert q == pytest.approx(17.3, abs=0.05)
    for k, (low, high) in enumerate(SMALL.band_edges_hz()):
        centre = 200.0 * 2 ** (k / 12)
        assert (low, high) == pytest.approx((centre * (1 - 1 / (2 * q)), centre * (1 + 1 / (2 * q))))
    wider = replace(SMALL, gamma=500.0, filter_scale=2.0, n_bins=1).band_edges_hz()
    assert wider == [(200.0 - 125.0 - 100.0 / q / 2, 200.0 + 125.0 + 100.0 / q / 2)]
    assert replace(SMALL, gamma=500.0, n_bins=1).band_edges_hz()[0][0] == 0.0


def test_a_tone_lands_in_its_bin():
    time = np.arange(2500) / 16000
    for k, (hz, length) in enumerate(zip(SMALL.frequencies_hz(), SMALL.filter_lengths(), strict=True)):
        features = ours(SMALL, 0.5 * np.sin(2 * np.pi * hz * time))
        assert (features.argmax(axis=0) == k).all()
        np.testing.assert_allclose(features[k], 0.25 * np.sqrt(length), rtol=0.01)


def test_white_noise_is_as_loud_in_every_bin():
    # of unit variance, L sum(w^2) / sum(w)^2 of a Hann window: 3 / 2
    clip = signals(16000, 480000)["noise at 0 dB"] * np.sqrt(3)
    np.testing.assert_allclose((ours(SMALL, clip) ** 2).mean(axis=1), 1.5, rtol=0.12)


def test_every_filter_is_centred_on_the_middle():
    config = replace(SMALL, n_bins=12)
    span = span_of(config)
    clicks = ConstantQ(config).double()(torch.eye(span, dtype=torch.float64))[:, 0, :, 0].numpy()
    middle = (span - 1) // 2
    for heard, length in zip(clicks.T, config.filter_lengths(), strict=True):
        assert heard.argmax() in (middle, middle + 1)
        (samples,) = np.nonzero(heard > 1e-6 * heard.max())
        assert len(samples) in (np.ceil(length) - 2, np.ceil(length) - 1)  # a Hann window begins with a zero
        assert abs((samples[0] + samples[-1]) / 2 - middle) <= 0.5


def test_the_response_is_that_to_tones():
    hz, gains = ConstantQ(SMALL).scans()[0].response()
    assert gains.shape == (36, len(hz)) == (36, 1025)
    time = np.arange(span_of(SMALL)) / 16000
    for i in (20, 40, 77, 150):
        waves = np.stack([np.cos(2 * np.pi * hz[i] * time), np.sin(2 * np.pi * hz[i] * time)])
        # what a complex wave gives, of which a tone is one half
        heard = [
            [values @ wave[start:][: len(values)] for wave in waves] for start, values in SMALL.filters()
        ]
        np.testing.assert_allclose(gains[:, i], [abs(c + 1j * s) for c, s in heard], rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(abs(hz[gains.argmax(axis=1)] - SMALL.frequencies_hz()) < hz[1], True)


@pytest.mark.parametrize("scale", ["linear", "log", "log10", "db"])
@pytest.mark.parametrize("rule", ["add", "clamp"])
@pytest.mark.parametrize("power", [1, 2])
def test_scales_are_those_of_the_formulas(scale, rule, power):
    config = replace(SMALL, power=power, scale=scale, floor=1e-3, floor_rule=rule)
    for name, clip in clips(config).items():
        values = ours(SMALL, clip) ** power
        raised = values + 1e-3 if rule == "add" else np.maximum(values, 1e-3)
        expected = {
            "linear": values,
            "log": np.log(raised),
            "log10": np.log10(raised),
            "db": 20 / power * np.log10(raised),
        }[scale]
        features = ours(config, clip)
        assert np.isfinite(features).all(), name
        np.testing.assert_allclose(features, expected, rtol=2e-6, atol=2e-5, err_msg=name)


def test_silence_is_nothing_and_its_logarithm_the_floor():
    silence = torch.zeros(2, 3000)
    assert (ConstantQ(SMALL)(silence) == 0.0).all()
    assert (ConstantQ(replace(SMALL, scale="log"))(silence) == torch.tensor(1e-6).log()).all()


@pytest.mark.parametrize("at_once", [1, 3, 7, 40])
def test_work_done_in_pieces_is_the_whole(monkeypatch, at_once):
    front_end = ConstantQ(SMALL).double()
    waveform = noise(5 * (1387 + 160 * 8)).view(5, -1)
    whole = front_end(waveform)  # (5, 1, 36, 9)
    numbers = 2 * SMALL.n_bins + SMALL.hop_length
    monkeypatch.setattr(spectrogram, "NUMBERS_AT_ONCE", at_once * numbers)
    torch.testing.assert_close(front_end(waveform), whole, rtol=1e-12, atol=0.0)


def test_what_is_loud_outside_of_all_bins_is_hardly_heard():
    # a tone of amplitude 1 in a bin gives 5 to 54
    config, time = ConstantQConfig(), np.arange(20000) / 22050
    for clip in (np.sin(2 * np.pi * 9000.0 * time), np.ones(20000)):
        assert np.abs(ours(config, clip) - sample_by_sample(config, clip)).max() <= 1e-5


@every_config
def test_the_exportable_form_agrees(config):
    eager, exportable = ConstantQ(config), ConstantQ(config).use("exportable")
    log = ConstantQ(replace(config, scale="log", floor=1e-9)).use("exportable")
    for name, clip in clips(config).items():
        waveform = torch.tensor(clip)[None]
        expected = eager(waveform)[0, 0].double().numpy()
        assert_powers_agree(exportable(waveform)[0, 0].double().numpy(), expected, name, within=2e-6)
        assert_logs_agree(log(waveform)[0, 0].double().numpy(), np.log(expected + 1e-9), expected**2, name)


def test_the_exportable_form_has_no_complex_numbers_transforms_or_views_of_windows():
    program = torch.export.export(ConstantQ(SMALL).eval().use("exportable"), (torch.zeros(2, 3000),))
    called = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
    assert "aten.conv1d.default" in called
    assert not [name for name in called if "fft" in name or "complex" in name or "unfold" in name]
    values = [node.meta.get("val") for node in program.graph.nodes]
    assert not [value for value in values if isinstance(value, torch.Tensor) and value.is_complex()]


@pytest.mark.parametrize("form", ["eager", "exportable"])
@pytest.mark.parametrize("changes", [{}, {"power": 2}, {"scale": "log", "floor": 1e-2}, {"gamma": 40.0}])
def test_a_gradient_reaches_the_waveform(form, changes):
    config = replace(SMALL, f_min=1500.0, n_bins=14, hop_length=40, **changes)
    front_end = ConstantQ(config).double().use(form)
    waveform = noise(span_of(config) + 85).requires_grad_()
    assert torch.autograd.gradcheck(front_end, waveform, fast_mode=True)


@pytest.mark.parametrize("power", [1, 2])
def test_the_gradient_of_silence_is_none(power):
    waveform = torch.zeros(1, 3000, requires_grad=True)
    (gradient,) = torch.autograd.grad(ConstantQ(replace(SMALL, power=power))(waveform).sum(), waveform)
    assert (gradient == 0.0).all()


def test_a_missing_number_spoils_the_frames_that_read_it():
    front_end = ConstantQ(SMALL)
    span, hop = front_end.geometry.span, front_end.geometry.stride
    for spoilt in (0, 1386, 1387, 2000, 3033):
        waveform = noise(3034).float()
        waveform[0, spoilt] = float("nan")
        frames = front_end(waveform)[0, 0].isnan().any(dim=0)
        assert frames.tolist() == [j * hop <= spoilt < j * hop + span for j in range(len(frames))]


def test_the_fingerprint_is_of_the_filters_not_of_their_factors():
    front_end = ConstantQ(SMALL)
    expected = front_end.fingerprint()
    for name, table in front_end.named_buffers():
        if name.endswith(("waves", "parts")):
            table.neg_()  # what another processor may find as well
    assert front_end.fingerprint() == expected
    assert front_end.use("exportable").double().fingerprint() == expected
    assert set(front_end.fingerprints()) - set(vars(SMALL)) == {"kind", "frames.filters"}
    for changes in ({"window": "hamming"}, {"gamma": 1.0}, {"filter_scale": 1.001}, {"f_min": 200.1}):
        other = ConstantQ(replace(SMALL, **changes)).fingerprints()
        assert other["frames.filters"] != front_end.fingerprints()["frames.filters"], changes


def test_a_short_clip_is_refused():
    with pytest.raises(ParameterError) as error:
        ConstantQ(SMALL)(torch.zeros(1, 1386))
    assert str(error.value) == (
        "input of 1386 steps along time is shorter than the span of ConstantQ, 1387; pad the clip once, "
        "before the network"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hop_length": 0}, "hop_length=0 must be a positive integer; 512 is the default"),
        ({"n_bins": 0}, "n_bins=0 must be a positive integer; 84 is the default"),
        ({"bins_per_octave": 12.0}, "bins_per_octave=12.0 must be a positive integer; 12 is the default"),
        ({"f_min": 0.0}, "f_min=0.0 must be positive; 32.703 is C1"),
        ({"f_min": float("inf")}, "f_min=inf must be positive; 32.703 is C1"),
        ({"filter_scale": -1.0}, "filter_scale=-1.0 must be positive; 1.0 is the default"),
        ({"gamma": -0.5}, "gamma=-0.5 must be at least 0; 0 is a constant Q"),
        ({"gamma": float("nan")}, "gamma=nan must be at least 0; 0 is a constant Q"),
        (
            {"window": "kaiser"},
            "window='kaiser' must be 'hann', 'hamming', 'blackman', 'povey' or 'rectangular'",
        ),
        ({"power": 3}, "power=3 must be 1 or 2"),
        ({"scale": "mel"}, "scale='mel' must be 'linear', 'log', 'log10' or 'db'"),
        ({"floor_rule": "max"}, "floor_rule='max' must be 'add' or 'clamp'"),
        ({"floor": 0.0}, "floor=0.0 must be positive, also in float32; 1e-06 is the default"),
        (
            {"n_bins": 120},
            (
                "n_bins=120 is too many: bin 101, 10853 to 11498 Hz, reaches above 11025 Hz, half the "
                "sample rate; n_bins=101 fits"
            ),
        ),
        (
            {"f_min": 12000.0},
            (
                "n_bins=84 is too many: bin 0, 11654 to 12346 Hz, reaches above 11025 Hz, half the sample "
                "rate; lower f_min or raise filter_scale"
            ),
        ),
        (
            {"f_min": 100.0, "n_bins": 12, "filter_scale": 0.0006},
            "filter_scale=0.0006 leaves 1.2 samples to the filter of bin 11; raise it, so that there are two",
        ),
    ],
)
def test_impossible_configs_say_what_would_work(changes, message):
    with pytest.raises(ParameterError) as error:
        ConstantQConfig(**changes)
    assert str(error.value) == message
