"""Pages to learn from: the net that a config asks for, the loss of a batch, and how an epoch is judged."""

from typing import Any, Literal

import torch
from torch import Tensor

from audiocnn.classifier_config import PageNetConfig
from audiocnn.data.page_batches import PageBatches, PatchBatches
from audiocnn.data.pages import NOTHING, Pages, draw_pages
from audiocnn.data.picture_corpus import PictureCorpus
from audiocnn.data.picture_sets import read_published_set
from audiocnn.models import NetConfig
from audiocnn.page_config import PageTrainConfig
from audiocnn.task import Task
from audiocnn.vision.judging import counts_by_threshold, judge_localizer, judge_segmenter
from audiocnn.vision.losses import localization_loss, pixel_loss
from audiocnn.vision.page_net import PageNet

__all__ = ["PageTask", "read_pages"]

_JUDGED_AT_ONCE = {"detect": 256, "localise": 256, "segment": 1}


class PageTask(Task):
    """A net for pages, and what it learns from.

    Args:
        config: the run.

    Raises:
        ManifestError: for data that holds no set of pictures, or not all of it.
        ImageReadError: for damaged data.
        ParameterError: for values that cannot work.
    """

    classifier: PageNet
    training: PageBatches | PatchBatches
    validation: PageBatches | PatchBatches

    def __init__(self, config: PageTrainConfig) -> None:
        self.config = config
        self.pages = read_pages(config, "validation")
        labels = self.pages.labels
        if config.task == "localise":
            labels = tuple(label for label in labels if label != NOTHING)
        page_size = (config.page.rows, config.page.columns)
        net = NetConfig(
            name=config.model,
            num_classes=len(labels),
            in_channels=config.picture.channels,
            input_size=page_size if config.task == "localise" else None,
            padding=config.padding,
        )
        self.classifier = PageNet(
            PageNetConfig(labels=labels, net=net, task=config.task, finest=config.finest)
        )
        training = read_pages(config, "train")
        self.training = self._batches(training, config.batch_size, config.seed)
        self.validation = self._batches(self.pages, _JUDGED_AT_ONCE[config.task], None)

    def _batches(self, pages: Pages, batch_size: int, seed: int | None) -> PageBatches | PatchBatches:
        if self.config.task == "segment":
            return PageBatches(pages, batch_size=batch_size, seed=seed)
        if self.config.task == "localise":
            return PatchBatches(pages, batch_size=batch_size, seed=seed)
        net = self.classifier.localizer
        return PatchBatches(
            pages,
            size=(net.rows, net.window),
            batch_size=batch_size,
            seed=seed,
            nothing_share=self.config.nothing_share,
        )

    def parameter_groups(self) -> list[dict[str, Any]]:
        """All of the net's that learn by gradients."""
        return [{"params": [one for one in self.classifier.parameters() if one.requires_grad]}]

    def loss(self, batch: tuple[Tensor, ...], generator: torch.Generator) -> Tensor:
        """`pixel_loss` of pages, or `localization_loss` of patches; neither draws anything."""
        if self.config.task == "segment":
            return pixel_loss(self.classifier.fcn, *batch)
        return localization_loss(self.classifier.localizer, *batch)

    def judge(self) -> dict[str, float]:
        """The loss, and the F1 of detections at the best threshold, or the mean overlap of boxes or classes.

        The loss of one that detects is that of patches with an object in the middle alone.
        """
        draws = torch.Generator()
        with self.classifier.evaluating(), torch.inference_mode():
            losses = [float(self.loss(self._here(batch), draws)) * len(batch[0]) for batch in self.validation]
        loss = sum(losses) / self.validation.count
        here = (self._here(batch) for batch in self.validation)
        if self.config.task == "detect":
            counts = counts_by_threshold(self.classifier.localizer, self.pages)
            return {"loss": loss, "f1": max(one.f1 for one in counts.values())}
        if self.config.task == "localise":
            located = judge_localizer(self.classifier.localizer, here)
            return {"loss": loss, "overlap": located.mean_overlap, "accuracy": located.accuracy}
        segmented = judge_segmenter(self.classifier.fcn, here)
        return {"loss": loss, "overlap": segmented.mean_overlap, "accuracy": segmented.accuracy}

    def to(self, device: str) -> None:
        """Bring the net there; pages stay, as patches are cut on the CPU and then brought there."""
        self.classifier.to(device)

    def _here(self, batch: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """A batch on the device of the net."""
        device = next(self.classifier.parameters()).device
        return tuple(part.to(device) for part in batch)


def read_pages(config: PageTrainConfig, split: Literal["train", "validation", "test"]) -> Pages:
    """The pages of one part of a run, drawn from small pictures of that part alone.

    Args:
        config: names the data, and says what pages are like.
        split: which part.

    Raises:
        ManifestError: for data that holds no set of pictures, or not all of it.
        ImageReadError: for damaged data.
        ParameterError: for pages that cannot be drawn.
    """
    pictures = read_published_set(config.data, picture=config.picture, seed=config.seed)
    small = {"train": pictures.train, "validation": pictures.validation, "test": pictures.test}[split]
    assert isinstance(small, PictureCorpus)  # as all published sets are
    page, most = (config.page, config.most_pages)
    if split != "train":
        page, most = config.judged_page or page, config.most_judged
    enough = -(-len(small) // page.objects)
    return draw_pages(small, page, count=enough if most is None else min(most, enough), seed=config.seed)
