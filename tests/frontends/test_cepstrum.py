"""Cepstra against scipy's cosine transform, librosa and torchaudio (Kaldi's are among the presets)."""

from dataclasses import replace

import librosa
import numpy as np
import pytest
import scipy.fft
import torch
from oracles import assert_cepstra_agree, float64, ours, torchaudio_module
from signals import signals

from audiocnn.errors import ParameterError
from audiocnn.frontends import LFCC, MFCC, LFCCConfig, LinearSpectrogramConfig, LogMelConfig, MFCCConfig
from audiocnn.frontends.cepstrum import cosine_basis

DECIBELS = {"scale": "db", "floor": 1e-10, "floor_rule": "clamp"}
CLIPS = signals(16000, 4000)


def assert_agrees(config, oracle):
    """In double precision on tones, to what tables of single precision allow; in single on all else.

    Why, test_presets.py says.
    """
    for what, clip in CLIPS.items():
        expected = oracle(clip.astype(np.float64))
        if "tone" in what:
            assert_cepstra_agree(ours(config, clip, torch.float64), expected, what, within=1e-4)
        else:
            assert_cepstra_agree(ours(config, clip), expected, what, within=1e-5)


@pytest.mark.parametrize("dct_norm", ["ortho", None])
def test_basis_is_the_transform_of_scipy(dct_norm):
    expected = scipy.fft.dct(np.eye(40), type=2, norm=dct_norm, axis=0)[:13]
    np.testing.assert_allclose(cosine_basis(13, 40, dct_norm=dct_norm, lifter=0.0), expected, atol=1e-12)


def test_basis_of_htk_has_one_norm_for_all():
    basis = cosine_basis(13, 40, dct_norm="htk", lifter=0.0)
    np.testing.assert_allclose(
        basis, scipy.fft.dct(np.eye(40), axis=0)[:13] * 0.5 * np.sqrt(2 / 40), atol=1e-12
    )
    ortho = cosine_basis(13, 40, dct_norm="ortho", lifter=0.0)
    np.testing.assert_allclose(basis[0], np.sqrt(2) * ortho[0])
    np.testing.assert_allclose(basis[1:], ortho[1:])


def test_all_coefficients_are_the_whole_spectrum():
    clip = CLIPS["noise at 0 dB"]
    cepstra = ours(MFCCConfig(n_mfcc=40), clip)
    np.testing.assert_allclose(
        scipy.fft.idct(cepstra, axis=0, norm="ortho"), ours(LogMelConfig(), clip), atol=1e-4
    )


def test_the_zeroth_coefficient_is_loudness_alone():
    clip = CLIPS["noise at 0 dB"]
    config = MFCCConfig(**DECIBELS)
    loud, soft = ours(config, clip), ours(config, 0.1 * clip)
    np.testing.assert_allclose(loud[0] - soft[0], 20.0 * np.sqrt(40.0), rtol=1e-4)  # 20 dB in all of 40 bands
    np.testing.assert_allclose(loud[1:], soft[1:], atol=1e-3)


def test_mfcc_is_that_of_librosa():
    config = MFCCConfig(win_length=512, mel_scale="slaney", norm="slaney", n_mfcc=20, **DECIBELS)

    def oracle(clip):
        power = librosa.feature.melspectrogram(
            y=clip, sr=16000, n_fft=512, hop_length=160, center=False, n_mels=40, dtype=np.float64
        )
        decibels = librosa.power_to_db(power, amin=1e-10, top_db=None)
        return librosa.feature.mfcc(S=decibels, n_mfcc=20)

    assert_agrees(config, oracle)


def test_librosa_lifts_each_coefficient_by_the_weight_of_the_next():
    decibels = np.random.default_rng(0).standard_normal((40, 7))
    ratio = librosa.feature.mfcc(S=decibels, n_mfcc=12, lifter=22) / librosa.feature.mfcc(
        S=decibels, n_mfcc=12
    )
    plain, lifted = (cosine_basis(13, 40, dct_norm="ortho", lifter=lifter) for lifter in (0.0, 22.0))
    np.testing.assert_allclose(ratio[:, 0], (lifted / plain)[1:, 0], rtol=1e-12)


def test_lifter_is_that_of_kaldi():
    torchaudio = torchaudio_module()
    with float64():
        weights = torchaudio.compliance.kaldi._get_lifter_coeffs(13, 22.0).numpy()
    plain, lifted = (cosine_basis(13, 23, dct_norm="ortho", lifter=lifter) for lifter in (0.0, 22.0))
    np.testing.assert_allclose(lifted, weights[:, None] * plain, atol=1e-12)


