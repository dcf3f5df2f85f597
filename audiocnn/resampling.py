"""From one sample rate to another, whole or as a stream, by the SoX resampler."""

import logging
from functools import cache

import numpy as np
import numpy.typing as npt
import soxr
import torch
from torch import Tensor

from audiocnn.errors import ParameterError

__all__ = ["QUALITY", "Resampler", "Samples", "check_rate", "resample", "say_once", "to_tensor"]

logger = logging.getLogger(__name__)

Samples = npt.NDArray[np.float32]

# soxr's "high quality": passes 0 to 0.91 of the lower Nyquist frequency, images 20 bits down
QUALITY = "HQ"


def resample(waveform: Tensor, from_rate: int, to_rate: int) -> Tensor:
    """Resample a whole waveform: `(time,)` or `(channel, time)`, shape kept but for the time.

    The length becomes `time * to_rate / from_rate`, rounded to the nearest integer. By the SoX
    resampler, whose filter passes everything up to 0.91 of the lower Nyquist frequency.

    Args:
        waveform: float32.
        from_rate: samples a second that it has.
        to_rate: samples a second that it shall have.

    >>> resample(torch.zeros(2, 44100), 44100, 16000).shape
    torch.Size([2, 16000])
    """
    check_rate("from_rate", from_rate)
    if from_rate == check_rate("to_rate", to_rate):
        return waveform
    say_once(from_rate, to_rate)
    return to_tensor(soxr.resample(waveform.numpy().T, from_rate, to_rate, QUALITY))


@cache
def say_once(from_rate: int, to_rate: int) -> None:
    """Log that recordings are resampled, once for each pair of rates."""
    logger.info("recordings of %d samples a second are resampled to %d", from_rate, to_rate)


class Resampler:
    """Resamples a stream: the pushed chunks, concatenated and flushed, are what `resample` gives.

    Args:
        from_rate: samples a second of the chunks.
        to_rate: samples a second of what comes out.
        channels: how many chunks `(channel, time)` have; None for chunks `(time,)`.

    >>> resampler = Resampler(8000, 16000)
    >>> parts = [resampler.push(torch.zeros(100)), resampler.push(torch.zeros(1)), resampler.flush()]
    >>> sum(len(part) for part in parts)
    202
    """

    def __init__(self, from_rate: int, to_rate: int, *, channels: int | None = None) -> None:
        check_rate("from_rate", from_rate)
        check_rate("to_rate", to_rate)
        say_once(from_rate, to_rate)
        self._nothing = np.zeros(0 if channels is None else (0, channels), dtype=np.float32)
        self._stream = soxr.ResampleStream(
            from_rate, to_rate, channels or 1, dtype="float32", quality=QUALITY
        )

    def push(self, chunk: Tensor) -> Tensor:
        """Take a chunk of any length; give what can be said by now."""
        return to_tensor(self._stream.resample_chunk(chunk.numpy().T))

    def flush(self) -> Tensor:
        """The end of the stream: give the rest."""
        return to_tensor(self._stream.resample_chunk(self._nothing, last=True))


def to_tensor(samples: Samples) -> Tensor:
    """`(time,)` stays; soundfile's and soxr's `(time, channel)` becomes `(channel, time)`."""
    return torch.from_numpy(np.ascontiguousarray(samples.T))


def check_rate(name: str, rate: int) -> int:
    """The rate, if it can be one; else `ParameterError` that names the parameter."""
    if not isinstance(rate, (int, np.integer)) or rate < 1:
        raise ParameterError(f"{name}={rate!r} must be a positive integer of samples a second, such as 16000")
    return rate
