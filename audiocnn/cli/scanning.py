"""Commands that find events in recordings: `scan`."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser, Namespace

from audiocnn.cli.output import output_file
from audiocnn.errors import AudioReadError, ParameterError
from audiocnn.event_table import EVENT_ENDINGS, EventWriter, event_format
from audiocnn.events import EventConfig

if TYPE_CHECKING:
    from audiocnn.data.manifest import Clip
    from audiocnn.stream import Heard, Listener
    from audiocnn.table_files import TableWriter

__all__ = ["add_event_options", "event_config", "run_scan", "scan_parser"]


def add_event_options(parser: ArgumentParser, *, thresholds: bool = True) -> None:
    """Let a command take what counts as an event, and how often is decided; what is not given is None.

    Args:
        parser: of the command.
        thresholds: with the scores at which events begin and end, and labels that have none.
    """
    parser.add_argument(
        "--hop_seconds",
        type=float | None,
        default=None,
        help="from one decision to the next; by default what the model was tuned at, or the net's own",
    )
    skipped = {"ignore"} if thresholds else {"ignore", "on", "off"}
    names = parser.add_class_arguments(EventConfig, skip=skipped)
    parser.set_defaults(dict.fromkeys(names))
    if thresholds:
        parser.add_argument(
            "--ignore",
            type=str,
            nargs="+",
            default=None,
            help="labels that are never an event, such as silence",
        )


def event_config(options: Namespace, tuned: EventConfig | None = None) -> EventConfig:
    """What the options say of events.

    Args:
        options: of a parser that `add_event_options` was called with.
        tuned: what holds where they say nothing; None is an `EventConfig()`.

    Raises:
        ParameterError: for a value that cannot work.
    """
    given = {name: options.get(name) for name in EventConfig.__dataclass_fields__}
    values = {name: value for name, value in given.items() if value is not None}
    if "ignore" in values:
        values["ignore"] = tuple(values["ignore"])
    return replace(tuned or EventConfig(), **values)


def scan_parser() -> ArgumentParser:
    """What `audiocnn scan` takes."""
    parser = ArgumentParser(
        description="Find events in recordings of any length: a row each, from when to when, as they are "
        "found. What counts as one is what the model was tuned to (`audiocnn tune`), or a score of 0.5; an "
        "option replaces just its own value. A recording that cannot be read is told of, and the exit status "
        "is then 1."
    )
    parser.add_argument("model", type=str, help="the .safetensors file of a classifier, or demo")
    parser.add_argument("inputs", type=str, nargs="+", help="recordings, folders of them, or tables")
    parser.add_argument(
        "--out",
        type=str | None,
        default=None,
        help="a .csv or .jsonl file; or, for one recording, .txt for Audacity or .selections.txt for Raven; "
        "by default CSV goes to the standard output",
    )
    parser.add_argument(
        "--scores",
        type=str | None,
        default=None,
        help="a .csv, .jsonl or .parquet file for the scores of every decision",
    )
    parser.add_argument(
        "--edges",
        choices=("inside", "silence"),
        default="silence",
        help="inside: decisions hear what was recorded; silence: what is before and behind counts as that",
    )
    parser.add_argument("--device", type=str, default="cpu", help="where the net runs: cpu, cuda, cuda:1")
    add_event_options(parser)
    return parser


def run_scan(options: Namespace) -> int:
    """`audiocnn scan`; gives the exit status."""
    from audiocnn.audio import info
    from audiocnn.classifier import load
    from audiocnn.data.manifest import Clip
    from audiocnn.predict import collect_files
    from audiocnn.stream import Listener
    from audiocnn.table_files import OUT_ENDINGS, open_table

    out = output_file("out", options.out, EVENT_ENDINGS)
    scores = output_file("scores", options.scores, OUT_ENDINGS)
    classifier = load(options.model, device=options.device)
    config = event_config(options, classifier.config.events)
    clips = [
        file if isinstance(file, Clip) else Clip(path=file, label=None)
        for file in collect_files(options.inputs)
    ]
    form = "csv" if out is None else event_format(out)
    if form in ("audacity", "raven") and len(clips) > 1:
        raise ParameterError(
            f"out={out} is for one recording, and there are {len(clips)}; write .csv or .jsonl"
        )
    listener = Listener(
        classifier,
        hop_seconds=options.hop_seconds,
        past="silence" if options.edges == "silence" else "unheard",
        events=config,
    )
    failed = 0
    with ExitStack() as stack:
        file = sys.stdout if out is None else stack.enter_context(out.open("w", encoding="utf-8", newline=""))
        writer = EventWriter(
            file, form, top_hz=info(clips[0].path).sample_rate / 2 if form == "raven" else 0.0
        )
        rows, partial = None, None
        if scores is not None:
            columns = ["file_name", "seconds", *(f"score_{label}" for label in classifier.labels)]
            rows, partial = open_table(scores, columns, stack)
        for clip in clips:
            listener.reset()
            try:
                for heard in _listen(listener, clip):
                    _write(heard, str(clip.path), writer, rows)
            except (AudioReadError, ParameterError) as error:
                print(f"audiocnn scan: {error}", file=sys.stderr)
                failed += 1
            except KeyboardInterrupt:
                raise KeyboardInterrupt(
                    f"interrupted {listener.seconds:.0f} s into {clip.path}; {out or 'the output'} holds the "
                    "events that were over by then"
                ) from None
    if scores is not None and partial is not None:
        partial.replace(scores)
    return 1 if failed else 0


def _listen(listener: "Listener", clip: "Clip") -> "Iterator[Heard]":
    """What is heard of a recording, or of a part of one, whose times are those of the whole."""
    from audiocnn import audio
    from audiocnn.classifier import BLOCK_SECONDS

    listener.skip(clip.start)
    blocks = audio.blocks(
        clip.path,
        block_seconds=BLOCK_SECONDS,
        sample_rate=listener.sample_rate,
        start_seconds=clip.start,
        stop_seconds=clip.stop,
    )
    try:
        for block in blocks:
            yield listener.hear(block)
    except AudioReadError:  # damaged further on: what was heard until then counts
        yield listener.finish()
        raise
    yield listener.finish()


def _write(heard: "Heard", file_name: str, writer: EventWriter, rows: "TableWriter | None") -> None:
    for event in heard.events:
        writer.write(event, file_name)
    if rows is not None:
        names = [f"score_{label}" for label in heard.track.labels]
        for second, scores in zip(heard.track.seconds.tolist(), heard.track.scores.T.tolist(), strict=True):
            rows.write(
                {"file_name": file_name, "seconds": round(second, 6)} | dict(zip(names, scores, strict=True))
            )
