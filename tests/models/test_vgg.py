"""VGG: the paper's counts, torchvision's outputs, and the form for small pictures."""

import pytest
import torch
from images import assert_agrees, on_images, with_random_statistics
from torch import nn
from torchvision.models.vgg import VGG, cfgs, make_layers

from audiocnn.accounting import account
from audiocnn.describe import count_parameters
from audiocnn.errors import ParameterError
from audiocnn.models import MODELS, create
from audiocnn.models.convert import from_torchvision
from audiocnn.models.vgg import stages_of_convolutions

# with batch norm, torchvision's
PUBLISHED = {
    "vgg11": 132_863_336,
    "vgg13": 133_047_848,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "vgg11_bn": 132_868_840,
    "vgg13_bn": 133_053_736,
    "vgg16_bn": 138_365_992,
    "vgg19_bn": 143_678_248,
}
FIELDS = {"vgg11": 150, "vgg13": 156, "vgg16": 212, "vgg19": 268}


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED.items())
def test_published_parameter_counts(name, parameters):
    net = on_images(name, 224, 224)
    assert count_parameters(net) == parameters
    with torch.device("meta"):
        assert create(name, num_classes=1000).config == net.config  # which is the default


def test_the_count_of_vgg16_worked_by_hand():
    channels = [3, 64, 64, 128, 128, *[256] * 3, *[512] * 6]
    convolutions = sum(9 * a * b + b for a, b in zip(channels, channels[1:], strict=False))
    dense = sum(a * b + b for a, b in ((512 * 49, 4096), (4096, 4096), (4096, 1000)))
    assert convolutions == 14_714_688
    assert convolutions + dense == PUBLISHED["vgg16"]


def test_the_maps_are_those_of_the_paper():
    layers = account(on_images("vgg16", 224, 224), (3, 224, 224)).layers
    maps = {layer.name.removeprefix("body."): layer.output for layer in layers}
    assert [maps[f"pool{i}"] for i in range(1, 6)] == [
        (64, 112, 112),
        (128, 56, 56),
        (256, 28, 28),
        (512, 14, 14),
        (512, 7, 7),
    ]
    assert maps["pool"] == maps["head.dense7"] == (4096, 1, 1)
    assert maps["logits"] == (1000, 1, 1)


def narrow(kind, norm, rows, columns):
    """The net of torchvision with a sixteenth of the channels, and no mean over 7 x 7 positions."""
    features = make_layers([c if c == "M" else c // 16 for c in cfgs[kind]], batch_norm=norm)
    with torch.device("meta"):  # it makes its dense layers as wide whatever the features
        net = VGG(features, init_weights=False)
    net.avgpool = nn.Identity()
    net.classifier = nn.Sequential(
        *(nn.Linear(32 * (rows // 32) * (columns // 32), 256), nn.ReLU(), nn.Dropout()),
        *(nn.Linear(256, 256), nn.ReLU(), nn.Dropout(), nn.Linear(256, 5)),
    )
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return with_random_statistics(net)


@pytest.mark.parametrize(("rows", "columns"), [(224, 224), (65, 97)])
@pytest.mark.parametrize(
    ("name", "kind", "norm"),
    [("vgg11", "A", False), ("vgg16_bn", "D", True), ("vgg13", "B", False), ("vgg19_bn", "E", True)],
)
def test_outputs_are_those_of_torchvision(name, kind, norm, rows, columns):
    ours = MODELS[name](num_classes=5, input_size=(rows, columns), width=1 / 16).eval()
    reference = narrow(kind, norm, rows, columns)
    assert_agrees(ours, reference, from_torchvision(reference.state_dict(), ours))


@pytest.mark.parametrize(("name", "pixels"), FIELDS.items())
def test_receptive_fields(name, pixels):
    for padding in ("same", "valid"):
        net = MODELS[name](num_classes=2, padding=padding, width=1 / 16, input_size=(64, None))
        assert net.body.time_axis.sees.span == net.body.row_axis.sees.span == pixels
        assert net.rows == 64
        assert net.window == (96 if padding == "same" else pixels + 32)
        assert net.pool.kernel_size == (2, 3 if padding == "same" else 2)
        assert MODELS[name](num_classes=2, padding=padding, width=1 / 16).rows == 224


def test_dropout_follows_the_dense_layers():
    net = MODELS["vgg11"](num_classes=2, width=1 / 16)
    assert list(net.head._modules) == ["relu6", "dropout6", "dense7", "relu7", "dropout7"]
    assert [layer.p for layer in net.modules() if isinstance(layer, nn.Dropout)] == [0.5, 0.5]


@pytest.mark.parametrize(("name", "parameters"), [("vgg11_small", 9_493_770), ("vgg16_small", 14_990_922)])
def test_the_form_for_small_pictures_has_one_dense_layer_of_512(name, parameters):
    with torch.device("meta"):
        net = create(name, num_classes=10)
    assert (net.rows, net.window) == (32, 32)
    assert count_parameters(net) == parameters
    kinds = list(dict.fromkeys(cfgs["A" if "11" in name else "D"]))
    assert kinds == [64, "M", 128, 256, 512]
    channels = [3] + [c for c in cfgs["A" if "11" in name else "D"] if c != "M"]
    convolutions = sum(9 * a * b + 3 * b for a, b in zip(channels, channels[1:], strict=False))
    assert convolutions + 512 * 512 + 512 + 512 * 10 + 10 == parameters
    assert list(net.head._modules) == ["relu6", "dropout6"]


@pytest.mark.parametrize("pixels", [28, 32])
def test_small_pictures_are_halved_to_one_position(pixels):
    net = MODELS["vgg11_small"](num_classes=10, in_channels=1, input_size=(pixels, pixels), width=1 / 16)
    assert net.body(torch.zeros(1, 1, pixels, pixels)).shape == (1, 32, 1, 1)
    assert net.pool.kernel_size == (1, 1)


def test_pools_of_the_small_form_keep_an_odd_last_row_and_column():
    x = torch.randn(1, 1, 7, 5)
    layers = stages_of_convolutions(1, [[1]], padding=("same", "same"), pool_padding="same")
    torch.testing.assert_close(
        layers["pool1"](x), nn.functional.max_pool2d(x, 2, ceil_mode=True), rtol=0, atol=0
    )


def test_weights_begin_as_in_he_et_al():
    net = MODELS["vgg11"](num_classes=2, width=1 / 4, input_size=(64, 64))
    for layer, inputs in ((net.body.conv4_2, 128 * 9), (net.pool, 128 * 4), (net.head.dense7, 1024)):
        assert layer.weight.var().item() == pytest.approx(2 / inputs, rel=0.05)
        assert not layer.bias.any()


@pytest.mark.parametrize(
    ("name", "padding", "input_size", "message"),
    [
        (
            "vgg11",
            "same",
            (31, 32),
            "rows=31 do not hold the 32 that the net needs; give input_size=(32, 32) or more",
        ),
        (
            "vgg11",
            "same",
            (32, 31),
            "window=31 columns do not hold the 32 that the net needs; give input_size=(32, 32) or more",
        ),
        (
            "vgg16_small",
            "valid",
            (32, 32),
            (
                "window=32 columns do not hold the 212 that the net sees; give input_size=(32, 212) or more, "
                "or padding='same'"
            ),
        ),
    ],
)
def test_too_few_rows_or_columns(name, padding, input_size, message):
    with pytest.raises(ParameterError) as error:
        MODELS[name](num_classes=2, padding=padding, input_size=input_size, width=1 / 16)
    assert str(error.value) == message
