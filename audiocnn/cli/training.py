"""Commands that make classifiers, and judge them: `demo`, `train`, `evaluate`."""

import json
import shlex
import sys
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from audiocnn.cli.output import PICTURES, output_file
from audiocnn.config import TrainConfig
from audiocnn.errors import ParameterError

__all__ = ["demo_parser", "evaluate_parser", "run_demo", "run_evaluate", "run_train", "train_parser"]


def train_parser() -> ArgumentParser:
    """What `audiocnn train` takes."""
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


def run_train(options: Namespace) -> int:
    """`audiocnn train`; gives the exit status."""
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


def evaluate_parser() -> ArgumentParser:
    """What `audiocnn evaluate` takes."""
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


def run_evaluate(options: Namespace) -> int:
    """`audiocnn evaluate`; gives the exit status."""
    from audiocnn.classifier import load
    from audiocnn.data.manifest import read_manifest
    from audiocnn.evaluate import choose_split, evaluate

    out = output_file("out", options.out, (".json",))
    picture = output_file("picture", options.picture, PICTURES)
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


def demo_parser() -> ArgumentParser:
    """What `audiocnn demo` takes."""
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


def run_demo(options: Namespace) -> int:
    """`audiocnn demo`; gives the exit status."""
    out = Path(options.out)
    print(
        f"Everything is written to the folder {out}. A second run uses what is finished there and goes on\n"
        "with what was begun; remove the folder to begin again. The words are synthetic speech by\n"
        "eSpeak NG, a program under the GPL-3 that audiocnn calls here and nowhere else.\n",
        flush=True,
    )
    from audiocnn.demo import run_demo as go_the_whole_path

    demo = go_the_whole_path(
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
