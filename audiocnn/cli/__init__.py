"""The command line.

`audiocnn demo | train | train-images | evaluate | predict | scan | listen | tune | mine | features |
describe`
"""

import io
import logging
import os
import sys
from collections.abc import Callable, Sequence

from jsonargparse import ArgumentParser, Namespace

from audiocnn.cli.describing import describe_parser, features_parser, run_describe, run_features
from audiocnn.cli.judging import evaluate_parser, run_evaluate
from audiocnn.cli.listening import listen_parser, run_listen
from audiocnn.cli.mining import mine_parser, run_mine
from audiocnn.cli.scanning import run_scan, scan_parser
from audiocnn.cli.scoring import predict_parser, run_predict
from audiocnn.cli.training import (
    demo_parser,
    run_demo,
    run_train,
    run_train_images,
    train_images_parser,
    train_parser,
)
from audiocnn.cli.tuning import run_tune, tune_parser
from audiocnn.errors import AudioCNNError

__all__ = ["main"]

_COMMANDS: dict[str, tuple[Callable[[], ArgumentParser], Callable[[Namespace], int], str]] = {
    "demo": (demo_parser, run_demo, "the whole path on words that it makes, in a few minutes"),
    "train": (train_parser, run_train, "recordings in, a classifier out"),
    "train-images": (train_images_parser, run_train_images, "pictures in, a classifier out"),
    "evaluate": (evaluate_parser, run_evaluate, "how good a classifier is on labelled files"),
    "predict": (predict_parser, run_predict, "recordings or pictures in, scores out"),
    "scan": (scan_parser, run_scan, "events in recordings of any length"),
    "listen": (listen_parser, run_listen, "events in what a microphone or a pipe gives"),
    "tune": (tune_parser, run_tune, "thresholds for so many false alarms in an hour"),
    "mine": (mine_parser, run_mine, "false alarms of long recordings, to learn from next"),
    "features": (features_parser, run_features, "a recording in, its features or a picture of them out"),
    "describe": (describe_parser, run_describe, "what a network costs, or what a front-end makes of sound"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: the words after `audiocnn`; those of the process by default.

    Returns:
        The exit status: 0, 1 where a file could not be read, 2 for a mistake in the
        arguments or the input.
    """
    parser = ArgumentParser(prog="audiocnn", description="Convnets that classify sound and pictures.")
    commands = parser.add_subcommands(dest="command")
    for name, (build, _, summary) in _COMMANDS.items():
        commands.add_subcommand(name, build(), help=summary)
    try:
        options = parser.parse_args(arguments)
    except UnicodeDecodeError as error:
        parser.error(f"the file that --config names is not text ({error})")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # labels and names may be what the terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        return _COMMANDS[options.command][1](options[options.command])
    except BrokenPipeError:  # whoever read our output has seen enough, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (AudioCNNError, OSError) as error:
        print(f"audiocnn {options.command}: {error}", file=sys.stderr)
    except KeyboardInterrupt as interrupt:
        print(f"audiocnn {options.command}: {str(interrupt) or 'interrupted'}", file=sys.stderr)
        return 130
    return 2
