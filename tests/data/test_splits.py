"""A split is a fair draw that repeats, and keeps what the clips bring."""

import random
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.data.manifest import Clip
from audiocnn.data.splits import split_clips
from audiocnn.errors import ManifestError, ParameterError


def make_clips(labels: int = 3, speakers: int = 10, takes: int = 4, *, named: bool = True) -> list[Clip]:
    return [
        Clip(
            path=Path(f"/{label}/{speaker}_{take}.wav"),
            label=f"{label}",
            speaker=f"{speaker}" if named else None,
        )
        for label in range(labels)
        for speaker in range(speakers)
        for take in range(takes)
    ]


def make_days(days: int, labels: int = 3) -> list[Clip]:
    """A recording for each day, with a part for each label."""
    return [
        Clip(path=Path(f"/{day}.wav"), label=f"{label}", start=float(label), stop=label + 0.5)
        for day in range(days)
        for label in range(labels)
    ]


def parts(clips: list[Clip]) -> dict[str | None, list[Clip]]:
    return {
        split: [clip for clip in clips if clip.split == split] for split in ("train", "validation", "test")
    }


@given(
    seed=st.integers(0, 2**40),
    named=st.booleans(),
    validation=st.sampled_from([0, 0.1, 0.25]),
    test=st.sampled_from([0, 0.1, 0.4]),
)
@settings(max_examples=40, deadline=None)
def test_a_split_hangs_on_the_seed_and_not_on_the_order(
    seed: int, named: bool, validation: float, test: float
) -> None:
    clips = make_clips(named=named)
    shuffled = random.Random(seed).sample(clips, len(clips))
    once = split_clips(clips, seed=seed, validation=validation, test=test)
    again = split_clips(shuffled, seed=seed, validation=validation, test=test)
    assert [replace(clip, split=None) for clip in again] == shuffled
    assert set(once) == set(again)


@given(seed=st.integers(0, 2**40))
@settings(max_examples=30, deadline=None)
def test_known_speakers_are_never_on_two_sides(seed: int) -> None:
    split = parts(split_clips(make_clips(), seed=seed, validation=0.2, test=0.3))
    speakers = {name: {clip.speaker for clip in clips} for name, clips in split.items()}
    assert {name: len(group) for name, group in speakers.items()} == {"train": 5, "validation": 2, "test": 3}
    assert len(set.union(*speakers.values())) == 10


@given(seed=st.integers(0, 2**40))
@settings(max_examples=30, deadline=None)
def test_without_speakers_every_label_is_split_alike(seed: int) -> None:
    split = parts(split_clips(make_clips(named=False), seed=seed, validation=0.1, test=0.25))
    for name, count in (("train", 26), ("validation", 4), ("test", 10)):
        assert Counter(clip.label for clip in split[name]) == {"0": count, "1": count, "2": count}


def test_one_clip_without_a_speaker_makes_it_a_split_by_clip() -> None:
    clips = make_clips()
    clips[0] = replace(clips[0], speaker=None)
    split = parts(split_clips(clips, seed=0))
    assert {clip.speaker for clip in split["test"]} & {clip.speaker for clip in split["train"]}


def test_seeds_differ_and_clips_are_drawn_evenly() -> None:
    clips = make_clips(labels=1, speakers=10, takes=1, named=False)
    drawn = Counter(
        clip.path
        for seed in range(400)
        for clip in split_clips(clips, seed=seed, validation=0)
        if clip.split == "test"
    )
    # One of ten in 400 draws: 40 expected, standard deviation 6; four of them allowed.
    assert len(drawn) == 10
    assert all(abs(count - 40) < 24 for count in drawn.values())


def test_test_does_not_hang_on_validation_nor_a_label_on_the_others() -> None:
    clips = make_clips(named=False)
    test = parts(split_clips(clips, seed=3))["test"]
    assert parts(split_clips(clips, seed=3, validation=0.3))["test"] == test
    fewer = [clip for clip in clips if clip.label != "0"]
    assert parts(split_clips(fewer, seed=3))["test"] == [clip for clip in test if clip.label != "0"]


