"""A corpus of spoken words made on the spot, for the demo: no recordings of people, nothing to fetch.

eSpeak NG says ten commands and some other words in hundreds of voices. Each time a room is drawn:
its reverberation, its noise, the distance to the microphone.

    text, voice, manner -> eSpeak NG -> trimmed, 16 kHz -> reverberation -> noise -> level -> FLAC

    words/
        yes/en-us+f3.flac              one of each keyword in each voice
        unknown/en-us+f3-tree.flac     words that are no command
        silence/en-us+f3-0.flac        a room where nobody speaks
        words.csv                      what is where: file_name,label,speaker,split
        _noise_/                       rooms, for the `noise` of a training; the demo mixes in none
        _sentences_/                   several words in a row, and in words.csv there, what is said when
        corpus.json                    with which settings all this was made

Synthetic voices are easier to tell words from than people are: what a network scores here says that
it learns, not how well it would understand anybody.
"""

import json
import os
import random
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from audiocnn.data.espeak import VARIANTS, Utterance, Voice, speak, voices
from audiocnn.data.loading import check_workers
from audiocnn.data.manifest import Clip, read_manifest, write_manifest
from audiocnn.data.rooms import mix, reverberate, room_noise, room_response
from audiocnn.data.splits import split_clips
from audiocnn.errors import ParameterError
from audiocnn.resampling import Samples, resample

__all__ = ["KEYWORDS", "SILENCE", "TEST_WORDS", "TRAINING_WORDS", "UNKNOWN", "write_corpus"]

KEYWORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
"""The commands; each is a label."""

UNKNOWN = "unknown"
"""The label of words that are no command."""

SILENCE = "silence"
"""The label of rooms where nobody speaks."""

TRAINING_WORDS = (
    *("bed", "bird", "cat", "dog", "eight", "five", "four", "happy", "house", "nine", "seven", "six"),
    *("three", "two", "wow", "zero"),
    *("ape", "doubt", "in", "less", "lift", "light", "low", "step"),  # near a keyword
)
"""Words that are no command; each voice says some."""

TEST_WORDS = (
    *("backward", "follow", "green", "hello", "learn", "marvin", "music", "please", "sheila", "table"),
    *("ten", "tree", "visual", "water", "window"),
    *("hope", "if", "loft", "night", "own", "show", "stock", "town", "yet"),  # near a keyword
)
"""Words that are no command; only voices of the test part say some."""

_SAMPLE_RATE = 16000
_CLIP_LENGTH = 16000
_MARGIN = 1600  # between a word and the ends of its clip, where there is so much
_UNKNOWN_PER_VOICE = 4
_SILENCE_PER_VOICE = 2
_NOISE_RECORDINGS = 10
_NOISE_LENGTH = 10 * _SAMPLE_RATE
_SENTENCES = 6
_WORDS_IN_SENTENCE = 6  # two thirds of them keywords

_VALIDATION = _TEST = 0.15  # parts of the variants
_TRIM = 0.003  # of the peak, -50 dB: softer at the ends is silence
_HIGHEST_PEAK = 0.9

_MANIFEST = "words.csv"
_SETTINGS = "corpus.json"
_FORMAT = 1  # another number for corpora that differ with the same settings


def write_corpus(
    folder: str | os.PathLike[str], *, seed: int = 0, num_voices: int = 300, workers: int | None = None
) -> list[Clip]:
    """Make the corpus, or find it made.

    Each voice says each keyword and four other words, and gets two clips of silence. All are
    1 s at 16 kHz: the word anywhere in it, its reverberation as far as it fits, and noise throughout.

    The split is by eSpeak's *variant*, which is who speaks: nobody is in two of its parts, with
    whatever accent. 15 % of the variants are for validation, 15 % for the test. Half of the words that
    the test voices may say for `unknown` are in no other part; no noise is in two clips.

    The seed and a clip's own name decide all that is drawn for it, so that the number of workers
    changes nothing, and two machines get the same corpus, up to how they round.

    The folder appears when all is done, so that what broke off is not taken for a corpus. One that
    is there already, made with the same settings, is used again.

    Args:
        folder: where to; it must not exist, or be empty, or hold such a corpus.
        seed: another seed draws other voices, another split, and other rooms.
        num_voices: how many voices speak, at least 3. Variants take turns, each with a drawn accent.
        workers: threads; None takes as many as there are processors.

    Returns:
        The clips that `words.csv` lists, with labels, splits, and the variants as speakers; silence
        has the speaker of the voice it was drawn for.

    Raises:
        ParameterError: if eSpeak NG is not installed, a number is outside its range, or the folder
            holds anything else.
        ManifestError: if files are missing from a corpus that is there.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     clips = write_corpus(Path(folder) / "words", num_voices=3)
    >>> len(clips), sorted({clip.split for clip in clips})
    (48, ['test', 'train', 'validation'])
    """
    if not 3 <= num_voices <= len(voices()):
        raise ParameterError(
            f"num_voices={num_voices} must be from 3, one for each split, to {len(voices())}"
        )
    if seed < 0:
        raise ParameterError(f"seed={seed} must not be negative")
    check_workers(workers)
    folder = Path(folder).absolute()
    settings = {"made_by": __name__, "format": _FORMAT, "seed": seed, "num_voices": num_voices}
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        if _settings_of(folder) != settings:
            raise ParameterError(
                f"folder={folder} holds something else than the corpus of seed={seed} and "
                f"num_voices={num_voices}; name another folder, or remove this one"
            )
        return read_manifest(folder / _MANIFEST)

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        made = Path(scratch) / folder.name
        _fill(made, seed=seed, num_voices=num_voices, workers=workers or os.cpu_count())
        (made / _SETTINGS).write_text(json.dumps(settings))
        try:
            if folder.is_dir():
                folder.rmdir()
            made.rename(folder)
        except OSError:
            if _settings_of(folder) != settings:  # else another process was faster
                raise
    return read_manifest(folder / _MANIFEST)


