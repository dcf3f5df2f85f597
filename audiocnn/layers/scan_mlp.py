"""An MLP moved over its input is a convolutional net, and a convolutional net's dense end a convolution.

An MLP that looks at a block of `(channels, steps)` can look at every block of a long input. Its first
layer, applied at every position, is a convolution whose kernel is the block; the others see one
position each and are 1x1 convolutions:

    MLP          Linear(40 * 9, 64)   ReLU   Linear(64, 12)        one block (40, 9)
    scanned      Conv1d(40, 64, 9)    ReLU   Conv1d(64, 12, 1)     every block of (40, time)

What that costs, per position, is what the MLP costs: the sum over its layers of `inputs * units`. It
is more than a net that is convolved layer by layer needs. Suppose the MLP's first layer is itself one small
detector of `k` steps applied at the `M = steps - k + 1` places of the block: the MLP computes M of them
at every position, and its neighbours compute all but one of the same again. Layer by layer each is
computed once: `1 / M` of that layer's multiplications. The higher the layer, the fewer the places, so it is
the wide, low layers that share most:

    MLP at every position        T * sum over layers l of M_l * (inputs_l * units_l)
    layer by layer, about        T * sum over layers l of       (inputs_l * units_l)

for T positions, M_l the places of layer l in one block, and one place's inputs and units.
"""

import copy
from collections import OrderedDict
from math import prod
from typing import TypeAlias, TypeVar

import torch
from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.layers.conv import Conv1d, Conv2d
from audiocnn.layers.norm import BatchNorm1d, BatchNorm2d, ChannelNorm
from audiocnn.layers.scan import Scan
from audiocnn.layers.sequential import Sequential

__all__ = ["Block", "Elementwise", "conv_to_linear", "linear_to_conv", "scan_mlp", "unscan_mlp"]

# (channels, steps) or (channels, rows, steps)
Block: TypeAlias = tuple[int, int] | tuple[int, int, int]

BatchNorm = TypeVar("BatchNorm", nn.BatchNorm1d, BatchNorm1d, BatchNorm2d)

ELEMENTWISE = (
    nn.AlphaDropout,
    nn.CELU,
    nn.Dropout,
    nn.ELU,
    nn.GELU,
    nn.Hardsigmoid,
    nn.Hardswish,
    nn.Hardtanh,
    nn.Identity,
    nn.LeakyReLU,
    nn.LogSigmoid,
    nn.Mish,
    nn.PReLU,  # with a slope per channel, of the second axis in both forms
    nn.ReLU,
    nn.SELU,
    nn.SiLU,
    nn.Sigmoid,
    nn.Softplus,
    nn.Softsign,
    nn.Tanh,
)


