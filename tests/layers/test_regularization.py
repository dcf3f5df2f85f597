"""Dropout by what is dropped as one, and the semi-orthogonal constraint by what it converges to."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.errors import ParameterError
from audiocnn.layers import Conv1d, Dropout, Dropout1d, Dropout2d, DropPath, Residual, semi_orthogonal_step

# the layer, its input, and the axes along which a number shares its fate with its neighbours
DROPPED_AS_ONE = [
    (Dropout, (50, 4, 5, 6), ()),
    (Dropout1d, (50, 40, 6), (2,)),
    (Dropout2d, (50, 40, 5, 6), (2, 3)),
    (DropPath, (2000, 2, 3), (1, 2)),
    (DropPath, (2000, 2, 3, 2), (1, 2, 3)),
]
every_dropout = pytest.mark.parametrize(("layer", "shape", "axes"), DROPPED_AS_ONE)


@every_dropout
def test_what_is_dropped_is_dropped_as_one_and_the_rest_is_scaled(layer, shape, axes):
    torch.manual_seed(0)
    y = layer(0.25)(torch.ones(shape))
    fates = y[tuple(slice(0, 1) if axis in axes else slice(None) for axis in range(y.dim()))]
    assert torch.equal(y, fates.expand_as(y))
    assert set(fates.unique().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
    dropped = (fates == 0).double().mean().item()
    assert abs(dropped - 0.25) < 4 * (0.25 * 0.75 / fates.numel()) ** 0.5  # four standard deviations


def test_half_is_dropped_by_default():
    assert [layer().p for layer in (Dropout, Dropout1d, Dropout2d)] == [0.5, 0.5, 0.5]


@every_dropout
def test_chance_is_torchs_global_generator(layer, shape, axes):
    x, draws = torch.ones(shape), []
    for seed in (1, 2, 1):
        torch.manual_seed(seed)
        draws.append(layer(0.5)(x))
    assert torch.equal(draws[0], draws[2])
    assert not torch.equal(draws[0], draws[1])


@every_dropout
def test_nothing_is_dropped_in_evaluation_or_with_probability_0(layer, shape, axes):
    x = torch.randn(shape)
    assert torch.equal(layer(0.9).eval()(x), x)
    assert torch.equal(layer(0.0)(x), x)


def test_a_dropped_path_leaves_the_shortcut_alone_and_gets_no_gradient():
    torch.manual_seed(0)
    x = torch.randn(40, 2, 3, requires_grad=True)
    y = Residual(DropPath(0.5))(x)
    y.sum().backward()
    kept = (y != x).flatten(1).any(dim=1)
    assert 0 < kept.sum() < 40
    torch.testing.assert_close(y[kept], 3 * x[kept])
    assert set(x.grad[kept].unique().tolist()) == {3.0}
    assert set(x.grad[~kept].unique().tolist()) == {1.0}


def product(weight):
    """`W W^T`, or of a tall matrix `W^T W`."""
    matrix = weight.detach().flatten(1)
    return matrix @ matrix.T if len(matrix) <= matrix.shape[1] else matrix.T @ matrix


def distance(weight, scale=None):
    """The largest deviation of `W W^T / scale^2` from the identity."""
    p = product(weight)
    squared = scale**2 if scale else p.square().sum() / p.trace()
    return (p / squared - torch.eye(len(p), dtype=p.dtype)).abs().max().item()


@settings(deadline=None, max_examples=40)
@given(
    rows=st.integers(1, 24),
    columns=st.integers(1, 24),
    scale=st.sampled_from([None, 0.3, 1.0, 7.0]),
    size=st.sampled_from([0.01, 1.0, 100.0]),
    seed=st.integers(0, 1000),
)
def test_repeated_steps_make_any_matrix_semi_orthogonal(rows, columns, scale, size, seed):
    generator = torch.Generator().manual_seed(seed)
    weight = size * torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    for _ in range(200):
        semi_orthogonal_step(weight, scale=scale)
    assert distance(weight, scale) < 1e-9


@pytest.mark.parametrize("shape", [(6, 4, 3), (64, 4, 3), (5, 2, 3, 3)])
def test_the_kernel_of_a_convolution_is_read_as_a_matrix(shape):
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.randn(shape, dtype=torch.float64))
    for _ in range(60):
        semi_orthogonal_step(weight, scale=0.5)
    assert weight.shape == shape
    assert distance(weight, 0.5) < 1e-9


def test_a_step_descends_the_papers_objective():
    """With rate 1/8 on `trace(Q Q^T)`, `Q = W W^T - I` (Povey et al. 2018, section 2.1)."""
    torch.manual_seed(0)
    weight = (torch.linalg.qr(torch.randn(9, 5)).Q.T + 0.05 * torch.randn(5, 9)).double().requires_grad_()
    q = weight @ weight.T - torch.eye(5)
    (gradient,) = torch.autograd.grad(q.square().sum(), weight)
    moved = weight.detach().clone()
    semi_orthogonal_step(moved, scale=1.0)
    torch.testing.assert_close(moved, weight.detach() - gradient / 8)


def test_near_the_constraint_the_error_is_squared():
    torch.manual_seed(0)
    weight = torch.linalg.qr(torch.randn(9, 5, dtype=torch.float64)).Q.T + 1e-4 * torch.randn(5, 9)
    before = distance(weight, 1.0)
    semi_orthogonal_step(weight, scale=1.0)
    assert distance(weight, 1.0) < 10 * before**2


@pytest.mark.parametrize("shape", [(5, 9), (9, 5)])
def test_a_floating_step_is_at_right_angles_to_the_matrix(shape):
    torch.manual_seed(0)
    weight = torch.randn(shape, dtype=torch.float64)
    moved = weight.clone()
    semi_orthogonal_step(moved)
    assert abs((weight * (moved - weight)).sum()) < 1e-12
    assert not torch.equal(moved, weight)


@pytest.mark.parametrize("scale", [None, 1.0])
def test_a_matrix_of_zeros_stays_so(scale):
    weight = torch.zeros(3, 4)
    semi_orthogonal_step(weight, scale=scale)
    assert torch.equal(weight, torch.zeros(3, 4))


def test_a_step_records_no_gradient():
    conv = Conv1d(4, 3, 2)
    semi_orthogonal_step(conv.weight)
    assert conv.weight.is_leaf and conv.weight.requires_grad


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: Dropout(1.0),
            "p=1.0 must be a probability: 0 (nothing is dropped) or more, and below 1",
        ),
        (
            lambda: Dropout1d(-0.1),
            "p=-0.1 must be a probability: 0 (nothing is dropped) or more, and below 1",
        ),
        (
            lambda: Dropout2d(20),
            "p=20 must be a probability: 0 (nothing is dropped) or more, and below 1",
        ),
        (
            lambda: DropPath(1.0),
            "p=1.0 must be a probability: 0 (nothing is dropped) or more, and below 1",
        ),
        (
            lambda: semi_orthogonal_step(torch.eye(3), scale=0.0),
            "scale=0.0 must be positive, or None for a floating one",
        ),
        (lambda: semi_orthogonal_step(torch.ones(3)), "weight has shape (3,); a matrix has (out, in)"),
    ],
)
def test_what_cannot_work_says_what_would(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message