def _settings_of(folder: Path) -> object:
    """The settings that a folder's corpus was made with; None where there is no corpus."""
    try:
        return json.loads((folder / _SETTINGS).read_text())
    except (OSError, ValueError):
        return None


def _fill(folder: Path, *, seed: int, num_voices: int, workers: int | None) -> None:
    """Write the whole corpus into a new folder."""
    for name in (*KEYWORDS, UNKNOWN, SILENCE, "_noise_", "_sentences_"):
        (folder / name).mkdir(parents=True)
    chosen = _choose_voices(num_voices, seed)
    # one clip stands for each voice, to be split by speaker
    split = split_clips(
        [Clip(path=Path(voice.name), label=None, speaker=voice.variant) for voice in chosen],
        seed=seed,
        validation=_VALIDATION,
        test=_TEST,
    )
    splits = [clip.split or "" for clip in split]
    in_test = [voice for voice, split in zip(chosen, splits, strict=True) if split == "test"]
    random.Random(f"{seed} sentences").shuffle(in_test)
    of_sentences = list({voice.variant: voice for voice in in_test}.values())[:_SENTENCES]
    with ThreadPoolExecutor(workers) as pool:
        of_voices = pool.map(lambda voice, split: _write_voice(folder, voice, split, seed), chosen, splits)
        sentences = pool.map(lambda voice: _write_sentence(folder, voice, seed), of_sentences)
        noises = pool.map(lambda i: _write_noise(folder, i, seed), range(_NOISE_RECORDINGS))
        write_manifest(folder / _MANIFEST, sorted((c for clips in of_voices for c in clips), key=_path))
        write_manifest(folder / "_sentences_" / _MANIFEST, [c for clips in sentences for c in clips])
        list(noises)  # raises what they raised


def _choose_voices(count: int, seed: int) -> list[Voice]:
    """As many voices, sorted: of each variant one, in a drawn order, then of each another one."""
    draw = random.Random(f"{seed} voices")
    accents_of = {variant: [v for v in voices() if v.variant == variant] for variant in VARIANTS}
    for voices_of_variant in accents_of.values():
        draw.shuffle(voices_of_variant)
    rounds = [list(voices_of_round) for voices_of_round in zip(*accents_of.values(), strict=True)]
    for voices_of_round in rounds:
        draw.shuffle(voices_of_round)
    return sorted([voice for voices_of_round in rounds for voice in voices_of_round][:count])


def _write_voice(folder: Path, voice: Voice, split: str, seed: int) -> list[Clip]:
    """Write all clips of a voice."""
    words = TRAINING_WORDS + TEST_WORDS if split == "test" else TRAINING_WORDS
    unknown = _generator(seed, voice.name).choice(words, _UNKNOWN_PER_VOICE, replace=False).tolist()
    names = [f"{word}/{voice.name}.flac" for word in KEYWORDS]
    names += [f"{UNKNOWN}/{voice.name}-{word}.flac" for word in unknown]
    draws = [_generator(seed, name) for name in names]
    said = _say(voice, [*KEYWORDS, *unknown], draws)
    for name, word, draw in zip(names, said, draws, strict=True):
        _write(folder / name, _word_clip(word, draw))
    for i in range(_SILENCE_PER_VOICE):
        names.append(f"{SILENCE}/{voice.name}-{i}.flac")
        _write(folder / names[-1], _room(_CLIP_LENGTH, _generator(seed, names[-1])))
    return [
        Clip(path=folder / name, label=name.partition("/")[0], speaker=voice.variant, split=split)
        for name in names
    ]


