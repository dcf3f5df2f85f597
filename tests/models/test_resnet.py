"""ResNets: published counts, torchvision's outputs, the maps of the paper, and what they see."""

import pytest
import torch
import torchvision
from images import assert_same_outputs, on_images, with_random_statistics

from audiocnn.accounting import account
from audiocnn.describe import count_parameters
from audiocnn.errors import ParameterError
from audiocnn.models import MODELS, create

# parameters; multiply-accumulates of the paper's table 1, in which its 50 layers and more are our `_v1`
PUBLISHED = {
    "resnet18": (11_689_512, 1.8),
    "resnet34": (21_797_672, 3.6),
    "resnet50_v1": (25_557_032, 3.8),
    "resnet101_v1": (44_549_160, 7.6),
    "resnet152_v1": (60_192_808, 11.3),
}
# multiply-accumulates in the docstring, in billions, and pixels that a position sees
STATED = {
    "resnet18": ("1.81", 435),
    "resnet34": ("3.66", 899),
    "resnet50": ("4.09", 427),
    "resnet50_v1": ("3.86", 483),
    "resnet101": ("7.80", 971),
    "resnet101_v1": ("7.57", 1027),
    "resnet152": ("11.51", 1451),
    "resnet152_v1": ("11.28", 1507),
}


def macs(net):
    channels = net.body.conv.in_channels
    return sum(layer.macs for layer in account(net, (channels, net.rows, net.window)).layers)


def stride_on_the_first(reference):
    """torchvision's, with the stride where the paper has it."""
    for block in reference.modules():
        if isinstance(block, torchvision.models.resnet.Bottleneck):
            block.conv1.stride, block.conv2.stride = block.conv2.stride, (1, 1)
    return reference


@pytest.mark.parametrize(("name", "published"), PUBLISHED.items())
def test_published_counts(name, published):
    net = on_images(name, 224, 224)
    assert count_parameters(net) == published[0]
    assert abs(macs(net) / 1e9 - published[1]) < 0.1
    if name.endswith("_v1"):
        assert count_parameters(on_images(name.removesuffix("_v1"), 224, 224)) == published[0]


@pytest.mark.parametrize(("name", "stated"), STATED.items())
def test_macs_and_fields_are_those_that_the_docstring_states(name, stated):
    net = on_images(name, 224, 224)
    assert f"{macs(net) / 1e9:.2f}" == stated[0]
    assert net.body.time_axis.sees.span == net.body.row_axis.sees.span == stated[1]
    assert all(str(figure) in MODELS["resnet34"].func.__doc__ for figure in stated)


def test_macs_on_sound_are_those_that_the_docstring_states():
    with torch.device("meta"):
        figures = [
            macs(create(f"resnet{depth}", num_classes=12, in_channels=1, input_size=(64, None)))
            for depth in (18, 34, 50, 101, 152)
        ]
    assert [f"{figure / 1e9:.2f}" for figure in figures] == ["0.21", "0.44", "0.49", "0.95", "1.40"]


def test_the_maps_are_those_of_the_paper():
    layers = account(on_images("resnet50", 224, 224), (3, 224, 224)).layers
    maps = {layer.name.removeprefix("body."): layer.output for layer in layers}
    assert maps["relu"] == (64, 112, 112)
    assert maps["stage1_block1.relu"] == maps["stage1_block3.relu"] == (256, 56, 56)
    assert maps["stage2_block4.relu"] == (512, 28, 28)
    assert maps["stage3_block6.relu"] == (1024, 14, 14)
    assert maps["stage4_block3.relu"] == (2048, 7, 7)
    assert maps["pool"] == (2048, 1, 1)


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [("resnet18", 64, 96), ("resnet18", 65, 97), ("resnet34", 64, 96), ("resnet50", 65, 97)]
    + [("resnet101", 33, 65)],
)
def test_outputs_are_those_of_torchvision(name, rows, columns):
    reference = with_random_statistics(getattr(torchvision.models, name)())
    assert_same_outputs(name, reference, rows, columns)


def test_the_first_form_is_torchvisions_with_the_stride_on_the_first_convolution():
    reference = stride_on_the_first(with_random_statistics(torchvision.models.resnet50()))
    assert_same_outputs("resnet50_v1", reference, 65, 97)


@pytest.mark.parametrize(("rows", "columns"), [(32, 32), (28, 45)])
def test_a_small_stem_is_3x3_of_stride_1_without_a_pool(rows, columns):
    reference = torchvision.models.resnet18()
    reference.conv1 = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False)
    reference.maxpool = torch.nn.Identity()
    assert_same_outputs("resnet18_small", with_random_statistics(reference), rows, columns)


def test_a_small_stem_leaves_a_map_of_a_small_picture():
    with torch.device("meta"):
        net = create("resnet18_small", num_classes=10)
        assert (net.rows, net.window) == (32, 32)
        assert net.body(torch.zeros(1, 3, 32, 32)).shape == (1, 512, 4, 4)
        assert net.body(torch.zeros(1, 3, 28, 28)).shape == (1, 512, 4, 4)
    assert count_parameters(net) == 11_173_962  # as in kuangliu/pytorch-cifar
    assert f"{macs(net) / 1e9:.2f}" == "0.56"
    assert net.body.time_axis.sees.span == 109


@pytest.mark.parametrize("name", ["resnet18", "resnet18_small", "resnet50_v1"])
def test_default_sizes(name):
    build, small = MODELS[name], name.endswith("small")
    side, stride = (32, 8) if small else (224, 32)
    with torch.device("meta"):
        pixels = build(num_classes=2)
        sound = build(num_classes=2, in_channels=1, input_size=(40, None))
        scans = build(num_classes=2, in_channels=1, input_size=(40, None), padding="valid")
    assert (pixels.rows, pixels.window) == (side, side)
    assert (sound.rows, sound.window) == (40, 96)
    assert (scans.rows, scans.window) == (40, scans.body.time_axis.sees.span + stride)
    assert scans.geometry.stride == stride


def test_a_window_that_does_not_hold_what_a_scan_sees():
    with pytest.raises(ParameterError) as error:
        MODELS["resnet18"](num_classes=2, width=1 / 16, input_size=(64, 96), padding="valid")
    assert str(error.value) == (
        "window=96 columns do not hold the 435 that the net sees; give input_size=(64, 435) or more, or "
        "padding='same'"
    )


def test_a_larger_picture_gives_a_map_of_decisions():
    """Behind the same body: each decision is the mean of the positions that a picture leaves."""
    net = MODELS["resnet18"](num_classes=2, width=1 / 16, input_size=(64, 96)).eval()
    x = torch.randn(1, 3, 128, 96)
    with torch.inference_mode():
        track, positions = net(x), net.body(x)
        assert positions.shape == (1, 32, 4, 3) and track.shape == (1, 2, 3, 1)
        expected = net.logits(positions[:, :, 1:3].mean(dim=(2, 3), keepdim=True))
    torch.testing.assert_close(track[:, :, 1:2], expected)


def test_five_halvings_round_up():
    net = MODELS["resnet18"](num_classes=2, width=1 / 16, input_size=(40, 98))
    assert net.body(torch.zeros(1, 3, 40, 98)).shape == (1, 32, 2, 4)


def test_weights_begin_as_in_he_et_al():
    net = MODELS["resnet18"](num_classes=2, width=1 / 2)
    weights = net.body.stage4_block2.residual.branches[0].conv1.weight
    assert weights.var().item() == pytest.approx(2 / (256 * 9), rel=0.05)
    assert net.logits.weight.abs().max() <= 256**-0.5  # as torch draws it
