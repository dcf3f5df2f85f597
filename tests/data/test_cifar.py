"""CIFAR's archives and folders give their pictures; what was not published is never unpickled."""

import hashlib
import io
import pickle
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import datasets

from audiocnn.data.cifar import read_cifar
from audiocnn.errors import ImageReadError, ManifestError, ParameterError

DRAW = np.random.default_rng(0)
NAMES = ("airplane", "automobile", "bird")
# so many pictures in each file of the training split
COUNTS = {"cifar-10": [2, 3, 1, 2, 4], "cifar-100": [5]}


def pixels(count: int) -> np.ndarray:
    return DRAW.integers(0, 256, (count, 3072), np.uint8)


def binary(kind: str) -> tuple[str, dict[str, bytes], dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Folder and files of a binary version, and what each split holds."""
    files, splits = {}, {"train": [], "test": []}
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] if kind == "cifar-10" else ["train.bin"]
    test = "test_batch.bin" if kind == "cifar-10" else "test.bin"
    for name, count in zip((*names, test), (*COUNTS[kind], 3), strict=True):
        rows, labels = pixels(count), DRAW.integers(0, len(NAMES), (count, 1), np.uint8)
        coarse = np.full((count, 1), 19, np.uint8)
        before = (labels,) if kind == "cifar-10" else (coarse, labels)
        files[name] = np.concatenate((*before, rows), axis=1).tobytes()
        splits["test" if name == test else "train"].append((rows, labels[:, 0]))
    table = "batches.meta.txt" if kind == "cifar-10" else "fine_label_names.txt"
    files[table] = ("\n".join(NAMES) + "\n\n").encode()
    folder = "cifar-10-batches-bin" if kind == "cifar-10" else "cifar-100-binary"
    return folder, files, {name: joined(parts) for name, parts in splits.items()}


def python(kind: str) -> tuple[str, dict[str, bytes], dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Folder and files of a Python version, and what each split holds."""
    files, splits = {}, {"train": [], "test": []}
    names = [f"data_batch_{i}" for i in range(1, 6)] if kind == "cifar-10" else ["train"]
    test = "test_batch" if kind == "cifar-10" else "test"
    key = "labels" if kind == "cifar-10" else "fine_labels"
    for name, count in zip((*names, test), (*COUNTS[kind], 3), strict=True):
        rows, labels = pixels(count), DRAW.integers(0, len(NAMES), count)
        files[name] = pickle.dumps({"data": rows, key: labels.tolist()})
        splits["test" if name == test else "train"].append((rows, labels))
    table = ("batches.meta", "label_names") if kind == "cifar-10" else ("meta", "fine_label_names")
    files[table[0]] = pickle.dumps({table[1]: list(NAMES)})
    folder = "cifar-10-batches-py" if kind == "cifar-10" else "cifar-100-python"
    return folder, files, {name: joined(parts) for name, parts in splits.items()}


def joined(parts: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    rows, labels = zip(*parts, strict=True)
    return np.concatenate(rows).reshape(-1, 3, 32, 32), np.concatenate(labels)


def put(tmp_path: Path, folder: str, files: dict[str, bytes], *, packed: bool) -> Path:
    if not packed:
        (tmp_path / folder).mkdir()
        for name, contents in files.items():
            (tmp_path / folder / name).write_bytes(contents)
        return tmp_path / folder
    path = tmp_path / "cifar.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, contents in {**files, "readme.html": b"<html>"}.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(contents)
            archive.addfile(member, io.BytesIO(contents))
    return path


def publish(monkeypatch: pytest.MonkeyPatch, kind: str, files: dict[str, bytes]) -> None:
    """Make torchvision hold these for the published files."""
    dataset = datasets.CIFAR10 if kind == "cifar-10" else datasets.CIFAR100
    sums = {name: hashlib.md5(contents).hexdigest() for name, contents in files.items()}
    for attribute in ("train_list", "test_list"):
        listed = [[name, sums[name]] for name, _ in getattr(dataset, attribute)]
        monkeypatch.setattr(dataset, attribute, listed)
    meta = {**dataset.meta, "md5": sums[dataset.meta["filename"]]}
    monkeypatch.setattr(dataset, "meta", meta)


@pytest.mark.parametrize("kind", ["cifar-10", "cifar-100"])
@pytest.mark.parametrize("version", [binary, python])
@pytest.mark.parametrize("packed", [False, True])
def test_both_splits_of_every_version_packed_or_not(tmp_path, monkeypatch, kind, version, packed) -> None:
    folder, files, splits = version(kind)
    if version is python:
        publish(monkeypatch, kind, files)
    source = put(tmp_path, folder, files, packed=packed)
    for split, (pictures, targets) in splits.items():
        corpus = read_cifar(source, split)
        assert torch.equal(corpus.pictures, torch.from_numpy(pictures))
        assert torch.equal(corpus.targets, torch.from_numpy(targets).long())
        assert corpus.labels == NAMES
        assert corpus.batch(torch.tensor([0])).shape == (1, 3, 32, 32)


class _Runs:
    """What runs as soon as it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["cifar-10", "cifar-100"])
def test_nothing_is_unpickled_that_was_not_published(tmp_path, kind, packed) -> None:
    folder, files, _ = python(kind)
    trace = tmp_path / "trace"
    files = {name: pickle.dumps(_Runs(trace)) for name in files}
    source = put(tmp_path, folder, files, packed=packed)
    for split in ("train", "test"):
        with pytest.raises(ImageReadError) as error:
            read_cifar(source, split)
        assert str(error.value) == (
            f"{source} is not what was published: its files do not have the published MD5 sums; "
            "copy it again, or take the binary version"
        )
    assert not trace.exists()
    pickle.loads(files.popitem()[1])
    assert trace.exists()  # it would have been


def test_one_bad_file_among_the_published_is_enough(tmp_path, monkeypatch) -> None:
    folder, files, _ = python("cifar-10")
    publish(monkeypatch, "cifar-10", files)
    trace = tmp_path / "trace"
    source = put(tmp_path, folder, {**files, "batches.meta": pickle.dumps(_Runs(trace))}, packed=False)
    with pytest.raises(ImageReadError, match="is not what was published"):
        read_cifar(source, "train")
    assert not trace.exists()


def complaint(source: Path, kind: type[Exception] = ImageReadError) -> str:
    with pytest.raises(kind) as error:
        read_cifar(source, "train")
    return str(error.value)


@pytest.mark.parametrize("packed", [False, True])
def test_binary_files_that_are_missing_or_broken(tmp_path, packed) -> None:
    folder, files, _ = binary("cifar-10")

    def told(name: str, contents: bytes | None) -> tuple[Path, str]:
        changed = {**files, name: contents}
        place = tmp_path / f"{name} {len(contents or b'')}"
        place.mkdir()
        kept = {n: c for n, c in changed.items() if c is not None}
        source = put(place, folder, kept, packed=packed)
        return source, complaint(source)

    source, message = told("data_batch_3.bin", None)
    assert message == f"{source} has no file data_batch_3.bin that can be read; copy it again"
    source, message = told("data_batch_2.bin", files["data_batch_2.bin"][:-1])
    assert message == (
        f"data_batch_2.bin of {source} has 9218 bytes, no multiple of the 3073 of a picture; copy it again"
    )
    source, message = told("data_batch_2.bin", b"")
    assert message == (
        f"data_batch_2.bin of {source} has 0 bytes, no multiple of the 3073 of a picture; copy it again"
    )
    source, message = told("batches.meta.txt", b"airplane\n")
    assert message.endswith(", and batches.meta.txt names 1 classes; copy both again")


def test_what_is_no_cifar(tmp_path) -> None:
    path = tmp_path / "cifar.tar.gz"
    assert complaint(path) == f"{path} does not exist; check the name and the folder"
    path.write_bytes(b"<html>")
    assert complaint(path).startswith(f"{path} is no tar archive, or a damaged one (")
    elsewhere = (
        "is none of the folders cifar-10-batches-bin, cifar-100-binary, cifar-10-batches-py, "
        "cifar-100-python, nor an archive of one; "
        "name what was downloaded, or the folder that it unpacks to"
    )
    assert complaint(tmp_path, ManifestError) == f"{tmp_path} {elsewhere}"
    path = put(tmp_path, "else", {"a.bin": b"a"}, packed=True)
    assert complaint(path, ManifestError) == f"{path} {elsewhere}"
    with pytest.raises(ParameterError) as error:
        read_cifar(path, "validation")
    assert str(error.value) == "split='validation' must be 'train' or 'test', the two that are published"


def test_an_archive_that_breaks_off(tmp_path) -> None:
    folder, files, _ = binary("cifar-100")
    path = put(tmp_path, folder, files, packed=True)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert str(path) in complaint(path)


def test_an_archive_writes_nothing_beside_itself(tmp_path, monkeypatch) -> None:
    folder, files, _ = python("cifar-10")
    publish(monkeypatch, "cifar-10", files)
    path = put(tmp_path, folder, {**files, "../../escaped": b"x"}, packed=True)
    assert len(read_cifar(path, "test")) == 3
    assert list(tmp_path.iterdir()) == [path] and not (tmp_path.parent / "escaped").exists()


def test_without_torchvision_the_python_version_says_what_to_do(tmp_path, monkeypatch) -> None:
    source = put(tmp_path, *python("cifar-10")[:2], packed=False)
    monkeypatch.setitem(sys.modules, "torchvision", None)  # its import now raises
    assert complaint(source, ParameterError) == (
        "reading the Python version of CIFAR needs the package torchvision, which the extra image "
        'brings: python -m pip install -e ".[image]"; the binary version needs none'
    )
    (tmp_path / "binary").mkdir()
    assert len(read_cifar(put(tmp_path / "binary", *binary("cifar-10")[:2], packed=False), "test")) == 3
