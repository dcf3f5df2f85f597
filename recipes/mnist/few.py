"""Learn five of MNIST's digits from few of them, from scratch and from what the other five have taught."""

import argparse
import logging
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from audiocnn import image_classifier
from audiocnn.augment.image import HANDWRITING, ImageAugmentation
from audiocnn.image_config import ImageTrainConfig
from audiocnn.picture import PictureConfig
from audiocnn.recipe import format_comparison, judge
from audiocnn.run_folder import BEST, LAST
from audiocnn.train import fit

LEARNING_RATES = {  # of digits that are augmented, and as they are
    "from scratch": (0.01, 0.003),
    "transferred, body frozen": (0.03, 0.03),
    "transferred, convolutions frozen": (0.03, 0.01),
    "transferred, thawed": (0.003, 0.003),
    "transferred, all learns": (0.003, 0.01),
}


def main(arguments: list[str] | None = None) -> None:
    """Once per seed, teach a net the other digits, then learn each way; judge the last epoch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with MNIST's four files")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--labels", nargs="+", default=list("56789"), help="what is learnt from few")
    parser.add_argument("--others", nargs="+", default=list("01234"), help="what is learnt before, from all")
    parser.add_argument("--per_class", type=int, default=12, help="digits of each class to learn from")
    parser.add_argument("--epochs", type=int, default=50, help="passes over these")
    parser.add_argument("--other_epochs", type=int, default=10, help="passes over the other digits")
    parser.add_argument("--as_they_are", action="store_true", help="the few without augmentation")
    parser.add_argument("--learning_rate", type=float, help="of all ways, in place of what suits each")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one run of each way for each")
    options, scores = parser.parse_args(arguments), defaultdict(list)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    folder = options.out / ("as they are" if options.as_they_are else "augmented")
    changes = ImageAugmentation() if options.as_they_are else HANDWRITING
    for seed in options.seeds:
        before = ImageTrainConfig(
            data=options.data,
            out=options.out / f"others_seed{seed}",
            labels=tuple(options.others),
            model="lenet5",
            epochs=options.other_epochs,
            learning_rate=0.003,
            picture=PictureConfig(rows=32, columns=32, channels=1, how="centre", background=0.0),
            augmentation=HANDWRITING,
            mixup_alpha=0.0,
            label_smoothing=0.0,
            seed=seed,
        )
        fit(before, resume=True)
        few = {"labels": tuple(options.labels), "per_class": options.per_class, "epochs": options.epochs}
        scratch = replace(before, **few, batch_size=10, augmentation=changes)
        taught, fifth = replace(scratch, start_from=before.out / BEST), max(1, options.epochs // 5)
        ways = {
            "from scratch": scratch,
            "transferred, body frozen": replace(taught, freeze="body"),
            "transferred, convolutions frozen": replace(taught, freeze=2),
            "transferred, thawed": replace(taught, freeze="body", thaw_epochs=fifth),
            "transferred, all learns": taught,
        }
        for way, config in ways.items():
            rate = options.learning_rate or LEARNING_RATES[way][options.as_they_are]
            run = replace(config, out=folder / f"{way}, {rate}, seed {seed}", learning_rate=rate)
            fit(run, resume=True)
            scores[way].append([part.accuracy for part in judge(image_classifier.load(run.out / LAST), run)])
    print(format_comparison(scores, columns=("validation", "test")))


if __name__ == "__main__":
    main()
