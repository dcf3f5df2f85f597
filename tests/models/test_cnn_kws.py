"""The keyword nets of Sainath & Parada: the tables of the paper, layer by layer."""

import pytest
import torch

from audiocnn.accounting import account
from audiocnn.errors import ParameterError
from audiocnn.models import create

# weights and multiplications of each layer; biases are not in the paper's tables
TABLES = {
    "cnn_trad_fpool3": [
        ("body.conv1", 20 * 8 * 64, 20 * 8 * 64 * 13 * 33),
        ("body.conv2", 10 * 4 * 64 * 64, 10 * 4 * 64 * 64 * 4 * 8),
        ("pool", 4 * 8 * 64 * 32, 4 * 8 * 64 * 32),
        ("head.dense1", 32 * 128, 32 * 128),
        ("logits", 128 * 4, 128 * 4),
    ],
    "cnn_one_fstride4": [
        ("body.conv", 32 * 8 * 186, 32 * 8 * 186 * 9),
        ("pool", 9 * 186 * 32, 9 * 186 * 32),
        ("head.dense1", 32 * 128, 32 * 128),
        ("head.dense2", 128 * 128, 128 * 128),
        ("logits", 128 * 4, 128 * 4),
    ],
}


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("name", TABLES)
def test_the_tables_of_the_paper(name, padding):
    net = create(name, num_classes=4, padding=padding)
    layers = account(net, (1, net.rows, net.window)).layers
    weights = {key: net.get_submodule(key).weight.numel() for key, _, _ in TABLES[name]}
    counted = [(layer.name, weights[layer.name], layer.macs) for layer in layers if layer.macs]
    assert counted == TABLES[name]


def test_their_totals():
    for name, weights, multiplications in (
        ("cnn_trad_fpool3", 244_224, 9_705_984),  # printed as 244.2K and 9.7M
        ("cnn_one_fstride4", 122_176, 503_104),
    ):
        assert [sum(column) for column in list(zip(*TABLES[name], strict=True))[1:]] == [
            weights,
            multiplications,
        ]


@pytest.mark.parametrize("name", TABLES)
def test_nothing_is_padded_and_all_of_the_window_is_seen(name):
    published, scan = create(name, num_classes=4, padding="same"), create(name, num_classes=4)
    assert (published.geometry.span, published.geometry.stride) == (32, 1)
    assert (scan.geometry.span, scan.geometry.stride) == (128, 4)


@pytest.mark.parametrize("name", TABLES)
def test_a_step_of_the_scan_is_the_mean_of_four_frames(name):
    published, scan = create(name, num_classes=4, padding="same"), create(name, num_classes=4)
    scan.load_state_dict(published.state_dict())
    x = torch.randn(2, 1, 40, 32)
    slow = x.repeat_interleave(4, dim=-1) + torch.tensor([0.3, -0.3, 0.1, -0.1]).repeat(32)
    torch.testing.assert_close(scan(slow), published(x))


@pytest.mark.parametrize(
    ("name", "input_size", "message"),
    [
        (
            "cnn_trad_fpool3",
            (18, None),
            "rows=18 do not hold the 19 that the net needs; give input_size=(19, 128) or more",
        ),
        (
            "cnn_one_fstride4",
            (7, 40),
            "rows=7 do not hold the 8 that the net needs; give input_size=(8, 40) or more",
        ),
        (
            "cnn_trad_fpool3",
            (40, 98),
            (
                "window=98 frames do not hold the 116 that the net sees; give input_size=(40, 116) or more, "
                "or padding='same'"
            ),
        ),
    ],
)
def test_too_few_rows_or_frames(name, input_size, message):
    with pytest.raises(ParameterError) as error:
        create(name, num_classes=2, input_size=input_size)
    assert str(error.value) == message
