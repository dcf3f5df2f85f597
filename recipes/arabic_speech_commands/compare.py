"""Train every small net for the same time on Arabic Speech Commands, and write the table that compares.

Run it in two terminals to use two cores: each takes the next net that is free. One that was stopped is gone
on with, one that has a line in results.csv is not run again.
"""

import argparse
import logging
import sys
from dataclasses import replace
from pathlib import Path

from audiocnn.comparison import run_trials
from audiocnn.config import TrainConfig
from audiocnn.models import MODELS

HERE = Path(__file__).parent
MOST_MACS = 10_000_000
NUM_CLASSES = 40
# judged as published, "same", beside the nets that scan
BOTH_WAYS = ("tc_resnet", "ds_cnn", "bc_resnet")
# nets that read samples, of which there is one row to mask
OTHERWISE = {"m5": {"front_end": "samples", "max_freq_width": 0}}


def list_nets(names: list[str], paddings: list[str] | None) -> list[tuple[str, str]]:
    """Which net is tried with which padding."""
    return [
        (name, padding)
        for name in names
        for padding in paddings or (["valid", "same"] if name.startswith(BOTH_WAYS) else ["valid"])
    ]


def main(arguments: list[str] | None = None) -> None:
    """Make the trials that have no result yet, or write the table of those that have."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with train.csv, val.csv, test.csv")
    parser.add_argument("--out", type=Path, help="folder for the runs, one for each trial")
    parser.add_argument("--minutes", type=float, default=4.0, help="of one processor to train each net")
    parser.add_argument("--models", nargs="+", choices=MODELS, help="instead of all nets up to 10M MACs")
    parser.add_argument("--padding", nargs="+", choices=["valid", "same"], help="instead of each net's own")
    parser.add_argument("--front_end", default=TrainConfig.front_end, help="see audiocnn describe")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one trial for each")
    parser.add_argument("--results", type=Path, default=HERE / "results.csv", help="the table to add to")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    nets = list_nets(options.models or list(MODELS), options.padding)
    configs = [
        replace(
            TrainConfig(
                data=options.data,
                out=options.out,
                model=name,
                padding=padding,
                front_end=options.front_end,
                seed=seed,
                device="cpu",
            ),
            **OTHERWISE.get(name, {}),
        )
        for seed in options.seeds
        for name, padding in nets
    ]
    failed = run_trials(
        configs,
        minutes=options.minutes,
        results=options.results,
        num_classes=NUM_CLASSES,
        most_macs=None if options.models else MOST_MACS,
    )
    sys.exit(f"failed: {', '.join(failed)}" if failed else None)


if __name__ == "__main__":
    main()
