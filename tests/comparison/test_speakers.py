"""Who is left out is left out of everything."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from audiocnn.comparison.speakers import leave_one_speaker_out, split_by_speakers
from audiocnn.comparison.svm import svm_without_each_speaker
from audiocnn.config import TrainConfig
from audiocnn.data.manifest import Clip
from audiocnn.errors import ParameterError
from audiocnn.frontends import LogMelConfig

FRONT_END = LogMelConfig(sample_rate=8000, n_fft=256, win_length=240, hop_length=80, f_max=4000.0)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Two words, each a tone of its own, said five times by three speakers."""
    folder, generator = tmp_path_factory.mktemp("speakers"), np.random.default_rng(0)
    clips = []
    for label, hz in (("0", 400), ("1", 1500)):
        for speaker in ("ada", "bob", "cy"):
            for take in range(5):
                path = folder / f"{label}_{speaker}_{take}.flac"
                time = np.arange(int(generator.integers(1500, 4000))) / 8000
                tone = np.sin(2 * np.pi * generator.uniform(0.9, 1.1) * hz * time)
                soundfile.write(path, 0.1 * tone + 0.01 * generator.standard_normal(len(time)), 8000)
                clips.append(Clip(path=path, label=label, speaker=speaker))
    return clips


def test_one_speaker_tests_and_one_chooses(clips):
    split = split_by_speakers(clips, tested="bob", chosen_by="ada")
    parts = {(clip.speaker, clip.split) for clip in split}
    assert parts == {("bob", "test"), ("ada", "validation"), ("cy", "train")}
    assert [replace(clip, split=None) for clip in split] == clips


def test_a_support_vector_machine_tells_tones(clips):
    assert svm_without_each_speaker(clips, FRONT_END) == {name: (1.0, 1.0) for name in ("ada", "bob", "cy")}


def test_the_speaker_left_out_chooses_nothing(clips):
    """With her labels turned about nothing changes but that she is understood the wrong way."""
    turned = [replace(c, label="10"[int(c.label)]) if c.speaker == "ada" else c for c in clips]
    found = svm_without_each_speaker(turned, FRONT_END)
    assert found["ada"] == (1.0, 0.0)
    assert found["bob"][0] < 1.0 and found["cy"][0] < 1.0  # where she is among those learnt from


def test_two_speakers_are_too_few(clips, tmp_path):
    two = [clip for clip in clips if clip.speaker != "cy"]
    config = TrainConfig(data=tmp_path, out=tmp_path)
    for leave_out in (
        lambda: svm_without_each_speaker(two, FRONT_END),
        lambda: leave_one_speaker_out(config, two, seeds=[0]),
    ):
        with pytest.raises(ParameterError) as error:
            leave_out()
        assert str(error.value) == (
            "clips are of 2 speakers; give those of three at least: one to test, one to choose by"
        )
