"""Trials: each net trained for the same time on the same recordings, judged, and written down."""

import json
import logging
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median

import torch

from audiocnn.classifier import Classifier
from audiocnn.comparison.budget import epochs_within
from audiocnn.comparison.cost import clip_milliseconds, cost_of, cost_of_run, machine_name
from audiocnn.comparison.recordings import read_clips
from audiocnn.comparison.results import Result, Setup, append_result, read_results
from audiocnn.config import TrainConfig
from audiocnn.data.manifest import read_manifest
from audiocnn.data.splits import split_clips
from audiocnn.errors import ParameterError
from audiocnn.evaluate import Evaluation, choose_split
from audiocnn.files import locked, whole_file
from audiocnn.recipe import judge
from audiocnn.run_folder import SPLIT
from audiocnn.train import fit

__all__ = ["run_trial", "run_trials"]

logger = logging.getLogger(__name__)

_BUDGET = "budget.json"
_CLIPS_TIMED = 64


def run_trials(
    configs: Sequence[TrainConfig],
    *,
    minutes: float,
    results: Path,
    num_classes: int,
    most_macs: int | None = None,
) -> list[str]:
    """Make every trial that no other process makes and that has no result yet.

    Two processes may be given the same list: each takes the next trial that is free. One that fails is
    logged, and the next one taken.

    Args:
        configs: the runs; `out` is the folder that those of all have in common, `epochs` are not used.
        minutes: of processor time that each may train.
        results: the table to add to.
        num_classes: of the recordings.
        most_macs: nets that cost more are left out.

    Returns:
        The folders of the trials that failed.

    Raises:
        ParameterError: for results that no line can be added to.
    """
    read_results(results)
    failed = []
    for config in configs:
        name = _folder(config)
        try:
            cost = cost_of_run(config, num_classes=num_classes)
            if most_macs is not None and cost.macs > most_macs:
                continue
            result = run_trial(config, minutes=minutes, results=results)
        except Exception:  # whatever is wrong with one net, the others do not wait for it
            logger.exception("%s failed", name)
            failed.append(name)
            continue
        if result is None:
            logger.info("%s: has a result, or another process is at it", name)
        else:
            logger.info("%s: test %.2f %%, %d epochs", name, 100 * result.test_accuracy, result.epochs)
    return failed


def run_trial(config: TrainConfig, *, minutes: float, results: Path) -> Result | None:
    """Train a net for a number of minutes, on one thread; judge it, measure its speed, write it down.

    The folder `<model>_<padding>_seed<seed>` of `config.out` is what `fit` and `judge` leave; a front-end,
    window or offset other than `TrainConfig`'s stands before the seed, as in
    `ds_cnn_s_same_mfcc_window49_seed0`. A trial that was stopped goes on from its last finished epoch; the
    time of one that was killed outright is not known and missing in its minutes.

    Args:
        config: the run, without teachers; its `epochs` are not used: there are as many as fit, and the
            learning rate falls over these. Where another seed has a result there are as many as it had: seeds
            differ by nothing else, whatever the machine was busy with.
        minutes: of processor time.
        results: the table to add to.

    Returns:
        What came out; None for a trial that has a result, or that another process is at.

    Raises:
        ParameterError: for a folder that was begun with other minutes, teachers, a test part without
            speakers, results that no line can be added to, and as `fit` does.
    """
    if config.teachers:
        raise ParameterError(
            "teachers: nets are compared that learn from labels alone; leave teachers=() as it is"
        )
    read_results(results)
    run = replace(config, out=config.out / _folder(config))
    run.out.mkdir(parents=True, exist_ok=True)
    with locked(run.out / "lock", wait=False) as ours, _one_thread():
        trial = (Setup.of(run), minutes, run.seed)
        done = {result.trial: result.epochs for result in read_results(results)}
        if not ours or trial in done:
            return None
        _check_speakers(run)
        of_other_seed = next((epochs for other, epochs in done.items() if other[:-1] == trial[:-1]), None)
        budget = _read_budget(run, minutes, of_other_seed)
        run = replace(run, epochs=int(budget["epochs"]))
        logger.info("%s: %d epochs", run.out.name, run.epochs)
        classifier = _fit(run, budget)
        validation, test = judge(classifier, run)
        timed = choose_split(read_manifest(run.out / SPLIT), "test")[:_CLIPS_TIMED]
        waveforms = read_clips(timed, sample_rate=classifier.sample_rate)
        clip_seconds = median(len(waveform) for waveform in waveforms) / classifier.sample_rate
        own, of_reference = clip_milliseconds(classifier, waveforms)
        result = Result(
            **trial[0]._asdict(),
            seed=run.seed,
            minutes=minutes,
            epochs=run.epochs,
            processor_minutes=round(budget["processor_minutes"], 3),
            wall_minutes=round(budget["wall_minutes"], 3),
            validation_accuracy=validation.accuracy,
            test_accuracy=test.accuracy,
            test_speakers=_right_by_speaker(test),
            **asdict(cost_of(classifier, clip_seconds=clip_seconds)),
            clip_ms=round(own, 4),
            reference_clip_ms=round(of_reference, 4),
            machine=machine_name(),
            torch=torch.__version__,
            commit=_commit(),
        )
        append_result(results, result)
    return result


