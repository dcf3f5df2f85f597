"""Convolution directly and by FFT, over kernel lengths; and our FFT beside julius's.

    python tests/benchmarks/fft_conv.py [--shapes long channels ...] [--rounds 20]

One thread. In each round every contender has its turn, and what counts is its best round. Behind a ratio
stands its spread: the middle half of the rounds. Processor time is taken, so that what else the machine
does counts as little as may be; a way that takes ten times as long as another has three turns only.

`direct/FFT` above 1: FFT is quicker. `auto` is what the cost model took, and `auto/best` what that took in
time, over the quicker of the two; "wrong" where it lost by more than 5 % and the spread of `direct/FFT`
lies on the other side. Training is a forward and a backward pass, to the input and the weights.

`ours/julius` below 1: ours is quicker. Both have the same input, stride 1, no padding, and always take FFT.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from julius.fftconv import fft_conv1d as julius_conv1d
from torch import Tensor

from audiocnn.layers import FFTConv1d, FFTConv2d, fft_conv1d


class Shape(NamedTuple):
    """An input, and the channels of a layer on it."""

    batch: int
    in_channels: int
    out_channels: int
    groups: int
    lengths: tuple[int, ...]
    stride: int = 1


LENGTHS = sorted({3, *(2**a for a in range(2, 13)), *(3 * 2**a for a in range(1, 11))})
SIDES = [3, 5, 7, 9, 11, 15, 21, 31, 47, 63]
SHAPES = {
    "short": Shape(1, 1, 1, 1, (600,)),  # some ms of one channel
    "second": Shape(1, 1, 1, 1, (16_000,)),
    "long": Shape(1, 1, 1, 1, (160_000,)),
    "filters": Shape(1, 1, 64, 1, (16_000,)),  # a learned filter bank
    "strided": Shape(1, 1, 64, 1, (16_000,), 10),
    "channels": Shape(1, 16, 16, 1, (16_000,)),
    "batch": Shape(8, 16, 16, 1, (1000,)),
    "depthwise": Shape(1, 16, 16, 16, (16_000,)),
    "image": Shape(1, 1, 1, 1, (256, 256)),
    "maps": Shape(1, 16, 16, 1, (96, 96)),
    "spectrogram": Shape(1, 1, 16, 1, (80, 1000)),
    "depthwise maps": Shape(1, 32, 32, 32, (80, 80)),
}
JULIUS = {
    "long": SHAPES["long"],
    "filters": SHAPES["filters"],
    "channels": SHAPES["channels"],
    "batch of seconds": Shape(8, 1, 1, 1, (16_000,)),
    "short": Shape(1, 1, 1, 1, (5000,)),
}


def turns(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of one call, for each contender and round."""
    repeats, few = {}, {}
    for name, call in contenders.items():
        repeats[name] = max(1, int(0.003 / max(seconds(call, 1), 1e-6)))
        few[name] = seconds(call, repeats[name])
    slow = {name for name in contenders if few[name] > 10 * min(few.values())}
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    order = list(contenders)
    for i in range(rounds):
        order.append(order.pop(0))  # each follows each other one
        for name in order:
            if i < 3 or name not in slow:
                taken[name].append(seconds(contenders[name], repeats[name]))
    return taken


def seconds(call: Callable[[], object], repeats: int) -> float:
    """Processor time of one call, after one that finds memory as the contender before left it."""
    call()
    start = time.process_time()
    for _ in range(repeats):
        call()
    return (time.process_time() - start) / repeats


def ratio(taken: dict[str, list[float]], over: str, under: str) -> tuple[float, float, float]:
    """The best turns' ratio, and the quartiles of the rounds'."""
    rounds = [a / b for a, b in zip(taken[over], taken[under], strict=False)]
    low, _, high = statistics.quantiles(rounds, n=4)
    return min(taken[over]) / min(taken[under]), low, high


def text(values: tuple[float, float, float]) -> str:
    """A ratio and its spread."""
    return "{:6.2f} ({:.2f}-{:.2f})".format(*values).ljust(21)


def forward(layer: Callable[[Tensor], Tensor], x: Tensor) -> Callable[[], object]:
    """A forward pass without gradients."""

    def call() -> Tensor:
        with torch.no_grad():
            return layer(x)

    return call


def training(layer: Callable[[Tensor], Tensor], x: Tensor, weights: list[Tensor]) -> Callable[[], object]:
    """A forward and a backward pass."""
    gradient = torch.randn_like(layer(x))
    return lambda: torch.autograd.grad(layer(x), (x, *weights), gradient)


