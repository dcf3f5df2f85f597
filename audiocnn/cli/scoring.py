"""Commands that score files: `predict`."""

import sys

from jsonargparse import ArgumentParser, Namespace

from audiocnn.cli.averaging import add_averaging_options, averaging_of
from audiocnn.cli.output import output_file
from audiocnn.config import PREDICT_BATCH_SIZE
from audiocnn.errors import ParameterError

__all__ = ["predict_parser", "run_predict"]


def predict_parser() -> ArgumentParser:
    """What `audiocnn predict` takes."""
    parser = ArgumentParser(
        description="Classify recordings, or pictures, as the classifier is of: one row a file, in the order "
        "given. A file that cannot be read is a row with its error, and the exit status is then 1."
    )
    parser.add_argument("model", type=str, help="the .safetensors file of a classifier, or demo")
    parser.add_argument(
        "inputs",
        type=str,
        nargs="+",
        help="recordings or pictures, folders of them, or tables (.csv, .tsv, .jsonl, .parquet) with a "
        "column file_name and, for parts of recordings, start and stop in seconds",
    )
    parser.add_argument(
        "--out",
        type=str | None,
        default=None,
        help="a .csv, .jsonl or .parquet file; by default CSV goes to the standard output",
    )
    parser.add_argument(
        "--all_scores", action="store_true", help="add a column for the probability of every class"
    )
    add_averaging_options(parser)
    parser.add_argument("--batch_size", type=int, default=PREDICT_BATCH_SIZE, help="files scored together")
    parser.add_argument(
        "--workers",
        type=int | None,
        default=None,
        help="threads that read and score batches; by default as many as torch computes with",
    )
    parser.add_argument("--device", type=str, default="cpu", help="where the net runs: cpu, cuda, cuda:1")
    parser.add_argument(
        "--refuse_other_rates",
        action="store_true",
        help="do not resample recordings of another sample rate than the classifier's; their rows say so",
    )
    return parser


def run_predict(options: Namespace) -> int:
    """`audiocnn predict`; gives the exit status."""
    from audiocnn.data.manifest import Clip
    from audiocnn.data.media import PICTURES
    from audiocnn.loading import load
    from audiocnn.predict import collect_files, media_of, score_files
    from audiocnn.prediction_table import write_predictions
    from audiocnn.table_files import OUT_ENDINGS

    out = output_file("out", options.out, OUT_ENDINGS)
    averaging = averaging_of(options)
    classifier = load(options.model, device=options.device, resample=not options.refuse_other_rates)
    media = media_of(classifier)
    if options.refuse_other_rates and media is PICTURES:
        raise ParameterError("--refuse_other_rates: pictures have no sample rate; leave it out")
    averaging.check(media.many)
    files = collect_files(options.inputs, media=media)
    scored = score_files(
        classifier,
        files,
        batch_size=options.batch_size,
        workers=options.workers,
        averaging=averaging,
    )
    parts = any(isinstance(file, Clip) for file in files)
    failed = write_predictions(classifier, scored, out, all_scores=options.all_scores, parts=parts)
    if failed:
        what = "files or parts" if parts else "files"
        print(f"{failed} of {len(files)} {what} could not be read; their rows say why", file=sys.stderr)
    return 1 if failed else 0
