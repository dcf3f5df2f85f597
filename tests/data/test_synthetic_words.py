"""The corpus is complete, split by voice, the same however it is made, and there only when finished."""

import itertools
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiocnn.data import synthetic_words
from audiocnn.data.espeak import VARIANTS, voices
from audiocnn.data.manifest import Clip, find_files, read_manifest
from audiocnn.data.synthetic_words import (
    KEYWORDS,
    SILENCE,
    TEST_WORDS,
    TRAINING_WORDS,
    UNKNOWN,
    write_corpus,
)
from audiocnn.errors import ManifestError, ParameterError

VOICES = 10


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Clip]]:
    """A corpus of few voices, and its clips."""
    pytest.importorskip(
        "espeakng_loader", reason='eSpeak NG is not installed: python -m pip install -e ".[synth]"'
    )
    folder = tmp_path_factory.mktemp("synthetic") / "words"
    return folder, write_corpus(folder, num_voices=VOICES, workers=2)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def read(path: Path) -> np.ndarray:
    samples, sample_rate = soundfile.read(path, dtype="float64")
    assert sample_rate == 16000
    return samples


def word_of(clip: Clip) -> str:
    """What is said in an `unknown` clip; its name tells."""
    return clip.path.stem.rpartition("-")[2]


def test_each_voice_says_each_keyword_and_some_other_words_and_is_silent_twice(corpus) -> None:
    _, clips = corpus
    said = defaultdict(Counter)
    for clip in clips:
        voice = clip.path.stem if clip.label in KEYWORDS else clip.path.stem.rpartition("-")[0]
        said[voice][clip.label] += 1
        assert voice.partition("+")[2] == clip.speaker
        assert clip.path.parent.name == clip.label
    assert len(said) == VOICES
    assert all(counts == {**dict.fromkeys(KEYWORDS, 1), UNKNOWN: 4, SILENCE: 2} for counts in said.values())
    assert set(said) <= {voice.name for voice in voices()}


def test_the_manifest_and_the_folder_give_the_clips(corpus) -> None:
    folder, clips = corpus
    assert read_manifest(folder / "words.csv") == clips
    assert {(clip.path, clip.label) for clip in read_manifest(folder)} == {
        (clip.path, clip.label) for clip in clips
    }


def test_a_clip_is_one_second_of_16_bit_flac_that_is_neither_clipped_nor_silent(corpus) -> None:
    _, clips = corpus
    for clip in clips:
        info = soundfile.info(clip.path)
        assert (info.format, info.subtype, info.channels, info.frames) == ("FLAC", "PCM_16", 1, 16000)
        samples = read(clip.path)
        assert 10 / 32768 < np.abs(samples).max() <= 0.9 + 1 / 32768
        assert np.count_nonzero(samples) > 8000  # there is noise throughout


def test_no_two_recordings_are_alike(corpus) -> None:
    folder, clips = corpus
    recordings = [content for name, content in contents(folder).items() if name.endswith(".flac")]
    persons = {clip.speaker for clip in clips if clip.split == "test"}
    assert len(recordings) == 16 * VOICES + 10 + len(persons)  # each of them says a sentence
    assert len(set(recordings)) == len(recordings)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("count", [3, 10, 300, 504])
def test_voices_are_all_different_and_their_persons_take_turns(seed: int, count: int) -> None:
    chosen = synthetic_words._choose_voices(count, seed)
    assert len(set(chosen)) == count
    assert chosen == sorted(chosen)
    turns = Counter(voice.variant for voice in chosen)
    assert len(turns) == min(count, len(VARIANTS))
    assert max(turns.values()) - min(turns.values()) <= 1


def test_another_seed_chooses_other_voices() -> None:
    assert synthetic_words._choose_voices(100, 0) != synthetic_words._choose_voices(100, 1)


def test_no_person_is_in_two_splits(corpus) -> None:
    _, clips = corpus
    speakers = {
        split: {clip.speaker for clip in clips if clip.split == split}
        for split in ("train", "validation", "test")
    }
    assert all(speakers.values())
    for one, other in itertools.combinations(speakers.values(), 2):
        assert not one & other


def test_words_of_the_test_are_said_in_the_test_alone(corpus) -> None:
    _, clips = corpus
    assert len({*KEYWORDS, *TRAINING_WORDS, *TEST_WORDS}) == 10 + 24 + 24
    for clip in clips:
        if clip.label == UNKNOWN:
            allowed = TRAINING_WORDS + TEST_WORDS if clip.split == "test" else TRAINING_WORDS
            assert word_of(clip) in allowed


