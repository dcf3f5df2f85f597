"""TDNN-F's sizes, its frames against the sums of its definition, and what keeps its factors in shape."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F

from audiocnn.describe import count_parameters
from audiocnn.geometry import Geometry
from audiocnn.layers import BatchNorm1d, SemiOrthogonalConv1d, constrain
from audiocnn.models import MODELS, create

# What Kaldi's recipes print ("Num-parameters"), with how many outputs, and our channels and narrow ones.
KALDI = {
    "tdnn_f": (21_356_836, 6034, 1536, 256),
    "tdnn_f_small": (5_210_944, 2336, 768, 192),
}
narrow = partial(MODELS["tdnn_f_small"], width=1 / 16)


@pytest.mark.parametrize("name", KALDI)
def test_it_is_as_large_as_kaldis(name):
    published, outputs, channels, bottleneck = KALDI[name]
    with torch.device("meta"):
        net = create(name, num_classes=outputs)
    norms = sum(count_parameters(part) for part in net.modules() if isinstance(part, BatchNorm1d))
    speaker = 100 * channels  # i-vectors into the first layer
    second_branch = (bottleneck + 1) * channels + channels * bottleneck + (bottleneck + 1) * outputs
    assert count_parameters(net) - norms + speaker + second_branch == published


@pytest.mark.parametrize(("name", "frames"), [("tdnn_f", 69), ("tdnn_f_small", 57)])
def test_receptive_fields(name, frames):
    with torch.device("meta"):
        assert create(name, num_classes=2).body.geometry == Geometry(frames)
        axis = create(name, num_classes=2, padding="same").body.time_axis
    assert axis.receptive_field.size == frames
    assert axis.receptive_field.centre == 0.0


def test_with_same_padding_the_ends_of_the_clip_are_repeated():
    same, valid = (narrow(num_classes=2, padding=padding).eval() for padding in ("same", "valid"))
    same.load_state_dict(valid.state_dict())
    x = torch.randn(2, 1, 40, 150)
    around = torch.cat((*[x[..., :1]] * 28, x, *[x[..., -1:]] * 28), dim=-1)
    with torch.no_grad():
        torch.testing.assert_close(same.body(x), valid.body(around))


@torch.no_grad()
def test_a_frame_by_the_formula():
    net = narrow(num_classes=2).double().eval()
    layers = net.body.module
    x = torch.randn(1, 1, 40, 57, dtype=torch.float64)

    def norm(layer, y):
        return F.batch_norm(y, layer.running_mean, layer.running_var, layer.weight, layer.bias, eps=layer.eps)

    y = norm(layers.tdnn1.norm, F.conv1d(x[:, 0], layers.tdnn1.conv.weight, layers.tdnn1.conv.bias).relu())
    for i, offset in enumerate((1, 1, 1, 0, *[3] * 8), start=2):
        part = layers.get_submodule(f"tdnnf{i}.residual.branches.0")
        taps = 1 if offset == 0 else 2
        assert part.linear.weight.shape[2] == part.affine.weight.shape[2] == taps
        z = F.conv1d(y, part.linear.weight, dilation=max(1, offset))
        z = F.conv1d(z, part.affine.weight, part.affine.bias, dilation=max(1, offset)).relu()
        y = norm(part.norm, z) + 0.66 * y[..., offset : y.shape[-1] - offset]
    y = F.conv1d(y, layers.linear.weight)
    y = norm(layers.norm, F.conv1d(y, layers.affine.weight, layers.affine.bias).relu())
    y = norm(layers.last_norm, F.conv1d(y, layers.last_linear.weight))
    torch.testing.assert_close(net.body(x), y)


def test_a_decision_is_the_mean_of_those_on_frames():
    net = narrow(num_classes=3).eval()
    x = torch.randn(2, 1, 40, 150)
    with torch.no_grad():
        torch.testing.assert_close(net(x), net.logits(net.body(x)).mean(dim=-1, keepdim=True))


def test_its_narrow_factors_are_kept_semi_orthogonal():
    net = narrow(num_classes=2)
    factors = [part for part in net.modules() if isinstance(part, SemiOrthogonalConv1d)]
    assert len(factors) == 12 + 2
    for _ in range(60):
        constrain(net)
    for factor in factors:
        product = factor.weight.flatten(1) @ factor.weight.flatten(1).T
        assert (product / product[0, 0] - torch.eye(len(product))).abs().max() < 1e-4
