"""Train and judge a ResNet on CIFAR's small photographs, as it was published."""

import argparse
import logging
from pathlib import Path

from audiocnn.image_presets import IMAGE_PRESETS
from audiocnn.models import IMAGE_MODELS
from audiocnn.recipe import format_results, train_seeds


def main(arguments: list[str] | None = None) -> None:
    """Train once per seed; judge on the validation and, last, on the test part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="CIFAR-10's or -100's archive, or its folder"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs, one for each seed")
    parser.add_argument("--model", default="resnet20", choices=IMAGE_MODELS, help="net")
    parser.add_argument("--epochs", type=int, default=182, help="the rate falls after 1/2 and 3/4 of them")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one run for each")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    preset = "resnet110_cifar" if options.model == "resnet110" else "resnet_cifar"
    config = IMAGE_PRESETS[preset](
        data=options.data, out=options.out, model=options.model, epochs=options.epochs
    )
    results = train_seeds(config, seeds=options.seeds)
    print(f"{results[-1].test}\n\n{options.model}\n\n{format_results(results)}")


if __name__ == "__main__":
    main()
