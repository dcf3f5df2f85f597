"""Changes to training waveforms: loudness."""

import torch
from torch import Tensor

from audiocnn.errors import ParameterError

__all__ = ["random_gain"]


def random_gain(
    waveforms: Tensor, *, min_gain_db: float, max_gain_db: float, generator: torch.Generator
) -> Tensor:
    """Make each clip louder or softer by a gain drawn evenly in decibels.

    Args:
        waveforms: the batch `(batch, time)`.
        min_gain_db: the least gain; negative is softer. -6 halves the amplitude.
        max_gain_db: the greatest gain. Samples may then exceed full scale; they
            are not clipped.
        generator: on the CPU, so that a seed gives the same gains on any device;
            one value is drawn per clip.

    Returns:
        The changed batch, of the same shape; the input stays as it is.

    Raises:
        ParameterError: if min_gain_db exceeds max_gain_db, or waveforms is not
            `(batch, time)`.

    >>> generator = torch.Generator().manual_seed(0)
    >>> random_gain(torch.ones(1, 3), min_gain_db=-20, max_gain_db=-20, generator=generator)
    tensor([[0.1000, 0.1000, 0.1000]])
    """
    if waveforms.dim() != 2:
        raise ParameterError(f"waveforms of shape {tuple(waveforms.shape)} must be (batch, time)")
    if not min_gain_db <= max_gain_db:
        raise ParameterError(
            f"min_gain_db={min_gain_db} must not exceed max_gain_db={max_gain_db}; swap them"
        )
    drawn = torch.rand(len(waveforms), 1, generator=generator).to(waveforms)  # (batch, 1)
    gains_db = min_gain_db + (max_gain_db - min_gain_db) * drawn
    return waveforms * 10 ** (gains_db / 20)
