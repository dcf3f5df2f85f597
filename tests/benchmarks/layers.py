"""Our layers beside stock torch: plain ones, the parts that are made faster, and live steps.

    python tests/benchmarks/layers.py [--parts plain faster steps] [--only WORDS] [--rounds 40]

Every line sets two ways to the same numbers side by side; that they are the same is checked first. One
thread. The two take turns, each going first every other round, and a turn repeats what is measured
until it takes 2 ms. What counts is the processor time of a turn, which other processes disturb less
than the clock on the wall. Printed are ratios, stock time / our time, so that above 1 we are the
faster: of the best turns, of the median turns, and between brackets what the ratio of one round ranged
over, the highest and lowest tenth left out.

- plain: each convolution and pool, on input so small that the overhead of a call shows and on a batch
  of usual size. To be 1, as wrapping costs nothing; depthwise kernels of three elements are made faster.
- faster: training, forward and backward, at the sizes of BC-ResNet-1 in a batch of 100. To be 1.2 or
  more: sub-spectral norm with swish, and the broadcasted residual, by itself and as a whole block.
- steps: chunks of 10 ms through `step`, and through a loop written out by hand (`unrolled_nets.py`),
  in one stream. Here the ratio is our time / that of the loop, to be 1.3 or less.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import plain_nets
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from unrolled_nets import UnrolledBCResNet, UnrolledStack, UnrolledTCResNet

from audiocnn import layers as L
from audiocnn.layers.broadcasted import broadcasted_sum
from audiocnn.models import create

TURN_SECONDS = 0.002


@dataclass
class Contest:
    """Two ways to the same numbers, and what they are measured on."""

    name: str
    ours: Callable[..., Tensor]
    stock: Callable[..., Tensor]
    shapes: Sequence[tuple[int, ...]]  # of the inputs; in training these have gradients as the weights have
    note: str = ""
    inputs: list[Tensor] = field(init=False)

    def __post_init__(self) -> None:
        torch.manual_seed(0)
        self.inputs = [torch.randn(shape, requires_grad=True) for shape in self.shapes]
        ours, stock = (way if isinstance(way, nn.Module) else nn.Module() for way in (self.ours, self.stock))
        weights = dict(zip(stock.state_dict(), ours.state_dict().values(), strict=True))
        stock.load_state_dict(weights)
        self.weights = {self.ours: list(ours.parameters()), self.stock: list(stock.parameters())}
        self.gradient = torch.randn_like(self.forward(self.ours))

    def forward(self, way: Callable[..., Tensor]) -> Tensor:
        """One call."""
        return way(*self.inputs)

    def infer(self, way: Callable[..., Tensor]) -> Tensor:
        """One call without gradients."""
        with torch.no_grad():
            return way(*self.inputs)

    def train(self, way: Callable[..., Tensor]) -> tuple[Tensor, ...]:
        """One call, and the gradients of all inputs and weights."""
        wanted = (*self.inputs, *self.weights[way])
        return torch.autograd.grad(self.forward(way), wanted, self.gradient)

    def check(self) -> None:
        """Both ways give the same, up to rounding."""
        results = []
        for way in (self.ours, self.stock):
            torch.manual_seed(0)  # the same channels are dropped
            results.append((self.forward(way), *self.train(way)))
        for ours, stock in zip(*results, strict=True):
            scale = stock.abs().max().item()
            torch.testing.assert_close(ours, stock, rtol=1e-3, atol=1e-4 * scale, msg=f"{self.name} differs")


def turn_times(
    ways: Sequence[Callable[[], object]],
    rounds: int,
    *,
    turn_seconds: float = TURN_SECONDS,
    clock: Callable[[], float] = time.process_time,
) -> list[list[float]]:
    """Seconds, by default of processor time, that one call takes, for each way and round."""
    repeats = []
    for way in ways:
        way()
        start = clock()
        way()
        repeats.append(max(1, round(turn_seconds / max(1e-6, clock() - start))))
    times: list[list[float]] = [[] for _ in ways]
    for i in range(rounds):
        for j in range(len(ways)):
            at = (i + j) % len(ways)
            start = clock()
            for _ in range(repeats[at]):
                ways[at]()
            times[at].append((clock() - start) / repeats[at])
    return times


def ratio(slow: Callable[[], object], fast: Callable[[], object], rounds: int) -> str:
    """Time of the one / time of the other: best, median, and how far single rounds spread."""
    slow_times, fast_times = turn_times((slow, fast), rounds)
    best, middle = (pick(slow_times) / pick(fast_times) for pick in (min, statistics.median))
    single = sorted(s / f for s, f in zip(slow_times, fast_times, strict=True))
    tenth = len(single) // 10
    return f"{best:5.2f} {middle:5.2f} [{single[tenth]:.2f} - {single[-1 - tenth]:.2f}]"


SMALL_1D, USUAL_1D, LONG_1D = (1, 16, 50), (100, 40, 98), (1, 40, 6000)
SMALL_2D, USUAL_2D = (1, 8, 20, 30), (100, 16, 20, 98)


def plain() -> Iterator[Contest]:
    """Layers that torch has too."""
    conv1d: list[tuple[str, dict[str, object], dict[str, object]]] = [
        ("Conv1d 3", {"kernel_size": 3}, {}),
        ("Conv1d 9, stride 2", {"kernel_size": 9, "stride": 2}, {}),
        ("Conv1d 3, dilation 4", {"kernel_size": 3, "dilation": 4}, {}),
        ("Conv1d 1x1", {"kernel_size": 1}, {}),
        ("Conv1d 5, same", {"kernel_size": 5, "padding": "same"}, {}),
        ("Conv1d 4, same", {"kernel_size": 4, "padding": "same"}, {}),
        ("Conv1d 9, stride 2, same", {"kernel_size": 9, "stride": 2, "padding": "same"}, {"padding": 4}),
    ]
    for shape in (SMALL_1D, USUAL_1D):
        c = shape[1]
        for name, options, other in conv1d:
            yield Contest(name, L.Conv1d(c, 32, **options), nn.Conv1d(c, 32, **(options | other)), [shape])
        depthwise = {"kernel_size": 9, "groups": c}
        yield Contest(
            "Conv1d 9, depthwise", L.Conv1d(c, c, **depthwise), nn.Conv1d(c, c, **depthwise), [shape]
        )
        transposed = {"kernel_size": 4, "stride": 2}
        yield Contest(
            "ConvTranspose1d 4, stride 2",
            L.ConvTranspose1d(c, 16, **transposed),
            nn.ConvTranspose1d(c, 16, **transposed),
            [shape],
        )
    conv2d: list[tuple[str, dict[str, object], dict[str, object]]] = [
        ("Conv2d 3x3", {"kernel_size": 3}, {}),
        ("Conv2d 5x5, stride 2x1", {"kernel_size": 5, "stride": (2, 1)}, {}),
        ("Conv2d 1x1", {"kernel_size": 1}, {}),
        ("Conv2d 3x3, same", {"kernel_size": 3, "padding": "same"}, {}),
        ("Conv2d 4x4, same", {"kernel_size": 4, "padding": "same"}, {}),
        ("Conv2d 3x3, stride 2, same", {"kernel_size": 3, "stride": 2, "padding": "same"}, {"padding": 1}),
    ]
    for shape in (SMALL_2D, USUAL_2D):
        c = shape[1]
        for name, options, other in conv2d:
            yield Contest(name, L.Conv2d(c, 16, **options), nn.Conv2d(c, 16, **(options | other)), [shape])
        for kernel, dilation in (((3, 3), 1), ((3, 1), 1), ((1, 3), 4)):
            depthwise = {"kernel_size": kernel, "dilation": dilation, "groups": c, "bias": False}
            name = f"Conv2d {kernel[0]}x{kernel[1]}, dilation {dilation}, depthwise"
            yield Contest(name, L.Conv2d(c, c, **depthwise), nn.Conv2d(c, c, **depthwise), [shape])
        yield Contest(
            "ConvTranspose2d 4x4, stride 2",
            L.ConvTranspose2d(c, 8, 4, stride=2),
            nn.ConvTranspose2d(c, 8, 4, stride=2),
            [shape],
        )
    pools: list[tuple[str, nn.Module, nn.Module, bool]] = [
        ("MaxPool1d 3, stride 2", L.MaxPool1d(3, stride=2), nn.MaxPool1d(3, 2), True),
        ("MaxPool1d 3, same", L.MaxPool1d(3, stride=1, padding="same"), nn.MaxPool1d(3, 1, 1), True),
        ("MaxPool1d 3, ceil", L.MaxPool1d(3, ceil_mode=True), nn.MaxPool1d(3, ceil_mode=True), True),
        ("AvgPool1d 3, stride 2", L.AvgPool1d(3, stride=2), nn.AvgPool1d(3, 2), True),
        (
            "AvgPool1d 3, same",
            L.AvgPool1d(3, stride=1, padding="same"),
            nn.AvgPool1d(3, 1, 1, count_include_pad=False),
            True,
        ),
        ("LpPool1d 3", L.LpPool1d(3), nn.LPPool1d(2, 3), True),
        ("GlobalMean 1-D", L.GlobalMean(), nn.AdaptiveAvgPool1d(1), True),
        ("GlobalMax 1-D", L.GlobalMax(), nn.AdaptiveMaxPool1d(1), True),
        ("MaxPool2d 3x3, stride 2", L.MaxPool2d(3, stride=2), nn.MaxPool2d(3, 2), False),
        ("MaxPool2d 2x1", L.MaxPool2d((2, 1)), nn.MaxPool2d((2, 1)), False),
        ("MaxPool2d 3x3, same", L.MaxPool2d(3, stride=1, padding="same"), nn.MaxPool2d(3, 1, 1), False),
        ("AvgPool2d 2x2", L.AvgPool2d(2), nn.AvgPool2d(2), False),
        ("LpPool2d 2x2", L.LpPool2d(2), nn.LPPool2d(2, 2), False),
        ("GlobalMean 2-D", L.GlobalMean(), nn.AdaptiveAvgPool2d(1), False),
        ("GlobalMax 2-D", L.GlobalMax(), nn.AdaptiveMaxPool2d(1), False),
        ("MeanRows", L.MeanRows(), nn.AdaptiveAvgPool2d((1, None)), False),
    ]
    for name, ours, stock, is_1d in pools:
        for shape in (SMALL_1D, USUAL_1D) if is_1d else (SMALL_2D, USUAL_2D):
            yield Contest(name, ours, stock, [shape])
    for window, shape in ((40, USUAL_1D), (40, LONG_1D), (400, LONG_1D)):
        yield Contest(f"WindowMean {window}", L.WindowMean(window), nn.AvgPool1d(window, 1), [shape])
        yield Contest(f"WindowMax {window}", L.WindowMax(window), nn.MaxPool1d(window, 1), [shape])


class StockSubSpectralNorm(plain_nets.SubSpectralNorm):
    """The authors' way: seen as more channels, a batch norm; then the activation that follows."""

    def __init__(self, channels: int, activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__(channels)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Keeps the shape."""
        return self.activation(super().forward(x))


def middle(x: Tensor, spare: int) -> Tensor:
    """What `spare` steps at both ends leave."""
    return x[..., spare : x.shape[-1] - spare]


def our_sum(spare: int, x: Tensor, y: Tensor) -> Tensor:
    """The arithmetic of a broadcasted residual whose 1-D path is the identity, or cuts off its ends."""
    return broadcasted_sum(middle(MEAN_ROWS(y), spare), y, x)


def stock_sum(mean: Callable[[Tensor], Tensor], spare: int, x: Tensor, y: Tensor) -> Tensor:
    """The same, operation by operation."""
    return F.relu(middle(mean(y), spare) + middle(y, spare) + middle(x, spare))


MEAN_ROWS = L.MeanRows()
# channels, rows, time, dilation
STAGES = ((8, 20, 139, 1), (12, 10, 135, 2), (16, 5, 121, 4), (20, 5, 110, 8))


def faster() -> Iterator[Contest]:
    """Training of what we compute in another way than torch."""
    for channels, rows, steps, _ in STAGES:
        shapes = [(100, channels, rows, steps)]
        norm = L.SubSpectralNorm(channels, bands=5)
        swish = L.Sequential(norm, L.SiLU())
        for note, ours, activation in (
            ("no activation", norm, nn.Identity()),
            ("swish as nn.SiLU", swish, nn.SiLU()),
            ("swish as y * sigmoid(y)", swish, lambda y: y * torch.sigmoid(y)),
        ):
            stock = StockSubSpectralNorm(channels, activation)
            yield Contest("sub-spectral norm", ours, stock, shapes, note)
    for shape in ((100, 8, 139), (100, 20, 94), (100, 48, 98)):
        ours, stock = L.Sequential(L.BatchNorm1d(shape[1]), L.SiLU()), nn.Sequential(nn.BatchNorm1d(shape[1]))
        yield Contest("batch norm 1-D", ours, stock.append(nn.SiLU()), [shape], "swish as nn.SiLU")
    for channels, rows, steps, dilation in STAGES:
        for padding, spare in (("valid", dilation), ("same", 0)):
            for note, mean in (
                ("rows averaged by mean", lambda y: y.mean(dim=2, keepdim=True)),
                ("by nn.AdaptiveAvgPool2d", nn.AdaptiveAvgPool2d((1, None))),
            ):
                yield Contest(
                    f"broadcasted residual's sum, {padding}",
                    partial(our_sum, spare),
                    partial(stock_sum, mean, spare),
                    [(100, channels, rows, steps)] * 2,
                    note,
                )
    for channels, rows, steps, dilation in STAGES:
        yield Contest(
            "BroadcastedBlock",
            L.BroadcastedBlock(channels, channels, dilation=dilation),
            plain_nets.BroadcastedBlock(channels, channels, 1, dilation),
            [(100, channels, rows, steps)],
        )


Stream = tuple[str, L.Scan, type[UnrolledStack | UnrolledTCResNet | UnrolledBCResNet], tuple[int, ...]]


def streams() -> Iterator[Stream]:
    """Nets that keep the law; the last axis of the shape is a chunk of 10 ms."""
    convs = ((40, 32, 9, 1, 1), (32, 32, 3, 1, 2), (32, 32, 3, 1, 4), (32, 32, 3, 2, 1))
    stack = [
        layer
        for before, after, size, stride, dilation in convs
        for layer in (L.Conv1d(before, after, size, stride=stride, dilation=dilation), L.ReLU())
    ]
    yield "four Conv1d on 40 features", L.Sequential(*stack), UnrolledStack, (1, 40, 1)
    wave = L.Sequential(L.Conv1d(1, 64, 400, stride=160), L.ReLU(), L.Conv1d(64, 64, 3), L.ReLU())
    yield "two Conv1d on a waveform", wave, UnrolledStack, (1, 1, 160)
    yield "tc_resnet_8, its body", create("tc_resnet_8", num_classes=12).body, UnrolledTCResNet, (1, 1, 40, 1)
    yield "bc_resnet_1, its body", create("bc_resnet_1", num_classes=12).body, UnrolledBCResNet, (1, 1, 40, 1)


def report(contest: Contest, kinds: Sequence[str], rounds: int) -> None:
    """Print the ratios of one contest."""
    contest.check()
    columns = []
    for kind in kinds:
        call = getattr(contest, kind)
        columns.append(ratio(partial(call, contest.stock), partial(call, contest.ours), rounds))
    print(f"{contest.name:36} {str(contest.shapes[0]):20} {'   '.join(columns)}   {contest.note}".rstrip())


def report_steps(stream: Stream, rounds: int) -> None:
    """Print the ratio of one stream."""
    name, net, unrolled, shape = stream
    net.eval()
    by_hand, state = unrolled(net), None
    x = torch.randn(*shape[:-1], 200 * shape[-1])
    found, expected = [], []
    for chunk in x.split(shape[-1], dim=-1):
        output, state = net.step(chunk, state)
        found += [] if output is None else [output]
        output = by_hand.step(chunk)
        expected += [] if output is None else [output]
    for outputs in (found, expected):
        torch.testing.assert_close(torch.cat(outputs, dim=-1), net(x), rtol=1e-4, atol=1e-5)

    chunks = x[..., : 20 * shape[-1]].split(shape[-1], dim=-1)

    def ours() -> None:
        now = state
        for chunk in chunks:
            _, now = net.step(chunk, now)

    def hand() -> None:
        for chunk in chunks:
            by_hand.step(chunk)

    print(f"{name:57} {ratio(ours, hand, rounds)}")


def main() -> None:
    """Print the tables asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = ("plain", "faster", "steps")
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--only", default="", help="only lines whose name holds this")
    parser.add_argument("--rounds", type=int, default=40, help="turns of each")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", "Using padding='same' with even kernel lengths")  # stock torch's, slow
    if "plain" in options.parts:
        print(f"{'plain: ratio':57} {'forward':28} forward and backward")
        for contest in plain():
            if options.only in contest.name:
                report(contest, ("infer", "train"), options.rounds)
    if "faster" in options.parts:
        print(f"\n{'faster: ratio':57} {'forward and backward':28}")
        for contest in faster():
            if options.only in contest.name:
                report(contest, ("train",), options.rounds)
    if "steps" in options.parts:
        print(f"\n{'steps: ratio':57} a chunk of 10 ms")
        with torch.inference_mode():
            for stream in streams():
                if options.only in stream[0]:
                    report_steps(stream, options.rounds)


if __name__ == "__main__":
    main()
