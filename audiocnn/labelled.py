"""What classifiers of sounds and of pictures have in common: names for their classes, and a file."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any, Literal, TypeAlias, TypeVar

import torch
from torch import Tensor

from audiocnn import model_file
from audiocnn.classifier_config import LabelledConfig
from audiocnn.errors import FingerprintError, ModelFileError, ParameterError, listed
from audiocnn.layers import Scan, Sequential, Windows
from audiocnn.models import Net

__all__ = ["Kind", "LabelledNet", "Prediction", "restore"]

Kind: TypeAlias = Literal["sounds", "pictures", "things on pages"]
"""What a classifier is of."""

_READERS: dict[Kind, str] = {
    "sounds": "audiocnn.load",
    "pictures": "audiocnn.load",
    "things on pages": "audiocnn.vision.load",
}

AnyLabelled = TypeVar("AnyLabelled", bound="LabelledNet")


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The class a recording or a picture is given.

    Attributes:
        label: the class with the highest score.
        score: its probability, 0 to 1.
        scores: the probability of every class, by label.
    """

    label: str
    score: float
    scores: dict[str, float]


class LabelledNet(Sequential):
    """A trained network with what goes before it, and the names of its classes.

    Attributes:
        config: what it was built from.
        net: the network, or the windows it is run in.
    """

    config: LabelledConfig
    net: Scan

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, in the order of the scores."""
        return self.config.labels

    @property
    def bare_net(self) -> Net:
        """The network itself, without the windows it may be run in."""
        net = self.net.module if isinstance(self.net, Windows) else self.net
        assert isinstance(net, Net)
        return net

    def require_labels(self, labels: Sequence[str]) -> None:
        """Raise `ParameterError` unless `labels` names one class or more, and none that there is not."""
        if not labels:
            raise ParameterError("labels is empty; name one at least")
        for label in labels:
            if label not in self.labels:
                raise ParameterError(f"labels names {label!r}, which is not among {listed(self.labels)}")

    def probabilities(self, logits: Tensor) -> Tensor:
        """Scores of logits `(batch, num_classes, ...)`: softmax over the classes, or sigmoid of each."""
        return logits.softmax(dim=1) if self.config.activation == "softmax" else logits.sigmoid()

    def prediction(self, scores: Tensor) -> Prediction:
        """The prediction that scores `(num_classes,)` make."""
        values = scores.tolist()
        best = int(scores.argmax())
        return Prediction(
            label=self.labels[best], score=values[best], scores=dict(zip(self.labels, values, strict=True))
        )

    def header(self) -> dict[str, Any]:
        """What `save` writes into the header of the file: the config as plain values."""
        raise NotImplementedError

    def verify(self, header: dict[str, Any]) -> None:
        """Raise where it does not compute what the classifier did whose file has this header.

        Raises:
            FingerprintError: naming what differs.
        """

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the classifier to one `.safetensors` file, whose header holds the config as JSON.

        The file appears whole or not at all; an existing one is replaced.
        """
        model_file.write(Path(path), config=self.header(), tensors=self.state_dict())


def restore(
    path: Path,
    builders: Mapping[Kind, Callable[[dict[str, Any]], AnyLabelled]],
    *,
    device: str | torch.device,
) -> AnyLabelled:
    """Read what `LabelledNet.save` wrote, ready to score. Nothing in the file is executed.

    Args:
        path: the file.
        builders: for each kind that is wanted, what makes the classifier that the values in the header
            describe; what it raises says that the header is wrong.
        device: where to put it.

    Raises:
        ModelFileError: if the file is missing, damaged, of another kind, made by something else or by a
            newer audiocnn.
        ParameterError: for a device that is not there.
    """
    header, tensors = model_file.read(path)
    names = header.keys() if isinstance(header, dict) else ()
    kind: Kind = "things on pages" if "task" in names else "pictures" if "picture" in names else "sounds"
    if kind not in builders:
        raise ModelFileError(
            f"{path} is a classifier of {kind}, not of {' or '.join(builders)}; {_READERS[kind]} reads it"
        )
    try:
        dtypes = [tensor.dtype for tensor in tensors.values() if tensor.is_floating_point()]
        classifier = builders[kind](header).to(dtypes[0])
        classifier.load_state_dict(tensors)
        classifier.verify(header)
    except FingerprintError as error:
        raise ModelFileError(f"{path}: {error}; use the audiocnn that saved it, or train again") from None
    except (AttributeError, LookupError, TypeError, RuntimeError, MemoryError, ParameterError) as error:
        found = shorten(str(error), 300)  # torch lists every tensor on a line of its own
        raise ModelFileError(
            f"{path}: the config in its header and its weights do not make a classifier ({found}); "
            "save it again with the audiocnn that made it"
        ) from error
    try:
        return classifier.to(device).eval()
    except (RuntimeError, AssertionError) as error:  # torch has no one error for this
        found = shorten(str(error), 100)
        raise ParameterError(f"device={str(device)!r} cannot be used ({found}); 'cpu' always can") from error
