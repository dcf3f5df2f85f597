"""Recordings decoded once into memory, from which training draws its batches."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from audiocnn.audio import read
from audiocnn.data.manifest import Clip, list_problems
from audiocnn.errors import AudioReadError, ManifestError, ParameterError
from audiocnn.placement import place

__all__ = ["Corpus"]

_FULL_SCALE = 32768  # int16 samples that make 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Corpus:
    """Decoded recordings, end to end in one tensor of 16-bit samples.

    Sixteen bits are what most recordings are kept in, so these come back
    exactly, in half the memory of float32: an hour at 16 kHz takes 115 MB.

    Attributes:
        samples: all recordings, int16 `(total,)`.
        offsets: where each recording begins in `samples`, int64 `(clips,)`.
        lengths: how many samples each has, int64 `(clips,)`.
        targets: the index in `labels` of each recording's label, int64 `(clips,)`.
        labels: the names of the classes.
        sample_rate: of all recordings, in Hz.

    >>> corpus = Corpus(
    ...     samples=torch.tensor([16384, -16384, 8192], dtype=torch.int16),
    ...     offsets=torch.tensor([0, 2]), lengths=torch.tensor([2, 1]),
    ...     targets=torch.tensor([1, 0]), labels=("no", "yes"), sample_rate=16000,
    ... )
    >>> corpus.windows(torch.tensor([1, 0]), 4)
    tensor([[ 0.0000,  0.2500,  0.0000,  0.0000],
            [ 0.0000,  0.5000, -0.5000,  0.0000]])
    """

    samples: Tensor
    offsets: Tensor
    lengths: Tensor
    targets: Tensor
    labels: tuple[str, ...]
    sample_rate: int

    @classmethod
    def load(
        cls, clips: Sequence[Clip], *, labels: Sequence[str], sample_rate: int, workers: int | None = None
    ) -> "Corpus":
        """Decode clips into memory, in their order, mixed to one channel.

        What exceeds full scale, as resampling may make it, is clipped.

        Args:
            clips: the recordings; each needs a label.
            labels: the names of the classes, in the order of the scores.
            sample_rate: what all recordings are resampled to, in Hz.
            workers: threads that decode at once; None takes a few more than there
                are processors.

        Raises:
            ManifestError: if there are no clips, or listing every clip whose label
                is not in `labels`, or every recording that cannot be read.
            ParameterError: if a label is given twice or workers is not positive.
        """
        index_of = {label: index for index, label in enumerate(labels)}
        if len(index_of) < len(labels):
            raise ParameterError(f"labels={tuple(labels)} must differ; name each class once")
        if workers is not None and workers < 1:
            raise ParameterError(
                f"workers={workers} must be a positive integer, or None for the machine's own"
            )
        if not clips:
            raise ManifestError("there are no recordings to load; give at least one clip")
        problems = [f"{clip.path}: label {clip.label!r}" for clip in clips if clip.label not in index_of]
        if problems:
            raise ManifestError(list_problems("these clips have a label that labels does not name", problems))

        lengths = []
        joined = bytearray()  # grows in place; joining tensors at the end would take twice the memory
        with ThreadPoolExecutor(workers) as pool:
            for decoded in pool.map(partial(_decode, sample_rate=sample_rate), [clip.path for clip in clips]):
                if isinstance(decoded, AudioReadError):
                    problems.append(str(decoded))
                elif not problems:
                    lengths.append(len(decoded))
                    joined += decoded.numpy().data
        if problems:
            raise ManifestError(list_problems("these recordings cannot be read", problems))
        ends = torch.tensor(lengths).cumsum(0)
        return cls(
            samples=torch.frombuffer(joined, dtype=torch.int16),
            offsets=ends - torch.tensor(lengths),
            lengths=torch.tensor(lengths),
            targets=torch.tensor([index_of[clip.label] for clip in clips if clip.label is not None]),
            labels=tuple(labels),
            sample_rate=sample_rate,
        )

    def __len__(self) -> int:
        return len(self.lengths)

    def windows(self, indices: Tensor, window: int, *, generator: torch.Generator | None = None) -> Tensor:
        """Recordings as a batch, each placed in a window as `place` does.

        Args:
            indices: which recordings, int64 `(batch,)`.
            window: the length of a row, in samples.
            generator: draws the positions, for training; None centres.

        Returns:
            The waveforms, float32 `(batch, window)`, full scale being 1.

        Raises:
            ParameterError: if window is not positive or there are no indices.
        """
        offsets, lengths = self.offsets[indices].tolist(), self.lengths[indices].tolist()
        clips = [self.samples[start : start + size] for start, size in zip(offsets, lengths, strict=True)]
        # Scaled in place: a third large tensor makes the system find and clear fresh memory at
        # every step, which takes several times as long as all the rest.
        return place(clips, window, generator=generator).float().mul_(1 / _FULL_SCALE)


def _decode(path: Path, *, sample_rate: int) -> Tensor | AudioReadError:
    """A recording's samples as int16; its error is handed back, to be listed with the others."""
    try:
        waveform = read(path, sample_rate=sample_rate).waveform
    except AudioReadError as error:
        return error
    return (waveform * _FULL_SCALE).round().clamp(-_FULL_SCALE, _FULL_SCALE - 1).to(torch.int16)
