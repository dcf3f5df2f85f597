"""Residual blocks against plain functional compositions, and the sizes of published nets."""

import pytest
import torch
import torch.nn.functional as F

from audiocnn.errors import LawError, ParameterError
from audiocnn.geometry import Geometry
from audiocnn.layers import (
    BasicBlock,
    BottleneckBlock,
    DropPath,
    PreActivationBlock,
    ScaledIdentity,
    TemporalBlock,
    ZeroPaddedShortcut,
)
from audiocnn.layers.shortcut import build_shortcut


def evaluated(block):
    """In float64 and in evaluation, with random statistics."""
    for part in block.modules():
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
            torch.nn.init.normal_(part.running_mean)
            torch.nn.init.uniform_(part.running_var, 0.5, 2.0)
            torch.nn.init.uniform_(part.weight, 0.5, 1.5)
            torch.nn.init.normal_(part.bias)
    return block.double().eval()


class Plain:
    """The weights of a block, and the functions to compose what it should give."""

    def __init__(self, block):
        self.weights = {
            key.replace("residual.branches.0.", "").replace("residual.branches.1.", "shortcut."): value
            for key, value in block.state_dict().items()
        }

    def conv(self, name, x, **options):
        function = F.conv1d if x.dim() == 3 else F.conv2d
        return function(x, self.weights[f"{name}.weight"], **options)

    def norm(self, name, x):
        keys = ("running_mean", "running_var", "weight", "bias")
        return F.batch_norm(x, *(self.weights[f"{name}.{key}"] for key in keys))


def centre(x, crop, axes):
    """Leave out `crop` at both ends of the last `axes` axes."""
    for axis in range(1, axes + 1):
        x = x.narrow(-axis, crop, x.shape[-axis] - 2 * crop)
    return x


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("dimensions", [1, 2])
@pytest.mark.parametrize(("out_channels", "stride"), [(4, 1), (6, 1), (6, 2)])
def test_basic_block(dimensions, out_channels, stride, padding):
    block = evaluated(BasicBlock(4, out_channels, dimensions=dimensions, stride=stride, padding=padding))
    plain = Plain(block)
    x = torch.randn(2, 4, *(15, 17)[-dimensions:], dtype=torch.float64)
    zeros = 1 if padding == "same" else 0
    y = plain.norm("norm1", plain.conv("conv1", x, stride=stride, padding=zeros)).relu()
    y = plain.norm("norm2", plain.conv("conv2", y, padding=zeros))
    # valid: the first convolution leaves one step at each end, the second as many as its stride
    other = x if padding == "same" else centre(x, 1 + stride, dimensions)
    if out_channels != 4:
        other = plain.norm("shortcut.norm", plain.conv("shortcut.conv", other, stride=stride))
    other = other[(..., *(slice(0, length) for length in y.shape[2:]))]
    torch.testing.assert_close(block(x), (y + other).relu())


@pytest.mark.parametrize("dimensions", [1, 2])
def test_basic_block_with_zeros_for_new_channels(dimensions):
    block = evaluated(BasicBlock(4, 6, dimensions=dimensions, stride=2, padding="same", shortcut="zeros"))
    plain = Plain(block)
    x = torch.randn(2, 4, *(15, 17)[-dimensions:], dtype=torch.float64)
    y = plain.norm("norm1", plain.conv("conv1", x, stride=2, padding=1)).relu()
    y = plain.norm("norm2", plain.conv("conv2", y, padding=1))
    y[:, :4] += x[(..., *[slice(None, None, 2)] * dimensions)]
    torch.testing.assert_close(block(x), y.relu())
    assert not any(key.startswith("shortcut") for key in plain.weights)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("dimensions", [1, 2])
@pytest.mark.parametrize(("stride_on", "strides"), [("middle", (1, 2)), ("first", (2, 1))])
def test_bottleneck_block(dimensions, stride_on, strides, padding):
    block = evaluated(
        BottleneckBlock(
            4, 16, dimensions=dimensions, stride=2, stride_on=stride_on, groups=2, padding=padding
        )
    )
    plain = Plain(block)
    x = torch.randn(2, 4, *(15, 17)[-dimensions:], dtype=torch.float64)
    zeros = 1 if padding == "same" else 0
    y = plain.norm("norm1", plain.conv("conv1", x, stride=strides[0])).relu()
    y = plain.norm("norm2", plain.conv("conv2", y, stride=strides[1], padding=zeros, groups=2)).relu()
    y = plain.norm("norm3", plain.conv("conv3", y))
    other = x if padding == "same" else centre(x, strides[0], dimensions)
    other = plain.norm("shortcut.norm", plain.conv("shortcut.conv", other, stride=2))
    torch.testing.assert_close(block(x), (y + other).relu())
    assert plain.weights["conv1.weight"].shape[:2] == (4, 4)  # 16 / 4 channels in the middle


