"""AlexNet and its forms: published counts and maps, torchvision's outputs, and too small inputs."""

import pytest
import torch
import torchvision
from images import assert_same_outputs, on_images

from audiocnn.accounting import account
from audiocnn.describe import count_parameters
from audiocnn.errors import ParameterError
from audiocnn.models import MODELS, create
from audiocnn.models.alexnet import alexnet, alexnet_small

PUBLISHED = {"alexnet": 60_965_224, "alexnet_ungrouped": 62_378_344, "alexnet_one_tower": 61_100_840}
SIZES = {"alexnet": 227, "alexnet_ungrouped": 227, "alexnet_one_tower": 224}


def maps(net, *size):
    layers = account(net, size).layers
    return {layer.name.removeprefix("body."): layer.output for layer in layers}


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED.items())
def test_published_parameter_counts(name, parameters):
    net = on_images(name, SIZES[name], SIZES[name])
    assert count_parameters(net) == parameters
    with torch.device("meta"):
        assert create(name, num_classes=1000).config == net.config  # which is the default


def test_the_maps_are_those_of_the_paper():
    of = maps(on_images("alexnet", 227, 227), 3, 227, 227)
    assert of["conv1"] == (96, 55, 55)
    assert of["conv2"] == (256, 27, 27)
    assert of["conv3"] == of["conv4"] == (384, 13, 13)
    assert of["conv5"] == (256, 13, 13)
    assert of["pool5"] == (256, 6, 6)
    assert of["pool"] == of["head.dense7"] == (4096, 1, 1)
    assert of["logits"] == (1000, 1, 1)


def test_the_maps_of_one_tower_are_as_large():
    of = maps(on_images("alexnet_one_tower", 224, 224), 3, 224, 224)
    assert [of[f"conv{i}"] for i in range(1, 6)] == [
        (64, 55, 55),
        (192, 27, 27),
        (384, 13, 13),
        (256, 13, 13),
        (256, 13, 13),
    ]
    assert of["pool5"] == (256, 6, 6)


def test_outputs_of_one_tower_are_those_of_torchvision():
    assert_same_outputs("alexnet_one_tower", torchvision.models.alexnet().eval(), 224, 224)


def test_a_larger_picture_is_scanned():
    """Without zeros at its edges its decisions are those on its windows; with them there are as many."""
    net = alexnet(num_classes=2, padding="valid", width=1 / 16, input_size=(67, 195)).eval()
    picture = torch.randn(1, 3, 67, 259)
    with torch.inference_mode():
        scores = net(picture)
        windows = [net(picture[..., start : start + 195]) for start in (0, 32, 64)]
    assert scores.shape == (1, 2, 1, 3)
    torch.testing.assert_close(scores, torch.cat(windows, dim=-1))
    same = alexnet(num_classes=2, width=1 / 16).eval()
    assert same(torch.zeros(1, 3, 259, 291)).shape == (1, 2, 2, 3)


def test_local_norms_stand_after_the_first_two_relus():
    order = list(MODELS["alexnet"](num_classes=2, width=1 / 16).body._modules)
    assert order[:8] == [
        "conv1", "relu1", "local_norm1", "pool1", "conv2", "relu2", "local_norm2", "pool2",
    ]  # fmt: skip
    bare = alexnet(num_classes=2, width=1 / 16, local_norm=False)
    assert list(bare.body._modules) == [name for name in order if "norm" not in name]


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_it_sees(name):
    for padding, window in (("same", 96), ("valid", 227)):
        net = MODELS[name](num_classes=2, padding=padding, width=1 / 16, input_size=(80, None))
        assert net.body.time_axis.sees.span == net.body.row_axis.sees.span == 195
        assert (net.rows, net.window) == (80, window)
        assert net.pool.kernel_size == (1, 1 if padding == "same" and name != "alexnet_one_tower" else 2)


