"""The keyword nets of Sainath & Parada: the tables of the paper, layer by layer."""

import pytest
import torch
import torch.nn.functional as F

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


def trad_fpool3(net, x):
    y = F.relu(F.conv2d(x, net.body.conv1.weight, net.body.conv1.bias))
    y = F.relu(F.conv2d(F.max_pool2d(y, (3, 1)), net.body.conv2.weight, net.body.conv2.bias))
    y = F.linear(y.flatten(1), net.pool.weight.flatten(1), net.pool.bias)  # linear: no ReLU
    return F.relu(F.linear(y, net.head.dense1.weight[..., 0], net.head.dense1.bias))


def one_fstride4(net, x):
    y = F.relu(F.conv2d(x, net.body.conv.weight, net.body.conv.bias, stride=(4, 1)))
    y = F.linear(y.flatten(1), net.pool.weight.flatten(1), net.pool.bias)  # linear: no ReLU
    for dense in (net.head.dense1, net.head.dense2):
        y = F.relu(F.linear(y, dense.weight[..., 0], dense.bias))
    return y


@pytest.mark.parametrize(
    ("name", "reference"), [("cnn_trad_fpool3", trad_fpool3), ("cnn_one_fstride4", one_fstride4)]
)
def test_scores_are_those_of_the_papers_layers_in_stock_torch(name, reference):
    net = create(name, num_classes=4, padding="same").double().eval()
    x = torch.randn(2, 1, 40, 32, dtype=torch.float64)
    with torch.inference_mode():
        expected = F.linear(reference(net, x), net.logits.weight[..., 0], net.logits.bias)
        torch.testing.assert_close(net(x)[..., 0], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "padding", "input_size", "message"),
    [
        (
            "cnn_trad_fpool3",
            "valid",
            (18, None),
            "rows=18 do not hold the 19 that the net needs; give input_size=(19, 128) or more",
        ),
        (
            "cnn_one_fstride4",
            "valid",
            (7, 40),
            "rows=7 do not hold the 8 that the net needs; give input_size=(8, 40) or more",
        ),
        (
            "cnn_trad_fpool3",
            "valid",
            (40, 98),
            (
                "window=98 frames do not hold the 116 that the net sees; give input_size=(40, 116) or more, "
                "or padding='same'"
            ),
        ),
        (
            "cnn_trad_fpool3",
            "same",
            (40, 1),
            "window=1 frames do not hold the 29 that the net sees; give input_size=(40, 29) or more",
        ),
    ],
)
def test_too_few_rows_or_frames(name, padding, input_size, message):
    with pytest.raises(ParameterError) as error:
        create(name, num_classes=2, padding=padding, input_size=input_size)
    assert str(error.value) == message
