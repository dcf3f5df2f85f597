"""Commands that find thresholds: `tune`."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser, Namespace

from audiocnn.cli.output import PICTURES, output_file
from audiocnn.cli.scanning import add_event_options, event_config
from audiocnn.errors import ManifestError, ParameterError

if TYPE_CHECKING:
    from audiocnn.recordings import Recording
    from audiocnn.tuning import Tuning

__all__ = ["read_recordings", "run_tune", "tune_parser"]


def tune_parser() -> ArgumentParser:
    """What `audiocnn tune` takes."""
    parser = ArgumentParser(
        description="Find the threshold of each label that misses the fewest words for the false alarms that "
        "are allowed in an hour. Every threshold is tried. What comes of it is seen on the same recordings, "
        "and so is better than on others: `audiocnn evaluate --stream` judges it there."
    )
    parser.add_argument("model", type=str, help="the .safetensors file of a classifier, or demo")
    parser.add_argument(
        "--positives",
        type=str,
        required=True,
        help="a table or a folder, as for train: recordings of one word each; or with start and stop the "
        "words of long recordings, the rest of which counts as negative",
    )
    parser.add_argument(
        "--negatives",
        type=str,
        nargs="+",
        default=[],
        help="recordings in which no word is said, folders of them, or tables",
    )
    parser.add_argument(
        "--split",
        type=str | None,
        default=None,
        help="of the positives: train, validation, test or all; by default validation where there is one",
    )
    parser.add_argument(
        "--labels", type=str, nargs="+", default=[], help="to be found; by default all of the positives"
    )
    parser.add_argument(
        "--max_fa_per_hour",
        type=float,
        default=0.5,
        help="false alarms in an hour that all labels together may have",
    )
    parser.add_argument(
        "--tolerance_seconds",
        type=float,
        default=0.3,
        help="how far from a word an event still counts for it",
    )
    parser.add_argument(
        "--out",
        type=str | None,
        default=None,
        help="a .safetensors file for the model with its thresholds: a new one, or the model itself, which "
        "is then replaced; by default they are only printed",
    )
    parser.add_argument(
        "--picture",
        type=str | None,
        default=None,
        help="a .png, .svg or .pdf file for misses against false alarms",
    )
    parser.add_argument(
        "--table",
        type=str | None,
        default=None,
        help="a .csv, .jsonl or .parquet file for the thresholds that are better than all others",
    )
    parser.add_argument("--device", type=str, default="cpu", help="where the net runs: cpu, cuda, cuda:1")
    add_event_options(parser, thresholds=False)
    return parser


def run_tune(options: Namespace) -> int:
    """`audiocnn tune`; gives the exit status."""
    from audiocnn.classifier import load
    from audiocnn.table_files import OUT_ENDINGS
    from audiocnn.tuning import tune

    out = _model_file(options.out, options.model)
    picture = output_file("picture", options.picture, PICTURES)
    table = output_file("table", options.table, OUT_ENDINGS)
    classifier = load(options.model, device=options.device)
    recordings, split = read_recordings(
        options.positives, options.negatives, split=options.split, preferred=("validation",)
    )
    tuned = classifier.config
    said = {truth.label for recording in recordings for truth in recording.truths}
    tuning = tune(
        classifier,
        recordings,
        labels=list(dict.fromkeys(options.labels)) or sorted(said),
        max_fa_per_hour=options.max_fa_per_hour,
        events=event_config(options, tuned.events),
        hop_seconds=tuned.hop_seconds if options.hop_seconds is None else options.hop_seconds,
        tolerance_seconds=options.tolerance_seconds,
    )
    print(f"{options.model} on {options.positives}, {split}: {tuning}")
    if picture is not None:
        tuning.draw(picture)
    if table is not None:
        _write_table(table, tuning)
    if out is None:
        print("the thresholds are not kept; --out does that", file=sys.stderr)
    else:
        tuning.store(classifier)
        classifier.save(out)
        print(f"{out} has these thresholds")
    return 0


def _model_file(out: str | None, model: str) -> Path | None:
    """Where to write the model, if anywhere: nothing is replaced but itself."""
    path = output_file("out", out, (".safetensors",))
    if path is not None and path.exists() and not (Path(model).exists() and path.samefile(model)):
        raise ParameterError(
            f"out={path} is there already; name a new file, or the model itself to have it replaced"
        )
    return path


def _write_table(table: Path, tuning: "Tuning") -> None:
    from audiocnn.point_table import POINT_COLUMNS
    from audiocnn.table_files import open_table

    with ExitStack() as stack:
        writer, partial = open_table(table, ["label", *POINT_COLUMNS, "chosen"], stack)
        for row in tuning.rows():
            writer.write(row)
    assert partial is not None
    partial.replace(table)


def read_recordings(
    positives: str, negatives: Sequence[str], *, split: str | None, preferred: Sequence[str]
) -> "tuple[list[Recording], str]":
    """What a manifest and names of negatives say there is to listen to, and which split that is.

    Args:
        positives: the manifest.
        negatives: files, folders and tables.
        split: of the positives; None is the first of those preferred that there is, or all.
        preferred: splits.

    Raises:
        ManifestError: for a recording with words of several splits, of which only one is wanted: those of the
            others would be taken for false alarms.
    """
    from audiocnn.data.manifest import read_manifest
    from audiocnn.evaluate import choose_split
    from audiocnn.predict import collect_files
    from audiocnn.recordings import recordings_of

    clips = read_manifest(positives)
    parts = {clip.split for clip in clips}
    split = split or next((part for part in preferred if part in parts), "all")
    chosen = choose_split(clips, split)
    files = {clip.path for clip in chosen}
    others = [clip.path for clip in clips if clip.path in files and split not in ("all", clip.split)]
    if others:
        raise ManifestError(
            f"{others[0]} has words of other splits than {split} too, which would be taken for false alarms; "
            "give each recording one split, or take --split all"
        )
    recordings = recordings_of(chosen, collect_files(negatives))
    return recordings, "all of it" if split == "all" else f"{split} split"
