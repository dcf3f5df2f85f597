"""The broadcasted residual block against its formula, and its training against its evaluation's way."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.layers import BatchNorm2d, BroadcastedBlock, Sequential
from audiocnn.layers.broadcasted import broadcasted_sum

BLOCKS = {
    "valid": lambda: BroadcastedBlock(4, 4, dilation=2, bands=2),
    "same": lambda: BroadcastedBlock(4, 4, dilation=2, bands=2, padding="same"),
    "transition": lambda: BroadcastedBlock(2, 4, row_stride=2, bands=2),
    "transition, same": lambda: BroadcastedBlock(2, 4, row_stride=2, bands=2, padding="same"),
}
every_block = pytest.mark.parametrize("name", BLOCKS)


def make(name: str) -> tuple[BroadcastedBlock, Tensor]:
    """A block with random weights and statistics, and an input for it."""
    torch.manual_seed(0)
    block = BLOCKS[name]().double()
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, mean=0.2)
    channels = 2 if "transition" in name else 4
    block(torch.randn(3, channels, 8, 12, dtype=torch.float64))  # moves the averages
    return block, torch.randn(3, channels, 8, 12, dtype=torch.float64)


@every_block
def test_the_formula(name):
    block, x = make(name)
    p = {key.removeprefix("body.").removeprefix("branches.0."): t for key, t in block.state_dict().items()}

    def norm(y, at):
        mean, variance, *affine = (
            p[f"{at}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return F.batch_norm(y, mean, variance, *affine)

    f2 = x
    if "transition" in name:
        f2 = F.relu(norm(F.conv2d(f2, p["expand.weight"]), "expand_norm"))
    stride = (2 if "transition" in name else 1, 1)
    f2 = F.conv2d(f2, p["conv.weight"], stride=stride, padding=(1, 0), groups=4)
    rows = f2.shape[2]
    f2 = norm(f2.view(3, 8, rows // 2, 12), "norm.norm").view(3, 4, rows, 12)
    dilation = 1 if "transition" in name else 2
    crop = 0 if "same" in name else dilation
    f1 = F.conv2d(
        f2.mean(2, keepdim=True),
        p["broadcast.branches.0.conv.weight"],
        dilation=(1, dilation),
        padding=(0, dilation - crop),
        groups=4,
    )
    f1 = F.conv2d(F.silu(norm(f1, "broadcast.branches.0.norm")), p["broadcast.branches.0.project.weight"])
    total = f1 + f2[..., crop : 12 - crop]
    if "transition" not in name:
        total = total + x[..., crop : 12 - crop]
    torch.testing.assert_close(block.eval()(x), F.relu(total))


@every_block
def test_training_gives_what_its_layers_give_one_by_one(name):
    results = []
    for forward in (BroadcastedBlock.forward, Sequential.forward):
        block, x = make(name)
        x.requires_grad_()
        torch.manual_seed(1)  # the same channels are dropped
        y = forward(block.train(), x)
        y.backward(torch.randn(y.shape, dtype=y.dtype))
        results.append([y, x.grad, *(p.grad for p in block.parameters()), *block.buffers()])
    torch.testing.assert_close(*results, rtol=1e-10, atol=1e-10)


@every_block
def test_inference_gives_what_its_layers_give_one_by_one(name):
    block, x = make(name)
    with torch.inference_mode():
        torch.testing.assert_close(block.eval()(x), Sequential.forward(block, x), rtol=1e-10, atol=1e-10)


def test_all_its_layers_can_be_looked_at():
    block, x = make("valid")
    seen = []
    for name, layer in block.named_modules():
        if not list(layer.children()):
            layer.register_forward_hook(lambda *_, name=name: seen.append(name))
    block.eval()(x)
    assert "relu" in seen and "body.crops.1" in seen


@every_block
def test_gradients_of_the_block(name):
    block, x = make(name)
    for part in block.modules():
        if isinstance(part, torch.nn.Dropout2d):
            part.p = 0.0
    x = x[..., :6].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x, *_: block.train()(x), (x, *block.parameters()), fast_mode=True)


def test_its_weights_keep_the_names_that_models_are_saved_with():
    f1 = [
        "branches.0.conv.weight",
        *(f"branches.0.norm.{part}" for part in BatchNorm2d(1).state_dict()),
        "branches.0.project.weight",
    ]
    f2 = ["conv.weight", *(f"norm.norm.{part}" for part in BatchNorm2d(1).state_dict())]
    expand = ["expand.weight", *(f"expand_norm.{part}" for part in BatchNorm2d(1).state_dict())]
    names = f2 + [f"broadcast.{name}" for name in f1]
    assert list(BroadcastedBlock(4, 4).state_dict()) == [f"body.branches.0.{name}" for name in names]
    assert list(BroadcastedBlock(2, 4).state_dict()) == [f"body.{name}" for name in expand + names]


def loops(f1: Tensor, f2: Tensor, x: Tensor | None) -> Tensor:
    left = (f2.shape[-1] - f1.shape[-1]) // 2
    y = torch.empty(*f2.shape[:-1], f1.shape[-1], dtype=f2.dtype)
    for n, c, r, t in torch.cartesian_prod(*map(torch.arange, y.shape)).tolist():
        total = f1[n, c, 0, t] + f2[n, c, r, left + t]
        if x is not None:
            total = total + x[n, c, r, left + t]
        y[n, c, r, t] = max(total, 0)
    return y


@settings(deadline=None, max_examples=25)
@given(rows=st.integers(1, 3), time=st.integers(1, 4), spare=st.integers(0, 3), has_shortcut=st.booleans())
def test_the_sum_and_its_gradients(rows, time, spare, has_shortcut):
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()

    f1, f2 = draw(2, 2, 1, time), draw(2, 2, rows, time + spare)
    x = draw(2, 2, rows, time + spare) if has_shortcut else None
    torch.testing.assert_close(broadcasted_sum(f1, f2, x), loops(f1, f2, x))
    inputs = (f1, f2, x) if has_shortcut else (f1, f2)
    assert torch.autograd.gradcheck(broadcasted_sum, inputs)
    assert torch.autograd.gradgradcheck(broadcasted_sum, inputs)


def test_the_sum_leaves_its_terms_as_they_were():
    f1, f2, x = torch.randn(1, 2, 1, 5), torch.randn(1, 2, 3, 5), torch.randn(1, 2, 3, 5)
    before = [term.clone() for term in (f1, f2, x)]
    broadcasted_sum(f1, f2, x)
    assert all(torch.equal(term, copy) for term, copy in zip((f1, f2, x), before, strict=True))


def test_an_input_that_needs_no_gradient_may_be_the_shortcut():
    block = BroadcastedBlock(4, 4, bands=2)
    block(torch.randn(2, 4, 4, 9)).sum().backward()
    assert all(p.grad is not None for p in block.parameters())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"in_channels": 0}, "in_channels=0 must be a positive integer"),
        ({"bands": 0}, "bands=0 must be a positive integer"),
        ({"dilation": 0}, "dilation=0 must be a positive integer"),
    ],
)
def test_impossible_blocks(arguments, message):
    with pytest.raises(ParameterError) as error:
        BroadcastedBlock(**{"in_channels": 4, "out_channels": 4} | arguments)
    assert str(error.value) == message


@pytest.mark.parametrize("is_training", [True, False])
@pytest.mark.parametrize(
    ("rows", "time", "message"),
    [
        (8, 17, "rows=8 do not divide into 5 bands of frequency; 5 or 10 do"),
        (
            5,
            16,
            (
                "input of 16 steps along time is shorter than the span of BroadcastedBlock, 17; "
                "pad the clip once, before the network"
            ),
        ),
    ],
)
def test_inputs_that_do_not_fit(rows, time, message, is_training):
    block = BroadcastedBlock(4, 4, dilation=8).train(is_training)
    with pytest.raises(ParameterError) as error:
        block(torch.zeros(1, 4, rows, time))
    assert str(error.value) == message
