"""Reading recordings: every format, every part, every block size, and everything that is wrong with files."""

import os
import struct

import numpy as np
import pytest
import soundfile
import soxr
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audiocnn import audio
from audiocnn.errors import AudioReadError, ParameterError
from audiocnn.resampling import Resampler, resample

RATE = 16000


def tone(seconds=1.0, rate=RATE, hz=440.0, channels=1):
    """A tone, softer in each further channel: `(time, channels)`."""
    time = np.arange(round(seconds * rate)) / rate
    return 0.5 * np.sin(2 * np.pi * hz * time)[:, None] / (1 + np.arange(channels))


@pytest.mark.parametrize(
    ("name", "subtype", "tolerance"),
    [
        ("a.wav", "PCM_U8", 1 / 128),
        ("a.wav", "PCM_16", 1 / 32768),
        ("a.wav", "PCM_24", 1 / 2**23),
        ("a.wav", "FLOAT", 0.0),
        ("a.wav", "ULAW", 0.02),
        ("a.flac", "PCM_16", 1 / 32768),
        ("a.aiff", "PCM_16", 1 / 32768),
        ("a.au", "PCM_16", 1 / 32768),
        ("a.caf", "PCM_24", 1 / 2**23),
        ("a.ogg", "VORBIS", 0.03),
        ("a.mp3", "MPEG_LAYER_III", 0.03),
    ],
)
def test_every_format_gives_its_samples_on_unit_scale(tmp_path, name, subtype, tolerance):
    written = tone().astype(np.float32)
    soundfile.write(tmp_path / name, written, RATE, subtype=subtype)
    waveform, rate = audio.read(tmp_path / name)
    assert rate == RATE
    assert waveform.dtype == torch.float32 and waveform.shape == (RATE,)
    # a lossy coder may need a moment at each end
    ends = slice(800, -800) if tolerance == 0.03 else slice(None)
    assert np.abs(waveform.numpy() - written[:, 0])[ends].max() <= tolerance


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_channels_are_averaged_or_kept(tmp_path, channels):
    samples = tone(channels=channels)
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    expected = torch.from_numpy(samples.T).float()
    kept = audio.read(tmp_path / "a.wav", mono=False).waveform
    assert kept.shape == (channels, RATE) and torch.equal(kept, expected)
    mixed = audio.read(tmp_path / "a.wav").waveform
    torch.testing.assert_close(mixed, expected.mean(dim=0), rtol=1e-6, atol=1e-7)


def test_info_reads_the_header(tmp_path):
    soundfile.write(tmp_path / "a.flac", tone(channels=2), 48000, subtype="PCM_24")
    info = audio.info(str(tmp_path / "a.flac"))
    assert info == audio.AudioInfo(
        path=tmp_path / "a.flac", sample_rate=48000, channels=2, frames=16000, format="FLAC", subtype="PCM_24"
    )
    assert info.seconds == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("a.wav", "PCM_16"),
        ("a.wav", "IMA_ADPCM"),
        ("a.flac", "PCM_16"),
        ("a.ogg", "VORBIS"),
        ("a.ogg", "OPUS"),
        ("a.mp3", "MPEG_LAYER_III"),
    ],
)
def test_parts_and_blocks_are_exactly_what_the_whole_holds_there(tmp_path, name, subtype):
    # On a pure tone, MP3 frames lean far on those before them, and libsndfile misses seeks in Ogg.
    soundfile.write(tmp_path / name, tone(20.0), RATE, subtype=subtype)
    whole = audio.read(tmp_path / name).waveform
    # the MP3 decoder sums in an order that depends on what is asked for
    tolerance = {"rtol": 0.0, "atol": 1e-6 if name == "a.mp3" else 0.0}
    blocks = torch.cat(list(audio.blocks(tmp_path / name, block_seconds=0.7)))
    torch.testing.assert_close(blocks, whole, **tolerance)
    for start in (0.5, 7.123, 17.5):
        part = audio.read(tmp_path / name, start_seconds=start, stop_seconds=start + 0.75).waveform
        first = round(start * RATE)
        torch.testing.assert_close(part, whole[first : first + 12000], **tolerance)


def test_a_part_may_end_behind_the_end(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(), RATE)
    assert len(audio.read(tmp_path / "a.wav", start_seconds=0.75, stop_seconds=99.0).waveform) == 4000


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("audio") / "noise.wav"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (5003, 2))
    soundfile.write(path, noise, 8000, subtype="FLOAT")
    return path


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    block=st.floats(1 / 8000, 1.0),
    rate=st.sampled_from([None, 8000, 16000, 11025, 44100, 3000]),
    mono=st.booleans(),
    start=st.sampled_from([0.0, 0.1]),
)
def test_blocks_of_any_size_are_the_whole(recording, block, rate, mono, start):
    arguments = {"sample_rate": rate, "mono": mono, "start_seconds": start, "stop_seconds": 0.3}
    blocks = list(audio.blocks(recording, block_seconds=block, **arguments))
    assert all(part.numel() for part in blocks)
    assert torch.equal(torch.cat(blocks, dim=-1), audio.read(recording, **arguments).waveform)


