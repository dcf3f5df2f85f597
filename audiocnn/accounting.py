"""What each layer of a network costs and sees, counted on one input.

The network is run once, on zeros, and every layer says what it did: which multiplications its
weights took, how many connections it has. What it sees follows from the axes of the layers before
it, through every branch.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audiocnn.geometry import Axis, ReceptiveField
from audiocnn.layers import Identity, Scan

__all__ = ["Account", "LayerAccount", "account", "count_parameters"]


@dataclass(frozen=True, kw_only=True)
class LayerAccount:
    """One layer, on one input.

    Attributes:
        name: its path in the network, as `get_submodule` takes it.
        kind: its class.
        output: what it gives, without the batch.
        parameters: trainable numbers.
        macs: multiply-accumulates: one for each multiplication of a weight of a convolution or dense layer,
            those with padding included; biases, norms, activations and pools not counted.
        operations: multiplications and additions of the same, biases included; what pools add or compare;
            and one for each number that any other layer gives.
        neurons: numbers it gives, if they have connections.
        connections: inputs and biases of all its neurons.
        activation_bytes: memory of what it gives, if it is not the input's own.
        state_bytes: what it keeps of a stream, at most.
        time: the receptive field of an output along time, in steps of the network's input; None where that
            is all of it, or differs from output to output (behind a transposed convolution).
        rows: the same for frequency or height; also None where the input has no rows.
        keeps_law: whether a scan of a long input is what its windows give one by one.
        remedy: what to do if it is not.
    """

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    macs: int
    operations: int
    neurons: int
    connections: int
    activation_bytes: int
    state_bytes: int
    time: ReceptiveField | None
    rows: ReceptiveField | None
    keeps_law: bool
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Account:
    """A network on one input: every layer but the identity, in the order they stand.

    What joins branches, an addition or a concatenation, is no layer and not counted.

    Attributes:
        layers: the layers.
        output: what the whole gives, without the batch.
    """

    layers: tuple[LayerAccount, ...]
    output: tuple[int, ...]


@dataclass
class _Call:
    """What a layer, with all inside it, did when it was called."""

    output: Tensor
    step: Tensor
    macs: int
    connections: int
    computes: bool  # not so where the output is a part of the input, or the input in another shape


def count_parameters(module: nn.Module) -> int:
    """Trainable numbers: weights and biases, not batch norm's moving statistics."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def account(network: Scan, input_size: tuple[int, ...]) -> Account:
    """Account for every layer of a network.

    Args:
        network: a layer, or any nest of layers that say what is inside, such as `Sequential` and `Parallel`.
            Others that hold layers are accounted for as one.
        input_size: the shape of the input without the batch, such as `(1, 40, 98)`.

    >>> from audiocnn.layers import Conv2d, ReLU, Sequential
    >>> alexnet = Sequential(Conv2d(3, 96, 11, stride=4), ReLU())  # its beginning
    >>> first = account(alexnet, (3, 227, 227)).layers[0]
    >>> first.output, first.parameters, first.macs
    ((96, 55, 55), 34944, 105415200)
    """
    has_rows = len(input_size) > 2
    layers = [
        place
        for place in _layers(network, "", Axis.scan(), Axis.scan() if has_rows else None)
        if not isinstance(place[1], Identity)
    ]
    calls, output = _calls([layer for _, layer, _, _ in layers], network, input_size)
    accounts = []
    for name, layer, time, rows in layers:
        call = calls[layer].pop(0)  # a layer that stands in several places is called as often
        numbers = call.output.numel()
        accounts.append(
            LayerAccount(
                name=name,
                kind=type(layer).__name__,
                output=tuple(call.output.shape[1:]),
                parameters=count_parameters(layer),
                macs=call.macs,
                operations=call.macs + (call.connections or numbers) if call.computes else 0,
                neurons=numbers if call.connections else 0,
                connections=call.connections,
                activation_bytes=numbers * call.output.element_size() if call.computes else 0,
                state_bytes=_state_bytes(layer, call.step),
                time=time.receptive_field,
                rows=rows.receptive_field if rows else None,
                keeps_law=layer.geometry is not None,
                remedy="" if layer.geometry else layer.law_remedy,
            )
        )
    return Account(layers=tuple(accounts), output=output)


def _layers(
    scan: Scan, name: str, time: Axis, rows: Axis | None
) -> Iterator[tuple[str, Scan, Axis, Axis | None]]:
    """Every layer inside `scan`, and how its output moves over the input, `scan`'s own moving by the axes."""
    places = scan.inside(time, rows)
    if places is None:
        yield (
            name,
            scan,
            time.then(scan.time_axis),
            rows.then(scan.row_axis) if rows and scan.row_axis else None,
        )
        return
    for place in places:
        inner = f"{name}.{place.name}" if name else place.name
        yield from _layers(place.layer, inner, place.time, place.rows)


def _calls(
    layers: list[Scan], network: Scan, input_size: tuple[int, ...]
) -> tuple[dict[Scan, list[_Call]], tuple[int, ...]]:
    """Run the network on zeros; give what each layer did, and the shape of the output."""
    calls: dict[Scan, list[_Call]] = defaultdict(list)
    costs: dict[Scan, tuple[int, int]] = defaultdict(lambda: (0, 0))

    def note(module: nn.Module, inputs: tuple[Tensor, ...], y: Tensor) -> None:
        assert isinstance(module, Scan)
        x = inputs[0]
        macs, connections = costs[module]
        costs[module] = macs + module.macs(x, y), connections + module.connections(x, y)

    def note_layer(module: nn.Module, inputs: tuple[Tensor, ...], y: Tensor) -> None:
        assert isinstance(module, Scan)
        inner = {part: costs.pop(part) for part in module.modules() if part in costs}
        macs, connections = (sum(cost) for cost in zip(*inner.values(), strict=True))
        # the same storage, not the same address: on the meta device all addresses are 0
        computes = y.untyped_storage()._cdata != inputs[0].untyped_storage()._cdata
        calls[module].append(_Call(y, inputs[0][..., :1], macs, connections, computes))

    hooks = [
        part.register_forward_hook(note)
        for layer in set(layers)
        for part in layer.modules()
        if isinstance(part, Scan)
    ]
    hooks += [layer.register_forward_hook(note_layer) for layer in set(layers)]  # run after those of `note`
    like = next((p for p in (*network.parameters(), *network.buffers()) if p.is_floating_point()), None)
    zeros = torch.zeros(1, *input_size) if like is None else like.new_zeros(1, *input_size)
    try:
        with network.evaluating(), torch.inference_mode():
            output: Tensor = network(zeros)
    finally:
        for hook in hooks:
            hook.remove()
    return calls, tuple(output.shape[1:])


def _state_bytes(layer: Scan, step: Tensor) -> int:
    """What the stream of a layer keeps at most: all but one of the steps that its next output reads."""
    if layer.geometry is None:
        return 0
    owed = 8 if layer.geometry.stride > layer.geometry.span else 0
    return (layer.geometry.span - 1) * step.numel() * step.element_size() + owed
