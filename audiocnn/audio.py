"""Files in, waveforms out: any format that libsndfile reads, at any rate, whole or in blocks.

A waveform is float32 on unit scale: full scale of an integer file is 1.0.
Whatever is wrong with a file is one `AudioReadError` that names it, says what was
found, and what would work.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import soxr
from torch import Tensor

from audiocnn.errors import AudioReadError, ParameterError
from audiocnn.files import why_not_read
from audiocnn.resampling import QUALITY, Resampler, Samples, check_rate, say_once, to_tensor

__all__ = ["Audio", "AudioInfo", "blocks", "info", "read", "require_part"]


_CONVERT = "convert it with `ffmpeg -i IN OUT.wav`"
# how libsndfile's log tells that a header promises more samples than the file holds
_SHORT = re.compile(
    r"(?:^data|SSND|Data Size|^riff)\s*:\s*(?P<promised>\d+) \(should be \d+\)"
    r"|does not match value from 'ds64'"
    r"|^Ogg ?: (?:File ended unexpectedly|Last page lacks an end-of-stream bit|Junk after the last page)",
    re.MULTILINE,
)
# In these libsndfile's seek lands beside the frame asked for (Ogg Vorbis, by 128 frames), or decodes
# nonsense until the decoder has its history again (MP3): they are decoded from their beginning.
_INEXACT_SEEK = ("MP3", "OGG")
# frames; bounds the memory that a header which promises too much can ask for
_READ_AT_ONCE = 1 << 24
# a recorder that cannot seek back writes the size of an endless file
_ENDLESS_BYTES = 0x7FFFF000
_UNKNOWN_FRAMES = 2**63 - 1


class Audio(NamedTuple):
    """What `read` gives.

    Attributes:
        waveform: float32 on unit scale, `(time,)`, or `(channel, time)` with `mono=False`.
        sample_rate: samples a second.
    """

    waveform: Tensor
    sample_rate: int


@dataclass(frozen=True, kw_only=True)
class AudioInfo:
    """What a file's header says.

    Attributes:
        path: the file.
        sample_rate: samples a second, in each channel.
        channels: channels.
        frames: samples in each channel.
        format: container, as libsndfile names it: "WAV", "FLAC", "OGG", ...
        subtype: coding of the samples: "PCM_16", "FLOAT", "VORBIS", ...
    """

    path: Path
    sample_rate: int
    channels: int
    frames: int
    format: str
    subtype: str

    @property
    def seconds(self) -> float:
        """How long the recording is."""
        return self.frames / self.sample_rate


def info(path: str | os.PathLike[str]) -> AudioInfo:
    """Read a file's header.

    Raises:
        AudioReadError: if there is no such file, or it is no audio that libsndfile reads.
    """
    with _open(path) as file:
        return AudioInfo(
            path=Path(path),
            sample_rate=file.samplerate,
            channels=file.channels,
            frames=file.frames,
            format=file.format,
            subtype=file.subtype,
        )


def read(
    path: str | os.PathLike[str],
    *,
    sample_rate: int | None = None,
    mono: bool = True,
    start_seconds: float = 0.0,
    stop_seconds: float | None = None,
) -> Audio:
    """Read a recording, or a part of one.

    Truncated files are found where the format tells: by the sizes in a WAV, AIFF, AU or W64
    header, the frame count of FLAC and of an MP3 with a Xing or VBRI tag, the last page of Ogg. An
    MP3 without such a tag that was cut off cannot be told from a shorter one.

    A part is exactly what the whole holds there. MP3 and Ogg files are for that decoded from
    their beginning, which takes a while for a part late in a very long one.

    Args:
        path: the file.
        sample_rate: what to resample to, in Hz; None keeps the file's own.
        mono: mix all channels down to their mean.
        start_seconds: where the part begins.
        stop_seconds: where it ends; None, or beyond the end, is the end of the file.

    Raises:
        AudioReadError: if the file is missing, is not audio, holds no samples, is truncated
            within the part that is read, or has a sample that is NaN or infinite.
        ParameterError: if the part is empty or begins behind the end of the file.
    """
    with _open(path) as file:
        rate = file.samplerate
        wanted_rate = rate if sample_rate is None else check_rate("sample_rate", sample_rate)
        start, stop = _part(file, start_seconds, stop_seconds, wanted_rate)
        samples = np.concatenate(list(_frames(file, start, stop, _READ_AT_ONCE, mono=mono)))
    if wanted_rate != rate:
        say_once(rate, wanted_rate)
        samples = soxr.resample(samples, rate, wanted_rate, QUALITY)
    return Audio(to_tensor(samples), wanted_rate)


def blocks(
    path: str | os.PathLike[str],
    *,
    block_seconds: float = 10.0,
    sample_rate: int | None = None,
    mono: bool = True,
    start_seconds: float = 0.0,
    stop_seconds: float | None = None,
) -> Iterator[Tensor]:
    """Read a recording of any length block by block, in constant memory.

    Concatenated, the blocks are what `read` gives with the same arguments.

    Args:
        path: the file.
        block_seconds: how much is read at once. A recording no longer than that, and than 16,777,216
            samples, is one block. With resampling, the blocks of a longer one are a little longer or
            shorter, and one that has nothing to give is left out.
        sample_rate: as for `read`.
        mono: as for `read`.
        start_seconds: as for `read`.
        stop_seconds: as for `read`.

    Yields:
        Waveforms `(time,)`, or `(channel, time)` with `mono=False`.

    Raises:
        AudioReadError: as `read` does; for damage in the middle, when it is reached.
        ParameterError: as `read` does, or if `block_seconds` is not positive.
    """
    if not block_seconds > 0:
        raise ParameterError(f"block_seconds={block_seconds} must be positive; 10 is the default")
    with _open(path) as file:
        rate = file.samplerate
        wanted_rate = rate if sample_rate is None else check_rate("sample_rate", sample_rate)
        start, stop = _part(file, start_seconds, stop_seconds, wanted_rate)
        size = max(1, round(min(block_seconds * rate, _READ_AT_ONCE)))
        parts = _frames(file, start, stop, size, mono=mono)
        if wanted_rate == rate:
            yield from map(to_tensor, parts)
            return
        say_once(rate, wanted_rate)
        if stop - start <= size:
            yield to_tensor(soxr.resample(next(parts), rate, wanted_rate, QUALITY))
            return
        resampler = Resampler(rate, wanted_rate, channels=None if mono else file.channels)
        for part in parts:
            if (block := resampler.push(to_tensor(part))).numel():
                yield block
        if (block := resampler.flush()).numel():
            yield block


def require_part(
    path: str | os.PathLike[str],
    *,
    sample_rate: int | None = None,
    start_seconds: float = 0.0,
    stop_seconds: float | None = None,
) -> None:
    """Raise what `blocks` would before its first samples, of which none are read.

    Args:
        path: the file.
        sample_rate: as for `read`.
        start_seconds: as for `read`.
        stop_seconds: as for `read`.

    Raises:
        AudioReadError: for a file without such a part; damage that only decoding shows is not seen.
        ParameterError: as `read` does.
    """
    with _open(path) as file:
        rate = file.samplerate if sample_rate is None else check_rate("sample_rate", sample_rate)
        _part(file, start_seconds, stop_seconds, rate)


class _File(soundfile.SoundFile):  # type: ignore[misc]
    """A file read from front to back.

    soundfile seeks to where it already is after every read of a file that can seek, which
    resets the decoder: blocks of an MP3 would then not be the whole.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(os.fsencode(path))  # as bytes, since not every name is UTF-8

    @property
    def path(self) -> Path:
        """Where the file is."""
        return Path(os.fsdecode(self.name))

    def seekable(self) -> bool:
        """Say no, so that nothing seeks but we."""
        return False


