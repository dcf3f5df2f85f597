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
        "file. Of several classifiers the mean of their scores is judged. With --stream, what a listener "
        "would find, miss and take for a word.",
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
    parser.add_argument(
        "--stream",
        action="store_true",
        help="listen to the recordings all along, as to a microphone, with the thresholds that the model was "
        "tuned to: how many words are missed, how late they are found, and false alarms in an hour",
    )
    parser.add_argument(
        "--negatives",
        type=str,
        nargs="+",
        default=[],
        help="with --stream: recordings in which no word is said, folders of them, or tables",
    )
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
    if options.stream:
        return _judge_stream(options, averaging, out)
    if options.negatives:
        raise ParameterError("negatives are heard with --stream alone; add it, or leave them out")
    classifiers = together([load(model) for model in options.models])
    averaging.check(media_of(classifiers[0]).many)
    evaluation, what = _evaluation(classifiers, options, averaging)
    judged = " and ".join(options.models) + (f", {averaging}," if str(averaging) else "")
    print(f"{judged} on {options.manifest}, {what}\n\n{evaluation}")
    if out is not None:
        _write(out, evaluation.as_dict())
    if picture is not None:
        evaluation.draw_confusion(picture)
    return 0


def _write(out: Path, values: dict[str, object]) -> None:
    out.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _judge_stream(options: Namespace, averaging: "Averaging", out: Path | None) -> int:
    """`audiocnn evaluate --stream`; gives the exit status."""
    from audiocnn.averaging import SINGLE_VIEW
    from audiocnn.classifier import load
    from audiocnn.cli.tuning import read_recordings
    from audiocnn.tuning import judge

    if len(options.models) > 1:
        raise ParameterError(f"--stream: one model listens, and there are {len(options.models)}; name one")
    if averaging != SINGLE_VIEW:
        raise ParameterError(
            "--stream: a stream has no other views; leave --ten_crop, --scales, --shifts out"
        )
    if options.picture is not None:
        raise ParameterError("--stream: there is no confusion matrix of events; leave --picture out")
    (model,) = options.models
    classifier = load(model)
    recordings, split = read_recordings(
        options.manifest, options.negatives, split=options.split, preferred=("test", "validation")
    )
    judgement = judge(classifier, recordings)
    tuned = "" if classifier.config.events else ", not tuned: a score of 0.5 is an event"
    print(f"{model} on {options.manifest}, {split}, as a stream{tuned}\n\n{judgement}")
    if out is not None:
        _write(out, judgement.as_dict())
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
