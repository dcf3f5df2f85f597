"""VGGish: the released code's count, what it sees, and its dense layers as convolutions."""

import pytest
import torch

from audiocnn.describe import count_parameters
from audiocnn.errors import ParameterError
from audiocnn.models import create
from audiocnn.models.vggish import vggish

# `vggish_slim.py` of tensorflow/models and torchvggish end with the embedding
EMBEDDING = 72_141_184


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("num_classes", [2, 527])
def test_parameters_are_those_of_the_released_code_and_129_for_each_class(padding, num_classes):
    with torch.device("meta"):
        net = create("vggish", num_classes=num_classes, padding=padding)
    assert count_parameters(net) == EMBEDDING + 129 * num_classes


def test_the_count_worked_by_hand():
    channels = [1, 64, 128, 256, 256, 512, 512]
    convolutions = sum(
        9 * before * after + after for before, after in zip(channels, channels[1:], strict=False)
    )
    dense = sum(before * after + after for before, after in ((512 * 6 * 4, 4096), (4096, 4096), (4096, 128)))
    assert convolutions + dense == EMBEDDING


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_window_leaves_six_positions_of_four_rows(padding):
    net = vggish(num_classes=2, padding=padding, width=1 / 16)
    assert (net.rows, net.window) == (64, 96 if padding == "same" else 150)
    assert net.body(torch.zeros(1, 1, 64, net.window)).shape == (1, 32 * 4, 6)
    assert net.body.time_axis.sees.span == 70


def test_the_embedding_has_128_numbers_and_a_relu():
    with torch.device("meta"):
        net = create("vggish", num_classes=2)
    assert net.head.embedding.out_channels == net.logits.in_channels == 128
    assert list(net.head._modules)[-2:] == ["embedding", "relu3"]


def test_weights_begin_as_in_he_et_al():
    net = vggish(num_classes=2, width=1 / 4)
    for layer, inputs in ((net.body.conv4_2, 128 * 9), (net.head.dense2, 1024)):
        assert layer.weight.var().item() == pytest.approx(2 / inputs, rel=0.05)
        assert not layer.bias.any()


@pytest.mark.parametrize(
    ("padding", "input_size", "message"),
    [
        (
            "same",
            (15, None),
            "rows=15 do not hold the 16 that the net needs; give input_size=(16, 96) or more",
        ),
        (
            "same",
            (None, 15),
            "window=15 frames do not hold the 16 that the net needs; give input_size=(64, 16) or more",
        ),
        (
            "valid",
            (None, 69),
            (
                "window=69 frames do not hold the 70 that the net sees; give input_size=(64, 70) or more, or "
                "padding='same'"
            ),
        ),
    ],
)
def test_too_few_rows_or_frames(padding, input_size, message):
    with pytest.raises(ParameterError) as error:
        vggish(num_classes=2, padding=padding, input_size=input_size, width=1 / 16)
    assert str(error.value) == message