def compare_ways(name: str, shape: Shape, rounds: int) -> None:
    """The table of one shape: direct over FFT, and what auto took."""
    axes = "x".join(map(str, shape.lengths))
    print(
        f"\n{name}: batch {shape.batch}, {shape.in_channels} -> {shape.out_channels} channels, {axes} steps"
        + f", {shape.groups} groups" * (shape.groups > 1)
        + f", stride {shape.stride}" * (shape.stride > 1)
    )
    half = f"{'direct/FFT':>10}           {'auto':>6} {'auto/best':>9}       "
    print(f"{'kernel':>7}   forward: {half}   training: {half}")
    better: dict[str, dict[int, float]] = {"forward": {}, "training": {}}
    make = FFTConv1d if len(shape.lengths) == 1 else FFTConv2d
    for kernel in LENGTHS if make is FFTConv1d else SIDES:
        if kernel > min(shape.lengths):
            break
        torch.manual_seed(0)
        ways = [
            make(
                shape.in_channels,
                shape.out_channels,
                kernel,
                groups=shape.groups,
                stride=shape.stride,
                method=method,
            )
            for method in ("direct", "fft", "auto")
        ]
        for way in ways[1:]:
            way.load_state_dict(ways[0].state_dict())
        x = torch.randn(shape.batch, shape.in_channels, *shape.lengths)
        line = f"{kernel:>7}   "
        for kind, wanted in (("forward", False), ("training", True)):
            inputs = x.clone().requires_grad_(wanted)
            with torch.set_grad_enabled(wanted):
                direct, by_fft, auto = (way(inputs).detach() for way in ways)
            # most of it is the direct layer's error: with 16 channels and 4096 taps, 1e-5 beside float64's
            assert (direct - by_fft).abs().max() <= 2e-5 * direct.abs().max()
            taken = turns(
                {
                    way.method: training(way, inputs, list(way.parameters())) if wanted else forward(way, x)
                    for way in ways
                },
                rounds,
            )
            values = ratio(taken, "direct", "fft")
            better[kind][kernel] = values[0]
            picked = "direct" if torch.equal(auto, direct) else "fft"
            over_best = min(taken["auto"]) / min(min(taken["direct"]), min(taken["fft"]))
            lost = (values[1] > 1.05) if picked == "direct" else (values[2] < 1 / 1.05)
            mark = "wrong" if lost and over_best > 1.05 else ""
            line += f"         {text(values)} {picked:>6} {over_best:9.2f} {mark:5}"
        print(line, flush=True)
    print(f"{'':7}   crossover: " + ", ".join(f"{kind} {crossover(r)}" for kind, r in better.items()))


def crossover(ratios: dict[int, float]) -> str:
    """Between which kernels FFT becomes, and stays, the quicker."""
    slower = [kernel for kernel, value in ratios.items() if value < 1]
    if not slower:
        return f"below {min(ratios)}"
    quicker = [kernel for kernel in ratios if kernel > max(slower)]
    return f"from {max(slower)} to {min(quicker)}" if quicker else f"beyond {max(slower)}"


def compare_with_julius(name: str, shape: Shape, rounds: int) -> None:
    """The table of one shape: our FFT over julius's."""
    print(
        f"\nours/julius, {name}: batch {shape.batch}, {shape.in_channels} -> {shape.out_channels} channels, "
        f"{shape.lengths[0]} steps\n{'kernel':>7}   forward               training"
    )
    for kernel in LENGTHS:
        x = torch.randn(shape.batch, shape.in_channels, *shape.lengths, requires_grad=True)
        weight = torch.randn(shape.out_channels, shape.in_channels, kernel, requires_grad=True)
        bias = torch.randn(shape.out_channels, requires_grad=True)

        def ours(x: Tensor, weight: Tensor = weight, bias: Tensor = bias) -> Tensor:
            return fft_conv1d(x, weight, bias, method="fft")

        def theirs(x: Tensor, weight: Tensor = weight, bias: Tensor = bias) -> Tensor:
            return julius_conv1d(x, weight, bias)

        assert (ours(x) - theirs(x)).abs().max() <= 1e-4 * theirs(x).abs().max()
        passes = turns({"ours": forward(ours, x), "julius": forward(theirs, x)}, rounds)
        both = turns(
            {"ours": training(ours, x, [weight, bias]), "julius": training(theirs, x, [weight, bias])}, rounds
        )
        line = f"{kernel:>7}   {text(ratio(passes, 'ours', 'julius'))} {text(ratio(both, 'ours', 'julius'))}"
        print(line, flush=True)


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="*", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--julius", nargs="*", choices=JULIUS, default=list(JULIUS))
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    # once a block of this size has been freed, glibc keeps smaller ones, as in any process that has run a
    # while; before, it hands each back to the system, and what is timed is the fetching of pages
    torch.empty(2**23 - 2**12)
    for name in options.shapes:
        compare_ways(name, SHAPES[name], options.rounds)
    for name in options.julius:
        compare_with_julius(name, JULIUS[name], options.rounds)


if __name__ == "__main__":
    main()
