"""Radial basis outputs: distances to codes, and the losses of LeNet-5's paper as losses on logits."""

import pytest
import torch
import torch.nn.functional as F

from audiocnn.accounting import account
from audiocnn.errors import ParameterError
from audiocnn.layers import RadialBasis


def test_it_is_minus_the_squared_distance_at_every_place():
    layer = RadialBasis(torch.randn(5, 7, dtype=torch.float64))
    x = torch.randn(2, 7, 3, 4, dtype=torch.float64)
    expected = -torch.cdist(x.movedim(1, -1), layer.codes).square().movedim(-1, 1)
    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(layer(x[:, :, 0]), expected[:, :, 0])


def test_the_nearest_code_has_the_largest():
    codes = torch.randn(6, 20).sign()
    y = RadialBasis(codes)((codes + 0.5 * torch.randn_like(codes))[..., None])
    assert y.squeeze(-1).argmax(dim=1).tolist() == list(range(6))
    on_them = RadialBasis(codes)(codes[..., None]).squeeze(-1)
    differing = (codes[:, None] != codes).sum(dim=-1)
    torch.testing.assert_close(on_them, -4.0 * differing)  # each place that differs is 2 apart


@pytest.mark.parametrize("j", [1.0, 30.0])
def test_the_papers_loss_is_cross_entropy_with_one_more_class(j):
    layer = RadialBasis(torch.randn(4, 3).sign().double())
    x, labels = torch.randn(8, 3, 1, dtype=torch.float64), torch.arange(8) % 4
    penalties = (x - layer.codes.T).square().sum(dim=1)  # (batch, classes): the paper's y
    right = penalties[range(8), labels]
    expected = (right + torch.log(torch.exp(torch.tensor(-j)) + penalties.neg().exp().sum(dim=1))).mean()
    y = layer(x).squeeze(-1)
    with_no_class = torch.cat((y, torch.full((8, 1), -j)), dim=1)
    torch.testing.assert_close(F.cross_entropy(with_no_class, labels), expected)
    if j > 20:
        torch.testing.assert_close(F.cross_entropy(y, labels), expected, rtol=1e-9, atol=1e-9)


def test_softmax_is_the_probability_of_gaussians_around_the_codes():
    codes, x = torch.randn(3, 2, dtype=torch.float64), torch.randn(5, 2, dtype=torch.float64)
    scatter = torch.distributions.Normal(codes, 0.5**0.5)
    likelihood = scatter.log_prob(x[:, None]).sum(dim=-1).exp()
    expected = likelihood / likelihood.sum(dim=1, keepdim=True)
    torch.testing.assert_close(RadialBasis(codes)(x[..., None]).squeeze(-1).softmax(dim=1), expected)


def test_codes_are_saved_and_trained_only_when_asked_for():
    fixed, trained = RadialBasis(torch.ones(2, 3)), RadialBasis(torch.ones(2, 3), trained=True)
    assert list(fixed.parameters()) == []
    assert [name for name, _ in trained.named_parameters()] == ["codes"]
    assert list(fixed.state_dict()) == list(trained.state_dict()) == ["codes"]


def test_gradients_are_right():
    layer = RadialBasis(torch.randn(3, 4, dtype=torch.float64), trained=True)
    x = torch.randn(2, 4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x, codes: torch.func.functional_call(layer, {"codes": codes}, x), (x, layer.codes)
    )


def test_the_accounts():
    (row,) = account(RadialBasis(torch.ones(10, 84)), (84, 1, 1)).layers
    assert (row.output, row.parameters, row.connections, row.macs) == ((10, 1, 1), 0, 840, 840)
    assert account(RadialBasis(torch.ones(10, 84), trained=True), (84, 1, 1)).layers[0].parameters == 840


def test_what_is_printed():
    assert str(RadialBasis(torch.ones(10, 84))) == "RadialBasis(84, 10)"
    assert str(RadialBasis(torch.ones(2, 3), trained=True)) == "RadialBasis(3, 2, trained=True)"


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: RadialBasis(torch.ones(10)),
            "codes has the shape (10,); it must be (classes, features)",
        ),
        (
            lambda: RadialBasis(torch.ones(0, 4)),
            "codes has the shape (0, 4); it must be (classes, features)",
        ),
        (
            lambda: RadialBasis(torch.ones(2, 3))(torch.zeros(1, 4, 5)),
            "RadialBasis with codes of 3 takes (batch, 3, ...), not (1, 4, 5)",
        ),
        (
            lambda: RadialBasis(torch.ones(2, 3))(torch.zeros(1, 3)),
            "RadialBasis with codes of 3 takes (batch, 3, ...), not (1, 3)",
        ),
    ],
)
def test_what_is_refused(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message
