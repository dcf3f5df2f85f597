"""The command line: `audiocnn train | evaluate | predict | describe`."""

import json
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from audiocnn.config import TrainConfig
from audiocnn.errors import AudioCNNError

__all__ = ["main"]


def _train_parser() -> ArgumentParser:
    parser = ArgumentParser(description="Train a classifier on recordings; the run's folder then holds it.")
    parser.add_argument(
        "data",
        type=Path,
        help="a CSV manifest with the columns file_name, label and, if known, speaker and split; or a "
        "folder of label folders",
    )
    parser.add_class_arguments(TrainConfig, skip={"data"})
    return parser


def _train(options: Namespace) -> int:
    from audiocnn.describe import describe
    from audiocnn.train import fit

    config = TrainConfig(**options.as_dict())
    classifier = fit(config)
    print(describe(classifier))
    print(f"\n{config.out / 'model.safetensors'} is the classifier; next:")
    print(f"  audiocnn evaluate {config.out / 'model.safetensors'} {config.out / 'split.csv'}")
    return 0


def _evaluate_parser() -> ArgumentParser:
    parser = ArgumentParser(description="Judge a classifier on labelled recordings.")
    parser.add_argument("model", type=Path, help="the .safetensors file of a classifier")
    parser.add_argument("manifest", type=Path, help="a CSV manifest or a folder, as for train")
    parser.add_argument(
        "--split",
        type=str | None,
        default=None,
        help="train, validation, test or all; by default test where the manifest has splits, else all",
    )
    parser.add_argument("--out", type=Path | None, default=None, help="a .json file for the figures")
    parser.add_argument(
        "--picture", type=Path | None, default=None, help="a .png, .svg or .pdf file for the confusion matrix"
    )
    return parser


def _evaluate(options: Namespace) -> int:
    from audiocnn.classifier import load
    from audiocnn.data.manifest import read_manifest
    from audiocnn.evaluate import choose_split, evaluate

    classifier = load(options.model)
    evaluation = evaluate(classifier, choose_split(read_manifest(options.manifest), options.split))
    print(evaluation)
    if options.out is not None:
        text = json.dumps(evaluation.as_dict(), indent=1, ensure_ascii=False)
        options.out.write_text(text + "\n", encoding="utf-8")
    if options.picture is not None:
        evaluation.draw_confusion(options.picture)
    return 0


def _predict_parser() -> ArgumentParser:
    parser = ArgumentParser(
        description="Classify recordings: one row a file, in the order given. A file that cannot be read "
        "is a row with its error, and the exit status is then 1."
    )
    parser.add_argument("model", type=Path, help="the .safetensors file of a classifier")
    parser.add_argument(
        "inputs",
        type=Path,
        nargs="+",
        help="recordings, folders of them, or CSV manifests with a column file_name",
    )
    parser.add_argument(
        "--out",
        type=Path | None,
        default=None,
        help="a .csv, .jsonl or .parquet file; by default CSV goes to the standard output",
    )
    parser.add_argument(
        "--all_scores", action="store_true", help="add a column for the probability of every class"
    )
    parser.add_argument("--batch_size", type=int, default=64, help="files scored together")
    parser.add_argument(
        "--workers", type=int | None, default=None, help="threads that decode; by default one a core"
    )
    parser.add_argument("--device", type=str, default="cpu", help="where the net runs: cpu, cuda, cuda:1")
    return parser


def _predict(options: Namespace) -> int:
    from audiocnn.classifier import load
    from audiocnn.predict import collect_files, score_files, write_predictions

    classifier = load(options.model, device=options.device)
    files = collect_files(options.inputs)
    scored = score_files(classifier, files, batch_size=options.batch_size, workers=options.workers)
    failed = write_predictions(classifier, scored, options.out, all_scores=options.all_scores)
    if failed:
        print(f"{failed} of {len(files)} files could not be read; their rows say why", file=sys.stderr)
    return 1 if failed else 0


def _describe_parser() -> ArgumentParser:
    parser = ArgumentParser(description="What a network costs and what it hears.")
    parser.add_argument("model", type=str, help="a name such as tc_resnet_8, or the file of a classifier")
    parser.add_argument("--num_classes", type=int, default=12, help="classes, for a name")
    parser.add_argument(
        "--padding", type=str, default="valid", help="along time, for a name: 'valid' or 'same', as published"
    )
    return parser


def _describe(options: Namespace) -> int:
    from audiocnn.classifier import Classifier, ClassifierConfig, load
    from audiocnn.describe import describe
    from audiocnn.frontends import LogMelConfig
    from audiocnn.models import MODELS, NetConfig

    if options.model in MODELS or not Path(options.model).suffix:
        net = NetConfig(name=options.model, num_classes=options.num_classes, padding=options.padding)
        labels = tuple(str(i) for i in range(options.num_classes))
        classifier = Classifier(ClassifierConfig(labels=labels, front_end=LogMelConfig(), net=net))
    else:
        classifier = load(options.model)
    print(describe(classifier))
    return 0


_COMMANDS: dict[str, tuple[Callable[[], ArgumentParser], Callable[[Namespace], int], str]] = {
    "train": (_train_parser, _train, "recordings in, a classifier out"),
    "evaluate": (_evaluate_parser, _evaluate, "how good a classifier is on labelled recordings"),
    "predict": (_predict_parser, _predict, "recordings in, scores out"),
    "describe": (_describe_parser, _describe, "what a network costs and what it hears"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: the words after `audiocnn`; those of the process by default.

    Returns:
        The exit status: 0, 1 where a file could not be read, 2 for a mistake in the
        arguments or the input.
    """
    parser = ArgumentParser(prog="audiocnn", description="Convnets that classify sound.")
    commands = parser.add_subcommands(dest="command")
    for name, (build, _, summary) in _COMMANDS.items():
        commands.add_subcommand(name, build(), help=summary)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        return _COMMANDS[options.command][1](options[options.command])
    except AudioCNNError as error:
        print(f"audiocnn {options.command}: {error}", file=sys.stderr)
    except OSError as error:
        print(f"audiocnn {options.command}: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print(f"audiocnn {options.command}: interrupted", file=sys.stderr)
        return 130
    return 2
