"""Commands that listen live: `listen`."""

import json
import sys
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, TypeAlias

from jsonargparse import ArgumentParser, Namespace

from audiocnn.cli.scanning import add_event_options, event_config
from audiocnn.errors import ParameterError
from audiocnn.event_table import event_values

if TYPE_CHECKING:
    from torch import Tensor

    from audiocnn.events import Event
    from audiocnn.microphone import Gap
    from audiocnn.stream import Heard

__all__ = ["listen_parser", "run_listen"]

_METER = 24

Source: TypeAlias = "tuple[int, int, Iterator[Tensor | Gap]]"
"""Sample rate, channels, and chunks `(channel, time)`."""


def listen_parser() -> ArgumentParser:
    """What `audiocnn listen` takes."""
    parser = ArgumentParser(
        description="Listen to a microphone, or to samples on the standard input, and print events as they "
        "are over. What counts as one is what the model was tuned to (`audiocnn tune`), or a score of 0.5; "
        "an option replaces just its own value. Ctrl-C ends it.",
        usage="%(prog)s model [-] [options]",
    )
    parser.add_argument("model", type=str, help="the .safetensors file of a classifier, or demo")
    parser.add_argument(
        "source",
        nargs="?",
        choices=("microphone", "-"),
        default="microphone",
        help="microphone, or - for the standard input: a WAV stream, or samples of the encoding --raw",
    )
    parser.add_argument(
        "--raw",
        type=str | None,
        default=None,
        help="encoding of samples without a header: s16le, s24le, s32le, f32le, f64le or u8",
    )
    parser.add_argument(
        "--sample_rate",
        type=int | None,
        default=None,
        help="of --raw or the microphone; by default the model's",
    )
    parser.add_argument(
        "--channels", type=int, default=1, help="of --raw or the microphone; they are averaged"
    )
    parser.add_argument(
        "--device_name",
        type=str | None,
        default=None,
        help="part of the microphone's name; by default the system's",
    )
    parser.add_argument("--format", choices=("text", "jsonl"), default="text", help="of the events")
    parser.add_argument(
        "--past",
        choices=("unheard", "silence"),
        default="unheard",
        help="unheard: no score before a whole window was heard; silence: what was before counts as that",
    )
    add_event_options(parser)
    return parser


def run_listen(options: Namespace) -> int:
    """`audiocnn listen`; gives the exit status."""
    from audiocnn.classifier import load
    from audiocnn.microphone import Gap
    from audiocnn.stream import Listener

    if options.source == "microphone" and options.raw is not None:
        raise ParameterError(f"raw={options.raw!r} is of the standard input; add - after the model")
    classifier = load(options.model)
    config = event_config(options, classifier.config.events)
    rate, channels, chunks = _source(options, classifier.sample_rate)
    listener = Listener(
        classifier,
        sample_rate=rate,
        channels=channels,
        hop_seconds=options.hop_seconds,
        past=options.past,
        events=config,
    )
    meter = _Meter(sys.stderr) if sys.stderr.isatty() else None
    try:
        for chunk in chunks:
            if isinstance(chunk, Gap):
                missing = f"gap: {chunk.frames / rate:.3f} s were dropped at {listener.seconds:.3f} s"
                print(f"audiocnn listen: {missing}", file=sys.stderr)
                heard = listener.skip(chunk.frames / rate)
            else:
                heard = listener.hear(chunk)
            _print(heard.events, options.format)
            if meter is not None:
                meter.show(heard)
    except KeyboardInterrupt:
        pass  # the way to end it
    finally:
        if meter is not None:
            meter.clear()
        _print(listener.finish().events, options.format)
    return 0


def _source(options: Namespace, model_rate: int) -> Source:
    from audiocnn.microphone import microphone
    from audiocnn.pcm import PCMFormat, read_chunks, read_wav_header

    rate = model_rate if options.sample_rate is None else options.sample_rate
    if options.source == "microphone":
        heard = microphone(sample_rate=rate, channels=options.channels, device=options.device_name)
        return rate, options.channels, heard
    stream, size = sys.stdin.buffer, None
    if options.raw is None:
        form, size = read_wav_header(stream)
    else:
        form = PCMFormat(encoding=options.raw, sample_rate=rate, channels=options.channels)
    return form.sample_rate, form.channels, read_chunks(stream, form, size=size)


def _print(events: "list[Event]", form: str) -> None:
    for event in events:
        if form == "jsonl":
            print(json.dumps(event_values(event), ensure_ascii=False), flush=True)
        else:
            span = f"{event.onset:9.2f} to {event.offset:9.2f} s"
            print(f"{span}  {event.label}  {event.peak_score:.2f}", flush=True)


class _Meter:
    """One line on a terminal: when it is, and what is heard, written over and over."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def show(self, heard: "Heard") -> None:
        """Draw the last decision, if there is one."""
        if heard.track.scores.shape[1] == 0:
            return
        scores = heard.track.scores[:, -1]
        best = int(scores.argmax())
        bar = "#" * round(_METER * float(scores[best]))
        second = heard.track.seconds[-1]
        line = f"{second:9.2f} s  {bar:<{_METER}}  {float(scores[best]):.2f}  {heard.track.labels[best]}"
        self._file.write(f"\r{line}\x1b[K")
        self._file.flush()

    def clear(self) -> None:
        """Take the line away."""
        self._file.write("\r\x1b[K")
        self._file.flush()
