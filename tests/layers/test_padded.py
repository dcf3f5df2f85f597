"""Zeros once around a scan: what comes out, what is seen, what is refused."""

import pytest
import torch
import torch.nn.functional as F

from audiocnn.errors import LawError, ParameterError
from audiocnn.layers import Conv1d, Conv2d, GlobalMean, Padded, ReLU, Sequential
from audiocnn.receptive_field import visible_steps


def test_zeros_are_added_once_and_not_in_every_layer():
    inner = Sequential(Conv1d(2, 3, 3), ReLU(), Conv1d(3, 2, 4))  # of span 6
    x = torch.randn(2, 2, 9)
    y = Padded(inner, left=3, right=2)(x)
    torch.testing.assert_close(y, inner(F.pad(x, (3, 2))))
    assert y.shape == x.shape
    same = Sequential(Conv1d(2, 3, 3, padding="same"), ReLU(), Conv1d(3, 2, 4, padding="same"))
    same.load_state_dict(inner.state_dict())
    assert not torch.allclose(same(x)[..., 0], y[..., 0])  # a bias on zeros is no zero


@pytest.mark.parametrize(("left", "right"), [(4, 0), (0, 4), (1, 2)])
def test_lengths_and_fields(left, right):
    padded = Padded(Conv1d(1, 1, 5, stride=2), left=left, right=right)
    for steps in (padded.time_axis.takes.span, 20, 21):
        assert padded(torch.zeros(1, 1, steps)).shape[-1] == padded.time_axis.takes.output_length(steps)
    sees = visible_steps(padded, (1, 20))
    for output in range(len(sees)):
        first = padded.time_axis.start + 2 * output
        assert first == 2 * output - left
        assert sees[output].nonzero().flatten().tolist() == [
            step for step in range(first, first + 5) if 0 <= step < 20
        ]


def test_or_the_ends_are_repeated():
    for inner, x in (
        (Conv2d(3, 2, (3, 5)), torch.randn(2, 3, 4, 9)),
        (Conv1d(3, 2, 5), torch.randn(2, 3, 9)),
    ):
        y = Padded(inner, left=3, right=1, mode="repeat")(x)
        around = torch.cat((*[x[..., :1]] * 3, x, x[..., -1:]), dim=-1)
        torch.testing.assert_close(y, inner(around))


def test_a_clip_whose_ends_are_repeated_cannot_be_a_chunk():
    with pytest.raises(LawError) as error:
        Padded(Conv1d(3, 2, 5), left=3, mode="repeat").step(torch.zeros(1, 3, 9))
    assert str(error.value) == (
        "Padded cannot stream: it repeats the ends of whatever it is given, so its outputs depend on where a "
        "chunk ends; use the module inside by itself, or scan by windows (audiocnn.layers.Windows)"
    )


def test_rows_are_those_of_the_module():
    padded = Padded(Conv2d(1, 2, (3, 5)), left=4)
    assert padded.row_axis == Conv2d(1, 2, (3, 5)).row_axis
    assert padded(torch.zeros(1, 1, 7, 10)).shape == (1, 2, 5, 10)


def test_rows_are_padded_too():
    conv, x = Conv2d(2, 3, (5, 4), stride=(3, 2)), torch.randn(2, 2, 9, 11)
    padded = Padded(conv, left=1, right=2, top=2, bottom=1)
    y = padded(x)
    torch.testing.assert_close(y, conv(F.pad(x, (1, 2, 2, 1))))
    assert y.shape[-2:] == (padded.row_axis.takes.output_length(9), padded.time_axis.takes.output_length(11))
    assert (padded.row_axis.start, padded.time_axis.start) == (-2, -1)
    assert padded.geometry is padded.geometry_rows is None
    repeated = Padded(conv, top=2, mode="repeat")(x)
    torch.testing.assert_close(repeated, conv(torch.cat((x[:, :, :1], x[:, :, :1], x), dim=2)))


def test_padded_along_rows_alone_it_is_a_scan_along_time():
    padded = Padded(Conv2d(2, 3, 5, stride=2), top=1, bottom=3)
    assert padded.geometry == padded.module.geometry
    assert padded.geometry_rows is None
    assert padded.row_axis.takes.span == 1


def test_rows_that_are_too_few_with_their_padding():
    with pytest.raises(ParameterError) as error:
        Padded(Conv2d(1, 1, 5), top=1)(torch.zeros(1, 1, 3, 9))
    assert str(error.value) == (
        "input of 3 rows is shorter than the span of Padded along rows, 4; give more rows, or "
        "padding='same' along them"
    )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: Padded(torch.nn.ReLU()),
            (
                "module=ReLU() is no layer that scans; take it from audiocnn.layers, or give "
                "Elementwise(...) of a module that treats every number by itself"
            ),
        ),
        (lambda: Padded(GlobalMean()), "module is a GlobalMean that is no scan; pad one that is"),
        (
            lambda: Padded(Conv1d(1, 1, 5), left=3, right=2),
            "left=3 and right=2 must be 0 or more, and together less than the span, 5",
        ),
        (lambda: Padded(Conv1d(1, 1, 5), mode="reflect"), "mode='reflect' must be 'zeros' or 'repeat'"),
        (
            lambda: Padded(Conv1d(1, 1, 5), left=-1),
            "left=-1 and right=0 must be 0 or more, and together less than the span, 5",
        ),
        (
            lambda: Padded(Conv2d(1, 1, 5), top=3, bottom=2),
            "top=3 and bottom=2 must be 0 or more, and together less than the span along rows, 5",
        ),
        (
            lambda: Padded(Conv1d(1, 1, 5), bottom=1),
            "module is a Conv1d that is no scan along rows; pad one that is",
        ),
        (
            lambda: Padded(Conv2d(1, 1, 5, padding=("same", "valid")), top=1),
            "module is a Conv2d that is no scan along rows; pad one that is",
        ),
    ],
)
def test_what_cannot_be_padded(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message
