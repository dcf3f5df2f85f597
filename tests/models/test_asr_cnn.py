"""The acoustic model: what it sees, where it pools, and why it does so over frequency alone."""

import pytest
import torch
import torch.nn.functional as F

from audiocnn.accounting import account, count_parameters
from audiocnn.errors import ParameterError
from audiocnn.models import create
from audiocnn.models.asr_cnn import asr_cnn


def test_parameters_and_costs():
    for padding, macs in (("same", 8_367_616), ("valid", 9_788_416)):
        net = create("asr_cnn", num_classes=12, padding=padding)
        assert count_parameters(net) == 26_972
        assert sum(layer.macs for layer in account(net, (1, 40, net.window)).layers) == macs


def test_kaldis_layers_over_frequency():
    # make_cnn_proto.py for 40 bands, deltas of two orders and 11 frames: 33 places, 11 pools, 8 places
    net = asr_cnn(num_classes=2, in_channels=3, kernels=(128, 256))
    rows = {layer.name: layer for layer in account(net, (3, 40, net.window)).layers}
    assert rows["body.frequency1"].output[:2] == (128, 33)
    assert rows["body.pool"].output[:2] == (128, 11)
    assert rows["body.frequency2"].output[:2] == (256, 8)
    assert net.body.frequency1.weight[0].numel() == 8 * 11 * 3
    assert net.body.frequency2.weight[0].numel() == 4 * 128


def reference(layers, x):
    """The layers of the docstring in stock torch, without padding, up to the mean."""
    y = F.conv2d(x, layers.frequency1.weight, layers.frequency1.bias)
    y = F.relu(F.max_pool2d(y, (3, 1)))
    y = F.relu(F.conv2d(y, layers.frequency2.weight, layers.frequency2.bias)).flatten(1, 2)
    y = F.conv1d(y, layers.bottleneck.weight, layers.bottleneck.bias)  # linear: no ReLU
    y = F.relu(F.conv1d(y, layers.time.weight, layers.time.bias, dilation=5))
    return F.relu(F.conv1d(y, layers.dense.weight, layers.dense.bias))


def test_scores_are_those_of_its_layers_in_stock_torch():
    net = create("asr_cnn", num_classes=12).double().eval()
    x = torch.randn(2, 1, 40, net.window, dtype=torch.float64)
    with torch.inference_mode():
        expected = F.linear(reference(net.body, x).mean(-1), net.logits.weight[..., 0], net.logits.bias)
        torch.testing.assert_close(net(x)[..., 0], expected, rtol=1e-9, atol=1e-9)


def test_a_decision_sees_31_frames_at_a_time():
    net = create("asr_cnn", num_classes=2)
    assert (net.body.geometry.span, net.body.geometry.stride) == (31, 1)


def test_a_formant_may_move_by_a_band_but_not_by_a_pool():
    """Where the pool takes the largest of three bands, a peak scores the same in each of the three."""
    torch.manual_seed(0)
    frequency = create("asr_cnn", num_classes=2).body[:2]
    frequency.frequency1.weight.data.zero_()
    frequency.frequency1.weight.data[:, :, 0, 5] = 1.0  # kernels that wait for a peak in their lowest band

    def pooled(band):
        x = torch.zeros(1, 1, 40, 11)
        x[:, :, band, 5] = 1.0
        return frequency(x)

    assert torch.equal(pooled(12), pooled(13))
    assert torch.equal(pooled(12), pooled(14))
    assert not torch.equal(pooled(12), pooled(15))


def test_too_few_rows():
    with pytest.raises(ParameterError) as error:
        create("asr_cnn", num_classes=2, input_size=(18, None))
    assert str(error.value) == (
        "rows=18 do not hold the 19 that the net needs; give input_size=(19, 128) or more"
    )
