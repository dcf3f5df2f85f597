"""A voice says what it is told, higher, faster, and always with the same samples."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from audiocnn.data.espeak import ACCENTS, VARIANTS, Utterance, Voice, speak, synthesize, voices
from audiocnn.errors import ParameterError

INSTALL = 'python -m pip install -e ".[synth]"'
ADA = Voice("en-us", "f3")


def needs_espeak() -> None:
    pytest.importorskip("espeakng_loader", reason=f"eSpeak NG is not installed: {INSTALL}")


def yes_and_stop(voice: Voice) -> list[torch.Tensor]:
    return [audio.waveform for audio in speak(voice, [Utterance(text="yes"), Utterance(text="stop")])]


def pitch_hz(waveform: torch.Tensor, sample_rate: int) -> float:
    """The most frequent period between 50 and 500 Hz, by autocorrelation."""
    spectrum = torch.fft.rfft(waveform, 2 * len(waveform))
    likeness = torch.fft.irfft(spectrum.abs().square())
    shortest, longest = sample_rate // 500, sample_rate // 50
    return sample_rate / (shortest + int(likeness[shortest:longest].argmax()))


def test_without_the_package_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)  # its import now raises
    with pytest.raises(ParameterError) as error:
        synthesize("yes", voice=ADA)
    assert str(error.value) == (
        "speech synthesis needs the package espeakng_loader, which the extra synth brings: " + INSTALL
    )


def test_voices_are_every_accent_with_every_variant_once_and_sorted() -> None:
    assert len(set(VARIANTS)) == len(VARIANTS)
    assert voices() == sorted((accent, variant) for accent in ACCENTS for variant in VARIANTS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"words_per_minute": 79}, "words_per_minute=79 must be from 80 to 450; 175 is usual"),
        ({"words_per_minute": 451}, "words_per_minute=451 must be from 80 to 450; 175 is usual"),
        ({"pitch": 100}, "pitch=100 must be from 0 to 99; 50 is the voice's own"),
        ({"pitch_range": -1}, "pitch_range=-1 must be from 0 to 99; 50 is the voice's own"),
    ],
)
def test_manners_that_there_are_not(change: dict[str, int], message: str) -> None:
    with pytest.raises(ParameterError) as error:
        synthesize("yes", voice=ADA, **change)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("voice", "message"),
    [
        (Voice("de", "f3"), f"accent='de' must be one of {', '.join(ACCENTS)}"),
        (Voice("en-us", "whisper"), f"variant='whisper' must be one of {', '.join(VARIANTS)}"),
    ],
)
def test_voices_that_there_are_not(voice: Voice, message: str) -> None:
    with pytest.raises(ParameterError) as error:
        synthesize("yes", voice=voice)
    assert str(error.value) == message


def test_every_voice_speaks_below_full_scale_and_no_two_alike() -> None:
    needs_espeak()
    recordings = set()
    for voice in voices():
        waveforms = yes_and_stop(voice)
        for waveform in waveforms:
            heard = waveform.abs() > 0.01 * waveform.abs().max()
            assert 0.1 < heard.sum() / 22050 < 1, voice
            assert 0.02 < waveform.abs().max() < 0.8, voice
        recordings.add(torch.cat(waveforms).numpy().tobytes())
    assert len(recordings) == len(voices())


def test_the_same_arguments_give_the_same_samples_whatever_was_said_before_and_when() -> None:
    needs_espeak()
    first = [yes_and_stop(Voice("en-gb", variant)) for variant in VARIANTS]
    synthesize("something else", voice=ADA, words_per_minute=300, pitch=80)
    time.sleep(1.1)  # eSpeak seeds its breath with the second
    for variant, waveforms in zip(reversed(VARIANTS), reversed(first), strict=True):
        again = yes_and_stop(Voice("en-gb", variant))
        assert all(map(torch.equal, waveforms, again)), variant


def test_the_first_utterance_is_what_it_is_alone() -> None:
    needs_espeak()
    alone = synthesize("yes", voice=ADA, pitch=40).waveform
    in_company = speak(ADA, [Utterance(text="yes", pitch=40), Utterance(text="stop")])[0].waveform
    assert torch.equal(alone, in_company)


def test_threads_take_turns() -> None:
    needs_espeak()
    chosen = voices()[::25]
    alone = [yes_and_stop(voice) for voice in chosen]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(yes_and_stop, chosen))
    for waveforms, others in zip(alone, together, strict=True):
        assert all(map(torch.equal, waveforms, others))


@pytest.mark.parametrize("variant", ["Annie", "Marco", "m1"])
def test_a_higher_pitch_is_higher_and_a_faster_rate_shorter(variant: str) -> None:
    needs_espeak()
    voice = Voice("en-us", variant)
    low, own, high = (
        pitch_hz(*synthesize("no", voice=voice, pitch=pitch, pitch_range=0)) for pitch in (0, 50, 99)
    )
    assert low < 0.8 * own < own < high / 1.4
    slow, usual, fast = (
        len(synthesize("left", voice=voice, words_per_minute=rate).waveform) for rate in (100, 175, 350)
    )
    assert slow > 1.3 * usual > 1.3 * 1.3 * fast


def test_a_word_is_16_bit_samples_and_ends_in_silence() -> None:
    needs_espeak()
    waveform, sample_rate = synthesize("yes", voice=Voice("en-us", "m1"))
    assert sample_rate == 22050
    assert waveform.dtype == torch.float32
    assert waveform.dim() == 1
    assert torch.equal(waveform * 32768, (waveform * 32768).round())
    assert not waveform[-100:].any()


def test_text_is_utf8_and_a_zero_in_it_is_a_space() -> None:
    needs_espeak()
    assert not torch.equal(synthesize("cafés", voice=ADA).waveform, synthesize("caf s", voice=ADA).waveform)
    assert torch.equal(synthesize("no\0go", voice=ADA).waveform, synthesize("no go", voice=ADA).waveform)


@pytest.mark.parametrize("text", ["", "  ", "..."])
def test_nothing_to_say_is_an_error_whatever_echoes_and_the_next_word_is_said(text: str) -> None:
    needs_espeak()
    echoing = Voice("en-us", "Marco")
    with pytest.raises(ParameterError) as error:
        speak(echoing, [Utterance(text="yes"), Utterance(text=text)])
    assert str(error.value) == f"text={text!r} holds nothing that can be said; give a word"
    assert synthesize("yes", voice=echoing).waveform.any()


def test_data_that_lack_a_voice_or_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_espeak()
    import espeakng_loader

    data = Path(espeakng_loader.get_data_path())
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(tmp_path))
    with pytest.raises(ParameterError) as error:
        synthesize("yes", voice=ADA)
    assert str(error.value) == f"eSpeak NG cannot use its data in {tmp_path}; install it again: {INSTALL}"
    for part in data.iterdir():
        if part.name != "voices":
            (tmp_path / part.name).symlink_to(part)
    with pytest.raises(ParameterError) as error:
        synthesize("yes", voice=ADA)
    assert str(error.value) == f"eSpeak NG has no en-us+f3 in {tmp_path}; install it again: {INSTALL}"
