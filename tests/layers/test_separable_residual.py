"""Residual blocks of separable convolutions: compositions, and the sizes of published nets."""

import pytest
import torch
import torch.nn.functional as F

from audiocnn.errors import LawError, ParameterError
from audiocnn.geometry import Geometry
from audiocnn.layers import BatchNorm1d, Dropout, DropPath, InvertedResidual, SeparableResidual


def test_separable_residual_is_the_composition_of_the_paper():
    block = SeparableResidual(4, 6, 5, repeats=2, dilation=2, dropout=0.4, padding="same").double().eval()
    branch, projection = (dict(part.named_children()) for part in block.residual.branches)
    x = torch.randn(2, 4, 30, dtype=torch.float64)
    y = x
    for i in ("1", "2"):
        weight = branch[f"depthwise{i}"].weight
        y = F.conv1d(y, weight, padding=4, dilation=2, groups=len(weight))
        y = branch[f"norm{i}"](F.conv1d(y, branch[f"pointwise{i}"].weight))
        y = y.relu() if i == "1" else y
    expected = (y + projection["norm"](F.conv1d(x, projection["conv"].weight))).relu()
    torch.testing.assert_close(block(x), expected)


def test_every_norm_has_the_eps():
    for eps in (1e-5, 1e-3):
        block = SeparableResidual(4, 6, 5, repeats=2, eps=eps)
        norms = [part.eps for part in block.modules() if isinstance(part, BatchNorm1d)]
        assert norms == [eps] * 3
    assert SeparableResidual(4, 6, 5, dimensions=2, eps=0.1).residual.branches[1].norm.eps == 0.1


def test_published_size_of_matchboxnet_3x1x64():
    """77K parameters with 30 classes: see the paper's tables 1 and 2."""
    blocks = [SeparableResidual(*sizes) for sizes in ((128, 64, 13), (64, 64, 15), (64, 64, 17))]
    others = [64 * 11 + 64 * 128 + 256, 64 * 29 + 64 * 128 + 256, 128 * 128 + 256, 128 * 30 + 30]
    assert sum(p.numel() for block in blocks for p in block.parameters()) + sum(others) == 77_214


@pytest.mark.parametrize(("stride", "out_channels"), [(1, 4), (2, 4), (1, 6)])
def test_inverted_residual_is_the_composition_of_the_paper(stride, out_channels):
    block = InvertedResidual(4, out_channels, expansion=3, stride=stride, padding="same").double().eval()
    has_shortcut = stride == 1 and out_channels == 4
    part = dict((block.residual.branches[0] if has_shortcut else block).named_children())
    x = torch.randn(2, 4, 9, 11, dtype=torch.float64) * 9  # beyond the 6 of ReLU6
    y = F.relu6(part["expand_norm"](F.conv2d(x, part["expand"].weight)))
    y = F.conv2d(y, part["depthwise"].weight, padding=1, stride=stride, groups=12)
    y = F.conv2d(F.relu6(part["norm"](y)), part["project"].weight)
    y = part["project_norm"](y)
    torch.testing.assert_close(block(x), x + y if has_shortcut else y)


def test_published_size_of_mobilenet_v2():
    """3,504,872 parameters in torchvision's count."""
    stages = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )
    before, blocks = 32, []
    for expansion, channels, count, stride in stages:
        for i in range(count):
            blocks.append(InvertedResidual(before, channels, expansion=expansion, stride=1 if i else stride))
            before = channels
    others = [32 * 27 + 64, 320 * 1280 + 2560, 1280 * 1000 + 1000]
    assert sum(p.numel() for block in blocks for p in block.parameters()) + sum(others) == 3_504_872


@pytest.mark.parametrize("expansion", [2, 3])
def test_what_an_expansion_costs(expansion):
    block = InvertedResidual(4, 6, dimensions=1, expansion=expansion)
    middle = 4 * expansion
    weights = 4 * middle + 2 * middle + 3 * middle + 2 * middle + 6 * middle + 2 * 6
    assert sum(p.numel() for p in block.parameters()) == weights


def test_the_first_of_several_convolutions_has_the_stride():
    block = SeparableResidual(4, 6, 5, repeats=3, stride=2)
    assert block.geometry == Geometry(5 + 2 * 4 + 2 * 4, 2)
    assert all(part.p == 0.0 for part in block.modules() if isinstance(part, Dropout))


@pytest.mark.parametrize(("channels", "stride"), [(4, 2), (4, (1, 2)), (4, (2, 1)), (6, 1), (6, (1, 1))])
def test_a_shortcut_needs_equal_channels_and_no_stride(channels, stride):
    assert hasattr(InvertedResidual(4, 4, stride=(1, 1)), "residual")
    assert not hasattr(InvertedResidual(4, channels, stride=stride), "residual")


def test_a_path_is_dropped_where_there_is_a_shortcut():
    torch.manual_seed(0)
    x = torch.randn(30, 4, 20)
    block = InvertedResidual(4, 4, dimensions=1, padding="same", drop_path=0.5).train()
    untouched = (block(x) == x).flatten(1).all(dim=1)
    assert 5 < untouched.sum() < 25
    assert not any(isinstance(part, DropPath) for part in InvertedResidual(4, 4).modules())


@pytest.mark.parametrize(
    ("block", "name"),
    [
        (SeparableResidual(4, 6, 5, padding="same"), "Conv1d at 'residual.branches.0.depthwise1'"),
        (InvertedResidual(4, 6, dimensions=1, padding="same"), "Conv1d at 'depthwise'"),
    ],
)
def test_a_same_block_cannot_stream_and_says_why(block, name):
    with pytest.raises(LawError) as error:
        block.step(torch.zeros(1, 4, 9))
    assert str(error.value).startswith(f"{name} cannot stream: padding='same' adds steps at both ends")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SeparableResidual(4, 6, 5, repeats=0), "repeats=0 must be a positive integer"),
        (lambda: SeparableResidual(4, 6, 0), "kernel_size=0 must be a positive integer"),
        (
            lambda: SeparableResidual(4, 6, (3, 5)),
            "kernel_size=(3, 5) is a pair for rows and time; with dimensions=1 give one value",
        ),
        (
            lambda: SeparableResidual(4, 6, 5, dropout=1.5),
            "p=1.5 must be a probability: 0 (nothing is dropped) or more, and below 1",
        ),
        (lambda: InvertedResidual(4, 6, expansion=0), "expansion=0 must be a positive integer"),
        (
            lambda: InvertedResidual(4, 6, drop_path=1.5),  # a block without a shortcut
            "p=1.5 must be a probability: 0 (nothing is dropped) or more, and below 1",
        ),
        (lambda: InvertedResidual(4, 0), "out_channels=0 must be a positive integer"),
        (
            lambda: InvertedResidual(4, 6, dimensions=0),
            "dimensions=0 must be 1, for (batch, channel, time), or 2, for (batch, channel, rows, time)",
        ),
    ],
)
def test_what_cannot_work_says_what_would(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message
