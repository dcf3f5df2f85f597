"""Tracks of numbers smoothed as they come; what they are cut into changes no bit."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from audiocnn.errors import ParameterError

__all__ = ["Scores", "Smoother"]

Scores = npt.NDArray[np.float64]

_SORTED_AT_ONCE = 4096  # decisions; each takes the memory of all that it is the median of


class Smoother:
    """The mean or median over `2 * reach + 1` scores around each; at the ends over those there are.

    Args:
        rows: tracks that are smoothed side by side.
        reach: scores on either side of each.
        how: "mean" or "median".

    >>> smoother = Smoother(1, reach=1, how="mean")
    >>> smoother.push(np.array([[1.0, 2.0, 6.0]])), smoother.flush()
    (array([[1.5, 3. ]]), array([[4.]]))
    """

    def __init__(self, rows: int, *, reach: int, how: Literal["mean", "median"]) -> None:
        self.reach, self.how = reach, how
        self._held = np.full((rows, self.reach), np.nan)  # what is not there is NaN
        self._over = False

    def push(self, scores: Scores) -> Scores:
        """Give the scores that what is to come cannot change."""
        if self._over:
            raise ParameterError("the track was flushed, which ends it; make a new EventFinder")
        z = np.concatenate((self._held, scores), axis=1)
        due = max(0, z.shape[1] - 2 * self.reach)
        self._held = z[:, due:]
        if self.reach == 0:
            return z
        if due == 0:
            return z[:, :0]
        around = np.lib.stride_tricks.sliding_window_view(z, 2 * self.reach + 1, axis=1)
        if self.how == "median":
            parts = [around[:, i : i + _SORTED_AT_ONCE] for i in range(0, due, _SORTED_AT_ONCE)]
            return np.concatenate([np.nanmedian(part, axis=2) for part in parts], axis=1)
        # added up in one order, so that the sums do not hang on how the track is cut
        total, count = np.zeros((len(z), due)), np.zeros((len(z), due))
        for k in range(2 * self.reach + 1):
            part = around[:, :, k]
            there = ~np.isnan(part)
            total += np.where(there, part, 0.0)
            count += there
        return total / count

    def flush(self) -> Scores:
        """The rest, smoothed over what there is."""
        rest = self.push(np.full((len(self._held), self.reach), np.nan))
        self._over = True
        return rest
