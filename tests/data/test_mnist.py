"""idx files give what they hold, plain or compressed; whatever is wrong with one is said."""

import gzip
import struct
from pathlib import Path

import pytest
import torch
from torchvision.datasets import mnist as reference

from audiocnn.data.mnist import DIGITS, FASHION, read_idx, read_mnist
from audiocnn.errors import ImageReadError, ManifestError, ParameterError

REAL = Path(__file__).parents[3] / "shared/data/mnist"
PICTURES = torch.randint(0, 256, (5, 4, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
TARGETS = torch.tensor([3, 0, 9, 1, 1], dtype=torch.uint8)


def idx(values: torch.Tensor, kind: int = 8) -> bytes:
    return (
        struct.pack(">HBB", 0, kind, values.dim())
        + struct.pack(f">{values.dim()}I", *values.shape)
        + values.numpy().tobytes()
    )


def write(folder: Path, *, split: str = "train", compressed: bool = False) -> Path:
    for name, values in (("images-idx3", PICTURES), ("labels-idx1", TARGETS)):
        path = folder / f"{split}-{name}-ubyte"
        if compressed:
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(idx(values)))
        else:
            path.write_bytes(idx(values))
    return folder


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(("split", "name"), [("train", "train"), ("test", "t10k")])
def test_each_split_is_what_its_files_hold(tmp_path, compressed, split, name) -> None:
    corpus = read_mnist(write(tmp_path, split=name, compressed=compressed), split)
    assert torch.equal(corpus.pictures, PICTURES[:, None])
    assert torch.equal(corpus.targets, TARGETS.long()) and corpus.labels == DIGITS
    batch = corpus.batch(torch.tensor([4, 1]))
    assert torch.equal(batch, PICTURES[[4, 1], None] / 255)


def test_a_file_is_what_torchvision_reads_of_it(tmp_path) -> None:
    write(tmp_path)
    for name, axes, read in (
        ("images-idx3", 3, reference.read_image_file),
        ("labels-idx1", 1, reference.read_label_file),
    ):
        path = tmp_path / f"train-{name}-ubyte"
        assert torch.equal(read_idx(path, axes=axes), read(str(path)))


def test_clothes_have_names(tmp_path) -> None:
    corpus = read_mnist(write(tmp_path), "train", labels=FASHION)
    assert [corpus.labels[i] for i in corpus.targets.tolist()] == [
        *("Dress", "T-shirt/top", "Ankle boot", "Trouser", "Trouser")
    ]


@pytest.mark.skipif(not REAL.is_dir(), reason="MNIST is not here")
def test_the_published_files(tmp_path) -> None:
    corpus = read_mnist(REAL, "test")
    assert corpus.pictures.shape == (10000, 1, 28, 28)
    assert torch.bincount(corpus.targets).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    # white on black
    assert corpus.pictures[:, :, 0].max() < 128 and corpus.pictures.float().mean() < 50


def complaint(path: Path, contents: bytes | None, axes: int = 3) -> str:
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(ImageReadError) as error:
        read_idx(path, axes=axes)
    return str(error.value)


def test_files_that_are_no_idx_files_of_bytes(tmp_path) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    name_it = "name MNIST's own file, as it was published"
    no_idx = f"{path} is no idx file of bytes with 3 axes, which begins with 00 00 08 03: it begins with "
    assert complaint(path, None) == f"{path} does not exist; check the name and the folder"
    assert complaint(path, b"") == f"{path} is an empty file; copy it again"
    assert complaint(path, b"<html>") == f"{no_idx}3c 68 74 6d; {name_it}"
    assert complaint(path, idx(TARGETS)) == f"{no_idx}00 00 08 01; {name_it}"
    assert complaint(path, idx(PICTURES, kind=13)) == f"{no_idx}00 00 0d 03; {name_it}"
    assert complaint(path, gzip.compress(b"<html>")) == f"{no_idx}3c 68 74 6d; {name_it}"


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_files_that_hold_less_or_more_than_they_say(tmp_path, pack) -> None:
    path, whole = tmp_path / "a", idx(PICTURES)
    assert complaint(path, pack(whole[:-7])) == (
        f"{path} promises 5 x 4 x 3 bytes and holds 53; copy it again"
    )
    assert complaint(path, pack(whole + b"x")) == (
        f"{path} promises 5 x 4 x 3 bytes and holds more; copy it again"
    )
    # as much memory as the data take, whatever is promised
    huge = whole[:4] + struct.pack(">III", 2**31, 2**31, 28) + whole[16:]
    assert complaint(path, pack(huge)) == (
        f"{path} promises 2147483648 x 2147483648 x 28 bytes and holds 60; copy it again"
    )
    assert complaint(path, pack(idx(PICTURES[:0]))) == f"{path} holds nothing; copy it again"


def test_a_damaged_compressed_file(tmp_path) -> None:
    path, whole = tmp_path / "a.gz", gzip.compress(idx(PICTURES))
    cut = complaint(path, whole[:-12])
    assert cut.startswith(f"{path} breaks off or is damaged (Compressed file ended before")
    for place in range(10, len(whole), 7):
        changed = bytearray(whole)
        changed[place] ^= 0xFF
        assert str(path) in complaint(path, changed)


def test_folders_that_do_not_go_together(tmp_path) -> None:
    with pytest.raises(ManifestError) as error:
        read_mnist(tmp_path, "test")
    assert str(error.value) == (
        f"{tmp_path} holds neither t10k-images-idx3-ubyte nor t10k-images-idx3-ubyte.gz; "
        "name the folder of MNIST's four files"
    )
    write(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(TARGETS[:4]))
    with pytest.raises(ManifestError) as error:
        read_mnist(tmp_path, "train")
    assert str(error.value) == f"{tmp_path} holds 5 pictures and 4 labels of train; copy its files again"
    write(tmp_path)
    with pytest.raises(ManifestError) as error:
        read_mnist(tmp_path, "train", labels=("zero", "one"))
    assert str(error.value) == f"{tmp_path} holds the label 9, and labels names 2 classes; name all"
    with pytest.raises(ParameterError) as refused:
        read_mnist(tmp_path, "validation")
    assert str(refused.value) == "split='validation' must be 'train' or 'test', the two that are published"
