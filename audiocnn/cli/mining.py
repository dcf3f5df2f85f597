"""Commands that find what to learn from next: `mine`."""

import sys
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser, Namespace

from audiocnn.cli.output import output_file
from audiocnn.cli.scanning import add_event_options, event_config
from audiocnn.errors import AudioReadError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audiocnn.data.manifest import Clip

__all__ = ["mine_parser", "run_mine"]


def mine_parser() -> ArgumentParser:
    """What `audiocnn mine` takes."""
    parser = ArgumentParser(
        description="Find what a classifier takes for words in hours where nobody says them, and list the "
        "false alarms with the highest scores as a table to train on: for each what the decision heard. Of "
        "windows that overlap the better is kept. An event is what the model was tuned to, or a score of "
        "0.5; a lower --on finds more. A recording that cannot be read is told of, and the exit status is "
        "then 1."
    )
    parser.add_argument("model", type=str, help="the .safetensors file of a classifier, or demo")
    parser.add_argument("inputs", type=str, nargs="+", help="recordings, folders of them, or tables")
    parser.add_argument(
        "--labels", type=str, nargs="+", required=True, help="the words: an event of one is a false alarm"
    )
    parser.add_argument("--out", type=str, required=True, help="a .csv file for the false alarms")
    parser.add_argument("--most", type=int, default=200, help="so many false alarms at most")
    parser.add_argument(
        "--per_file", type=int | None, default=None, help="so many of one recording at most; any by default"
    )
    parser.add_argument("--label", type=str, default="unknown", help="what they are to be learned as")
    parser.add_argument(
        "--data",
        type=str | None,
        default=None,
        help="the table that the classifier learned from, such as the split.csv of its run: --out then lists "
        "its recordings too, for the next training",
    )
    parser.add_argument(
        "--truth",
        type=str,
        nargs="+",
        default=[],
        help="tables of what is said in the recordings (file_name, start, stop, label): where one of the "
        "words is, there is no false alarm; by default they are said nowhere",
    )
    parser.add_argument("--device", type=str, default="cpu", help="where the net runs: cpu, cuda, cuda:1")
    add_event_options(parser)
    return parser


def run_mine(options: Namespace) -> int:
    """`audiocnn mine`; gives the exit status."""
    from audiocnn.classifier import load
    from audiocnn.data.manifest import Clip, read_manifest
    from audiocnn.description import count
    from audiocnn.mining import Miner, write_false_alarms
    from audiocnn.predict import collect_files

    out = output_file("out", options.out, (".csv",))
    assert out is not None
    if not options.label:
        raise ParameterError(
            "label='' must be a text: what false alarms are to be learned as; unknown is usual"
        )
    clips = [
        file if isinstance(file, Clip) else Clip(path=file, label=None)
        for file in collect_files(options.inputs)
    ]
    classifier = load(options.model, device=options.device)
    miner = Miner(
        classifier,
        labels=options.labels,
        most=options.most,
        per_file=options.per_file,
        events=event_config(options, classifier.config.events),
        hop_seconds=options.hop_seconds,
        truths=_said(options.truth, clips),
    )
    beside = read_manifest(options.data) if options.data else []
    if beside and not all(clip.split for clip in beside):
        raise ParameterError(
            f"data={options.data} does not say which recordings are for training; give the split.csv that "
            "the training left beside the classifier"
        )
    failed, stopped = 0, ""
    for clip in clips:
        try:
            miner.listen(clip)
        except (AudioReadError, ParameterError) as error:
            print(f"audiocnn mine: {error}", file=sys.stderr)
            failed += 1
        except KeyboardInterrupt:
            stopped = f"interrupted in {clip.path}; "
            break
    found = miner.best
    if found or beside:
        write_false_alarms(out, found, label=options.label, beside=beside)
        least = f", with scores from {found[-1].score:.3f} to {found[0].score:.3f}" if found else ""
        summary = f"{out} lists {count(len(found), 'false alarm')}{least}"
    elif failed == len(clips):
        summary = f"no recording could be heard, and {out} is not written"
    else:
        summary = f"no false alarm was found, and {out} is not written; a lower --on finds more"
    if stopped:
        raise KeyboardInterrupt(stopped + summary)
    print(summary)
    return 1 if failed else 0


def _said(tables: "Sequence[str]", clips: "Sequence[Clip]") -> "list[Clip]":
    """The stretches that tables say something of; of each, some must be of these recordings."""
    from audiocnn.data.manifest import read_manifest

    heard, said = {clip.path.resolve() for clip in clips}, []
    for table in tables:
        stretches = read_manifest(table)
        if heard.isdisjoint(clip.path.resolve() for clip in stretches):
            raise ParameterError(
                f"truth={table} names none of these recordings; give the table that tells of them"
            )
        said += stretches
    return said