def _open(path: str | os.PathLike[str]) -> _File:
    """Open a file, or say what is wrong with it."""
    try:
        return _File(path)
    except (soundfile.LibsndfileError, OSError, TypeError) as error:  # TypeError: a headerless .raw
        raise AudioReadError(_why_unreadable(Path(path), error)) from None


def _why_unreadable(path: Path, error: Exception) -> str:
    if why := why_not_read(path, "recording"):
        return why
    found = getattr(error, "error_string", str(error)).rstrip(".")
    return (
        f"{path} is not audio that libsndfile reads ({found}), such as WAV, FLAC, Ogg, MP3 or AIFF; "
        f"{_CONVERT}"
    )


def _part(file: _File, start_seconds: float, stop_seconds: float | None, wanted_rate: int) -> tuple[int, int]:
    """First frame and the one after the last; refuses a truncated file that would be read to its end."""
    rate, frames = file.samplerate, file.frames
    if not start_seconds >= 0:
        raise ParameterError(f"start_seconds={start_seconds} must not be negative")
    if stop_seconds is not None and not stop_seconds > start_seconds:
        raise ParameterError(
            f"stop_seconds={stop_seconds} must be greater than start_seconds={start_seconds}"
        )
    start = round(min(start_seconds * rate, frames))
    stop = frames if stop_seconds is None else round(min(stop_seconds * rate, frames + 1))
    if (stop_seconds is None or stop > frames) and _is_cut_short(file):
        found = "its header promises more than the file holds"
        raise AudioReadError(f"{file.path} is truncated: {found}; {_copy_or_stop(frames, rate)}")
    if frames == 0:
        raise AudioReadError(
            f"{file.path} holds no samples; record it again, or if it plays elsewhere {_CONVERT}"
        )
    if start >= frames:
        raise ParameterError(
            f"start_seconds={start_seconds} is behind the end of {file.path}, "
            f"which is {frames / rate:.3f} s long"
        )
    stop = min(stop, frames)
    if stop == start:
        raise ParameterError(
            f"start_seconds={start_seconds} to stop_seconds={stop_seconds} holds no sample at {rate} Hz"
        )
    if round((stop - start) * wanted_rate / rate) == 0:
        raise AudioReadError(
            f"{file.path} has {stop - start} samples at {rate} Hz, too few for one at {wanted_rate} Hz; "
            "give a longer one, or mend the rate in its header"
        )
    return start, stop


