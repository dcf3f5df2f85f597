"""Train and judge a net on MNIST's handwritten digits."""

import argparse
import logging
from pathlib import Path

from audiocnn.augment.image import HANDWRITING, ImageAugmentation
from audiocnn.image_config import ImageTrainConfig
from audiocnn.models import IMAGE_MODELS
from audiocnn.picture import PictureConfig
from audiocnn.recipe import format_results, train_seeds


def main(arguments: list[str] | None = None) -> None:
    """Train once per seed; judge on the validation and, last, on the test part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with MNIST's four files")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs, one for each seed")
    parser.add_argument("--model", default="lenet5", choices=IMAGE_MODELS, help="net")
    parser.add_argument("--epochs", type=int, default=20, help="passes over the training part")
    parser.add_argument("--learning_rate", type=float, default=0.003, help="at its peak")
    parser.add_argument("--side", type=int, default=32, help="pixels; what 28 do not fill is black")
    parser.add_argument("--as_they_are", action="store_true", help="without augmentation")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one run for each")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    picture = PictureConfig(rows=options.side, columns=options.side, channels=1, how="centre", background=0.0)
    config = ImageTrainConfig(
        data=options.data,
        out=options.out,
        model=options.model,
        epochs=options.epochs,
        learning_rate=options.learning_rate,
        picture=picture,
        augmentation=ImageAugmentation() if options.as_they_are else HANDWRITING,
        mixup_alpha=0.0,
        label_smoothing=0.0,
    )
    results = train_seeds(config, seeds=options.seeds)
    print(f"{results[-1].test}\n\n{options.model}\n\n{format_results(results)}")


if __name__ == "__main__":
    main()
