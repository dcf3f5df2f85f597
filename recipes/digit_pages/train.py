"""Find, locate or segment MNIST's digits on pages of them."""

import argparse
import logging
from pathlib import Path

import torch

from audiocnn import model_file, vision
from audiocnn.data.page_batches import PageBatches, PatchBatches
from audiocnn.data.pages import PageConfig, draw_pages
from audiocnn.data.picture_sets import read_published_set
from audiocnn.models.fcn import FCN
from audiocnn.models.lenet import lenet5
from audiocnn.models.localizer import Localizer
from audiocnn.picture import PictureConfig
from audiocnn.recipe import format_comparison

DIGIT = PictureConfig(rows=28, columns=28, channels=1)
LARGE, FEW = PageConfig(rows=512, columns=512, objects=40), PageConfig(rows=128, columns=128, objects=4)
ONE = PageConfig(rows=48, columns=48, objects=1, max_scale=1.25)


def detect(train, validation, test, epochs, seed):
    """A LeNet-5 with a class for nothing and a box, scanned; the threshold is that best on validation."""
    net = Localizer(lenet5(num_classes=len(train.labels)))
    batches = PatchBatches(train, size=(32, 32), batch_size=192, seed=seed, nothing_share=2 / 3)
    vision.learn(net, batches, vision.localization_loss, epochs=epochs)
    return net, vision.judge_detector(net, test, threshold=vision.best_threshold(net, validation)).shares


def localise(train, validation, test, epochs, seed):
    """A LeNet-5 with a box, on pictures of one digit."""
    net = Localizer(lenet5(num_classes=train.nothing, input_size=(48, 48)))
    vision.learn(net, PatchBatches(train, batch_size=64, seed=seed), vision.localization_loss, epochs=epochs)
    return net, vision.judge_localizer(net, PatchBatches(test, batch_size=500))


def segment(train, validation, test, epochs, seed):
    """An FCN of LeNet-5, trained on small pages and judged on large ones."""
    net = FCN(lenet5(num_classes=train.nothing), num_classes=len(train.labels))
    vision.learn(net, PageBatches(train, batch_size=8, seed=seed), vision.pixel_loss, epochs=epochs)
    return net, vision.judge_segmenter(net, PageBatches(test, batch_size=1))[:2]


TASKS = {
    "detect": (detect, LARGE, LARGE, LARGE, (1350, 10, 25), ("found", "false")),
    "localise": (localise, ONE, ONE, ONE, (54_000, 1, 10_000), ("mean IoU", "right class")),
    "segment": (segment, FEW, LARGE, LARGE, (4000, 1, 25), ("mean IoU", "right pixels")),
}


def main(arguments: list[str] | None = None) -> None:
    """Draw pages, train and judge once per seed, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with MNIST's four files")
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights of each seed")
    parser.add_argument("--task", default="detect", choices=TASKS, help="what is learnt")
    parser.add_argument("--epochs", type=int, default=10, help="passes over the training pages")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one run for each")
    options, figures = parser.parse_args(arguments), []
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options.out.mkdir(parents=True, exist_ok=True)
    run, *configs, counts, columns = TASKS[options.task]
    for seed in options.seeds:
        torch.manual_seed(seed)
        digits = read_published_set(options.data, picture=DIGIT, seed=seed)
        pages = [
            draw_pages(part, config, count=min(most, -(-len(part) // config.objects)), seed=seed)
            for part, config, most in zip(digits, configs, counts, strict=True)
        ]
        net, figure = run(*pages, options.epochs, seed)
        figures.append(figure)
        path = options.out / f"{options.task}_seed{seed}.safetensors"
        model_file.write(path, config={"task": options.task}, tensors=net.state_dict())
    print(format_comparison({options.task: figures}, columns=columns))


if __name__ == "__main__":
    main()