class Elementwise(Scan):
    """Any module that treats every number by itself, such as `torch.nn.GELU`, as a layer: a scan of span 1.

    Args:
        module: the module.

    Raises:
        ParameterError: for a module that is not known to do so.

    >>> Elementwise(nn.LeakyReLU(0.1))(torch.tensor([[[-1.0, 2.0]]]))
    tensor([[[-0.1000,  2.0000]]])
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        if not isinstance(module, ELEMENTWISE):
            raise ParameterError(
                f"module={module} does not treat every number by itself; those that do are "
                f"{', '.join(kind.__name__ for kind in ELEMENTWISE)}"
            )
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        """Apply it."""
        y: Tensor = self.module(x)
        return y


def linear_to_conv(linear: nn.Linear, map_size: Block, *, stride: int = 1) -> Conv1d | Conv2d:
    """A dense layer on a flattened map, as a convolution whose kernel is the whole map.

    On a map of the given size it gives the layer's outputs; on a larger one, those of every place. The
    weights are copied.

    Args:
        linear: reads `channels * steps` or `channels * rows * steps` numbers, flattened in this order, as
            `torch.flatten` does.
        map_size: `(channels, steps)` or `(channels, rows, steps)`.
        stride: from one place to the next, along rows and time.

    Raises:
        ParameterError: for a map that does not hold as many numbers as the layer reads.

    >>> conv = linear_to_conv(nn.Linear(400, 120), (16, 5, 5))  # LeNet-5
    >>> conv(torch.zeros(1, 16, 5, 5)).shape, conv(torch.zeros(1, 16, 30, 80)).shape
    (torch.Size([1, 120, 1, 1]), torch.Size([1, 120, 26, 76]))
    """
    _require_block("map_size", map_size, linear)
    return _make_conv(linear, map_size, stride)


def conv_to_linear(conv: Conv1d | Conv2d) -> nn.Linear:
    """A convolution on a map as large as its kernel, as a dense layer on the flattened map.

    The way back of `linear_to_conv`. The weights are copied; a stride has no meaning on one place and
    is lost.

    Raises:
        ParameterError: for a convolution with padding, dilation or groups.

    >>> conv_to_linear(Conv1d(40, 64, 9))
    Linear(in_features=360, out_features=64, bias=True)
    """
    is_padded = any(axis is not None and not axis.is_scan for axis in (conv.time_axis, conv.row_axis))
    if is_padded or max(conv.dilation) > 1 or conv.groups > 1:
        raise ParameterError(
            f"{conv} pads, skips steps or splits its channels; a dense layer is a convolution with "
            "padding='valid', dilation=1 and groups=1"
        )
    linear = nn.Linear(conv.weight[0].numel(), conv.out_channels, bias=conv.bias is not None)
    _copy(conv, linear)
    return linear.train(conv.training)


def scan_mlp(mlp: nn.Sequential, block: Block, *, stride: int = 1) -> Sequential:
    """The net that gives, at every position of a long input, what an MLP gives for the block there.

    The first `Linear` becomes a convolution over the block, the others 1x1 convolutions. Activations and
    dropout stay as they are, `BatchNorm1d` and `LayerNorm` over the features of a layer become norms over
    channels, and a `Flatten` goes. In evaluation the results are the same; in training, batch norm then takes
    its statistics over positions too. Weights are copied: neither net's training changes the other.

    Args:
        mlp: of `Linear` and of layers that keep features apart, on `torch.flatten(block, 1)`.
        block: what it reads, `(channels, steps)` or `(channels, rows, steps)`.
        stride: from one position to the next, along rows and time.

    Returns:
        `(batch, channels, time)` -> `(batch, outputs, positions)`, or `(batch, channels, rows, time)` ->
        `(batch, outputs, positions along rows, positions along time)`.

    Raises:
        ParameterError: for what is no `torch.nn.Sequential`, a layer that cannot be scanned, or a block that
            is not what the first `Linear` reads.

    >>> mlp = nn.Sequential(nn.Linear(360, 64), nn.ReLU(), nn.Linear(64, 12))
    >>> net = scan_mlp(mlp, (40, 9))
    >>> x = torch.randn(1, 40, 98)
    >>> net(x).shape, torch.allclose(net(x)[:, :, 5], mlp(x[:, :, 5:14].flatten(1)), atol=1e-5)
    (torch.Size([1, 12, 90]), True)
    """
    if not isinstance(mlp, nn.Sequential):
        raise ParameterError(
            f"mlp={type(mlp).__name__} must be a torch.nn.Sequential, of which it is known in which order, "
            "and with which activations, its layers are applied"
        )
    layers: dict[str, Scan] = {}
    one = (1,) * (len(block) - 1)
    is_first = True  # no Linear yet: features are still places of the block
    for name, layer in mlp.named_children():
        if isinstance(layer, nn.Flatten) and is_first:
            continue
        if isinstance(layer, nn.Linear):
            if is_first:
                _require_block("block", block, layer)
                scanned: Scan = _make_conv(layer, block, stride)
            else:
                scanned = _make_conv(layer, (layer.in_features, *one), 1)
            is_first = False
        elif isinstance(layer, ELEMENTWISE) and not (is_first and isinstance(layer, nn.PReLU)):
            scanned = copy.deepcopy(layer) if isinstance(layer, Scan) else Elementwise(copy.deepcopy(layer))
        elif isinstance(layer, nn.BatchNorm1d) and layer.track_running_stats and not is_first:
            is_1d = len(block) == 2
            scanned = _copy_batch_norm(layer, BatchNorm1d) if is_1d else _copy_batch_norm(layer, BatchNorm2d)
        elif isinstance(layer, nn.LayerNorm) and _is_plain(layer) and not is_first:
            scanned = ChannelNorm(*layer.normalized_shape)
            _copy(layer, scanned)
        else:
            raise ParameterError(
                f"{type(layer).__name__} at '{name}' cannot be scanned; an MLP is made of Linear, "
                "activations and dropout, and after the first Linear BatchNorm1d with running statistics and "
                "LayerNorm with eps=1e-05"
            )
        layers[name] = scanned
    if is_first:
        raise ParameterError("mlp has no Linear layer, the one that becomes a convolution over the block")
    return Sequential(layers).train(mlp.training)


def unscan_mlp(net: Sequential) -> nn.Sequential:
    """The MLP that gives for one block what a net gives at every position: the way back of `scan_mlp`.

    It takes blocks `(batch, channels, [rows,] steps)` and flattens them. Weights are copied; the net's stride
    has no meaning on one block and is lost.

    Args:
        net: of one convolution over a block, 1x1 convolutions after it, activations, dropout, batch norm
            and `ChannelNorm`.

    Raises:
        ParameterError: for a layer that has no place in an MLP.

    >>> unscan_mlp(Sequential(Conv1d(40, 64, 9), Conv1d(64, 12, 1)))
    Sequential(
      (flatten): Flatten(start_dim=1, end_dim=-1)
      (0): Linear(in_features=360, out_features=64, bias=True)
      (1): Linear(in_features=64, out_features=12, bias=True)
    )
    """
    layers: dict[str, nn.Module] = {"flatten": nn.Flatten()}
    is_first = True
    for name, layer in net.named_children():
        if isinstance(layer, (Conv1d, Conv2d)) and (is_first or _is_one_to_one(layer)):
            layers[name] = conv_to_linear(layer)
            is_first = False
        elif isinstance(layer, Elementwise):
            layers[name] = copy.deepcopy(layer.module)
        elif isinstance(layer, ELEMENTWISE):
            layers[name] = copy.deepcopy(layer)
        elif isinstance(layer, (BatchNorm1d, BatchNorm2d)) and not is_first:
            layers[name] = _copy_batch_norm(layer, nn.BatchNorm1d)
        elif isinstance(layer, ChannelNorm) and not is_first:
            layers[name] = nn.LayerNorm(len(layer.weight))
            _copy(layer, layers[name])
        else:
            raise ParameterError(
                f"{type(layer).__name__} at '{name}' has no place in an MLP; one is made of a convolution "
                "over a block, 1x1 convolutions without stride, activations, dropout, batch norm and "
                "ChannelNorm"
            )
    if is_first:
        raise ParameterError("net has no convolution, the one that becomes the MLP's first Linear")
    return nn.Sequential(OrderedDict(layers)).train(net.training)


def _require_block(name: str, block: Block, linear: nn.Linear) -> None:
    if len(block) not in (2, 3) or min(block) < 1:
        raise ParameterError(
            f"{name}={block} must be (channels, steps) or (channels, rows, steps), all positive"
        )
    if prod(block) != linear.in_features:
        raise ParameterError(
            f"{name}={block} holds {prod(block)} numbers, and the layer reads "
            f"in_features={linear.in_features}; give the size of the map before it is flattened"
        )


def _is_one_to_one(conv: Conv1d | Conv2d) -> bool:
    return max(conv.kernel_size) == max(conv.stride) == 1


def _is_plain(norm: nn.LayerNorm) -> bool:
    """Whether `ChannelNorm` computes the same."""
    return len(norm.normalized_shape) == 1 and norm.eps == 1e-5 and norm.bias is not None


def _make_conv(linear: nn.Linear, block: tuple[int, ...], stride: int) -> Conv1d | Conv2d:
    """The convolution over `block` that computes `linear`."""
    channels, *kernel = block
    bias = linear.bias is not None
    conv: Conv1d | Conv2d
    if len(kernel) == 1:
        conv = Conv1d(channels, linear.out_features, kernel[0], stride=stride, bias=bias)
    else:
        conv = Conv2d(channels, linear.out_features, (kernel[0], kernel[1]), stride=stride, bias=bias)
    _copy(linear, conv)
    return conv.train(linear.training)


def _copy(old: nn.Module, new: nn.Module) -> None:
    """Give `new` the parameters of `old`, in their type and in its own shapes."""
    new.to(next(old.parameters()))
    given = dict(old.named_parameters())
    with torch.no_grad():
        for name, parameter in new.named_parameters():
            parameter.copy_(given[name].view_as(parameter))


def _copy_batch_norm(norm: nn.BatchNorm1d | nn.BatchNorm2d, kind: type[BatchNorm]) -> BatchNorm:
    new = kind(norm.num_features, eps=norm.eps, momentum=norm.momentum, affine=norm.affine)
    assert norm.running_mean is not None
    new.to(norm.running_mean).load_state_dict(norm.state_dict())
    return new
