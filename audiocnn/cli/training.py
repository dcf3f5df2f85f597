"""Commands that make classifiers: `demo`, `train`, `train-images`."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser, Namespace

from audiocnn.config import TrainConfig
from audiocnn.errors import ParameterError

if TYPE_CHECKING:
    from audiocnn.image_config import ImageTrainConfig

__all__ = [
    "demo_parser",
    "run_demo",
    "run_train",
    "run_train_images",
    "train_images_parser",
    "train_parser",
]

_USAGE = "%(prog)s [options] data --out OUT"


def train_parser() -> ArgumentParser:
    """What `audiocnn train` takes."""
    parser = ArgumentParser(
        description="Train a classifier on recordings; the run's folder then holds it.", usage=_USAGE
    )
    _add_run_options(
        parser,
        "a table (.csv, .tsv, .jsonl, .parquet) with the columns file_name, label and, if known, "
        "speaker, split, start and stop; or a folder of label folders",
    )
    parser.add_class_arguments(TrainConfig, skip={"data", "out"})
    return parser


def train_images_parser() -> ArgumentParser:
    """What `audiocnn train-images` takes."""
    from audiocnn.image_config import ImageTrainConfig
    from audiocnn.image_presets import IMAGE_PRESETS

    parser = _PresetParser(
        description="Train a classifier on pictures; the run's folder then holds it.", usage=_USAGE
    )
    _add_run_options(
        parser,
        "a table (.csv, .tsv, .jsonl, .parquet) with the columns file_name, label and, if known, "
        "speaker (who drew or wrote it) and split; a folder of label folders; or MNIST, Fashion-MNIST, "
        "CIFAR-10 or CIFAR-100 as they are published",
    )
    parser.add_argument(
        "--preset",
        choices=tuple(IMAGE_PRESETS),
        help="how nets were trained, as published (audiocnn.image_presets); what else is given wins",
    )
    parser.add_class_arguments(ImageTrainConfig, skip={"data", "out"})
    return parser


class _PresetParser(ArgumentParser):
    """Takes the values of a preset as defaults, wherever among the arguments it is named."""

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, *others: Any, **named: Any
    ) -> Namespace:
        from audiocnn.image_presets import IMAGE_PRESETS

        peek = argparse.ArgumentParser(add_help=False)
        peek.add_argument("--preset", nargs="?")
        preset = peek.parse_known_args(args)[0].preset
        if preset in IMAGE_PRESETS:
            self.set_defaults(_flat(IMAGE_PRESETS[preset].keywords))
        return super().parse_args(args, *others, **named)


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    """Plain values: those of a dataclass each under a name such as `picture.rows`."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if is_dataclass(value) and not isinstance(value, type):
            flat |= {f"{name}.{part}": own for part, own in asdict(value).items()}
        else:
            flat[name] = value
    return flat


def _add_run_options(parser: ArgumentParser, data: str) -> None:
    """What all trainings take."""
    parser.add_argument("source", metavar="data", type=str | None, nargs="?", default=None, help=data)
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


def run_train(options: Namespace) -> int:
    """`audiocnn train`; gives the exit status."""
    values = _run_values(options, "train")
    return _train(TrainConfig(**values), resume=options.resume)


def run_train_images(options: Namespace) -> int:
    """`audiocnn train-images`; gives the exit status."""
    from audiocnn.augment.colour import ColourAxes
    from audiocnn.augment.image import ImageAugmentation
    from audiocnn.image_config import ImageTrainConfig
    from audiocnn.picture import PictureConfig

    values = _run_values(options, "train-images")
    del values["preset"]  # its values are there
    values["picture"] = PictureConfig(**values["picture"])
    augmentation = values["augmentation"]
    if axes := augmentation["colour_axes"]:
        augmentation["colour_axes"] = ColourAxes(**axes)
    values["augmentation"] = ImageAugmentation(**augmentation)
    return _train(ImageTrainConfig(**values), resume=options.resume)


def _run_values(options: Namespace, command: str) -> dict[str, Any]:
    """The values of a run's config."""
    values = options.as_dict()
    positional = values.pop("source")
    del values["config"], values["resume"]
    values["data"] = positional or values["data"]
    for name in ("data", "out"):
        if values[name] is None:
            raise ParameterError(
                f"{name} is missing; use `audiocnn {command} DATA --out FOLDER`, or a --config file"
            )
        values[name] = Path(values[name])
    return values


def _train(config: "TrainConfig | ImageTrainConfig", *, resume: bool) -> int:
    from audiocnn.describe import describe
    from audiocnn.image_config import ImageTrainConfig
    from audiocnn.run_folder import BEST, SPLIT
    from audiocnn.train import fit

    classifier = fit(config, resume=resume, progress=sys.stderr.isatty())
    print(describe(classifier))
    split = config.out / SPLIT
    judged_by = split if split.exists() else config.data  # a published set says itself what is in its test
    if judged_by == config.data and isinstance(config, ImageTrainConfig) and config.labels:
        print(f"\n{config.out / BEST} is the classifier, of some of the classes of {config.data}")
        return 0
    print(f"\n{config.out / BEST} is the classifier; next:")
    print("  " + shlex.join(["audiocnn", "evaluate", str(config.out / BEST), str(judged_by)]))
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
