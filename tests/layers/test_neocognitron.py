"""S- and C-cells against their formulas, and what the formulas promise."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.accounting import account
from audiocnn.errors import LawError, ParameterError
from audiocnn.geometry import Geometry
from audiocnn.layers import CLayer, Conv2d, Sequential, SLayer


def s_layer(*arguments, **options):
    """An S-layer with weights as though it had learnt, in float64."""
    layer = SLayer(*arguments, **options).double()
    torch.nn.init.uniform_(layer.a, 0.0, 1.0)
    torch.nn.init.uniform_(layer.b, 0.2, 1.0)
    return layer


def activity(*shape, seed=0):
    """Random activity, none negative."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def places(x, layer):
    """The row and step of each cell, and what it sees."""
    (rows, steps), (down, right) = layer.kernel_size, layer.stride
    top, left = (
        (size - 1) // 2 if how == "same" else 0
        for size, how in zip(layer.kernel_size, layer.padding, strict=True)
    )
    x = F.pad(x, (left, left, top, top))
    for i, y in enumerate(range(0, x.shape[-2] - rows + 1, down)):
        for j, t in enumerate(range(0, x.shape[-1] - steps + 1, right)):
            yield i, j, x[..., y : y + rows, t : t + steps]


FIELDS = [
    {"kernel_size": 3},
    {"kernel_size": (2, 4), "stride": (1, 3), "decay": 0.5},
    {"kernel_size": (3, 5), "padding": ("same", "valid"), "stride": 2, "decay": 1.0},
    {"kernel_size": (5, 3), "padding": "same", "ellipse": True},
]


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_s_cells_are_the_formula(field):
    layer = s_layer(2, 3, selectivity=2.5, **field)
    x = activity(1, 2, 7, 8)
    y = layer(x)[0]
    r, count = 2.5, 0
    for i, j, seen in places(x[0], layer):
        v = (layer.c * seen.square()).sum().sqrt()
        for plane in range(3):
            e = (layer.a[plane] * (layer.c > 0) * seen).sum()
            u = r * torch.relu((1 + e) / (1 + r / (1 + r) * layer.b[plane] * v) - 1)
            torch.testing.assert_close(y[plane, i, j], u)
            count += 1
    assert count == y.numel()
    assert 0 < (y > 0).sum()


@pytest.mark.parametrize("inhibition", [False, True])
@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_c_cells_are_the_formula(field, inhibition):
    layer = CLayer(saturation=0.3, inhibition=inhibition, **field).double()
    x = activity(1, 3, 7, 8)
    y, count = layer(x)[0], 0
    for i, j, seen in places(x[0], layer):
        e = (layer.d * seen).sum(dim=(1, 2))  # (planes,)
        v = e.mean() if inhibition else 0.0
        z = torch.relu((1 + e) / (1 + v) - 1)
        torch.testing.assert_close(y[:, i, j], z / (0.3 + z))
        count += len(e)
    assert count == y.numel()


def test_without_saturation_a_c_cell_is_a_blur():
    x = activity(1, 2, 5, 6)
    expected = F.avg_pool2d(x, 3, stride=2)
    torch.testing.assert_close(CLayer(3, stride=2, decay=1.0, saturation=None).double()(x), expected)


@pytest.mark.parametrize("ellipse", [False, True])
def test_fixed_weights_fall_with_the_distance_and_sum_to_1(ellipse):
    layer, blur = SLayer(4, 2, 5, decay=0.5, ellipse=ellipse), CLayer(5, decay=0.5, ellipse=ellipse)
    torch.testing.assert_close(4 * layer.c, blur.d)  # c is that of each of the four channels
    torch.testing.assert_close(blur.d.sum(), torch.tensor(1.0))
    d = blur.d / blur.d[2, 2]
    torch.testing.assert_close(d[2], torch.tensor([0.25, 0.5, 1.0, 0.5, 0.25]))
    torch.testing.assert_close(d[:, 2], d[2])
    assert d[1, 1].item() == pytest.approx(0.5**2**0.5)
    assert d[0, 0].item() == pytest.approx(0.0 if ellipse else 0.5**8**0.5)


