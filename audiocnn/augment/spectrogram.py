"""Changes to training features: bands and moments blanked out."""

import torch
from torch import Tensor

from audiocnn.errors import ParameterError

__all__ = ["spec_augment"]


def spec_augment(
    features: Tensor,
    *,
    n_freq_masks: int,
    max_freq_width: int,
    n_time_masks: int,
    max_time_width: int,
    generator: torch.Generator,
) -> Tensor:
    """Blank out bands of bins and stretches of frames, drawn anew for each clip.

    Every mask draws its width evenly from 0 to the greatest, then its position
    evenly from those where it fits. Masks may overlap. What they cover becomes 0,
    which is the mean of normalised features.

    SpecAugment: Park et al. 2019, https://arxiv.org/abs/1904.08779, without its
    time warping, which its own ablation finds to matter least. There a time mask
    is bounded by a fraction p of an utterance; here all together are bounded by a
    fifth of the window, since a keyword's window is mostly keyword.

    Args:
        features: normalised, `(batch, channel, freq, time)`.
        n_freq_masks: how many bands each clip loses at most.
        max_freq_width: the widest band, in bins.
        n_time_masks: how many stretches each clip loses at most.
        max_time_width: the longest stretch, in frames.
        generator: on the CPU; draws the same masks for any device.

    Returns:
        The masked batch, of the same shape; the input stays as it is.

    Raises:
        ParameterError: if features is not 4-D, a number is negative, a band may
            be wider than the features, or the time masks could together cover
            more than a fifth of the frames.

    >>> generator = torch.Generator().manual_seed(2)
    >>> features = torch.ones(1, 1, 4, 10)
    >>> masked = spec_augment(features, n_freq_masks=1, max_freq_width=1,
    ...                       n_time_masks=1, max_time_width=2, generator=generator)
    >>> masked[0, 0]
    tensor([[0., 0., 0., 0., 0., 0., 0., 0., 0., 0.],
            [1., 1., 1., 1., 0., 0., 1., 1., 1., 1.],
            [1., 1., 1., 1., 0., 0., 1., 1., 1., 1.],
            [1., 1., 1., 1., 0., 0., 1., 1., 1., 1.]])
    """
    if features.dim() != 4:
        raise ParameterError(
            f"features of shape {tuple(features.shape)} must be (batch, channel, freq, time)"
        )
    batch, _, freq, time = features.shape
    for name, value in (
        ("n_freq_masks", n_freq_masks),
        ("max_freq_width", max_freq_width),
        ("n_time_masks", n_time_masks),
        ("max_time_width", max_time_width),
    ):
        if value < 0:
            raise ParameterError(f"{name}={value} must not be negative; 0 masks nothing")
    if max_freq_width > freq:
        raise ParameterError(
            f"max_freq_width={max_freq_width} must be at most the {freq} bins of the features; "
            "0 masks no bands"
        )
    if n_time_masks * max_time_width > time // 5:
        raise ParameterError(
            f"n_time_masks={n_time_masks} of max_time_width={max_time_width} could cover more than a fifth "
            f"of the {time} frames; n_time_masks * max_time_width must be at most {time // 5}"
        )
    in_band = _draw_masks(batch, n_freq_masks, max_freq_width, freq, generator)  # (batch, freq)
    in_stretch = _draw_masks(batch, n_time_masks, max_time_width, time, generator)  # (batch, time)
    masked = in_band[:, None, :, None] | in_stretch[:, None, None, :]  # (batch, 1, freq, time)
    return features.masked_fill(masked.to(features.device), 0)


def _draw_masks(batch: int, masks: int, max_width: int, size: int, generator: torch.Generator) -> Tensor:
    """Which of `size` positions are masked in each clip, bool `(batch, size)`."""
    drawn = torch.rand(2, batch, masks, 1, dtype=torch.float64, generator=generator)
    width = (drawn[0] * (max_width + 1)).long()
    start = (drawn[1] * (size - width + 1)).long()
    position = torch.arange(size)
    return ((position >= start) & (position < start + width)).any(dim=1)