def test_blocks_keep_the_one_channel_when_asked(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(), RATE)
    for rate in (None, 8000):
        whole = audio.read(tmp_path / "a.wav", mono=False, sample_rate=rate).waveform
        assert whole.shape == (1, rate or RATE)
        blocks = list(audio.blocks(tmp_path / "a.wav", mono=False, sample_rate=rate, block_seconds=0.3))
        assert torch.equal(torch.cat(blocks, dim=-1), whole)


@pytest.mark.parametrize(("from_rate", "to_rate"), [(44100, 16000), (8000, 16000), (16000, 11025)])
def test_a_tone_keeps_its_pitch_and_level(from_rate, to_rate):
    given = torch.from_numpy(tone(rate=from_rate)[:, 0]).float()
    resampled = resample(given, from_rate, to_rate)
    expected = torch.from_numpy(tone(rate=to_rate)[:, 0]).float()
    assert resampled.shape == expected.shape
    middle = slice(to_rate // 10, -to_rate // 10)
    torch.testing.assert_close(resampled[middle], expected[middle], rtol=0.0, atol=1e-4)


def test_a_tone_above_the_new_nyquist_frequency_is_gone():
    high = torch.from_numpy(tone(rate=44100, hz=10000.0)[:, 0]).float()
    resampled = resample(high, 44100, 16000)
    assert resampled[1600:-1600].abs().max() < 1e-4


def test_resampling_is_that_of_soxr():
    given = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    ours = resample(torch.from_numpy(given), 8000, 12000)
    np.testing.assert_array_equal(ours.numpy(), soxr.resample(given, 8000, 12000, "HQ"))


def test_no_change_of_rate_is_no_change():
    given = torch.rand(100)
    assert resample(given, 8000, 8000) is given


def written(path, content):
    path.write_bytes(content)
    return path


def cut(path, share):
    """The first part of a file."""
    content = path.read_bytes()
    return written(path, content[: int(share * len(content))])


def complaint(error_type, *arguments, **keywords):
    """The message of what `read` raises, which `blocks` must raise too."""
    with pytest.raises(error_type) as error:
        audio.read(*arguments, **keywords)
    with pytest.raises(error_type) as in_blocks:
        list(audio.blocks(*arguments, **keywords))
    assert str(in_blocks.value) == str(error.value)
    assert error.value.__cause__ is None
    return str(error.value)


def test_no_such_file(tmp_path):
    path = tmp_path / "none.wav"
    assert complaint(AudioReadError, path) == f"{path} does not exist; check the name and the folder"


def test_a_folder(tmp_path):
    assert complaint(AudioReadError, tmp_path) == f"{tmp_path} is a folder; name a recording in it"


def test_an_empty_file(tmp_path):
    path = written(tmp_path / "a.wav", b"")
    assert complaint(AudioReadError, path) == f"{path} is an empty file; copy it again"


def test_no_audio(tmp_path):
    path = written(tmp_path / "a.wav", b"# a text with the wrong name\n" * 9)
    assert complaint(AudioReadError, path) == (
        f"{path} is not audio that libsndfile reads (Format not recognised), such as WAV, FLAC, Ogg, MP3 or "
        "AIFF; convert it with `ffmpeg -i IN OUT.wav`"
    )


def test_no_samples(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(0), RATE)
    assert complaint(AudioReadError, path) == (
        f"{path} holds no samples; record it again, or if it plays elsewhere convert it with "
        "`ffmpeg -i IN OUT.wav`"
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_sample_that_is_no_number(tmp_path, bad):
    samples = tone(channels=2)
    samples[4000, 1] = bad
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    for mono in (True, False):
        assert complaint(AudioReadError, path, mono=mono) == (
            f"{path} holds a sample that is NaN or infinite at 0.250 s; export it again, as 16-bit PCM if "
            "nothing else helps"
        )
    assert len(audio.read(path, stop_seconds=0.25).waveform) == 4000


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.au", "a.w64", "a.ogg", "a.flac", "a.mp3"])
def test_a_truncated_file_is_told_and_the_remedy_works(tmp_path, name):
    path = tmp_path / name
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 40000)
    soundfile.write(path, noise, RATE)
    whole = audio.read(path).waveform
    cut(path, 0.6)
    message = complaint(AudioReadError, path)
    found, remedy = message.removeprefix(f"{path} ").split("; copy it again, or read what is there with ")
    if name == "a.flac":
        assert found.startswith("breaks off or is damaged after ")
    elif name == "a.mp3":
        assert found == f"is truncated: its header promises {len(whole) / RATE:.3f} s"
    else:
        assert found == "is truncated: its header promises more than the file holds"
    seconds = float(remedy.removeprefix("stop_seconds="))
    there = audio.read(path, stop_seconds=seconds).waveform
    assert 0.3 < len(there) / len(whole) < 0.7
    if name != "a.mp3":  # whose frames lean on one another
        torch.testing.assert_close(there, whole[: len(there)])


def test_a_header_alone(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(), RATE)
    written(path, path.read_bytes()[:44])
    assert complaint(AudioReadError, path) == (
        f"{path} is truncated: its header promises more than the file holds; copy it again"
    )


def test_the_endless_size_of_a_piped_wav_is_no_truncation(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(), RATE)
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = struct.pack("<I", 0xFFFFFFFF)
    written(path, bytes(content))
    assert len(audio.read(path).waveform) == RATE


def test_too_short_to_resample(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(100), 2_000_000)
    assert complaint(AudioReadError, path, sample_rate=8000) == (
        f"{path} has 100 samples at 2000000 Hz, too few for one at 8000 Hz; give a longer one, or mend the "
        "rate in its header"
    )


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3", "a.aiff", "a.caf"])
def test_whatever_is_damaged_gives_samples_or_one_kind_of_error(tmp_path, name):
    path = tmp_path / name
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 3000), RATE)
    whole = path.read_bytes()

    @settings(deadline=None, max_examples=60)
    @given(
        places=st.lists(st.integers(0, min(len(whole), 200) - 1), min_size=1, max_size=3), byte=st.binary()
    )
    def damage(places, byte):
        content = bytearray(whole)
        for i, place in enumerate(places):
            content[place] = byte[i] if i < len(byte) else 255
        written(path, content)
        try:
            waveform = audio.read(path, sample_rate=8000).waveform
        except AudioReadError as error:
            assert str(error).startswith(str(path))
        else:
            assert waveform.isfinite().all() and len(waveform)

    damage()


