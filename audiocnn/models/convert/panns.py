"""CNN6, CNN10 and CNN14 as the authors of PANNs name them."""

import re
from collections.abc import Mapping

from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.models.convert.key_map import rename_layers, turn_kernels
from audiocnn.models.net import Net

__all__ = ["from_panns"]


def from_panns(state: Mapping[str, Tensor], net: Net) -> dict[str, Tensor]:
    """The weights of `Cnn6`, `Cnn10` or `Cnn14` of audioset_tagging_cnn (`pytorch/models.py`), for ours.

    Their net reads `(time, rows)` and ours `(rows, time)`, so kernels are turned. Their front-end is left
    out: it is our preset `panns`, with the clip padded by 512 reflected samples at both ends.

    Args:
        state: of the net; in the published checkpoints what is under `"model"`.
        net: `cnn6`, `cnn10` or `cnn14` of as many classes (527) and rows (64), with either padding.

    Returns:
        What `net.load_state_dict` takes.

    Raises:
        ParameterError: for a net of another family, or the weights of another net.
    """
    ours = net.state_dict()
    if "body.row_norm.norm.weight" not in ours:
        raise ParameterError(
            "net is no CNN6, CNN10 or CNN14; give one that create('cnn14', ...) or its like has built"
        )
    layers = {"body.row_norm.norm": "bn0", "head.dense": "fc1", "logits": "fc_audioset"}
    for name in ours:
        if match := re.match(r"body\.block(\d)_(conv|norm)(\d)", name):
            block, kind, number = match.groups()
            layers[match[0]] = f"conv_block{block}.{'bn' if kind == 'norm' else kind}{number}"
    ignored = ("spectrogram_extractor.", "logmel_extractor.")
    return rename_layers(turn_kernels(state), layers, net=net, ignored=ignored)
