"""DS-CNN: the paper's memory and operations, the references' counts, and TensorFlow's zeros."""

import pytest
import torch

from audiocnn.accounting import account, count_parameters
from audiocnn.errors import ParameterError
from audiocnn.geometry import same_padding
from audiocnn.layers import WindowMean
from audiocnn.models import create

PUBLISHED = (10, 49)  # coefficients, frames of 20 ms
NETS = ["ds_cnn_s", "ds_cnn_m", "ds_cnn_m_1_5", "ds_cnn_l", "ds_cnn_mlperf"]


def published(name):
    return create(name, num_classes=12, input_size=PUBLISHED, padding="same")


@pytest.mark.parametrize(
    ("name", "trainable", "total"),
    [
        ("ds_cnn_s", 23_180, 24_332),
        ("ds_cnn_m", 136_580, 139_676),
        ("ds_cnn_m_1_5", 293_616, 298_260),  # ours
        ("ds_cnn_l", 413_736, 419_808),
        ("ds_cnn_mlperf", 23_756, 24_908),  # what Keras prints
    ],
)
def test_counts_of_the_reference_code(name, trainable, total):
    for padding in ("same", "valid"):
        net = create(name, num_classes=12, padding=padding)
        moving = sum(b.numel() for key, b in net.named_buffers() if "running" in key)
        assert (count_parameters(net), count_parameters(net) + moving) == (trainable, total)


def test_hello_edges_table_of_memory_and_operations():
    """Table 4 of the paper: weights of 8 bits, the norms folded in, and the largest two maps at a time."""
    for name, kilobytes, operations in (
        ("ds_cnn_s", 38.6, 5.4e6),
        ("ds_cnn_m", 189.2, 19.8e6),
        ("ds_cnn_l", 497.6, 56.9e6),
    ):
        layers = account(published(name), (1, *PUBLISHED)).layers
        convs = [layer for layer in layers if layer.kind.startswith("Conv")]
        # a norm's two numbers for each channel become the one bias of its convolution
        folded = sum(layer.parameters // (2 if layer.kind == "BatchNorm2d" else 1) for layer in layers)
        maps = [PUBLISHED[0] * PUBLISHED[1], *(layer.activation_bytes // 4 for layer in convs)]
        assert round((folded + max(map(sum, zip(maps, maps[1:], strict=False)))) / 1000, 1) == kilobytes
        added = sum(maps[1:]) + layers[-3].connections  # biases, and the sum of the mean
        assert abs((2 * sum(layer.macs for layer in layers) + added) / operations - 1) < 0.01


def test_what_the_published_nets_see_and_cost():
    for name, frames, macs in (
        ("ds_cnn_s", 26, 2_656_768),
        ("ds_cnn_m", 38, 9_816_384),
        ("ds_cnn_m_1_5", 38, 20_493_456),
        ("ds_cnn_l", 46, 28_327_812),
        ("ds_cnn_mlperf", 26, 2_656_768),
    ):
        net = published(name)
        assert net.body.time_axis.sees.span == frames
        assert sum(layer.macs for layer in account(net, (1, *PUBLISHED)).layers) == macs


def test_what_the_scans_see_and_cost():
    for name, frames, stride, most in (
        ("ds_cnn_s", 42, 4, 10e6),
        ("ds_cnn_m", 66, 8, 10e6),
        ("ds_cnn_m_1_5", 66, 8, 20e6),
        ("ds_cnn_l", 82, 8, 30e6),
        ("ds_cnn_mlperf", 42, 4, 10e6),
    ):
        net = create(name, num_classes=12)
        assert (net.body.geometry.span, net.body.geometry.stride, net.window) == (frames, stride, 130)
        assert sum(layer.macs for layer in account(net, (1, 40, 130)).layers) < most


def test_the_published_features_can_be_scanned_too():
    for name in NETS:
        net = create(name, num_classes=12, input_size=(10, 82))
        assert net.geometry.span > 70


@pytest.mark.parametrize(("kernel_size", "stride"), [(10, 2), (4, 2), (4, 1), (3, 1)])
def test_tensorflow_begins_its_zeros_where_we_do(kernel_size, stride):
    for length in range(1, 200):
        assert same_padding(kernel_size)[0] == zeros_before_in_tensorflow(length, kernel_size, stride)


def test_but_a_strided_kernel_of_3_meets_an_even_length_one_step_later():
    for length in range(2, 200):
        assert zeros_before_in_tensorflow(length, 3, 2) == length % 2


def zeros_before_in_tensorflow(length, kernel_size, stride):
    """As many zeros as the last window needs, half of them, rounded down, before the input."""
    outputs = -(-length // stride)
    return max(0, (outputs - 1) * stride + kernel_size - length) // 2


def test_dropout_of_mlperf_alone():
    for name, drops in (("ds_cnn_s", {}), ("ds_cnn_mlperf", {"body.dropout": 0.2, "body.last_dropout": 0.4})):
        layers = published(name).named_modules()
        assert {key: layer.p for key, layer in layers if isinstance(layer, torch.nn.Dropout)} == drops


@pytest.mark.parametrize(("window", "averaged"), [(1, 1), (3, 1), (4, 2), (5, 2)])
def test_mlperfs_mean_leaves_out_the_last_of_an_odd_number_unless_it_is_the_only_one(window, averaged):
    net = create("ds_cnn_mlperf", num_classes=2, input_size=(10, window), padding="same").eval()
    means = [layer for layer in net.pool.modules() if isinstance(layer, WindowMean)]
    assert [mean.window for mean in means] == [averaged]
    assert net(torch.zeros(1, 1, 10, window)).shape == (1, 2, 1)


def test_a_window_too_short():
    with pytest.raises(ParameterError) as error:
        create("ds_cnn_m", num_classes=2, input_size=(40, 49))
    assert str(error.value) == (
        "window=49 frames do not hold the 66 that the net sees; give input_size=(40, 66) or more, or "
        "padding='same'"
    )
