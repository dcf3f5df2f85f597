"""ResNets for CIFAR: published counts, outputs of stock layers, and what they see."""

from functools import cache

import pytest
import torch
import torch.nn.functional as F
from images import assert_agrees, in_order, with_random_statistics
from torch import nn
from torchvision.models.resnet import BasicBlock

from audiocnn.accounting import account
from audiocnn.describe import count_parameters
from audiocnn.errors import ParameterError
from audiocnn.layers import Residual
from audiocnn.models import MODELS, create

# Table 6 of He et al. 2016 has 0.27, 0.46, 0.66, 0.85 and 1.7 million; a plain net has as many as the one
# with shortcuts. That of 164 layers has 1.7 million in the paper, and so many in osmr/imgclsmob.
PARAMETERS = {
    "resnet20": 269_722,
    "resnet32": 464_154,
    "resnet44": 658_586,
    "resnet56": 853_018,
    "resnet110": 1_727_962,
    "plain20": 269_722,
    "plain56": 853_018,
    "preact_resnet20": 269_722,
    "preact_resnet56": 853_018,
    "preact_resnet110": 1_727_962,
    "preact_resnet164": 1_703_258,
}
# millions of multiply-accumulates and pixels that a position sees, in the docstrings
STATED = {
    "resnet20": ("40.6", 81),
    "resnet32": ("68.9", 137),
    "resnet44": ("97.2", 193),
    "resnet56": ("125.5", 249),
    "resnet110": ("252.9", 501),
    "plain20": ("40.6", 81),
    "plain56": ("125.5", 249),
    "preact_resnet20": ("40.6", 81),
    "preact_resnet56": ("125.5", 249),
    "preact_resnet110": ("252.9", 501),
    "preact_resnet164": ("247.6", 249),
}


@cache
def on_cifar(name):
    with torch.device("meta"):
        return create(name, num_classes=10)


@cache
def layers_of(name):
    return account(on_cifar(name), (3, 32, 32)).layers


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS.items())
def test_published_parameter_counts(name, parameters):
    assert count_parameters(on_cifar(name)) == parameters


@pytest.mark.parametrize(("name", "stated"), STATED.items())
def test_macs_and_fields_are_those_that_the_docstring_states(name, stated):
    assert f"{sum(layer.macs for layer in layers_of(name)) / 1e6:.1f}" == stated[0]
    body = on_cifar(name).body
    assert body.time_axis.sees.span == body.row_axis.sees.span == stated[1]
    assert all(str(figure) in MODELS[name].func.__doc__ for figure in stated)


@pytest.mark.parametrize("name", PARAMETERS)
def test_as_many_layers_with_weights_as_its_name_says(name):
    layers = [layer for layer in layers_of(name) if layer.kind == "Conv2d" and "branches.1" not in layer.name]
    assert str(len(layers)) == name.removeprefix("preact_").removeprefix("resnet").removeprefix("plain")


def test_the_maps_are_those_of_the_paper():
    maps = {layer.name.removeprefix("body."): layer.output for layer in layers_of("resnet110")}
    assert maps["relu"] == maps["stage1_block18.relu"] == (16, 32, 32)
    assert maps["stage2_block1.relu"] == maps["stage2_block18.relu"] == (32, 16, 16)
    assert maps["stage3_block1.relu"] == maps["stage3_block18.relu"] == (64, 8, 8)
    assert maps["pool"] == (64, 1, 1)


class Zeros(nn.Module):
    """Option A: every second position, and zeros for the new channels."""

    def __init__(self, new):
        super().__init__()
        self.new = new

    def forward(self, x):
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.new))


