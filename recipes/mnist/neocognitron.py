"""Teach a neocognitron MNIST's digits without labels; then a linear read-out alone learns with them."""

import argparse
import logging
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import torch

from audiocnn import explain
from audiocnn import layers as L
from audiocnn.classifier_config import ImageClassifierConfig
from audiocnn.image_classifier import ImageClassifier
from audiocnn.image_config import ImageTrainConfig
from audiocnn.image_task import read_pictures
from audiocnn.models import NetConfig
from audiocnn.models.neocognitron import COMPETITIONS
from audiocnn.picture import PictureConfig
from audiocnn.recipe import format_comparison, judge
from audiocnn.train import fit


def main(arguments: list[str] | None = None) -> None:
    """Once per seed, teach each net in its way, train and judge its read-out, and draw its planes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with MNIST's four files")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs and the pictures")
    parser.add_argument("--shown", type=int, default=5000, help="digits that are learnt from without labels")
    parser.add_argument("--epochs", type=int, default=5, help="of the read-out")
    parser.add_argument("--learning_rate", type=float, default=0.002, help="for features of size 1")
    parser.add_argument("--ways", nargs="+", default=["untrained", "imprinted", "learnt"], help="which nets")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one run of each for each")
    options, scores = parser.parse_args(arguments), defaultdict(list)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    picture = PictureConfig(rows=28, columns=28, channels=1, how="centre", background=0.0)
    for seed in options.seeds:
        config = ImageTrainConfig(
            data=options.data,
            out=options.out,
            model="neocognitron",
            epochs=options.epochs,
            weight_decay=0.0,
            picture=picture,
            mixup_alpha=0.0,
            label_smoothing=0.0,
            seed=seed,
        )
        train = read_pictures(config, None).train
        digits = train.batch(torch.arange(min(options.shown, len(train))))
        net = NetConfig(name="neocognitron", num_classes=len(train.labels), in_channels=1)
        for way in options.ways:
            torch.manual_seed(seed)
            classifier = ImageClassifier(ImageClassifierConfig(labels=train.labels, picture=picture, net=net))
            body = classifier.net.body
            if way == "imprinted":
                L.imprint(body, digits)
            elif way == "learnt":
                L.learn_layer_by_layer(body, digits, COMPETITIONS)
            out = options.out / f"{way}_seed{seed}"
            out.mkdir(parents=True, exist_ok=True)
            classifier.save(out / "taught.safetensors")
            # the smaller what a net gives, the larger the weights that have to be learnt
            with torch.inference_mode():
                size = body(digits[:1000]).square().mean().sqrt().item()
            run = replace(config, out=out, learning_rate=options.learning_rate / size)
            run = replace(run, start_from=out / "taught.safetensors", freeze="body")
            scores[way].append([part.accuracy for part in judge(fit(run, resume=True), run)])
            some, weights = digits[:2000], body.s1.a[:, 0]
            title = f"S1, {way}; its weights in blue"
            explain.draw_planes(body[:2], some, out / "s1.png", title=title, patterns=weights)
            explain.draw_planes(body[:4], some, out / "s2.png", title=f"S2, {way}")
    print(format_comparison(scores, columns=("validation", "test")))


if __name__ == "__main__":
    main()
