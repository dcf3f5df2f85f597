"""Which recordings to learn from, to choose by, and to judge on: a draw that can be repeated."""

import os
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from audiocnn.data.manifest import Clip
from audiocnn.errors import ManifestError, ParameterError, listed

__all__ = ["split_clips"]


def split_clips(
    clips: Sequence[Clip], *, seed: int, validation: float = 0.1, test: float = 0.1
) -> list[Clip]:
    """The same clips in the same order, each with its split.

    Splits that the clips bring are kept. If these have a training but no
    validation part, validation is drawn from the training part; a missing test
    part is not invented.

    Otherwise validation and test are drawn: as whole speakers where every clip
    names one, so that nobody is both learned from and judged on; else file by
    file, in each label alike unless some file holds clips of several. Never are
    clips of one file drawn into two splits; speakers heard in one file stay together.
    Each drawn part gets its fraction, rounded, and at least one speaker, or one
    file of each label. The draw hangs on the seed and on the names of speakers or
    files alone, not on their order, and the test part does not change with the
    fraction of validation.

    Args:
        clips: what to split.
        seed: another seed draws another split.
        validation: the fraction of validation, 0 for none; not used where the
            clips bring a validation part.
        test: the fraction of test, 0 for none; not used where the clips bring
            splits of their own.

    Raises:
        ParameterError: if a fraction is outside 0..1 or they leave no training part.
        ManifestError: if there are no clips, only some have a split, none is for
            training, there are too few speakers or files of a label to part, or a
            label is missing from training.

    >>> from pathlib import Path
    >>> clips = [Clip(path=Path(f"{i}.wav"), label="no") for i in range(10)]
    >>> [clip.path.name for clip in split_clips(clips, seed=0) if clip.split == "test"]
    ['1.wav']
    """
    for name, fraction in (("validation", validation), ("test", test)):
        if not 0 <= fraction < 1:
            raise ParameterError(f"{name}={fraction} must be at least 0 and below 1; 0.1 is usual")
    if validation + test >= 1:
        raise ParameterError(
            f"validation={validation} and test={test} leave nothing to train on; they must sum to less than 1"
        )
    if not clips:
        raise ManifestError("there are no clips to split; give at least one of each label")

    undecided = sum(clip.split is None for clip in clips)
    if undecided == len(clips):
        result = _draw(clips, {"test": test, "validation": validation}, seed)
    elif undecided:
        raise ManifestError(f"{undecided} of {len(clips)} clips have no split; fill all of them in, or none")
    else:
        result = list(clips)
        if not any(clip.split == "train" for clip in clips):
            raise ManifestError("no clip has the split train; mark the clips to learn from with it")
        if not any(clip.split == "validation" for clip in clips):
            training = [clip for clip in clips if clip.split == "train"]
            drawn = iter(_draw(training, {"validation": validation}, seed))
            result = [next(drawn) if clip.split == "train" else clip for clip in clips]

    learned = {clip.label for clip in result if clip.split == "train"}
    unlearned = sorted({clip.label for clip in result if clip.label is not None} - learned)
    if unlearned:
        raise ManifestError(
            f"the training part has no clip of {listed(unlearned)}; "
            "add some, leave these labels out, or split with another seed"
        )
    return result


def _draw(clips: Sequence[Clip], fractions: Mapping[str, float], seed: int) -> list[Clip]:
    """The clips with splits: by speaker where all are known, else by file; those of a file have one split."""
    clips_of: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        clips_of[os.path.normpath(clip.path)].append(clip)
    if all(clip.speaker is not None for clip in clips):
        split_of = _draw_speakers(clips_of, fractions, seed)
    else:
        split_of = _draw_files(clips_of, fractions, seed)
    return [replace(clip, split=split_of[os.path.normpath(clip.path)]) for clip in clips]


def _draw_speakers(
    clips_of: Mapping[str, Sequence[Clip]], fractions: Mapping[str, float], seed: int
) -> dict[str, str]:
    """A split for each file, all clips of which name their speaker."""
    speakers_of = {file: {clip.speaker or "" for clip in clips} for file, clips in clips_of.items()}
    together: dict[str, set[str]] = {}  # the speakers that a chain of shared files ties to each
    for speakers in speakers_of.values():
        if len(speakers) > 1 or not speakers <= together.keys():
            tied = speakers.union(*(together.get(speaker, ()) for speaker in speakers))
            together |= dict.fromkeys(tied, tied)
    split_of_first = _deal({min(tied) for tied in together.values()}, fractions, f"{seed}")
    if "train" not in split_of_first.values():
        found = f"{len(together)} speakers"
        if len(split_of_first) < len(together):
            found += f", tied by shared files into {len(split_of_first)},"
        raise ManifestError(
            f"{found} are too few for {_described(fractions)}, beside training; "
            "ask for less, or leave the speakers out to split clip by clip"
        )
    return {file: split_of_first[min(together[min(speakers)])] for file, speakers in speakers_of.items()}


def _draw_files(
    clips_of: Mapping[str, Sequence[Clip]], fractions: Mapping[str, float], seed: int
) -> dict[str, str]:
    """A split for each file, drawn within each label where no file holds clips of several."""
    labels_of = {file: {clip.label or "" for clip in clips} for file, clips in clips_of.items()}
    mixed = any(len(labels) > 1 for labels in labels_of.values())
    files_of: dict[str, dict[str, str]] = defaultdict(dict)
    for file, clips in clips_of.items():
        name = min(clip.path.as_posix() for clip in clips)
        files_of["" if mixed else min(labels_of[file])][name] = file
    split_of: dict[str, str] = {}
    too_few = []
    for label, files in sorted(files_of.items()):
        # Its own seed: a label's split stays when other labels come and go.
        split_of_name = _deal(files, fractions, f"{seed} {label}")
        if "train" not in split_of_name.values():
            count = sum(len(clips_of[file]) for file in files.values())
            too_few.append(
                f"{label} ({count})" if count == len(files) else f"{label} ({count} in {len(files)} files)"
            )
        split_of |= {files[name]: split for name, split in split_of_name.items()}
    if too_few and mixed:
        raise ManifestError(
            f"{len(clips_of)} files, of which some hold clips of several labels, are too few for "
            f"{_described(fractions)}, beside training; ask for less, or add files"
        )
    if too_few:
        raise ManifestError(
            f"too few clips for {_described(fractions)}, beside training, of the label "
            f"{listed(too_few)}; ask for less, add clips, or leave these labels out"
        )
    return split_of


def _deal(names: Iterable[str], fractions: Mapping[str, float], seed: str) -> dict[str, str]:
    """Deal shuffled names to the splits by their fractions; the rest, if any, to training."""
    shuffled = sorted(names)
    random.Random(seed).shuffle(shuffled)
    split_of = dict.fromkeys(shuffled, "train")
    dealt = 0
    for split, fraction in fractions.items():
        count = max(1, round(fraction * len(shuffled))) if fraction else 0
        split_of |= dict.fromkeys(shuffled[dealt : dealt + count], split)
        dealt += count
    return split_of


def _described(fractions: Mapping[str, float]) -> str:
    """For a message: "validation=0.1 and test=0.1"."""
    return " and ".join(f"{split}={fraction}" for split, fraction in fractions.items() if fraction)