def test_a_flac_from_a_pipe_does_not_know_its_length(tmp_path):
    path = tmp_path / "a.flac"
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 30000)
    soundfile.write(path, samples, RATE)
    whole = audio.read(path).waveform
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # the 36 bits that hold the number of samples
    content[22:26] = bytes(4)
    written(path, bytes(content))
    assert torch.equal(audio.read(path).waveform, whole)
    for seconds in (30000 / RATE, 10000 / RATE, 0.7, 9.0):
        assert torch.equal(torch.cat(list(audio.blocks(path, block_seconds=seconds))), whole)
    resampled = resample(whole, RATE, 8000)
    assert torch.equal(audio.read(path, sample_rate=8000).waveform, resampled)
    assert torch.equal(torch.cat(list(audio.blocks(path, sample_rate=8000, block_seconds=0.7))), resampled)


def test_a_name_that_is_not_utf8_is_read(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.wav")
    soundfile.write(os.fsencode(path), tone(), RATE, format="WAV")
    assert len(audio.read(path).waveform) == RATE
    assert audio.info(path).path == path


def test_a_file_without_a_header(tmp_path):
    path = written(tmp_path / "a.raw", bytes(1000))
    assert complaint(AudioReadError, path).startswith(f"{path} is not audio that libsndfile reads (")
    missing = tmp_path / "b.raw"
    assert complaint(AudioReadError, missing) == f"{missing} does not exist; check the name and the folder"


def test_without_end_is_to_the_end(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(), RATE)
    assert len(audio.read(path, stop_seconds=float("inf")).waveform) == RATE
    assert [len(block) for block in audio.blocks(path, block_seconds=float("inf"))] == [RATE]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"start_seconds": float("inf")},
            "start_seconds=inf is behind the end of {path}, which is 1.000 s long",
        ),
        ({"start_seconds": -0.5}, "start_seconds=-0.5 must not be negative"),
        ({"start_seconds": float("nan")}, "start_seconds=nan must not be negative"),
        (
            {"start_seconds": 0.5, "stop_seconds": 0.5},
            "stop_seconds=0.5 must be greater than start_seconds=0.5",
        ),
        ({"start_seconds": 1.0}, "start_seconds=1.0 is behind the end of {path}, which is 1.000 s long"),
        (
            {"start_seconds": 0.5, "stop_seconds": 0.50001},
            "start_seconds=0.5 to stop_seconds=0.50001 holds no sample at 16000 Hz",
        ),
        (
            {"sample_rate": 0},
            "sample_rate=0 must be a positive integer of samples a second, such as 16000",
        ),
        (
            {"sample_rate": 22.05},
            "sample_rate=22.05 must be a positive integer of samples a second, such as 16000",
        ),
    ],
)
def test_impossible_parts_and_rates(tmp_path, arguments, message):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(), RATE)
    assert complaint(ParameterError, path, **arguments) == message.format(path=path)


def test_impossible_blocks(recording):
    with pytest.raises(ParameterError) as error:
        list(audio.blocks(recording, block_seconds=0.0))
    assert str(error.value) == "block_seconds=0.0 must be positive; 10 is the default"
    with pytest.raises(ParameterError) as error:
        Resampler(0, 16000)
    assert str(error.value) == "from_rate=0 must be a positive integer of samples a second, such as 16000"
