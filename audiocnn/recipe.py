"""What every recipe does: train once per seed, judge each, and say how much the seeds differ."""

import json
import logging
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from audiocnn.classifier import Classifier
from audiocnn.config import TrainConfig
from audiocnn.data.manifest import read_manifest
from audiocnn.data.media import PICTURES
from audiocnn.errors import ParameterError
from audiocnn.evaluate import Evaluation, choose_split, evaluate, evaluate_pictures
from audiocnn.image_classifier import ImageClassifier
from audiocnn.image_config import ImageTrainConfig
from audiocnn.image_task import read_pictures
from audiocnn.run_folder import SPLIT
from audiocnn.train import fit

__all__ = ["SeedResult", "format_comparison", "format_results", "judge", "mean_and_deviation", "train_seeds"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SeedResult:
    """What came of one seed.

    Attributes:
        seed: of the run.
        minutes: that training took; of a run that was resumed, since then.
        validation: the part that the epoch was chosen by.
        test: the part that nothing was chosen by.
    """

    seed: int
    minutes: float
    validation: Evaluation
    test: Evaluation


def train_seeds(config: TrainConfig | ImageTrainConfig, *, seeds: Sequence[int]) -> list[SeedResult]:
    """Train and judge a classifier for each seed, in a folder each.

    A folder `<model>_seed<seed>` of `config.out` is what `fit` leaves, and for both parts, `validation` and
    `test`, the figures (`.json`) and a picture of what was taken for what (`_confusion.png`). Runs that were
    begun are gone on with.

    Args:
        config: the run; its seed is not used.
        seeds: one run for each.

    Raises:
        ParameterError: if there are no seeds; and whatever `fit` and `evaluate` raise.
    """
    if not seeds:
        raise ParameterError("seeds is empty; give one seed at least")
    results = []
    for seed in seeds:
        run = replace(config, out=config.out / f"{config.model}_seed{seed}", seed=seed)
        start = time.perf_counter()
        classifier = fit(run, resume=True)
        minutes = (time.perf_counter() - start) / 60
        validation, test = judge(classifier, run)
        result = SeedResult(seed=seed, minutes=minutes, validation=validation, test=test)
        logger.info("seed %d: validation %s, test %s, in %s minutes", seed, *_cells(result))
        results.append(result)
    return results


def judge(
    classifier: Classifier | ImageClassifier, config: TrainConfig | ImageTrainConfig
) -> tuple[Evaluation, Evaluation]:
    """Judge the classifier of a run on its validation and its test part.

    Args:
        classifier: that `fit` returned.
        config: of the run, in whose folder the figures are left, and pictures of what was taken for what.

    Raises:
        ManifestError: for recordings or pictures that cannot be read; see `evaluate`.
        ParameterError: if there is no test part.
    """
    split, parts = config.out / SPLIT, {}
    if isinstance(classifier, Classifier):
        clips = read_manifest(split)
        parts = {name: evaluate(classifier, choose_split(clips, name)) for name in ("validation", "test")}
    else:
        assert isinstance(config, ImageTrainConfig)
        listed = read_manifest(split, media=PICTURES) if split.is_file() else None
        _, *judged = read_pictures(config, listed)
        for name, pictures in zip(("validation", "test"), judged, strict=True):
            if pictures is None:
                raise ParameterError(f"split={name!r} has no pictures; give some, or another --data")
            parts[name] = evaluate_pictures(classifier, pictures)
    for name, part in parts.items():
        text = json.dumps(part.as_dict(), indent=1, ensure_ascii=False)
        (config.out / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        part.draw_confusion(config.out / f"{name}_confusion.png")
    return parts["validation"], parts["test"]


def format_results(results: Sequence[SeedResult]) -> str:
    """A Markdown table of the accuracies: a row for each seed, then mean and standard deviation."""
    lines = ["| seed | validation | test | minutes |", "|--:|--:|--:|--:|"]
    lines += [f"| {result.seed} | {' | '.join(_cells(result))} |" for result in results]
    if len(results) > 1:
        parts = ([r.validation.accuracy for r in results], [r.test.accuracy for r in results])
        spread = " | ".join(mean_and_deviation(part) for part in parts)
        minutes = statistics.mean(result.minutes for result in results)
        lines.append(f"| mean ± standard deviation | {spread} | {minutes:.1f} |")
    return "\n".join(lines)


def format_comparison(rows: Mapping[str, Sequence[Sequence[float]]], *, columns: Sequence[str]) -> str:
    """A Markdown table of several ways over the same seeds: the mean and standard deviation of their shares.

    Args:
        rows: what a row is called, and for each seed its shares, from 0 to 1, the first columns first.
        columns: what they are called.

    >>> rows = {"a net": [(0.5, 0.75), (0.7, 0.75)], "pixels": [(0.5,)]}
    >>> print(format_comparison(rows, columns=["A", "B"]))
    |  | A | B |
    |---|--:|--:|
    | a net | 60.00 ± 14.14 % | 75.00 ± 0.00 % |
    | pixels | 50.00 % |  |
    """
    lines = [f"|  | {' | '.join(columns)} |", "|---|" + "--:|" * len(columns)]
    for name, seeds in rows.items():
        cells = [mean_and_deviation(column) for column in zip(*seeds, strict=True)]
        lines.append(f"| {name} | {' | '.join(cells + [''] * (len(columns) - len(cells)))} |")
    return "\n".join(lines)


def mean_and_deviation(shares: Sequence[float]) -> str:
    """Shares from 0 to 1 as a text in percent: their mean and, of several, their standard deviation.

    >>> mean_and_deviation([0.5, 0.7])
    '60.00 ± 14.14 %'
    """
    mean = f"{100 * statistics.mean(shares):.2f}"
    return f"{mean} ± {100 * statistics.stdev(shares):.2f} %" if len(shares) > 1 else f"{mean} %"


def _cells(result: SeedResult) -> tuple[str, str, str]:
    """Both accuracies and the minutes."""
    validation, test = (f"{100 * part.accuracy:.2f} %" for part in (result.validation, result.test))
    return validation, test, f"{result.minutes:.1f}"
