"""What filters of any shape let through, and where they hear."""

import numpy as np
import torch
from torch import Tensor

from audiocnn.frontends.front_end import Array

__all__ = ["amplitude_response", "half_power_bands"]

_LEAST_POINTS = 8192


def amplitude_response(kernels: Tensor, sample_rate: int) -> tuple[Array, Array]:
    """Frequencies in Hz, `(points,)`, and each filter's gain of amplitude there, `(filters, points)`.

    Args:
        kernels: `(filters, parts, taps)`; of two parts the squares of the gains are summed.
        sample_rate: samples a second.

    >>> hz, gains = amplitude_response(torch.tensor([[[0.5, 0.5]]]), 16000)
    >>> hz[[0, -1]].tolist(), gains[0, [0, -1]].round(6).tolist()
    ([0.0, 8000.0], [1.0, 0.0])
    """
    points = max(_LEAST_POINTS, 2 * kernels.shape[-1])
    gains = torch.fft.rfft(kernels.detach().cpu().double(), n=points).abs().square().sum(1).sqrt()
    hz = torch.fft.rfftfreq(points, 1.0 / sample_rate, dtype=torch.float64)
    return hz.numpy(), gains.numpy()


def half_power_bands(hz: Array, power: Array) -> list[tuple[float, float]]:
    """From where to where each filter's power response, about its peak, is at least half of it (3 dB down).

    Between two frequencies the response is taken to be straight. A filter that lets nothing through has an
    empty band, at the first frequency.

    Args:
        hz: frequencies, rising: `(points,)`.
        power: responses there: `(filters, points)`.

    >>> half_power_bands(np.array([0.0, 100.0, 200.0, 300.0]), np.array([[0.0, 0.0, 1.0, 0.0]]))
    [(150.0, 250.0)]
    """
    bands = []
    for row in power:
        peak = int(row.argmax())
        if row[peak] <= 0.0:
            bands.append((float(hz[0]), float(hz[0])))
            continue
        half = row[peak] / 2
        below = np.flatnonzero(row < half)
        left, right = below[below < peak], below[below > peak]
        low = _crossing(hz, row, left[-1], half) if left.size else float(hz[0])
        high = _crossing(hz, row, right[0] - 1, half) if right.size else float(hz[-1])
        bands.append((low, high))
    return bands


def _crossing(hz: Array, row: Array, i: int, level: float) -> float:
    """Where the line from point `i` to the next one is at that level."""
    along = (level - row[i]) / (row[i + 1] - row[i])
    return float(hz[i] + along * (hz[i + 1] - hz[i]))
