"""Some classes of a set, and few pictures of each."""

from pathlib import Path

import pytest
import torch

from audiocnn.data.picture_corpus import PictureCorpus, PictureFiles
from audiocnn.data.picture_sets import PictureSets, choose_pictures
from audiocnn.errors import ParameterError
from audiocnn.picture import PictureConfig

LABELS = ("ant", "bee", "cat")


def corpus(count):
    """Of each label in turn, the brightness of each picture being its number."""
    pictures = torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1)
    return PictureCorpus(pictures=pictures, targets=torch.arange(count) % 3, labels=LABELS)


def files(count):
    return PictureFiles(
        paths=tuple(Path(str(i)) for i in range(count)),
        targets=torch.arange(count) % 3,
        labels=LABELS,
        config=PictureConfig(rows=1, columns=1),
    )


def numbers(pictures):
    if isinstance(pictures, PictureFiles):
        return [int(path.name) for path in pictures.paths]
    return pictures.pictures.flatten().tolist()


@pytest.mark.parametrize("kind", [corpus, files])
def test_classes_in_the_order_that_is_asked_for(kind):
    chosen = choose_pictures(PictureSets(kind(9), kind(6), kind(3)), labels=["cat", "ant"], seed=0)
    assert [part.labels for part in chosen] == [("cat", "ant")] * 3
    assert [numbers(part) for part in chosen] == [[0, 2, 3, 5, 6, 8], [0, 2, 3, 5], [0, 2]]
    assert chosen.train.targets.tolist() == [1, 0, 1, 0, 1, 0]


@pytest.mark.parametrize("kind", [corpus, files])
def test_few_of_each_class_are_learnt_from_and_all_judged_by(kind):
    sets = PictureSets(kind(60), kind(6), None)
    few, again, other = (choose_pictures(sets, per_class=2, seed=seed) for seed in (0, 0, 1))
    assert few.train.targets.bincount().tolist() == [2, 2, 2]
    assert all(
        number % 3 == target for number, target in zip(numbers(few.train), few.train.targets, strict=True)
    )
    assert numbers(few.train) == sorted(set(numbers(few.train))) == numbers(again.train)
    assert numbers(other.train) != numbers(few.train)
    assert numbers(few.validation) == list(range(6)) and few.test is None


def test_nothing_asked_for_is_all():
    sets = PictureSets(corpus(9), corpus(6), corpus(3))
    assert choose_pictures(sets, seed=0) == sets


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            {"labels": ("ant", "dog", "eel")},
            "labels=('ant', 'dog', 'eel'): there are no pictures of dog, eel; there are of ant, bee, cat",
        ),
        ({"labels": ("ant",)}, "labels=('ant',) must name two classes at least, each once"),
        (
            {"labels": ("ant", "bee", "ant")},
            "labels=('ant', 'bee', 'ant') must name two classes at least, each once",
        ),
        ({"per_class": 4}, "per_class=4: there are 3 pictures of ant to learn from; ask for no more"),
    ],
)
def test_what_is_not_there(asked, message):
    with pytest.raises(ParameterError) as error:
        choose_pictures(PictureSets(corpus(9), corpus(6), None), **asked, seed=0)
    assert str(error.value) == message