def test_sentences_hold_their_words_where_the_manifest_says(corpus) -> None:
    folder, clips = corpus
    parts = read_manifest(folder / "_sentences_" / "words.csv")
    in_test = {clip.speaker for clip in clips if clip.split == "test"}
    for path, of_file in itertools.groupby(parts, key=lambda clip: clip.path):
        samples = read(path)
        words = list(of_file)
        assert {clip.speaker for clip in words} <= in_test
        assert Counter(clip.label in KEYWORDS for clip in words) == {True: 4, False: 2}
        assert {clip.label for clip in words} <= {*KEYWORDS, UNKNOWN}
        edges = [0.0, *(t for clip in words for t in (clip.start, clip.stop)), len(samples) / 16000]
        assert edges == sorted(edges)
        power = [
            np.square(samples[round(start * 16000) : round(stop * 16000)]).mean()
            for start, stop in itertools.pairwise(edges)
        ]
        pauses, spoken = power[::2], power[1::2]
        assert np.mean(spoken) > 2 * np.mean(pauses)
        assert all(stop - start >= 0.5 for start, stop in zip(edges[::2], edges[1::2], strict=True))


def test_the_noise_is_ten_recordings_of_ten_seconds(corpus) -> None:
    folder, _ = corpus
    recordings = find_files(folder / "_noise_")
    assert [len(read(path)) for path in recordings] == [160000] * 10


def test_workers_change_nothing_and_more_voices_only_add(corpus, tmp_path: Path) -> None:
    folder, clips = corpus
    few = contents(folder)
    write_corpus(tmp_path / "one", num_voices=VOICES, workers=1)
    assert contents(tmp_path / "one") == few
    write_corpus(tmp_path / "more", num_voices=VOICES + 3, workers=3)
    more = contents(tmp_path / "more")
    said = [f"{clip.label}/{clip.path.name}" for clip in clips if clip.label != UNKNOWN]
    assert {name: more[name] for name in said} == {name: few[name] for name in said}


def test_another_seed_makes_another_corpus(corpus, tmp_path: Path) -> None:
    few = contents(corpus[0])
    write_corpus(tmp_path / "other", seed=1, num_voices=3)
    assert not set(contents(tmp_path / "other").values()) & set(few.values())


def test_a_finished_corpus_is_used_again_even_without_espeak(corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, clips = corpus
    before = contents(folder)
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    assert write_corpus(folder, num_voices=VOICES) == clips
    assert contents(folder) == before


def test_a_corpus_that_lost_files_is_told(corpus, tmp_path: Path) -> None:
    clips = write_corpus(tmp_path / "words", num_voices=3)
    clips[5].path.unlink()
    with pytest.raises(ManifestError, match=r"words.csv has bad rows \(1\):\n  line 7: "):
        write_corpus(tmp_path / "words", num_voices=3)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_what_breaks_off_leaves_nothing(
    corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    calls = itertools.count()

    def write(path: Path, samples: np.ndarray) -> None:
        if next(calls) == 30:
            raise error("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(synthetic_words, "_write", write)
        with pytest.raises(error):
            write_corpus(tmp_path / "here" / "words", num_voices=3)
    assert list((tmp_path / "here").iterdir()) == []
    (tmp_path / "here" / "words").mkdir()
    assert len(write_corpus(tmp_path / "here" / "words", num_voices=3)) == 48


def test_a_folder_of_something_else_is_left_alone(corpus, tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "mine.txt").touch()
    (tmp_path / "file").touch()
    for folder, seed in (("words", 0), ("file", 0), (corpus[0], 1)):
        with pytest.raises(ParameterError) as error:
            write_corpus(tmp_path / folder, seed=seed, num_voices=VOICES)
        assert str(error.value) == (
            f"folder={tmp_path / folder} holds something else than the corpus of seed={seed} and "
            f"num_voices={VOICES}; name another folder, or remove this one"
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_voices": 2}, "num_voices=2 must be from 3, one for each split, to 504"),
        ({"num_voices": 505}, "num_voices=505 must be from 3, one for each split, to 504"),
        ({"seed": -1}, "seed=-1 must not be negative"),
        ({"workers": 0}, "workers=0 must be a positive integer, or None for the machine's own"),
    ],
)
def test_numbers_that_cannot_work(tmp_path: Path, arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ParameterError) as error:
        write_corpus(tmp_path / "words", **arguments)
    assert str(error.value) == message
    assert list(tmp_path.iterdir()) == []


def test_without_espeak_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(ParameterError, match=r"^speech synthesis needs the package espeakng_loader, "):
        write_corpus(tmp_path / "words", num_voices=3)
    assert list(tmp_path.iterdir()) == []
