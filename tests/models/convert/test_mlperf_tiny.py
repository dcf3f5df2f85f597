"""MLPerf Tiny's DS-CNN: the logits of Keras with the same weights. See `golden/make_mlperf_tiny.py`."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from golden import assert_same
from keras_weights import folded, mlperf_tiny_features, mlperf_tiny_weights

from audiocnn.accounting import count_parameters
from audiocnn.errors import ParameterError
from audiocnn.models import create
from audiocnn.models.convert import from_mlperf_tiny

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/mlperf_tiny.json").read_text(encoding="utf-8"))


def build(padding="same", **changes):
    arguments = {"num_classes": 12, "input_size": (10, 49), "padding": padding} | changes
    return create("ds_cnn_mlperf", **arguments).eval()


def features():
    """`(batch, 1, frequency, time)`."""
    return torch.tensor(mlperf_tiny_features()).permute(0, 3, 2, 1)


@pytest.mark.parametrize(
    "arrays", [mlperf_tiny_weights(), folded(mlperf_tiny_weights())], ids=["keras", "tflite"]
)
def test_logits_are_those_of_keras(arrays):
    net = build()
    net.load_state_dict(from_mlperf_tiny(arrays, net))
    expected = torch.tensor(GOLDEN["logits"])
    with torch.no_grad():
        logits = net(features())
    assert_same(logits[..., 0], expected)


def test_parameters_are_those_that_keras_counts():
    net = build()
    moving = sum(buffer.numel() for name, buffer in net.named_buffers() if "running" in name)
    assert count_parameters(net) + moving == GOLDEN["parameters"]
    assert sum(array.size for array in mlperf_tiny_weights()) == GOLDEN["parameters"]


def test_the_same_weights_scan():
    net = build("valid", input_size=(40, None))
    net.load_state_dict(from_mlperf_tiny(mlperf_tiny_weights(), net))
    with torch.no_grad():
        assert net(torch.randn(1, 1, 40, 300)).shape[-1] == net.geometry.output_length(300)


def quantised():
    return [np.round(array * 10).astype(np.int8) for array in folded(mlperf_tiny_weights())]


def without_biases():
    arrays = mlperf_tiny_weights()
    return [array for i, array in enumerate(arrays) if i % 6 != 1 or i == len(arrays) - 1]


def shuffled():
    return mlperf_tiny_weights()[::-1]


def of_35_classes():
    return [*mlperf_tiny_weights()[:-2], np.zeros((64, 35)), np.zeros(35)]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            quantised,
            "arrays[0] holds numbers of int8; make floats of them first, scale * (number - zero_point)",
        ),
        (
            without_biases,
            (
                "arrays are 47; give all 56 of Keras, or the 20 kernels and biases of a TFLite file, in the "
                "order of the layers"
            ),
        ),
        (
            shuffled,
            (
                "arrays[0] of shape (12,) is no kernel for 'body.conv', which has 4 axes; give the arrays in "
                "the order of the layers"
            ),
        ),
        (
            of_35_classes,
            (
                "state['arrays[54]'] of shape (35, 64) does not fit 'logits.weight' of shape (12, 64, 1); "
                "build the net with the same classes, rows and width"
            ),
        ),
    ],
)
def test_other_arrays_are_refused(arrays, message):
    with pytest.raises(ParameterError) as error:
        from_mlperf_tiny(arrays(), build())
    assert str(error.value) == message


def test_another_net_is_refused():
    with pytest.raises(ParameterError) as error:
        from_mlperf_tiny(mlperf_tiny_weights(), create("ds_cnn_s", num_classes=12))
    assert str(error.value) == (
        "net is no DS-CNN of MLPerf Tiny; give one that create('ds_cnn_mlperf', ...) has built"
    )
