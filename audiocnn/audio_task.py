"""Recordings to learn from: the classifier that a config asks for, its corpora, and the loss of a batch."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from audiocnn.classifier import Classifier
from audiocnn.classifier_config import ClassifierConfig
from audiocnn.config import TrainConfig
from audiocnn.data.batches import Batches
from audiocnn.data.corpus import Corpus
from audiocnn.data.manifest import Clip
from audiocnn.data.noise import list_noise
from audiocnn.data.statistics import feature_statistics
from audiocnn.distillation import load_teachers
from audiocnn.errors import ManifestError
from audiocnn.frontends import named_config
from audiocnn.loss import mask_features, training_loss
from audiocnn.models import NetConfig
from audiocnn.task import ClassifierTask

__all__ = ["AudioTask", "fresh_classifier", "parameter_groups", "training_batches"]

_JUDGED_AT_ONCE = 256


class AudioTask(ClassifierTask):
    """A classifier of sounds, fresh or from a file, and the recordings it learns from.

    Args:
        config: the run.
        clips: the recordings, each of a split.

    Raises:
        ManifestError: for recordings that cannot be used.
        ModelFileError: for a file to start from, or of a teacher, that holds no classifier.
        ParameterError: for values that cannot work.
    """

    classifier: Classifier
    training: Batches
    validation: Batches

    def __init__(self, config: TrainConfig, clips: Sequence[Clip]) -> None:
        labels = sorted({clip.label for clip in clips if clip.split == "train" and clip.label is not None})
        if len(labels) < 2:
            raise ManifestError(
                f"{config.data} has {len(labels)} labels to learn; give recordings of at least two"
            )
        self.config = config
        self.classifier = fresh_classifier(config, labels)
        self.transfer(config)
        net = self.classifier.bare_net
        # raises if the masks do not fit
        mask_features(torch.zeros(1, 1, net.rows, net.window), config, torch.Generator())
        noise_clips = list_noise(config.noise) if config.noise else []
        self.teachers = load_teachers(config.teachers, self.classifier)
        rate = self.classifier.sample_rate
        train, validation = (
            Corpus.load([clip for clip in clips if clip.split == split], labels=labels, sample_rate=rate)
            for split in ("train", "validation")
        )
        self.noise: Corpus | None = None
        if noise_clips:
            noise = Corpus.load(noise_clips, labels=("noise",), sample_rate=rate)
            self.noise = noise.looped(self.classifier.geometry.span)
        if config.start_from is None:
            mean, deviation = feature_statistics(train, self.classifier.front_end)
            self.classifier.normalize.set_statistics(mean=mean, deviation=deviation)
        self.training = training_batches(train, self.classifier, config)
        self.validation = Batches(validation, window=self.classifier.window, batch_size=_JUDGED_AT_ONCE)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Those of `parameter_groups`."""
        return parameter_groups(self.classifier, self.config)

    def loss(self, batch: tuple[Tensor, ...], generator: torch.Generator) -> Tensor:
        """`training_loss` of waveforms `(batch, time)` and targets."""
        inputs, targets = batch
        return training_loss(
            self.classifier,
            inputs,
            targets,
            config=self.config,
            generator=generator,
            noise=self.noise,
            teachers=self.teachers,
        )

    def logits(self, inputs: Tensor) -> Tensor:
        """Of waveforms `(batch, time)` of one window each."""
        logits: Tensor = self.classifier(self.classifier.in_context(inputs))
        return logits[..., 0]

    def to(self, device: str) -> None:
        """Bring classifier, recordings and teachers there, where batches are then made."""
        self.classifier.to(device)
        for batches in (self.training, self.validation):
            batches.corpus = batches.corpus.to(device)
        self.noise = None if self.noise is None else self.noise.to(device)
        self.teachers = [teacher.to(device) for teacher in self.teachers]


def training_batches(recordings: Corpus, classifier: Classifier, config: TrainConfig) -> Batches:
    """What a run learns from, each epoch at newly drawn speeds and places."""
    rate, max_offset = classifier.sample_rate, config.max_offset_seconds
    return Batches(
        recordings,
        window=classifier.window,
        batch_size=config.batch_size,
        seed=config.seed,
        speed_percents=config.speed_percents,
        max_shift=round(config.max_shift_seconds * rate),
        max_offset=None if max_offset is None else round(max_offset * rate),
    )


def parameter_groups(classifier: Classifier, config: TrainConfig) -> list[dict[str, Any]]:
    """What learns of a classifier: its net; and its front-end, if that does, at a rate of its own.

    Parameters such as the frequencies of filters are pulled to zero by no weight decay.
    """
    groups: list[dict[str, Any]] = [{"params": list(classifier.net.parameters())}]
    if filters := list(classifier.front_end.parameters()):
        rate = config.learning_rate * config.front_end_rate
        groups.append({"params": filters, "weight_decay": 0.0, "lr": rate})
    return groups


def fresh_classifier(config: TrainConfig, labels: Sequence[str]) -> Classifier:
    """What a run trains, as torch's generator draws its weights now.

    Args:
        config: names the front-end and the net.
        labels: the classes.

    Raises:
        ParameterError: for names that are unknown, or do not fit each other.
    """
    net = NetConfig(
        name=config.model,
        num_classes=len(labels),
        input_size=(None, config.window),
        padding=config.padding,
    )
    front_end = named_config(config.front_end)
    return Classifier(ClassifierConfig(labels=tuple(labels), front_end=front_end, net=net))
