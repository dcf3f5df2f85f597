"""Which front-end and which net suit spoken digits? Each speaker in turn is heard by none in training."""

import argparse
import json
import logging
from pathlib import Path

from audiocnn import comparison
from audiocnn import frontends as F
from audiocnn.config import TrainConfig
from audiocnn.data.manifest import Clip
from audiocnn.frontends.kinds import config_as_dict
from audiocnn.models import MODELS
from audiocnn.recipe import format_comparison

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

# a cost of 10, and gamma one over the number of features
USUAL = comparison.SVMSetting(stretches=8, cost=10.0, width=1.0)


def main(arguments: list[str] | None = None) -> None:
    """Train for each front-end, net, speaker and seed; print a table of the means over speakers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of <digit>_<speaker>_<take>.flac")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="for the runs; finished ones are kept")
    parser.add_argument(
        "--models", nargs="*", default=["tc_resnet_8"], choices=MODELS, help="nets to compare"
    )
    parser.add_argument("--padding", default="same", choices=["same", "valid"], help="along time")
    parser.add_argument("--front_ends", nargs="+", default=list(FRONT_ENDS), choices=FRONT_ENDS)
    parser.add_argument("--floor", action="store_true", help="judge log-mel and a support vector machine too")
    parser.add_argument("--epochs", type=int, default=16, help="passes over the training part")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one run for each")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    clips = []
    for recording in sorted(options.data.glob("*_*_*.flac")):
        digit, speaker, _ = recording.stem.split("_")
        clips.append(Clip(path=recording.absolute(), label=digit, speaker=speaker))
    found = {}
    if options.floor:
        for way, some in (("set", [USUAL]), ("chosen", comparison.SVM_SETTINGS)):
            shares = comparison.svm_without_each_speaker(clips, FRONT_ENDS["logmel"], settings=some)
            found[f"logmel, support vector machine, {way}"] = [shares]
    for name in options.front_ends:
        for model in options.models:
            out = options.out / name
            out.mkdir(parents=True, exist_ok=True)
            front_end = out / "front_end.json"
            front_end.write_text(json.dumps(config_as_dict(FRONT_ENDS[name])), encoding="utf-8")
            config = TrainConfig(
                data=options.data,
                out=out,
                model=model,
                padding=options.padding,
                front_end=str(front_end.absolute()),
                epochs=options.epochs,
                batch_size=50,
            )
            way = name if len(options.models) == 1 else f"{name}, {model}"
            found[way] = comparison.leave_one_speaker_out(config, clips, seeds=options.seeds)
    table = {way: [comparison.summarize_speakers(seed) for seed in seeds] for way, seeds in found.items()}
    print(format_comparison(table, columns=["validation", "test", "worst speaker"]), flush=True)


if __name__ == "__main__":
    main()
