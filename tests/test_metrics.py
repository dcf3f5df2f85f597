"""Metrics agree with scikit-learn, with torchmetrics, and with numbers worked by hand."""

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.errors import ParameterError
from audiocnn.metrics import (
    ClassResult,
    accuracy,
    confusion_matrix,
    format_confusion,
    format_per_class,
    macro_f1,
    per_class,
    top_k_accuracy,
)

# Three classes, ten clips. Class 0: 3 of 5 found; class 1: 4 of 5; class 2 neither occurs nor is guessed
# right, but is guessed once.
WORKED = torch.tensor([[3, 1, 1], [1, 4, 0], [0, 0, 0]])

answers = st.integers(2, 6).flatmap(
    lambda classes: st.tuples(
        st.just(classes),
        st.lists(
            st.tuples(st.integers(0, classes - 1), st.integers(0, classes - 1)), min_size=1, max_size=40
        ),
    )
)


def columns(pairs: list[tuple[int, int]]) -> tuple[torch.Tensor, torch.Tensor]:
    predicted, targets = zip(*pairs, strict=True)
    return torch.tensor(predicted), torch.tensor(targets)


def test_worked_numbers() -> None:
    first, second, third = per_class(WORKED)
    assert first == pytest.approx((3 / 4, 3 / 5, 2 / 3, 5))
    assert second == pytest.approx((4 / 5, 4 / 5, 4 / 5, 5))
    assert third == ClassResult(precision=0.0, recall=0.0, f1=0.0, support=0)
    assert macro_f1(WORKED) == pytest.approx((2 / 3 + 4 / 5 + 0) / 3)


def test_a_class_that_neither_occurs_nor_is_predicted_does_not_lower_the_mean() -> None:
    assert macro_f1(torch.tensor([[2, 0, 0], [0, 3, 0], [0, 0, 0]])) == 1.0


@given(answers=answers)
@settings(max_examples=60, deadline=None)
def test_confusion_and_what_follows_agree_with_scikit_learn(
    answers: tuple[int, list[tuple[int, int]]],
) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    classes, pairs = answers
    predicted, targets = columns(pairs)
    confusion = confusion_matrix(predicted, targets, classes)
    names = list(range(classes))
    assert confusion.tolist() == metrics.confusion_matrix(targets, predicted, labels=names).tolist()
    theirs = metrics.precision_recall_fscore_support(targets, predicted, labels=names, zero_division=0)
    for ours, *expected in zip(per_class(confusion), *theirs, strict=True):
        assert ours == pytest.approx(tuple(expected))
    assert macro_f1(confusion) == pytest.approx(
        metrics.f1_score(targets, predicted, average="macro", zero_division=0)
    )


@given(classes=st.integers(2, 6), batch=st.integers(1, 30), seed=st.integers(0, 2**40), data=st.data())
@settings(max_examples=40, deadline=None)
def test_accuracy_agrees_with_torchmetrics(classes: int, batch: int, seed: int, data: st.DataObject) -> None:
    from torchmetrics.functional.classification import multiclass_accuracy

    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand(batch, classes, dtype=torch.float64, generator=generator)
    targets = torch.randint(classes, (batch,), generator=generator)
    k = data.draw(st.integers(1, classes - 1))
    assert top_k_accuracy(scores, targets, k) == pytest.approx(
        float(multiclass_accuracy(scores, targets, classes, average="micro", top_k=k)), abs=1e-6
    )
    assert top_k_accuracy(scores, targets, 1) == accuracy(scores, targets)
    assert top_k_accuracy(scores, targets, classes) == 1.0
    confusion = confusion_matrix(scores.argmax(dim=1), targets, classes)
    assert accuracy(scores, targets) == pytest.approx(int(confusion.trace()) / batch)


def test_the_whole_matrix_is_shown_for_few_classes() -> None:
    assert format_confusion(
        torch.tensor([[9, 1, 0], [0, 10, 0], [120, 0, 7]]), ["no", "yes", "a long label"]
    ) == (
        "true \\ predicted   a   b   c\n"
        "a no               9   1   .\n"
        "b yes              .  10   .\n"
        "c a long label   120   .   7"
    )


