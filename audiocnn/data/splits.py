"""Which recordings to learn from, to choose by, and to judge on: a draw that can be repeated."""

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from audiocnn.data.manifest import Clip, listed
from audiocnn.errors import ManifestError, ParameterError

__all__ = ["split_clips"]


def split_clips(
    clips: Sequence[Clip], *, seed: int, validation: float = 0.1, test: float = 0.1
) -> list[Clip]:
    """The same clips in the same order, each with its split.

    Splits that the clips bring are kept. If these have a training but no
    validation part, validation is drawn from the training part; a missing test
    part is not invented.

    Otherwise validation and test are drawn: as whole speakers where every clip
    names one, so that nobody is both learned from and judged on; else clip by
    clip, in each label alike. Each drawn part gets its fraction, rounded, and at
    least one speaker, or one clip of each label. The draw hangs on the seed and
    on the clips' names alone, not on their order, and the test part does not
    change with the fraction of validation.

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
            training, there are too few speakers or clips of a label to part, or a
            label is missing from training.

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
        split_of = _draw(clips, {"test": test, "validation": validation}, seed)
    elif undecided:
        raise ManifestError(f"{undecided} of {len(clips)} clips have no split; fill all of them in, or none")
    else:
        split_of = {clip.path: clip.split for clip in clips if clip.split}
        if "train" not in split_of.values():
            raise ManifestError("no clip has the split train; mark the clips to learn from with it")
        if "validation" not in split_of.values():
            training = [clip for clip in clips if clip.split == "train"]
            split_of |= _draw(training, {"validation": validation}, seed)

    result = [replace(clip, split=split_of[clip.path]) for clip in clips]
    learned = {clip.label for clip in result if clip.split == "train"}
    unlearned = sorted({clip.label for clip in result if clip.label is not None} - learned)
    if unlearned:
        raise ManifestError(
            f"the training part has no clip of {listed(unlearned)}; "
            "add some, leave these labels out, or split with another seed"
        )
    return result


def _draw(clips: Sequence[Clip], fractions: Mapping[str, float], seed: int) -> dict[Path, str]:
    """A split for each path: by speaker where all are known, else by clip within each label."""
    speaker_of = {clip.path: clip.speaker for clip in clips if clip.speaker is not None}
    if all(clip.path in speaker_of for clip in clips):
        split_of_speaker = _deal(set(speaker_of.values()), fractions, f"{seed}")
        if "train" not in split_of_speaker.values():
            raise ManifestError(
                f"{len(split_of_speaker)} speakers are too few for {_described(fractions)}, beside training; "
                "ask for less, or leave the speakers out to split clip by clip"
            )
        return {path: split_of_speaker[speaker] for path, speaker in speaker_of.items()}

    paths_of: dict[str, dict[str, Path]] = defaultdict(dict)
    for clip in clips:
        paths_of[clip.label or ""][clip.path.as_posix()] = clip.path
    split_of: dict[Path, str] = {}
    too_few = []
    for label, paths in sorted(paths_of.items()):
        # Its own seed: a label's split stays when other labels come and go.
        split_of_name = _deal(paths, fractions, f"{seed} {label}")
        if "train" not in split_of_name.values():
            too_few.append(f"{label} ({len(paths)})")
        split_of |= {paths[name]: split for name, split in split_of_name.items()}
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
