"""A corpus gives the pictures of its files, in their order; all that cannot be read are told at once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from audiocnn.data.manifest import Clip
from audiocnn.data.picture_corpus import PictureCorpus, PictureFiles
from audiocnn.errors import ImageReadError, ManifestError, ParameterError
from audiocnn.picture import PictureConfig

CONFIG = PictureConfig(rows=6, columns=8, channels=1)
KINDS = (PictureCorpus, PictureFiles)


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    """Twelve grey pictures of noise, half of the size that is asked for."""
    draw = np.random.default_rng(0)
    found = []
    for i in range(12):
        path = tmp_path / f"{i}.png"
        size = (6, 8) if i % 2 else (9, 7)
        Image.fromarray(draw.integers(0, 256, size, np.uint8)).save(path)
        found.append(Clip(path=path, label="cat" if i % 3 else "dog"))
    return found


@pytest.mark.parametrize("workers", [None, 1, 3])
def test_pictures_come_in_order_as_the_config_reads_them(clips: list[Clip], workers: int | None) -> None:
    corpus = PictureCorpus.load(clips, labels=("dog", "cat"), config=CONFIG, workers=workers)
    files = PictureFiles.load(clips, labels=("dog", "cat"), config=CONFIG, workers=workers)
    assert corpus.pictures.dtype == torch.uint8 and corpus.pictures.shape == (12, 1, 6, 8)
    assert len(corpus) == len(files) == 12
    for each in (corpus, files):
        assert each.targets.tolist() == [0, 1, 1] * 4 and each.targets.dtype == torch.int64
        assert each.labels == ("dog", "cat") and each.skipped == ()
    indices = torch.tensor([5, 0, 11, 2])
    read = torch.stack([CONFIG.read(clips[i].path) for i in indices.tolist()])
    assert torch.equal(files.batch(indices), read)
    batch = corpus.batch(indices)
    assert batch.dtype == torch.float32 and (batch - read).abs().max() <= 0.5 / 255 + 1e-6
    assert torch.equal(batch[0], read[0]) and torch.equal(batch[2], read[2])  # of the size already: exactly
    batch.zero_()
    assert torch.equal(corpus.batch(indices)[0], read[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_of_it_is_a_corpus_too(clips: list[Clip], kind) -> None:
    whole = kind.load(clips, labels=("dog", "cat"), config=CONFIG)
    part = whole.subset(torch.tensor([7, 3, 9]))
    assert len(part) == 3 and part.targets.tolist() == [1, 0, 0]
    assert torch.equal(part.batch(torch.tensor([0, 2])), whole.batch(torch.tensor([7, 9])))


@pytest.mark.parametrize("kind", KINDS)
def test_batches_are_on_the_device_of_the_corpus(clips: list[Clip], kind) -> None:
    on_device = kind.load(clips, labels=("dog", "cat"), config=CONFIG).to("meta")
    assert on_device.batch(torch.tensor([1, 2])).device.type == on_device.targets.device.type == "meta"


def spoil(clips: list[Clip]) -> str:
    """Make three of the pictures unreadable; how a message lists them."""
    truncated, gone, text = (clips[i].path for i in (1, 4, 8))
    truncated.write_bytes(truncated.read_bytes()[:60])
    gone.unlink()
    text.write_text("no picture")
    with pytest.raises(ImageReadError) as error:
        CONFIG.read(truncated)
    return (
        "these pictures cannot be read (3):\n"
        f"  {error.value}\n"
        f"  {gone} does not exist; check the name and the folder\n"
        f"  {text} is not a picture that is read here: PNG, JPEG, BMP, GIF, TIFF, WebP, PGM; save it as PNG"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_all_unreadable_pictures_are_listed_at_once(clips: list[Clip], kind) -> None:
    expected = spoil(clips)
    with pytest.raises(ManifestError) as error:
        kind.load(clips, labels=("dog", "cat"), config=CONFIG)
    assert str(error.value) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_unreadable_pictures_are_skipped_where_that_is_asked_for(clips: list[Clip], kind) -> None:
    expected = spoil(clips)
    corpus = kind.load(clips, labels=("dog", "cat"), config=CONFIG, skip_unreadable=True)
    readable = [0, 2, 3, 5, 6, 7, 9, 10, 11]
    assert corpus.targets.tolist() == [int(i % 3 > 0) for i in readable]
    assert list(corpus.skipped) == [line.strip() for line in expected.split("\n")[1:]]
    alone = kind.load([clips[i] for i in readable], labels=("dog", "cat"), config=CONFIG)
    assert torch.equal(corpus.batch(torch.arange(9)), alone.batch(torch.arange(9)))
    with pytest.raises(ManifestError, match="these pictures cannot be read"):
        kind.load([clips[1], clips[4]], labels=("dog", "cat"), config=CONFIG, skip_unreadable=True)


def test_files_that_were_not_checked_are_found_when_drawn(clips: list[Clip]) -> None:
    clips[4].path.unlink()
    files = PictureFiles.load(clips, labels=("dog", "cat"), config=CONFIG, check=False)
    assert len(files.batch(torch.tensor([3, 5]))) == 2
    with pytest.raises(ImageReadError) as error:
        files.batch(torch.tensor([3, 4]))
    assert str(error.value) == f"{clips[4].path} does not exist; check the name and the folder"
    with pytest.raises(ParameterError) as refused:
        PictureFiles.load(clips, labels=("dog", "cat"), config=CONFIG, check=False, skip_unreadable=True)
    assert str(refused.value) == "skip_unreadable=True needs check=True, which finds what is unreadable"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"clips": []}, ManifestError, "there are no pictures to load; give at least one clip"),
        (
            {"labels": ("dog", "dog")},
            ParameterError,
            "labels=('dog', 'dog') must differ; name each class once",
        ),
        (
            {"workers": 0},
            ParameterError,
            "workers=0 must be a positive integer, or None for the machine's own",
        ),
    ],
)
def test_what_cannot_be_loaded(clips: list[Clip], kind, change, error, message) -> None:
    arguments = {"clips": clips, "labels": ("dog", "cat"), "config": CONFIG, **change}
    with pytest.raises(error) as raised:
        kind.load(arguments.pop("clips"), **arguments)
    assert str(raised.value) == message


@pytest.mark.parametrize("kind", KINDS)
def test_every_label_needs_a_class(clips: list[Clip], kind) -> None:
    with pytest.raises(ManifestError) as error:
        kind.load(clips[:3], labels=("dog",), config=CONFIG)
    assert str(error.value) == (
        "these clips have a label that labels does not name (2):\n"
        f"  {clips[1].path}: label 'cat'\n"
        f"  {clips[2].path}: label 'cat'"
    )