@pytest.mark.parametrize("dimensions", [1, 2])
def test_pre_activation_block(dimensions):
    block = evaluated(PreActivationBlock(4, 4, dimensions=dimensions))
    plain = Plain(block)
    x = torch.randn(2, 4, *(15, 17)[-dimensions:], dtype=torch.float64)
    y = plain.conv("conv1", plain.norm("norm1", x).relu())
    y = plain.conv("conv2", plain.norm("norm2", y).relu())
    torch.testing.assert_close(block(x), y + centre(x, 2, dimensions))


@pytest.mark.parametrize("dimensions", [1, 2])
def test_pre_activation_block_that_changes_channels_forks_behind_the_first_relu(dimensions):
    block = evaluated(PreActivationBlock(4, 8, dimensions=dimensions, stride=2, padding="same", expansion=4))
    plain = Plain(block)
    x = torch.randn(2, 4, *(15, 17)[-dimensions:], dtype=torch.float64)
    shared = plain.norm("norm1", x).relu()
    y = plain.norm("norm2", plain.conv("conv1", shared)).relu()
    y = plain.norm("norm3", plain.conv("conv2", y, stride=2, padding=1)).relu()
    torch.testing.assert_close(
        block(x), plain.conv("conv3", y) + plain.conv("shortcut.conv", shared, stride=2)
    )


@pytest.mark.parametrize("dimensions", [1, 2])
def test_the_first_pre_activation_block_forks_behind_its_relu_too(dimensions):
    block = evaluated(PreActivationBlock(4, 4, dimensions=dimensions, activate_before_fork=True))
    plain = Plain(block)
    x = torch.randn(2, 4, *(15, 17)[-dimensions:], dtype=torch.float64)
    shared = plain.norm("norm1", x).relu()
    y = plain.norm("norm2", plain.conv("conv1", shared)).relu()
    torch.testing.assert_close(block(x), plain.conv("conv2", y) + centre(shared, 2, dimensions))


@pytest.mark.parametrize(("out_channels", "stride"), [(6, 2), (6, 1), (4, 2), (4, 1)])
def test_temporal_block(out_channels, stride):
    block = evaluated(TemporalBlock(4, out_channels, 5, stride=stride, padding="same"))
    plain = Plain(block)
    x = torch.randn(2, 4, 17, dtype=torch.float64)
    y = plain.norm("norm1", plain.conv("conv1", x, stride=stride, padding=2)).relu()
    y = plain.norm("norm2", plain.conv("conv2", y, padding=2))
    other = x
    if (out_channels, stride) != (4, 1):
        other = plain.norm("shortcut.norm", plain.conv("shortcut.conv", x, stride=stride)).relu()
    torch.testing.assert_close(block(x), (y + other).relu())


@pytest.mark.parametrize(
    "build",
    [
        lambda **sizes: BasicBlock(4, 6, stride=2, **sizes),
        lambda **sizes: BottleneckBlock(4, 8, dilation=2, **sizes),
        lambda **sizes: PreActivationBlock(4, 4, **sizes),
    ],
)
def test_a_block_in_1d_is_the_block_in_2d_on_one_row(build):
    flat = evaluated(build(dimensions=1, kernel_size=3, padding="same"))
    deep = build(dimensions=2, kernel_size=(1, 3), padding="same").double().eval()
    state = {key: value for key, value in flat.state_dict().items()}
    deep.load_state_dict(
        {key: value[:, :, None] if value.dim() == 3 else value for key, value in state.items()}
    )
    x = torch.randn(2, 4, 20, dtype=torch.float64)
    torch.testing.assert_close(deep(x[:, :, None])[:, :, 0], flat(x))


def stages(block, blocks, widths, **options):
    """The blocks of a net: stages of so many, each but the first halving the map."""
    before, made = 64, []
    for stage, (count, width) in enumerate(zip(blocks, widths, strict=True)):
        for i in range(count):
            made.append(block(before, width, stride=2 if stage and not i else 1, **options))
            before = width
    return made