def test_dropout_follows_the_dense_layers_and_in_one_tower_precedes_them():
    net = alexnet(num_classes=2, width=1 / 16)
    assert list(net.head._modules) == ["relu6", "dropout6", "dense7", "relu7", "dropout7"]
    one = MODELS["alexnet_one_tower"](num_classes=2, width=1 / 16)
    assert list(one.body._modules)[-2:] == ["pool5", "dropout5"]
    assert list(one.head._modules) == ["relu6", "dropout6", "dense7", "relu7"]
    for form in (net, one):
        assert [layer.p for layer in form.modules() if isinstance(layer, torch.nn.Dropout)] == [0.5, 0.5]


def test_weights_begin_as_in_he_et_al():
    net = alexnet(num_classes=2, width=1 / 4)
    for layer, inputs in ((net.body.conv3, 64 * 9), (net.head.dense7, 1024)):
        assert layer.weight.var().item() == pytest.approx(2 / inputs, rel=0.05)
        assert not layer.bias.any()


def test_the_small_form_has_the_published_count():
    """1,387,786 in table 1 of Zhang et al. 2017, on 28 x 28 pixels of CIFAR-10."""
    net = alexnet_small(num_classes=10)
    assert (net.rows, net.window) == (28, 28)
    assert count_parameters(net) == 1_387_786
    assert maps(net, 3, 28, 28)["pool2"] == (64, 7, 7)
    convolutions = 3 * 25 * 64 + 64 + 64 * 25 * 64 + 64
    assert convolutions + 3136 * 384 + 384 + 384 * 192 + 192 + 192 * 10 + 10 == 1_387_786


def test_the_small_form_has_its_norms_behind_the_pools():
    body = alexnet_small(num_classes=10, width=1 / 16).body
    assert list(body._modules) == [
        f"{layer}{i}" for i in (1, 2) for layer in ("conv", "relu", "pool", "local_norm")
    ]


def test_the_small_form_reads_32_pixels_too():
    net = alexnet_small(num_classes=10, input_size=(32, 32))
    assert count_parameters(net) == 1_756_426
    assert net(torch.zeros(2, 3, 32, 32)).shape == (2, 10, 1, 1)


@pytest.mark.parametrize(
    ("name", "padding", "input_size", "message"),
    [
        (
            "alexnet",
            "valid",
            (40, None),
            "rows=40 do not hold the 67 that the net needs; give input_size=(67, 227) or more",
        ),
        (
            "alexnet_one_tower",
            "same",
            (62, 62),
            "rows=62 do not hold the 63 that the net needs; give input_size=(63, 62) or more",
        ),
        (
            "alexnet",
            "same",
            (80, 66),
            "window=66 columns do not hold the 67 that the net needs; give input_size=(80, 67) or more",
        ),
        (
            "alexnet",
            "valid",
            (80, 98),
            (
                "window=98 columns do not hold the 195 that the net sees; give input_size=(80, 195) or more, "
                "or padding='same'"
            ),
        ),
        (
            "alexnet_small",
            "valid",
            (28, 18),
            (
                "window=18 columns do not hold the 19 that the net sees; give input_size=(28, 19) or more, "
                "or padding='same'"
            ),
        ),
    ],
)
def test_too_few_rows_or_columns(name, padding, input_size, message):
    with pytest.raises(ParameterError) as error:
        MODELS[name](num_classes=2, padding=padding, input_size=input_size, width=1 / 16)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("name", "padding", "least"),
    [
        ("alexnet", "same", (67, 67)),
        ("alexnet", "valid", (67, 195)),
        ("alexnet_one_tower", "same", (63, 63)),
        ("alexnet_one_tower", "valid", (63, 195)),
        ("alexnet_small", "same", (1, 1)),
        ("alexnet_small", "valid", (1, 19)),
    ],
)
def test_the_least_input_leaves_one_position(name, padding, least):
    net = MODELS[name](num_classes=2, in_channels=1, padding=padding, input_size=least, width=1 / 16)
    assert net.body(torch.zeros(1, 1, *least)).shape[-2:] == (1, 1)
