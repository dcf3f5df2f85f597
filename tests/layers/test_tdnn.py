"""Time-delay layers by their contexts."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.errors import LawError, ParameterError
from audiocnn.geometry import Geometry
from audiocnn.layers import TDNN, Sequential, Splice
from audiocnn.models import create

contexts = st.sets(st.integers(-5, 5), min_size=1, max_size=5).map(lambda offsets: tuple(sorted(offsets)))


def weight_of(layer, offset, context):
    """The matrix that frame t + offset goes through, wherever the layer keeps it."""
    weight, i = layer.conv.weight, context.index(offset)
    if weight.shape[2] == len(context):
        return weight[:, :, i]
    channels = weight.shape[1] // len(context)
    return weight[:, i * channels : (i + 1) * channels, 0]


def by_the_formula(layer, x, context, t):
    """The units at frame t before the norm; frames beyond the ends are zeros."""
    total = layer.conv.bias.clone()
    for offset in context:
        if 0 <= t + offset < x.shape[-1]:
            total += weight_of(layer, offset, context) @ x[0, :, t + offset]
    return total.relu()


@settings(deadline=None)
@given(context=contexts)
def test_a_valid_layer_gives_every_frame_whose_context_there_is(context):
    layer = TDNN(3, 4, context).double().eval()
    layer.norm.eps = 0.0
    x = torch.randn(1, 3, 15, dtype=torch.float64)
    y = layer(x)
    frames = [t for t in range(-15, 30) if t + context[0] >= 0 and t + context[-1] < 15]
    expected = torch.stack([by_the_formula(layer, x, context, t) for t in frames], dim=-1)
    torch.testing.assert_close(y[0], expected)
    assert layer.geometry == Geometry(context[-1] - context[0] + 1)


@settings(deadline=None)
@given(inner=st.sets(st.integers(-3, 3), max_size=4), reach=st.integers(4, 6), length=st.integers(1, 20))
def test_a_same_layer_gives_every_frame_with_zeros_beyond_the_ends(inner, reach, length):
    context = (-reach, *sorted(inner), reach)
    layer = TDNN(3, 4, context, padding="same").double().eval()
    layer.norm.eps = 0.0
    x = torch.randn(1, 3, length, dtype=torch.float64)
    expected = torch.stack([by_the_formula(layer, x, context, t) for t in range(length)], dim=-1)
    torch.testing.assert_close(layer(x)[0], expected)
    field = layer.time_axis.receptive_field
    assert (field.size, field.stride, field.centre) == (2 * reach + 1, 1, 0.0)


@settings(deadline=None)
@given(taps=st.sampled_from([(-2, 0, 2), (-2, -1, 0, 1, 2), (-1, 0, 1)]), length=st.integers(5, 20))
def test_or_the_clip_is_mirrored_beyond_its_ends(taps, length):
    mirrored = TDNN(3, 4, taps, padding="same", padding_mode="reflect").eval()
    valid = TDNN(3, 4, taps).eval()
    valid.load_state_dict(mirrored.state_dict())
    x = torch.randn(2, 3, length)
    reach = taps[-1]
    around = torch.cat((x[..., 1 : reach + 1].flip(-1), x, x[..., -reach - 1 : -1].flip(-1)), dim=-1)
    torch.testing.assert_close(mirrored(x), valid(around))


def test_a_negative_slope_lets_some_of_what_is_negative_through():
    leaky, plain = TDNN(1, 1, (0,), negative_slope=0.1).eval(), TDNN(1, 1, (0,)).eval()
    for layer in (leaky, plain):
        layer.norm.eps = 0.0
        torch.nn.init.ones_(layer.conv.weight)
        torch.nn.init.zeros_(layer.conv.bias)
    x = torch.tensor([[[-2.0, 3.0]]])
    torch.testing.assert_close(leaky(x), torch.tensor([[[-0.2, 3.0]]]))
    torch.testing.assert_close(plain(x), torch.tensor([[[0.0, 3.0]]]))


def test_a_regular_context_is_one_dilated_convolution_and_another_is_spliced():
    assert [name for name, _ in TDNN(3, 4, (-3, 0, 3)).named_children()] == ["conv", "relu", "norm"]
    assert TDNN(3, 4, (-3, 0, 3)).conv.weight.shape == (4, 3, 3)
    assert [name for name, _ in TDNN(3, 4, (-1, 0, 4)).named_children()] == ["splice", "conv", "relu", "norm"]
    assert TDNN(3, 4, (-1, 0, 4)).conv.weight.shape == (4, 9, 1)


def test_an_irregular_context_is_a_regular_one_with_weights_of_zero():
    irregular, regular = TDNN(3, 4, (-1, 0, 2)), TDNN(3, 4, (-1, 0, 1, 2))
    torch.nn.init.zeros_(regular.conv.weight)
    with torch.no_grad():
        for offset in (-1, 0, 2):
            regular.conv.weight[:, :, offset + 1] = weight_of(irregular, offset, (-1, 0, 2))
        regular.conv.bias.copy_(irregular.conv.bias)
    x = torch.randn(2, 3, 12)
    torch.testing.assert_close(irregular.eval()(x), regular.eval()(x))


def test_where_a_valid_context_lies_makes_no_difference():
    past, future = TDNN(3, 4, (-3, 0)).eval(), TDNN(3, 4, (0, 3)).eval()
    future.load_state_dict(past.state_dict())
    x = torch.randn(2, 3, 12)
    assert torch.equal(past(x), future(x))


def test_waibels_net_reads_15_frames_through_windows_of_3_and_5():
    first, second = TDNN(16, 8, (-2, -1, 0)), TDNN(8, 3, (-4, -3, -2, -1, 0))
    x = torch.randn(1, 16, 15)
    assert first(x).shape == (1, 8, 13)
    assert second(first(x)).shape == (1, 3, 9)
    # in the first hidden layer 8 units with 16 x 3 weights and a bias, in the second 3 with 8 x 5
    weights = [sum(p.numel() for p in layer.conv.parameters()) for layer in (first, second)]
    assert weights == [8 * (48 + 1), 3 * (40 + 1)]


def test_an_x_vectors_context_is_15_frames():
    frames = [(-2, -1, 0, 1, 2), (-2, 0, 2), (-3, 0, 3), (0,), (0,)]
    net = Sequential(*(TDNN(8, 8, context) for context in frames))
    assert net.geometry == Geometry(15)
    body = create("tdnn", num_classes=2).body
    assert body.geometry == Geometry(15)
    assert [layer.conv.weight.shape[2] for layer in list(body)[1:]] == [5, 3, 3, 1, 1]


def test_splicing_stacks_rows_too():
    x = torch.randn(2, 3, 5, 9)
    y = Splice((-1, 1))(x)
    assert torch.equal(y, torch.cat((x[..., :-2], x[..., 2:]), dim=1))


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (TDNN(3, 4, (-3, 0, 3), padding="same"), "Conv1d at 'conv'"),
        (TDNN(3, 4, (-3, 0, 1, 3), padding="same"), "Splice at 'splice'"),
        (Splice((-1, 0, 1), padding="same"), "Splice"),
    ],
)
def test_a_same_layer_cannot_stream_and_says_why(layer, name):
    assert layer.geometry is None
    with pytest.raises(LawError) as error:
        layer.step(torch.zeros(1, 3, 9))
    assert str(error.value) == (
        f"{name} cannot stream: padding='same' adds steps at both ends of whatever it is given, so its "
        "outputs depend on where a chunk ends; build it with padding='valid', or scan by windows "
        "(audiocnn.layers.Windows)"
    )


def test_a_same_layer_of_one_frame_is_still_a_scan():
    assert TDNN(3, 4, (0,), padding="same").geometry == Geometry(1)


SLOPE = "slope={} must be at least 0 and below 1; 0.01 is the default"


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: TDNN(3, 4, ()),
            "context=() must be a tuple of distinct integers in ascending order, such as (-1, 0, 1)",
        ),
        (
            lambda: TDNN(3, 4, [-1, 0, 1]),
            "context=[-1, 0, 1] must be a tuple of distinct integers in ascending order, such as (-1, 0, 1)",
        ),
        (
            lambda: TDNN(3, 4, 5),
            "context=5 must be a tuple of distinct integers in ascending order, such as (-1, 0, 1)",
        ),
        (
            lambda: TDNN(3, 4, (0, -1)),
            "context=(0, -1) must be a tuple of distinct integers in ascending order, such as (-1, 0, 1)",
        ),
        (
            lambda: TDNN(3, 4, (0, 0, 1)),
            "context=(0, 0, 1) must be a tuple of distinct integers in ascending order, such as (-1, 0, 1)",
        ),
        (
            lambda: Splice((0, 1.5)),
            "offsets=(0, 1.5) must be a tuple of distinct integers in ascending order, such as (-1, 0, 1)",
        ),
        (
            lambda: TDNN(3, 4, (-3, 0), padding="same"),
            (
                "context=(-3, 0) with padding='same' must reach as far back as ahead, as from -3 to 3; "
                "or use padding='valid'"
            ),
        ),
        (
            lambda: Splice((-1, 0, 4), padding="same"),
            (
                "offsets=(-1, 0, 4) with padding='same' must reach as far back as ahead, as from -4 to 4; "
                "or use padding='valid'"
            ),
        ),
        (
            lambda: TDNN(3, 4, (-3, 0, 1, 3), padding="same", padding_mode="reflect"),
            (
                "context=(-3, 0, 1, 3) with padding_mode='reflect' must be of equal spacing, as (-1, 0, 1); "
                "or use padding_mode='zeros'"
            ),
        ),
        (
            lambda: TDNN(3, 4, (-3, 0, 1, 3), padding="same", padding_mode="circular"),
            "padding_mode='circular' must be 'zeros' or 'reflect'",
        ),
        (lambda: TDNN(3, 4, (0,), negative_slope=-0.1), SLOPE.format(-0.1)),
        (lambda: TDNN(3, 4, (0,), negative_slope=1.0), SLOPE.format(1.0)),
        (lambda: Splice((0, 1), padding="causal"), "padding='causal' must be 'valid' or 'same'"),
        (lambda: TDNN(0, 4, (0, 1)), "in_channels=0 must be a positive integer"),
        (lambda: TDNN(3, -4, (0, 1)), "out_channels=-4 must be a positive integer"),
    ],
)
def test_what_cannot_work_says_what_would(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message


def test_what_is_added_does_not_matter_where_nothing_is():
    uneven = TDNN(3, 4, (-3, 0, 1, 3), padding_mode="reflect")
    assert uneven.geometry.span == 7
