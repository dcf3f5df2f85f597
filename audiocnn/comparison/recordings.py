"""Recordings as waveforms, a few at a time."""

from collections.abc import Sequence

from torch import Tensor

from audiocnn import audio
from audiocnn.data.manifest import Clip

__all__ = ["read_clips"]


def read_clips(clips: Sequence[Clip], *, sample_rate: int) -> list[Tensor]:
    """The waveform `(time,)` of each clip, resampled to `sample_rate`.

    Raises:
        AudioReadError: for a file that cannot be read.
    """
    return [
        audio.read(
            clip.path, sample_rate=sample_rate, start_seconds=clip.start, stop_seconds=clip.stop
        ).waveform
        for clip in clips
    ]
