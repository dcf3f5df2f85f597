"""Transfer: a classifier begins with what another has learned, and holds some of it fixed.

    waveform or picture - layer 1 - layer 2 - ... - layer n - logits
    weights of            another classifier ...............  fresh ones for new labels
    freeze=2              fixed     fixed     learns ........  learn
    freeze="body"         fixed ............................  learn
      thaw_epochs=1       one layer less every epoch, from the last on

The first layers of nets learn much the same whatever they are trained on, the last what only their own
classes need: Yosinski et al. 2014, "How transferable are features in deep neural networks?",
arXiv 1411.1792.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audiocnn.classifier_config import config_as_dict
from audiocnn.config import Freeze
from audiocnn.errors import ParameterError
from audiocnn.image_classifier import ImageClassifier
from audiocnn.labelled import LabelledNet
from audiocnn.layers import BatchNorm1d, BatchNorm2d, ChannelNorm, FrameNorm, SubSpectralNorm
from audiocnn.loading import load
from audiocnn.models.googlenet import AuxiliaryHead

__all__ = ["FrozenLayers", "Layer", "layers_of", "start_from"]

_NORMS = (BatchNorm1d, BatchNorm2d, ChannelNorm, FrameNorm, SubSpectralNorm)
_WITH_AVERAGES = (BatchNorm1d, BatchNorm2d)


def start_from(classifier: LabelledNet, path: str | os.PathLike[str]) -> None:
    """Give a classifier the weights of another, which has the same net.

    The statistics that its input is normalised by come along: the weights were learned on what these make
    of it. Layers named `logits` are taken if the labels are the same, a label's weights by its name; for
    other labels they stay as they are, fresh. Windows, and sizes of pictures, may differ where no weights
    hang on them.

    Args:
        classifier: what is to begin so.
        path: the file of the other, as `audiocnn.load` takes it.

    Raises:
        ModelFileError: for a file that holds no classifier.
        ParameterError: for a classifier of another kind, on another front-end, or of another net.
    """
    other = load(path)
    kinds = ["pictures" if isinstance(one, ImageClassifier) else "sounds" for one in (other, classifier)]
    if kinds[0] != kinds[1]:
        raise ParameterError(
            f"start_from={path} is a classifier of {kinds[0]}, and this run learns {kinds[1]}; give the file "
            "of one that does"
        )
    net, others_net = classifier.bare_net.config, other.bare_net.config
    if net.name != others_net.name:
        raise ParameterError(
            f"start_from={path} holds the net {others_net.name}, and this run trains {net.name}; train the "
            "same net, or give another file"
        )
    now, then = (config_as_dict(one.config).get("front_end", {}) for one in (classifier, other))
    if differing := [key for key in then | now if then.get(key) != now.get(key)]:
        differing = ["kind"] if "kind" in differing else differing
        found = "; ".join(f"front_end.{key}={then.get(key)!r}, not {now.get(key)!r}" for key in differing)
        raise ParameterError(f"start_from={path} was trained with {found}; give this run that front-end")
    tensors, given = _tensors(classifier), _tensors(other)
    if tensors.keys() != given.keys():
        raise ParameterError(
            f"start_from={path} has padding={others_net.padding!r}, with which {net.name} has other layers; "
            "give this run that padding"
        )
    order = None
    if set(classifier.labels) == set(other.labels):
        order = torch.tensor([other.labels.index(label) for label in classifier.labels])
    heads = {key for key in tensors if "logits" in key.split(".")}
    for key, tensor in tensors.items():
        if key not in heads and given[key].shape != tensor.shape:
            made_for = " x ".join(map(str, (others_net.in_channels, *(others_net.input_size or ()))))
            raise ParameterError(
                f"start_from={path}: {key} is {tuple(given[key].shape)} there, not {tuple(tensor.shape)}; it "
                f"was trained on {made_for}, channels, rows and columns: give this run such input"
            )
    for key, tensor in tensors.items():
        if key not in heads:
            tensor.copy_(given[key])
        elif order is not None:
            tensor.copy_(given[key][order])  # one row for each class


@dataclass(frozen=True, kw_only=True)
class Layer:
    """What of a classifier is frozen as one.

    Attributes:
        name: of the layer, in the net.
        modules: itself, and what goes with it.
    """

    name: str
    modules: tuple[nn.Module, ...]

    def parameters(self) -> Iterator[nn.Parameter]:
        """Of all its modules."""
        for module in self.modules:
            yield from module.parameters()

    def averaging_norms(self) -> Iterator[BatchNorm1d | BatchNorm2d]:
        """The norms whose moving averages follow what they are trained on."""
        for module in self.modules:
            for part in module.modules():
                if isinstance(part, _WITH_AVERAGES):
                    yield part


def layers_of(classifier: LabelledNet) -> list[Layer]:
    """The layers before the logits, first to last, as `freeze` counts them.

    These are the parts of the net's body, its pool and its head that have weights, such as a convolution or
    a whole residual block. A norm goes with the layer before it; one that stands first, and a front-end that
    learns, go with the first layer. Auxiliary heads are none, since they give logits too.

    >>> [layer.name for layer in layers_of(load("demo"))][:3]
    ['body.conv', 'body.stage1_block1', 'body.stage1_block2']
    """
    net = classifier.bare_net
    found: list[tuple[str, list[nn.Module]]] = []
    first = [child for child in classifier.children() if child is not classifier.net]
    leading = [child for child in first if any(True for _ in child.parameters())]
    for name, child in _before_logits(net):
        if isinstance(child, _NORMS):
            (found[-1][1] if found else leading).append(child)
        else:
            found.append((name, [child] if found else [*leading, child]))
    return [Layer(name=name, modules=tuple(modules)) for name, modules in found]


class FrozenLayers:
    """The first layers of a classifier, held as they are while the others learn.

    A frozen weight takes no gradient, and what has none torch's optimizers leave alone, weight decay and
    momentum included; so all weights may be in the optimizer from the start. A frozen batch norm uses its
    moving averages and does not move them. Dropout goes on everywhere: it serves the layers behind it.

    Thawing, layer by layer from the last to the first, is the "gradual unfreezing" of Howard & Ruder 2018,
    "Universal Language Model Fine-tuning for Text Classification", arXiv 1801.06146, which thaws one
    an epoch. (Their rates that fall from layer to layer are not here: all that learns has the same.)

    Args:
        classifier: whose layers.
        freeze: `"stem"` for the first layer, `"body"` for all before the logits, or how many of `layers_of`,
            from the first on.
        thaw_epochs: epochs after which one more layer learns, again and again; None for never.

    Raises:
        ParameterError: for more layers than there are, where nothing is left that learns, or for a
            `thaw_epochs` that is not positive.

    Attributes:
        layers: those that are frozen at first.

    In any training loop:

    >>> classifier = load("demo")
    >>> frozen = FrozenLayers(classifier, "body", thaw_epochs=2)
    >>> for epoch in range(4):
    ...     frozen.begin_epoch(epoch)
    ...     learning = [name for name, one in classifier.net.named_parameters() if one.requires_grad]
    ...     print(epoch, learning[0])
    0 logits.weight
    1 logits.weight
    2 body.pointwise.weight
    3 body.pointwise.weight
    """

    def __init__(self, classifier: LabelledNet, freeze: Freeze, *, thaw_epochs: int | None = None) -> None:
        layers = layers_of(classifier)
        count = {"stem": 1, "body": len(layers)}.get(str(freeze), freeze)
        if not (isinstance(count, int) and 1 <= count <= len(layers)):
            raise ParameterError(
                f"freeze={freeze!r} must be 'stem', 'body' or from 1 to {len(layers)}, the layers that "
                f"{classifier.config.net.name} has before its logits: "
                f"{', '.join(layer.name for layer in layers)}"
            )
        if thaw_epochs is not None and thaw_epochs < 1:
            raise ParameterError(f"thaw_epochs={thaw_epochs} must be an integer of at least 1")
        self.classifier = classifier
        self.layers = layers[:count]
        self.thaw_epochs = thaw_epochs
        # what never learns by gradients is not thawed either
        self._learning = [[one for one in layer.parameters() if one.requires_grad] for layer in self.layers]
        held = {one for learning in self._learning for one in learning}
        if not any(one.requires_grad and one not in held for one in classifier.parameters()):
            raise ParameterError(
                f"freeze={freeze!r} leaves nothing of {classifier.config.net.name} that learns; freeze fewer "
                "layers"
            )

    def frozen_in(self, epoch: int) -> int:
        """How many layers are frozen in an epoch, from 0."""
        thawed = 0 if self.thaw_epochs is None else epoch // self.thaw_epochs
        return max(0, len(self.layers) - thawed)

    def begin_epoch(self, epoch: int) -> None:
        """Put the classifier in training mode, but for what is frozen.

        Args:
            epoch: its number, from 0; a run may begin at any.
        """
        self.classifier.train()
        frozen = self.frozen_in(epoch)
        for i, (layer, learning) in enumerate(zip(self.layers, self._learning, strict=True)):
            is_frozen = i < frozen
            for parameter in learning:
                parameter.requires_grad_(not is_frozen)
                if is_frozen:
                    parameter.grad = None
            if is_frozen:
                for norm in layer.averaging_norms():
                    norm.eval()


def _before_logits(net: nn.Module) -> list[tuple[str, nn.Module]]:
    """The parts before the logits that have weights, by their names in the net."""
    parts: list[tuple[str, nn.Module]] = []
    for name, child in net.named_children():
        if name == "logits":
            break
        if name == "body" or isinstance(child, nn.Sequential):
            parts += _with_weights(child, name)
        elif child.state_dict():
            parts.append((name, child))
    return [(name, child) for name, child in parts if not isinstance(child, AuxiliaryHead)]


def _with_weights(module: nn.Module, name: str) -> list[tuple[str, nn.Module]]:
    """The children that have weights; where it is one chain of layers alone, those of that chain."""
    children = [(f"{name}.{key}", child) for key, child in module.named_children() if child.state_dict()]
    if len(children) == 1 and isinstance(children[0][1], nn.Sequential):
        return _with_weights(children[0][1], children[0][0])
    return children


def _tensors(classifier: LabelledNet) -> dict[str, Tensor]:
    """All numbers by name, whether or not the net is run in windows."""
    parts = dict(classifier.named_children()) | {"net": classifier.bare_net}
    return {
        f"{part}.{name}": tensor
        for part, module in parts.items()
        for name, tensor in module.state_dict().items()
    }
