"""Changes to training waveforms: loudness and noise.

Each function draws from a generator on the CPU, one value or more per clip, so
that a seed gives the same batch whatever device it is on.
"""

import torch
from torch import Tensor

from audiocnn.errors import ParameterError

__all__ = ["add_noise", "random_gain"]


def random_gain(
    waveforms: Tensor, *, min_gain_db: float, max_gain_db: float, generator: torch.Generator
) -> Tensor:
    """Make each clip louder or softer by a gain drawn evenly in decibels.

    Args:
        waveforms: the batch `(batch, time)`.
        min_gain_db: the least gain; negative is softer. -6 halves the amplitude.
        max_gain_db: the greatest gain. Samples may then exceed full scale; they
            are not clipped.
        generator: on the CPU; one value is drawn per clip.

    Returns:
        The changed batch, of the same shape; the input stays as it is.

    Raises:
        ParameterError: if min_gain_db exceeds max_gain_db, or waveforms is not
            `(batch, time)`.

    >>> generator = torch.Generator().manual_seed(0)
    >>> random_gain(torch.ones(1, 3), min_gain_db=-20, max_gain_db=-20, generator=generator)
    tensor([[0.1000, 0.1000, 0.1000]])
    """
    gains_db = _draw_db(waveforms, ("min_gain_db", min_gain_db), ("max_gain_db", max_gain_db), generator)
    return waveforms * 10 ** (gains_db / 20)


def add_noise(
    waveforms: Tensor, *, min_snr_db: float, max_snr_db: float, generator: torch.Generator
) -> Tensor:
    """Add white Gaussian noise to each clip, at a ratio drawn evenly in decibels.

    The ratio is of the clip's own power, its mean square over the whole row, to
    the power the noise is expected to have. So silence around a short clip
    counts, and a row of nothing but silence stays silent.

    Args:
        waveforms: the batch `(batch, time)`.
        min_snr_db: the least signal-to-noise ratio, the noisiest; at 0 the noise
            is as strong as the clip.
        max_snr_db: the greatest ratio, the cleanest.
        generator: on the CPU; draws a ratio per clip and the noise itself.

    Returns:
        The changed batch, of the same shape; the input stays as it is.

    Raises:
        ParameterError: if min_snr_db exceeds max_snr_db, or waveforms is not
            `(batch, time)`.

    >>> generator = torch.Generator().manual_seed(0)
    >>> noisy = add_noise(torch.ones(1, 16000), min_snr_db=20, max_snr_db=20, generator=generator)
    >>> round(float(noisy.std()), 2)
    0.1
    """
    snr_db = _draw_db(waveforms, ("min_snr_db", min_snr_db), ("max_snr_db", max_snr_db), generator)
    noise = torch.randn(waveforms.shape, generator=generator).to(waveforms)  # (batch, time), of power 1
    loudness = (
        torch.linalg.vector_norm(waveforms, dim=1, keepdim=True) / waveforms.shape[1] ** 0.5
    )  # (batch, 1)
    return noise.mul_(loudness * 10 ** (-snr_db / 20)).add_(waveforms)


def _draw_db(
    waveforms: Tensor, least: tuple[str, float], greatest: tuple[str, float], generator: torch.Generator
) -> Tensor:
    """A value per clip, `(batch, 1)`, even between two named limits."""
    if waveforms.dim() != 2:
        raise ParameterError(f"waveforms of shape {tuple(waveforms.shape)} must be (batch, time)")
    (least_name, low), (greatest_name, high) = least, greatest
    if not low <= high:
        raise ParameterError(f"{least_name}={low} must not exceed {greatest_name}={high}; swap them")
    drawn = torch.rand(len(waveforms), 1, generator=generator).to(waveforms)
    return low + (high - low) * drawn
