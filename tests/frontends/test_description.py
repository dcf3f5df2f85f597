"""What a front-end says of itself, and its pictures."""

import json

import numpy as np
import pytest
import torch

from audiocnn.errors import ParameterError
from audiocnn.frontends import FRONT_ENDS, LogMel, LogMelConfig, create_front_end, description
from audiocnn.frontends.description import describe_front_end, draw_features, draw_filterbank
from audiocnn.frontends.kinds import config_from_dict

PNG = b"\x89PNG\r\n\x1a\n"


def test_the_table_of_a_front_end():
    text = str(describe_front_end(LogMel(LogMelConfig(n_mels=3, deltas=1)), name="mine"))
    assert text == (
        "front-end    mine, of kind logmel\n"
        "sample rate  16000 Hz\n"
        "frame        480 samples, 30 ms\n"
        "hop          160 samples, 10 ms, 100 frames a second\n"
        "span         1760 samples, 110 ms, that a frame depends on\n"
        "rows         6\n"
        "parameters   0 trainable\n"
        "scan         yes\n"
        f"fingerprint  {LogMel(LogMelConfig(n_mels=3, deltas=1)).fingerprint()}\n"
        "settings     sample_rate=16000, deltas=1, delta_width=9, normalization_frames=None,\n"
        "             normalization_position='centre', normalization_deviation=True, power=2, scale='log',\n"
        "             floor=1e-06, floor_rule='add', n_fft=512, win_length=480, hop_length=160,\n"
        "             window='hann', window_periodic=True, sample_scale=1.0, dither=0.0, remove_dc=False,\n"
        "             preemphasis=0.0, n_mels=3, f_min=0.0, f_max=8000.0, mel_scale='htk', norm=None,\n"
        "             straight_in='hz', keep_empty=False\n"
        "\n"
        "row      from Hz        to Hz\n"
        "  0          0.0       1767.8\n"
        "  1        614.3       3933.6\n"
        "  2       1767.8       8000.0\n"
        "  3          0.0       1767.8\n"
        "  4        614.3       3933.6\n"
        "  5       1767.8       8000.0"
    )


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_json_holds_a_config_to_make_it_again(name):
    front_end = create_front_end(name)
    values = json.loads(describe_front_end(front_end, name=name).json())
    assert config_from_dict(values["config"]) == FRONT_ENDS[name]
    assert values["fingerprint"] == front_end.fingerprint()
    assert len(values["bands_hz"]) == front_end.n_freqs


@pytest.mark.parametrize("name", [name for name in FRONT_ENDS if name != "spectrogram"])
def test_every_filterbank_can_be_drawn(name, tmp_path):
    front_end = create_front_end(name)
    hz, gains = front_end.scans()[0].response()
    assert gains.shape[1:] == hz.shape and np.isfinite(gains).all() and (gains >= 0).all()
    assert hz[0] >= 0 and hz[-1] <= front_end.sample_rate / 2
    draw_filterbank(front_end, tmp_path / "filters.png")
    assert (tmp_path / "filters.png").read_bytes().startswith(PNG)


