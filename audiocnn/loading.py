"""Reading a classifier's file, whatever it classifies: its header says."""

import os
from pathlib import Path
from typing import Any, TypeAlias

import torch

from audiocnn.classifier import SHIPPED, Classifier
from audiocnn.classifier_config import config_from, image_config_from
from audiocnn.image_classifier import ImageClassifier
from audiocnn.labelled import restore

__all__ = ["AnyClassifier", "load"]

AnyClassifier: TypeAlias = Classifier | ImageClassifier


def load(
    path: str | os.PathLike[str], *, device: str | torch.device = "cpu", resample: bool = True
) -> AnyClassifier:
    """Read a classifier of sounds or of pictures from the one file that its `save` wrote, ready to score.

    Nothing in the file is executed: it holds numbers, and a config as JSON. `audiocnn.classifier.load` and
    `audiocnn.image_classifier.load` read one kind and refuse the other.

    Args:
        path: the `.safetensors` file; or "demo" for the one that comes with audiocnn, a BC-ResNet-1
            for ten English commands that has heard nothing but synthetic speech
            (`recipes/synthetic_words`).
        device: where to put it, such as `"cuda"`.
        resample: of sounds, as for `Classifier`.

    Raises:
        ModelFileError: if the file is missing, damaged, made by something else or by a newer audiocnn.
        ParameterError: for a device that is not there.

    >>> "yes" in load("demo").labels
    True
    """

    def of_sounds(header: dict[str, Any]) -> AnyClassifier:
        return Classifier(config_from(header), resample=resample)

    def of_pictures(header: dict[str, Any]) -> AnyClassifier:
        return ImageClassifier(image_config_from(header))

    path = SHIPPED.get(os.fspath(path)) or Path(path)
    return restore(path, {"sounds": of_sounds, "pictures": of_pictures}, device=device)
