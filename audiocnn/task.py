"""What a training run is about: what learns, what from, and what the loss of a batch is.

`audiocnn.train` runs it; of what the batches hold it knows nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from audiocnn.config import RunConfig
from audiocnn.labelled import LabelledNet
from audiocnn.transfer import FrozenLayers, start_from

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
        frozen: what of the classifier is held fixed, if anything.
    """

    classifier: LabelledNet
    training: TrainingBatches
    validation: TrainingBatches
    frozen: FrozenLayers | None = None

    def transfer(self, config: RunConfig) -> None:
        """Let the classifier begin with the weights, and the frozen layers, that a config asks for, if any.

        Raises:
            ModelFileError: for a `start_from` that holds no classifier.
            ParameterError: for one that does not fit, or layers that cannot be frozen.
        """
        if config.start_from is not None:
            start_from(self.classifier, config.start_from)
        if config.freeze is not None:
            self.frozen = FrozenLayers(self.classifier, config.freeze, thaw_epochs=config.thaw_epochs)

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
