"""The base of every layer: a scan, with a span, a stride, and a live form.

A layer reads `span` steps of its last axis to make one output and moves on by
`stride`. From these two integers follow its output length, how layers compose,
what a network sees, and - once, here, for all of them - how a layer runs on a
stream of chunks with the results of the whole:

    chunk       |.........|.........|....                 what arrives
    buffer             [..]                               what later outputs still need
    forward on         [..|.........]                     gives every output now due

Containers do not buffer; they fold the steps of what they hold (`sequential`, `parallel`).
"""

import contextlib
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor, nn

from audiocnn.errors import LawError, ParameterError
from audiocnn.geometry import Axis, Geometry

__all__ = ["Place", "Scan", "State", "require_scan"]

# A plain nest of tensors; None before the first chunk and where nothing need be kept.
State: TypeAlias = "Tensor | tuple[State, ...] | None"


class Place(NamedTuple):
    """Where a layer stands in another.

    Attributes:
        name: its path there, as `get_submodule` takes it.
        layer: itself.
        time: how what it reads moves over the input, along time.
        rows: the same along rows; None where there are none.
    """

    name: str
    layer: "Scan"
    time: Axis
    rows: Axis | None


class Scan(nn.Module):
    """A module that moves along its last axis as a window; the base class of every layer.

    A subclass computes in `forward` and sets what it does to lengths:

    Attributes:
        time_axis: the last axis (time, or the width of an image).
        row_axis: the last but one (frequency, or height); None where the output has none.
        law_remedy: for a module whose `geometry` is None, what to do instead
            when it is asked to stream.
    """

    time_axis: Axis = Axis.scan()
    row_axis: Axis | None = Axis.scan()
    law_remedy: str = ""

    @property
    def geometry(self) -> Geometry | None:
        """Span and stride along time; None where windows cut from a long input score differently."""
        return self.time_axis.geometry

    @property
    def geometry_rows(self) -> Geometry | None:
        """Span and stride along frequency or height; None where that axis is padded, averaged or gone."""
        return self.row_axis.geometry if self.row_axis else None

    @property
    def streams(self) -> bool:
        """Whether `step` gives of chunks what `forward` gives of the whole, as every scan does.

        A smoother that never forgets its past does so too, and is no scan.
        """
        return self.geometry is not None

    def require_span(self, x: Tensor) -> None:
        """Raise `ParameterError` if `x` is too short in time to give one output."""
        takes = self.time_axis.takes
        span = takes.span if takes else 1  # of nothing there is no mean, and nothing to up-sample
        if x.shape[-1] < span:
            raise ParameterError(
                f"input of {x.shape[-1]} steps along time is shorter than the span of "
                f"{type(self).__name__}, {span}; pad the clip once, before the network"
            )

    def require_rows(self, x: Tensor) -> None:
        """Raise `ParameterError` if `x` has too few rows to give one."""
        takes = self.row_axis.takes if self.row_axis else None
        if takes is not None and x.shape[-2] < takes.span:
            raise ParameterError(
                f"input of {x.shape[-2]} rows is shorter than the span of {type(self).__name__} along rows, "
                f"{takes.span}; give more rows, or padding='same' along them"
            )

    def require_law(self) -> Geometry:
        """The geometry; raises `LawError` naming the layer that has none, and the remedy."""
        geometry = self.geometry
        if geometry is None:
            raise self._law_error()
        return geometry

    def _law_error(self) -> LawError:
        """What to raise where this module streams not, or is no scan."""
        broken = list(_without_law(self))
        name, layer = next((pair for pair in broken if not pair[1].streams), broken[0])
        place = f" at '{name}'" if name else ""
        what = "is no scan" if layer.streams else "cannot stream"
        return LawError(f"{type(layer).__name__}{place} {what}: {layer.law_remedy}")

    def macs(self, x: Tensor, y: Tensor) -> int:
        """Multiply-accumulates of this layer's own weights when it makes `y` of `x`.

        Multiplications of convolutions and dense layers, those with padding included; biases, norms,
        activations and pools cost none. A container has none of its own.
        """
        return 0

    def connections(self, x: Tensor, y: Tensor) -> int:
        """Connections as the classic papers count them: the inputs, and the bias, of every number of `y`.

        Convolutions, dense layers and pools have them, and the numbers they give are neurons.
        """
        return 0

    def inside(self, time: Axis, rows: Axis | None) -> Iterator[Place] | None:
        """The layers that it is made of, each in its place; None where it counts as one.

        Args:
            time: how its own input moves over that of a whole net, along time.
            rows: the same along rows; None where there are none.
        """
        return None

    @contextlib.contextmanager
    def evaluating(self) -> Iterator[None]:
        """For a `with` statement: in evaluation mode; afterwards as before.

        The mode belongs to the module, not to the thread: put one that several threads share into
        evaluation mode beforehand.
        """
        training = [module for module in self.modules() if module.training]
        for module in training:
            module.training = False
        try:
            yield
        finally:
            for module in training:
                module.training = True

    def step(self, chunk: Tensor, state: State = None) -> tuple[Tensor | None, State]:
        """Take the next chunk of a stream and give the outputs that are due.

        Args:
            chunk: the next steps along the last axis, as many as there are, even none.
            state: what the previous call returned; None at the start of a stream.

        Returns:
            The outputs now due - None while there are none - and the state
            for the next call. Concatenated, the outputs are `self(x)` of the
            concatenated chunks.

        Raises:
            LawError: if this module, or one inside it, does not stream.
        """
        if not self.streams:
            raise self._law_error()
        return (None, state) if chunk.shape[-1] == 0 else self._advance(chunk, state)

    def _advance(self, chunk: Tensor, state: State) -> tuple[Tensor | None, State]:
        """`step` of a chunk that is not empty, the law being known to hold.

        Containers override it to fold what they hold.
        """
        geometry = self.time_axis.takes
        assert geometry is not None
        arrived, span, stride = chunk.size(-1), geometry.span, geometry.stride
        if span == stride == 1:
            return _run(self, chunk), None
        buffer, owed = _unpack(state, chunk)
        if owed:
            dropped = min(owed, arrived)
            owed, chunk = owed - dropped, chunk[..., dropped:]
        z = torch.cat((buffer, chunk), dim=-1)
        length = z.size(-1)
        # the state of a stream carries no graph of all its past
        kept = z.detach() if z.requires_grad else z
        n = (length - span) // stride + 1
        if n < 1:
            return None, _pack(kept, owed)
        y, used = _run(self, z), n * stride
        if used >= length:
            return y, _pack(kept[..., :0].clone(), used - length)
        kept = kept.narrow(-1, used, length - used)
        # a short buffer must not hold a long chunk in memory
        return y, kept.clone() if length - used < used else kept


