"""What a net costs: its size, what it hears, how late and how slowly it decides."""

import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from audiocnn.audio_task import fresh_classifier
from audiocnn.classifier import Classifier
from audiocnn.classifier_config import ClassifierConfig
from audiocnn.config import TrainConfig
from audiocnn.describe import describe
from audiocnn.frontends import LogMelConfig
from audiocnn.models import NetConfig
from audiocnn.resampling import resample

__all__ = ["REFERENCE", "Cost", "clip_milliseconds", "cost_of", "cost_of_run", "machine_name"]

REFERENCE = "tc_resnet_8"
"""The net, with "valid" padding behind log-mel features, that speeds are compared with."""

_PASSES = 9


@dataclass(frozen=True, kw_only=True)
class Cost:
    """A classifier in numbers that need no training; see `Result`."""

    parameters: int
    macs: int
    receptive_field_ms: float
    span_ms: float
    stride_ms: float
    delay_ms: float


def cost_of(classifier: Classifier, *, clip_seconds: float = 1.0) -> Cost:
    """What a classifier costs.

    The decision that `evaluate` judges has the recording in the middle of its window:

        window      |...........=========...........|
        recording               =========
        delay                            |..........|

    Half of what the window is longer is yet to be heard when the recording ends; that is the delay, and
    besides it what the front-end hears after the window. A window of the recording's length, or shorter,
    decides at once.

    Args:
        classifier: any.
        clip_seconds: length of a recording.
    """
    described = describe(classifier)
    samples = max(0.0, classifier.window - clip_seconds * classifier.sample_rate) / 2
    samples += classifier.front_end.context[1]
    return Cost(
        parameters=described.parameters + sum(p.numel() for p in classifier.front_end.parameters()),
        macs=described.macs,
        receptive_field_ms=described.receptive_field_ms,
        span_ms=described.span_ms,
        stride_ms=described.stride_ms,
        delay_ms=1000 * samples / classifier.sample_rate,
    )


def cost_of_run(config: TrainConfig, *, num_classes: int) -> Cost:
    """What the classifier of a run will cost.

    Args:
        config: the run.
        num_classes: of its recordings.

    Raises:
        ParameterError: for names that are unknown, or do not fit each other.
    """
    return cost_of(fresh_classifier(config, [str(i) for i in range(num_classes)]))


def clip_milliseconds(classifier: Classifier, waveforms: Sequence[Tensor]) -> tuple[float, float]:
    """Processor time to score a recording on one thread: with a classifier, and with `REFERENCE`.

    Both take turns, so that what else the machine does slows both; each has the best of several passes
    over all recordings. Milliseconds differ from machine to machine, their ratio far less.

    Args:
        classifier: on the CPU.
        waveforms: recordings `(time,)` at its sample rate.
    """
    net = NetConfig(name=REFERENCE, num_classes=len(classifier.labels), padding="valid")
    reference = Classifier(ClassifierConfig(labels=classifier.labels, front_end=LogMelConfig(), net=net))
    rates = classifier.sample_rate, reference.sample_rate
    heard = {classifier: waveforms, reference: [resample(waveform, *rates) for waveform in waveforms]}
    seconds: dict[Classifier, list[float]] = {classifier: [], reference: []}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in range(_PASSES):
            for scorer, taken in seconds.items():
                start = time.process_time()
                scorer.score_clips(heard[scorer])
                taken.append(time.process_time() - start)
    finally:
        torch.set_num_threads(threads)
    own, of_reference = (1000 * min(taken) / len(waveforms) for taken in seconds.values())
    return own, of_reference


def machine_name() -> str:
    """The processor and the number of its cores that can be used."""
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text(encoding="utf-8").splitlines() if listing.is_file() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return f"{next(named, platform.processor() or platform.machine())}, {os.cpu_count()} cores"
