"""Train nets on MNIST's digits in the middle of a black canvas, and judge them wherever else one may be."""

import argparse
from collections import defaultdict
from pathlib import Path

import torch
import torch.nn.functional as F

from audiocnn import explain
from audiocnn import layers as L
from audiocnn.data.picture_batches import PictureBatches
from audiocnn.data.picture_sets import read_published_set
from audiocnn.models.lenet import lenet5
from audiocnn.picture import PictureConfig
from audiocnn.recipe import format_comparison

MARGIN = 10  # pixels by which a digit is moved; another 4 are around it then
CANVAS = PictureConfig(rows=56, columns=56, channels=1, how="centre", background=0.0)


def conv(in_channels, out_channels):
    """Nothing is lost at the edges: black is put around."""
    return L.Conv2d(in_channels, out_channels, 3, padding=("same", "same"))


def make_nets():
    """Three nets for 56 x 56 pixels, by name; a convolution over all of a map is a dense layer."""
    pooled = (conv(1, 8), L.ReLU(), L.MaxPool2d(2), conv(8, 16), L.ReLU(), L.MaxPool2d(2), conv(16, 64))
    return {
        "convolutions, pooled": L.Sequential(*pooled, L.ReLU(), L.MaxPool2d(14), L.Conv2d(64, 10, 1)),
        "LeNet-5, dense": lenet5(num_classes=10, input_size=(56, 56)),
        "MLP": L.Sequential(L.Conv2d(1, 78, 56), L.ReLU(), L.Conv2d(78, 10, 1)),
    }


def learn(net, batches, epochs):
    """A plain training loop."""
    optimizer = torch.optim.AdamW(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.003, total_steps=epochs * len(batches))
    for _ in range(epochs):
        for digits, targets in batches:
            optimizer.zero_grad()
            F.cross_entropy(net(digits).flatten(1), targets).backward()
            optimizer.step()
            schedule.step()


def main(arguments: list[str] | None = None) -> None:
    """Once per seed, train all nets on the same digits in the middle, and judge them at every place."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with MNIST's four files")
    parser.add_argument("--out", type=Path, required=True, help="folder for the picture")
    parser.add_argument("--digits", type=int, default=10_000, help="to learn from")
    parser.add_argument("--epochs", type=int, default=5, help="passes over these")
    parser.add_argument("--judged", type=int, default=200, help="digits that are judged at every place")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one run of each net for each")
    options, curves = parser.parse_args(arguments), defaultdict(list)
    options.out.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds:
        torch.manual_seed(seed)
        train, _, test = read_published_set(options.data, picture=CANVAS, seed=seed)
        train = train.subset(torch.randperm(len(train))[: options.digits])
        test = test.subset(torch.randperm(len(test))[: options.judged])
        digits, targets = test.batch(torch.arange(len(test))), test.targets
        for name, net in make_nets().items():
            batches = PictureBatches(train, batch_size=100, seed=seed)
            learn(net, batches, options.epochs)
            shares = explain.accuracy_by_offset(net, digits, targets, margin=MARGIN)
            curves[name].append(explain.accuracy_by_distance(shares))
    explain.draw_accuracy_by_distance(curves, options.out / "translation.png")
    rows = {name: [seed[::2].tolist() for seed in seeds] for name, seeds in curves.items()}
    print(format_comparison(rows, columns=[f"{step} pixels" for step in range(0, MARGIN + 1, 2)]))


if __name__ == "__main__":
    main()
