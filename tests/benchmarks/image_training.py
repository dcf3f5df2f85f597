"""A training step of our nets for pictures, beside torchvision's in the same loop and with the same weights.

    python tests/benchmarks/image_training.py [--nets resnet18 resnet18_small vgg11] [--rounds 15]

A step is the forward pass, the loss, the backward pass and the update by SGD. Nets take turns, and so do both
orders of memory: rows after rows of a channel, and channels last. One thread, whose own time counts, so that
other programs disturb little; a ratio above 1 says that ours is faster. That ours gives torchvision's logits
is checked first.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from audiocnn.models import create
from audiocnn.models.convert import from_torchvision

CLASSES = 10
FORMATS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}


class Trained(NamedTuple):
    """Torchvision's net, and what it is trained on."""

    build: Callable[[], nn.Module]
    side: int
    batch_size: int


def small_resnet18() -> nn.Module:
    """For 32 pixels, as `resnet18_small` is."""
    net = torchvision.models.resnet18(num_classes=CLASSES)
    net.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    net.maxpool = nn.Identity()
    return net


def vgg11_for_64() -> nn.Module:
    """Its first dense layer takes the map of 2 x 2 that 64 pixels leave."""
    net = torchvision.models.vgg11(num_classes=CLASSES)
    net.avgpool, net.classifier[0] = nn.Identity(), nn.Linear(512 * 2 * 2, 4096)
    return net


NETS = {
    "resnet18": Trained(lambda: torchvision.models.resnet18(num_classes=CLASSES), 64, 8),
    "resnet18_small": Trained(small_resnet18, 32, 8),
    "vgg11": Trained(vgg11_for_64, 64, 8),
}


class Loop:
    """The plain loop over one batch."""

    def __init__(self, net: nn.Module, pictures: Tensor, memory_format: torch.memory_format) -> None:
        self.net = net.to(memory_format=memory_format).train()
        self.pictures = pictures.to(memory_format=memory_format)
        self.targets = torch.arange(len(pictures)) % CLASSES
        self.optimizer = torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9, weight_decay=1e-4)

    def step(self) -> float:
        """One step, and the milliseconds it took."""
        start = time.process_time()
        loss = F.cross_entropy(self.net(self.pictures).flatten(1), self.targets)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return 1000 * (time.process_time() - start)


def compare(name: str, rounds: int) -> None:
    """Print the times of one net in both orders of memory, and their ratios."""
    torch.manual_seed(0)
    build, side, batch_size = NETS[name]
    pictures = torch.rand(batch_size, 3, side, side)
    loops = {}
    for order, memory_format in FORMATS.items():
        theirs = build()
        ours = create(name, num_classes=CLASSES, input_size=(side, side), padding="same")
        ours.load_state_dict(from_torchvision(theirs.state_dict(), ours))
        with torch.no_grad():
            logits = (net.eval()(pictures).flatten(1) for net in (ours, theirs))
            torch.testing.assert_close(*logits, rtol=1e-4, atol=1e-5)
        loops |= {
            (whose, order): Loop(net, pictures, memory_format)
            for whose, net in (("torchvision", theirs), ("audiocnn", ours))
        }
    times: dict[tuple[str, str], list[float]] = {contender: [] for contender in loops}
    for loop in loops.values():
        loop.step()
    for _ in range(rounds):
        for contender, loop in loops.items():
            times[contender].append(loop.step())
    for order in FORMATS:
        both = [times[whose, order] for whose in ("torchvision", "audiocnn")]
        of_them, of_us = map(statistics.median, both)
        print(f"{name:14} {order:13} torchvision {of_them:5.0f} ms, audiocnn {of_us:5.0f} ms, {ratio(*both)}")
    print(
        f"{name:14} audiocnn, contiguous / channels last: {ratio(*(times['audiocnn', o] for o in FORMATS))}"
    )


def ratio(slower: list[float], faster: list[float]) -> str:
    """The ratio of each round: its median, and from which quartile to which."""
    low, middle, high = statistics.quantiles([a / b for a, b in zip(slower, faster, strict=True)], n=4)
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def main() -> None:
    """Compare each net."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS))
    parser.add_argument("--rounds", type=int, default=15, help="steps of each")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.nets:
        compare(name, options.rounds)


if __name__ == "__main__":
    main()
