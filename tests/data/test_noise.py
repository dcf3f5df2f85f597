"""Background recordings: stretches of them, so that no sample is learned from and judged on."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from audiocnn.data.manifest import Clip
from audiocnn.data.noise import cut_noise, list_noise
from audiocnn.errors import ParameterError


@pytest.fixture(scope="module")
def noises(tmp_path_factory):
    """Two recordings, of 10 and 4 seconds."""
    folder = tmp_path_factory.mktemp("noises")
    for name, seconds in (("hum", 10), ("tap", 4)):
        soundfile.write(folder / f"{name}.wav", np.zeros(seconds * 8000), 8000)
    return list_noise(folder)


def test_each_recording_gives_its_share(noises):
    first, second = cut_noise(noises, part=(0.25, 0.5))
    assert first == replace(noises[0], start=2.5, stop=5.0) and first.label == "noise"
    assert (second.path.name, second.start, second.stop) == ("tap.wav", 1.0, 2.0)


def test_stretches_are_cut_to_pieces_without_the_rest(noises):
    pieces = cut_noise(noises, part=(0.0, 0.5), seconds=1.5)
    assert [(piece.path.stem, piece.start, piece.stop) for piece in pieces] == [
        ("hum", 0.0, 1.5),
        ("hum", 1.5, 3.0),
        ("hum", 3.0, 4.5),
        ("tap", 0.0, 1.5),
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"part": (0.5, 0.5)}, "part=(0.5, 0.5) must rise, from 0 to 1; (0.0, 0.5) is the first half"),
        ({"part": (0.0, 1.5)}, "part=(0.0, 1.5) must rise, from 0 to 1; (0.0, 0.5) is the first half"),
        ({"part": (0.0, 1.0), "seconds": 0.0}, "seconds=0.0 must be positive"),
    ],
)
def test_what_cannot_work_is_said(options, message):
    with pytest.raises(ParameterError) as caught:
        cut_noise([Clip(path="hum.wav", label="noise")], **options)
    assert str(caught.value) == message
