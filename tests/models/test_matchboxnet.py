"""MatchboxNet: published counts and fields, and the composition of the paper. For NeMo see `convert`."""

import pytest
import torch
import torch.nn.functional as F

from audiocnn.accounting import account, count_parameters
from audiocnn.errors import ParameterError
from audiocnn.models import create

both = pytest.mark.parametrize("padding", ["same", "valid"])


@both
@pytest.mark.parametrize(
    ("name", "parameters", "frames"),
    [("matchboxnet_3x1x64", 77_214, 109), ("matchboxnet_3x2x64", 92_766, 151)],
)
def test_published_counts_and_receptive_fields(name, parameters, frames, padding):
    net = create(name, num_classes=30, padding=padding)
    assert count_parameters(net) == parameters
    assert net.body.time_axis.sees.span == frames


def test_macs_worked_by_hand():
    net = create("matchboxnet_3x1x64", num_classes=30, padding="same")
    separable = [(64, 128, 11), (128, 64, 13), (64, 64, 15), (64, 64, 17), (64, 128, 29)]
    by_frame = sum(a * kernel + a * b for a, b, kernel in separable)
    projections = 128 * 64 + 64 * 64 + 64 * 64
    layers = account(net, (1, 64, 128)).layers
    assert sum(layer.macs for layer in layers) == 128 * (by_frame + projections + 128 * 128) + 128 * 30


@pytest.mark.parametrize("repeats", [1, 2])
def test_it_is_the_composition_of_the_paper(repeats):
    net = create(f"matchboxnet_3x{repeats}x64", num_classes=3, padding="same", input_size=(20, 40))
    net.double().eval()
    for norm in [part for part in net.modules() if hasattr(part, "running_var")]:
        torch.nn.init.uniform_(norm.running_var, 0.001, 0.01)
        torch.nn.init.normal_(norm.running_mean, std=0.1)
    tensors = net.state_dict()

    def norm(y, name):
        mean, variance, weight, bias = (
            tensors[f"{name}.{value}"] for value in ("running_mean", "running_var", "weight", "bias")
        )
        return F.batch_norm(y, mean, variance, weight, bias, eps=1e-3)

    def separable(y, depthwise, pointwise, dilation=1):
        kernel = tensors[f"{depthwise}.weight"]
        around = dilation * (kernel.shape[-1] - 1) // 2
        y = F.conv1d(y, kernel, padding=around, dilation=dilation, groups=len(kernel))
        return F.conv1d(y, tensors[f"{pointwise}.weight"])

    x = torch.randn(2, 1, 20, 40, dtype=torch.float64)
    y = separable(x[:, 0], "body.prologue.conv.depthwise", "body.prologue.conv.pointwise")
    y = norm(y, "body.prologue.norm").relu()
    for i in (1, 2, 3):
        branch, projection = (f"body.block{i}.residual.branches.{j}" for j in (0, 1))
        shortcut = norm(F.conv1d(y, tensors[f"{projection}.conv.weight"]), f"{projection}.norm")
        for repeat in range(1, repeats + 1):
            y = y if repeat == 1 else y.relu()
            y = separable(y, f"{branch}.depthwise{repeat}", f"{branch}.pointwise{repeat}")
            y = norm(y, f"{branch}.norm{repeat}")
        y = (y + shortcut).relu()
    y = separable(y, "body.epilogue.conv.depthwise", "body.epilogue.conv.pointwise", dilation=2)
    y = norm(y, "body.epilogue.norm").relu()
    y = norm(F.conv1d(y, tensors["body.last.conv.weight"]), "body.last.norm").relu()
    expected = y.mean(dim=-1) @ tensors["logits.weight"][..., 0].T + tensors["logits.bias"]
    torch.testing.assert_close(net(x)[..., 0], expected)


def test_a_window_of_one_second_is_too_short_to_scan():
    with pytest.raises(ParameterError) as error:
        create("matchboxnet_3x2x64", num_classes=2, input_size=(40, 98))
    assert str(error.value) == (
        "window=98 frames do not hold the 151 that the net sees; give input_size=(40, 151) or more, or "
        "padding='same'"
    )
