"""Train and judge a spotter of 40 Arabic words on the data set's own split by speakers."""

import argparse
import json
import logging
import time
from pathlib import Path

import audiocnn
from audiocnn.config import TrainConfig
from audiocnn.data.manifest import read_manifest
from audiocnn.describe import describe
from audiocnn.evaluate import choose_split, evaluate
from audiocnn.train import fit


def main(arguments: list[str] | None = None) -> None:
    """Train once per seed; evaluate on the validation and, last, on the test part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with train.csv, val.csv, test.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs, one for each seed")
    parser.add_argument("--model", default="tc_resnet_14_1_5", help="a name in audiocnn.models.MODELS")
    parser.add_argument("--epochs", type=int, default=40, help="passes over the training part")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one run for each")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    for seed in options.seeds:
        run = TrainConfig(
            data=options.data,
            out=options.out / f"{options.model}_seed{seed}",
            model=options.model,
            epochs=options.epochs,
            seed=seed,
        )
        start = time.perf_counter()
        classifier = fit(run)
        minutes = (time.perf_counter() - start) / 60
        print(describe(classifier))
        print(f"seed {seed}: trained in {minutes:.1f} minutes")
        judge(classifier, run)


def judge(classifier: audiocnn.Classifier, run: TrainConfig) -> None:
    """Print the figures of both parts; keep those of the test part, and its confusion, with the run."""
    clips = read_manifest(run.data)
    validation = evaluate(classifier, choose_split(clips, "validation"))
    test = evaluate(classifier, choose_split(clips, "test"))
    print(test)
    for name, evaluation in (("validation", validation), ("test", test)):
        print(f"seed {run.seed}: {name} accuracy {100 * evaluation.accuracy:.2f} %")
    text = json.dumps(test.as_dict(), indent=1, ensure_ascii=False)
    (run.out / "test.json").write_text(text + "\n", encoding="utf-8")
    test.draw_confusion(run.out / "test_confusion.png")


if __name__ == "__main__":
    main()
