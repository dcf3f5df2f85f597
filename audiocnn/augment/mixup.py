"""Clips mixed with one another, and their targets alike."""

import numpy as np
import torch
from torch import Tensor

from audiocnn.errors import ParameterError

__all__ = ["mixup"]


def mixup(
    inputs: Tensor, targets_one_hot: Tensor, *, alpha: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Mix each clip of a batch with another one, drawn from the same batch.

        input = share * input + (1 - share) * other input
        target = share * target + (1 - share) * other target

    Mixup: Zhang et al. 2018, https://arxiv.org/abs/1710.09412. As in its
    definition every pair draws its own share from Beta(alpha, alpha); its code
    draws one for a whole batch.

    torch's own Beta takes no generator, so the shares are NumPy's, which samples
    it exactly, seeded with a number drawn from the generator.

    Args:
        inputs: waveforms, features or pictures, `(batch, ...)`.
        targets_one_hot: floating point, `(batch, num_classes)`; rows that already
            are a mixture serve as well.
        alpha: how thoroughly to mix: near 0 most pairs keep one clip nearly pure,
            1 makes every share equally likely. The paper takes 0.1 to 0.4 for
            images.
        generator: on the CPU; draws the same pairs and shares for any device.

    Returns:
        The mixed inputs and targets, of the same shapes; the inputs stay as they are.

    Raises:
        ParameterError: if alpha is not positive, targets are not floating point, or
            inputs and targets differ in length.

    >>> generator = torch.Generator().manual_seed(0)
    >>> inputs, targets = mixup(torch.eye(2), torch.eye(2), alpha=0.4, generator=generator)
    >>> torch.equal(inputs, targets), targets.sum(dim=1)
    (True, tensor([1., 1.]))
    """
    if not 0 < alpha < float("inf"):
        raise ParameterError(
            f"alpha={alpha} must be positive; 0.2 is usual, and to mix nothing leave mixup out"
        )
    if not targets_one_hot.is_floating_point():
        raise ParameterError(
            f"targets_one_hot of dtype {targets_one_hot.dtype} must be floating point; "
            "torch.nn.functional.one_hot(targets, num_classes).float() makes it from class indices"
        )
    if len(inputs) != len(targets_one_hot):
        raise ParameterError(
            f"inputs has {len(inputs)} rows, targets_one_hot {len(targets_one_hot)}; give one target per clip"
        )
    other = torch.randperm(len(inputs), generator=generator)
    seed = int(torch.randint(2**62, (), generator=generator))
    shares = torch.from_numpy(np.random.default_rng(seed).beta(alpha, alpha, size=len(inputs)))
    return _mix(inputs, other, shares), _mix(targets_one_hot, other, shares)


def _mix(rows: Tensor, other: Tensor, shares: Tensor) -> Tensor:
    """Each row, to its share, with its other row."""
    share = shares.to(rows).view(-1, *[1] * (rows.dim() - 1))  # (batch, 1, ...)
    return share * rows + (1 - share) * rows[other.to(rows.device)]