class PreActivated(nn.Module):
    """A block of stock layers, with the kernel sizes of its convolutions."""

    def __init__(self, before, after, stride, kernels, *, is_first):
        super().__init__()
        narrow = after // 4 if len(kernels) == 3 else after
        sizes = [before, *[narrow] * (len(kernels) - 1), after]
        strides = [stride if i == len(kernels) - 2 else 1 for i in range(len(kernels))]
        for i, kernel in enumerate(kernels):
            self.add_module(f"norm{i}", nn.BatchNorm2d(sizes[i]))
            conv = nn.Conv2d(sizes[i], sizes[i + 1], kernel, strides[i], padding=kernel // 2, bias=False)
            self.add_module(f"conv{i}", conv)
        self.changes, self.shortcut = before != after, None
        self.forks_late = is_first or self.changes
        if self.changes and len(kernels) == 3:
            self.shortcut = nn.Conv2d(before, after, 1, stride, bias=False)
        elif self.changes:
            self.shortcut = Zeros(after - before)

    def forward(self, x):
        y = self.norm0(x).relu()
        other = y if self.forks_late else x
        if self.shortcut is not None:
            other = self.shortcut(other)
        y = self.conv0(y)
        for i in range(1, 3 if hasattr(self, "conv2") else 2):
            y = getattr(self, f"conv{i}")(getattr(self, f"norm{i}")(y).relu())
        return y + other


def conv_norm(before, after, stride=1):
    return [nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]


def reference(name):
    """The net of 20 layers, or with bottlenecks of 29, of stock layers."""
    expansion = 4 if name == "preact_resnet164" else 1
    layers = [nn.Conv2d(3, 16, 3, padding=1, bias=False)] if "preact" in name else conv_norm(3, 16)
    before = 16
    for stage, width in enumerate((16, 32, 64)):
        after = width * expansion
        for i in range(3):
            stride = 2 if stage and not i else 1
            if name == "plain20":
                layers += conv_norm(before, after, stride) + conv_norm(after, after)
            elif name == "resnet20":
                shortcut = Zeros(after - before) if stride > 1 else None
                layers.append(BasicBlock(before, after, stride, shortcut))
            else:
                kernels = (1, 3, 1) if expansion > 1 else (3, 3)
                layers.append(PreActivated(before, after, stride, kernels, is_first=stage == i == 0))
            before = after
    if "preact" in name:
        layers += [nn.BatchNorm2d(before), nn.ReLU()]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10)]
    return with_random_statistics(nn.Sequential(*layers, *head))


@pytest.mark.parametrize("name", ["resnet20", "plain20", "preact_resnet20", "preact_resnet164"])
@pytest.mark.parametrize(("rows", "columns"), [(32, 32), (29, 47)])
def test_outputs_are_those_of_stock_layers(name, rows, columns):
    ours = MODELS[name](num_classes=10, blocks=3, input_size=(rows, columns)).eval()
    theirs = reference(name)
    assert_agrees(ours, theirs, in_order(ours, theirs))


def test_a_plain_net_has_no_shortcuts():
    counts = [
        sum(isinstance(layer, Residual) for layer in on_cifar(name).modules())
        for name in ("plain20", "resnet20", "preact_resnet164")
    ]
    assert counts == [0, 9, 54]


@pytest.mark.parametrize("name", ["resnet20", "plain20", "preact_resnet164"])
def test_default_sizes(name):
    build = MODELS[name]
    with torch.device("meta"):
        pixels = build(num_classes=2)
        sound = build(num_classes=2, in_channels=1, input_size=(40, None))
        scans = build(num_classes=2, in_channels=1, input_size=(40, None), padding="valid")
    assert (pixels.rows, pixels.window) == (32, 32)
    assert (sound.rows, sound.window) == (40, 96)
    assert (scans.rows, scans.window) == (40, STATED[name][1] + 4)


def test_macs_on_sound_are_those_that_the_docstring_states():
    with torch.device("meta"):
        net = create("resnet20", num_classes=12, in_channels=1, input_size=(64, None))
    macs = sum(layer.macs for layer in account(net, (1, 64, 96)).layers)
    assert f"{macs / 1e6:.0f}" == "242"


def test_a_window_that_does_not_hold_what_a_scan_sees():
    with pytest.raises(ParameterError) as error:
        MODELS["preact_resnet20"](num_classes=2, input_size=(32, 80), padding="valid")
    assert str(error.value) == (
        "window=80 columns do not hold the 81 that the net sees; give input_size=(32, 81) or more, or "
        "padding='same'"
    )


@pytest.mark.parametrize("name", ["resnet20", "plain20", "preact_resnet20", "preact_resnet164"])
def test_every_parameter_learns(name):
    net = MODELS[name](num_classes=3, blocks=2, width=1 / 2)
    net(torch.randn(4, 3, 32, 32)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_weights_begin_as_in_he_et_al():
    net = MODELS["plain20"](num_classes=2)
    assert net.body.stage3_block2.conv1.weight.var().item() == pytest.approx(2 / (64 * 9), rel=0.05)
    assert net.logits.weight.abs().max() <= 64**-0.5  # as torch draws it
