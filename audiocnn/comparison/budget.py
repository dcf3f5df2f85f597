"""The same time for each net: how many epochs fit into so many minutes of one processor."""

import time
from statistics import median

import torch

from audiocnn.audio_task import fresh_classifier, parameter_groups, training_batches
from audiocnn.classifier import Classifier
from audiocnn.config import TrainConfig
from audiocnn.data.batches import Batches, epoch_generator
from audiocnn.data.corpus import Corpus
from audiocnn.data.manifest import read_manifest
from audiocnn.data.splits import split_clips
from audiocnn.evaluate import choose_split
from audiocnn.loss import training_loss
from audiocnn.schedule import make_optimizer

__all__ = ["epochs_within", "seconds_per_epoch"]

_WARM_UP = 2  # training steps
_TIMED = 8
_JUDGED_AT_ONCE = 256  # as `fit` does


def epochs_within(minutes: float, config: TrainConfig) -> int:
    """How many epochs of a run fit into so many minutes of processor time, one at least."""
    return max(1, round(60 * minutes / seconds_per_epoch(config)))


def seconds_per_epoch(config: TrainConfig) -> float:
    """Processor time of one epoch, told from a few of its training and validation steps.

    These are real steps on real recordings, with every augmentation but background noise. The median is
    taken of what follows a warm-up; of a machine's threads all are counted.

    Args:
        config: the run; its epochs are not used. Teachers would take time that is not counted here:
            `run_trial` refuses them.

    Raises:
        ManifestError: for a manifest or recordings that cannot be used.
        ParameterError: for values that cannot work.
    """
    clips = split_clips(read_manifest(config.data), seed=config.seed)
    train, validation = choose_split(clips, "train"), choose_split(clips, "validation")
    labels = tuple(sorted({clip.label for clip in train if clip.label is not None}))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        classifier = fresh_classifier(config, labels)
    rate = classifier.sample_rate
    few = train[: (_WARM_UP + _TIMED) * config.batch_size]
    batches = training_batches(Corpus.load(few, labels=labels, sample_rate=rate), classifier, config)
    judged = Batches(
        Corpus.load(validation[:_JUDGED_AT_ONCE], labels=labels, sample_rate=rate),
        window=classifier.window,
        batch_size=_JUDGED_AT_ONCE,
    )
    step = _training_seconds(classifier, batches, config) * (len(train) // batches.batch_size)
    return step + _judging_seconds(classifier, judged) * len(validation) / judged.batch_size


def _training_seconds(classifier: Classifier, batches: Batches, config: TrainConfig) -> float:
    """Of one training step."""
    optimizer = make_optimizer(parameter_groups(classifier, config), config)
    draws = epoch_generator(config.seed, 0, "augmentation")
    seconds: list[float] = []
    classifier.train()
    while len(seconds) < _WARM_UP + _TIMED:
        start = time.process_time()
        for waveforms, targets in batches:
            optimizer.zero_grad()
            loss = training_loss(classifier, waveforms, targets, config=config, generator=draws)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            start, begun = time.process_time(), start
            seconds.append(start - begun)
    return median(seconds[_WARM_UP:])


@torch.no_grad()
def _judging_seconds(classifier: Classifier, batches: Batches) -> float:
    """Of one validation batch; the first one warms up."""
    seconds = []
    classifier.eval()
    for _ in range(2):
        start = time.process_time()
        for waveforms, _targets in batches:
            classifier(classifier.in_context(waveforms))
        seconds.append(time.process_time() - start)
    return seconds[-1]
