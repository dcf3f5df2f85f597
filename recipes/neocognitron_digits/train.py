"""Teach a neocognitron scikit-learn's digits without labels, and ask what its last layer tells."""

import argparse
from collections import defaultdict
from pathlib import Path

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from audiocnn import explain
from audiocnn import layers as L
from audiocnn.recipe import format_comparison


def neocognitron(options):
    """Images of 12 by 12 -> 128 planes of 2 by 2 C-cells."""
    (r1, r2), inhibition = options.selectivity, options.inhibition
    s1, s2 = L.SLayer(1, 24, 3, selectivity=r1), L.SLayer(24, 128, 4, selectivity=r2)
    c1, c2 = L.CLayer(3, inhibition=inhibition), L.CLayer(3, stride=2, inhibition=inhibition)
    return L.Sequential(s1, c1, s2, c2)


def split_digits(seed):
    """Images with a border of 2, and labels, of 900 digits to train on, 447 to choose by and 450 to test."""
    images, labels = load_digits(return_X_y=True)
    rest, test = train_test_split(range(1797), test_size=450, stratify=labels, random_state=1797)
    train, validation = train_test_split(rest, test_size=447, stratify=labels[rest], random_state=seed)
    x, y = F.pad(torch.tensor(images).float().view(-1, 1, 8, 8) / 16, (2, 2, 2, 2)), torch.tensor(labels)
    return [x[part] for part in (train, validation, test)], [y[part] for part in (train, validation, test)]


def backpropagate(net, x, y, epochs, rate):
    """Accuracies on validation and test of a net with a decision layer, both trained with labels."""
    net = L.Sequential(*net, L.Conv2d(128, 10, 2))
    batches = [batch for _ in range(epochs) for batch in torch.randperm(len(x[0])).split(50)]
    optimizer = torch.optim.Adam(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=len(batches))
    for batch in batches:
        optimizer.zero_grad()
        F.cross_entropy(net(x[0][batch]).flatten(1), y[0][batch]).backward()
        optimizer.step()
        schedule.step()
        L.constrain(net)
    return [(net(x[i]).flatten(1).argmax(dim=1) == y[i]).float().mean().item() for i in (1, 2)]


def main(arguments: list[str] | None = None) -> None:
    """Judge every net on every seed, draw the planes of the last, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one run for each")
    parser.add_argument("--epochs", type=int, default=60, help="of backpropagation")
    parser.add_argument("--inhibition", action="store_true", help="among the planes of C-cells")
    parser.add_argument("--selectivity", type=float, nargs=2, default=(4.0, 1.0), help="after learning")
    options, scores = parser.parse_args(arguments), defaultdict(list)
    options.out.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds:
        torch.manual_seed(seed)
        x, y = split_digits(seed)
        scores["raw pixels"].append(explain.linear_probe(x, y))
        nets = {how: neocognitron(options) for how in ("untrained", "imprinted", "learnt")}
        L.imprint(nets["imprinted"], x[0])
        L.learn_layer_by_layer(nets["learnt"], x[0], [L.Competition(selectivity=r) for r in (6.0, 3.0)])
        for how, net in nets.items():
            favourites = explain.strongest_views(net[:3], x[0], count=1).images.unique()
            scores[how].append((*explain.linear_probe([net(part) for part in x], y), len(favourites) / 128))
            title, weights = f"S1, {how}; its weights in blue", net[0].a[:, 0]
            explain.draw_planes(net[:1], x[0], options.out / f"{how}_s1.png", title=title, patterns=weights)
            explain.draw_planes(net[:3], x[0], options.out / f"{how}_s2.png", title=f"S2, {how}")
        first = (L.Conv2d(1, 24, 3), L.ReLU(), L.MaxPool2d(3, stride=1))
        nets["ReLU and max"] = L.Sequential(*first, L.Conv2d(24, 128, 4), L.ReLU(), L.MaxPool2d(3, stride=2))
        for how, rate in (("untrained", 0.03), ("learnt", 0.1), ("ReLU and max", 0.01)):
            scores[f"{how}, then labels"].append(backpropagate(nets[how], x, y, options.epochs, rate))
    print(format_comparison(scores, columns=("validation", "test", "favourites")))


if __name__ == "__main__":
    main()
