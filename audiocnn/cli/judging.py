"""Commands that judge classifiers: `evaluate`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jsonargparse import ArgumentParser, Namespace

from audiocnn.cli.averaging import add_averaging_options, averaging_of
from audiocnn.cli.output import PICTURES, output_file
from audiocnn.errors import ParameterError

if TYPE_CHECKING:
    from audiocnn.averaging import Averaging
    from audiocnn.evaluate import Evaluation
    from audiocnn.loading import AnyClassifier

__all__ = ["evaluate_parser", "run_evaluate"]


def evaluate_parser() -> ArgumentParser:
    """What `audiocnn evaluate` takes."""
    parser = ArgumentParser(
        description="Judge a classifier on labelled recordings or pictures: each class, what is taken for "
        "what, and the accuracy with its interval, drawn by speaker or author where all are known, else by "
        "file. Of several classifiers the mean of their scores is judged.",
        usage="%(prog)s model [model ...] manifest [options]",
    )
    parser.add_argument(
        "models",
        metavar="model",
        type=str,
        nargs="+",
        help="the .safetensors file of a classifier, or demo; several of the same labels are averaged",
    )
    parser.add_argument("manifest", type=str, help="a table or a folder, as for train or train-images")
    parser.add_argument(
        "--split",
        type=str | None,
        default=None,
        help="train, validation, test or all; by default test, or validation, where the manifest has it",
    )
    add_averaging_options(parser)
    parser.add_argument("--out", type=str | None, default=None, help="a .json file for the figures")
    parser.add_argument(
        "--picture", type=str | None, default=None, help="a .png, .svg or .pdf file for the confusion matrix"
    )
    return parser


def run_evaluate(options: Namespace) -> int:
    """`audiocnn evaluate`; gives the exit status."""
    from audiocnn.evaluate import together
    from audiocnn.loading import load
    from audiocnn.predict import media_of

    out = output_file("out", options.out, (".json",))
    picture = output_file("picture", options.picture, PICTURES)
    averaging = averaging_of(options)
    classifiers = together([load(model) for model in options.models])
    averaging.check(media_of(classifiers[0]).many)
    evaluation, what = _evaluation(classifiers, options, averaging)
    judged = " and ".join(options.models) + (f", {averaging}," if str(averaging) else "")
    print(f"{judged} on {options.manifest}, {what}\n\n{evaluation}")
    if out is not None:
        text = json.dumps(evaluation.as_dict(), indent=1, ensure_ascii=False)
        out.write_text(text + "\n", encoding="utf-8")
    if picture is not None:
        evaluation.draw_confusion(picture)
    return 0


def _evaluation(
    classifiers: "Sequence[AnyClassifier]", options: Namespace, averaging: "Averaging"
) -> "tuple[Evaluation, str]":
    """What came out, and what of the manifest was judged."""
    from audiocnn.data.manifest import read_manifest
    from audiocnn.data.picture_sets import is_published_set, read_part
    from audiocnn.evaluate import choose_split, evaluate, evaluate_pictures
    from audiocnn.image_classifier import ImageClassifier
    from audiocnn.predict import media_of

    source = Path(options.manifest)
    for_pictures = [each for each in classifiers if isinstance(each, ImageClassifier)]
    if for_pictures and is_published_set(source):
        if options.split not in (None, "train", "test"):
            raise ParameterError(
                f"split={options.split!r}: as published, {source} has train and test; take one of them"
            )
        part: Literal["train", "test"] = "train" if options.split == "train" else "test"
        evaluation = evaluate_pictures(for_pictures, read_part(source, part), averaging=averaging)
        return evaluation, f"{part} split"
    clips = read_manifest(source, media=media_of(classifiers[0]))
    parts = {clip.split for clip in clips}
    split = options.split or next((part for part in ("test", "validation") if part in parts), "all")
    evaluation = evaluate(classifiers, choose_split(clips, split), averaging=averaging)
    unit = evaluation.unit
    return (
        evaluation,
        f"all {unit}s, also those it may have learned from" if split == "all" else f"{split} split",
    )
