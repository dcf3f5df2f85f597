"""Layers one after the other, on the whole and on a stream."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import overload

from torch import Tensor, nn

from audiocnn.geometry import Axis, chain
from audiocnn.layers.scan import Place, Scan, State, require_scan

__all__ = ["Sequential", "advance_through", "places_along"]


class Sequential(Scan, nn.Sequential):
    """Layers applied one after the other: spans chain, strides multiply.

    Its axes are made of those of the layers it is given: to add one, or one that moves in another way, make
    another `Sequential`. A slice, `net[:2]`, is another, also of what derives from it.

    Args:
        layers: layers, or dicts of layers that also name them.

    Raises:
        ParameterError: for what is no layer, such as a `torch.nn.ReLU`.

    >>> from audiocnn.layers import Conv1d
    >>> net = Sequential(Conv1d(40, 16, 3), Conv1d(16, 8, 5, stride=2))
    >>> net.geometry
    Geometry(span=7, stride=2)
    """

    def __init__(self, *layers: Scan | dict[str, Scan]) -> None:
        named: dict[str, nn.Module] = {}
        for layer in layers:
            named |= layer if isinstance(layer, dict) else {str(len(named)): layer}
        for name, module in named.items():
            require_scan(f"layers[{name!r}]", module)
        nn.Sequential.__init__(self, OrderedDict(named))
        scans = self.scans()
        self.time_axis = chain(scan.time_axis for scan in scans)
        row_axes = [scan.row_axis for scan in scans if scan.row_axis]
        self.row_axis = chain(row_axes) if len(row_axes) == len(scans) else None

    @property
    def streams(self) -> bool:
        """Whether every layer streams."""
        return all(scan.streams for scan in self.scans())

    def scans(self) -> list[Scan]:
        """The layers, in order."""
        return list(self._modules.values())  # type: ignore[arg-type]

    def names(self) -> list[str]:
        """Their names, in order."""
        return list(self._modules)

    def inside(self, time: Axis, rows: Axis | None) -> Iterator[Place]:
        """Its layers, each behind those before it."""
        return places_along(zip(self.names(), self.scans(), strict=True), time, rows)

    @overload
    def __getitem__(self, at: slice) -> "Sequential": ...

    @overload
    def __getitem__(self, at: int) -> nn.Module: ...

    def __getitem__(self, at: int | slice) -> nn.Module:
        if isinstance(at, slice):
            return Sequential({name: self._modules[name] for name in self.names()[at]})  # type: ignore[misc]
        return super().__getitem__(at)

    def forward(self, x: Tensor) -> Tensor:
        """Apply every layer in turn."""
        self.require_span(x)
        for layer in self:
            x = layer(x)
        return x

    def _advance(self, chunk: Tensor, state: State) -> tuple[Tensor | None, State]:
        """Pass the chunk through every layer, as far as outputs are due."""
        return advance_through(self.scans(), chunk, state)


def places_along(layers: Iterable[tuple[str, Scan]], time: Axis, rows: Axis | None) -> Iterator[Place]:
    """Named layers that follow one another, each in its place."""
    for name, layer in layers:
        yield Place(name, layer, time, rows)
        time, rows = (
            time.then(layer.time_axis),
            rows.then(layer.row_axis) if rows and layer.row_axis else None,
        )


def advance_through(scans: Iterable[Scan], chunk: Tensor, state: State) -> tuple[Tensor | None, State]:
    """Fold the steps of scans that follow one another, as far as outputs are due."""
    before = iter(()) if state is None else iter(state)
    after: list[State] = []
    passed: Tensor | None = chunk
    for scan in scans:
        kept = next(before, None)
        if passed is not None:
            passed, kept = scan._advance(passed, kept)
        after.append(kept)
    return passed, tuple(after)