def _write_sentence(folder: Path, voice: Voice, seed: int) -> list[Clip]:
    """Write a recording of several words with pauses between them, and tell where each is."""
    path = folder / "_sentences_" / f"{voice.name}.flac"
    draw = _generator(seed, f"_sentences_/{voice.name}.flac")
    count = _WORDS_IN_SENTENCE * 2 // 3
    words = draw.choice(KEYWORDS, count, replace=False).tolist()
    words += draw.choice(TEST_WORDS, _WORDS_IN_SENTENCE - count, replace=False).tolist()
    draw.shuffle(words)
    pieces: list[Samples] = []
    clips = []
    end = 0
    for word, samples in zip(words, _say(voice, words, [draw] * len(words)), strict=True):
        pause = int(draw.uniform(0.5, 1.0) * _SAMPLE_RATE)
        start, end = end + pause, end + pause + len(samples)
        pieces += [np.zeros(pause, np.float32), samples]
        clips.append(
            Clip(
                path=path,
                label=word if word in KEYWORDS else UNKNOWN,
                speaker=voice.variant,
                split="test",
                start=start / _SAMPLE_RATE,
                stop=end / _SAMPLE_RATE,
            )
        )
    _write(path, _recorded(np.concatenate(pieces), 0, end + _SAMPLE_RATE, draw))
    return clips


def _write_noise(folder: Path, number: int, seed: int) -> None:
    """Write a recording of a room."""
    name = f"_noise_/{number}.flac"
    _write(folder / name, _room(_NOISE_LENGTH, _generator(seed, name)))


def _say(voice: Voice, texts: Sequence[str], draws: Sequence[np.random.Generator]) -> list[Samples]:
    """Each text in a manner of its own draw, at the corpus' rate, without the silence around it."""
    utterances = [
        Utterance(
            text=text + str(draw.choice(["", "?", "!"])),
            words_per_minute=int(draw.integers(130, 231)),
            pitch=int(draw.integers(30, 71)),
            pitch_range=int(draw.integers(20, 81)),
        )
        for text, draw in zip(texts, draws, strict=True)
    ]
    words = []
    for waveform, sample_rate in speak(voice, utterances):
        word = resample(waveform, sample_rate, _SAMPLE_RATE).numpy()
        loud = np.flatnonzero(np.abs(word) > _TRIM * np.abs(word).max())
        words.append(word[loud[0] : loud[-1] + 1])
    return words


def _word_clip(word: Samples, draw: np.random.Generator) -> Samples:
    """A word somewhere in a clip, with some room around it where it leaves any."""
    word = word[:_CLIP_LENGTH]
    spare = _CLIP_LENGTH - len(word)
    margin = min(_MARGIN, spare // 2)
    start = int(draw.integers(margin, spare - margin + 1))
    return _recorded(word, start, _CLIP_LENGTH, draw)


def _recorded(speech: Samples, start: int, length: int, draw: np.random.Generator) -> Samples:
    """Speech as it is recorded in a drawn room, at a drawn distance and level."""
    response = room_response(
        rt60_seconds=draw.uniform(0.1, 0.6),
        direct_to_reverberant_db=draw.uniform(0, 15),
        sample_rate=_SAMPLE_RATE,
        generator=draw,
    )
    heard = reverberate(speech, response)[: length - start]
    noise = room_noise(length, sample_rate=_SAMPLE_RATE, generator=draw)
    recorded = mix(heard, noise, snr_db=draw.uniform(5, 35), start=start)
    recorded *= _HIGHEST_PEAK / np.abs(recorded).max() * 10 ** (draw.uniform(-24, 0) / 20)
    return recorded


def _room(length: int, draw: np.random.Generator) -> Samples:
    """A drawn room where nobody speaks, as loud as it may be behind a word."""
    noise = room_noise(length, sample_rate=_SAMPLE_RATE, generator=draw)
    noise *= min(10 ** (draw.uniform(-65, -25) / 20), _HIGHEST_PEAK / np.abs(noise).max())
    return noise


def _write(path: Path, samples: Samples) -> None:
    integers: npt.NDArray[np.int16] = np.round(samples * 32768).astype(np.int16)
    soundfile.write(path, integers, _SAMPLE_RATE)


def _generator(seed: int, name: str) -> np.random.Generator:
    """A generator whose numbers hang on the seed and the name alone."""
    return np.random.default_rng([seed, *name.encode()])


def _path(clip: Clip) -> Path:
    return clip.path
