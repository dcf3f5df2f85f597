"""Training: examples in, a classifier out. Lightning is imported here and nowhere else."""

import csv
import logging
import math
import signal
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, overload

import lightning
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from audiocnn import image_classifier
from audiocnn.audio_task import AudioTask
from audiocnn.classifier import Classifier, load
from audiocnn.config import RunConfig, TrainConfig
from audiocnn.data.batches import epoch_generator
from audiocnn.data.manifest import Clip, read_manifest, write_manifest
from audiocnn.data.media import PICTURES, RECORDINGS, Media
from audiocnn.data.picture_sets import is_published_set
from audiocnn.data.splits import split_clips
from audiocnn.errors import ParameterError
from audiocnn.files import whole_file
from audiocnn.image_classifier import ImageClassifier
from audiocnn.image_config import ImageTrainConfig
from audiocnn.image_task import ImageTask, read_pictures
from audiocnn.layers import constrain
from audiocnn.page_config import PageTrainConfig
from audiocnn.page_task import PageTask
from audiocnn.run_folder import (
    BEST,
    CONFIG,
    LAST,
    METRICS,
    SPLIT,
    STATE,
    History,
    check_same_front_end,
    check_same_run,
    read_history,
)
from audiocnn.schedule import LearningRate, make_optimizer
from audiocnn.task import Task
from audiocnn.vision import page_net
from audiocnn.vision.page_net import PageNet

__all__ = ["fit", "run"]

logger = logging.getLogger(__name__)


