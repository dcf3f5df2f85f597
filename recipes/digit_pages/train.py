"""Find, locate or segment MNIST's digits on pages of them."""

import argparse
import logging
from pathlib import Path

import torch

from audiocnn import vision
from audiocnn.data.page_batches import PageBatches, PatchBatches
from audiocnn.data.pages import PageConfig
from audiocnn.page_config import PageTrainConfig
from audiocnn.page_task import read_pages
from audiocnn.recipe import format_comparison
from audiocnn.train import fit
from audiocnn.vision.drawing import draw_class_map, draw_detections, sheet

LARGE, FEW = PageConfig(rows=512, columns=512, objects=40), PageConfig(rows=128, columns=128, objects=4)
ONE = PageConfig(rows=48, columns=48, objects=1, max_scale=1.25)
SETTINGS = {
    "detect": {"page": LARGE, "batch_size": 192, "most_judged": 25},
    "localise": {"page": ONE, "batch_size": 64},
    "segment": {"page": FEW, "judged_page": LARGE, "batch_size": 8, "most_pages": 2000, "most_judged": 25},
}


def detect(net, config, test, picture):
    """Found and false, at the threshold that is best on validation."""
    threshold = vision.best_threshold(net.localizer, read_pages(config, "validation"))
    found = vision.detect_on(net.localizer, test, 0, threshold=threshold)
    draw_detections(test.batch(torch.tensor([0]))[0], found, test.truths(0), picture, labels=test.labels)
    return vision.judge_detector(net.localizer, test, threshold=threshold).shares


def localise(net, config, test, picture):
    """Mean overlap, and the part of the digits given their class."""
    patches = next(iter(PatchBatches(test, batch_size=24)))
    page, found, truths = sheet(patches, vision.located(net.localizer, patches.pictures), columns=6)
    draw_detections(page, found, truths, picture, labels=test.labels)
    return vision.judge_localizer(net.localizer, PatchBatches(test, batch_size=256))


def segment(net, config, test, picture):
    """Mean overlap of the classes, and the part of the pixels given theirs."""
    page = test.batch(torch.tensor([0]))
    draw_class_map(page[0], vision.segmented(net.fcn, page)[0], picture, labels=test.labels)
    return vision.judge_segmenter(net.fcn, PageBatches(test, batch_size=1))[:2]


TASKS = {
    "detect": (detect, ("found", "false")),
    "localise": (localise, ("mean IoU", "right class")),
    "segment": (segment, ("mean IoU", "right pixels")),
}


def main(arguments: list[str] | None = None) -> None:
    """Train and judge once per seed, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with MNIST's four files")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs, one for each seed")
    parser.add_argument("--task", default="detect", choices=TASKS, help="what is learnt")
    parser.add_argument("--epochs", type=int, default=10, help="passes over the training pages")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one run for each")
    options, figures = parser.parse_args(arguments), []
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    judge, columns = TASKS[options.task]
    for seed in options.seeds:
        out = options.out / f"{options.task}_seed{seed}"
        settings = {"task": options.task, "epochs": options.epochs, "seed": seed, "weight_decay": 0.01}
        config = PageTrainConfig(data=options.data, out=out, **settings, **SETTINGS[options.task])
        net = fit(config, resume=True)
        figures.append(judge(net, config, read_pages(config, "test"), out / "test.png"))
    print(format_comparison({options.task: figures}, columns=columns))


if __name__ == "__main__":
    main()