@pytest.mark.parametrize(
    ("block", "blocks", "widths", "options", "published"),
    [
        # torchvision's counts; the paper's are rounded
        (BasicBlock, (2, 2, 2, 2), (64, 128, 256, 512), {}, 11_689_512),  # ResNet-18
        (BasicBlock, (3, 4, 6, 3), (64, 128, 256, 512), {}, 21_797_672),  # ResNet-34
        (BottleneckBlock, (3, 4, 6, 3), (256, 512, 1024, 2048), {}, 25_557_032),  # ResNet-50
        (
            BottleneckBlock,
            (3, 4, 6, 3),
            (256, 512, 1024, 2048),
            {"expansion": 2, "groups": 32},
            25_028_904,  # ResNeXt-50 32x4d
        ),
        (
            BottleneckBlock,
            (3, 4, 6, 3),
            (256, 512, 1024, 2048),
            {"expansion": 2},
            68_883_240,  # wide ResNet-50-2
        ),
    ],
)
def test_published_sizes_of_imagenet_nets(block, blocks, widths, options, published):
    with torch.device("meta"):  # no memory is taken
        made = stages(block, blocks, widths, padding="same", **options)
    stem, head = 64 * 3 * 7 * 7 + 2 * 64, widths[-1] * 1000 + 1000
    assert stem + sum(p.numel() for part in made for p in part.parameters()) + head == published


def test_published_size_of_the_cifar_net_with_shortcuts_of_zeros():
    made = [BasicBlock(16, 16, padding="same") for _ in range(3)]
    for before, width in ((16, 32), (32, 64)):
        made.append(BasicBlock(before, width, stride=2, padding="same", shortcut="zeros"))
        made += [BasicBlock(width, width, padding="same") for _ in range(2)]
    count = 16 * 3 * 9 + 32 + sum(p.numel() for block in made for p in block.parameters()) + 64 * 10 + 10
    assert count == 269_722  # ResNet-20, "0.27M"


@pytest.mark.parametrize("block", [BasicBlock, BottleneckBlock, PreActivationBlock])
def test_paths_are_dropped_where_that_is_asked_for(block):
    def dropped(made):
        return [part.p for part in made.modules() if isinstance(part, DropPath)]

    assert dropped(block(4, 8)) == []
    assert dropped(block(4, 8, drop_path=0.25)) == [0.25]


@pytest.mark.parametrize("block", [BasicBlock, BottleneckBlock, PreActivationBlock])
def test_blocks_are_by_default_of_two_dimensions_and_stride_1(block):
    made = block(4, 8)
    span = 3 if block is BottleneckBlock else 5
    assert made.geometry == made.geometry_rows == Geometry(span)
    assert TemporalBlock(4, 8, 3).geometry == Geometry(5)


def test_a_dropped_path_leaves_the_shortcut():
    torch.manual_seed(0)
    block = PreActivationBlock(4, 4, dimensions=1, padding="same", drop_path=0.5).train()
    x = torch.randn(30, 4, 20)
    untouched = (block(x) == x).flatten(1).all(dim=1)
    assert 5 < untouched.sum() < 25
    assert not (block.eval()(x) == x).flatten(1).all(dim=1).any()


def test_shortcuts():
    x = torch.arange(12.0).view(1, 2, 2, 3)
    y = ZeroPaddedShortcut(2, 3, stride=(1, 2))(x)
    assert torch.equal(y[:, :2], x[..., ::2])
    assert torch.equal(y[:, 2:], torch.zeros(1, 1, 2, 2))
    assert torch.equal(ZeroPaddedShortcut(2, 3)(x)[:, :2], x)
    assert torch.equal(ScaledIdentity(0.5)(x), x / 2)


