"""What a process takes that makes the log-mel features of ten hours, in blocks of ten seconds.

    python tests/benchmarks/ten_hours.py

The blocks are made as they are asked for, and the features dropped. Printed is the peak of resident memory.
"""

import re
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from audiocnn.frontends import LogMel, LogMelConfig

HOURS = 10
BLOCK_SECONDS = 10
STATUS = Path("/proc/self/status")


def blocks(rate: int) -> Iterator[Tensor]:
    """Noise."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(HOURS * 3600 // BLOCK_SECONDS):
        yield 0.1 * torch.randn(BLOCK_SECONDS * rate, generator=generator)


def peak_mb() -> float:
    """Of resident memory, until now."""
    if STATUS.exists():  # Linux: what `getrusage` says there, a process inherits from who started it
        return int(re.search(r"VmHWM:\s*(\d+) kB", STATUS.read_text())[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main() -> None:
    """Print the peak before and after."""
    torch.set_num_threads(1)
    front_end = LogMel(LogMelConfig())
    before = peak_mb()
    frames = sum(features.shape[-1] for features in front_end.feature_blocks(blocks(front_end.sample_rate)))
    after = peak_mb()
    print(
        f"{HOURS} hours, {frames} frames: {after - before:.0f} MB, to be below 300 MB, beyond the "
        f"{before:.0f} MB that there were, torch's for the most part, when the front-end was built; "
        f"{after:.0f} MB in all"
    )


if __name__ == "__main__":
    main()