@pytest.mark.parametrize("dct_norm", ["ortho", None])
def test_mfcc_is_that_of_torchaudio(dct_norm):
    torchaudio = torchaudio_module()
    with float64():
        transform = torchaudio.transforms.MFCC(
            n_mfcc=20,
            norm=dct_norm,
            melkwargs={"n_fft": 512, "hop_length": 160, "n_mels": 40, "center": False},
        )
    transform.amplitude_to_DB.top_db = (
        None  # 80 dB below the loudest of the clip, which is no frame's to know
    )
    config = MFCCConfig(win_length=512, n_mfcc=20, dct_norm=dct_norm, **DECIBELS)
    assert_agrees(config, lambda clip: transform(torch.tensor(clip)).numpy())


def test_lfcc_is_that_of_torchaudio():
    torchaudio = torchaudio_module()
    with float64():
        transform = torchaudio.transforms.LFCC(
            n_filter=60, n_lfcc=20, speckwargs={"n_fft": 512, "hop_length": 160, "center": False}
        )
    transform.amplitude_to_DB.top_db = None
    config = LFCCConfig(win_length=512, n_bands=60, n_lfcc=20, **DECIBELS)
    assert_agrees(config, lambda clip: transform(torch.tensor(clip)).numpy())


@pytest.mark.parametrize(
    ("config", "bands"),
    [
        (MFCCConfig(n_mfcc=4, lifter=22, f_min=100.0), LogMelConfig(f_min=100.0)),
        (LFCCConfig(n_lfcc=4, dct_norm="htk", f_max=7000.0), LinearSpectrogramConfig(f_max=7000.0)),
    ],
    ids=["mfcc", "lfcc"],
)
def test_coefficients_are_the_sums_that_the_docstring_writes(config, bands):
    clip = CLIPS["noise at 0 dB"]
    log = ours(bands, clip)
    for k, row in enumerate(ours(config, clip)):
        norm = np.sqrt((1 if k == 0 and config.dct_norm == "ortho" else 2) / 40)
        lift = 1 + config.lifter / 2 * np.sin(np.pi * k / config.lifter) if config.lifter else 1.0
        expected = sum(log[j] * np.cos(np.pi * k * (j + 0.5) / 40) for j in range(40)) * norm * lift
        np.testing.assert_allclose(row, expected, rtol=1e-5, atol=1e-4)


def test_each_coefficient_hears_the_whole_band():
    assert MFCC(MFCCConfig(n_mfcc=3, f_min=20.0)).band_edges_hz == [(20.0, 8000.0)] * 3
    assert LFCC(LFCCConfig(n_lfcc=2, f_max=4000.0)).band_edges_hz == [(0.0, 4000.0)] * 2


def test_silence_is_finite():
    for front_end in (MFCC(MFCCConfig()), MFCC(MFCCConfig(lifter=22, **DECIBELS)), LFCC(LFCCConfig())):
        features = front_end(torch.zeros(2, 1000))
        assert features.isfinite().all()
        torch.testing.assert_close(
            features[:, :, 1:], torch.zeros_like(features[:, :, 1:]), atol=1e-3, rtol=0.0
        )


CEPSTRAL = [
    ({"dct_norm": "l2"}, "dct_norm='l2' must be 'ortho', 'htk' or None"),
    ({"lifter": -1}, "lifter=-1 must be 0, for none, or positive; 22 is Kaldi's"),
    ({"lifter": float("nan")}, "lifter=nan must be 0, for none, or positive; 22 is Kaldi's"),
    ({"lifter": float("inf")}, "lifter=inf must be 0, for none, or positive; 22 is Kaldi's"),
    ({"scale": "linear"}, "scale='linear' must be 'log', 'log10' or 'db': a cepstrum is made of logarithms"),
]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *CEPSTRAL,
        ({"n_mfcc": 0}, "n_mfcc=0 must be a positive integer; 13 is the default"),
        ({"n_mfcc": 41}, "n_mfcc=41 must be at most n_mels=40, the bands that they are made of"),
        ({"n_mels": 0}, "n_mels=0 must be a positive integer; 40 is the default"),
    ],
)
def test_impossible_mfcc_configs_say_what_would_work(changes, message):
    with pytest.raises(ParameterError) as error:
        replace(MFCCConfig(), **changes)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *CEPSTRAL,
        ({"n_lfcc": 2.5}, "n_lfcc=2.5 must be a positive integer; 20 is the default"),
        ({"n_bands": 19}, "n_lfcc=20 must be at most n_bands=19, the bands that they are made of"),
    ],
)
def test_impossible_lfcc_configs_say_what_would_work(changes, message):
    with pytest.raises(ParameterError) as error:
        replace(LFCCConfig(), **changes)
    assert str(error.value) == message
