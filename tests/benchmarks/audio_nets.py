"""Our nets beside the reference implementations of the same nets: the forward pass in evaluation.

    python tests/benchmarks/audio_nets.py [--only WORDS] [--threads 1 2] [--batches 1 64] [--rounds 20]

SpeechBrain's x-vector (with its classifier) and ECAPA-TDNN on 3 s, and BC-ResNet-1 as one would write it with
stock layers (`plain_nets.py`) on 1.45 s. Both have the same weights, and that they give the same is checked
first. Each gets its features in the layout that it wants. On one thread and on two, one clip and 64; the two
take turns, each going first every other round. Of one thread the processor time of a turn counts, of two the
time on the wall. Printed are ratios, their time / our time, so that above 1 we are the faster: of the best
turns, of the median turns, and between brackets what the ratio of one round ranged over, the highest and
lowest tenth left out; and our best time for a clip. To be 1 or more, and with 64 clips 1.3 for BC-ResNet.

Two threads that wait for each other by spinning tell nothing on a machine that does something else too:
`OMP_WAIT_POLICY=PASSIVE` in the environment lets them sleep instead.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator

import torch
from layers import turn_times
from plain_nets import BCResNet1
from torch import Tensor, nn

from audiocnn.models import create
from audiocnn.models.convert import from_speechbrain

CLASSES = 12
# name, ours, theirs, the shape of one clip for ours, and its features for theirs
Contest = tuple[
    str, Callable[[Tensor], Tensor], Callable[[Tensor], Tensor], tuple[int, ...], Callable[[Tensor], Tensor]
]


def frames_first(x: Tensor) -> Tensor:
    """`(batch, 1, rows, time)` as SpeechBrain has it: `(batch, time, rows)`."""
    return x[:, 0].mT.contiguous()


def contests() -> Iterator[Contest]:
    """The nets, in evaluation."""
    # changes settings of torch when it is imported
    from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
    from speechbrain.lobes.models.Xvector import Classifier, Xvector

    net = create("x_vector", num_classes=CLASSES, padding="same").eval()
    embedding = Xvector(in_channels=net.rows).eval()
    classifier = Classifier(input_shape=[None, None, 512], out_neurons=CLASSES).eval()
    net.load_state_dict(from_speechbrain({**embedding.state_dict(), **classifier.state_dict()}, net))
    yield (
        "x_vector",
        lambda x: net(x)[..., 0].log_softmax(dim=1),
        lambda x: classifier(embedding(x))[:, 0],
        (1, net.rows, net.window),
        frames_first,
    )
    for channels in (512, 1024):
        net = create(f"ecapa_tdnn_{channels}", num_classes=CLASSES, padding="same").eval()
        theirs = ECAPA_TDNN(net.rows, channels=[channels] * 4 + [1536]).eval()
        net.load_state_dict(from_speechbrain(theirs.state_dict(), net))
        yield (
            f"ecapa_tdnn_{channels}",
            lambda x, ours=net: ours(x)[..., 0],
            lambda x, theirs=theirs, logits=net.logits: logits(theirs(x).mT)[..., 0],
            (1, net.rows, net.window),
            frames_first,
        )
    net = create("bc_resnet_1", num_classes=CLASSES).eval()
    plain = BCResNet1(CLASSES).eval()
    plain.load_state_dict(dict(zip(plain.state_dict(), net.state_dict().values(), strict=True)))
    yield "bc_resnet_1", lambda x: net(x)[..., 0], plain, (1, net.rows, net.window), nn.Identity()


def compare(contest: Contest, batch: int, threads: int, rounds: int) -> None:
    """Print the ratios for one net, batch and number of threads."""
    name, ours, theirs, shape, arrange = contest
    torch.set_num_threads(threads)
    x = torch.randn(batch, *shape, generator=torch.Generator().manual_seed(0))
    y = arrange(x)
    expected = theirs(y)
    # SpeechBrain's x-vector adds noise of 1e-5 and more
    torch.testing.assert_close(ours(x), expected, rtol=0, atol=2e-4 * expected.abs().max().item())
    clock = time.process_time if threads == 1 else time.perf_counter
    their_times, our_times = turn_times(
        (lambda: theirs(y), lambda: ours(x)), rounds, turn_seconds=0.05, clock=clock
    )
    best, middle = (pick(their_times) / pick(our_times) for pick in (min, statistics.median))
    single = sorted(t / o for t, o in zip(their_times, our_times, strict=True))
    tenth = len(single) // 10
    print(
        f"{name:16} batch {batch:2}, threads {threads}   {best:5.2f} {middle:5.2f} "
        f"[{single[tenth]:.2f} - {single[-1 - tenth]:.2f}]   {1000 * min(our_times) / batch:8.2f} ms a clip",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="only nets whose name holds this")
    parser.add_argument("--threads", type=int, nargs="+", default=(1, 2))
    parser.add_argument("--batches", type=int, nargs="+", default=(1, 64))
    parser.add_argument("--rounds", type=int, default=20, help="turns of each")
    options = parser.parse_args()
    with torch.inference_mode():
        for contest in contests():
            if options.only in contest[0]:
                for threads in options.threads:
                    for batch in options.batches:
                        compare(contest, batch, threads, options.rounds)


if __name__ == "__main__":
    main()
