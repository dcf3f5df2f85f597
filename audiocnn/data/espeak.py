"""Words spoken by eSpeak NG: text and a voice in, a waveform out.

The synthesizer, https://github.com/espeak-ng/espeak-ng, is a C library. The package
`espeakng_loader`, which the extra `synth` installs, brings it and its data; no other
software is needed, and nothing is fetched.

A voice is an accent, which is how words are pronounced, and a variant, which is the person
one hears: formants, pitch, roughness. So whoever parts voices into learned from and judged
on parts the *variants*: one person with two accents is still one person.

The library keeps its state in global variables: pitch flutter, noise and gain run on from one
text to the next. It is therefore loaded afresh for every call of `speak`, which makes the
samples a function of the arguments alone, and a lock lets one thread at a time use it. Do not
run other software in the same process that has loaded the same library file: it would share,
and lose, that state.
"""

import contextlib
import ctypes
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import torch

from audiocnn.audio import Audio
from audiocnn.errors import ParameterError

if sys.platform == "win32":
    from _ctypes import FreeLibrary as _unload
else:
    from _ctypes import dlclose as _unload

__all__ = ["ACCENTS", "VARIANTS", "Utterance", "Voice", "speak", "synthesize", "voices"]

_FILES = {
    "en-029": "gmw/en-029",
    "en-gb": "gmw/en",
    "en-gb-scotland": "gmw/en-GB-scotland",
    "en-gb-x-gbclan": "gmw/en-GB-x-gbclan",
    "en-gb-x-gbcwmd": "gmw/en-GB-x-gbcwmd",
    "en-gb-x-rp": "gmw/en-GB-x-rp",
    "en-us": "gmw/en-US",
    "en-us-nyc": "gmw/en-US-nyc",
}
ACCENTS = tuple(_FILES)
"""The English of the Caribbean, Great Britain, Scotland, Lancaster, the West Midlands, Received
Pronunciation, America and New York City."""

# Left out of the 104 that eSpeak NG 1.52 has: machines and monsters (robosoft to robosoft8, UniRobot,
# anikaRobot, RicishayMax to RicishayMax3, announcer, Demonic), whispers (whisper, whisperf, caleb),
# fast, which is the default voice, and Reed, whose breath is drawn by the C library's rand(). Of
# variants whose files repeat each other's formants, or whose mean mel spectra differ by less than
# 1.5 dB, one stands for all: AnxiousAndy is Andy; Gene2 Gene; Henrique, Hugo, michel and miguel Diogo;
# Mr serious and Tweaky john; aunty f4; edward2 benjamin; iven2 to iven4 iven; klatt2, klatt3 and
# klatt5 klatt and klatt4; klatt6 adam; m3 Mike; robert rob; steph2 and steph3 steph.
VARIANTS = (
    *("Alex", "Alicia", "Andrea", "Andy", "Annie", "Denis", "Diogo", "Gene", "Jacky", "Lee", "Marco"),
    *("Mario", "Michael", "Mike", "Nguyen", "Storm", "adam", "anika", "antonio", "belinda", "benjamin"),
    *("boris", "croak", "david", "ed", "edward", "f1", "f2", "f3", "f4", "f5", "grandma", "grandpa"),
    *("gustave", "ian", "iven", "john", "kaukovalta", "klatt", "klatt4", "linda", "m1", "m2", "m4", "m5"),
    *("m6", "m7", "m8", "marcelo", "max", "mike2", "norbert", "pablo", "paul", "pedro", "quincy", "rob"),
    *("sandro", "shelby", "steph", "travis", "victor", "zac"),
)
"""The persons: those of eSpeak NG's variants that sound like one, and like nobody else of them."""

_INSTALL = 'python -m pip install -e ".[synth]"'

# numbers of eSpeak's speak_lib.h
_SYNCHRONOUS = 2  # espeak_Synth returns when all is said, and hands the samples to a callback
_DO_NOT_EXIT = 0x8000  # where the data are missing, do not end the process
_UTF8 = 1
_END_PAUSE = 0x1000  # lets echoes die away
_RATE = 1
_VOLUME = 2
_PITCH = 3
_RANGE = 4

_BUFFER_MS = 2000  # of samples that one callback hands over
# At the usual 100 the loud voices reach full scale, where eSpeak turns them down while they speak.
_QUARTER_VOLUME = 25
_FULL_SCALE = 32768

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
_LOCK = threading.Lock()


class Voice(NamedTuple):
    """Who speaks, and how.

    Attributes:
        accent: one of `ACCENTS`.
        variant: one of `VARIANTS`.

    >>> Voice("en-us", "f3").name
    'en-us+f3'
    """

    accent: str
    variant: str

    @property
    def name(self) -> str:
        """The two in one, as eSpeak writes it."""
        return f"{self.accent}+{self.variant}"


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """What is said, and in which manner.

    Attributes:
        text: English words. A question mark or an exclamation mark changes the melody.
        words_per_minute: how fast, 80 to 450.
        pitch: how high, 0 to 99; 50 is the voice's own, and the ends are half an octave or more away.
        pitch_range: how lively the melody, 0 to 99; 50 is the voice's own.

    Raises:
        ParameterError: if a number is outside its range.
    """

    text: str
    words_per_minute: int = 175
    pitch: int = 50
    pitch_range: int = 50

    def __post_init__(self) -> None:
        if not 80 <= self.words_per_minute <= 450:
            raise ParameterError(
                f"words_per_minute={self.words_per_minute} must be from 80 to 450; 175 is usual"
            )
        for name, value in (("pitch", self.pitch), ("pitch_range", self.pitch_range)):
            if not 0 <= value <= 99:
                raise ParameterError(f"{name}={value} must be from 0 to 99; 50 is the voice's own")


