"""A plain training loop, for nets whose outputs are no classes of a whole picture."""

import logging
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from audiocnn.errors import ParameterError

__all__ = ["learn"]

logger = logging.getLogger(__name__)
AnyNet = TypeVar("AnyNet", bound=nn.Module)


class _Batches(Protocol):
    """Batches, as many in each epoch."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[tuple[Any, ...]]: ...


def learn(
    net: AnyNet,
    batches: _Batches,
    loss: Callable[..., Tensor],
    *,
    epochs: int,
    learning_rate: float = 0.01,
    weight_decay: float = 0.01,
) -> list[float]:
    """Train a net by AdamW, whose learning rate rises and falls once (Smith & Topin 2018, arXiv 1708.07120).

    Args:
        net: what learns, of its parameters those that require gradients; left in evaluation mode.
        batches: each iteration is an epoch.
        loss: of the net and one batch, as in `loss(net, *batch)`.
        epochs: how many.
        learning_rate: at its peak.
        weight_decay: of AdamW.

    Returns:
        The mean loss of each epoch.

    Raises:
        ParameterError: for no epochs, or a loss that is not finite.
    """
    if epochs < 1:
        raise ParameterError(f"epochs={epochs} must be a positive integer")
    learning = [parameter for parameter in net.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learning, weight_decay=weight_decay)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=epochs * len(batches))
    means = []
    net.train()
    for epoch in range(1, epochs + 1):
        total = 0.0
        for batch in batches:
            optimizer.zero_grad()
            value = loss(net, *batch)
            value.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            rate.step()
            total += float(value.detach())
        means.append(total / len(batches))
        if not torch.tensor(total).isfinite():
            raise ParameterError(
                f"learning_rate={learning_rate}: the loss is not finite after epoch {epoch}; "
                "try a third of it"
            )
        logger.info("epoch %d of %d: loss %.4f", epoch, epochs, means[-1])
    net.eval()
    return means
