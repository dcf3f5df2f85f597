"""A microphone as chunks of samples, with a queue that is bounded and says what it had to drop.

    sound card - callback - queue - chunks          the callback never waits; what does not fit is a gap

The sound card is PortAudio's, by the package sounddevice: `python -m pip install -e ".[listen]"`.
"""

import queue
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from audiocnn.errors import AudioReadError, ParameterError

__all__ = ["BoundedQueue", "Gap", "microphone"]

_CHUNK_SECONDS = 0.05
_SILENT_SECONDS = 2.0


@dataclass(frozen=True)
class Gap:
    """Samples that are missing.

    Attributes:
        frames: how many; 0 where nobody knows.
    """

    frames: int


class BoundedQueue:
    """Chunks from a thread that may not wait to one that may be slow.

    What does not fit is dropped, and told of in its place.

    Args:
        max_frames: samples that are held at most.

    Raises:
        ParameterError: for a size that is not positive.

    >>> chunks = BoundedQueue(max_frames=3)
    >>> for length in (2, 2, 1):
    ...     chunks.put(torch.zeros(length))
    >>> chunks.get(1.0).shape, chunks.get(1.0), chunks.get(1.0).shape
    (torch.Size([2]), Gap(frames=2), torch.Size([1]))
    """

    def __init__(self, max_frames: int) -> None:
        if max_frames < 1:
            raise ParameterError(f"max_frames={max_frames} must be a positive integer")
        self.max_frames = max_frames
        self._held: queue.SimpleQueue[Tensor | Gap] = queue.SimpleQueue()
        self._frames_in = self._frames_out = 0
        self._dropped: int | None = None

    def put(self, chunk: Tensor | Gap) -> None:
        """Add a chunk `(..., time)`, or a gap; never waits."""
        frames = chunk.frames if isinstance(chunk, Gap) else chunk.shape[-1]
        is_full = self._frames_in - self._frames_out + frames > self.max_frames
        if isinstance(chunk, Gap) or is_full:
            self._dropped = (self._dropped or 0) + frames
            return
        if self._dropped is not None:
            self._held.put(Gap(self._dropped))
            self._dropped = None
        self._frames_in += frames  # the only thread that writes it
        self._held.put(chunk)

    def get(self, timeout_seconds: float) -> Tensor | Gap | None:
        """The next chunk or gap; None if none comes in time."""
        try:
            chunk = self._held.get(timeout=timeout_seconds)
        except queue.Empty:
            return None
        if isinstance(chunk, Tensor):
            self._frames_out += chunk.shape[-1]
        return chunk


def microphone(
    *, sample_rate: int, channels: int = 1, device: str | int | None = None, max_seconds: float = 10.0
) -> Iterator[Tensor | Gap]:
    """Listen to a microphone until the iterator is closed.

    Args:
        sample_rate: samples a second; the card must have that rate, or its driver make it.
        channels: to record.
        device: part of the name of an input, or its number; None is the system's own.
        max_seconds: that are held for a listener who is behind; what comes beyond is a gap.

    Yields:
        Chunks `(channel, time)`, float32 on unit scale, and gaps.

    Raises:
        AudioReadError: for a device that is not there, refuses the rate, or goes away.
        ParameterError: if sounddevice, or PortAudio, is not installed.
    """
    try:
        import sounddevice
    except (ImportError, OSError) as error:  # OSError: PortAudio is missing
        raise ParameterError(
            f"a microphone needs sounddevice and PortAudio ({error}); install them with "
            '`python -m pip install -e ".[listen]"`, or pipe samples to the standard input'
        ) from None
    chunks = BoundedQueue(max(1, round(max_seconds * sample_rate)))

    def take(samples: Any, frames: int, _time: object, status: Any) -> None:
        if status.input_overflow:
            chunks.put(Gap(0))  # PortAudio does not say how much
        chunks.put(torch.from_numpy(samples.T.copy()))

    try:
        with sounddevice.InputStream(
            samplerate=sample_rate,
            channels=channels,
            device=device,
            dtype="float32",
            blocksize=round(_CHUNK_SECONDS * sample_rate),
            callback=take,
        ):
            while (chunk := chunks.get(_SILENT_SECONDS)) is not None:
                yield chunk
    except (sounddevice.PortAudioError, ValueError) as error:
        raise AudioReadError(
            f"the microphone cannot be used ({error}); `python -m sounddevice` lists them"
        ) from None
    raise AudioReadError(f"the microphone gave nothing for {_SILENT_SECONDS:g} s; is it still plugged in?")
