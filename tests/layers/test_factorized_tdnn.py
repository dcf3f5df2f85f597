"""The factorised time-delay layer against its formula, and its constraint in training."""

import pytest
import torch
import torch.nn.functional as F

from audiocnn.errors import ParameterError
from audiocnn.geometry import Geometry
from audiocnn.layers import Conv1d, Dropout1d, FactorizedTDNN, SemiOrthogonalConv1d, Sequential, constrain


def linear_weights(module):
    return [
        part.weight.detach().flatten(1) for part in module.modules() if isinstance(part, SemiOrthogonalConv1d)
    ]


def distance(matrix):
    product = matrix @ matrix.T
    return (product / product.diagonal().mean() - torch.eye(len(matrix))).abs().max().item()


@pytest.mark.parametrize("offset", [0, 1, 3])
def test_the_formula(offset):
    layer = FactorizedTDNN(6, 6, bottleneck=4, offset=offset, dropout=0.3).double().eval()
    branch = layer.residual.branches[0]
    torch.nn.init.uniform_(branch.norm.running_var, 0.5, 2.0)
    x = torch.randn(2, 6, 20, dtype=torch.float64)
    step = max(offset, 1)
    y = F.conv1d(x, branch.linear.weight, dilation=step)
    y = F.conv1d(y, branch.affine.weight, branch.affine.bias, dilation=step).relu()
    y = y / (branch.norm.running_var[:, None] + 1e-5).sqrt()
    torch.testing.assert_close(layer(x), y + 0.66 * x[..., offset : 20 - offset])
    assert layer.geometry == Geometry(2 * offset + 1)


def test_without_a_bypass_channels_may_change():
    layer = FactorizedTDNN(6, 9, bottleneck=4, bypass=0.0)
    assert layer(torch.zeros(2, 6, 20)).shape == (2, 9, 18)


def test_units_are_dropped_only_where_that_is_asked_for():
    def dropped(layer):
        return [part.p for part in layer.modules() if isinstance(part, Dropout1d)]

    assert dropped(FactorizedTDNN(6, 6, bottleneck=4)) == []
    assert dropped(FactorizedTDNN(6, 6, bottleneck=4, dropout=0.3)) == [0.3]


def test_the_factors_have_fewer_weights_than_their_product():
    layer = FactorizedTDNN(1536, 1536, bottleneck=160)  # the size of Povey et al.'s layers
    branch = layer.residual.branches[0]
    factors = branch.linear.weight.numel() + branch.affine.weight.numel()
    assert factors == 2 * 1536 * 160 + 2 * 160 * 1536 == 983_040
    assert Conv1d(1536, 1536, 3, bias=False).weight.numel() == 7_077_888


def train(net, *, steps, constrain_every):
    torch.manual_seed(1)
    target = torch.nn.Conv1d(8, 8, 5)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.05)
    distances, losses = [], []
    for step in range(steps):
        x = torch.randn(16, 8, 20)
        loss = F.mse_loss(net(x), target(x).detach())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if constrain_every and step % constrain_every == 0:
            constrain(net)
        distances.append(max(distance(weight) for weight in linear_weights(net)))
        losses.append(loss.item())
    return distances, losses


def test_training_under_the_constraint_stays_semi_orthogonal_and_learns():
    torch.manual_seed(0)
    net = Sequential(FactorizedTDNN(8, 8, bottleneck=4), FactorizedTDNN(8, 8, bottleneck=4))
    for _ in range(30):
        constrain(net)
    assert max(distance(weight) for weight in linear_weights(net)) < 1e-5
    free = Sequential(FactorizedTDNN(8, 8, bottleneck=4), FactorizedTDNN(8, 8, bottleneck=4))
    free.load_state_dict(net.state_dict())
    held, losses = train(net, steps=200, constrain_every=4)
    drifted, _ = train(free, steps=200, constrain_every=0)
    assert max(held) < 0.1  # 0.065, between two calls
    assert drifted[-1] > 0.3  # 0.41
    assert losses[-1] < 0.5 * losses[0]  # 0.22 of 1.89


def test_a_fixed_scale_is_the_length_of_the_rows():
    torch.manual_seed(0)
    layer = FactorizedTDNN(8, 8, bottleneck=4, scale=2.0)
    for _ in range(30):
        constrain(layer)
    (weight,) = linear_weights(layer)
    torch.testing.assert_close(weight @ weight.T, 4 * torch.eye(4), rtol=0, atol=1e-5)


def test_constraining_touches_nothing_else():
    torch.manual_seed(0)
    net = Sequential(Conv1d(4, 8, 3), FactorizedTDNN(8, 8, bottleneck=4))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    constrain(net)
    changed = [name for name, value in net.state_dict().items() if not torch.equal(value, before[name])]
    assert changed == ["1.residual.branches.0.linear.weight"]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: FactorizedTDNN(6, 9, bottleneck=4),
            "bypass=0.66 adds in_channels=6 to out_channels=9; make them equal, or the bypass 0",
        ),
        (lambda: FactorizedTDNN(6, 6, bottleneck=4, offset=-1), "offset=-1 must be 0 or more frames"),
        (lambda: FactorizedTDNN(6, 6, bottleneck=0), "bottleneck=0 must be a positive integer"),
        (
            lambda: FactorizedTDNN(6, 6, bottleneck=4, scale=-1.0),
            "scale=-1.0 must be positive, or None for a floating one",
        ),
        (
            lambda: FactorizedTDNN(6, 6, bottleneck=4, dropout=1.0),
            "p=1.0 must be a probability: 0 (nothing is dropped) or more, and below 1",
        ),
    ],
)
def test_what_cannot_work_says_what_would(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message
