"""Files a second of `score_files` beside the obvious loop: soundfile, then the net, one file at a time.

    python tests/benchmarks/predict_throughput.py FOLDER_OR_MANIFEST [--model FILE] [--rounds 5]

Both give the same scores, with the same weights and the same number of threads, and take turns;
the median of the rounds counts. Without --model the weights of a tc_resnet_8 are drawn.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import soundfile
import torch
from torch import Tensor

import audiocnn
from audiocnn import Classifier
from audiocnn.frontends import LogMelConfig
from audiocnn.models import NetConfig
from audiocnn.predict import collect_files, score_files


def obvious_loop(classifier: Classifier, paths: list[Path]) -> Tensor:
    """What one would write at first: read, pad, run, softmax."""
    window = classifier.geometry.span
    scores = []
    with torch.inference_mode():
        for path in paths:
            samples, _ = soundfile.read(path, dtype="float32")
            clip = torch.from_numpy(samples)
            left = (window - len(clip)) // 2
            clip = torch.nn.functional.pad(clip, (left, window - len(clip) - left))
            scores.append(classifier(clip[None]).softmax(dim=1)[0, :, 0])
    return torch.stack(scores)


def ours(classifier: Classifier, paths: list[Path]) -> Tensor:
    """`score_files`, as `audiocnn predict` calls it."""
    return torch.stack([file.scores for file in score_files(classifier, paths) if file.scores is not None])


def main() -> None:
    """Print files a second of both, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", help="a folder or manifest of 16 kHz recordings of at most one window")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--files", type=int, help="how many of them; by default all")
    options = parser.parse_args()
    classifier = audiocnn.load(options.model) if options.model else fresh()
    paths = collect_files([options.source])[: options.files]
    contenders: dict[str, Callable[[Classifier, list[Path]], Tensor]] = {
        "obvious loop": obvious_loop,
        "score_files": ours,
    }
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    scores: dict[str, Tensor] = {}
    for _ in range(options.rounds):
        for name, contender in contenders.items():
            start = time.perf_counter()
            scores[name] = contender(classifier, paths)
            seconds[name].append(time.perf_counter() - start)
    error = (scores["score_files"] - scores["obvious loop"]).abs().max().item()
    print(
        f"{len(paths)} files, {torch.get_num_threads()} threads, greatest difference of a score {error:.1e}"
    )
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    for name, median in medians.items():
        print(f"{name:<14}{len(paths) / median:8.0f} files/s")
    print(f"ratio {medians['obvious loop'] / medians['score_files']:.2f}, target 4")


def fresh() -> Classifier:
    """A tc_resnet_8 for 40 words."""
    labels = tuple(str(i) for i in range(40))
    net = NetConfig(name="tc_resnet_8", num_classes=40)
    config = audiocnn.ClassifierConfig(labels=labels, front_end=LogMelConfig(), net=net)
    return Classifier(config).eval()


if __name__ == "__main__":
    main()
