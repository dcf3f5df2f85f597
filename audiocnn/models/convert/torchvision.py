"""AlexNet, VGG, GoogLeNet and ResNet as torchvision names them."""

import re
from collections.abc import Mapping

from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.models.convert.key_map import rename_layers
from audiocnn.models.image_net import ImageNet

__all__ = ["from_torchvision"]

_OUTSIDE_OF_BLOCKS = {
    "resnet": {"body.conv": "conv1", "body.norm": "bn1", "logits": "fc"},
    "googlenet": {
        **{f"body.conv{i}": f"conv{i}.conv" for i in (1, 2, 3)},
        **{f"body.conv{i}_norm": f"conv{i}.bn" for i in (1, 2, 3)},
        "logits": "fc",
    },
}
_NORM = {"conv": "conv", "norm": "bn"}
# our branches of an inception block; in theirs the last one has the pool before its convolution
_BRANCHES = {"0": "branch1", "1.reduce": "branch2.0", "1.conv": "branch2.1"} | {
    "2.reduce": "branch3.0",
    "2.conv": "branch3.1",
    "3.conv": "branch4.1",
}
_HEADS = {"4a": "aux1", "4d": "aux2"}
_IN_A_HEAD = {"conv": "conv.conv", "norm": "conv.bn", "dense": "fc1", "logits": "fc2"}


def from_torchvision(state: Mapping[str, Tensor], net: ImageNet) -> dict[str, Tensor]:
    """The weights of `torchvision.models`' AlexNet, VGG, GoogLeNet or ResNet, for ours.

    torchvision's AlexNet is our `alexnet_one_tower`, its VGGs are `vgg11`, `vgg11_bn` and so on, its
    GoogLeNet is `googlenet_bn`, or `googlenet_bn_aux` for the heads too (which in its published weights
    nobody has trained), and its ResNets are `resnet18` to `resnet152`. Weights of the form of `resnet50_v1`,
    which torchvision has none of, have the same names and shapes: they are taken, for either net.

    A dense layer on a flattened map, `(out, channels * rows * columns)`, is our convolution over the map,
    `(out, channels, rows, columns)`: a net with such layers must be built for the size of the weights, for
    the published ones `(224, 224)`.

    The published weights expect colours from 0 to 1, less (0.485, 0.456, 0.406) and then divided by (0.229,
    0.224, 0.225). Those of GoogLeNet expect 0.5 in the place of all six, which torchvision's net makes of the
    others by itself (`transform_input=True`), and ours does not.

    Args:
        state: of their net.
        net: ours of the same name, of as many classes, with either padding.

    Returns:
        What `net.load_state_dict` takes.

    Raises:
        ParameterError: for a net that torchvision has not, or the weights of another net.
    """
    ours = net.state_dict()
    names = dict.fromkeys(name.rpartition(".")[0] for name in ours)
    ignored: tuple[str, ...] = ()
    if any(name.startswith("body.stage1_block1") for name in names):
        layers = {name: _resnet_layer(name) for name in names}
    elif any(name.startswith("body.inception3a") for name in names):
        layers = {name: _googlenet_layer(name) for name in names}
        if not any(name.startswith("body.auxiliary") for name in names):
            ignored = tuple(f"{head}." for head in _HEADS.values())
    else:
        layers = dict(zip(names, _numbered_layers(state, len(names)), strict=True))
    state = dict(state)
    for name, tensor in ours.items():
        layer, _, part = name.rpartition(".")
        theirs = state.get(f"{layers[layer]}.{part}")
        if theirs is not None and tensor.dim() == 4 and theirs.shape == tensor.flatten(1).shape:
            state[f"{layers[layer]}.{part}"] = theirs.reshape(tensor.shape)
    return rename_layers(state, layers, net=net, ignored=ignored)


def _resnet_layer(name: str) -> str:
    """Their name of a layer of a ResNet."""
    pattern = r"body\.stage(\d)_block(\d+)\.residual\.branches\.(?:0\.(conv|norm)(\d)|1\.(conv|norm))"
    if match := re.fullmatch(pattern, name):
        stage, block, kind, number, in_shortcut = match.groups()
        last = f"{_NORM[kind]}{number}" if kind else f"downsample.{list(_NORM).index(in_shortcut)}"
        return f"layer{stage}.{int(block) - 1}.{last}"
    return _known("resnet", name)


def _googlenet_layer(name: str) -> str:
    """Their name of a layer of GoogLeNet."""
    if match := re.fullmatch(r"body\.(inception\w\w)\.branches\.(.+)\.(conv|norm)", name):
        block, branch, kind = match.groups()
        return f"{block}.{_BRANCHES[branch]}.{_NORM[kind]}"
    if match := re.fullmatch(r"body\.auxiliary(\w\w)\.layers\.(\w+)", name):
        head, layer = match.groups()
        return f"{_HEADS[head]}.{_IN_A_HEAD[layer]}"
    return _known("googlenet", name)


def _known(family: str, name: str) -> str:
    if name not in _OUTSIDE_OF_BLOCKS[family]:
        raise ParameterError(
            f"net has a layer {name!r} that no net of torchvision has; give one that create('resnet18', ...) "
            "or its like has built"
        )
    return _OUTSIDE_OF_BLOCKS[family][name]


def _numbered_layers(state: Mapping[str, Tensor], wanted: int) -> list[str]:
    """The layers with weights of an AlexNet or VGG, which are numbered, in their order."""
    found = {
        (part == "classifier", int(number), f"{part}.{number}")
        for part, number in re.findall(r"^(features|classifier)\.(\d+)\.", "\n".join(state), re.MULTILINE)
    }
    if len(found) != wanted:
        raise ParameterError(
            f"state has {len(found)} layers named as those of torchvision's AlexNet and VGG, and the net has "
            f"{wanted}; give the state dict of the net of the same name"
        )
    return [name for _, _, name in sorted(found)]
