"""The command line: `audiocnn demo | train | evaluate | predict | features | describe`."""

import io
import json
import logging
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from jsonargparse import ArgumentParser, Namespace

from audiocnn.config import PREDICT_BATCH_SIZE, TrainConfig
from audiocnn.errors import AudioCNNError, ParameterError

__all__ = ["main"]

_PICTURES = (".png", ".svg", ".pdf")


def _train_parser() -> ArgumentParser:
    parser = ArgumentParser(
        description="Train a classifier on recordings; the run's folder then holds it.",
        usage="%(prog)s [options] data --out OUT",
    )
    parser.add_argument(
        "recordings",
        metavar="data",
        type=str | None,
        nargs="?",
        default=None,
        help="a table (.csv, .tsv, .jsonl, .parquet) with the columns file_name, label and, if known, "
        "speaker, split, start and stop; or a folder of label folders",
    )
    parser.add_argument("--data", type=str | None, default=None, help="the same, as a config file gives it")
    parser.add_argument("--out", type=str | None, default=None, help="folder of the run, made if need be")
    parser.add_argument(
        "--config",
        action="config",
        help="a YAML or JSON file of these options, such as a run's config.json; what else is given wins",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the run that is in the folder, from its last finished epoch",
    )
    parser.add_class_arguments(TrainConfig, skip={"data", "out"})
    return parser


def _train(options: Namespace) -> int:
    from audiocnn.describe import describe
    from audiocnn.run_folder import BEST, SPLIT
    from audiocnn.train import fit

    values = options.as_dict()
    resume, positional = values.pop("resume"), values.pop("recordings")
    del values["config"]
    values["data"] = positional or values["data"]
    for name in ("data", "out"):
        if values[name] is None:
            raise ParameterError(
                f"{name} is missing; use `audiocnn train DATA --out FOLDER`, or a --config file"
            )
        values[name] = Path(values[name])
    config = TrainConfig(**values)
    classifier = fit(config, resume=resume, progress=sys.stderr.isatty())
    print(describe(classifier))
    print(f"\n{config.out / BEST} is the classifier; next:")
    print("  " + shlex.join(["audiocnn", "evaluate", str(config.out / BEST), str(config.out / SPLIT)]))
    return 0


def _evaluate_parser() -> ArgumentParser:
    parser = ArgumentParser(
        description="Judge a classifier on labelled recordings: each class, what is taken for what, and the "
        "accuracy with its interval, drawn by speaker where all are known, else by file."
    )
    parser.add_argument("model", type=str, help="the .safetensors file of a classifier, or demo")
    parser.add_argument("manifest", type=str, help="a table or a folder, as for train")
    parser.add_argument(
        "--split",
        type=str | None,
        default=None,
        help="train, validation, test or all; by default test, or validation, where the manifest has it",
    )
    parser.add_argument("--out", type=str | None, default=None, help="a .json file for the figures")
    parser.add_argument(
        "--picture", type=str | None, default=None, help="a .png, .svg or .pdf file for the confusion matrix"
    )
    return parser


def _evaluate(options: Namespace) -> int:
    from audiocnn.classifier import load
    from audiocnn.data.manifest import read_manifest
    from audiocnn.evaluate import choose_split, evaluate

    out = _output("out", options.out, (".json",))
    picture = _output("picture", options.picture, _PICTURES)
    classifier = load(options.model)
    clips = read_manifest(options.manifest)
    parts = {clip.split for clip in clips}
    split = options.split or next((part for part in ("test", "validation") if part in parts), "all")
    evaluation = evaluate(classifier, choose_split(clips, split))
    what = "all clips, also those it may have learned from" if split == "all" else f"{split} split"
    print(f"{options.model} on {options.manifest}, {what}\n\n{evaluation}")
    if out is not None:
        text = json.dumps(evaluation.as_dict(), indent=1, ensure_ascii=False)
        out.write_text(text + "\n", encoding="utf-8")
    if picture is not None:
        evaluation.draw_confusion(picture)
    return 0


def _output(name: str, value: str | None, endings: tuple[str, ...]) -> Path | None:
    """The file to write, if any; refused before the work is done if it cannot be written after it."""
    if value is None:
        return None
    path = Path(value)
    if path.suffix not in endings:
        raise ParameterError(f"{name}={path} must end in {', '.join(endings)}")
    if path.is_dir():
        raise ParameterError(f"{name}={path} is a folder; name a file")
    if not path.parent.is_dir():
        raise ParameterError(f"{name}={path}: there is no folder {path.parent}; make it first")
    return path