def _is_cut_short(file: _File) -> bool:
    """Whether the header promises more than there is; libsndfile itself only notes it in its log."""
    if file.format in ("FLAC", "MP3"):
        return False  # these tell while they are read
    found = _SHORT.search(file.extra_info)
    return found is not None and int(found["promised"] or 0) < _ENDLESS_BYTES


def _frames(file: _File, start: int, stop: int, size: int, *, mono: bool) -> Iterator[Samples]:
    """The frames from `start` to `stop`, at most `size` at once: `(time,)`, or `(time, channel)`."""
    rate, first = file.samplerate, start
    try:
        if file.format in _INEXACT_SEEK:
            for passed in range(0, start, _READ_AT_ONCE):
                file.read(min(_READ_AT_ONCE, start - passed), dtype="float32")
        elif start:
            file.seek(start)
        while start < stop:
            wanted = min(size, stop - start)
            samples: Samples = file.read(wanted, dtype="float32", always_2d=not mono)
            if len(samples) < wanted and not _may_be_an_estimate(file):
                raise AudioReadError(
                    f"{file.path} is truncated: its header promises {file.frames / rate:.3f} s; "
                    + _copy_or_stop(start + len(samples), rate)
                )
            if len(samples) == 0:
                if start == first:
                    raise AudioReadError(f"{file.path} holds no samples; record it again, or {_CONVERT}")
                return
            if mono and samples.ndim == 2:
                samples = samples.mean(axis=1)
            if not np.isfinite(samples).all():
                bad = np.flatnonzero(~np.isfinite(samples.reshape(len(samples), -1)).all(axis=1))[0]
                raise AudioReadError(
                    f"{file.path} holds a sample that is NaN or infinite at {(start + bad) / rate:.3f} s; "
                    "export it again, as 16-bit PCM if nothing else helps"
                )
            yield samples
            if len(samples) < wanted:
                return
            start += wanted
    except soundfile.LibsndfileError:
        good = _good_frames(file.path)
        raise AudioReadError(
            f"{file.path} breaks off or is damaged after {good / rate:.3f} s; {_copy_or_stop(good, rate)}"
        ) from None


def _good_frames(path: Path, step: int = 1024) -> int:
    """How far a damaged file can be read from its beginning, to a step."""
    good = 0
    with _File(path) as file, contextlib.suppress(soundfile.LibsndfileError):
        while len(file.read(step, dtype="float32")) == step:
            good += step
    return good


def _copy_or_stop(frames: int, rate: int) -> str:
    """The remedy for a file of which so many frames are there."""
    if frames == 0:
        return "copy it again"
    # six digits tell samples apart at any rate
    return f"copy it again, or read what is there with stop_seconds={frames / rate:.6f}"


def _may_be_an_estimate(file: _File) -> bool:
    """Whether the announced length is a guess: of a FLAC from a pipe, of an MP3 without a tag for it."""
    if file.frames == _UNKNOWN_FRAMES:
        return True
    if file.format != "MP3":
        return False
    with file.path.open("rb") as raw:
        head = raw.read(1 << 16)
    return not any(tag in head for tag in (b"Xing", b"Info", b"VBRI"))
