"""Features in a file: one `.npy` that any NumPy reads, and behind its numbers what they are.

numpy.load(path)      (n_freqs, frames), float32
read_features(path)   the same, checked, with the config and fingerprint of the front-end
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from audiocnn.errors import FeatureFileError
from audiocnn.files import whole_file
from audiocnn.frontends.front_end import FrontEnd, FrontEndConfig
from audiocnn.frontends.kinds import config_as_dict, config_from_dict

__all__ = ["FeatureFile", "read_features", "write_features"]


@dataclass(frozen=True, kw_only=True)
class FeatureFile:
    """What a file of features holds.

    Attributes:
        features: `(n_freqs, frames)`, float32; frame 0 begins at the first sample of the recording.
        config: of the front-end that made them.
        fingerprints: of that front-end, part by part.
    """

    features: npt.NDArray[np.float32]
    config: FrontEndConfig
    fingerprints: dict[str, str]


def write_features(path: Path, front_end: FrontEnd, blocks: Iterable[Tensor]) -> int:
    """Write the features of one recording, in constant memory; give the number of frames.

    The file appears whole or not at all.

    Args:
        path: a `.npy` file.
        front_end: makes them.
        blocks: the recording at the front-end's sample rate, in blocks `(time,)` of any sizes.

    Raises:
        LawError: for a front-end that does not stream.
        ParameterError: for a recording shorter than a frame.
    """
    frames = 0
    note = {"front_end": config_as_dict(front_end.config), "fingerprints": front_end.fingerprints()}
    with whole_file(path) as beside, beside.open("wb") as file:
        _write_header(file, front_end.n_freqs, frames)
        for features in front_end.feature_blocks(blocks):
            # frame by frame: the file is in Fortran's order, so that it can grow
            file.write(features.t().contiguous().float().cpu().numpy().tobytes())
            frames += features.shape[-1]
        np.lib.format.write_array(file, np.frombuffer(json.dumps(note).encode(), dtype=np.uint8))
        file.seek(0)
        _write_header(file, front_end.n_freqs, frames)  # NumPy leaves room for the number to grow
    return frames


def _write_header(file: Any, rows: int, frames: int) -> None:
    header = {"descr": "<f4", "fortran_order": True, "shape": (rows, frames)}
    np.lib.format.write_array_header_1_0(file, header)


def read_features(path: Path, front_end: FrontEnd | None = None) -> FeatureFile:
    """Read features that `write_features` wrote.

    Args:
        path: the file.
        front_end: refuse features that are not this front-end's; None takes any.

    Raises:
        FeatureFileError: if there is no such file, or it holds no features with a fingerprint.
        FingerprintError: naming what differs, for features of another front-end.
    """
    try:
        with path.open("rb") as file:
            features = np.lib.format.read_array(file, allow_pickle=False)
            note = json.loads(np.lib.format.read_array(file, allow_pickle=False).tobytes())
        config, fingerprints = config_from_dict(note["front_end"]), dict(note["fingerprints"])
    except OSError as error:
        raise FeatureFileError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, MemoryError, TokenError) as error:
        raise FeatureFileError(
            f"{path} holds no features with a fingerprint, or is damaged ({error}); make it with "
            "write_features or `audiocnn features`"
        ) from None
    if front_end is not None:
        front_end.require_fingerprints(fingerprints)
    return FeatureFile(features=features, config=config, fingerprints=fingerprints)
