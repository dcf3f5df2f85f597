"""How good a classifier is: its scores on labelled recordings, against their labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from audiocnn import metrics
from audiocnn.classifier import Classifier
from audiocnn.data.manifest import Clip, list_problems
from audiocnn.errors import ManifestError, ParameterError
from audiocnn.predict import score_files

__all__ = ["Evaluation", "choose_split", "evaluate"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """What came out on one set of recordings.

    Attributes:
        labels: the classes.
        scores: probabilities `(clips, num_classes)`.
        targets: indices of the true labels `(clips,)`.
    """

    labels: tuple[str, ...]
    scores: Tensor
    targets: Tensor

    @property
    def accuracy(self) -> float:
        """Part of the clips given their label, 0 to 1."""
        return metrics.accuracy(self.scores, self.targets)

    @property
    def confusion(self) -> Tensor:
        """Counts `(true, predicted)`."""
        return metrics.confusion_matrix(self.scores.argmax(dim=1), self.targets, len(self.labels))

    def __str__(self) -> str:
        """The report for the terminal."""
        confusion = self.confusion
        right, clips = int(confusion.diag().sum()), len(self.targets)
        total = f"accuracy {100 * self.accuracy:.2f} % ({right} of {clips} clips)"
        return "\n\n".join(
            (
                metrics.format_per_class(confusion, self.labels),
                metrics.format_confusion(confusion, self.labels),
                f"{total}, macro F1 {metrics.macro_f1(confusion):.4f}",
            )
        )

    def as_dict(self) -> dict[str, object]:
        """The report as plain values, for JSON."""
        confusion = self.confusion
        per_class = zip(self.labels, metrics.per_class(confusion), strict=True)
        return {
            "clips": len(self.targets),
            "accuracy": self.accuracy,
            "macro_f1": metrics.macro_f1(confusion),
            "classes": {label: result._asdict() for label, result in per_class},
            "labels": list(self.labels),
            "confusion": confusion.tolist(),
        }

    def draw_confusion(self, path: Path) -> None:
        """Write the confusion matrix as a picture, each row in parts of its class.

        Raises:
            ParameterError: for an ending that matplotlib does not write.
        """
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        confusion = self.confusion
        n = len(self.labels)
        side = max(4.0, 0.24 * n + 2.2)
        figure = Figure(figsize=(side + 0.8, side), layout="constrained")
        FigureCanvasAgg(figure)
        if path.suffix.lower().lstrip(".") not in figure.canvas.get_supported_filetypes():
            raise ParameterError(f"picture={path} must end in .png, .svg or .pdf")
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
        axes.set_xticks(range(n), self.labels, rotation=90)
        axes.set_yticks(range(n), self.labels)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        axes.set_title(f"accuracy {100 * self.accuracy:.2f} % of {len(self.targets)} clips")
        figure.colorbar(image, ax=axes, label="part of the class", shrink=0.8)
        figure.savefig(path, dpi=150)


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


def evaluate(classifier: Classifier, clips: Sequence[Clip]) -> Evaluation:
    """Score labelled recordings.

    Args:
        classifier: what is judged.
        clips: recordings with labels that the classifier knows.

    Raises:
        ManifestError: listing every clip with an unknown label, or every file that
            cannot be read: what is left out would change the figures.
    """
    index_of = {label: i for i, label in enumerate(classifier.labels)}
    unknown = [f"{clip.path}: label {clip.label!r}" for clip in clips if clip.label not in index_of]
    if unknown:
        raise ManifestError(list_problems("the classifier does not know the labels of these clips", unknown))
    scored = list(score_files(classifier, (clip.path for clip in clips)))
    problems = [file.error for file in scored if file.error is not None]
    if problems:
        raise ManifestError(list_problems("these recordings cannot be read", problems))
    return Evaluation(
        labels=classifier.labels,
        scores=torch.stack([file.scores for file in scored if file.scores is not None]),
        targets=torch.tensor([index_of[clip.label] for clip in clips if clip.label is not None]),
    )
