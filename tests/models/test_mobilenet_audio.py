"""MobileNetV2: torchvision's count and logits (`golden/make_mobilenet.py`), and what the scan sees."""

import json
from pathlib import Path

import pytest
import torch
import torchvision
from golden import assert_same
from weights import weights_by_formula

from audiocnn.accounting import account, count_parameters
from audiocnn.errors import ParameterError
from audiocnn.models import create
from audiocnn.models.mobilenet_audio import mobilenet_audio

GOLDEN = json.loads((Path(__file__).parent / "golden/mobilenet.json").read_text(encoding="utf-8"))


def small(**changes):
    return create("mobilenet_audio_small", **{"num_classes": 12, "padding": "same"} | changes)


def test_parameters_are_those_of_torchvision_for_pictures():
    for padding in ("same", "valid"):
        pictures = small(num_classes=1000, in_channels=3, padding=padding)
        assert count_parameters(pictures) == GOLDEN["parameters"] == 1_677_128
    assert count_parameters(mobilenet_audio(num_classes=1000, in_channels=3)) == 3_504_872


@pytest.mark.parametrize("width", [0.6, 1.4])  # 0.6 * 16 is 9.6, from which 8 would take more than a tenth
def test_other_widths_become_multiples_of_8_as_in_torchvision(width):
    with torch.device("meta"):
        ours = mobilenet_audio(num_classes=1000, in_channels=3, width=width)
        theirs = torchvision.models.mobilenet_v2(width_mult=width)
    assert count_parameters(ours) == sum(p.numel() for p in theirs.parameters())


def test_dropout_as_published():
    assert small().head.p == 0.2


def test_logits_are_those_of_torchvision():
    net = small().eval()
    shapes = {name: tensor.shape for name, tensor in net.state_dict().items() if "num_batches" not in name}
    net.load_state_dict(weights_by_formula(shapes), strict=False)
    expected = torch.tensor(GOLDEN["logits"])
    with torch.inference_mode():
        logits = net(weights_by_formula({"features": GOLDEN["input"]})["features"])[..., 0]
    assert_same(logits, expected)


def test_what_it_sees_and_costs():
    for padding, window, sees, stride in (("same", 98, 491, 32), ("valid", 139, 131, 4)):
        net = small(padding=padding)
        assert net.window == window
        assert (net.body.time_axis.sees.span, net.body.time_axis.sees.stride) == (sees, stride)
        assert sum(layer.macs for layer in account(net, (1, 40, window)).layers) < 10e6


def test_a_window_too_short():
    with pytest.raises(ParameterError) as error:
        small(padding="valid", input_size=(40, 98))
    assert str(error.value) == (
        "window=98 frames do not hold the 131 that the net sees; give input_size=(40, 131) or more, or "
        "padding='same'"
    )
