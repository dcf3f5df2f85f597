"""A corpus gives back what the files hold, in order, and its windows are those of `place`."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn import audio
from audiocnn.data.corpus import Corpus, read_parts
from audiocnn.data.manifest import Clip
from audiocnn.errors import ManifestError, ParameterError
from audiocnn.placement import place


def write_clips(folder: Path, recordings: list[np.ndarray], *, suffix: str = ".wav") -> list[Clip]:
    clips = []
    for i, samples in enumerate(recordings):
        path = folder / f"{i}{suffix}"
        soundfile.write(path, samples, 16000, subtype="PCM_16" if samples.dtype == np.int16 else "FLOAT")
        clips.append(Clip(path=path, label="yes" if i % 2 else "no"))
    return clips


def recording_of(corpus: Corpus, index: int) -> torch.Tensor:
    start = int(corpus.offsets[index])
    return corpus.samples[start : start + int(corpus.lengths[index])]


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
@pytest.mark.parametrize("workers", [None, 1, 3])
def test_sixteen_bit_recordings_come_back_exactly_and_in_order(
    tmp_path: Path, suffix: str, workers: int | None
) -> None:
    draw = np.random.default_rng(0)
    recordings = [draw.integers(-32768, 32768, size, np.int16) for size in (400, 1, 1600, 37, 1000)]
    recordings.append(np.array([-32768, -32767, -1, 0, 1, 32767], np.int16))
    clips = write_clips(tmp_path, recordings, suffix=suffix)
    corpus = Corpus.load(clips, labels=["yes", "no"], sample_rate=16000, workers=workers)
    for i, samples in enumerate(recordings):
        assert recording_of(corpus, i).tolist() == samples.tolist()
    assert corpus.targets.tolist() == [1, 0, 1, 0, 1, 0]
    assert corpus.labels == ("yes", "no")
    assert corpus.sample_rate == 16000
    assert len(corpus) == 6
    assert len(corpus.samples) == sum(map(len, recordings))
    assert corpus.samples.dtype == torch.int16
    assert {corpus.offsets.dtype, corpus.lengths.dtype, corpus.targets.dtype} == {torch.int64}


def test_what_exceeds_full_scale_is_clipped_and_what_lies_between_rounded(tmp_path: Path) -> None:
    steps = np.array([-40000, -32768.4, -1.6, -0.4, 0.6, 32766.6, 32767.6, 40000])
    clips = write_clips(tmp_path, [(steps / 32768).astype(np.float32)])
    corpus = Corpus.load(clips, labels=["no"], sample_rate=16000)
    assert corpus.samples.tolist() == [-32768, -32768, -2, 0, 1, 32767, 32767, 32767]


def test_recordings_are_resampled_to_the_corpus_rate(tmp_path: Path) -> None:
    clips = write_clips(tmp_path, [np.zeros(1600, np.int16)])
    assert len(Corpus.load(clips, labels=["no"], sample_rate=8000).samples) == 800


def test_all_unreadable_recordings_are_listed_at_once(tmp_path: Path) -> None:
    clips = write_clips(tmp_path, [np.ones(9, np.int16)] * 3)
    clips[0].path.write_text("no sound")
    clips[2].path.unlink()
    with pytest.raises(ManifestError) as raised:
        Corpus.load(clips, labels=["no", "yes"], sample_rate=16000)
    heading, first, second = str(raised.value).split("\n")
    assert heading == "these recordings cannot be read (2):"
    assert str(clips[0].path) in first
    assert str(clips[2].path) in second


def write_long(folder: Path, suffix: str, *, rate: int = 16000, seconds: int = 5) -> Path:
    path = folder / f"long{suffix}"
    draw = np.random.default_rng(0)
    soundfile.write(path, draw.uniform(-0.5, 0.5, (seconds * rate, 2)), rate)
    return path


# out of order, one in another, one twice, with gaps, to the end and beyond it
PARTS = [(3.25, None), (0.5, 0.75), (0.6, 0.7), (2.0, 3.0), (0.5, 0.75), (1 / 3, 4.5), (4.9, 60.0)]


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".ogg"])
@pytest.mark.parametrize("rate", [16000, 44100])
def test_parts_are_what_read_gives_of_them_in_order(tmp_path: Path, suffix: str, rate: int) -> None:
    path = write_long(tmp_path, suffix, rate=rate)
    clips = [Clip(path=path, label="no", start=start, stop=stop) for start, stop in PARTS]
    other = write_clips(tmp_path, [np.ones(7, np.int16)])
    clips[3:3] = other  # between two parts of one file
    corpus = Corpus.load(clips, labels=["no"], sample_rate=16000)
    for i, clip in enumerate(clips):
        part = audio.read(clip.path, sample_rate=16000, start_seconds=clip.start, stop_seconds=clip.stop)
        expected = (part.waveform * 32768).round().clamp(-32768, 32767)
        assert recording_of(corpus, i).tolist() == expected.tolist()
    assert int(corpus.lengths.sum()) == len(corpus.samples)


@pytest.mark.parametrize(("suffix", "passes"), [(".mp3", 1), (".ogg", 1), (".flac", 0)])
def test_a_file_that_cannot_be_sought_is_decoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, passes: int
) -> None:
    path = write_long(tmp_path, suffix)
    clips = [Clip(path=path, label="no", start=i / 10, stop=i / 10 + 0.1) for i in range(40)]
    calls = []
    for name in ("read", "blocks"):
        real = getattr(audio, name)

        def counted(*args: Any, name: str = name, real: Any = real, **kwargs: Any) -> Any:
            calls.append(name)
            return real(*args, **kwargs)

        monkeypatch.setattr(audio, name, counted)
    corpus = Corpus.load(clips, labels=["no"], sample_rate=16000)
    assert corpus.lengths.tolist() == [1600] * 40
    assert calls == (["blocks"] if passes else ["read"] * 40)


@pytest.mark.parametrize("suffix", [".wav", ".mp3"])
def test_parts_that_are_not_there_are_listed_and_name_their_file(tmp_path: Path, suffix: str) -> None:
    path = write_long(tmp_path, suffix)
    parts = [(1.0, 2.0), (5.5, 6.0), (3.0, 3.00001), (8.0, None), (1e300, None)]
    clips = [Clip(path=path, label="no", start=start, stop=stop) for start, stop in parts]
    gone = Clip(path=tmp_path / "gone.wav", label="no")
    with pytest.raises(ManifestError) as raised:
        Corpus.load([*clips, gone, replace(gone, start=1.0)], labels=["no"], sample_rate=16000)
    behind = f"is behind the end of {path}, which is 5.000 s long"
    assert str(raised.value) == (
        "these recordings cannot be read (5):\n"
        f"  start_seconds=5.5 {behind}\n"
        f"  {path}: start_seconds=3.0 to stop_seconds=3.00001 holds no sample at 16000 Hz\n"
        f"  start_seconds=8.0 {behind}\n"
        f"  start_seconds=1e+300 {behind}\n"
        f"  {gone.path} does not exist; check the name and the folder"
    )
    with pytest.raises(ManifestError, match=r"cannot be read \(2\):\n  start_seconds=5.5"):
        Corpus.load([clips[1], clips[3]], labels=["no"], sample_rate=16000)


@pytest.mark.parametrize(("suffix", "kept"), [(".mp3", 0.3), (".mp3", 0.9), (".ogg", 0.8)])
def test_of_a_file_that_breaks_off_the_same_parts_are_good_together_and_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, kept: float
) -> None:
    monkeypatch.setattr("audiocnn.data.corpus._BLOCK_SECONDS", 3.0)
    path = write_long(tmp_path, suffix, rate=8000, seconds=20)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    clips = [Clip(path=path, label="no", start=i / 2, stop=i / 2 + 0.4) for i in range(40)]
    found = dict(read_parts(clips, sample_rate=8000))
    for i, clip in enumerate(clips):
        ((_, alone),) = read_parts([clip], sample_rate=8000)
        together = found[i]
        if isinstance(alone, str):
            assert isinstance(together, str)
            assert together.startswith(f"{path} is truncated: its header promises ")
        else:
            assert isinstance(together, torch.Tensor) and torch.equal(together, alone)
    good = sum(isinstance(part, torch.Tensor) for part in found.values())
    assert good == pytest.approx(kept * 40, abs=3)
    with pytest.raises(ManifestError, match="is truncated: its header promises "):
        Corpus.load(clips, labels=["no"], sample_rate=8000)
    assert len(Corpus.load(clips[:good], labels=["no"], sample_rate=8000)) == good


def test_all_clips_of_unnamed_labels_are_listed_at_once_before_decoding() -> None:
    clips = [Clip(path=Path("1.wav"), label="maybe"), Clip(path=Path("2.wav"), label=None)]
    with pytest.raises(ManifestError) as raised:
        Corpus.load(clips, labels=["no"], sample_rate=16000)
    assert str(raised.value) == (
        "these clips have a label that labels does not name (2):\n  1.wav: label 'maybe'\n  2.wav: label None"
    )


def test_parameters_that_cannot_work() -> None:
    clips = [Clip(path=Path("1.wav"), label="no")]
    with pytest.raises(ManifestError, match=r"^there are no recordings to load; give at least one clip$"):
        Corpus.load([], labels=["no"], sample_rate=16000)
    with pytest.raises(ParameterError, match=r"^labels=\('no', 'no'\) must differ; name each class once$"):
        Corpus.load(clips, labels=["no", "no"], sample_rate=16000)
    with pytest.raises(
        ParameterError, match=r"^workers=0 must be a positive integer, or None for the machine's own$"
    ):
        Corpus.load(clips, labels=["no"], sample_rate=16000, workers=0)
    message = "sample_rate=0 must be a positive integer of samples a second, such as 16000"
    with pytest.raises(ParameterError, match=f"^{message}$"):
        Corpus.load(clips, labels=["no"], sample_rate=0)


def make_corpus(lengths: list[int]) -> Corpus:
    sizes = torch.tensor(lengths)
    return Corpus(
        samples=torch.randint(
            -32768, 32768, (sum(lengths),), dtype=torch.int16, generator=torch.Generator().manual_seed(0)
        ),
        offsets=sizes.cumsum(0) - sizes,
        lengths=sizes,
        targets=torch.zeros(len(lengths), dtype=torch.int64),
        labels=("no",),
        sample_rate=16000,
    )


@given(
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=6),
    window=st.integers(1, 20),
    seed=st.none() | st.integers(0, 2**40),
    data=st.data(),
)
@settings(max_examples=100, deadline=None)
def test_windows_are_the_placed_recordings_on_the_unit_scale(
    lengths: list[int], window: int, seed: int | None, data: st.DataObject
) -> None:
    corpus = make_corpus(lengths)
    indices = data.draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1, max_size=8))

    def generator() -> torch.Generator | None:
        return None if seed is None else torch.Generator().manual_seed(seed)

    windows = corpus.windows(torch.tensor(indices), window, generator=generator())
    waveforms = [recording_of(corpus, i).float() / 32768 for i in indices]
    assert windows.dtype == torch.float32
    assert torch.equal(windows, place(waveforms, window, generator=generator()))


def test_the_corpus_is_not_changed_through_its_windows() -> None:
    corpus = make_corpus([5])
    before = corpus.samples.clone()
    corpus.windows(torch.tensor([0]), 5).zero_()
    assert torch.equal(corpus.samples, before)


def test_short_recordings_are_looped_and_long_ones_kept(tmp_path: Path) -> None:
    recordings = [np.arange(size, dtype=np.int16) for size in (3, 10, 7)]
    corpus = Corpus.load(write_clips(tmp_path, recordings), labels=("no", "yes"), sample_rate=16000)
    looped = corpus.looped(7)
    assert [len(recording_of(looped, i)) for i in range(3)] == [9, 10, 7]
    assert recording_of(looped, 0).tolist() == [0, 1, 2] * 3
    assert torch.equal(recording_of(looped, 2), recording_of(corpus, 2))
