"""Each speaker in turn heard by none in training: how well is a voice understood that is new?"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from audiocnn.config import TrainConfig
from audiocnn.data.manifest import Clip, write_manifest
from audiocnn.errors import ParameterError
from audiocnn.recipe import train_seeds

__all__ = [
    "SpeakerShares",
    "leave_one_speaker_out",
    "list_speakers",
    "split_by_speakers",
    "summarize_speakers",
]

SpeakerShares: TypeAlias = dict[str, tuple[float, float]]
"""Of each speaker, when left out: the accuracy on the one chosen by, and his or hers."""


def split_by_speakers(clips: Sequence[Clip], *, tested: str, chosen_by: str) -> list[Clip]:
    """All clips with their splits: one speaker to test, another to choose by, the rest to train."""
    parts = {tested: "test", chosen_by: "validation"}
    return [replace(clip, split=parts.get(clip.speaker or "", "train")) for clip in clips]


def list_speakers(clips: Sequence[Clip]) -> list[str]:
    """The names of all speakers, in order.

    Raises:
        ParameterError: for fewer than three.
    """
    names = sorted({clip.speaker for clip in clips if clip.speaker is not None})
    if len(names) < 3:
        raise ParameterError(
            f"clips are of {len(names)} speakers; give those of three at least: one to test, one to choose by"
        )
    return names


def leave_one_speaker_out(
    config: TrainConfig, clips: Sequence[Clip], *, seeds: Sequence[int]
) -> list[SpeakerShares]:
    """Train once for each speaker and seed, without that speaker.

    The speaker before, in the order of their names, is the one that the epoch is chosen by. Runs are in a
    folder of `config.out` for each speaker; those that were begun are gone on with.

    Args:
        config: the runs; its `data` and seed are not used.
        clips: recordings of three speakers at least, who are known.
        seeds: one run for each.

    Returns:
        For each seed the accuracies.

    Raises:
        ParameterError: for fewer than three speakers, no seeds, and whatever `fit` and `evaluate` raise.
    """
    speakers = list_speakers(clips)
    shares: dict[int, SpeakerShares] = defaultdict(dict)
    for i, speaker in enumerate(speakers):
        folder = config.out / speaker
        folder.mkdir(parents=True, exist_ok=True)
        split = folder / "split.csv"
        write_manifest(split, split_by_speakers(clips, tested=speaker, chosen_by=speakers[i - 1]))
        for result in train_seeds(replace(config, data=split, out=folder), seeds=seeds):
            shares[result.seed][speaker] = (result.validation.accuracy, result.test.accuracy)
    return list(shares.values())


def summarize_speakers(shares: SpeakerShares) -> tuple[float, float, float]:
    """Mean validation accuracy, mean test accuracy, and that of the speaker understood least.

    >>> summarize_speakers({"ada": (0.5, 1.0), "bob": (0.75, 0.5)})
    (0.625, 0.75, 0.5)
    """
    validation, test = zip(*shares.values(), strict=True)
    return sum(validation) / len(validation), sum(test) / len(test), min(test)
