"""Samples from a pipe: what soundfile writes is read as soundfile reads it, in pieces of any size."""

import io
import struct

import numpy as np
import pytest
import soundfile
import torch

from audiocnn.errors import AudioReadError, ParameterError
from audiocnn.pcm import PCMFormat, read_chunks, read_wav_header

SUBTYPES = {
    "PCM_U8": "u8",
    "PCM_16": "s16le",
    "PCM_24": "s24le",
    "PCM_32": "s32le",
    "FLOAT": "f32le",
    "DOUBLE": "f64le",
}


class Dripping(io.RawIOBase):
    """A pipe that gives a few bytes at a time, as pipes do."""

    def __init__(self, data, at_once):
        self.data, self.at_once = io.BytesIO(data), at_once

    def read(self, size=-1):
        return self.data.read(min(size, self.at_once))


@pytest.mark.parametrize("form", ["WAV", "WAVEX"])
@pytest.mark.parametrize("subtype", SUBTYPES)
@pytest.mark.parametrize("at_once", [1, 7, 10**6])
def test_a_wav_stream_is_what_soundfile_reads(form, subtype, at_once):
    samples = np.random.default_rng(0).uniform(-1, 1, (501, 2))
    file = io.BytesIO()
    soundfile.write(file, samples, 8000, format=form, subtype=subtype)
    expected = soundfile.read(io.BytesIO(file.getvalue()), dtype="float32")[0]
    stream = Dripping(file.getvalue(), at_once)
    found, size = read_wav_header(stream)
    assert found == PCMFormat(encoding=SUBTYPES[subtype], sample_rate=8000, channels=2)
    chunks = list(read_chunks(stream, found, chunk_seconds=0.01, size=size))
    assert max(chunk.shape[1] for chunk in chunks) <= 80
    assert torch.equal(torch.cat(chunks, dim=1), torch.from_numpy(expected.T))


def header(size=0xFFFFFFFF, tag=1, bits=16, extra=b""):
    form = struct.pack("<HHIIHH", tag, 1, 16000, 32000, 2, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + extra + b"data" + struct.pack("<I", size)
    return b"RIFF\xff\xff\xff\xff" + body


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_stream_without_an_end_lasts_until_the_pipe_closes(size):
    extra = b"LIST" + struct.pack("<I", 5) + b"notes\0"  # of an odd length, and so followed by a byte
    stream = io.BytesIO(header(size, extra=extra) + struct.pack("<4h", 0, 16384, -32768, 1) + b"\1")
    form, expected = read_wav_header(stream)
    assert expected is None
    (chunk,) = read_chunks(stream, form)
    assert chunk.tolist() == [[0.0, 0.5, -1.0, 2**-15]]  # the byte of half a sample is dropped


def test_what_follows_the_samples_is_not_heard():
    stream = io.BytesIO(header(4) + struct.pack("<2h", 1, 2) + b"LIST")
    form, size = read_wav_header(stream)
    assert [chunk.shape for chunk in read_chunks(stream, form, size=size)] == [(1, 2)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b"\0" * 100,
            (
                "the stream does not begin like a WAV file; for samples without a header give their "
                "encoding, such as --raw s16le"
            ),
        ),
        (b"RIFF", "the stream ends within its WAV header; is there a recorder at its other end?"),
        (
            header(tag=6, bits=8),
            (
                "the WAV stream has 1 channels of format 6 with 8 bits at 16000 Hz; integers of 8 to 32 bits "
                "and floats of 32 or 64 are read"
            ),
        ),
        (
            b"RIFF\0\0\0\0WAVEdata\0\0\0\0",
            "the WAV stream has samples before it says what they are",
        ),
        (
            b"RIFF\0\0\0\0WAVEfmt \2\0\0\0\0\0",
            "the WAV stream has a format of 2 bytes; 16 are the least",
        ),
    ],
)
def test_what_is_no_wav_is_said(data, message):
    with pytest.raises(AudioReadError) as caught:
        read_wav_header(io.BytesIO(data))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"encoding": "mp3"}, "encoding='mp3' must be one of u8, s16le, s24le, s32le, f32le, f64le"),
        ({"sample_rate": 0}, "sample_rate=0 must be a positive integer"),
        ({"channels": 0}, "channels=0 must be a positive integer"),
    ],
)
def test_what_cannot_be_is_said(values, message):
    with pytest.raises(ParameterError) as caught:
        PCMFormat(**values)
    assert str(caught.value) == message
    with pytest.raises(ParameterError, match="chunk_seconds=0 must be positive; 0.1 is the default"):
        next(read_chunks(io.BytesIO(), PCMFormat(), chunk_seconds=0))
