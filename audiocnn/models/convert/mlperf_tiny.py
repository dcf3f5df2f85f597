"""The DS-CNN of MLPerf Tiny, as Keras or TFLite gives its arrays."""

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.models.convert.key_map import rename_state
from audiocnn.models.ds_cnn import EPS
from audiocnn.models.net import Net

__all__ = ["from_mlperf_tiny"]

# each convolution, in the order they run, and its norm
NORMS = {"body.conv": "body.norm"} | {
    f"body.block{i}.{layer}": f"body.block{i}.{layer}_norm"
    for i in range(1, 5)
    for layer in ("depthwise", "pointwise")
}
# where the axes of our kernels, (out, in, frequency, time) or for the classes (out, in), are in theirs
KERAS_AXES = {"conv": (3, 2, 1, 0), "depthwise": (2, 3, 1, 0), "pointwise": (3, 2, 1, 0), "logits": (1, 0)}
TFLITE_AXES = {"conv": (0, 3, 2, 1), "depthwise": (3, 0, 2, 1), "pointwise": (0, 3, 2, 1), "logits": (0, 1)}


def from_mlperf_tiny(arrays: Sequence[npt.NDArray[Any]], net: Net) -> dict[str, Tensor]:
    """The weights of MLPerf Tiny's keyword spotting model (mlcommons/tiny, `kws_ref_model`), for ours.

    Either the 56 arrays of Keras: for each convolution kernel `(time, frequency, in, out)`, or of a depthwise
    one `(time, frequency, channels, 1)`, and bias, then gamma, beta, mean and variance of its norm; at last
    matrix `(in, out)` and bias of the classes.

    Or the 20 arrays of a TFLite file in floats: for each convolution kernel `(out, time, frequency, in)`, or
    of a depthwise one `(1, time, frequency, channels)`, and bias, into which TFLite has folded the norms; at
    last matrix `(out, in)` and bias of the classes. Our norms then change nothing.

    The reference ends in a softmax, our net in the logits before it. Its features are the preset
    `mlperf_tiny`, not normalised.

    Args:
        arrays: in the order of the layers: what `model.get_weights()` of Keras gives; or kernel and bias of
            each convolution and of the dense layer, in the order that a TFLite file runs them.
        net: `ds_cnn_mlperf` of as many classes, with either padding.

    Returns:
        What `net.load_state_dict` takes.

    Raises:
        ParameterError: for a net of another family, the arrays of another net, or numbers of 8 bits.
    """
    keras, tflite = _names(folded=False), _names(folded=True)
    ours = net.state_dict()
    if {name for name in ours if not name.endswith("num_batches_tracked")} != set(keras):
        raise ParameterError(
            "net is no DS-CNN of MLPerf Tiny; give one that create('ds_cnn_mlperf', ...) has built"
        )
    if len(arrays) not in (len(keras), len(tflite)):
        raise ParameterError(
            f"arrays are {len(arrays)}; give all {len(keras)} of Keras, or the {len(tflite)} kernels and "
            "biases of a TFLite file, in the order of the layers"
        )
    is_folded = len(arrays) == len(tflite)
    state = {f"arrays[{i}]": torch.tensor(array) for i, array in enumerate(arrays)}
    names = dict(zip(tflite if is_folded else keras, state, strict=True))
    for theirs, tensor in state.items():
        if not tensor.is_floating_point():
            raise ParameterError(
                f"{theirs} holds numbers of {str(tensor.dtype).removeprefix('torch.')}; make floats of them "
                "first, scale * (number - zero_point)"
            )
    for layer in (*NORMS, "logits"):
        theirs = names[f"{layer}.weight"]
        axes = (TFLITE_AXES if is_folded else KERAS_AXES)[layer.rsplit(".", 1)[-1]]
        if state[theirs].dim() != len(axes):
            raise ParameterError(
                f"{theirs} of shape {tuple(state[theirs].shape)} is no kernel for {layer!r}, which has "
                f"{len(axes)} axes; give the arrays in the order of the layers"
            )
        state[theirs] = state[theirs].permute(axes)
    if is_folded:
        for norm in NORMS.values():
            for part, tensor in _identity(len(ours[f"{norm}.weight"])).items():
                names[f"{norm}.{part}"] = f"{norm}.{part}"
                state[f"{norm}.{part}"] = tensor
    return rename_state(state, names, net=net)


def _names(*, folded: bool) -> list[str]:
    """Our names of the arrays, in their order."""
    names = []
    for layer, norm in NORMS.items():
        names += [f"{layer}.weight", f"{layer}.bias"]
        if not folded:
            names += [f"{norm}.{part}" for part in ("weight", "bias", "running_mean", "running_var")]
    return [*names, "logits.weight", "logits.bias"]


def _identity(channels: int) -> dict[str, Tensor]:
    """A norm that changes nothing."""
    return {
        "weight": torch.ones(channels),
        "bias": torch.zeros(channels),
        "running_mean": torch.zeros(channels),
        "running_var": torch.full((channels,), 1 - EPS),
    }
