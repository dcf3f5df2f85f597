"""Long recordings: what is said to be heard in them is, there, and as loud as was asked for."""

import numpy as np
import pytest
import soundfile

from audiocnn.data.long_recordings import LongRecordingConfig, plan, render, sounding, write
from audiocnn.data.manifest import Clip, read_manifest
from audiocnn.errors import ParameterError

RATE = 8000


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Four clips each of three labels: a tone of its own pitch in the middle of silence."""
    folder, made = tmp_path_factory.mktemp("clips"), []
    for j, label in enumerate(("yes", "no", "tree")):
        for i in range(4):
            samples = np.zeros(RATE, dtype=np.float32)
            time = np.arange(1600 + 80 * i) / RATE
            samples[2400 : 2400 + len(time)] = 0.1 * (i + 1) * np.sin(2 * np.pi * (500 + 800 * j) * time)
            path = folder / f"{label}{i}.wav"
            soundfile.write(path, samples, RATE, subtype="FLOAT")
            made.append(Clip(path=path, label=label, speaker=str(i)))
    return made


@pytest.fixture(scope="module")
def noises(tmp_path_factory):
    """Two backgrounds of different levels and lengths."""
    folder, rng = tmp_path_factory.mktemp("noises"), np.random.default_rng(0)
    made = []
    for i, (seconds, level) in enumerate(((3, 0.3), (0.7, 0.01))):
        path = folder / f"{i}.wav"
        soundfile.write(path, level * rng.standard_normal(round(seconds * RATE)), RATE, subtype="FLOAT")
        made.append(Clip(path=path, label="noise"))
    return made


CONFIG = LongRecordingConfig(
    seconds=60.0,
    targets=("yes",),
    targets_per_minute=6,
    others_per_minute=12,
    min_snr_db=5,
    max_snr_db=25,
    sample_rate=RATE,
)


def test_a_tone_is_where_the_truth_says(clips, noises):
    placed = plan(clips, CONFIG)
    heard = np.concatenate(list(render(placed, noises, CONFIG)))
    bare = np.concatenate(list(render([], noises, CONFIG)))
    assert len(heard) == 60 * RATE
    words = heard - bare  # the background is the same, whatever is laid over it
    truth = np.zeros(len(words), dtype=bool)
    for one in placed:
        first, last = round(one.onset * RATE), round(one.offset * RATE)
        truth[first:last] = True
        loudness = np.sqrt((words[first:last] ** 2).mean())
        assert 20 * np.log10(loudness) - CONFIG.background_db == pytest.approx(one.snr_db, abs=0.1)
        assert 5 <= one.snr_db <= 25
    assert np.abs(words[~truth]).max() < 1e-6
    assert sum(one.clip.label == "yes" for one in placed) == 6 and len(placed) == 18


def test_clips_keep_their_distance_and_are_heard_in_turn(clips):
    placed = plan(clips, CONFIG)
    ends = [one.begin + RATE for one in placed]
    gaps = np.array([one.begin for one in placed[1:]]) - np.array(ends[:-1])
    assert gaps.min() >= 0.5 * RATE and placed[0].begin >= 0.5 * RATE and ends[-1] <= 59.5 * RATE
    assert gaps.max() > 2 * gaps.min()
    heard = [one.clip.path.name for one in placed]
    # six of four clips: each once before one is heard twice
    assert sorted(heard.count(f"yes{i}.wav") for i in range(4)) == [1, 1, 2, 2]
    assert plan(clips, CONFIG) == placed
    assert plan(clips, LongRecordingConfig(**{**vars(CONFIG), "seed": 1})) != placed


def test_the_background_has_its_level_and_no_clicks(noises):
    for backgrounds in (noises, []):
        heard = np.concatenate(list(render([], backgrounds, CONFIG)))
        assert 20 * np.log10(np.sqrt((heard**2).mean())) == pytest.approx(-50, abs=0.5)
        assert np.abs(np.diff(heard)).max() < 12 * 10 ** (-50 / 20)


def test_what_sounds_is_told_from_silence():
    clip = np.full(1000, 1e-4, dtype=np.float32)
    clip[160:320] = 0.5
    assert sounding(clip, RATE, quiet_db=40) == (160, 320)
    assert sounding(clip, RATE, quiet_db=80) == (0, 1000)
    assert sounding(np.zeros(100, dtype=np.float32), RATE, quiet_db=40) == (0, 100)


@pytest.mark.parametrize("ending", [".wav", ".flac"])
def test_the_manifest_beside_it_can_be_scanned_and_cut(ending, clips, noises, tmp_path):
    path = tmp_path / f"hour{ending}"
    placed = write(path, clips, noises, CONFIG)
    assert soundfile.info(path).frames == 60 * RATE
    listed = read_manifest(tmp_path / "hour.csv")
    assert [(clip.label, clip.speaker) for clip in listed] == [
        (one.clip.label, one.clip.speaker) for one in placed
    ]
    assert [clip.start for clip in listed] == pytest.approx([one.onset for one in placed])
    assert {clip.path for clip in listed} == {path}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"targets": ()}, "targets is empty; name one label at least"),
        ({"seconds": 0.0}, "seconds=0.0 must be positive"),
        ({"others_per_minute": -1.0}, "others_per_minute=-1.0 must be 0 or more"),
        ({"min_snr_db": 30.0}, "min_snr_db=30.0 must be at most max_snr_db=25"),
        ({"targets": ("up",)}, "targets names 'up', of which there is no clip"),
        (
            {"targets": ("yes", "no", "tree")},
            "others_per_minute=12 asks for clips of other labels; there are none",
        ),
        (
            {"others_per_minute": 60.0},
            "66 clips with gaps of 0.5 s do not fit into 60.0 s; ask for fewer a minute",
        ),
    ],
)
def test_what_cannot_work_is_said(changes, message, clips):
    with pytest.raises(ParameterError) as caught:
        plan(clips, LongRecordingConfig(**{**vars(CONFIG), **changes}))
    assert str(caught.value) == message


def test_other_endings_are_refused(clips, noises, tmp_path):
    with pytest.raises(ParameterError, match=r"path=.*a\.mp3 must end in \.wav or \.flac"):
        write(tmp_path / "a.mp3", clips, noises, CONFIG)
