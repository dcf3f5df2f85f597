"""ResNets: torchvision's counts and outputs, and what they see."""

import pytest
import torch
import torchvision
from images import assert_same_outputs, on_images

from audiocnn.accounting import account
from audiocnn.describe import count_parameters
from audiocnn.models import MODELS
from audiocnn.models.resnet import resnet

PUBLISHED = {"resnet18": 11_689_512, "resnet34": 21_797_672, "resnet50": 25_557_032}
FIELDS = {"resnet18": 435, "resnet34": 899, "resnet50": 427}


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED.items())
def test_published_parameter_counts(name, parameters):
    assert count_parameters(on_images(name, 224, 224)) == parameters


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [("resnet18", 64, 96), ("resnet18", 65, 97), ("resnet34", 64, 96), ("resnet50", 65, 97)],
)
def test_outputs_are_those_of_torchvision(name, rows, columns):
    reference = getattr(torchvision.models, name)().eval()
    for norm in reference.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(norm.running_mean, std=0.1)
            torch.nn.init.uniform_(norm.running_var, 0.5, 2.0)
    assert_same_outputs(name, reference, rows, columns)


@pytest.mark.parametrize(("name", "frames"), FIELDS.items())
def test_receptive_fields(name, frames):
    for padding in ("same", "valid"):
        net = MODELS[name](num_classes=2, padding=padding, width=1 / 16)
        assert net.body.time_axis.sees.span == frames
        assert net.rows == 64
        assert net.window == (96 if padding == "same" else frames + 32)


def test_the_first_form_of_the_bottleneck_reads_less_and_sees_more():
    """v1, the stride on the first convolution of a block: as many parameters, and the paper's 3.8 billion."""
    with torch.device("meta"):
        forms = {
            stride_on: resnet(
                num_classes=1000,
                in_channels=3,
                input_size=(224, 224),
                padding="same",
                blocks=(3, 4, 6, 3),
                bottleneck=True,
                stride_on=stride_on,
            )
            for stride_on in ("first", "middle")
        }
    macs = {
        form: sum(layer.macs for layer in account(net, (3, 224, 224)).layers) for form, net in forms.items()
    }
    assert {form: number // 10**8 for form, number in macs.items()} == {"first": 38, "middle": 40}
    assert {count_parameters(net) for net in forms.values()} == {PUBLISHED["resnet50"]}
    assert {form: net.body.time_axis.sees.span for form, net in forms.items()} == {
        "first": 483,
        "middle": 427,
    }


def test_five_halvings_round_up():
    net = MODELS["resnet18"](num_classes=2, padding="same", width=1 / 16, input_size=(40, 98))
    stages = torch.nn.Sequential(
        *[layer for name, layer in net.body.named_children() if "rows" not in name][:-1]
    )
    assert stages(torch.zeros(1, 1, 40, 98)).shape == (1, 32, 2, 4)
