"""Recordings whose words are known, and what a classifier makes of them all along."""

import logging
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from audiocnn import audio
from audiocnn.classifier import BLOCK_SECONDS, Classifier
from audiocnn.data.long_recordings import sounding
from audiocnn.data.manifest import Clip, unreadable
from audiocnn.errors import AudioReadError, ManifestError, ParameterError, list_problems
from audiocnn.events import Clock
from audiocnn.operating_point import Truth
from audiocnn.score_track import scan_blocks

__all__ = ["Recording", "listen", "recordings_of"]

logger = logging.getLogger(__name__)

_QUIET_DB = 35.0  # below the loudest 10 ms of a clip: before and behind its word
_SECONDS_BETWEEN_NEWS = 20.0


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One file to listen to, or a part of one, and what is said in it.

    Attributes:
        path: the file.
        truths: what is said, in seconds of the file; none where every event is a false alarm.
        start: where the part begins, in seconds.
        stop: where it ends; None, or beyond the end, is the end of the file.
        is_clip: a word by itself, which is heard with silence around it: it is found or missed, and neither
            its time nor what else is heard in it counts for anything.
    """

    path: Path
    truths: tuple[Truth, ...] = ()
    start: float = 0.0
    stop: float | None = None
    is_clip: bool = False


def recordings_of(positives: Sequence[Clip], negatives: Sequence[Path | Clip] = ()) -> list[Recording]:
    """What there is to listen to: recordings with the words that are said in them, and those without.

    Clips that start or stop somewhere in a file are parts of a longer recording. It is heard from beginning
    to end, and an event outside of them is a false alarm. A clip that is a whole file is a word by itself,
    which is said where it sounds, the silence around it left out.

    Args:
        positives: clips with labels.
        negatives: recordings, or parts of them, in which no word is said; those that hold positives, and
            those named before, are left out here, being heard already.

    Raises:
        ManifestError: listing every clip that has no label, that cannot be read, or that begins behind the
            end of its file.
    """
    clips_of: dict[str, list[Clip]] = {}
    for clip in positives:
        clips_of.setdefault(os.path.realpath(clip.path), []).append(clip)
    recordings, problems = [], []
    for clips in clips_of.values():
        try:
            recordings.append(_positive(clips))
        except (AudioReadError, ParameterError) as error:
            problems.append(unreadable(clips[0], error))
    if problems:
        raise ManifestError(list_problems("these positives cannot be used", problems))
    heard = set()
    for file in negatives:
        clip = file if isinstance(file, Clip) else Clip(path=file, label=None)
        path = os.path.realpath(clip.path)
        if path not in clips_of and (path, clip.start, clip.stop) not in heard:
            heard.add((path, clip.start, clip.stop))
            recordings.append(Recording(path=clip.path, start=clip.start, stop=clip.stop))
    return recordings


def _positive(clips: Sequence[Clip]) -> Recording:
    """The recording that clips of one file make."""
    path = clips[0].path
    if any(clip.label is None for clip in clips):
        raise ParameterError(f"{path} has no label; name what is said in it, or list it among the negatives")
    if len(clips) == 1 and not clips[0].is_part:
        samples, rate = audio.read(path)
        first, last = sounding(samples.numpy(), rate, quiet_db=_QUIET_DB)
        word = Truth(label=str(clips[0].label), onset=first / rate, offset=last / rate)
        return Recording(path=path, truths=(word,), is_clip=True)
    seconds = audio.info(path).seconds
    for clip in clips:
        if clip.start >= seconds:
            raise ParameterError(f"{path}: start={clip.start} is behind its end, at {seconds:g} s")
    words = [
        Truth(label=str(clip.label), onset=clip.start, offset=min(seconds, clip.stop or seconds))
        for clip in clips
    ]
    return Recording(path=path, truths=tuple(sorted(words, key=lambda word: word.onset)))


def listen(
    classifier: Classifier,
    recordings: Sequence[Recording],
    labels: Sequence[str],
    hop_seconds: float | None,
) -> Iterator[tuple[Recording, npt.NDArray[np.float32], Clock, float]]:
    """Hear recordings one by one; words by themselves that are of no label are passed over.

    Yields:
        A recording, its scores `(labels, decisions)`, when these were made, and how many seconds it has.

    Raises:
        ManifestError: listing every recording that cannot be read, or does not have such a part, before one
            is heard; of damage that only decoding shows, when it is reached, `AudioReadError`.
    """
    recordings = [
        recording
        for recording in recordings
        if not recording.is_clip or any(truth.label in labels for truth in recording.truths)
    ]
    problems = []
    for recording in recordings:
        try:
            classifier.require_rate_of(recording.path)
            audio.require_part(
                recording.path,
                sample_rate=classifier.sample_rate,
                start_seconds=recording.start,
                stop_seconds=recording.stop,
            )
        except (AudioReadError, ParameterError) as error:
            problems.append(str(error))
    if problems:
        raise ManifestError(list_problems("these recordings cannot be read", list(dict.fromkeys(problems))))
    rows = [classifier.labels.index(label) for label in labels]
    heard, news = 0.0, time.monotonic()
    for done, recording in enumerate(recordings):
        if time.monotonic() - news > _SECONDS_BETWEEN_NEWS:
            logger.info("heard %d of %d recordings, %.2f h", done, len(recordings), heard / 3600)
            news = time.monotonic()
        scores, clock, seconds = _scores(classifier, recording, rows, hop_seconds)
        heard += seconds
        yield recording, scores, clock, seconds


def _scores(
    classifier: Classifier, recording: Recording, rows: Sequence[int], hop_seconds: float | None
) -> tuple[npt.NDArray[np.float32], Clock, float]:
    rate = classifier.sample_rate
    samples = 0

    def counted() -> Iterator[Tensor]:
        nonlocal samples
        for block in audio.blocks(
            recording.path,
            block_seconds=BLOCK_SECONDS,
            sample_rate=rate,
            start_seconds=recording.start,
            stop_seconds=recording.stop,
        ):
            samples += block.shape[-1]
            yield block

    # every window that a word by itself is in is heard, as in a stream
    around = torch.zeros(classifier.window // 2 if recording.is_clip else 0)
    blocks = chain((around,), counted(), (around,)) if recording.is_clip else counted()
    pieces = [
        (piece.clock, piece.scores[list(rows)].numpy().astype(np.float32))
        for piece in scan_blocks(classifier, blocks, hop_seconds=hop_seconds, edges="silence")
    ]
    clock = pieces[0][0]
    begin = recording.start - len(around) / rate
    clock = replace(clock, first_seconds=clock.first_seconds + begin)
    return np.concatenate([scores for _, scores in pieces], axis=1), clock, samples / rate
