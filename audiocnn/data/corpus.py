"""Recordings decoded once into memory, from which training draws its batches."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from audiocnn import audio
from audiocnn.data.loading import check_workers, targets_of
from audiocnn.data.manifest import Clip, unreadable
from audiocnn.data.media import RECORDINGS
from audiocnn.errors import AudioReadError, ManifestError, ParameterError, list_problems
from audiocnn.placement import place
from audiocnn.resampling import check_rate, resample

__all__ = ["Corpus", "read_parts"]

_FULL_SCALE = 32768  # int16 samples that make 1.0
# formats that are decoded from the beginning of the file, wherever the part lies
_NOT_SOUGHT = ("MP3", "OGG")
_BLOCK_SECONDS = 60.0  # what is read of these at once


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
        """Decode clips into memory, mixed to one channel; of a clip that is part of a file, that part.

        Those of one file lie together. What exceeds full scale, as resampling may make it, is clipped.

        Args:
            clips: the recordings; each needs a label.
            labels: the names of the classes, in the order of the scores.
            sample_rate: what all recordings are resampled to, in Hz.
            workers: threads that decode at once; None takes a few more than there
                are processors.

        Raises:
            ManifestError: if there are no clips, or listing every clip whose label
                is not in `labels`, or every recording that cannot be read or does not
                reach to where a clip of it starts.
            ParameterError: if a label is given twice, or sample_rate or workers is not positive.
        """
        check_rate("sample_rate", sample_rate)
        check_workers(workers)
        targets = targets_of(clips, labels, RECORDINGS)
        samples, offsets, lengths, problems = _decode_all(clips, sample_rate, workers)
        if problems:
            raise ManifestError(list_problems("these recordings cannot be read", problems))
        return cls(
            samples=samples,
            offsets=torch.tensor(offsets),
            lengths=torch.tensor(lengths),
            targets=targets,
            labels=tuple(labels),
            sample_rate=sample_rate,
        )

    def __len__(self) -> int:
        return len(self.lengths)

    def to(self, device: str | torch.device) -> "Corpus":
        """The same corpus with its samples and targets on a device, where its windows are then made."""
        return replace(self, samples=self.samples.to(device), targets=self.targets.to(device))

    def looped(self, least: int) -> "Corpus":
        """The same corpus, each recording of fewer than `least` samples repeated until it has them."""
        clips = self.samples.split(self.lengths.tolist())  # type: ignore[no-untyped-call]
        clips = [clip.repeat(max(1, -(-least // len(clip)))) for clip in clips]
        lengths = torch.tensor([len(clip) for clip in clips])
        return replace(self, samples=torch.cat(clips), offsets=lengths.cumsum(0) - lengths, lengths=lengths)

    def windows(
        self,
        indices: Tensor,
        window: int,
        *,
        generator: torch.Generator | None = None,
        max_shift: int = 0,
        max_offset: int | None = None,
    ) -> Tensor:
        """Recordings as a batch, each placed in a window as `place` does.

        Args:
            indices: which recordings, int64 `(batch,)`.
            window: the length of a row, in samples.
            generator: draws the positions, for training; None centres.
            max_shift: as for `place`.
            max_offset: as for `place`.

        Returns:
            The waveforms, float32 `(batch, window)`, full scale being 1.

        Raises:
            ParameterError: as `place` does.
        """
        offsets, lengths = self.offsets[indices].tolist(), self.lengths[indices].tolist()
        clips = [self.samples[start : start + size] for start, size in zip(offsets, lengths, strict=True)]
        # Scaled in place: a third large tensor makes the system find and clear fresh memory at
        # every step, which takes several times as long as all the rest.
        placed = place(clips, window, generator=generator, max_shift=max_shift, max_offset=max_offset)
        return placed.float().mul_(1 / _FULL_SCALE)


def _decode_all(
    clips: Sequence[Clip], sample_rate: int, workers: int | None
) -> tuple[Tensor, list[int], list[int], list[str]]:
    """All samples file by file, each clip's offset and length among them, and what cannot be read."""
    of_file: dict[Path, list[int]] = defaultdict(list)
    for i, clip in enumerate(clips):
        of_file[clip.path].append(i)
    offsets, lengths = [0] * len(clips), [0] * len(clips)
    problems: dict[str, None] = {}  # what is wrong with a whole file is said once, not for each of its clips
    joined = bytearray()  # grows in place; joining tensors at the end would take twice the memory
    with ThreadPoolExecutor(workers) as pool:
        files = [[clips[i] for i in members] for members in of_file.values()]
        for members, decoded in zip(
            of_file.values(), pool.map(partial(_decode_file, sample_rate=sample_rate), files), strict=True
        ):
            for i, samples in zip(members, decoded, strict=True):
                if isinstance(samples, str):
                    problems[samples] = None
                elif not problems:
                    offsets[i], lengths[i] = len(joined) // 2, len(samples)
                    joined += samples.numpy().data
    samples = torch.frombuffer(joined, dtype=torch.int16) if joined else torch.empty(0, dtype=torch.int16)
    return samples, offsets, lengths, list(problems)


