"""Which front-end suits a small net best? Spoken digits, each speaker in turn heard by none in training."""

import argparse
import csv
import json
import logging
from collections import defaultdict
from pathlib import Path

from audiocnn import frontends as F
from audiocnn.config import TrainConfig
from audiocnn.frontends.kinds import config_as_dict
from audiocnn.recipe import format_comparison, train_seeds

# 40 rows, 100 frames a second, of what the recordings hold: 0 to 4000 Hz
SAMPLED = {"sample_rate": 8000, "hop_length": 80}
FRAMED = SAMPLED | {"n_fft": 256, "win_length": 240, "f_max": 4000.0}
FILTERED = SAMPLED | {"kernel_size": 201, "pool_size": 201, "f_max": 3900.0}
FRONT_ENDS = {
    "logmel": F.LogMelConfig(**FRAMED),
    "mfcc": F.MFCCConfig(**FRAMED, n_mfcc=40),
    "pcen": F.PCENConfig(**FRAMED),
    "learnable_pcen": F.PCENConfig(**FRAMED, learnable=True),
    "learnable_mel": F.LearnableMelConfig(**FRAMED),
    "leaf": F.LEAFConfig(**FILTERED),
    "sincnet": F.SincNetConfig(**FILTERED),
}


def write_split(recordings: list[Path], table: Path, *, tested: str, chosen_by: str) -> None:
    """A table of all recordings: one speaker to test, another to choose the epoch by, the rest to train."""
    parts = {tested: "test", chosen_by: "validation"}
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file_name", "label", "speaker", "split"])
        for recording in recordings:
            digit, speaker, _ = recording.stem.split("_")
            writer.writerow([recording.absolute(), digit, speaker, parts.get(speaker, "train")])


def main(arguments: list[str] | None = None) -> None:
    """Train a net for each front-end, speaker and seed; print a table of the means over speakers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of <digit>_<speaker>_<take>.flac")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs; finished ones are kept")
    parser.add_argument("--model", default="tc_resnet_8", help="a name in audiocnn.models.MODELS")
    parser.add_argument("--front_ends", nargs="+", default=list(FRONT_ENDS), choices=FRONT_ENDS)
    parser.add_argument("--epochs", type=int, default=16, help="passes over the training part")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one run for each")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    recordings = sorted(options.data.glob("*_*_*.flac"))
    speakers = sorted({recording.stem.split("_")[1] for recording in recordings})
    table = {}
    for name in options.front_ends:
        accuracies = defaultdict(list)
        for i, speaker in enumerate(speakers):
            folder = options.out / name / speaker
            folder.mkdir(parents=True, exist_ok=True)
            write_split(recordings, folder / "split.csv", tested=speaker, chosen_by=speakers[i - 1])
            front_end = folder / "front_end.json"
            front_end.write_text(json.dumps(config_as_dict(FRONT_ENDS[name])), encoding="utf-8")
            config = TrainConfig(
                data=folder / "split.csv",
                out=folder,
                model=options.model,
                padding="same",
                front_end=str(front_end.absolute()),
                epochs=options.epochs,
                batch_size=50,
            )
            for result in train_seeds(config, seeds=options.seeds):
                accuracies[result.seed].append((result.validation.accuracy, result.test.accuracy))
        columns = [tuple(zip(*of_speakers, strict=True)) for of_speakers in accuracies.values()]
        table[name] = [(sum(v) / len(v), sum(t) / len(t), min(t)) for v, t in columns]
        print(format_comparison(table, columns=["validation", "test", "worst speaker"]), flush=True)


if __name__ == "__main__":
    main()