def test_an_ellipse_leaves_out_the_corners():
    inside = torch.tensor([[0, 1, 1, 1, 1, 1, 0], [1] * 7, [0, 1, 1, 1, 1, 1, 0]], dtype=torch.float64)
    assert ((CLayer((3, 7), ellipse=True).d > 0) == inside.bool()).all()
    layer = s_layer(1, 2, (3, 7), ellipse=True)
    x = activity(1, 1, 3, 7).requires_grad_()
    layer(x).sum().backward()
    assert ((x.grad[0, 0] != 0) == inside.bool()).all()
    assert ((layer.a.grad[:, 0] != 0).any(dim=0) == inside.bool()).all()


def test_a_cell_that_has_learnt_is_a_relu_of_the_similarity_above_its_threshold():
    layer = SLayer(2, 1, 3, selectivity=4.0, decay=0.7).double()
    pattern, others = activity(2, 3, 3), activity(200, 2, 3, 3, seed=1)
    others = others ** torch.linspace(0.2, 8.0, 200, dtype=torch.float64).view(
        -1, 1, 1, 1
    )  # alike, and unlike
    layer.reinforce(pattern, plane=0, row=0, step=0, rate=1e9)

    def product(a, b):
        return (layer.c * a * b).sum(dim=(-3, -2, -1))

    similarity = product(pattern, others) / (product(pattern, pattern) * product(others, others)).sqrt()
    assert (similarity < 0.8).any() and (similarity > 0.8).any()
    expected = torch.relu((1 + 4) * similarity - 4)
    torch.testing.assert_close(layer(others).flatten(), expected, rtol=1e-6, atol=1e-6)
    for contrast in (0.1, 1.0, 10.0):
        assert layer(contrast * pattern[None]).item() == pytest.approx(1.0, abs=1e-6)


def test_the_modern_reading_is_a_convolution_with_a_bias_and_a_relu():
    # inputs of one length: what a V-cell gives is then a constant, and inhibition a bias
    layer = s_layer(2, 5, 3, selectivity=3.0)
    layer.b.data.mul_(30.0)
    x = activity(50, 2, 3, 3)
    x = x / layer.mean_power(x)
    h = 3.0 / 4.0 * layer.b
    conv = Conv2d(2, 5, 3).double()
    conv.weight.data = 3.0 * layer.a.data / (1 + h.data).view(-1, 1, 1, 1)
    conv.bias.data = -3.0 * h.data / (1 + h.data)
    y = layer(x)
    torch.testing.assert_close(y, torch.relu(conv(x)))
    assert (y == 0).any() and (y > 0).any()


def test_at_first_every_cell_answers_a_little_and_no_two_planes_alike():
    y = SLayer(1, 6, 3)(torch.ones(1, 1, 3, 3)).flatten()
    assert (y > 0).all() and (y < 0.4).all()
    assert y.unique().numel() == 6


def test_a_c_cell_answers_wherever_the_spot_is_and_most_in_the_middle():
    spots = torch.eye(9).view(9, 1, 3, 3)
    y = CLayer(3)(spots).flatten().view(3, 3)
    assert (y > 0).all()
    assert y.argmax() == 4 and y[0, 1] > y[0, 0]


def test_inhibition_silences_planes_below_the_mean():
    x = torch.tensor([1.0, 2.0, 6.0]).view(1, 3, 1, 1)
    y = CLayer(1, inhibition=True, saturation=None)(x).flatten()
    torch.testing.assert_close(y, torch.tensor([0.0, 0.0, (6.0 - 3.0) / (1.0 + 3.0)]))


@pytest.mark.parametrize("saturation", [0.5, 2.0])
def test_saturation_is_where_a_cell_gives_half(saturation):
    y = CLayer(1, saturation=saturation)(torch.tensor([saturation, 1e6]).view(1, 2, 1, 1)).flatten()
    torch.testing.assert_close(y, torch.tensor([0.5, 1.0]), rtol=1e-5, atol=0.0)


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_gradients_of_s_cells_are_right(field):
    layer = s_layer(2, 2, selectivity=2.0, **field)
    x = (0.1 + activity(2, 2, 5, 6)).requires_grad_()

    def run(x, a, b):
        return torch.func.functional_call(layer, {"a": a, "b": b}, x)

    assert torch.autograd.gradcheck(run, (x, layer.a, layer.b))


@pytest.mark.parametrize(
    "options", [{"saturation": None}, {"inhibition": True}, {"saturation": 0.2}], ids=str
)
@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_gradients_of_c_cells_are_right(field, options):
    layer = CLayer(**field, **options).double()
    assert torch.autograd.gradcheck(layer, (0.1 + activity(2, 3, 5, 6)).requires_grad_())


