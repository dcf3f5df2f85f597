"""What a training run is about: what learns, what from, by which loss, and how an epoch is judged.

`audiocnn.train` runs it; of what the batches hold it knows nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.config import ClassifierRunConfig
from audiocnn.labelled import LabelledNet
from audiocnn.transfer import FrozenLayers, start_from

__all__ = ["ClassifierTask", "Task", "TrainingBatches"]


class TrainingBatches(Protocol):
    """Batches of so many tensors, each with a row for each example; each iteration is an epoch."""

    epoch: int
    """The number of the epoch that the next iteration is, from 0."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]: ...


class Task(ABC):
    """A net that tells classes - of a whole example, of places or of pixels - and what it learns from.

    Attributes:
        classifier: what learns.
        training: what it learns from.
        frozen: what of the classifier is held fixed, if anything.
    """

    classifier: LabelledNet
    training: TrainingBatches
    frozen: FrozenLayers | None = None

    @abstractmethod
    def parameter_groups(self) -> list[dict[str, Any]]:
        """What learns, as torch's optimizers take it: what learns in another way is a group of its own."""

    @abstractmethod
    def loss(self, batch: tuple[Tensor, ...], generator: torch.Generator) -> Tensor:
        """The loss of one batch, augmented.

        Args:
            batch: as `training` gives it.
            generator: on the CPU; draws every augmentation.
        """

    @abstractmethod
    def judge(self) -> dict[str, float]:
        """Figures of the classifier on validation, by name: `loss`, that which the run is judged by, others.

        The classifier is left in the mode that it is in.
        """

    @abstractmethod
    def to(self, device: str) -> None:
        """Bring what the task holds to a device."""


class ClassifierTask(Task):
    """A classifier of whole recordings or pictures, which is judged by its accuracy.

    Attributes:
        validation: inputs and targets that it is judged by, in order.
    """

    validation: TrainingBatches

    def transfer(self, config: ClassifierRunConfig) -> None:
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
    def logits(self, inputs: Tensor) -> Tensor:
        """What the classifier says to inputs as they are, `(batch, num_classes)`."""

    def judge(self) -> dict[str, float]:
        """Cross-entropy, and the part of the examples that are given their class."""
        with self.classifier.evaluating(), torch.inference_mode():
            judged = [(self.logits(inputs), targets) for inputs, targets in self.validation]
            logits, targets = (torch.cat(parts) for parts in zip(*judged, strict=True))
            return {
                "loss": F.cross_entropy(logits, targets).item(),
                "accuracy": (logits.argmax(dim=1) == targets).float().mean().item(),
            }