def test_small_fractions_give_at_least_one_and_zero_gives_none() -> None:
    clips = make_clips(labels=2, speakers=3, takes=1)
    assert {name: len(part) for name, part in parts(split_clips(clips, seed=0)).items()} == {
        "train": 2,
        "validation": 2,
        "test": 2,
    }
    assert {clip.split for clip in split_clips(clips, seed=0, validation=0, test=0)} == {"train"}


def test_splits_the_clips_bring_are_kept() -> None:
    clips = [replace(clip, split="validation" if clip.speaker == "0" else "train") for clip in make_clips()]
    assert split_clips(clips, seed=0) == clips


def test_a_missing_validation_is_drawn_from_training_by_speaker() -> None:
    clips = [replace(clip, split="test" if clip.speaker == "0" else "train") for clip in make_clips()]
    split = parts(split_clips(clips, seed=0, validation=0.2))
    speakers = {name: {clip.speaker for clip in part} for name, part in split.items()}
    assert speakers["test"] == {"0"}
    assert len(speakers["validation"]) == 2
    assert len(speakers["train"]) == 7
    assert not speakers["train"] & speakers["validation"]
    assert split_clips(clips, seed=0, validation=0) == clips


def test_a_missing_test_is_not_invented() -> None:
    clips = [replace(clip, split="train") for clip in make_clips(named=False)]
    split = parts(split_clips(clips, seed=0))
    assert not split["test"]
    assert len(split["validation"]) == 12


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ({"validation": -0.1}, "validation=-0.1 must be at least 0 and below 1; 0.1 is usual"),
        ({"test": 1}, "test=1 must be at least 0 and below 1; 0.1 is usual"),
        ({"test": float("nan")}, "test=nan must be at least 0 and below 1; 0.1 is usual"),
        (
            {"validation": 0.5, "test": 0.5},
            "validation=0.5 and test=0.5 leave nothing to train on; they must sum to less than 1",
        ),
    ],
)
def test_impossible_fractions(fractions: dict[str, float], message: str) -> None:
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}$"):
        split_clips(make_clips(), seed=0, **fractions)


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        ([], "there are no clips to split; give at least one of each label"),
        (
            make_clips(speakers=2),
            (
                "2 speakers are too few for test=0.1 and validation=0.1, beside training; "
                "ask for less, or leave the speakers out to split clip by clip"
            ),
        ),
        (
            [*make_clips(named=False), *make_clips(4, 2, 1, named=False)[6:]],
            (
                "too few clips for test=0.1 and validation=0.1, beside training, of the label 3 (2); "
                "ask for less, add clips, or leave these labels out"
            ),
        ),
        (
            [*make_clips(named=False), *(replace(clip, label="3") for clip in make_days(2))],
            (
                "too few clips for test=0.1 and validation=0.1, beside training, of the label "
                "3 (6 in 2 files); ask for less, add clips, or leave these labels out"
            ),
        ),
        (
            make_days(2),
            (
                "2 files, of which some hold clips of several labels, are too few for test=0.1 and "
                "validation=0.1, beside training; ask for less, or add files"
            ),
        ),
        (
            [replace(clip, speaker=clip.label) for clip in make_days(2)],
            (
                "3 speakers, tied by shared files into 1, are too few for test=0.1 and validation=0.1, "
                "beside training; ask for less, or leave the speakers out to split clip by clip"
            ),
        ),
        (
            [replace(make_clips()[0], split="train"), *make_clips()[1:]],
            "119 of 120 clips have no split; fill all of them in, or none",
        ),
        (
            [replace(clip, split="test") for clip in make_clips()],
            "no clip has the split train; mark the clips to learn from with it",
        ),
        (
            [
                Clip(path=Path("1.wav"), label="no", split="train"),
                Clip(path=Path("2.wav"), label="yes", split="validation"),
            ],
            (
                "the training part has no clip of yes; "
                "add some, leave these labels out, or split with another seed"
            ),
        ),
    ],
)
def test_clips_that_cannot_be_split(clips: list[Clip], message: str) -> None:
    with pytest.raises(ManifestError, match=f"^{re.escape(message)}$"):
        split_clips(clips, seed=0)


