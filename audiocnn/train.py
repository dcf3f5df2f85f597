"""Training: recordings in, a classifier out. Lightning is imported here and nowhere else."""

import dataclasses
import json
import logging
import signal
import warnings
from collections.abc import Iterator, Sequence

import lightning
import torch
import torch.nn.functional as F
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from audiocnn.augment.mixup import mixup
from audiocnn.augment.spectrogram import spec_augment
from audiocnn.augment.waveform import random_gain
from audiocnn.classifier import Classifier, load
from audiocnn.classifier_config import ClassifierConfig
from audiocnn.config import TrainConfig
from audiocnn.data.corpus import Corpus
from audiocnn.data.manifest import Clip, read_manifest, write_manifest
from audiocnn.data.splits import split_clips
from audiocnn.errors import ManifestError, ParameterError
from audiocnn.frontends import LogMel, LogMelConfig
from audiocnn.models import NetConfig

__all__ = ["Batches", "feature_statistics", "fit", "training_loss"]

logger = logging.getLogger(__name__)

# samples whose features are taken at once, which bounds memory
STATISTICS_SAMPLES = 4_000_000


class Batches:
    """A corpus as batches of waveforms and targets, again and again.

    Args:
        corpus: the recordings.
        window: samples in a row: the classifier's span.
        batch_size: rows in a batch.
        generator: for training: draws the order and each recording's place in its window,
            and leaves out what does not fill a batch. None, for evaluation: in order, centred, all.
    """

    def __init__(
        self, corpus: Corpus, *, window: int, batch_size: int, generator: torch.Generator | None = None
    ) -> None:
        self.corpus = corpus
        self.window = window
        self.batch_size = min(batch_size, len(corpus))
        self.generator = generator

    def __len__(self) -> int:
        full, rest = divmod(len(self.corpus), self.batch_size)
        return full if self.generator or not rest else full + 1

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        n = len(self.corpus)
        order = torch.randperm(n, generator=self.generator) if self.generator else torch.arange(n)
        for i in range(len(self)):
            indices = order[i * self.batch_size : (i + 1) * self.batch_size]
            waveforms = self.corpus.windows(indices, self.window, generator=self.generator)
            yield waveforms, self.corpus.targets[indices]


def feature_statistics(corpus: Corpus, front_end: LogMel) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each feature row over all recordings, without any padding."""
    count = 0
    total = torch.zeros(front_end.n_freqs, dtype=torch.float64)
    squares = torch.zeros_like(total)
    with torch.inference_mode():
        for length in sorted(set(corpus.lengths.tolist())):
            alike = (corpus.lengths == length).nonzero().flatten()
            if front_end.time_axis.takes.output_length(length) == 0:
                continue
            for indices in alike.split(max(1, STATISTICS_SAMPLES // length)):
                features = front_end(corpus.windows(indices, length)).double()  # (batch, 1, rows, frames)
                total += features.sum(dim=(0, 1, 3))
                squares += features.square().sum(dim=(0, 1, 3))
                count += features.shape[0] * features.shape[3]
    if count == 0:
        raise ManifestError("every training recording is shorter than one frame; give longer ones")
    mean = total / count
    deviation = (squares / count - mean.square()).clamp(min=0.0).sqrt()
    # a row that never changes, as above the band of telephone speech, is left unscaled
    deviation[deviation < 1e-3] = 1.0
    return mean.float(), deviation.float()


def training_loss(
    classifier: Classifier,
    waveforms: Tensor,
    targets: Tensor,
    *,
    config: TrainConfig,
    generator: torch.Generator,
) -> Tensor:
    """The loss of one batch, augmented: all that a training step is but the update.

    Args:
        classifier: in training mode, on any device.
        waveforms: `(batch, time)`, one window each.
        targets: class indices `(batch,)`.
        config: how to augment.
        generator: on the CPU; draws every augmentation.
    """
    with torch.no_grad():
        waveforms = random_gain(
            waveforms, min_gain_db=config.min_gain_db, max_gain_db=config.max_gain_db, generator=generator
        )
        features = classifier.normalize(classifier.front_end(waveforms))
        features = _mask(features, config, generator)
        shares = F.one_hot(targets, len(classifier.labels)).to(features.dtype)
        if config.mixup_alpha > 0:
            features, shares = mixup(features, shares, alpha=config.mixup_alpha, generator=generator)
    logits = classifier.net(features)[..., 0]  # (batch, num_classes)
    return F.cross_entropy(logits, shares)


def _mask(features: Tensor, config: TrainConfig, generator: torch.Generator) -> Tensor:
    return spec_augment(
        features,
        n_freq_masks=config.n_freq_masks,
        max_freq_width=config.max_freq_width,
        n_time_masks=config.n_time_masks,
        max_time_width=config.max_time_width,
        generator=generator,
    )


class _Training(lightning.LightningModule):
    """Hands a classifier's loss and accuracy to Lightning, and keeps the best weights."""

    def __init__(self, classifier: Classifier, config: TrainConfig, *, steps: int) -> None:
        super().__init__()
        self.classifier = classifier
        self.run = config
        self.steps = steps
        self.draws = torch.Generator().manual_seed(config.seed + 1)
        self.best_accuracy = -1.0
        self.hits: list[Tensor] = []

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        optimizer = torch.optim.AdamW(
            self.classifier.net.parameters(), lr=self.run.learning_rate, weight_decay=self.run.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=self.run.learning_rate, total_steps=self.steps
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def training_step(self, batch: tuple[Tensor, Tensor], _index: int) -> Tensor:
        loss = training_loss(self.classifier, *batch, config=self.run, generator=self.draws)
        self.log("loss", loss, on_step=False, on_epoch=True, batch_size=len(batch[0]))
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], _index: int) -> None:
        waveforms, targets = batch
        self.hits.append(self.classifier(waveforms)[..., 0].argmax(dim=1) == targets)

    def on_validation_epoch_end(self) -> None:
        accuracy = torch.cat(self.hits).float().mean().item()
        self.hits.clear()
        self.log("validation_accuracy", accuracy)
        if accuracy >= self.best_accuracy:  # of equals the later, which the one cycle has settled more
            self.best_accuracy = accuracy
            self.classifier.save(self.run.out / "model.safetensors")

    def on_train_epoch_end(self) -> None:
        logged = self.trainer.callback_metrics
        logger.info(
            "epoch %d of %d: loss %.3f, validation accuracy %.2f %%",
            self.current_epoch + 1,
            self.run.epochs,
            logged["loss"],
            100 * logged["validation_accuracy"],
        )