def test_a_table_of_twenty_classes_fits_a_terminal() -> None:
    labels = [f"label{i}" for i in range(20)]
    lines = format_confusion(torch.full((20, 20), 100), labels).split("\n")
    assert len(lines) == 21
    assert {len(line) for line in lines} == {96}
    assert lines[0].split()[-1] == "t"
    assert lines[20].startswith("t label19")


def test_for_many_classes_the_most_confused_pairs_are_listed() -> None:
    confusion = 10 * torch.eye(21, dtype=torch.int64)
    confusion[3, 4] = 2
    confusion[20, 0] = 5
    assert format_confusion(confusion, [f"word{i}" for i in range(21)]) == (
        "7 of 217 clips were taken for another class, in 2 pairs of classes\n"
        "word20 taken for word0: 5 of 15\n"
        " word3 taken for word4: 2 of 12"
    )


def test_a_long_list_of_pairs_is_cut_and_a_perfect_one_is_empty() -> None:
    labels = [f"word{i}" for i in range(21)]
    lines = format_confusion(torch.ones(21, 21, dtype=torch.int64), labels).split("\n")
    assert lines[0] == "420 of 441 clips were taken for another class, in 420 pairs of classes"
    assert lines[1] == "word0 taken for word1: 1 of 21"
    assert lines[20:] == ["word0 taken for word20: 1 of 21", "... and 400 more"]
    assert format_confusion(torch.eye(21, dtype=torch.int64), labels) == (
        "0 of 21 clips were taken for another class, in 0 pairs of classes"
    )


def test_per_class_table() -> None:
    assert format_per_class(WORKED, ["a", "b", "c"]) == (
        "label  precision  recall     f1  support\n"
        "a          0.750   0.600  0.667        5\n"
        "b          0.800   0.800  0.800        5\n"
        "c          0.000   0.000  0.000        0"
    )


SCORES = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
TARGETS = torch.tensor([0, 1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: accuracy(SCORES, torch.tensor([0])),
            "scores (2, 2) and targets (1,) must be (batch, num_classes) and (batch,)",
        ),
        (lambda: accuracy(SCORES[:0], TARGETS[:0]), "scores is empty; give at least one clip"),
        (
            lambda: accuracy(SCORES / 0 * 0, TARGETS),
            "scores hold NaN; look for it in the network or its input",
        ),
        (
            lambda: accuracy(SCORES, torch.tensor([0, 2])),
            "targets holds 2; class indices must be in 0..1",
        ),
        (lambda: top_k_accuracy(SCORES, TARGETS, 3), "k=3 must be from 1 to the 2 classes"),
        (lambda: top_k_accuracy(SCORES, TARGETS, 0), "k=0 must be from 1 to the 2 classes"),
        (
            lambda: confusion_matrix(TARGETS, TARGETS[:1], 2),
            "predicted (2,) and targets (1,) must both be (batch,)",
        ),
        (
            lambda: confusion_matrix(TARGETS - 1, TARGETS, 2),
            "predicted holds -1; class indices must be in 0..1",
        ),
        (
            lambda: per_class(torch.ones(2, 3)),
            "confusion (2, 3) must be (true, predicted), as confusion_matrix gives",
        ),
        (lambda: macro_f1(torch.zeros(2, 2)), "confusion holds no counts; give that of at least one clip"),
        (
            lambda: format_confusion(WORKED, ["a"]),
            "labels names 1 classes, confusion has 3; they must match",
        ),
        (
            lambda: format_per_class(WORKED, ["a"]),
            "labels names 1 classes, confusion has 3; they must match",
        ),
    ],
)
def test_what_cannot_be_measured(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ParameterError, match=f"^{re.escape(message)}$"):
        call()


def test_loading_the_module_does_not_load_torchmetrics() -> None:
    code = "import sys, audiocnn.metrics; sys.exit('torchmetrics' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
