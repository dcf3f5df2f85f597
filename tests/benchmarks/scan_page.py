"""How much faster LeNet-5 scans a page than it reads all of its windows."""

import statistics
import time

import torch

from audiocnn.models.lenet import lenet5
from audiocnn.models.localizer import Localizer
from audiocnn.vision import scan_page, windows_of

ROUNDS = 5


def seconds(act) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def main() -> None:
    torch.manual_seed(0)
    net, page = Localizer(lenet5(num_classes=11)).eval(), torch.rand(1, 512, 512)
    windows = page[0].unfold(0, 32, 4).unfold(1, 32, 4).reshape(-1, 1, 32, 32)
    assert len(windows) == windows_of(net, 512, 512).flatten(0, 1).shape[0]

    def read_windows() -> None:
        for some in windows.split(256):
            net(some)

    with torch.inference_mode():
        scan_page(net, page)
        pairs = [(seconds(lambda: scan_page(net, page)), seconds(read_windows)) for _ in range(ROUNDS)]
    ratios = sorted(read / scanned for scanned, read in pairs)
    scanned, read = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"{len(windows)} windows: scan {1000 * scanned:.0f} ms, by themselves {1000 * read:.0f} ms")
    print(f"{statistics.median(ratios):.0f} times faster ({ratios[0]:.0f} to {ratios[-1]:.0f})")


if __name__ == "__main__":
    main()
