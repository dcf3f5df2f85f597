"""Pictures to learn from: the classifier that a config asks for, its corpora, and the loss of a batch."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.augment.mixup import mixup
from audiocnn.classifier_config import ImageClassifierConfig
from audiocnn.data.manifest import Clip
from audiocnn.data.picture_batches import PictureBatches
from audiocnn.data.picture_sets import PictureSets, choose_pictures, load_pictures, read_published_set
from audiocnn.data.statistics import picture_statistics
from audiocnn.image_classifier import ImageClassifier
from audiocnn.image_config import ImageTrainConfig
from audiocnn.models import NetConfig
from audiocnn.models.googlenet import GoogLeNet
from audiocnn.task import ClassifierTask

__all__ = ["ImageTask", "image_loss", "read_pictures"]

_JUDGED_AT_ONCE = 256
_AUXILIARY_WEIGHT = 0.3


class ImageTask(ClassifierTask):
    """A classifier of pictures, fresh or from a file, and what it learns from.

    Args:
        config: the run.
        pictures: to learn from and to choose by.

    Raises:
        ModelFileError: for a file to start from that holds no classifier.
        ParameterError: for values that cannot work.
    """

    classifier: ImageClassifier
    training: PictureBatches
    validation: PictureBatches

    def __init__(self, config: ImageTrainConfig, pictures: PictureSets) -> None:
        self.config = config
        labels = pictures.train.labels
        net = NetConfig(
            name=config.model,
            num_classes=len(labels),
            in_channels=config.picture.channels,
            padding=config.padding,
        )
        self.classifier = ImageClassifier(
            ImageClassifierConfig(labels=labels, picture=config.picture, net=net)
        )
        self.transfer(config)
        if config.start_from is None:
            mean, deviation = picture_statistics(pictures.train)
            self.classifier.normalize.set_statistics(mean=mean, deviation=deviation)
        self.training = PictureBatches(
            pictures.train,
            batch_size=config.batch_size,
            seed=config.seed,
            augmentation=config.augmentation,
        )
        self.validation = PictureBatches(pictures.validation, batch_size=_JUDGED_AT_ONCE)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """All of the net's."""
        return [{"params": list(self.classifier.net.parameters())}]

    def loss(self, batch: tuple[Tensor, ...], generator: torch.Generator) -> Tensor:
        """`image_loss` of pictures that are augmented already, and targets."""
        inputs, targets = batch
        return image_loss(self.classifier, inputs, targets, config=self.config, generator=generator)

    def logits(self, inputs: Tensor) -> Tensor:
        """Of pictures of the net's size."""
        logits: Tensor = self.classifier(inputs)
        return logits.flatten(1)

    def to(self, device: str) -> None:
        """Bring classifier and pictures there, where batches are then made."""
        self.classifier.to(device)
        for batches in (self.training, self.validation):
            batches.corpus = batches.corpus.to(device)


def read_pictures(config: ImageTrainConfig, clips: Sequence[Clip] | None) -> PictureSets:
    """The pictures of a run.

    Args:
        config: names the data, unless `clips` do, and says which of it.
        clips: the pictures of a manifest, each of a split; None for a set as it is published.

    Raises:
        ManifestError: for pictures that cannot be used.
        ImageReadError: for a published set that is damaged.
        ParameterError: for labels, or numbers of pictures, that are not there.
    """
    if clips is None:
        pictures = read_published_set(config.data, picture=config.picture, seed=config.seed)
    else:
        pictures = load_pictures(clips, picture=config.picture, in_memory=config.in_memory)
    return choose_pictures(pictures, labels=config.labels, per_class=config.per_class, seed=config.seed)


def image_loss(
    classifier: ImageClassifier,
    pictures: Tensor,
    targets: Tensor,
    *,
    config: ImageTrainConfig,
    generator: torch.Generator,
) -> Tensor:
    """The loss of one batch: all that a training step is but the update.

    A net with auxiliary heads learns from these too, at 0.3 of the weight (Szegedy et al. 2015).

    Args:
        classifier: in training mode, on any device.
        pictures: `(batch, channel, rows, columns)` of the net's size, from 0 to 1.
        targets: class indices `(batch,)`.
        config: says how pictures are mixed, and targets smoothed.
        generator: on the CPU; draws the mixtures.
    """
    normal = classifier.normalize(pictures)
    shares = F.one_hot(targets, len(classifier.labels)).to(normal.dtype)
    if config.mixup_alpha > 0:
        normal, shares = mixup(normal, shares, alpha=config.mixup_alpha, generator=generator)

    def loss_of(logits: Tensor) -> Tensor:
        return F.cross_entropy(logits.flatten(1), shares, label_smoothing=config.label_smoothing)

    net = classifier.net
    if not isinstance(net, GoogLeNet):
        return loss_of(net(normal))
    main, *auxiliary = net.with_auxiliary(normal)
    return loss_of(main) + _AUXILIARY_WEIGHT * sum(map(loss_of, auxiliary))