def voices() -> list[Voice]:
    """Every accent with every variant, sorted; the same on every machine.

    >>> len(voices()), voices()[0]
    (504, Voice(accent='en-029', variant='Alex'))
    """
    return sorted(Voice(accent, variant) for accent in ACCENTS for variant in VARIANTS)


def synthesize(
    text: str, *, voice: Voice, words_per_minute: int = 175, pitch: int = 50, pitch_range: int = 50
) -> Audio:
    """Say a text.

    Args:
        text: as for `Utterance`.
        voice: who speaks.
        words_per_minute: as for `Utterance`.
        pitch: as for `Utterance`.
        pitch_range: as for `Utterance`.

    Returns:
        The waveform `(time,)`, with the silence that eSpeak puts around it, and its sample rate, 22050 Hz.

    Raises:
        ParameterError: as `Utterance` and `speak` do.

    >>> waveform, sample_rate = synthesize("yes", voice=Voice("en-us", "f3"))
    >>> 0.5 < len(waveform) / sample_rate < 0.9, sample_rate
    (True, 22050)
    """
    utterance = Utterance(text=text, words_per_minute=words_per_minute, pitch=pitch, pitch_range=pitch_range)
    return speak(voice, [utterance])[0]


def speak(voice: Voice, utterances: Sequence[Utterance]) -> list[Audio]:
    """Let a voice say one thing after the other.

    That is several times faster than one by one, since eSpeak is loaded once; and what is said
    depends a little on what was said before, as the pitch flutters on. Whoever gives the same list
    gets the same samples.

    Args:
        voice: who speaks.
        utterances: what is said, and how.

    Returns:
        For each utterance what `synthesize` returns for a text.

    Raises:
        ParameterError: if the package that brings eSpeak NG is not installed, there is no such
            voice, or a text holds nothing that can be said.

    >>> said = speak(Voice("en-gb", "m1"), [Utterance(text="left"), Utterance(text="right", pitch=60)])
    >>> [audio.sample_rate for audio in said]
    [22050, 22050]
    """
    for name, value, known in (("accent", voice.accent, ACCENTS), ("variant", voice.variant, VARIANTS)):
        if value not in known:
            raise ParameterError(f"{name}={value!r} must be one of {', '.join(known)}")
    with _espeak(voice) as (library, sample_rate):
        chunks: list[bytes] = []

        def keep(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int | None) -> int:
            if samples and count:  # no samples, a null pointer, when all is said
                chunks.append(ctypes.string_at(samples, 2 * count))
            return 0  # go on

        callback = _Callback(keep)  # named, since it must outlive the calls
        library.espeak_SetSynthCallback(callback)
        said = []
        for utterance in utterances:
            library.espeak_SetVoiceByName(_espeak_name(voice))  # forgets the echo of what was said last
            library.espeak_SetParameter(_VOLUME, _QUARTER_VOLUME, 0)
            library.espeak_SetParameter(_RATE, utterance.words_per_minute, 0)
            library.espeak_SetParameter(_PITCH, utterance.pitch, 0)
            library.espeak_SetParameter(_RANGE, utterance.pitch_range, 0)
            text = utterance.text.replace("\0", " ").encode()
            library.espeak_Synth(text, len(text) + 1, 0, 0, 0, _UTF8 | _END_PAUSE, None, None)
            samples = torch.frombuffer(bytearray(b"".join(chunks)), dtype=torch.int16)
            chunks.clear()
            if not samples.any():
                raise ParameterError(f"text={utterance.text!r} holds nothing that can be said; give a word")
            said.append(Audio(samples.float() / _FULL_SCALE, sample_rate))
    return said


@contextlib.contextmanager
def _espeak(voice: Voice) -> Iterator[tuple[ctypes.CDLL, int]]:
    """The library as it is when newly loaded, set to a voice, and its sample rate; unloaded at the end."""
    loader = _loader()
    data = Path(loader.get_data_path())
    with _LOCK:
        library = ctypes.CDLL(loader.get_library_path())
        try:
            library.espeak_Synth.argtypes = (
                *(ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int),
                *(ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p),
            )
            sample_rate = library.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, os.fsencode(data), _DO_NOT_EXIT)
            if sample_rate <= 0:
                raise ParameterError(f"eSpeak NG cannot use its data in {data}; install it again: {_INSTALL}")
            library.espeak_ng_SetRandSeed(ctypes.c_long(1))  # else its breath is seeded by the clock
            is_there = (data / "voices" / "!v" / voice.variant).is_file()  # eSpeak would just leave it out
            if not is_there or library.espeak_SetVoiceByName(_espeak_name(voice)) != 0:
                raise ParameterError(f"eSpeak NG has no {voice.name} in {data}; install it again: {_INSTALL}")
            yield library, sample_rate
        finally:
            library.espeak_Terminate()
            _unload(library._handle)


def _espeak_name(voice: Voice) -> bytes:
    return f"{_FILES[voice.accent]}+{voice.variant}".encode()


def _loader() -> ModuleType:
    """The package that brings the library and its data."""
    try:
        import espeakng_loader
    except ImportError:
        raise ParameterError(
            f"speech synthesis needs the package espeakng_loader, which the extra synth brings: {_INSTALL}"
        ) from None
    loader: ModuleType = espeakng_loader
    return loader