def _predict_parser() -> ArgumentParser:
    parser = ArgumentParser(
        description="Classify recordings: one row a file, in the order given. A file that cannot be read "
        "is a row with its error, and the exit status is then 1."
    )
    parser.add_argument("model", type=str, help="the .safetensors file of a classifier, or demo")
    parser.add_argument(
        "inputs",
        type=str,
        nargs="+",
        help="recordings, folders of them, or tables (.csv, .tsv, .jsonl, .parquet) with a column file_name "
        "and, for parts of recordings, start and stop in seconds",
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


def _predict(options: Namespace) -> int:
    from audiocnn.classifier import load
    from audiocnn.data.manifest import Clip
    from audiocnn.predict import OUT_ENDINGS, collect_files, score_files, write_predictions

    out = _output("out", options.out, OUT_ENDINGS)
    classifier = load(options.model, device=options.device, resample=not options.refuse_other_rates)
    files = collect_files(options.inputs)
    scored = score_files(classifier, files, batch_size=options.batch_size, workers=options.workers)
    parts = any(isinstance(file, Clip) for file in files)
    failed = write_predictions(classifier, scored, out, all_scores=options.all_scores, parts=parts)
    if failed:
        what = "files or parts" if parts else "files"
        print(f"{failed} of {len(files)} {what} could not be read; their rows say why", file=sys.stderr)
    return 1 if failed else 0


def _describe_parser() -> ArgumentParser:
    parser = ArgumentParser(
        description="What a network costs and what it hears; or what a front-end makes of sound, and how."
    )
    parser.add_argument(
        "model",
        type=str,
        help="a name such as tc_resnet_8, the file of a classifier, or demo; or the name of a front-end such "
        "as logmel or kaldi, or a .json file with the config of one",
    )
    parser.add_argument(
        "--num_classes", type=int | None, default=None, help="classes, for a name (default: 12)"
    )
    parser.add_argument(
        "--padding",
        type=Literal["valid", "same"] | None,
        default=None,
        help="along time, for a name: valid (the default) for a net that scans, same as published",
    )
    parser.add_argument("--json", action="store_true", help="print all of it as JSON")
    parser.add_argument(
        "--plot",
        type=str | None,
        default=None,
        help="a .png, .svg or .pdf file for the filters of a front-end, or of a classifier's",
    )
    return parser


def _describe(options: Namespace) -> int:
    from audiocnn.classifier import SHIPPED, load
    from audiocnn.describe import describe
    from audiocnn.frontends import FRONT_ENDS
    from audiocnn.frontends.description import draw_filterbank
    from audiocnn.models import MODELS

    plot = _output("plot", options.plot, _PICTURES)
    if options.model.endswith(".json") or options.model in FRONT_ENDS:
        return _describe_front_end(options, plot)
    path = SHIPPED.get(options.model, Path(options.model))
    choices = {"num_classes": options.num_classes, "padding": options.padding}
    chosen = {name: value for name, value in choices.items() if value is not None}
    is_file = path.suffix or path.exists()
    if is_file and chosen:
        given = " and ".join(f"--{name}" for name in chosen)
        raise ParameterError(f"{given}: a file says this itself; leave it out, or name a network")
    near = get_close_matches(options.model, [*FRONT_ENDS, *MODELS], n=3)
    if not is_file and options.model not in MODELS and near and near[0] in FRONT_ENDS:
        raise ParameterError(
            f"model={options.model!r} is no network and no front-end; did you mean {', '.join(near)}?"
        )
    if plot is not None and not is_file:
        raise ParameterError(
            f"plot={plot} is for the filters of a front-end: name one ({', '.join(FRONT_ENDS)}), or the "
            "file of a classifier, which has one"
        )
    if is_file:
        classifier = load(options.model)
        if plot is not None:
            draw_filterbank(classifier.front_end, plot)
        description = describe(classifier)
    else:
        description = describe(options.model, **chosen)
    print(description.json() if options.json else f"{description.table()}\n\n{description}")
    return 0


def _describe_front_end(options: Namespace, plot: Path | None) -> int:
    from audiocnn.frontends import create_front_end
    from audiocnn.frontends.description import describe_front_end, draw_filterbank

    for name in ("num_classes", "padding"):
        if getattr(options, name) is not None:
            raise ParameterError(f"--{name}: a front-end has none; leave it out, or name a network")
    front_end = create_front_end(options.model)
    description = describe_front_end(front_end, name=options.model)
    if plot is not None:
        draw_filterbank(front_end, plot, name=options.model)
    print(description.json() if options.json else description)
    return 0


def _features_parser() -> ArgumentParser:
    parser = ArgumentParser(
        description="Make the features of one recording, as numbers or as a picture. It is resampled to the "
        "front-end's rate and its channels are mixed; one of any length takes little memory."
    )
    parser.add_argument("file", type=str, help="a recording")
    parser.add_argument(
        "--preset",
        type=str,
        default="logmel",
        help="the front-end: logmel (the default), kaldi, mfcc or another that `audiocnn describe` knows, a "
        ".json file with the config of one, or a classifier's .safetensors file",
    )
    parser.add_argument(
        "--out",
        type=str | None,
        default=None,
        help="a .npy file, (rows, frames) in float32 with the front-end's fingerprint behind them; or a "
        ".png, .svg or .pdf file for a picture",
    )
    return parser


def _features(options: Namespace) -> int:
    import torch

    from audiocnn import audio
    from audiocnn.classifier import BLOCK_SECONDS, SHIPPED, load
    from audiocnn.frontends import create_front_end
    from audiocnn.frontends.description import draw_features
    from audiocnn.frontends.feature_file import write_features

    out = _output("out", options.out, (".npy", *_PICTURES))
    if out is None:
        raise ParameterError("out is missing; use `audiocnn features FILE --out features.npy`, or a .png")
    is_model = options.preset in SHIPPED or options.preset.endswith(".safetensors")
    front_end = load(options.preset).front_end if is_model else create_front_end(options.preset)
    blocks = audio.blocks(options.file, block_seconds=BLOCK_SECONDS, sample_rate=front_end.sample_rate)
    if out.suffix == ".npy":
        frames = write_features(out, front_end, blocks)
    else:
        features = torch.cat(list(front_end.feature_blocks(blocks)), dim=-1)
        draw_features(front_end, features.numpy(), out, title=f"{Path(options.file).name}, {options.preset}")
        frames = features.shape[-1]
    print(
        f"{out}: {front_end.n_freqs} rows, {frames} frames, {front_end.frame_rate_hz:g} a second, "
        f"fingerprint {front_end.fingerprint()}"
    )
    return 0


def _demo_parser() -> ArgumentParser:
    parser = ArgumentParser(
        description="The whole path on synthetic speech: words are made with eSpeak NG, a classifier is "
        "trained on them, judged on voices it has never heard, and predicts. Needs no data, but the extra "
        '`synth`: python -m pip install -e ".[synth]".'
    )
    parser.add_argument("--out", type=str, default="audiocnn_demo", help="folder for all that is made")
    parser.add_argument("--model", type=str, default="tc_resnet_8", help="network, as for train")
    parser.add_argument("--epochs", type=int, default=40, help="passes over the training part")
    parser.add_argument("--num_voices", type=int, default=300, help="synthetic voices that speak")
    parser.add_argument("--seed", type=int, default=0, help="of the words and of the training")
    return parser


def _demo(options: Namespace) -> int:
    out = Path(options.out)
    print(
        f"Everything is written to the folder {out}. A second run uses what is finished there and goes on\n"
        "with what was begun; remove the folder to begin again. The words are synthetic speech by\n"
        "eSpeak NG, a program under the GPL-3 that audiocnn calls here and nowhere else.\n",
        flush=True,
    )
    from audiocnn.demo import run_demo

    demo = run_demo(
        out, model=options.model, epochs=options.epochs, num_voices=options.num_voices, seed=options.seed
    )
    print(f"\n{demo.evaluation}\n")
    made = {
        demo.words: "the recordings, and who says what in which split",
        demo.model: "the classifier, in one file",
        demo.confusion: "what was taken for what, by voices it has never heard",
        demo.predictions: "what it heard in a few sentences",
    }
    width = max(len(str(path)) for path in made)
    for path, what in made.items():
        print(f"{path!s:{width}}  {what}")
    print(
        "\nHow well it understands people, only recordings of people tell. Next:\n"
        f"  audiocnn predict {shlex.quote(str(demo.model))} {shlex.quote(str(demo.sentences))} "
        "--out scores.csv\n"
        f"  audiocnn describe {shlex.quote(str(demo.model))}\n"
        "  audiocnn train FOLDER --out run    # your own recordings, a folder for each word"
    )
    return 0


_COMMANDS: dict[str, tuple[Callable[[], ArgumentParser], Callable[[Namespace], int], str]] = {
    "demo": (_demo_parser, _demo, "the whole path on words that it makes, in a few minutes"),
    "train": (_train_parser, _train, "recordings in, a classifier out"),
    "evaluate": (_evaluate_parser, _evaluate, "how good a classifier is on labelled recordings"),
    "predict": (_predict_parser, _predict, "recordings in, scores out"),
    "features": (_features_parser, _features, "a recording in, its features or a picture of them out"),
    "describe": (_describe_parser, _describe, "what a network costs, or what a front-end makes of sound"),
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
