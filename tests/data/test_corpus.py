"""A corpus gives back what the files hold, in order, and its windows are those of `place`."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.data.corpus import Corpus
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