def _folder(config: TrainConfig) -> str:
    """Named by what differs from the defaults."""
    parts = [config.model, config.padding]
    if config.front_end != TrainConfig.front_end:
        parts.append(Path(config.front_end).stem)
    if config.window is not None:
        parts.append(f"window{config.window}")
    if config.max_offset_seconds is not None:
        parts.append(f"offset{config.max_offset_seconds:g}")
    return "_".join([*parts, f"seed{config.seed}"])


def _check_speakers(run: TrainConfig) -> None:
    """Refuse before it is trained what could not be written down."""
    split = run.out / SPLIT
    if split.is_file():
        clips = read_manifest(split)
    else:
        clips = split_clips(read_manifest(run.data), seed=run.seed)
    if any(clip.speaker is None for clip in choose_split(clips, "test")):
        raise ParameterError("the test part names no speakers; give the manifest a column speaker")


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _read_budget(run: TrainConfig, minutes: float, epochs: int | None) -> dict[str, float]:
    """How many epochs the run has, told when it was begun, and how long it took until now."""
    file = run.out / _BUDGET
    if not file.is_file():
        epochs = epochs_within(minutes, run) if epochs is None else epochs
        _write_budget(
            run, {"minutes": minutes, "epochs": epochs, "processor_minutes": 0.0, "wall_minutes": 0.0}
        )
    budget: dict[str, float] = json.loads(file.read_text(encoding="utf-8"))
    if budget["minutes"] != minutes:
        raise ParameterError(
            f"minutes={minutes}: {run.out} was begun with {budget['minutes']}; give another folder"
        )
    return budget


def _write_budget(run: TrainConfig, budget: dict[str, float]) -> None:
    with whole_file(run.out / _BUDGET) as beside:
        beside.write_text(json.dumps(budget) + "\n", encoding="utf-8")


def _fit(run: TrainConfig, budget: dict[str, float]) -> Classifier:
    """Train, and add to the budget how long that took, also where it is stopped."""
    processor, wall = time.process_time(), time.perf_counter()
    try:
        return fit(run, resume=True)
    finally:
        budget["processor_minutes"] += (time.process_time() - processor) / 60
        budget["wall_minutes"] += (time.perf_counter() - wall) / 60
        _write_budget(run, budget)


def _right_by_speaker(test: Evaluation) -> dict[str, tuple[int, int]]:
    assert test.groups is not None  # `_check_speakers` has seen to it
    right = (test.scores.argmax(dim=1) == test.targets).tolist()
    counts: dict[str, tuple[int, int]] = {speaker: (0, 0) for speaker in sorted(set(test.groups))}
    for speaker, is_right in zip(test.groups, right, strict=True):
        recognised, total = counts[speaker]
        counts[speaker] = (recognised + is_right, total + 1)
    return counts


def _commit() -> str:
    """Which version of the program this is; nothing where git does not know it."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
    )
    return described.stdout.strip()
