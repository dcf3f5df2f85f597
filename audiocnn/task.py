"""What a training run is about: what learns, what from, and what the loss of a batch is.

`audiocnn.train` runs it; of what the batches hold it knows nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from audiocnn.labelled import LabelledNet

__all__ = ["Task", "TrainingBatches"]


class TrainingBatches(Protocol):
    """Batches of inputs and targets; each iteration is an epoch."""

    epoch: int
    """The number of the epoch that the next iteration is, from 0."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]: ...


class Task(ABC):
    """A classifier, and what it learns from.

    Attributes:
        classifier: what learns.
        training: what it learns from.
        validation: what it is judged by, in order.
    """

    classifier: LabelledNet
    training: TrainingBatches
    validation: TrainingBatches

    @abstractmethod
    def parameter_groups(self) -> list[dict[str, Any]]:
        """What learns, as torch's optimizers take it: what learns in another way is a group of its own."""

    @abstractmethod
    def loss(self, inputs: Tensor, targets: Tensor, generator: torch.Generator) -> Tensor:
        """The loss of one batch, augmented.

        Args:
            inputs: of the batch.
            targets: class indices `(batch,)`.
            generator: on the CPU; draws every augmentation.
        """

    @abstractmethod
    def logits(self, inputs: Tensor) -> Tensor:
        """What the classifier says to one batch as it is, `(batch, num_classes)`."""

    @abstractmethod
    def to(self, device: str) -> None:
        """Bring what the task holds, besides the classifier, to a device."""
