"""Windows: what the samples of a frame are weighted by before its Fourier transform."""

import math
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from audiocnn.errors import ParameterError

__all__ = ["WINDOWS", "WindowName", "window"]

WindowName: TypeAlias = Literal["hann", "hamming", "blackman", "povey", "rectangular"]
WINDOWS: tuple[WindowName, ...] = ("hann", "hamming", "blackman", "povey", "rectangular")

# a0 - a1 cos(t) + a2 cos(2t), t from 0 to 2 pi (Harris 1978)
_COSINES = {
    "hann": (0.5, 0.5, 0.0),
    "hamming": (0.54, 0.46, 0.0),
    "blackman": (0.42, 0.5, 0.08),
    "povey": (0.5, 0.5, 0.0),
    "rectangular": (1.0, 0.0, 0.0),
}
_POVEY_POWER = 0.85


def window(name: WindowName, length: int, *, periodic: bool = True) -> npt.NDArray[np.float64]:
    """The window of that name.

    Harris 1978, "On the Use of Windows for Harmonic Analysis with the Discrete Fourier Transform".
    `"povey"` is Kaldi's, a Hann window to the power of 0.85: it goes to zero as Hann does and is otherwise
    like Hamming.

    Args:
        name: `"hann"`, `"hamming"`, `"blackman"`, `"povey"` or `"rectangular"`.
        length: samples.
        periodic: the window of `length + 1` without its last sample, as spectra want it (scipy's
            `sym=False`); otherwise symmetric, as Kaldi has it.

    Raises:
        ParameterError: for another name.

    >>> window("hann", 4).round(6).tolist(), window("hann", 5, periodic=False).round(6).tolist()
    ([0.0, 0.5, 1.0, 0.5], [0.0, 0.5, 1.0, 0.5, 0.0])
    """
    if name not in WINDOWS:
        raise ParameterError(f"window={name!r} must be one of {', '.join(map(repr, WINDOWS))}")
    if length == 1:
        return np.ones(1)  # as scipy has it: a frame of one sample is that sample
    a0, a1, a2 = _COSINES[name]
    turn = 2.0 * math.pi * np.arange(length) / (length if periodic else length - 1)
    values: npt.NDArray[np.float64] = a0 - a1 * np.cos(turn) + a2 * np.cos(2.0 * turn)
    return np.maximum(values, 0.0) ** _POVEY_POWER if name == "povey" else values
