"""What loading recordings and loading pictures have in common: labels as numbers, and workers."""

from collections.abc import Sequence

import torch
from torch import Tensor

from audiocnn.data.manifest import Clip
from audiocnn.data.media import Media
from audiocnn.errors import ManifestError, ParameterError, list_problems

__all__ = ["check_workers", "targets_of"]


def targets_of(clips: Sequence[Clip], labels: Sequence[str], media: Media) -> Tensor:
    """The index in `labels` of each clip's label, int64 `(clips,)`.

    Args:
        clips: each needs a label.
        labels: the names of the classes, in the order of the scores.
        media: what the clips are, for messages.

    Raises:
        ManifestError: if there are no clips, or listing every one whose label is not in `labels`.
        ParameterError: if a label is given twice.
    """
    index_of = {label: index for index, label in enumerate(labels)}
    if len(index_of) < len(labels):
        raise ParameterError(f"labels={tuple(labels)} must differ; name each class once")
    if not clips:
        raise ManifestError(f"there are no {media.many} to load; give at least one clip")
    problems = [f"{clip.path}: label {clip.label!r}" for clip in clips if clip.label not in index_of]
    if problems:
        raise ManifestError(list_problems("these clips have a label that labels does not name", problems))
    return torch.tensor([index_of[clip.label] for clip in clips if clip.label is not None])


def check_workers(workers: int | None) -> None:
    """Raise for a number of threads that cannot be.

    Raises:
        ParameterError: if workers is neither None nor positive.
    """
    if workers is not None and workers < 1:
        raise ParameterError(f"workers={workers} must be a positive integer, or None for the machine's own")
