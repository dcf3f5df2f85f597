"""VGGish as its port to torch names it."""

from collections.abc import Mapping

from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.models.convert.key_map import rename_layers, turn_kernels
from audiocnn.models.net import Net

__all__ = ["from_torchvggish"]

_CONVOLUTIONS = {
    "body.conv1_1": "features.0",
    "body.conv2_1": "features.3",
    "body.conv3_1": "features.6",
    "body.conv3_2": "features.8",
    "body.conv4_1": "features.11",
    "body.conv4_2": "features.13",
}
_DENSE = {"pool": "embeddings.0", "head.dense2": "embeddings.2", "head.embedding": "embeddings.4"}
# positions that its convolutions leave of 96 frames of 64 rows
_FRAMES = 6
_ROWS = 4


def from_torchvggish(state: Mapping[str, Tensor], net: Net) -> dict[str, Tensor]:
    """The weights of torchvggish 0.2, the published ones of TensorFlow in torch, for ours.

    They end with the embedding: the layer of the classes keeps the weights that it has in `net`. What follows
    theirs, a rotation and rounding to 8 bits, is left out. Their net
    reads `(time, rows)` and ours `(rows, time)`, so kernels are turned, and so is the map before the first
    dense layer, which they flatten with channels last.

    Args:
        state: of their net, such as the file `vggish-10086976.pth`.
        net: `vggish` on 64 rows, with `padding="same"` and 96 frames, or with `"valid"` and 150.

    Returns:
        What `net.load_state_dict` takes.

    Raises:
        ParameterError: for a net of another family, or of another size, or the weights of another net.
    """
    ours = net.state_dict()
    if "body.conv4_2.weight" not in ours:
        raise ParameterError("net is no VGGish; give one that create('vggish', ...) has built")
    kept = {name: tensor for name, tensor in ours.items() if name.startswith("logits.")}
    theirs = turn_kernels(state) | kept
    dense, channels = f"{_DENSE['pool']}.weight", ours["body.conv4_2.bias"].numel()
    if dense in theirs and theirs[dense].shape[1:] == (_FRAMES * _ROWS * channels,):
        flat = theirs[dense].unflatten(1, (_FRAMES, _ROWS, channels))
        theirs[dense] = flat.permute(0, 3, 2, 1).flatten(1, 2)  # (4096, channel * row, frame)
    return rename_layers(theirs, {**_CONVOLUTIONS, **_DENSE, "logits": "logits"}, net=net)
