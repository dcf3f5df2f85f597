"""Plain nets and residual ones of two depths: how well does each learn its own training pictures?"""

import argparse
import csv
import logging
from dataclasses import replace
from pathlib import Path

from audiocnn.augment.image import ImageAugmentation
from audiocnn.data.mnist import is_mnist
from audiocnn.evaluate import evaluate_pictures
from audiocnn.figures import figure_for, save_figure
from audiocnn.image_classifier import load
from audiocnn.image_config import ImageTrainConfig
from audiocnn.image_presets import IMAGE_PRESETS
from audiocnn.image_task import read_pictures
from audiocnn.metrics import log_loss
from audiocnn.picture import PictureConfig
from audiocnn.run_folder import LAST, METRICS
from audiocnn.train import fit

NETS = ["plain20_narrow", "plain56_narrow", "resnet20_narrow", "resnet56_narrow"]


def judge(config: ImageTrainConfig) -> str:
    """Of the last weights of a run: training error and loss on pictures as they are, and other errors."""
    classifier = load(config.out / LAST)
    train, *others = (evaluate_pictures(classifier, part) for part in read_pictures(config, None) if part)
    cells = [f"{100 * part.top_1_error:.2f} %" for part in (train, *others)]
    cells.insert(1, f"{log_loss(train.scores, train.targets):.4f}")
    return f"| `{config.model}` | {config.seed} | {' | '.join(cells)} |"


def draw_courses(runs: list[ImageTrainConfig], path: Path) -> None:
    """Draw the loss of each epoch in training; the seeds of a net have one colour."""
    figure = figure_for(path, layout="constrained")
    axes = figure.add_subplot(xlabel="epoch", ylabel="training loss", yscale="log")
    axes.locator_params(axis="x", integer=True)
    for run in runs:
        with (run.out / METRICS).open(newline="") as file:
            losses = [float(epoch["loss"]) for epoch in csv.DictReader(file)]
        style = f"C{NETS.index(run.model)}{'--' if 'plain' in run.model else '-'}"
        label = run.model if run.seed == runs[0].seed else None
        axes.plot(range(1, len(losses) + 1), losses, style, label=label)
    axes.legend()
    save_figure(figure, path)


def main(arguments: list[str] | None = None) -> None:
    """Train each net once per seed, by the schedule of the paper, and judge its last weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="MNIST's four files, or CIFAR's archive")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs and the figure")
    parser.add_argument("--epochs", type=int, default=182, help="passes over the training part")
    parser.add_argument("--side", type=int, default=32, help="pixels that pictures are resized to")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one run of each net for each")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    side, digits = options.side, is_mnist(options.data)
    config = IMAGE_PRESETS["resnet_cifar"](
        data=options.data,
        out=options.out,
        epochs=options.epochs,
        picture=PictureConfig(rows=side, columns=side, channels=1 if digits else 3),
        augmentation=ImageAugmentation(  # as published, but that digits have one direction
            flip_columns=not digits, crop_rows=side, crop_columns=side, crop_padding=side // 8
        ),
    )
    named = [(options.out / f"{net}_seed{seed}", net, seed) for seed in options.seeds for net in NETS]
    runs = [replace(config, out=out, model=net, seed=seed) for out, net, seed in named]
    for run in runs:
        fit(run, resume=True)
    print("| net | seed | training error | training loss | validation error | test error |")
    print("|---|--:|--:|--:|--:|--:|", *map(judge, runs), sep="\n")
    draw_courses(runs, options.out / "courses.png")


if __name__ == "__main__":
    main()