def fit(config: TrainConfig) -> Classifier:
    """Train a classifier on a manifest or folder, and keep the epoch best on validation.

    An epoch's validation accuracy is that of one window a recording, centred; `evaluate` averages
    all windows of longer ones. Of equal epochs the later is kept.

    In `config.out` it leaves `model.safetensors` (the classifier), `split.csv` (which recording
    was in which split), `config.json` and `log/metrics.csv` (loss and validation accuracy per epoch).

    Args:
        config: the run.

    Returns:
        The classifier of the best epoch, ready to score.

    Raises:
        ManifestError: for a manifest or recordings that cannot be used.
        ParameterError: for values that cannot work, or an `out` that already holds a model.
    """
    if (config.out / "model.safetensors").exists():
        raise ParameterError(
            f"out={config.out} already holds model.safetensors; give another folder, or remove it"
        )
    if config.device == "cuda" and not torch.cuda.is_available():
        raise ParameterError("device='cuda' cannot be used: torch finds no GPU; 'auto' takes what is there")
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(config.seed)  # for the weights and dropout; the caller's own draws go on
        return _fit(config)


def _fit(config: TrainConfig) -> Classifier:
    """Read, build, check, train; what can be refused is refused before the long part."""
    clips = split_clips(read_manifest(config.data), seed=config.seed)
    parts = {split: [clip for clip in clips if clip.split == split] for split in ("train", "validation")}
    labels = sorted({clip.label for clip in parts["train"] if clip.label is not None})
    if len(labels) < 2:
        raise ManifestError(
            f"{config.data} has {len(labels)} labels to learn; give recordings of at least two"
        )
    net = NetConfig(name=config.model, num_classes=len(labels), padding=config.padding)
    classifier = Classifier(ClassifierConfig(labels=tuple(labels), front_end=LogMelConfig(), net=net))
    bare = classifier.bare_net
    _mask(torch.zeros(1, 1, bare.rows, bare.window), config, torch.Generator())  # raises if masks do not fit
    corpora = {split: _load(part, classifier) for split, part in parts.items()}
    mean, deviation = feature_statistics(corpora["train"], classifier.front_end)
    classifier.normalize.set_statistics(mean=mean, deviation=deviation)

    config.out.mkdir(parents=True, exist_ok=True)
    write_manifest(config.out / "split.csv", clips)
    (config.out / "config.json").write_text(
        json.dumps(dataclasses.asdict(config), indent=1, default=str) + "\n", encoding="utf-8"
    )
    _train(classifier, corpora["train"], corpora["validation"], config)
    return load(config.out / "model.safetensors")


def _load(clips: Sequence[Clip], classifier: Classifier) -> Corpus:
    return Corpus.load(clips, labels=classifier.labels, sample_rate=classifier.sample_rate)


def _train(classifier: Classifier, train: Corpus, validation: Corpus, config: TrainConfig) -> None:
    """Run Lightning over the two corpora."""
    window = classifier.geometry.span
    order = torch.Generator().manual_seed(config.seed)
    batches = Batches(train, window=window, batch_size=config.batch_size, generator=order)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    trainer = lightning.Trainer(
        accelerator={"auto": "auto", "cpu": "cpu", "cuda": "gpu"}[config.device],
        devices=1,
        max_epochs=config.epochs,
        logger=CSVLogger(config.out, name="log", version=""),
        log_every_n_steps=len(batches),
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        num_sanity_val_steps=0,
    )
    with warnings.catch_warnings():
        # Lightning 2.6 makes a tree of the loaders in a way that torch 2.14 deprecates
        warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)`", FutureWarning)
        try:
            trainer.fit(
                _Training(classifier, config, steps=config.epochs * len(batches)),
                train_dataloaders=batches,
                val_dataloaders=Batches(validation, window=window, batch_size=256),
            )
        except SystemExit:  # what Lightning makes of Ctrl-C, which it has then shut off
            signal.signal(signal.SIGINT, signal.default_int_handler)
            raise KeyboardInterrupt from None