def test_filters_are_drawn_over_hz_by_name(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(description, "save_figure", lambda figure, path: drawn.append(figure))
    front_end = LogMel(LogMelConfig(n_mels=24))
    for name, called in (("a$b$", "a$b$"), (None, "logmel")):
        draw_filterbank(front_end, tmp_path / "a.png", name=name)
        (axes,) = drawn.pop().axes
        hz, gains = front_end.scans()[0].response()
        assert len(axes.lines) == 24
        for line, gain in zip(axes.lines, gains, strict=True):
            np.testing.assert_array_equal(line.get_xydata(), np.stack((hz, gain), axis=1))
        assert axes.get_title() == f"24 filters of {called}, fingerprint {front_end.fingerprint()}"
        assert (axes.get_xlim(), axes.get_xlabel(), axes.get_ylabel()) == ((0, 8000), "Hz", "gain")


@pytest.mark.parametrize("title", [r"a $\nonsense$ b.wav", "\u65e5\u672c.wav"])
def test_any_title_is_drawn(tmp_path, title):
    front_end = LogMel(LogMelConfig())
    features = np.zeros((40, 9), dtype=np.float32)
    draw_features(front_end, features, tmp_path / "a.png", title=title)
    draw_filterbank(front_end, tmp_path / "b.png", name=title)
    for name in ("a.png", "b.png"):
        assert (tmp_path / name).read_bytes().startswith(PNG)


def test_bins_are_no_filters(tmp_path):
    with pytest.raises(ParameterError) as error:
        draw_filterbank(create_front_end("spectrogram"), tmp_path / "filters.png")
    assert str(error.value) == (
        "front_end='spectrogram' has no filters to draw: its rows are the bins of the Fourier transform"
    )


@pytest.mark.parametrize("deltas", [0, 2])
def test_features_are_drawn_over_seconds_and_hz(deltas, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(description, "save_figure", lambda figure, path: drawn.append(figure))
    front_end = LogMel(LogMelConfig(deltas=deltas))
    features = torch.randn(front_end.n_freqs, 98).numpy()
    draw_features(front_end, features, tmp_path / "a.png", title="a word")
    panels = [axes for axes in drawn[0].axes if axes.images]
    assert len(panels) == 1 + deltas
    for panel, rows in zip(panels, np.split(features, 1 + deltas), strict=True):
        np.testing.assert_array_equal(panel.images[0].get_array(), rows)
        # the middle of frame 0 is at sample 240, that of frame 97 at 97 * 160 + 240
        left, right, bottom, top = panel.images[0].get_extent()
        assert left + 0.005 == pytest.approx(240 / 16000)
        assert right - 0.005 == pytest.approx((97 * 160 + 240) / 16000)
        assert (bottom, top) == (-0.5, 39.5)
        labels = [text.get_text() for text in panel.get_yticklabels()]
        edges = front_end.band_edges_hz
        assert labels[0] == f"{sum(edges[0]) / 2:.0f}" and labels[-1] == f"{sum(edges[39]) / 2:.0f}"
        assert panel.get_ylabel() == "Hz"
    assert panels[0].get_title() == "a word"


def test_features_of_other_rows_are_not_drawn(tmp_path):
    with pytest.raises(ParameterError) as error:
        draw_features(LogMel(LogMelConfig()), np.zeros((39, 98), dtype=np.float32), tmp_path / "a.png")
    assert str(error.value) == (
        "features of shape (39, 98) must be (40, frames), as this front-end makes them"
    )
    with pytest.raises(ParameterError) as error:
        draw_filterbank(LogMel(LogMelConfig()), tmp_path / "a.xyz")
    assert str(error.value) == f"picture={tmp_path / 'a.xyz'} must end in .png, .svg or .pdf"


def test_powers_are_coloured_by_their_logarithm(tmp_path, monkeypatch):
    from matplotlib.colors import LogNorm

    from audiocnn.frontends import description

    drawn = []
    monkeypatch.setattr(description, "save_figure", lambda figure, path: drawn.append(figure))
    powers = np.geomspace(1e-12, 100.0, 40 * 98, dtype=np.float32).reshape(40, 98)
    draw_features(LogMel(LogMelConfig()), powers, tmp_path / "a.png")
    draw_features(LogMel(LogMelConfig()), np.log(powers), tmp_path / "a.png")
    draw_features(LogMel(LogMelConfig()), np.zeros_like(powers), tmp_path / "a.png")
    norms = [figure.axes[0].images[0].norm for figure in drawn]
    assert [isinstance(norm, LogNorm) for norm in norms] == [True, False, False]
    assert (norms[0].vmin, norms[0].vmax) == pytest.approx((1e-6, 100.0))