def _decode_file(clips: Sequence[Clip], *, sample_rate: int) -> list[Tensor | str]:
    """The samples of each clip of one file, as int16; in place of those that cannot be read, why."""
    decoded: list[Tensor | str] = [""] * len(clips)
    for i, waveform in read_parts(clips, sample_rate=sample_rate):
        if isinstance(waveform, Tensor):
            scaled = (waveform * _FULL_SCALE).round().clamp(-_FULL_SCALE, _FULL_SCALE - 1)
            decoded[i] = scaled.to(torch.int16)
        else:
            decoded[i] = waveform
    return decoded


def read_parts(clips: Sequence[Clip], *, sample_rate: int) -> Iterator[tuple[int, Tensor | str]]:
    """Read clips of one file, even many of a long one.

    Each is what `audio.read` gives of it. MP3 and Ogg files, which can only be decoded from their beginning,
    are gone through once, and not for every clip.

    Args:
        clips: of one file.
        sample_rate: what to resample to, in Hz.

    Yields:
        Which clip, and its waveform `(time,)`, or, of one that cannot be read, why.
    """
    try:
        info = audio.info(clips[0].path) if len(clips) > 1 else None
    except AudioReadError:  # which is told clip by clip
        info = None
    if info is not None and info.format in _NOT_SOUGHT:
        yield from _read_in_one_pass(clips, info, sample_rate)
    else:
        yield from ((i, _read(clip, sample_rate)) for i, clip in enumerate(clips))


def _read(clip: Clip, sample_rate: int) -> Tensor | str:
    """The waveform of one clip, or why it cannot be read."""
    try:
        return audio.read(
            clip.path, sample_rate=sample_rate, start_seconds=clip.start, stop_seconds=clip.stop
        ).waveform
    except (AudioReadError, ParameterError) as error:  # a ParameterError: the file ends before the clip
        return unreadable(clip, error)


def _read_in_one_pass(
    clips: Sequence[Clip], info: audio.AudioInfo, sample_rate: int
) -> Iterator[tuple[int, Tensor | str]]:
    """What `_read` gives of each clip of a file, by where they start; only what ends too late is read alone.

    file      |------------------------------------------------|
    clips        ======== ==========           ===
    heard                 |block|block|                        of one clip, and what else is in its blocks
    """
    rate = info.sample_rate
    starts = [round(min(clip.start * rate, info.frames)) for clip in clips]
    stops = [info.frames if clip.stop is None else round(clip.stop * rate) for clip in clips]
    blocks = audio.blocks(
        info.path,
        block_seconds=_BLOCK_SECONDS,
        start_seconds=min(clip.start for clip in clips),
        stop_seconds=min(max(stops), info.frames) / rate,
    )
    heard, begin, broken = torch.empty(0), min(starts), ""
    for i in sorted(range(len(clips)), key=starts.__getitem__):
        try:
            while True:
                passed = min(starts[i] - begin, len(heard))
                heard, begin = heard[passed:], begin + passed
                if begin + len(heard) >= stops[i] or (block := next(blocks, None)) is None:
                    break
                heard = torch.cat((heard, block))
        except ParameterError:
            pass  # all clips start behind the end
        except AudioReadError as error:
            broken = str(error)
        end = begin + len(heard)
        if broken and starts[i] >= end + _BLOCK_SECONDS * rate:  # behind the block that is damaged
            yield i, broken
            continue
        part = heard[starts[i] - begin : stops[i] - begin] if end >= stops[i] else heard[:0]
        waveform = resample(part, rate, sample_rate).clone()  # a view would keep all that was heard
        yield i, waveform if len(waveform) else _read(clips[i], sample_rate)
