"""The inception block: its branches one by one, and the sizes of GoogLeNet."""

import pytest
import torch
import torch.nn.functional as F

from audiocnn.errors import LawError, ParameterError
from audiocnn.geometry import Geometry
from audiocnn.layers import BatchNorm2d, InceptionBlock

# in_channels, direct, small, large, pooled: Szegedy et al. 2015, table 1
GOOGLENET = {
    "3a": (192, 64, (96, 128), (16, 32), 32),
    "3b": (256, 128, (128, 192), (32, 96), 64),
    "4a": (480, 192, (96, 208), (16, 48), 64),
    "4b": (512, 160, (112, 224), (24, 64), 64),
    "4c": (512, 128, (128, 256), (24, 64), 64),
    "4d": (512, 112, (144, 288), (32, 64), 64),
    "4e": (528, 256, (160, 320), (32, 128), 128),
    "5a": (832, 256, (160, 320), (32, 128), 128),
    "5b": (832, 384, (192, 384), (48, 128), 128),
}


def build(name="3a", **options):
    in_channels, direct, small, large, pooled = GOOGLENET[name]
    return InceptionBlock(in_channels, direct=direct, small=small, large=large, pooled=pooled, **options)


def weights(layer):
    return {"weight": layer.conv.weight, "bias": layer.conv.bias}


@pytest.mark.parametrize("dimensions", [1, 2])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_the_branches(dimensions, padding):
    block = InceptionBlock(
        5, direct=2, small=(3, 4), large=(2, 3), pooled=2, dimensions=dimensions, padding=padding
    ).double()
    conv, pool = (F.conv1d, F.max_pool1d) if dimensions == 1 else (F.conv2d, F.max_pool2d)
    direct, small, large, pooled = block.branches
    x = torch.randn(2, 5, *(9, 11)[-dimensions:], dtype=torch.float64)
    y = torch.cat(
        (
            conv(x, **weights(direct)).relu(),
            conv(conv(x, **weights(small.reduce)).relu(), **weights(small.conv), padding=1).relu(),
            conv(conv(x, **weights(large.reduce)).relu(), **weights(large.conv), padding=2).relu(),
            conv(pool(x, 3, stride=1, padding=1), **weights(pooled.conv)).relu(),
        ),
        dim=1,
    )
    if padding == "valid":  # the same but for what padding reaches, two steps at each end
        y = y[(..., *[slice(2, -2)] * dimensions)]
    torch.testing.assert_close(block(x), y)
    assert block.out_channels == y.shape[1] == 11


def test_worked_number_of_parameters():
    """Branch by branch, with biases: 12,352 + 129,248 + 15,920 + 6,176."""
    branches = [sum(p.numel() for p in branch.parameters()) for branch in build("3a").branches]
    assert branches == [
        192 * 64 + 64,
        (192 * 96 + 96) + (96 * 128 * 9 + 128),
        (192 * 16 + 16) + (16 * 32 * 25 + 32),
        192 * 32 + 32,
    ]
    assert sum(branches) == 163_696


def test_googlenets_blocks_fit_each_other():
    with torch.device("meta"):
        blocks = {name: build(name) for name in GOOGLENET}
    reads = {name: sizes[0] for name, sizes in GOOGLENET.items()}
    for before, after in zip(list(GOOGLENET), list(GOOGLENET)[1:], strict=False):
        assert blocks[before].out_channels == reads[after]
    assert blocks["5b"].out_channels == 1024


def test_norm_takes_the_place_of_biases():
    layer = build(norm=True).branches[0]
    assert [name for name, _ in layer.named_children()] == ["conv", "norm", "relu"]
    assert layer.conv.bias is None


def test_every_norm_has_the_eps():
    norms = [layer for layer in build(norm=True, eps=1e-3).modules() if isinstance(layer, BatchNorm2d)]
    assert [norm.eps for norm in norms] == 6 * [1e-3]


def test_the_longest_branch_sets_the_span():
    assert build().geometry == build().geometry_rows == Geometry(5)
    assert build(padding=("same", "valid")).geometry == Geometry(5)


def test_a_same_block_cannot_stream_and_says_why():
    with pytest.raises(LawError) as error:
        build(padding="same").step(torch.zeros(1, 192, 9, 9))
    assert str(error.value) == (
        "Conv2d at 'branches.1.conv.conv' cannot stream: padding='same' adds steps at both ends of whatever "
        "it is given, so its outputs depend on where a chunk ends; build it with padding='valid', or scan "
        "by windows (audiocnn.layers.Windows)"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"direct": 0}, "direct=0 must be a positive integer"),
        ({"pooled": -1}, "pooled=-1 must be a positive integer"),
        ({"small": (0, 4)}, "small[0]=0 must be a positive integer"),
        ({"large": (2, 0)}, "large[1]=0 must be a positive integer"),
        (
            {"kernel_sizes": ((3, 3), 5), "dimensions": 1},
            "kernel_size=(3, 3) is a pair for rows and time; with dimensions=1 give one value",
        ),
        ({"pool_size": 0}, "kernel_size=0 must be a positive integer"),
        ({"padding": "causal"}, "padding='causal' must be 'valid' or 'same'"),
    ],
)
def test_what_cannot_work_says_what_would(options, message):
    sizes = {"direct": 2, "small": (3, 4), "large": (2, 3), "pooled": 2}
    with pytest.raises(ParameterError) as error:
        InceptionBlock(5, **(sizes | options))
    assert str(error.value) == message
