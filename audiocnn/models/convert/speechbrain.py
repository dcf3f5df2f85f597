"""X-vectors and ECAPA-TDNN as SpeechBrain names them."""

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.models.convert.key_map import rename_layers
from audiocnn.models.net import Net

__all__ = ["from_speechbrain"]

# What SpeechBrain adds to the deviations that an x-vector is made of.
ADDED = 1e-5


def from_speechbrain(state: Mapping[str, Tensor], net: Net) -> dict[str, Tensor]:
    """The weights of SpeechBrain's `Xvector` or `ECAPA_TDNN`, for ours; and of a classifier, if there is one.

    SpeechBrain keeps the classifier in a file of its own: `state` is the embedding model's, or both, as in
    `{**embedding, **classifier}`. Without it, the layers after the embedding stay as they are in `net`.

    ECAPA-TDNN's classifier is a matrix whose rows are compared with the embedding by their cosine. Here the
    rows are brought to the length 1, and the logits are those cosines times the length of the embedding: the
    order of the classes is theirs. Of an x-vector, what SpeechBrain adds to the deviations is put into the
    bias of the layer after them; the noise that it adds to the means, of 1e-5 to 9e-5, is left out.

    Args:
        state: of the reference implementation.
        net: `x_vector`, or `ecapa_tdnn_512` and its like with `padding="same"`; of as many rows, and with a
            classifier as many classes.

    Returns:
        What `net.load_state_dict` takes.

    Raises:
        ParameterError: for a net of another family, or the weights of another net.
    """
    ours = net.state_dict()
    if "body.aggregate.conv.weight" in ours:
        if "pool.scorer.0.weight" not in ours:
            raise ParameterError(
                "net is an ECAPA-TDNN whose attention does not see the clip, so that SpeechBrain's weights "
                "do not fit; build it with padding='same'"
            )
        layers, after = _ecapa_layers(), ["logits"]
        state = _with_unit_rows(state, fits=ours["logits.weight"])
    elif "head.affine2.weight" in ours:
        layers = _x_vector_layers()
        state = _with_added_deviations(state)
        after = [layer for layer in layers if layer.startswith("head.") or layer == "logits"]
        after.remove("head.affine")  # gives the embedding
    else:
        raise ParameterError(
            "net is no x-vector and no ECAPA-TDNN; give one that create('x_vector', ...), "
            "create('ecapa_tdnn_512', ...) or its like has built"
        )
    kept = {
        f"{layers[layer]}.{part}": tensor
        for layer, part, tensor in ((*name.rsplit(".", 1), tensor) for name, tensor in ours.items())
        if layer in after
    }
    if not kept.keys() & state.keys():  # the part up to the embedding alone
        state = {**state, **kept}
    return rename_layers(state, layers, net=net)


def _with_unit_rows(state: Mapping[str, Tensor], *, fits: Tensor) -> dict[str, Tensor]:
    """The matrix of a cosine classifier, if there is one, as a layer."""
    layers = dict(state)
    if "weight" in layers:
        rows = layers.pop("weight")
        if rows.shape != fits.shape[:2]:
            raise ParameterError(
                f"state['weight'] of shape {tuple(rows.shape)} is not {tuple(fits.shape[:2])}, the net's "
                f"classes and channels; build it with num_classes={len(rows)}"
            )
        rows = F.normalize(rows)
        layers |= {"logits.weight": rows, "logits.bias": rows.new_zeros(len(rows))}
    return layers


def _with_added_deviations(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The embedding's bias with the part that a constant in all deviations has in it."""
    layers = dict(state)
    weight, bias = (layers.get(f"blocks.16.w.{part}") for part in ("weight", "bias"))
    if weight is not None and bias is not None:  # or `rename_state` says what is missing
        layers["blocks.16.w.bias"] = bias + ADDED * weight[:, weight.shape[1] // 2 :].sum(dim=1)
    return layers


def _x_vector_layers() -> dict[str, str]:
    """Each of our layers that has weights, and their name of it."""
    layers = {
        "head.affine": "blocks.16.w",
        "head.norm": "norm.norm",
        "head.affine2": "DNN.block_0.linear.w",
        "head.norm2": "DNN.block_0.norm.norm",
        "logits": "out.w",
    }
    for i in range(5):  # convolution, activation, norm
        layers[f"body.frame{i + 1}.conv"] = f"blocks.{3 * i}.conv"
        layers[f"body.frame{i + 1}.norm"] = f"blocks.{3 * i + 2}.norm"
    return layers


def _ecapa_layers() -> dict[str, str]:
    """Each of our layers that has weights, and their name of it."""
    layers = _time_delay("body.frame", "blocks.0")
    beside = "body.blocks.others.branches.1"
    blocks = ("body.blocks.block", f"{beside}.block", f"{beside}.others.branches.1")
    for i, block in enumerate(blocks, start=1):
        ours, theirs = f"{block}.branches.0", f"blocks.{i}"
        layers |= _time_delay(f"{ours}.first", f"{theirs}.tdnn1") | _time_delay(
            f"{ours}.last", f"{theirs}.tdnn2"
        )
        for j in range(7):
            layers |= _time_delay(f"{ours}.res2net.layers.{j}", f"{theirs}.res2net_block.blocks.{j}")
        layers |= {
            f"{ours}.gate.branches.1.reduce": f"{theirs}.se_block.conv1.conv",
            f"{ours}.gate.branches.1.expand": f"{theirs}.se_block.conv2.conv",
        }
    return (
        layers
        | _time_delay("body.aggregate", "mfa")
        | {
            "pool.scorer.0": "asp.tdnn.conv.conv",
            "pool.scorer.2": "asp.tdnn.norm.norm",
            "pool.scorer.4": "asp.conv.conv",
            "head.norm": "asp_bn.norm",
            "head.embedding": "fc.conv",
            "logits": "logits",
        }
    )


def _time_delay(ours: str, theirs: str) -> dict[str, str]:
    return {f"{ours}.conv": f"{theirs}.conv.conv", f"{ours}.norm": f"{theirs}.norm.norm"}