class _Training(lightning.LightningModule):
    """Hands a task to Lightning, judges its epochs, and keeps the best weights, and where it stands."""

    def __init__(self, task: Task, config: RunConfig) -> None:
        super().__init__()
        self.task = task
        self.classifier = task.classifier  # a part of this module, so that Lightning trains and saves it
        self.run = config
        self.history: History = []
        self.resumed_rate: list[dict[str, Any]] | None = None

    def configure_optimizers(self) -> torch.optim.Optimizer:
        optimizer = make_optimizer(self.task.parameter_groups(), self.run)
        self.rate = LearningRate(optimizer, self.run, steps_per_epoch=len(self.task.training))
        return optimizer

    def on_train_start(self) -> None:
        if self.resumed_rate is not None:
            self.rate.load_state_dict(self.resumed_rate)

    def on_train_epoch_start(self) -> None:
        if self.task.frozen is not None:
            self.task.frozen.begin_epoch(self.current_epoch)
        # every draw hangs on seed and epoch alone, so that a resumed run repeats it
        self.draws = epoch_generator(self.run.seed, self.current_epoch, "augmentation")
        torch.manual_seed(epoch_generator(self.run.seed, self.current_epoch, "dropout").initial_seed())

    def training_step(self, batch: tuple[Tensor, ...], _index: int) -> Tensor:
        loss = self.task.loss(batch, self.draws)
        self.log("loss", loss, on_step=False, on_epoch=True, batch_size=len(batch[0]))
        return loss

    def on_train_batch_end(self, *_: object) -> None:
        constrain(self.classifier.net)
        self.log("learning_rate", self.rate.value, on_step=False, on_epoch=True)
        self.rate.step()

    def on_train_epoch_end(self) -> None:
        figures = {f"validation_{name}": figure for name, figure in self.task.judge().items()}
        if not all(map(math.isfinite, figures.values())):
            raise ParameterError(
                f"learning_rate={self.run.learning_rate}: the loss is not finite after epoch "
                f"{self.current_epoch + 1}; try a third of it"
            )
        self.log_dict(figures)
        judged_by = f"validation_{self.run.judged_by}"
        best = figures[judged_by]
        self.rate.end_epoch(best)
        # of equals the later, whose learning rate has settled more
        if all(best >= epoch[judged_by] for epoch in self.history):
            self.classifier.save(self.run.out / BEST)
        self.classifier.save(self.run.out / LAST)
        training = {name: self.trainer.callback_metrics[name].item() for name in ("loss", "learning_rate")}
        self.history.append({"epoch": self.current_epoch + 1, **figures, **training})
        self._write_history()
        logger.info(
            "epoch %d of %d: loss %.3f, %s %.2f %%",
            self.finished_epochs,
            self.run.epochs,
            training["loss"],
            judged_by.replace("_", " "),
            100 * best,
        )
        with whole_file(self.run.out / STATE) as beside:
            self.trainer.save_checkpoint(beside)
        self.trainer.should_stop = _is_over(self.history, self.run)

    def _write_history(self) -> None:
        """All epochs so far, so that the file is that of an uninterrupted run."""
        with whole_file(self.run.out / METRICS) as beside, beside.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.history[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.history)

    @property
    def finished_epochs(self) -> int:
        return len(self.history)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["run"] = {
            "threads": torch.get_num_threads(),
            "history": self.history,
            "learning_rate": self.rate.state_dict(),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        state = checkpoint["run"]
        torch.set_num_threads(state["threads"])  # another number would round differently
        self.history = state["history"]
        self.task.training.epoch = self.finished_epochs
        self.resumed_rate = state["learning_rate"]


class _ProgressBar(lightning.Callback):
    """One line on the terminal for the whole run; it goes when training ends."""

    def __init__(self, config: RunConfig) -> None:
        self.epochs = config.epochs
        self.bar: tqdm | None = None

    def on_train_start(self, trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        steps = trainer.num_training_batches
        self.bar = tqdm(total=self.epochs * steps, initial=trainer.global_step, leave=False, unit="batch")

    def on_train_epoch_start(self, trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        assert self.bar is not None
        self.bar.set_description(f"epoch {trainer.current_epoch + 1} of {self.epochs}")

    def on_train_batch_end(self, *_: object) -> None:
        assert self.bar is not None
        self.bar.update()

    def teardown(self, *_: object, **__: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def on_exception(self, *_: object) -> None:
        self.teardown()


@overload
def fit(config: TrainConfig, *, resume: bool = False, progress: bool = False) -> Classifier: ...


@overload
def fit(config: ImageTrainConfig, *, resume: bool = False, progress: bool = False) -> ImageClassifier: ...


@overload
def fit(config: PageTrainConfig, *, resume: bool = False, progress: bool = False) -> PageNet: ...


def fit(
    config: TrainConfig | ImageTrainConfig | PageTrainConfig, *, resume: bool = False, progress: bool = False
) -> Classifier | ImageClassifier | PageNet:
    """Train a classifier of sounds or of pictures, or a net for pages, and keep the epoch best on validation.

    An epoch's validation accuracy is that of one window a recording, centred; `evaluate` averages
    all windows of longer ones. Nets for pages are judged by `config.judged_by`. Of equal epochs the later is
    kept.

    In `config.out` it leaves `model.safetensors` (the classifier of the best epoch), `last.safetensors`
    (that of the last one), `last.ckpt` (where training stands), `split.csv` (which recording was in
    which split), `config.json`, and the course of losses, accuracy and learning rate in `metrics.csv`
    and, for TensorBoard, in `tensorboard/`.

    A run that was stopped, in whatever way, goes on with `resume=True` from its last finished epoch. On a
    CPU it then reaches the same weights, to the bit, as without the stop; for that it uses as many
    threads as it began with.

    Args:
        config: the run.
        resume: go on with the run that `out` holds, on its split; begin it if there is none, and
            return its classifier if it is at its end.
        progress: draw a progress bar on the terminal.

    Returns:
        The classifier, or net, of the best epoch, ready to score.

    Raises:
        ManifestError: for a manifest or recordings that cannot be used.
        ModelFileError: for a run to be resumed whose `last.ckpt` or `config.json` is damaged, and a file to
            start from, or of a teacher, that holds no classifier.
        ParameterError: for values that cannot work, a loss that is not finite, an `out` that already holds
            a run, or, of a resumed run, values that are not those it was begun with.
        KeyboardInterrupt: on Ctrl-C; in training it says what is there by then, and the folder holds a
            usable classifier.
    """
    if isinstance(config, ImageTrainConfig):
        run(config, partial(_begin_pictures, config, resume), resume=resume, progress=progress)
        return image_classifier.load(config.out / BEST)
    if isinstance(config, PageTrainConfig):
        run(config, partial(_begin_pages, config), resume=resume, progress=progress)
        return page_net.load(config.out / BEST)
    if resume:
        check_same_front_end(config)
    run(config, partial(_begin_recordings, config, resume), resume=resume, progress=progress)
    return load(config.out / BEST)


def _begin_recordings(config: TrainConfig, resume: bool) -> AudioTask:
    clips = _split(config, resume, RECORDINGS)
    task = AudioTask(config, clips)
    config.out.mkdir(parents=True, exist_ok=True)
    write_manifest(config.out / SPLIT, clips)
    return task


def _begin_pictures(config: ImageTrainConfig, resume: bool) -> ImageTask:
    clips = None if is_published_set(config.data) else _split(config, resume, PICTURES)
    task = ImageTask(config, read_pictures(config, clips))
    config.out.mkdir(parents=True, exist_ok=True)
    if clips is not None:
        labels = task.classifier.labels
        write_manifest(config.out / SPLIT, [clip for clip in clips if clip.label in labels])
    return task


def _begin_pages(config: PageTrainConfig) -> PageTask:
    task = PageTask(config)
    config.out.mkdir(parents=True, exist_ok=True)
    return task


def _split(config: RunConfig, resume: bool, media: Media) -> Sequence[Clip]:
    """Which example is in which split; of a run that is gone on with, as it was then."""
    split = config.out / SPLIT
    if resume and split.is_file():
        return read_manifest(split, media=media)
    return split_clips(read_manifest(config.data, media=media), seed=config.seed)


def run(config: RunConfig, begin: Callable[[], Task], *, resume: bool, progress: bool) -> None:
    """Train what a task holds; what `fit` says of the folder, of stops and of errors holds for all tasks.

    Args:
        config: the run.
        begin: makes the task, refuses what can be refused, and makes the folder.
        resume: go on with the run that `config.out` holds.
        progress: draw a progress bar on the terminal.
    """
    if config.device == "cuda" and not torch.cuda.is_available():
        raise ParameterError("device='cuda' cannot be used: torch finds no GPU; 'auto' takes what is there")
    if resume:
        check_same_run(config)
        if _is_over(read_history(config.out), config):
            return
    elif (config.out / BEST).exists():
        raise ParameterError(
            f"out={config.out} already holds {BEST}; resume that run, give another folder, or remove it"
        )
    threads = torch.get_num_threads()
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            torch.manual_seed(config.seed)  # for the weights; the caller's own draws go on
            task = begin()
            with whole_file(config.out / CONFIG) as beside:
                beside.write_text(config.as_json(), encoding="utf-8")
            _train(task, config, resume=resume, progress=progress)
    finally:
        torch.set_num_threads(threads)


def _is_over(history: History, config: RunConfig) -> bool:
    """Whether all epochs are done, or validation has gained nothing for as long as patience lasts."""
    if len(history) >= config.epochs:
        return True
    figures = [epoch[f"validation_{config.judged_by}"] for epoch in history]
    if config.patience is None or not figures:
        return False
    return len(history) - 1 - figures.index(max(figures)) >= config.patience


def _train(task: Task, config: RunConfig, *, resume: bool, progress: bool) -> None:
    """Run Lightning over the task."""
    on_gpu = config.device == "cuda" or (config.device == "auto" and torch.cuda.is_available())
    if on_gpu:
        task.to("cuda")
    training = _Training(task, config)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    trainer = lightning.Trainer(
        accelerator="cuda" if on_gpu else "cpu",
        devices=1,
        max_epochs=config.epochs,
        logger=TensorBoardLogger(config.out, name="tensorboard", version=""),
        log_every_n_steps=len(task.training),
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,  # Lightning's counts epochs from 0 and runs into log lines
        callbacks=[_ProgressBar(config)] if progress else None,
    )
    begun = resume and (config.out / STATE).is_file()
    on_interrupt = signal.getsignal(signal.SIGINT)
    with warnings.catch_warnings(), logging_redirect_tqdm():
        # Lightning 2.6 makes a tree of the loaders in a way that torch 2.14 deprecates
        warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)`", FutureWarning)
        try:
            trainer.fit(
                training,
                train_dataloaders=task.training,
                ckpt_path=config.out / STATE if begun else None,
                weights_only=True,
            )
        except (KeyboardInterrupt, SystemExit) as stop:
            signal.signal(signal.SIGINT, on_interrupt)  # which Lightning shuts off
            if isinstance(stop, SystemExit) and not isinstance(stop.__context__, KeyboardInterrupt):
                raise  # not what Lightning makes of Ctrl-C
            raise KeyboardInterrupt(_interrupted(training, config)) from None


def _interrupted(training: _Training, config: RunConfig) -> str:
    """What there is after an interrupt, and how to go on; a usable classifier in any case."""
    best, finished = config.out / BEST, len(read_history(config.out))
    if finished:
        then = "the best of them, and resume goes on from there"
    else:
        training.classifier.save(best)
        then = "what was learned so far, and resume begins again"
    return f"interrupted after {finished} of {config.epochs} epochs; {best} is {then}"
