"""Pictures made on the spot: bars that stand or lie, in the forms that MNIST and CIFAR are published in."""

import gzip
import io
import struct
import tarfile

import numpy as np

__all__ = ["bars", "write_cifar", "write_set"]


def bars(count, seed):
    """Lines that stand or lie somewhere in a 14 x 14 picture, and which they do: `(count, 14, 14)` bytes."""
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 60, (count, 14, 14))
    targets = np.arange(count) % 2
    for picture, target in zip(pictures, targets, strict=True):
        at, first = rng.integers(2, 12), rng.integers(0, 6)
        line = (slice(first, first + 8), at) if target else (at, slice(first, first + 8))
        picture[line] += 180
    return pictures.astype(np.uint8), targets.astype(np.uint8)


def _write_idx(path, numbers):
    header = struct.pack(">BBBB", 0, 0, 8, numbers.ndim) + struct.pack(f">{numbers.ndim}I", *numbers.shape)
    path.write_bytes(gzip.compress(header + numbers.tobytes()))


def write_set(folder):
    """200 bars to train on and 40 for the test, as four files in a folder, which is given back."""
    for name, count, seed in (("train", 200, 0), ("t10k", 40, 1)):
        pictures, targets = bars(count, seed)
        _write_idx(folder / f"{name}-images-idx3-ubyte.gz", pictures)
        _write_idx(folder / f"{name}-labels-idx1-ubyte.gz", targets)
    return folder


def write_cifar(path):
    """200 bars in colour to train on and 40 for the test, as CIFAR-10's archive, whose path is given back."""
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]
    files = {"batches.meta.txt": b"lying\nstanding\n"}
    for seed, name in enumerate(names):
        pictures, targets = bars(40, seed)
        padded = np.pad(pictures, ((0, 0), (9, 9), (9, 9)))  # to 32 x 32
        colours = np.stack([padded, padded // 2, padded // 3], axis=1).reshape(len(targets), -1)
        files[name] = np.concatenate((targets[:, None], colours), axis=1).tobytes()
    with tarfile.open(path, "w:gz") as archive:
        for name, contents in files.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(contents)
            archive.addfile(member, io.BytesIO(contents))
    return path
