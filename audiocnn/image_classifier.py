"""A classifier of pictures: their statistics, the network and the labels, as one module and one file.

    file - PictureConfig - picture - Normalize - net - logits - probabilities
           one size        (batch, channel, rows, columns)
                                                       (batch, num_classes, rows', columns')

A picture of the size that the net was trained on gives one decision; a larger one gives a map of them, whose
scores are averaged.
"""

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from audiocnn.accounting import account
from audiocnn.classifier import CACHE_BYTES
from audiocnn.classifier_config import ImageClassifierConfig, config_as_dict, image_config_from
from audiocnn.errors import ParameterError
from audiocnn.labelled import LabelledNet, Prediction, restore
from audiocnn.layers import Normalize
from audiocnn.models import IMAGE_MODELS, ImageNet, create

__all__ = ["ImageClassifier", "load"]


class ImageClassifier(LabelledNet):
    """A trained network for pictures and all it needs: pictures in, class scores out.

    `(batch, channel, rows, columns)`, from 0, black, to 1, white -> logits `(batch, num_classes, rows',
    columns')`.

    Args:
        config: what to build. The weights are fresh; `load` reads trained ones.

    Raises:
        ParameterError: for a net that is not for pictures, or whose size cannot work.

    >>> from audiocnn.models import NetConfig
    >>> from audiocnn.picture import PictureConfig
    >>> config = ImageClassifierConfig(
    ...     labels=("cat", "dog"),
    ...     picture=PictureConfig(rows=67, columns=67),
    ...     net=NetConfig(name="alexnet", num_classes=2, in_channels=3),
    ... )
    >>> classifier = ImageClassifier(config).eval()
    >>> classifier(torch.zeros(1, 3, 67, 131)).shape
    torch.Size([1, 2, 1, 3])
    >>> sorted(classifier.predict(torch.zeros(3, 67, 67)).scores)
    ['cat', 'dog']
    """

    config: ImageClassifierConfig
    normalize: Normalize
    net: ImageNet

    def __init__(self, config: ImageClassifierConfig) -> None:
        if config.net.name not in IMAGE_MODELS:
            raise ParameterError(
                f"name={config.net.name!r} is no model for pictures; there are {', '.join(IMAGE_MODELS)}"
            )
        picture = config.picture
        net = create(
            config.net.name,
            num_classes=config.net.num_classes,
            in_channels=picture.channels,
            input_size=(picture.rows, picture.columns),
            padding=config.net.padding,
        )
        super().__init__({"normalize": Normalize(picture.channels, of="channels"), "net": net})
        self.config = config
        # as many pixels at once as keep the largest layer in a CPU's cache
        layers = account(net, (picture.channels, picture.rows, picture.columns)).layers
        at_once = CACHE_BYTES // max(layer.activation_bytes for layer in layers)
        self._pixels_at_once = at_once * picture.rows * picture.columns

    def header(self) -> dict[str, Any]:
        """The config as plain values."""
        return config_as_dict(self.config)

    def predict(self, source: str | os.PathLike[str] | Tensor) -> Prediction:
        """Classify one picture.

        Args:
            source: a file, which is brought to the size of the net as `config.picture` says; or a picture
                `(channel, rows, columns)`, from 0 to 1, of that size or larger.

        Raises:
            ImageReadError: if the file cannot be read.
            ParameterError: for a picture of other channels, one smaller than the net's, or one of values that
                are not finite.
        """
        picture = source if isinstance(source, Tensor) else self.config.picture.read(source)
        return self.prediction(self.score_pictures([picture])[0])

    def score_pictures(self, pictures: Sequence[Tensor]) -> Tensor:
        """Scores `(pictures, num_classes)` of pictures `(channel, rows, columns)` from 0 to 1.

        Those of larger pictures are the mean of the scores at all positions.

        Raises:
            ParameterError: for a picture of other channels, one smaller than the net's, or one of values that
                are not finite.
        """
        by_shape: dict[torch.Size, list[int]] = defaultdict(list)
        for i, picture in enumerate(pictures):
            self._check(picture)
            by_shape[picture.shape].append(i)
        mean = self.normalize.mean
        scores = torch.empty(len(pictures), len(self.labels), dtype=mean.dtype)
        with self.evaluating(), torch.inference_mode():
            for (_, rows, columns), alike in by_shape.items():
                on_cpu = mean.device.type == "cpu"
                at_once = max(1, self._pixels_at_once // (rows * columns)) if on_cpu else len(alike)
                for first in range(0, len(alike), at_once):
                    members = alike[first : first + at_once]
                    logits = self(torch.stack([pictures[i] for i in members]).to(mean))
                    scores[members] = self.probabilities(logits).flatten(2).mean(dim=2).cpu()
        return scores

    def _check(self, picture: Tensor) -> None:
        wanted = self.config.picture
        fits = picture.dim() == 3 and picture.shape[0] == wanted.channels
        if not (fits and picture.shape[1] >= wanted.rows and picture.shape[2] >= wanted.columns):
            raise ParameterError(
                f"a picture of shape {tuple(picture.shape)} must be (channel, rows, columns) of "
                f"{wanted.channels} channels and at least {wanted.rows} x {wanted.columns}; resize it first, "
                "or give its file"
            )
        if not (picture.is_floating_point() and picture.isfinite().all()):
            raise ParameterError(
                "a picture must hold finite floating-point values from 0, black, to 1, white; divide bytes "
                "by 255"
            )


def load(path: str | os.PathLike[str], *, device: str | torch.device = "cpu") -> ImageClassifier:
    """Read a classifier of pictures from the one file that `ImageClassifier.save` wrote, ready to score.

    Args:
        path: the `.safetensors` file.
        device: where to put it, such as `"cuda"`.

    Raises:
        ModelFileError: if the file is missing, damaged, a classifier of sounds, or made by something else.
        ParameterError: for a device that is not there.
    """
    return restore(
        Path(path), {"pictures": lambda header: ImageClassifier(image_config_from(header))}, device=device
    )
