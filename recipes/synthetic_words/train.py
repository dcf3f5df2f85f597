"""Train and judge a spotter of ten commands in synthetic speech; `audiocnn.load("demo")` is seed 0."""

import argparse
import logging
from dataclasses import replace
from pathlib import Path

from audiocnn.data.synthetic_words import write_corpus
from audiocnn.demo import demo_config
from audiocnn.recipe import format_results, train_seeds


def main(arguments: list[str] | None = None) -> None:
    """Make the words, train once per seed, and judge on voices that no training has heard."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the words, and the runs")
    parser.add_argument("--model", default="bc_resnet_1", help="a name in audiocnn.models.MODELS")
    parser.add_argument("--epochs", type=int, default=60, help="passes over the training part")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one run for each")
    parser.add_argument("--num_voices", type=int, default=300, help="voices that speak")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    write_corpus(options.out / "words", num_voices=options.num_voices)
    config = replace(demo_config(options.out, model=options.model, epochs=options.epochs), out=options.out)
    results = train_seeds(config, seeds=options.seeds)
    print(f"{results[-1].test}\n\n{options.model}\n\n{format_results(results)}")


if __name__ == "__main__":
    main()
