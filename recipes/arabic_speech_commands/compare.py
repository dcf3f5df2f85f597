"""Train every small net on Arabic Speech Commands for the same time, or write the table of all trials."""

import argparse
import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from audiocnn.comparison import run_trials, write_comparison
from audiocnn.config import TrainConfig
from audiocnn.layers import Padding
from audiocnn.models import AUDIO_MODELS, MODELS

HERE = Path(__file__).parent
NUM_CLASSES, MOST_MACS = 40, 10_000_000
# nets that scan are judged beside the published ones that lean on padding; deep ones have no other way
BOTH_WAYS = ("tc_resnet", "ds_cnn", "bc_resnet")
IMAGE_NETS = ("alexnet", "alexnet_ungrouped", "googlenet", "googlenet_bn")
PADDED = ("vggish", "resnet18", "resnet34", "resnet50", *IMAGE_NETS)
# M5 reads samples, of which there is one row to mask; image nets take 47 or 67 rows at least, here are 80
OWN = {name: {"front_end": "whisper"} for name in IMAGE_NETS}
OWN["m5"] = {"front_end": "samples", "max_freq_width": 0}
# DS-CNN as published reads 10 cepstra every 20 ms
SMALL = {"front_end": "tensorflow_kws", "window": 49, "max_freq_width": 2, "max_time_width": 4}
PUBLISHED = {name: SMALL for name in AUDIO_MODELS if name.startswith("ds_cnn")}
PUBLISHED["ds_cnn_mlperf"] = SMALL | {"front_end": "mlperf_tiny"}


def list_paddings(name: str) -> list[Padding]:
    """With which padding a net is tried."""
    if name.startswith(BOTH_WAYS):
        return ["valid", "same"]
    return ["same"] if name in PADDED else ["valid"]


def settings_of(name: str, padding: Padding, front_end: str | None) -> dict[str, Any]:
    """What a net has other than `TrainConfig`'s, unless another front-end is asked for."""
    own: dict[str, Any] = (PUBLISHED if padding == "same" else {}).get(name) or OWN.get(name, {})
    return own if front_end in (None, own.get("front_end")) else {"front_end": front_end}


def main(arguments: list[str] | None = None) -> None:
    """Make the trials that have no result yet, or write the table of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"), help="with train.csv, val.csv, test.csv")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder for the runs")
    parser.add_argument("--minutes", type=float, default=4.0, help="of one processor to train each net")
    parser.add_argument("--models", nargs="+", choices=MODELS, help="instead of all nets up to 10M MACs")
    parser.add_argument("--padding", nargs="+", choices=["valid", "same"], help="instead of each net's own")
    parser.add_argument("--front_end", help="instead of each net's own; see audiocnn describe")
    parser.add_argument("--offset", type=float, help="seconds; see TrainConfig's max_offset_seconds")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one trial for each")
    parser.add_argument("--results", type=Path, default=HERE / "results.csv", help="the lines of all trials")
    parser.add_argument("--table", action="store_true", help="train nothing, write table and frontier.png")
    parser.add_argument("--page", type=Path, default=HERE / "README.md", help="what the table goes into")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    shared = TrainConfig(data=options.data, out=options.out, device="cpu", max_offset_seconds=options.offset)
    configs = [
        replace(
            shared, model=name, padding=padding, seed=seed, **settings_of(name, padding, options.front_end)
        )
        for seed in options.seeds
        for name in options.models or dict.fromkeys((*AUDIO_MODELS, *PADDED))
        for padding in options.padding or list_paddings(name)
    ]
    if options.table:
        page, picture = options.page, options.page.with_name("frontier.png")
        write_comparison(options.results, configs, num_classes=NUM_CLASSES, page=page, picture=picture)
        return
    most = None if options.models else MOST_MACS
    failed = run_trials(
        configs, minutes=options.minutes, results=options.results, num_classes=NUM_CLASSES, most_macs=most
    )
    sys.exit(f"failed: {', '.join(failed)}" if failed else None)


if __name__ == "__main__":
    main()
