"""How good a classifier is: its scores on labelled recordings or pictures, against their labels."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from audiocnn import metrics
from audiocnn.averaging import SINGLE_VIEW, Averaging, mean_scores
from audiocnn.data.manifest import Clip
from audiocnn.data.media import PICTURES
from audiocnn.data.picture_corpus import PictureCorpus, PictureFiles
from audiocnn.errors import ManifestError, ParameterError, list_problems, listed
from audiocnn.figures import figure_for, save_figure
from audiocnn.image_classifier import ImageClassifier
from audiocnn.labelled import LabelledNet
from audiocnn.loading import AnyClassifier
from audiocnn.predict import media_of, score_files

__all__ = ["Evaluation", "choose_split", "evaluate", "evaluate_pictures", "together"]

_PICTURES_AT_ONCE = 256
_VIEWED_AT_ONCE = 16  # where each is seen in several views
_FEW_GROUPS = 20  # below it a bootstrap's interval is narrower than nine tenths of what it should be

Unit: TypeAlias = Literal["clip", "picture"]
DrawnBy: TypeAlias = Literal["speaker", "author", "file", "clip", "picture"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """What came out on one set of recordings or pictures.

    Attributes:
        labels: the classes.
        scores: probabilities `(clips, num_classes)`.
        targets: indices of the true labels `(clips,)`.
        groups: the name of each clip's speaker, author or file, drawn together for the intervals; None draws
            clip by clip.
        grouped_by: what these names are.
        unit: what is scored.

    Raises:
        ParameterError: if there is not one group for each clip.

    >>> scores = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
    >>> evaluation = Evaluation(labels=("no", "yes"), scores=scores, targets=torch.tensor([0, 1, 1]))
    >>> f"{evaluation.accuracy:.3f}"
    '0.667'
    """

    labels: tuple[str, ...]
    scores: Tensor
    targets: Tensor
    groups: tuple[str, ...] | None = None
    grouped_by: DrawnBy = "clip"
    unit: Unit = "clip"

    def __post_init__(self) -> None:
        if self.groups is not None and len(self.groups) != len(self.targets):
            raise ParameterError(
                f"groups names {len(self.groups)} groups for {len(self.targets)} clips; name that of each"
            )

    @property
    def accuracy(self) -> float:
        """Part of the clips given their label, 0 to 1."""
        return metrics.accuracy(self.scores, self.targets)

    @property
    def confusion(self) -> Tensor:
        """Counts `(true, predicted)`."""
        return metrics.confusion_matrix(self.scores.argmax(dim=1), self.targets, len(self.labels))

    @property
    def top_1_error(self) -> float:
        """Part of the clips given another label than theirs, 0 to 1."""
        return 1 - self.accuracy

    @property
    def top_5_error(self) -> float | None:
        """Part of the clips whose label is not among the five of the highest scores, 0 to 1.

        None where there are no more than five classes.
        """
        if len(self.labels) <= 5:
            return None
        return 1 - metrics.top_k_accuracy(self.scores, self.targets, 5)

    @cached_property
    def intervals(self) -> metrics.Intervals:
        """95 % intervals of accuracy and macro F1, as `metrics.bootstrap_intervals` gives."""
        predicted = self.scores.argmax(dim=1)
        groups = torch.arange(len(self.targets))
        if self.groups is not None:
            numbers = {name: number for number, name in enumerate(self.groups)}
            groups = torch.tensor([numbers[name] for name in self.groups])
        return metrics.bootstrap_intervals(predicted, self.targets, groups, len(self.labels))

    def __str__(self) -> str:
        """The report for the terminal."""
        confusion = self.confusion
        return "\n\n".join(
            (
                metrics.format_per_class(confusion, self.labels),
                metrics.format_confusion(confusion, self.labels),
                self._figures(confusion),
            )
        )

    def _figures(self, confusion: Tensor) -> str:
        """The figures over all classes, accuracy last, where it is seen."""
        intervals = self.intervals
        drawn = f"{intervals.groups} {self.grouped_by}{'s' if intervals.groups > 1 else ''}"
        wider, only = (" or wider", "only ") if intervals.groups < _FEW_GROUPS else ("", "")
        others = f"macro F1 {metrics.macro_f1(confusion):.4f}"
        if intervals.macro_f1 is not None:
            low, high = intervals.macro_f1
            others += f" (95 % interval {low:.4f} to {high:.4f}{wider})"
        if self.top_5_error is not None:
            errors = zip((1, 5), (self.top_1_error, self.top_5_error), strict=True)
            others += "".join(f", top-{k} error {100 * error:.2f} %" for k, error in errors)
        if intervals.accuracy is not None:
            low, high = intervals.accuracy
            sure = f"95 % interval {100 * low:.2f} to {100 * high:.2f}{wider}, from {only}{drawn}"
        elif intervals.groups == 1:
            sure = f"no interval from a single {self.grouped_by}"
        else:
            sure = f"no interval, as all {drawn} score alike"
        right = f"{int(confusion.diag().sum())} of {len(self.targets)} {self.unit}s"
        return f"{others}\naccuracy {100 * self.accuracy:.2f} % ({right}; {sure})"

    def as_dict(self) -> dict[str, object]:
        """The report as plain values, for JSON."""
        confusion = self.confusion
        per_class = zip(self.labels, metrics.per_class(confusion), strict=True)
        return {
            f"{self.unit}s": len(self.targets),
            "accuracy": self.accuracy,
            "macro_f1": metrics.macro_f1(confusion),
            "top_1_error": self.top_1_error,
            "top_5_error": self.top_5_error,
            "intervals": {**self.intervals._asdict(), "level": 0.95, "resampled": self.grouped_by},
            "classes": {label: result._asdict() for label, result in per_class},
            "labels": list(self.labels),
            "confusion": confusion.tolist(),
        }

    def draw_confusion(self, path: Path) -> None:
        """Write the confusion matrix as a picture, each row in parts of its class.

        Raises:
            ParameterError: for an ending that matplotlib does not write.
        """
        confusion = self.confusion
        n = len(self.labels)
        side = max(4.0, 0.24 * n + 2.2)
        figure = figure_for(path, inches=(side + 0.8, side), layout="constrained")
        axes = figure.add_subplot()
        shares = confusion / confusion.sum(dim=1, keepdim=True).clamp(min=1)
        image = axes.imshow(shares.numpy(), cmap="Blues", vmin=0.0, vmax=1.0)
        for true, predicted in (confusion > 0).nonzero().tolist():
            dark = bool(shares[true, predicted] > 0.5)
            count = str(int(confusion[true, predicted]))
            axes.text(
                predicted,
                true,
                count,
                ha="center",
                va="center",
                fontsize=6 if n > 12 else 9,
                color="white" if dark else "black",
            )
        axes.set_xticks(range(n), self.labels, rotation=90, parse_math=False)  # a "$" is a "$"
        axes.set_yticks(range(n), self.labels, parse_math=False)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        axes.set_title(f"accuracy {100 * self.accuracy:.2f} % of {len(self.targets)} {self.unit}s")
        figure.colorbar(image, ax=axes, label="part of the class", shrink=0.8)
        save_figure(figure, path)


def choose_split(clips: Sequence[Clip], split: str) -> list[Clip]:
    """The clips of one split.

    Args:
        clips: what a manifest lists.
        split: "train", "validation" or "test"; "all" for every clip.

    Raises:
        ParameterError: for another name, or a split without clips.
    """
    if split == "all":
        return list(clips)
    chosen = [clip for clip in clips if clip.split == split]
    if not chosen:
        present = sorted({clip.split for clip in clips if clip.split}) or ["no splits"]
        raise ParameterError(
            f"split={split!r} has no clips; the manifest has {', '.join(present)}, or take 'all'"
        )
    return chosen


def evaluate(
    classifiers: AnyClassifier | Sequence[AnyClassifier],
    clips: Sequence[Clip],
    *,
    averaging: Averaging = SINGLE_VIEW,
) -> Evaluation:
    """Score labelled recordings, or parts of them, or labelled pictures.

    The intervals are drawn by speaker, or author, where every clip names one, else by file.

    Args:
        classifiers: what is judged; of several, which need the same labels, the mean of their scores.
        clips: recordings or pictures with labels that the classifier knows.
        averaging: views of each, over whose scores the mean is taken.

    Raises:
        ManifestError: if there are no clips, or listing every clip with an unknown label, or every file that
            cannot be read: what is left out would change the figures.
        ParameterError: for classifiers that do not go together, or views that such clips do not have.
    """
    judged = together(classifiers)
    labels = judged[0].labels
    is_picture = media_of(judged[0]) is PICTURES
    unit: Unit = "picture" if is_picture else "clip"
    if not clips:
        raise ManifestError(f"there are no {unit}s to judge; give at least one")
    index_of = {label: i for i, label in enumerate(labels)}
    unknown = [f"{clip.path}: label {clip.label!r}" for clip in clips if clip.label not in index_of]
    if unknown:
        heading = f"the classifier does not know the labels of these {unit}s"
        raise ManifestError(list_problems(heading, unknown))
    speakers = tuple(clip.speaker for clip in clips if clip.speaker is not None)
    by_speaker = len(speakers) == len(clips)
    files = tuple(os.path.normpath(clip.path) for clip in clips)
    grouped_by: DrawnBy = "speaker" if by_speaker else "file"
    if is_picture:
        grouped_by = "author" if by_speaker else "picture"
    return Evaluation(
        labels=labels,
        scores=_mean([_scores(classifier, clips, averaging) for classifier in judged]),
        targets=torch.tensor([index_of[clip.label] for clip in clips if clip.label is not None]),
        groups=speakers if by_speaker else files,
        grouped_by=grouped_by,
        unit=unit,
    )


def together(classifiers: AnyClassifier | Sequence[AnyClassifier]) -> Sequence[AnyClassifier]:
    """One or more classifiers whose scores have a mean.

    Raises:
        ParameterError: if there is none, or they are not of one kind and the same labels.
    """
    judged = [classifiers] if isinstance(classifiers, LabelledNet) else list(classifiers)
    if not judged:
        raise ParameterError("classifiers is empty; give one at least")
    first = judged[0]
    for other in judged[1:]:
        if media_of(other) != media_of(first):
            raise ParameterError(
                f"classifiers of {media_of(first).many} and of {media_of(other).many} have no common score; "
                "give those of one kind"
            )
        if other.labels != first.labels:
            only = sorted(set(first.labels) ^ set(other.labels))
            what = f"only one of two tells {listed(only)}" if only else "the order differs"
            raise ParameterError(
                f"classifiers of other labels ({what}) have no common score; give those that learned the same"
            )
    return judged


def _mean(scores: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(scores)).mean(dim=0)


def _scores(classifier: AnyClassifier, clips: Sequence[Clip], averaging: Averaging) -> Tensor:
    """Of files that all can be read, `(clips, num_classes)`."""
    scored = list(score_files(classifier, clips, averaging=averaging))
    problems = [file.error for file in scored if file.error is not None]
    if problems:
        heading = f"these {media_of(classifier).many} cannot be read"
        raise ManifestError(list_problems(heading, list(dict.fromkeys(problems))))
    return torch.stack([file.scores for file in scored if file.scores is not None])


def evaluate_pictures(
    classifiers: ImageClassifier | Sequence[ImageClassifier],
    pictures: PictureCorpus | PictureFiles,
    *,
    averaging: Averaging = SINGLE_VIEW,
) -> Evaluation:
    """Score labelled pictures that are at hand; the intervals are drawn picture by picture.

    Args:
        classifiers: as for `evaluate`.
        pictures: of any size, with their labels.
        averaging: as for `evaluate`.

    Raises:
        ImageReadError: for a file that cannot be read.
        ParameterError: if the labels are others; and as for `evaluate`.
    """
    judged = [each for each in together(classifiers) if isinstance(each, ImageClassifier)]
    labels = judged[0].labels
    if pictures.labels != labels:
        raise ParameterError(
            f"labels={pictures.labels} of the pictures must be those of the classifier, {labels}, "
            "in that order; load them with labels=classifier.labels"
        )
    at_once = _PICTURES_AT_ONCE if averaging == SINGLE_VIEW else _VIEWED_AT_ONCE
    scores = []
    for some in torch.arange(len(pictures)).split(at_once):  # type: ignore[no-untyped-call]
        batch = pictures.batch(some).cpu()
        scores.append(_mean([_scores_of(classifier, batch, averaging) for classifier in judged]))
    return Evaluation(
        labels=labels,
        scores=torch.cat(scores),
        targets=pictures.targets.cpu(),
        grouped_by="picture",
        unit="picture",
    )


def _scores_of(classifier: ImageClassifier, pictures: Tensor, averaging: Averaging) -> Tensor:
    """Of pictures `(pictures, channel, rows, columns)`; those of the right size are not fitted again."""
    wanted = classifier.config.picture
    if averaging == SINGLE_VIEW and pictures.shape[1:] == (wanted.channels, wanted.rows, wanted.columns):
        return classifier.score_pictures(list(pictures))
    views = [averaging.of_picture(picture, wanted) for picture in pictures]
    return mean_scores(classifier.score_pictures, views)