def test_silence_stays_silent_and_has_finite_gradients():
    layer, blur = s_layer(1, 4, 3), CLayer(3, inhibition=True).double()
    x = torch.zeros(1, 1, 6, 6, dtype=torch.float64, requires_grad=True)
    y = blur(layer(x))
    y.sum().backward()
    assert (y == 0).all()
    assert x.grad.isfinite().all() and layer.a.grad.isfinite().all() and layer.b.grad.isfinite().all()


def test_only_s_cells_learn():
    assert [name for name, _ in SLayer(1, 2, 3).named_parameters()] == ["a", "b"]
    assert list(CLayer(3).parameters()) == []
    assert list(SLayer(1, 2, 3).state_dict()) == ["a", "b"]  # fixed weights follow from the arguments


sizes = st.tuples(st.integers(1, 4), st.integers(1, 4))


@settings(deadline=None)
@given(kernel=sizes, stride=sizes, extra=sizes, ellipse=st.booleans())
@pytest.mark.parametrize("kind", ["S", "C"])
def test_a_window_of_rows_and_steps_gives_its_cell_alone(kind, kernel, stride, extra, ellipse):
    options = {"stride": stride, "ellipse": ellipse}
    layer = (
        s_layer(2, 3, kernel, **options)
        if kind == "S"
        else CLayer(kernel, inhibition=True, **options).double()
    )
    x = activity(1, 2, kernel[0] + extra[0], kernel[1] + extra[1])
    y = layer(x)
    assert layer.geometry_rows == Geometry(kernel[0], stride[0])
    assert layer.geometry == Geometry(kernel[1], stride[1])
    for i, j, seen in places(x, layer):
        torch.testing.assert_close(layer(seen), y[:, :, i : i + 1, j : j + 1], rtol=1e-12, atol=1e-14)


