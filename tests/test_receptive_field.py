"""What an output can see, found by experiment, is what the arithmetic of spans and strides says."""

import laws
import pytest
import torch

from audiocnn.errors import ParameterError
from audiocnn.frontends import FrontEnd
from audiocnn.layers import Conv1d, Conv2d, Crop, MaxPool1d, Residual, Sequential
from audiocnn.models import MODELS
from audiocnn.receptive_field import effective_field, gradient_field, visible_steps

# A convolution by FFT smears a NaN over its block; its structure is that of the direct one, as front-ends
# have it in their exportable form.
PROBED = [case for case in laws.LAYERS + laws.FRONT_ENDS if "FFT" not in case.name]


@pytest.mark.parametrize("case", PROBED, ids=str)
def test_a_layer_sees_its_receptive_field(case):
    module = case.module(torch.float64)
    if isinstance(module, FrontEnd):
        module.use("exportable")
    geometry, field, start = module.geometry, module.time_axis.receptive_field, module.time_axis.start
    length = geometry.input_length(3) + geometry.stride - 1
    # ends and neighbours of long fields, all of short ones
    ends = {start + j * field.stride + edge for j in range(3) for edge in (-1, 0, field.size - 1, field.size)}
    steps = range(length) if length < 100 else sorted(step for step in ends if 0 <= step < length)
    visible = visible_steps(module, (*case.axes, length), steps=steps)
    assert visible.shape == (3, len(steps))
    for j, sees in enumerate(visible):
        seen = [step for step, is_seen in zip(steps, sees.tolist(), strict=True) if is_seen]
        first = start + j * field.stride
        assert (seen[0], seen[-1]) == (first, first + field.size - 1)


ROWS = [
    case
    for case in PROBED
    if len(case.axes) > 1 and (rows := case.module(torch.float64).row_axis) and rows.takes is not None
]


@pytest.mark.parametrize("case", ROWS, ids=str)
def test_a_layer_sees_its_rows(case):
    module = case.module(torch.float64)
    length, rows = module.geometry.span, case.axes[-1]
    visible = visible_steps(module, (*case.axes, length), axis=-2)
    field = module.row_axis.receptive_field
    for i, sees in enumerate(visible):
        first = 0 if field is None else module.row_axis.start + i * field.stride
        last = rows - 1 if field is None else first + field.size - 1
        seen = sees.nonzero().flatten().tolist()
        if 0 <= first and last < rows:
            assert (seen[0], seen[-1]) == (first, last)
        else:  # in part padding, of zeros or mirrored rows
            assert first <= seen[0] and seen[-1] <= last


@pytest.mark.parametrize("case", [case for case in PROBED if "MeanRows" in case.name], ids=str)
def test_a_mean_sees_all_rows(case):
    assert visible_steps(case.module(torch.float64), (*case.axes, 1), axis=-2).all()


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("name", MODELS)
def test_the_body_of_a_net_sees_its_receptive_field(name, padding):
    net = laws.net(name, padding)
    body, rows, axis = net.body, net.rows, net.body.time_axis
    if axis.sees is None:  # gates that open by the mean of the whole clip
        assert name.startswith("ecapa") and padding == "same"
        assert visible_steps(body, (1, rows, 40), steps=[0, 39]).all()
        return
    # long enough for an output in the middle that sees no padding
    middle = -(axis.start // axis.sees.stride)
    first = axis.start + middle * axis.sees.stride
    after = first + axis.sees.span
    steps = [step for step in (first - 1, first, after - 1, after) if step >= 0]
    visible = visible_steps(body, (1, rows, after + axis.sees.stride), steps=steps)[middle]
    assert visible.tolist() == [first <= step < after for step in steps]


def test_a_layer_of_plain_waveforms_is_probed_too():
    assert visible_steps(Crop(time=(1, 2)), (5,)).tolist() == [
        [False, True, False, False, False],
        [False, False, True, False, False],
    ]
    assert visible_steps(Crop(time=(1, 2)), (5,), steps=[]).shape == (2, 0)


def test_outputs_are_counted_from_both_ends():
    conv, x = Conv1d(1, 1, 3), torch.zeros(1, 5)
    assert torch.equal(gradient_field(conv, x, output=-3), gradient_field(conv, x, output=0))
    with pytest.raises(ParameterError):
        gradient_field(conv, x, output=-4)
    with pytest.raises(ParameterError):
        gradient_field(conv, x, output=3)


def test_the_field_of_a_single_input_of_noise():
    conv = Conv1d(1, 1, 3)
    expected = conv.weight[0].detach().abs() / conv.weight.abs().sum().item()
    torch.testing.assert_close(effective_field(conv, (1, 3), inputs=1), expected)


def test_nan_passes_what_shuts_a_gradient_out():
    net = Sequential(Conv1d(1, 1, 3), MaxPool1d(2))
    torch.nn.init.ones_(net[0].weight)
    x = torch.tensor([[9.0, 9.0, 9.0, 0.0]])
    assert gradient_field(net, x).tolist() == [[1.0, 1.0, 1.0, 0.0]]
    assert visible_steps(net, (1, 4)).tolist() == [[True] * 4]


def test_the_gradient_of_a_linear_layer_is_its_weight():
    conv = Conv2d(2, 1, (3, 4))
    x = torch.randn(2, 3, 6)
    expected = torch.zeros(2, 3, 6)
    expected[..., 2:6] = conv.weight[0].detach().abs()
    torch.testing.assert_close(gradient_field(conv, x, output=-1), expected)
    assert not x.requires_grad
    assert torch.equal(gradient_field(conv.double(), x, output=-1), expected.double())


def test_the_effective_field_is_narrower_than_what_can_be_seen():
    torch.manual_seed(0)
    net = Sequential(*(Residual(Sequential(Conv1d(8, 8, 3), Conv1d(8, 8, 3))) for _ in range(8)))
    span = net.geometry.span
    field = effective_field(net, (8, span), inputs=4, generator=torch.Generator().manual_seed(0)).sum(dim=0)
    torch.testing.assert_close(field.sum(), torch.tensor(1.0))
    middle = field[span // 4 : span - span // 4].sum()
    assert middle > 0.9  # of 33 steps, 17 hold nearly all
    again = effective_field(net, (8, span), inputs=4, generator=torch.Generator().manual_seed(0)).sum(dim=0)
    assert torch.equal(field, again)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: visible_steps(Conv1d(1, 1, 3), (1, 9), axis=1), "axis=1 must be -1 (time) or -2 (rows)"),
        (
            lambda: visible_steps(Crop(time=(1, 2)), (9,), axis=-2),
            "axis=-2: an input of input_size=(9,) has no rows; use -1",
        ),
        (
            lambda: visible_steps(Conv1d(1, 1, 3), (1, 9), steps=[3, 9]),
            "steps=[3, 9] must be from 0 to 8, the steps of the input",
        ),
        (
            lambda: gradient_field(Conv1d(1, 1, 3), torch.zeros(1, 9), output=7),
            "output=7: the input gives 7 outputs; choose one of those",
        ),
        (
            lambda: effective_field(Conv1d(1, 1, 3), (1, 9), inputs=0),
            "inputs=0 must be a positive number of inputs of noise",
        ),
    ],
)
def test_what_cannot_be_probed(call, message):
    with pytest.raises(ParameterError) as error:
        call()
    assert str(error.value) == message
