"""Samples from a pipe: raw PCM, or the WAV that programs write into one without knowing how long it will be.

    ffmpeg ... -f wav - |          RIFF header, sizes unknown, samples until the pipe closes
    arecord -t raw -f S16_LE |     samples alone

A pipe cannot be sought in, which libraries that read files need; so the few lines of the format are here.
WAV: Microsoft & IBM 1991, "Multimedia Programming Interface and Data Specifications 1.0"; the extensible
form: Microsoft, "Multiple Channel Audio Data and WAVE Files". What else comes in chunks, such as texts,
is passed over; a size of 0 or 0xFFFFFFFF, which a writer that cannot go back leaves there, means: to the end.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from audiocnn.errors import AudioReadError, ParameterError

__all__ = ["Encoding", "PCMFormat", "read_chunks", "read_wav_header"]

Encoding: TypeAlias = Literal["s16le", "s24le", "s32le", "f32le", "f64le", "u8"]
"""How a sample is written, by ffmpeg's names."""

_BYTES: dict[Encoding, int] = {"u8": 1, "s16le": 2, "s24le": 3, "s32le": 4, "f32le": 4, "f64le": 8}
_PCM = 1
_FLOAT = 3
_EXTENSIBLE = 0xFFFE
_OF_WAV: dict[tuple[int, int], Encoding] = {
    (_PCM, 8): "u8",
    (_PCM, 16): "s16le",
    (_PCM, 24): "s24le",
    (_PCM, 32): "s32le",
    (_FLOAT, 32): "f32le",
    (_FLOAT, 64): "f64le",
}
_UNKNOWN = (0, 0xFFFFFFFF)


@dataclass(frozen=True, kw_only=True)
class PCMFormat:
    """What the bytes of a stream mean.

    Attributes:
        encoding: of a sample.
        sample_rate: samples a second of a channel.
        channels: whose samples take turns.

    Raises:
        ParameterError: for values that cannot be.
    """

    encoding: Encoding = "s16le"
    sample_rate: int = 16000
    channels: int = 1

    def __post_init__(self) -> None:
        if self.encoding not in _BYTES:
            raise ParameterError(f"encoding={self.encoding!r} must be one of {', '.join(_BYTES)}")
        for name in ("sample_rate", "channels"):
            if getattr(self, name) < 1:
                raise ParameterError(f"{name}={getattr(self, name)} must be a positive integer")

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return _BYTES[self.encoding] * self.channels

    def decode(self, data: bytes) -> Tensor:
        r"""Whole frames as samples on unit scale, float32 `(channel, time)`.

        >>> PCMFormat(channels=2).decode(b"\x00\x40\x00\xc0")
        tensor([[ 0.5000],
                [-0.5000]])
        """
        samples: npt.NDArray[np.generic]
        if self.encoding == "s24le":  # the highest three bytes of 32 bits
            bytes_ = np.frombuffer(data, dtype=np.uint8).reshape(-1, 3)
            wide = np.zeros((len(bytes_), 4), dtype=np.uint8)
            wide[:, 1:] = bytes_
            samples = wide.view("<i4")[:, 0] / 2.0**31
        elif self.encoding == "u8":
            samples = (np.frombuffer(data, dtype=np.uint8).astype(np.float32) - 128.0) / 128.0
        elif self.encoding in ("f32le", "f64le"):
            samples = np.frombuffer(data, dtype=f"<f{_BYTES[self.encoding]}")
        else:
            width = _BYTES[self.encoding]
            samples = np.frombuffer(data, dtype=f"<i{width}") / 2.0 ** (8 * width - 1)
        frames = samples.astype(np.float32).reshape(-1, self.channels)
        return torch.from_numpy(np.ascontiguousarray(frames.T))


def read_wav_header(stream: BinaryIO) -> tuple[PCMFormat, int | None]:
    """Read up to the first sample of a WAV stream.

    Args:
        stream: at its beginning.

    Returns:
        The format, and how many bytes of samples follow; None for as many as there are.

    Raises:
        AudioReadError: for what is no WAV of integers or floats.
    """
    magic = _exactly(stream, 12)
    if magic[:4] != b"RIFF" or magic[8:] != b"WAVE":
        raise AudioReadError(
            "the stream does not begin like a WAV file; for samples without a header give their encoding, "
            "such as --raw s16le"
        )
    form: PCMFormat | None = None
    while True:
        name, size = struct.unpack("<4sI", _exactly(stream, 8))
        if name == b"data":
            if form is None:
                raise AudioReadError("the WAV stream has samples before it says what they are")
            return form, None if size in _UNKNOWN else size
        body = _exactly(stream, size + size % 2)
        if name == b"fmt ":
            form = _format(body)


def _format(body: bytes) -> PCMFormat:
    if len(body) < 16:
        raise AudioReadError(f"the WAV stream has a format of {len(body)} bytes; 16 are the least")
    tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
    if tag == _EXTENSIBLE and len(body) >= 26:
        (tag,) = struct.unpack("<H", body[24:26])
    if (tag, bits) not in _OF_WAV or channels < 1 or rate < 1:
        raise AudioReadError(
            f"the WAV stream has {channels} channels of format {tag} with {bits} bits at {rate} Hz; integers "
            "of 8 to 32 bits and floats of 32 or 64 are read"
        )
    return PCMFormat(encoding=_OF_WAV[tag, bits], sample_rate=rate, channels=channels)


def read_chunks(
    stream: BinaryIO, form: PCMFormat, *, chunk_seconds: float = 0.1, size: int | None = None
) -> Iterator[Tensor]:
    """Samples as they come, float32 `(channel, time)`, in chunks of at most so long.

    A last sample of which bytes are missing is dropped.

    Args:
        stream: at its first sample.
        form: what the bytes mean.
        chunk_seconds: the most that is waited for.
        size: bytes of samples; None for all there are.

    Raises:
        ParameterError: for a length that is not positive.
    """
    if not chunk_seconds > 0:
        raise ParameterError(f"chunk_seconds={chunk_seconds} must be positive; 0.1 is the default")
    wanted = max(1, round(chunk_seconds * form.sample_rate)) * form.frame_bytes
    left, kept = size, b""
    while left is None or left > 0:
        data = stream.read(wanted - len(kept) if left is None else min(left, wanted - len(kept)))
        if not data:
            return
        left = None if left is None else left - len(data)
        kept += data
        whole = len(kept) - len(kept) % form.frame_bytes
        if whole:
            yield form.decode(kept[:whole])
            kept = kept[whole:]


def _exactly(stream: BinaryIO, size: int) -> bytes:
    parts, left = [], size
    while left:
        part = stream.read(left)
        if not part:
            raise AudioReadError(
                "the stream ends within its WAV header; is there a recorder at its other end?"
            )
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
