"""Train and judge a spotter of 40 Arabic words on the data set's own split by speakers."""

import argparse
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from audiocnn.config import TrainConfig
from audiocnn.data.manifest import read_manifest, write_manifest
from audiocnn.errors import ParameterError, listed
from audiocnn.recipe import format_results, train_seeds


def learn_from_more(data: Path, out: Path, validation_speakers: Sequence[str]) -> Path:
    """A table whose validation part is of these speakers alone; what the others say is to learn from."""
    clips = read_manifest(data)
    known = sorted({str(clip.speaker) for clip in clips if clip.split == "validation"})
    if unknown := [speaker for speaker in validation_speakers if speaker not in known]:
        raise ParameterError(
            f"validation_speakers names {listed(unknown)}; those of the validation part are {listed(known)}"
        )
    for i, clip in enumerate(clips):
        if clip.split == "validation" and clip.speaker not in validation_speakers:
            clips[i] = replace(clip, split="train")
    out.mkdir(parents=True, exist_ok=True)
    write_manifest(out / "more.csv", clips)
    return out / "more.csv"


def main(arguments: list[str] | None = None) -> None:
    """Train once per seed; judge on the validation and, last, on the test part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with train.csv, val.csv, test.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs, one for each seed")
    parser.add_argument("--model", default="tc_resnet_14_1_5", help="a name in audiocnn.models.MODELS")
    parser.add_argument("--epochs", type=int, default=100, help="passes over the training part")
    parser.add_argument("--equalizer_db", type=float, default=0.0, help="see audiocnn.config.TrainConfig")
    parser.add_argument("--low_pass_probability", type=float, default=0.0, help="likewise")
    parser.add_argument("--start_from", type=Path, help="a classifier with this net to go on from")
    parser.add_argument(
        "--validation_speakers", nargs="+", help="learn from the others of the validation part too"
    )
    parser.add_argument("--teachers", type=Path, nargs="+", help="classifiers to learn the scores of")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one run for each")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    config = TrainConfig(
        data=options.data,
        out=options.out,
        model=options.model,
        epochs=options.epochs,
        equalizer_db=options.equalizer_db,
        low_pass_probability=options.low_pass_probability,
        start_from=options.start_from,
    )
    if options.validation_speakers:
        config = replace(config, data=learn_from_more(options.data, options.out, options.validation_speakers))
    if options.teachers:
        config = replace(config, teachers=options.teachers, label_smoothing=0.0)
    results = train_seeds(config, seeds=options.seeds)
    print(f"{results[-1].test}\n\n{options.model}\n\n{format_results(results)}")


if __name__ == "__main__":
    main()
