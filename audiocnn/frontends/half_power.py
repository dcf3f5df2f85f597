"""Where a filter of any shape hears: the band in which it lets half its peak's power through."""

import numpy as np

from audiocnn.frontends.front_end import Array

__all__ = ["half_power_bands"]


def half_power_bands(hz: Array, power: Array) -> list[tuple[float, float]]:
    """From where to where each filter's power response, about its peak, is at least half of it (3 dB down).

    Between two frequencies the response is taken to be straight. A filter that lets nothing through has the
    empty band at the first frequency.

    Args:
        hz: frequencies, rising: `(points,)`.
        power: responses there: `(filters, points)`.

    >>> half_power_bands(np.array([0.0, 100.0, 200.0, 300.0]), np.array([[0.0, 0.0, 1.0, 0.0]]))
    [(150.0, 250.0)]
    """
    bands = []
    for row in power:
        peak = int(row.argmax())
        half = row[peak] / 2
        below = np.flatnonzero(row < half)
        left, right = below[below < peak], below[below > peak]
        low = _crossing(hz, row, left[-1], half) if left.size else float(hz[0])
        high = _crossing(hz, row, right[0] - 1, half) if right.size else float(hz[-1])
        bands.append((low, high) if row[peak] > 0.0 else (float(hz[0]), float(hz[0])))
    return bands


def _crossing(hz: Array, row: Array, i: int, level: float) -> float:
    """Where the line from point `i` to the next one is at that level."""
    along = (level - row[i]) / (row[i + 1] - row[i])
    return float(hz[i] + along * (hz[i + 1] - hz[i]))
