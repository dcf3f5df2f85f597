"""BC-ResNet as Qualcomm AI Research's code names it."""

import re
from collections.abc import Mapping

from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.models.convert.key_map import rename_layers
from audiocnn.models.net import Net

__all__ = ["from_qualcomm"]

_OUTSIDE_OF_BLOCKS = {
    "body.conv": "cnn_head.0",
    "body.norm": "cnn_head.1",
    "body.depthwise": "classifier.0",
    "body.pointwise": "classifier.1",
    "body.last_norm": "classifier.2",
    "logits": "classifier.5",
}
# In a block: a transition has one more layer in f2, before the others.
_EXPAND = {"expand": "f2.0.block.0", "expand_norm": "f2.0.block.1"}
_F1 = {"conv": "f1.0.block.0", "norm": "f1.0.block.1", "project": "f1.1"}


def from_qualcomm(state: Mapping[str, Tensor], net: Net) -> dict[str, Tensor]:
    """The weights of `BCResNets` of Qualcomm-AI-research/bcresnet (`bcresnet.py`), for ours.

    Args:
        state: of their net.
        net: the `bc_resnet_...` of the same width, of as many classes, with either padding.

    Returns:
        What `net.load_state_dict` takes.

    Raises:
        ParameterError: for a net of another family, or the weights of another net.
    """
    layers = dict(_OUTSIDE_OF_BLOCKS)
    for name in net.state_dict():
        if match := re.match(r"body\.stage(\d)_block(\d)\.body\.", name):
            stage, block = (int(number) - 1 for number in match.groups())
            layers |= _block(match[0], f"BCBlocks.{stage}.{block}.", is_transition=block == 0)
    if len(layers) == len(_OUTSIDE_OF_BLOCKS):
        raise ParameterError(
            "net is no BC-ResNet; give one that create('bc_resnet_1', ...) or its like has built"
        )
    return rename_layers(state, layers, net=net)


def _block(ours: str, theirs: str, *, is_transition: bool) -> dict[str, str]:
    """The layers of a block; where its outer shortcut is, it is a branch."""
    f2, last = (ours, 1) if is_transition else (f"{ours}branches.0.", 0)
    layers = {"conv": f"f2.{last}.block.0", "norm.norm": f"f2.{last}.block.1.ssnorm"}
    layers |= _EXPAND if is_transition else {}
    layers |= {f"broadcast.branches.0.{name}": value for name, value in _F1.items()}
    return {f2 + name: theirs + value for name, value in layers.items()}
