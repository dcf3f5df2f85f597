"""A word slid through the window: exact for shifts of a stride, and measured between."""

import math

import pytest
import torch
from laws import classifier

from audiocnn.errors import ParameterError
from audiocnn.explain.positions import audit_positions

WORD = 0.2 * torch.randn(8000, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", ["bc_resnet_1", "tc_resnet_8"])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_a_shift_of_a_stride_shifts_the_scores_exactly(name, padding):
    assert audit_positions(classifier(name, padding).eval(), WORD, step_seconds=0.2).stride_error <= 1e-6


def test_every_position_is_scored_as_a_clip_of_its_own():
    net = classifier("tc_resnet_8", "valid").eval()
    audit = audit_positions(net, WORD, step_seconds=0.05)
    assert audit.seconds.tolist() == pytest.approx([0.05 * i for i in range((net.window - 8000) // 800 + 1)])
    for i in (0, 3, len(audit.scores) - 1):
        window = torch.zeros(net.window)
        window[i * 800 :][:8000] = WORD
        torch.testing.assert_close(audit.scores[i], net.score_clips([window])[0], rtol=0, atol=1e-6)
    track = audit.scores[:, 1]
    assert audit.variation("right") == (track.min().item(), track.max().item())
    assert sum(audit.heard(label) for label in net.labels) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("word", "step_seconds", "message"),
    [
        (
            torch.zeros(30000),
            0.01,
            "word of shape (30000,) must be (time,), at most the 23200 samples of the window",
        ),
        (
            torch.zeros(1, 9),
            0.01,
            "word of shape (1, 9) must be (time,), at most the 23200 samples of the window",
        ),
        (
            torch.tensor(0.5),
            0.01,
            "word of shape () must be (time,), at most the 23200 samples of the window",
        ),
        (torch.zeros(9), 0.0, "step_seconds=0.0 must be at least a sample, 1/16000 s, and finite"),
        (torch.zeros(9), math.nan, "step_seconds=nan must be at least a sample, 1/16000 s, and finite"),
    ],
)
def test_what_cannot_be_slid_is_said(word, step_seconds, message):
    with pytest.raises(ParameterError) as error:
        audit_positions(classifier("bc_resnet_1", "valid"), word, step_seconds=step_seconds)
    assert str(error.value) == message


def test_a_label_that_is_not_there_is_said():
    audit = audit_positions(classifier("tc_resnet_8", "valid").eval(), WORD, step_seconds=0.5)
    for ask in (audit.heard, audit.variation):
        with pytest.raises(ParameterError, match="label='up' is not among left, right, other"):
            ask("up")
