"""Spectrograms against physics, and log-mel against three libraries on speech."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from oracles import KALDI_NATIVE_WITHIN, assert_agrees, kaldi_native_fbank, librosa_mel, ours, torchaudio_mel
from signals import LEVELS_DB, signals

from audiocnn.data.espeak import Utterance, Voice, speak
from audiocnn.frontends import LogMelConfig, SpectrogramConfig
from audiocnn.frontends.presets import PRESETS

# One recording a word, beside the project where they are at hand (Arabic Speech Commands, CC BY 4.0).
RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "arabic_speech_commands"
WORDS = ("backward", "cancel", "digit", "nine", "yes")


def recorded():
    """Words from five speakers."""
    if not RECORDINGS.is_dir():
        pytest.skip(f"no recordings at hand: {RECORDINGS} is no folder")
    clips = [sorted((RECORDINGS / word).glob("*.flac"))[60 * i] for i, word in enumerate(WORDS)]
    return [soundfile.read(path, dtype="float64")[0] for path in clips]


def synthesised():
    """Words that a voice says."""
    pytest.importorskip("espeakng_loader", reason="eSpeak NG is not installed: pip install -e .[synth]")
    said = speak(Voice("en-us", "f3"), [Utterance(text=word) for word in WORDS])
    return [soxr.resample(audio.waveform.double().numpy(), audio.sample_rate, 16000) for audio in said]


@pytest.mark.parametrize("speech", [recorded, synthesised])
@pytest.mark.parametrize("level_db", LEVELS_DB)
@pytest.mark.parametrize("oracle", [librosa_mel, torchaudio_mel])
def test_speech_gives_the_log_mel_of(oracle, level_db, speech):
    config = LogMelConfig()
    for word, clip in zip(WORDS, speech(), strict=True):
        clip = at_level(clip, level_db)
        power = oracle(clip, config)
        assert_agrees(config, clip, power, np.log(power + config.floor), word)


@pytest.mark.parametrize("speech", [recorded, synthesised])
@pytest.mark.parametrize("level_db", LEVELS_DB)
def test_speech_gives_the_log_mel_of_kaldi_native_fbank(level_db, speech):
    for word, clip in zip(WORDS, speech(), strict=True):
        clip = at_level(clip, level_db)
        power, log = kaldi_native_fbank(clip)
        assert_agrees(PRESETS["kaldi"], clip, power, log, word, within=KALDI_NATIVE_WITHIN)


def at_level(clip, level_db):
    """The loudest sample so far below full scale, in numbers that float32 holds exactly."""
    return (clip / np.abs(clip).max() * 10 ** (level_db / 20)).astype(np.float32).astype(np.float64)


def test_a_tone_lands_in_the_bin_of_its_frequency():
    time = np.arange(4000) / 16000
    for hz in (125.0, 250.0, 1000.3, 3333.0, 7875.0):
        power = ours(SpectrogramConfig(), np.sin(2 * np.pi * hz * time))
        assert (power.argmax(axis=0) == round(hz / 31.25)).all()


def test_a_bin_hears_half_way_to_the_next_ones():
    assert SpectrogramConfig(n_fft=4, win_length=4).band_edges_hz() == [(0, 2000), (2000, 6000), (6000, 8000)]
    assert SpectrogramConfig(n_fft=5, win_length=4).band_edges_hz() == [(0, 1600), (1600, 4800), (4800, 8000)]


def test_a_tone_of_full_scale_has_the_power_of_its_window():
    # A sine in the middle of a bin: half the sum of the window, squared, (480 / 2 / 2)^2 for Hann.
    config = SpectrogramConfig(n_fft=480)
    tone = np.sin(2 * np.pi * 1000.0 * np.arange(4000) / 16000)
    np.testing.assert_allclose(ours(config, tone)[30], 120.0**2, rtol=1e-5)


@pytest.mark.parametrize("n_fft", [480, 512, 513])
def test_parseval(n_fft):
    config = SpectrogramConfig(n_fft=n_fft, hop_length=480, window="rectangular")
    for what, clip in signals(16000, 4800).items():
        power = ours(config, clip)
        # bins stand for negative frequencies too, but for the one at 0 and the one at half the rate
        twice = np.full(len(power), 2.0)
        twice[0] = 1.0
        if n_fft % 2 == 0:
            twice[-1] = 1.0
        energy = (clip.astype(np.float64).reshape(10, 480) ** 2).sum(axis=1)
        np.testing.assert_allclose(twice @ power / n_fft, energy, rtol=1e-5, err_msg=what)


@pytest.mark.parametrize("at", [0, 479, 480, 1000, 1234, 3999])
@pytest.mark.parametrize("hop_length", [160, 500])
def test_a_click_is_in_the_frames_that_see_it_and_in_no_other(at, hop_length):
    config = SpectrogramConfig(hop_length=hop_length, window="hamming")
    click = np.zeros(4000)
    click[at] = 1.0
    power = ours(config, click)
    begins = np.arange(power.shape[1]) * hop_length
    sees = (begins <= at) & (at < begins + 480)
    assert (power[:, ~sees] == 0.0).all()
    # its spectrum is flat, as high as the window is there
    window = 0.54 - 0.46 * np.cos(2 * np.pi * (at - begins[sees]) / 480)
    np.testing.assert_allclose(power[:, sees], np.broadcast_to(window**2, (257, sees.sum())), rtol=1e-5)