@given(rows=st.integers(1, 9), steps=st.integers(1, 9), stride=st.integers(1, 4))
def test_same_keeps_the_size_over_the_stride_rounded_up(rows, steps, stride):
    y = SLayer(1, 1, (3, 5), stride=stride, padding="same")(torch.zeros(1, 1, rows, steps))
    assert y.shape[2:] == (-(-rows // stride), -(-steps // stride))
    assert CLayer((3, 5), stride=stride, padding="same")(torch.zeros(1, 1, rows, steps)).shape == y.shape


@pytest.mark.parametrize(
    "layer", [SLayer(1, 2, 3, padding="same"), CLayer(3, padding="same")], ids=["S", "C"]
)
def test_same_breaks_the_law_and_says_so(layer):
    assert layer.geometry is None and layer.geometry_rows is None
    with pytest.raises(LawError) as error:
        layer.step(torch.zeros(1, 1, 5, 5))
    assert str(error.value) == (
        f"{type(layer).__name__} cannot stream: padding='same' adds steps at both ends of whatever it is "
        "given, so its outputs depend on where a chunk ends; build it with padding='valid', or scan by "
        "windows (audiocnn.layers.Windows)"
    )


def test_rows_alone_may_be_padded():
    layer = SLayer(1, 2, (3, 4), padding=("same", "valid"))
    assert layer.geometry == Geometry(4) and layer.geometry_rows is None
    assert layer(torch.zeros(1, 1, 6, 9)).shape == (1, 2, 6, 6)


def test_reinforcement_is_hebbs():
    layer = SLayer(2, 3, (2, 3), stride=(1, 2), decay=0.6).double()
    before = layer.a.detach().clone()
    x = activity(2, 5, 9)
    layer.reinforce(x, plane=1, row=3, step=2, rate=7.0)
    seen = x[:, 3:5, 4:7]
    torch.testing.assert_close(layer.a[1], before[1] + 7.0 * layer.c * seen)
    torch.testing.assert_close(layer.a[[0, 2]], before[[0, 2]])
    torch.testing.assert_close(layer.b[1], 7.0 * layer.mean_power(x[None])[0, 0, 3, 2])
    assert (layer.b[[0, 2]] == 0).all()


def test_reinforcement_sees_the_padding():
    layer = SLayer(1, 1, 3, padding="same").double()
    before = layer.a.detach().clone()
    x = activity(1, 4, 4)
    layer.reinforce(x, plane=0, row=0, step=3, rate=1.0)
    torch.testing.assert_close(layer.a[0, 0], before[0, 0] + layer.c * F.pad(x[0, :2, 2:], (0, 1, 1, 0)))


def test_constrained_weights_are_not_negative():
    layer = SLayer(1, 2, 2)
    layer.a.data.fill_(-1.0)
    layer.b.data = torch.tensor([-2.0, 3.0])
    layer.constrain_()
    assert (layer.a == 0).all() and layer.b.tolist() == [0.0, 3.0]


def test_the_accounts():
    x = torch.zeros(2, 3, 6, 7)
    layer, blur = SLayer(3, 5, (2, 4)), CLayer(3, stride=2, ellipse=True)
    y = layer(x)  # (2, 5, 5, 4)
    assert layer.macs(x, y) == 2 * 5 * 4 * (5 * (3 * 2 * 4 + 1) + 2 * 4)
    assert layer.connections(x, y) == 2 * 5 * 5 * 4 * (3 * 2 * 4 + 1)
    z = blur(y)  # (2, 5, 2, 1)
    assert blur.macs(y, z) == 20 * 9
    assert blur.connections(y, z) == 20 * int((blur.d > 0).sum())


def test_a_net_without_memory_is_counted_too():
    counted = account(Sequential(SLayer(3, 5, 4, ellipse=True), CLayer(3)), (3, 7, 8))
    with torch.device("meta"):
        assert account(Sequential(SLayer(3, 5, 4, ellipse=True), CLayer(3)), (3, 7, 8)) == counted


def test_what_is_printed():
    assert str(SLayer(1, 8, 3, padding="same", ellipse=True)) == (
        "SLayer(1, 8, kernel_size=(3, 3), stride=(1, 1), padding=('same', 'same'), ellipse=True, "
        "selectivity=4)"
    )
    assert str(CLayer(2, inhibition=True)) == (
        "CLayer(kernel_size=(2, 2), stride=(1, 1), saturation=1.0, inhibition=True)"
    )


EVEN = (
    "kernel_size=4 is even, and padding='same' would move its field off the centre by half a step; "
    "use 3 or 5, or padding='valid'"
)
DECAY = "decay=0 must be above 0, and at most 1, which weighs all alike"


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SLayer(0, 1, 3), "in_channels=0 must be a positive integer"),
        (lambda: SLayer(1, -1, 3), "planes=-1 must be a positive integer"),
        (lambda: SLayer(1, 1, (3, 0)), "kernel_size=0 must be a positive integer"),
        (lambda: SLayer(1, 1, 3, stride=0), "stride=0 must be a positive integer"),
        (lambda: SLayer(1, 1, 4, padding="same"), EVEN),
        (lambda: SLayer(1, 1, 3, padding="full"), "padding='full' must be 'valid' or 'same'"),
        (lambda: SLayer(1, 1, 3, decay=0), DECAY),
        (
            lambda: SLayer(1, 1, 3, selectivity=0),
            "selectivity=0 must be positive; 4 asks for a similarity above 4/5",
        ),
        (lambda: CLayer(0), "kernel_size=0 must be a positive integer"),
        (lambda: CLayer(3, stride=(1, -2)), "stride=-2 must be a positive integer"),
        (lambda: CLayer((3, 4), padding="same"), EVEN),
        (lambda: CLayer(3, decay=0), DECAY),
        (lambda: CLayer(3, saturation=0), "saturation=0 must be positive, or None for a plain ReLU"),
        (
            lambda: SLayer(2, 1, 3)(torch.zeros(1, 3, 5, 5)),
            "SLayer with in_channels=2 takes (batch, 2, rows, time), not (1, 3, 5, 5)",
        ),
        (
            lambda: SLayer(1, 1, 3)(torch.zeros(1, 1, 2, 5)),
            (
                "input of 2 rows is shorter than the span of SLayer along rows, 3; give more rows, or "
                "padding='same' along them"
            ),
        ),
        (lambda: CLayer(3)(torch.zeros(3, 5, 5)), "CLayer takes (batch, planes, rows, time), not (3, 5, 5)"),
        (
            lambda: CLayer(3)(torch.zeros(1, 1, 5, 2)),
            (
                "input of 2 steps along time is shorter than the span of CLayer, 3; pad the clip once, "
                "before the network"
            ),
        ),
    ],
)
def test_what_cannot_be(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message
