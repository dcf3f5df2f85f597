"""The x-vector's sizes, and the small net of the same family."""

import pytest
import torch

from audiocnn.describe import count_parameters, describe
from audiocnn.geometry import Geometry
from audiocnn.layers import BatchNorm1d, Sequential
from audiocnn.models import create


def up_to_the_embedding(net):
    return Sequential({"body": net.body, "embedding": net.head[:1]})


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_it_is_as_large_as_speechbrains(padding):
    with torch.device("meta"):
        net = create("x_vector", num_classes=12, padding=padding)
    assert (net.rows, net.window) == (24, 300)
    assert count_parameters(up_to_the_embedding(net)) == 4_211_604
    # norms of 512, a layer of 512, the classes
    assert count_parameters(net) - 4_211_604 == 264_704 + 12 * 513


def test_without_the_weights_of_norms_it_is_as_large_as_kaldis():
    """The paper's 4.2 million: contexts of 5, 3, 3, 1 and 1 frames, and 3,000 statistics to 512."""
    kaldi = (24 * 5 + 2 * 512 * 3 + 512) * 512 + 512 * 1500 + 4 * 512 + 1500 + 3001 * 512
    with torch.device("meta"):
        net = up_to_the_embedding(create("x_vector", num_classes=2))
    norms = sum(count_parameters(part) for part in net.modules() if isinstance(part, BatchNorm1d))
    assert count_parameters(net) - norms == kaldi == 4_204_508


def test_it_sees_15_frames():
    with torch.device("meta"):
        for name in ("x_vector", "tdnn"):
            assert create(name, num_classes=2).body.geometry == Geometry(15)
            assert create(name, num_classes=2, padding="same").body.time_axis.sees.span == 15


def test_the_small_one_keeps_what_it_was_saved_with():
    with torch.device("meta"):
        net = create("tdnn", num_classes=12)
    assert count_parameters(net) == 292_364
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    frames = [
        f"body.frame{i}.{part}"
        for i in range(1, 6)
        for part in ("conv.weight", "conv.bias", *(f"norm.{part}" for part in norm))
    ]
    head = ["head.affine.weight", "head.affine.bias", *(f"head.norm.{part}" for part in norm)]
    assert list(net.state_dict()) == [*frames, *head, "logits.weight", "logits.bias"]


@pytest.mark.parametrize(
    ("padding", "logits"),
    [
        ("valid", [0.09462520796661295, 0.09689115478271892]),
        ("same", [0.09462537341304644, 0.09689166420752138]),
    ],
)
@torch.no_grad()
def test_the_small_ones_scores_are_what_they_were(padding, logits):
    """Before it was one of this family, for weights and features that are sines."""
    net = create("tdnn", num_classes=2, padding=padding).double().eval()
    for i, parameter in enumerate(net.parameters(), start=1):
        parameter.copy_(0.3 * sines(i, parameter.shape))
    found = net(sines(0.7, (1, 1, 40, 98))).flatten()
    torch.testing.assert_close(found, torch.tensor(logits, dtype=torch.float64), rtol=1e-12, atol=0.0)


def sines(frequency, shape):
    steps = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return torch.sin(frequency * steps).view(shape)


def test_a_decision_costs_what_its_layers_do():
    per_frame = 5 * 24 * 512 + 2 * 3 * 512 * 512 + 512 * 512 + 512 * 1500
    after = 3000 * 512 + 512 * 512 + 512 * 12
    with torch.device("meta"):
        net = create("x_vector", num_classes=12, padding="same")
        assert describe(net).macs == 300 * per_frame + after
