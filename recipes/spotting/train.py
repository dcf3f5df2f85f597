"""Spot three Arabic words in an hour of other words and noise: tuned on one hour, judged on another."""

import argparse
import logging
from dataclasses import replace
from pathlib import Path

from audiocnn.config import TrainConfig
from audiocnn.data.long_recordings import LongRecordingConfig, write
from audiocnn.data.manifest import Clip, read_manifest, write_manifest
from audiocnn.data.noise import cut_noise, list_noise
from audiocnn.det_curve import draw_curves
from audiocnn.events import EventConfig
from audiocnn.train import fit
from audiocnn.tuning import Recording, judge, recordings_of, tune

NOISE = {"train": (0.0, 0.5), "validation": (0.5, 0.75), "test": (0.75, 1.0)}  # of each recording
EVENTS = EventConfig(smoothing_seconds=0.3, merge_seconds=0.3, refractory_seconds=0.5)


def training(words: list[Clip], noises: list[Clip], options: argparse.Namespace) -> TrainConfig:
    """All words are told apart, and from the background, which pieces of noise stand for."""
    data, noise = options.out / "words.csv", options.out / "noise.csv"
    pieces = cut_noise(noises, part=NOISE["train"], seconds=1.5)
    background = [replace(piece, label="background", split="train") for piece in pieces]
    write_manifest(data, [clip for clip in words if clip.split != "test"] + background)
    write_manifest(noise, cut_noise(noises, part=NOISE["train"]))
    config = TrainConfig(data=data, out=options.out, model="tc_resnet_8_1_5", epochs=options.epochs)
    config = replace(config, noise=noise, noise_probability=0.9, min_snr_db=-5.0, max_snr_db=25.0)
    return replace(config, max_shift_seconds=0.2)


def hour(
    words: list[Clip], noises: list[Clip], options: argparse.Namespace, split: str, snr_db: float
) -> list[Recording]:
    """The words of a split in its part of the noise, equally loud in any, and what is said when."""
    path = options.out / f"{split}_{snr_db:g}_db.flac"
    config = LongRecordingConfig(seconds=60 * options.minutes, targets=tuple(options.targets))
    config = replace(config, min_snr_db=snr_db, max_snr_db=snr_db, background_db=-25 - snr_db)
    write(path, [c for c in words if c.split == split], cut_noise(noises, part=NOISE[split]), config)
    return recordings_of(read_manifest(path.with_suffix(".csv")))


def main(arguments: list[str] | None = None) -> None:
    """Train once per seed; in each noise tune on the validation speakers, and judge on the test's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with train.csv, val.csv, test.csv")
    parser.add_argument("--noise", type=Path, required=True, help="folder of background recordings")
    parser.add_argument("--out", type=Path, required=True, help="folder for the hours and the runs")
    parser.add_argument("--targets", nargs="+", default=["backward", "cancel", "close"], help="to be found")
    parser.add_argument("--minutes", type=float, default=60.0, help="length of each long recording")
    parser.add_argument("--max_fa_per_hour", type=float, default=1.0, help="of all targets together")
    parser.add_argument("--epochs", type=int, default=75, help="passes over the training part")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one run for each")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options.out.mkdir(parents=True, exist_ok=True)
    words, noises = read_manifest(options.data), list_noise(options.noise)
    config, snrs_db, parts = training(words, noises, options), (20.0, 5.0), ("validation", "test")
    heard = {snr: [hour(words, noises, options, part, snr) for part in parts] for snr in snrs_db}
    asked = {"labels": options.targets, "max_fa_per_hour": options.max_fa_per_hour, "events": EVENTS}
    for seed in options.seeds:
        classifier = fit(replace(config, out=options.out / f"seed{seed}", seed=seed), resume=True)
        curves, judged = {}, {}
        for snr_db, (validation, test) in heard.items():
            tuning, name = tune(classifier, validation, **asked), f"{snr_db:g} dB"
            found = judge(classifier, test, events=tuning.config, labels=options.targets)
            judged[name], curves[name] = found.total, tune(classifier, test, **asked).together
            print(f"seed {seed}, {name}, validation: {tuning}\n\nseed {seed}, {name}, test\n\n{found}\n")
        draw_curves(options.out / f"seed{seed}" / "det.png", curves, judged)


if __name__ == "__main__":
    main()
