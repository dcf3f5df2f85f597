"""Triangular filters over the bins of a Fourier transform, evenly spaced on whatever scale."""

from typing import Any

import numpy as np
import numpy.typing as npt

from audiocnn.errors import ParameterError
from audiocnn.frontends.front_end import Array

__all__ = ["require_no_empty", "triangular_filters"]


def triangular_filters(bins: npt.NDArray[np.floating[Any]], corners: Array) -> Array:
    r"""Triangles that overlap by half: `(corners - 2, bins)`, the peak of each 1.

    Filter i rises from corner i to corner i + 1 and falls to corner i + 2, along straight lines over
    whatever scale bins and corners are given on:

        1          /\ /\ /\
                  /  X  X  \
        0  ______/  / \/ \  \______
        corner  0  1  2  3  4

    >>> triangular_filters(np.arange(6.0), np.array([0.0, 2.0, 4.0, 5.0]))
    array([[0. , 0.5, 1. , 0.5, 0. , 0. ],
           [0. , 0. , 0. , 0.5, 1. , 0. ]])
    """
    low, centre, high = (corners[i : len(corners) - 2 + i, None] for i in range(3))
    return np.maximum(0.0, np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)))


def require_no_empty(bank: Array, corners_hz: Array, *, name: str, sample_rate: int, n_fft: int) -> None:
    """Raise `ParameterError` for the first triangle that holds no bin; `name` is that of their number."""
    empty = np.flatnonzero(bank.max(axis=1) == 0.0)
    if empty.size:
        i = int(empty[0])
        raise ParameterError(
            f"{name}={len(bank)} is too many for n_fft={n_fft}: filter {i}, {corners_hz[i]:.0f} to "
            f"{corners_hz[i + 2]:.0f} Hz, holds none of the bins {sample_rate / n_fft:.1f} Hz apart; "
            f"lower {name} or raise n_fft"
        )
