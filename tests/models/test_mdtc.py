"""MDTC: counts, fields, causality, and wekws' own way to compute it, by slices."""

import pytest
import torch
import torch.nn.functional as F

from audiocnn.accounting import count_parameters
from audiocnn.layers import BatchNorm1d, Conv1d
from audiocnn.models import create
from audiocnn.models.mdtc import mdtc
from audiocnn.receptive_field import visible_steps


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_counts_are_those_of_the_authors_code(padding):
    assert count_parameters(create("mdtc_small", num_classes=2, padding=padding)) == 34_434
    large = mdtc(num_classes=2, input_size=(80, 200), padding=padding, channels=64, stacks=4)
    assert count_parameters(large) == 155_778


def test_receptive_fields():
    assert create("mdtc_small", num_classes=2, padding="same").body.time_axis.sees.span == 185
    assert create("mdtc_small", num_classes=2, padding="valid").body.geometry.span == 125


@pytest.mark.parametrize(
    ("padding", "dilations", "zeros"), [("same", (1, 2, 4, 8), 184), ("valid", (1, 2, 3, 4), 0)]
)
@pytest.mark.parametrize(
    "rows", [80, 32]
)  # 32 are as many as channels, so that the first block has a shortcut
def test_frames_are_those_of_the_authors_code(rows, padding, dilations, zeros):
    frames = 30 if padding == "same" else 154  # of which 124 are the past of the first decision
    net = create("mdtc_small", num_classes=2, padding=padding, input_size=(rows, frames)).double().eval()
    for norm in [part for part in net.modules() if isinstance(part, BatchNorm1d)]:
        torch.nn.init.normal_(norm.running_mean, std=0.1)
        torch.nn.init.uniform_(norm.running_var, 0.1, 1.0)
    convs = iter([part for part in net.body.modules() if isinstance(part, Conv1d)])
    norms = iter([part for part in net.body.modules() if isinstance(part, BatchNorm1d)])

    def block(x, dilation):
        depthwise, pointwise, conv = next(convs), next(convs), next(convs)
        assert depthwise.kernel_size == (5,) and depthwise.groups == x.shape[1]
        y = F.conv1d(x, depthwise.weight, depthwise.bias, dilation=dilation, groups=x.shape[1])
        y = next(norms)(y)
        y = next(norms)(F.conv1d(y, pointwise.weight, pointwise.bias)).relu()
        y = next(norms)(F.conv1d(y, conv.weight, conv.bias))
        return (y + x[..., 4 * dilation :]).relu() if x.shape[1] == y.shape[1] else y.relu()

    x = torch.randn(2, 1, rows, frames, dtype=torch.float64)
    y, scales = block(F.pad(x[:, 0], (zeros, 0)), 1), []
    for _ in range(3):
        for dilation in dilations:
            y = block(y, dilation)
        scales.append(y)
    assert y.shape[-1] == 30 and next(convs, None) is None
    torch.testing.assert_close(net.body(x), sum(scale[..., -30:] for scale in scales))


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_no_output_sees_the_future(padding):
    body = create("mdtc_small", num_classes=2, padding=padding).body
    sees = visible_steps(body, (1, 80, 130))  # (outputs, steps)
    past = 0 if padding == "same" else 124
    for output in range(len(sees)):
        seen = sees[output].nonzero().flatten()
        assert seen[-1] == output + past  # the newest frame there is


def test_one_stack_has_one_scale():
    net = mdtc(num_classes=2, input_size=(80, 50), channels=8, stacks=1)
    assert net(torch.zeros(1, 1, 80, 50)).shape == (1, 2, 1)
    assert net.body.geometry.span == 1 + 4 + 4 * (1 + 2 + 3 + 4)
