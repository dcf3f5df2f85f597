"""What scanning costs: against reading every window by itself, and live, chunk by chunk.

Both in one run and in turns; times are of the wall clock, so keep the machine quiet:

    OMP_NUM_THREADS=2 python tests/benchmarks/scan.py
"""

import argparse
import statistics
import time

import torch

from audiocnn.classifier import Classifier
from audiocnn.classifier_config import ClassifierConfig
from audiocnn.frontends import LogMelConfig
from audiocnn.models import NetConfig
from audiocnn.score_track import Scanner, scan

WINDOWS_AT_ONCE = 64


def make(name: str) -> Classifier:
    labels = tuple(f"word {i}" for i in range(12))
    net = NetConfig(name=name, num_classes=12, padding="valid")
    return Classifier(ClassifierConfig(labels=labels, front_end=LogMelConfig(), net=net)).eval()


def seconds(act, *arguments) -> float:
    start = time.perf_counter()
    act(*arguments)
    return time.perf_counter() - start


def read_windows(classifier: Classifier, samples: torch.Tensor, hop: int) -> None:
    """Every window by itself, in batches, from the samples on: what a model without the law needs."""
    with torch.inference_mode():
        for some in samples.unfold(0, classifier.geometry.span, hop).split(WINDOWS_AT_ONCE):
            classifier.probabilities(classifier(some))


def read_live(classifier: Classifier, samples: torch.Tensor, chunk: int) -> None:
    scanner = Scanner(classifier)
    for some in samples.split(chunk):
        scanner.push(some)


def compare_with_windows(name: str, hop_seconds: float, minutes: float, rounds: int) -> None:
    """Windows are timed on a part, whose time counts for the whole."""
    classifier, rate = make(name), 16000
    samples = 0.1 * torch.randn(round(60 * minutes * rate))
    part = samples[: round(20 * rate)]
    hop = round(hop_seconds * rate)
    share = classifier.geometry.output_length(len(samples)) / classifier.geometry.output_length(len(part))
    ratios, factors = [], []
    for _ in range(rounds):
        scanned = seconds(lambda: scan(classifier, samples, hop_seconds=hop_seconds))
        windows = share * seconds(read_windows, classifier, part, hop)
        ratios.append(windows / scanned)
        factors.append(scanned / (60 * minutes))
    work = classifier.geometry.span / hop
    spread = f"{min(ratios):.1f} to {max(ratios):.1f}; span / hop is {work:.0f}"
    print(
        f"{name:12} every {1000 * hop_seconds:2.0f} ms: {statistics.median(ratios):5.1f} times faster than "
        f"windows ({spread}), real-time factor {min(factors):.5f}",
        flush=True,
    )


def compare_live(name: str, rounds: int) -> None:
    """Chunks of several lengths beside the whole."""
    classifier, rate = make(name), 16000
    for chunk_seconds, length in ((10.0, 60.0), (5.0, 60.0), (1.0, 30.0), (0.1, 10.0), (0.01, 3.0)):
        samples = 0.1 * torch.randn(round(length * rate))
        live, whole = [], []
        for _ in range(rounds):
            live.append(seconds(read_live, classifier, samples, round(chunk_seconds * rate)) / length)
            whole.append(seconds(scan, classifier, samples) / length)
        part = statistics.median(b / a for a, b in zip(live, whole, strict=True))
        print(
            f"{name:14} in chunks of {1000 * chunk_seconds:5.0f} ms: real-time factor {min(live):.4f}, "
            f"{100 * part:.0f} % of the speed of a scan",
            flush=True,
        )


def compare_compiled(name: str, chunk_seconds: float, rounds: int) -> None:
    """A step that was compiled for chunks of one length beside the step as it is."""
    classifier, rate = make(name), 16000
    chunk = round(chunk_seconds * rate)
    eager, compiled = Scanner(classifier), Scanner(classifier, compiled_chunk=chunk)
    pieces = (0.1 * torch.randn(2 * classifier.geometry.span)).split(chunk)[:-1]

    def push(scanner: Scanner) -> None:
        for piece in pieces:
            scanner.push(piece)

    push(eager)
    compiling = seconds(push, compiled)
    ratios = [seconds(push, eager) / seconds(push, compiled) for _ in range(rounds)]
    print(
        f"{name:14} in chunks of {1000 * chunk_seconds:5.0f} ms, compiled in {compiling:.0f} s: "
        f"{statistics.median(ratios):.2f} times as fast ({min(ratios):.2f} to {max(ratios):.2f})",
        flush=True,
    )


def main() -> None:
    """Print all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="of audio")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.manual_seed(0)
    print(f"{torch.get_num_threads()} threads, {options.minutes:g} minutes of noise")
    for hop_seconds in (0.02, 0.01):
        for name in ("bc_resnet_1", "tc_resnet_8"):
            compare_with_windows(name, hop_seconds, options.minutes, options.rounds)
    for name in ("bc_resnet_1", "tc_resnet_8"):
        compare_live(name, options.rounds)
    for name, chunk_seconds in (("bc_resnet_1", 0.01), ("bc_resnet_1", 0.1), ("tc_resnet_8", 0.08)):
        compare_compiled(name, chunk_seconds, options.rounds)


if __name__ == "__main__":
    main()