@pytest.mark.parametrize("kind", ["projection", "zeros"])
def test_a_shortcut_has_layers_only_where_something_changes(kind):
    assert build_shortcut(kind, 2, 4, 4) is None
    assert build_shortcut(kind, 2, 4, 4, stride=(1, 1)) is None
    x = torch.zeros(1, 4, 6, 8)
    for stride in (1, 2, (1, 2), (2, 1)):
        rows, time = (stride, stride) if isinstance(stride, int) else stride
        assert build_shortcut(kind, 2, 4, 6, stride=stride)(x).shape == (1, 6, 6 // rows, 8 // time)
        if stride != 1:
            assert build_shortcut(kind, 2, 4, 4, stride=stride)(x).shape == (1, 4, 6 // rows, 8 // time)


@pytest.mark.parametrize("dimensions", [1, 2])
@pytest.mark.parametrize("block", [BasicBlock, BottleneckBlock, PreActivationBlock])
def test_a_same_block_cannot_stream_and_says_why(block, dimensions):
    made = block(8, 8, dimensions=dimensions, padding="same")
    with pytest.raises(LawError) as error:
        made.step(torch.zeros(1, 8, *(9, 9)[-dimensions:]))
    strided = "conv2" if block is BottleneckBlock else "conv1"
    assert str(error.value) == (
        f"Conv{dimensions}d at 'residual.branches.0.{strided}' cannot stream: padding='same' adds steps at "
        "both ends of whatever it is given, so its outputs depend on where a chunk ends; build it with "
        "padding='valid', or scan by windows (audiocnn.layers.Windows)"
    )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: BasicBlock(4, 4, dimensions=3),
            "dimensions=3 must be 1, for (batch, channel, time), or 2, for (batch, channel, rows, time)",
        ),
        (
            lambda: BasicBlock(4, 4, dimensions=1, kernel_size=(3, 3)),
            "kernel_size=(3, 3) is a pair for rows and time; with dimensions=1 give one value",
        ),
        (
            lambda: BasicBlock(4, 4, dimensions=1, padding=("same", "valid")),
            "padding=('same', 'valid') is a pair for rows and time; with dimensions=1 give one value",
        ),
        (lambda: BasicBlock(0, 4), "in_channels=0 must be a positive integer"),
        (lambda: BasicBlock(4, 4, stride=0), "stride=0 must be a positive integer"),
        (lambda: BasicBlock(4, 4, padding="causal"), "padding='causal' must be 'valid' or 'same'"),
        (lambda: BasicBlock(4, 8, shortcut="A"), "shortcut='A' must be 'projection' or 'zeros'"),
        (
            lambda: BasicBlock(8, 4, shortcut="zeros"),
            "out_channels=4 are fewer than in_channels=8: zeros can only add channels; use a projection",
        ),
        (
            lambda: BasicBlock(4, 4, drop_path=-0.5),
            "p=-0.5 must be a probability: 0 (nothing is dropped) or more, and below 1",
        ),
        (
            lambda: BottleneckBlock(4, 10),
            "out_channels=10 must be a multiple of expansion=4; 8 or 12 is",
        ),
        (
            lambda: PreActivationBlock(4, 2, expansion=4),
            "out_channels=2 must be a multiple of expansion=4; 4 is",
        ),
        (lambda: BottleneckBlock(4, 8, expansion=0), "expansion=0 must be a positive integer"),
        (
            lambda: BottleneckBlock(4, 8, stride_on="last"),
            "stride_on='last' must be 'middle' or 'first'",
        ),
        (
            lambda: BottleneckBlock(4, 8, groups=3),
            "groups=3 must divide in_channels=2 and out_channels=2; the nearest that does is 2",
        ),
        (lambda: ZeroPaddedShortcut(4, 4, stride=0), "stride=0 must be a positive integer"),
        (lambda: ZeroPaddedShortcut(0, 4), "in_channels=0 must be a positive integer"),
        (
            lambda: ZeroPaddedShortcut(4, 4, stride=(1, 2, 3)),
            "stride=(1, 2, 3) must be one integer or two, (rows, time)",
        ),
        (
            lambda: ZeroPaddedShortcut(4, 6)(torch.zeros(1, 5, 9)),
            "input has 5 channels; this shortcut is for in_channels=4",
        ),
        (lambda: TemporalBlock(4, 4, 0), "kernel_size=0 must be a positive integer"),
        (lambda: TemporalBlock(4, 4, 3, padding="causal"), "padding='causal' must be 'valid' or 'same'"),
        (
            lambda: BasicBlock(4, 4)(torch.zeros(1, 4, 9, 4)),
            (
                "input of 4 steps along time is shorter than the span of BasicBlock, 5; pad the clip once, "
                "before the network"
            ),
        ),
    ],
)
def test_what_cannot_work_says_what_would(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message
