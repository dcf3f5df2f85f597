"""Branches over one input, aligned; the residual among them, and the crops that align them."""

from collections.abc import Iterable, Iterator
from functools import reduce

import torch
from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis, Geometry
from audiocnn.layers.scan import Place, Scan, State, require_scan
from audiocnn.layers.sequential import advance_through, places_along

__all__ = ["Crop", "Identity", "Parallel", "Residual"]


class Identity(Scan):
    """Gives what it gets: the plain shortcut of a residual block."""

    def forward(self, x: Tensor) -> Tensor:
        """Return `x`."""
        return x


class Crop(Scan):
    """Leave out steps at both ends: what a shorter branch needs to stay aligned with a longer one.

    On a stream it is a delay line, with no code of its own.

    Args:
        time: steps left out on the left and the right of the last axis.
        rows: the same for the last but one.

    Raises:
        ParameterError: for a negative number of steps, and on input that is all cropped away.

    >>> Crop(time=(1, 2))(torch.arange(6))
    tensor([1, 2, 3])
    """

    def __init__(self, *, time: tuple[int, int] = (0, 0), rows: tuple[int, int] = (0, 0)) -> None:
        super().__init__()
        for name, steps in (("time", time), ("rows", rows)):
            if min(steps) < 0:
                raise ParameterError(f"{name}={steps} must be 0 or more steps at each end")
        self.time, self.rows = time, rows
        self.time_axis = Axis(Geometry(1 + sum(time)), Geometry(), time[0], is_scan=True)
        self.row_axis = Axis(Geometry(1 + sum(rows)), Geometry(), rows[0], is_scan=True)

    def forward(self, x: Tensor) -> Tensor:
        """`(..., rows, time)` -> `(..., rows - sum(self.rows), time - sum(self.time))`."""
        self.require_span(x)
        left, right = self.time
        x = x[..., left : x.shape[-1] - right]
        if any(self.rows):
            self.require_rows(x)
            top, bottom = self.rows
            x = x[..., top : x.shape[-2] - bottom, :]
        return x

    def extra_repr(self) -> str:
        """The steps left out."""
        return f"time={self.time}, rows={self.rows}"


class Parallel(Scan):
    """Branches over one input, aligned at their centres, their outputs added, multiplied or concatenated.

    All branches move at the same stride. Where all keep the law, the input of
    a shorter branch is cropped so that both look at the same centre:

        input             0 1 2 3 4 5 6       longest branch: span S = 7
        shorter, span 4     [1 2 3 4]         left = (S - s) // 2, right the rest

    Where a branch pads (`"same"`) nothing is cropped, and all must give equal lengths; a branch
    that gives a single step for the whole input serves every step of the others.

    Args:
        branches: one or more layers.
        join: `"sum"`, `"product"` (a gate), or `"concatenate"` along channels.

    Raises:
        ParameterError: for strides or lengths that differ, an unknown `join`, or a branch that is no layer.

    >>> from audiocnn.layers import Conv1d
    >>> Parallel(Conv1d(8, 4, 1), Conv1d(8, 4, 5), join="concatenate")(torch.zeros(1, 8, 20)).shape
    torch.Size([1, 8, 16])
    """

    def __init__(self, *branches: Scan, join: str = "sum") -> None:
        super().__init__()
        if join not in ("sum", "product", "concatenate"):
            raise ParameterError(f"join={join!r} must be 'sum', 'product' or 'concatenate'")
        if not branches:
            raise ParameterError("branches must be at least one layer")
        for i, branch in enumerate(branches):
            require_scan(f"branches[{i}]", branch)
        self.join = join
        self.time_axis, time_crops = _align([branch.time_axis for branch in branches])
        row_axes = [branch.row_axis for branch in branches if branch.row_axis]
        row_crops = [(0, 0)] * len(branches)
        if len(row_axes) == len(branches):
            self.row_axis, row_crops = _align(row_axes)
        else:
            self.row_axis = None
        self.branches = nn.ModuleList(branches)
        self.crops = nn.ModuleList(
            Crop(time=time, rows=rows) for time, rows in zip(time_crops, row_crops, strict=True)
        )
        self._is_cropped = [any(time + rows) for time, rows in zip(time_crops, row_crops, strict=True)]

    def paths(self) -> list[list[Scan]]:
        """What the input goes through in each branch: a crop where one is needed, and the branch."""
        crops: Iterable[Scan] = self.crops._modules.values()  # type: ignore[assignment]
        branches: Iterable[Scan] = self.branches._modules.values()  # type: ignore[assignment]
        return [
            [crop, branch] if is_cropped else [branch]
            for is_cropped, crop, branch in zip(self._is_cropped, crops, branches, strict=True)
        ]

    def inside(self, time: Axis, rows: Axis | None) -> Iterator[Place]:
        """The crops that are needed, and the branches behind them."""
        for i, path in enumerate(self.paths()):
            names = [f"crops.{i}", f"branches.{i}"][-len(path) :]
            yield from places_along(zip(names, path, strict=True), time, rows)

    def _join(self, outputs: list[Tensor]) -> Tensor:
        if self.join == "concatenate":
            return torch.cat(outputs, dim=1)
        operation = torch.add if self.join == "sum" else torch.mul
        return reduce(operation, outputs)  # may broadcast, as in a broadcasted residual

    def forward(self, x: Tensor) -> Tensor:
        """Run every branch on its part of `x` and join the outputs."""
        self.require_span(x)
        outputs = []
        for path in self.paths():
            y = x
            for scan in path:
                y = scan(y)
            outputs.append(y)
        return self._join(outputs)

    def _advance(self, chunk: Tensor, state: State) -> tuple[Tensor | None, State]:
        """Step every branch; cropped to equal spans, all give equally many outputs."""
        paths = self.paths()
        before = [None] * len(paths) if state is None else state
        due, after = [], []
        for path, past in zip(paths, before, strict=True):
            output, kept = advance_through(path, chunk, past)
            after.append(kept)
            if output is not None:
                due.append(output)
        return self._join(due) if due else None, tuple(after)

    def extra_repr(self) -> str:
        """How the outputs are joined."""
        return f"join={self.join!r}"


