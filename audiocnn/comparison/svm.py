"""What can be had without a net: features of a fixed size, and a support vector machine."""

from collections.abc import Sequence
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from audiocnn.comparison.recordings import read_clips
from audiocnn.comparison.speakers import SpeakerShares, list_speakers
from audiocnn.data.manifest import Clip
from audiocnn.frontends import FrontEndConfig, create_front_end

__all__ = ["SVM_SETTINGS", "SVMSetting", "svm_without_each_speaker"]

Features = npt.NDArray[np.float32]


class SVMSetting(NamedTuple):
    """How recordings are summed up and told apart.

    Attributes:
        stretches: that a recording is cut into.
        cost: of a mistake.
        width: gamma of the kernel, in parts of one over the number of features; the less, the wider.
    """

    stretches: int
    cost: float
    width: float


SVM_SETTINGS: tuple[SVMSetting, ...] = tuple(
    SVMSetting(*setting)
    for setting in product((4, 8, 16), (1.0, 10.0, 100.0, 1000.0), (0.01, 0.03, 0.1, 0.3, 1.0))
)
"""What may be chosen from."""


def svm_without_each_speaker(
    clips: Sequence[Clip], front_end: FrontEndConfig, *, settings: Sequence[SVMSetting] = SVM_SETTINGS
) -> SpeakerShares:
    """Understand each speaker by a support vector machine that has learnt from all others.

    A recording is cut into equal stretches, whatever its length, and each row of its features averaged over
    each; every number is scaled to mean 0 and deviation 1 over the recordings learnt from. The machine's
    kernel is Gaussian. The setting is chosen for each speaker by leaving out each of the others too, so that
    no choice has heard him or her.

    Args:
        clips: recordings, three speakers at least, whose labels and speakers are known.
        front_end: what makes the features.
        settings: what is chosen from; of one, nothing is chosen.

    Returns:
        Of each speaker: the mean accuracy on the others, each left out too, of what was chosen, and the
        accuracy on his or her own recordings.

    Raises:
        ParameterError: for fewer than three speakers.
    """
    labels = np.array([clip.label for clip in clips])
    speakers = np.array([clip.speaker for clip in clips])
    names = list_speakers(clips)
    features = {
        stretches: _features(clips, front_end, stretches) for stretches in {s.stretches for s in settings}
    }
    # of two speakers left out together, how well each is understood
    shares: dict[tuple[str, str], list[float]] = {}
    for one, other in combinations(names, 2):
        for setting in settings:
            right = _right(features[setting.stretches], labels, ~np.isin(speakers, (one, other)), setting)
            for tested, chosen_by in ((one, other), (other, one)):
                shares.setdefault((tested, chosen_by), []).append(float(right[speakers == chosen_by].mean()))
    found = {}
    for tested in names:
        means = np.mean([shares[tested, other] for other in names if other != tested], axis=0)
        setting = settings[int(means.argmax())]
        right = _right(features[setting.stretches], labels, speakers != tested, setting)
        found[tested] = (float(means.max()), float(right[speakers == tested].mean()))
    return found


def _features(clips: Sequence[Clip], front_end: FrontEndConfig, stretches: int) -> Features:
    """`(clips, rows * stretches)`."""
    make = create_front_end(front_end)
    with torch.inference_mode():
        rows = [
            F.adaptive_avg_pool1d(make(waveform[None])[0, 0], stretches)  # (rows, stretches)
            for waveform in read_clips(clips, sample_rate=front_end.sample_rate)
        ]
    return torch.stack(rows).flatten(1).numpy()


def _right(
    features: Features,
    labels: npt.NDArray[np.str_],
    learnt: npt.NDArray[np.bool_],
    setting: SVMSetting,
) -> npt.NDArray[np.bool_]:
    """Which recordings are given their label by a machine that learnt from some."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    gamma = setting.width / features.shape[1]
    machine = make_pipeline(StandardScaler(), SVC(C=setting.cost, gamma=gamma))
    machine.fit(features[learnt], labels[learnt])
    right: npt.NDArray[np.bool_] = machine.predict(features) == labels
    return right
