"""Metrics agree with scikit-learn, with torchmetrics, and with numbers worked by hand."""

import itertools
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.errors import ParameterError
from audiocnn.metrics import (
    ClassResult,
    Interval,
    Intervals,
    accuracy,
    bootstrap_intervals,
    confusion_matrix,
    format_confusion,
    format_per_class,
    log_loss,
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


def test_log_loss_agrees_with_torch_and_has_no_infinity() -> None:
    logits = torch.randn(20, 4, generator=torch.Generator().manual_seed(0))
    targets = torch.arange(20) % 4
    expected = float(torch.nn.functional.cross_entropy(logits, targets))
    assert log_loss(logits.softmax(dim=1), targets) == pytest.approx(expected, rel=1e-5)
    assert log_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([1])) == pytest.approx(30 * np.log(10))


# --- bootstrap_intervals ---


def test_an_interval_worked_by_hand() -> None:
    # Two speakers: one clip, right; three clips, one of them right. Drawn are the first twice, each once, or
    # the second twice, at 1/4, 1/2, 1/4: an accuracy of 1, 2/4 or 1/3. Macro F1: 1, as one class is met;
    # the mean of 2*1/(1+2), 2*1/(3+1) and 0; or of 0, 2*1/(3+1) and 0.
    predicted, targets = torch.tensor([0, 0, 1, 2]), torch.tensor([0, 1, 1, 1])
    assert bootstrap_intervals(predicted, targets, torch.tensor([7, 3, 3, 3]), 4) == Intervals(
        accuracy=Interval(1 / 3, 1.0),
        macro_f1=Interval(pytest.approx(1 / 6), 1.0),
        groups=2,
        resamples=2000,
        seed=0,
    )


def test_clip_by_clip_it_is_the_binomial() -> None:
    right = torch.arange(200) < 180
    interval = bootstrap_intervals(right.long(), torch.ones(200).long(), torch.arange(200), 2).accuracy
    assert interval == pytest.approx(scipy.stats.binom.ppf([0.025, 0.975], 200, 0.9) / 200)


def draw_answers(seed: int, *, clips: int, groups: int) -> tuple[torch.Tensor, ...]:
    """Predicted and true classes, of four, and the group of each clip: groups differ in size and skill."""
    draw = np.random.default_rng(seed)
    group = np.concatenate((np.arange(groups), draw.integers(0, groups, clips - groups)))
    targets = draw.integers(0, 4, clips)
    skill = draw.uniform(0.3, 1.0, groups)[group]
    predicted = np.where(draw.random(clips) < skill, targets, draw.integers(0, 4, clips))
    return torch.tensor(predicted), torch.tensor(targets), torch.tensor(group)


def figures_of(drawn: tuple[int, ...], answers: tuple[torch.Tensor, ...]) -> tuple[float, float]:
    """Accuracy and macro F1 of the clips of some groups, by the functions for all clips."""
    predicted, targets, group = answers
    clips = torch.cat([(group == one).nonzero().flatten() for one in drawn])
    confusion = confusion_matrix(predicted[clips], targets[clips], 4)
    return float(confusion.trace() / confusion.sum()), macro_f1(confusion)


@given(seed=st.integers(0, 2**40))
@settings(max_examples=20, deadline=None)
def test_of_three_groups_it_is_the_range_of_all_27_draws(seed: int) -> None:
    # each draw has a chance of 1/27, which is more than 2.5 %
    answers = draw_answers(seed, clips=12, groups=3)
    all_draws = [figures_of(drawn, answers) for drawn in itertools.product(range(3), repeat=3)]
    found = bootstrap_intervals(*answers, 4, resamples=20000, seed=seed)
    for interval, values in zip(found[:2], zip(*all_draws, strict=True), strict=True):
        if max(values) - min(values) < 1e-9:
            assert interval is None
        else:
            assert interval == pytest.approx((min(values), max(values)))


@pytest.mark.parametrize("figure", [0, 1])
def test_intervals_agree_with_scipy(figure: int) -> None:
    answers = draw_answers(1, clips=400, groups=25)
    theirs = scipy.stats.bootstrap(
        (np.arange(25),),
        lambda drawn: figures_of(tuple(drawn), answers)[figure],
        vectorized=False,
        n_resamples=2000,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    ours = bootstrap_intervals(*answers, 4)[figure]
    # the ends vary by 0.002 from seed to seed
    assert ours == pytest.approx(tuple(theirs.confidence_interval), abs=0.008)


def test_a_seed_repeats_and_neither_order_nor_numbers_of_groups_matter() -> None:
    predicted, targets, group = draw_answers(2, clips=300, groups=30)
    found = bootstrap_intervals(predicted, targets, group, 4, seed=5)
    assert found == bootstrap_intervals(predicted, targets, group, 4, seed=5)
    shuffled = torch.randperm(300, generator=torch.Generator().manual_seed(0))
    assert found == bootstrap_intervals(
        predicted[shuffled], targets[shuffled], 1000 - group[shuffled], 4, seed=5
    )
    other = bootstrap_intervals(predicted, targets, group, 4, seed=6)
    assert found.accuracy is not None and other.accuracy is not None
    assert found.accuracy != other.accuracy
    assert found.accuracy == pytest.approx(other.accuracy, abs=0.01)


def test_clips_that_err_together_make_the_interval_wider() -> None:
    right = (torch.arange(400) % 40) < 36  # one in ten speakers is never understood, or one in ten clips
    answers = (right.long(), torch.ones(400).long())
    widths = {}
    for name, group in {"clip": torch.arange(400), "speaker": torch.arange(400) % 40}.items():
        interval = bootstrap_intervals(*answers, group, 2).accuracy
        assert interval is not None
        widths[name] = interval.high - interval.low
    # ten clips a speaker: as if there were a tenth of them
    assert widths["speaker"] == pytest.approx(10**0.5 * widths["clip"], rel=0.15)


def test_many_draws_are_made_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = draw_answers(3, clips=100, groups=10)
    at_once = bootstrap_intervals(*answers, 4)
    monkeypatch.setattr("audiocnn.metrics._DRAWN_AT_ONCE", 70)
    assert bootstrap_intervals(*answers, 4) == at_once


def test_where_all_draws_agree_there_is_no_interval() -> None:
    targets = torch.tensor([0, 0, 1, 1])
    nothing = Intervals(accuracy=None, macro_f1=None, groups=1, resamples=2000, seed=0)
    assert bootstrap_intervals(torch.tensor([0, 1, 1, 1]), targets, torch.zeros(4).long(), 2) == nothing
    assert bootstrap_intervals(targets, targets, torch.arange(4), 2) == nothing._replace(groups=4)


# --- formats ---


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
        (
            lambda: bootstrap_intervals(TARGETS, TARGETS, TARGETS[:1], 2),
            "groups (1,) and targets (2,) must both be (batch,), of at least one clip",
        ),
        (
            lambda: bootstrap_intervals(TARGETS[:0], TARGETS[:0], TARGETS[:0], 2),
            "groups (0,) and targets (0,) must both be (batch,), of at least one clip",
        ),
        (
            lambda: bootstrap_intervals(TARGETS + 1, TARGETS, TARGETS, 2),
            "predicted holds 2; class indices must be in 0..1",
        ),
        (
            lambda: bootstrap_intervals(TARGETS, TARGETS, TARGETS, 2, resamples=0),
            "resamples=0 must be a positive integer; 2000 is the default",
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