def _align(axes: list[Axis]) -> tuple[Axis, list[tuple[int, int]]]:
    """The axis of parallel branches, and what to crop from the input of each."""
    moving = [axis.takes for axis in axes if axis.takes]
    strides = sorted({takes.stride for takes in moving})
    if len(strides) > 1:
        raise ParameterError(f"branches have strides {strides}; give all the same stride")
    crops = [(0, 0)] * len(axes)
    spans = sorted({takes.span for takes in moving})
    is_scan = all(axis.is_scan for axis in axes)
    if is_scan:
        crops = [((spans[-1] - takes.span) // 2, (spans[-1] - takes.span + 1) // 2) for takes in moving]
    elif len(spans) > 1:
        raise ParameterError(
            f"branches give outputs of different lengths (they take {spans} steps for the first one); "
            "give all the same padding"
        )
    # a branch of unknown length either serves all steps (a global pool) or decides the length
    is_known = moving and all(axis.takes or axis.sees is None for axis in axes)
    takes = Geometry(spans[-1], strides[0]) if is_known else None
    if any(axis.sees is None for axis in axes):
        return Axis(takes, None), crops
    begins = [left + axis.start for (left, _), axis in zip(crops, axes, strict=True)]
    ends = [begin + axis.sees.span for begin, axis in zip(begins, axes, strict=True) if axis.sees]
    stride = next(axis.sees.stride for axis in axes if axis.sees)
    return Axis(takes, Geometry(max(ends) - min(begins), stride), min(begins), is_scan), crops


class Residual(Parallel):
    """`branch(x) + shortcut(x)`: He et al. 2016, "Deep Residual Learning for Image Recognition".

    With a `"valid"` branch the shortcut is the centre of the input, as long as
    what the branch leaves of it; on a stream it is thereby delayed as it must be.

    Args:
        branch: the residual function.
        shortcut: the other path, the identity by default; a strided 1x1
            convolution where the branch changes stride or channels.

    >>> from audiocnn.layers import Conv1d
    >>> Residual(Conv1d(8, 8, 9)).geometry
    Geometry(span=9, stride=1)
    """

    def __init__(self, branch: Scan, shortcut: Scan | None = None) -> None:
        super().__init__(branch, shortcut if shortcut is not None else Identity())