def require_scan(name: str, value: object) -> None:
    """Raise `ParameterError` unless a value, such as `module=`, is a layer."""
    if not isinstance(value, Scan):
        raise ParameterError(
            f"{name}={value!r} is no layer that scans; take it from audiocnn.layers, or give "
            "Elementwise(...) of a module that treats every number by itself"
        )


def _unpack(state: State, chunk: Tensor) -> tuple[Tensor, int]:
    """The buffered steps, and how many steps to come must be dropped (where stride > span)."""
    if state is None:
        return chunk[..., :0], 0
    if isinstance(state, Tensor):
        return state, 0
    buffer, owed = state
    assert isinstance(buffer, Tensor) and isinstance(owed, Tensor)
    return buffer, int(owed)


def _pack(buffer: Tensor, owed: int) -> State:
    return (buffer, _count(owed)) if owed else buffer


@cache
def _count(steps: int) -> Tensor:
    """A number as a tensor, which a state is made of; the same few come again at every step.

    It is read and never computed with, and so stays on the processor, whatever device is the default.
    """
    return torch.tensor(steps, device="cpu")


def _run(scan: Scan, x: Tensor) -> Tensor:
    """`scan(x)`, without the microsecond that `nn.Module` takes to look for hooks where there are none."""
    y: Tensor = scan(x) if scan._forward_hooks or scan._forward_pre_hooks else scan.forward(x)
    return y


def _without_law(module: nn.Module, name: str = "") -> Iterator[tuple[str, Scan]]:
    """The innermost scans of `module` that do not keep the law, with their names."""
    if isinstance(module, Scan) and module.geometry is not None:
        return
    inner = [
        found
        for child_name, child in module.named_children()
        for found in _without_law(child, f"{name}.{child_name}" if name else child_name)
    ]
    if not inner and isinstance(module, Scan):
        inner = [(name, module)]
    yield from inner