@given(seed=st.integers(0, 2**40), validation=st.sampled_from([0.1, 0.25]), parts_each=st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_the_parts_of_a_file_are_dealt_as_the_file_is(seed: int, validation: float, parts_each: int) -> None:
    for named in (True, False):
        files = make_clips(named=named)
        split_of = {clip.path: clip.split for clip in split_clips(files, seed=seed, validation=validation)}
        clips = [
            replace(clip, start=float(i), stop=float(i + 1)) for clip in files for i in range(parts_each)
        ]
        drawn = random.Random(seed).sample(clips, len(clips))
        split = split_clips(drawn, seed=seed, validation=validation)
        assert [replace(clip, split=None) for clip in split] == drawn
        assert all(clip.split == split_of[clip.path] for clip in split)


@given(seed=st.integers(0, 2**40))
@settings(max_examples=30, deadline=None)
def test_files_of_several_labels_are_dealt_whole(seed: int) -> None:
    split = parts(split_clips(make_days(20), seed=seed, validation=0.1, test=0.25))
    days = {name: {clip.path for clip in clips} for name, clips in split.items()}
    assert {name: len(paths) for name, paths in days.items()} == {"train": 13, "validation": 2, "test": 5}
    assert len(set.union(*days.values())) == 20
    assert Counter(clip.label for clip in split["test"]) == {"0": 5, "1": 5, "2": 5}


def test_one_file_under_two_names_is_one_file() -> None:
    clips = make_days(4, labels=1)
    other = [replace(clip, path=Path("/a/..") / clip.path.name, start=2.0, stop=3.0) for clip in clips]
    for seed in range(10):
        split = split_clips([*clips, *other], seed=seed)
        assert [clip.split for clip in split[:4]] == [clip.split for clip in split[4:]]


@given(seed=st.integers(0, 2**40))
@settings(max_examples=30, deadline=None)
def test_speakers_who_share_a_file_are_on_one_side(seed: int) -> None:
    # 0 talks with 1, 1 with 2; 3 with 4; each of 5 to 14 alone
    talks = [("0", "1"), ("1", "2"), ("3", "4"), *((f"{i}",) for i in range(5, 15))]
    clips = [
        Clip(path=Path(f"/{i}.wav"), label="no", speaker=speaker, start=float(j))
        for i, speakers in enumerate(talks)
        for j, speaker in enumerate(speakers)
    ]
    random.Random(seed).shuffle(clips)
    split = split_clips(clips, seed=seed)
    split_of = {clip.speaker: clip.split for clip in split}
    assert all(clip.split == split_of[clip.speaker] for clip in split)
    assert split_of["0"] == split_of["1"] == split_of["2"]
    assert split_of["3"] == split_of["4"]
    assert Counter(
        {min(speakers): split_of[speakers[0]] for speakers in talks if speakers != ("1", "2")}.values()
    ) == {
        "train": 10,
        "validation": 1,
        "test": 1,
    }


def test_validation_is_drawn_from_training_by_file_and_other_splits_stay() -> None:
    clips = [replace(clip, split="test" if i < 7 else "train") for i, clip in enumerate(make_days(12))]
    split = parts(split_clips(clips, seed=0, validation=0.2))
    assert split["test"] == [clip for clip in clips if clip.split == "test"]
    assert len(split["validation"]) in (5, 6)  # two of ten files, one of which lacks a clip
    assert not {clip.path for clip in split["validation"]} & {clip.path for clip in split["train"]}


def test_a_label_that_only_drawn_speakers_say_is_an_error() -> None:
    rare = Clip(path=Path("/rare.wav"), label="rare", speaker="0")
    verdicts = set()
    for seed in range(30):
        try:
            split_clips([*make_clips(), rare], seed=seed)
            verdicts.add("split")
        except ManifestError as error:
            assert "the training part has no clip of rare;" in str(error)
            verdicts.add("refused")
    assert verdicts == {"split", "refused"}


def test_clips_without_labels_can_be_split() -> None:
    clips = [replace(clip, label=None) for clip in make_clips(named=False)]
    assert Counter(clip.split for clip in split_clips(clips, seed=0)) == {
        "train": 96,
        "validation": 12,
        "test": 12,
    }
