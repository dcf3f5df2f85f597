"""The base of every layer: a scan, with a span, a stride, and a live form.

A layer reads `span` steps of its last axis to make one output and moves on by
`stride`. From these two integers follow its output length, how layers compose,
what a network sees, and - once, here, for all of them - how a layer runs on a
stream of chunks with the results of the whole:

    chunk       |.........|.........|....                 what arrives
    buffer             [..]                               what later outputs still need
    forward on         [..|.........]                     gives every output now due

Containers do not buffer; they fold the steps of what they hold.
"""

import contextlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from functools import cache, reduce
from typing import TypeAlias

import torch
from torch import Tensor, nn

from audiocnn.errors import LawError, ParameterError
from audiocnn.geometry import Axis, Geometry, chain

__all__ = ["Crop", "Identity", "Parallel", "Residual", "Scan", "Sequential", "State", "Windows"]

# A plain nest of tensors; None before the first chunk and where nothing need be kept.
State: TypeAlias = "Tensor | tuple[State, ...] | None"


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

    def require_span(self, x: Tensor) -> None:
        """Raise `ParameterError` if `x` is too short in time to give one output."""
        takes = self.time_axis.takes
        if takes is not None and x.shape[-1] < takes.span:
            raise ParameterError(
                f"input of {x.shape[-1]} steps along time is shorter than the span of "
                f"{type(self).__name__}, {takes.span}; pad the clip once, before the network"
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
            name, layer = next(_without_law(self))
            place = f" at '{name}'" if name else ""
            raise LawError(f"{type(layer).__name__}{place} cannot stream: {layer.law_remedy}")
        return geometry

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
            LawError: if this module, or one inside it, is no scan.
        """
        self.require_law()
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
        due, used = (n - 1) * stride + span, n * stride
        y = _run(self, z if due == length else z.narrow(-1, 0, due))
        if used >= length:
            return y, _pack(kept[..., :0].clone(), used - length)
        kept = kept.narrow(-1, used, length - used)
        # a short buffer must not hold a long chunk in memory
        return y, kept.clone() if length - used < used else kept


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
    """A number as a tensor, which a state is made of; the same few come again at every step."""
    return torch.tensor(steps)


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


def _advance_through(scans: Iterable[Scan], chunk: Tensor, state: State) -> tuple[Tensor | None, State]:
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

    >>> Crop(time=(1, 2))(torch.arange(6))
    tensor([1, 2, 3])
    """

    def __init__(self, *, time: tuple[int, int] = (0, 0), rows: tuple[int, int] = (0, 0)) -> None:
        super().__init__()
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


class Sequential(Scan, nn.Sequential):
    """Layers applied one after the other: spans chain, strides multiply.

    Args:
        layers: layers, or dicts of layers that also name them.

    >>> from audiocnn.layers import Conv1d
    >>> net = Sequential(Conv1d(40, 16, 3), Conv1d(16, 8, 5, stride=2))
    >>> net.geometry
    Geometry(span=7, stride=2)
    """

    def __init__(self, *layers: Scan | dict[str, Scan]) -> None:
        named: dict[str, nn.Module] = {}
        for layer in layers:
            named |= layer if isinstance(layer, dict) else {str(len(named)): layer}
        nn.Sequential.__init__(self, OrderedDict(named))
        scans = self.scans()
        self.time_axis = chain(scan.time_axis for scan in scans)
        row_axes = [scan.row_axis for scan in scans if scan.row_axis]
        self.row_axis = chain(row_axes) if len(row_axes) == len(scans) else None

    def scans(self) -> list[Scan]:
        """The layers, in order."""
        return list(self._modules.values())  # type: ignore[arg-type]

    def names(self) -> list[str]:
        """Their names, in order."""
        return list(self._modules)

    def forward(self, x: Tensor) -> Tensor:
        """Apply every layer in turn."""
        self.require_span(x)
        for layer in self:
            x = layer(x)
        return x

    def _advance(self, chunk: Tensor, state: State) -> tuple[Tensor | None, State]:
        """Pass the chunk through every layer, as far as outputs are due."""
        return _advance_through(self.scans(), chunk, state)


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
        ParameterError: for strides or lengths that differ, or an unknown `join`.

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
            output, kept = _advance_through(path, chunk, past)
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


class Windows(Scan):
    """Any module, run on every window of its input by itself: a scan by construction.

    This is how a network that pads each layer, or looks at the whole clip, is
    scanned over a long recording or a stream with exactly its scores on clips.
    It costs what the windows cost: `window / stride` times a true scan.

    Args:
        module: gives one output step for an input of `window` steps.
        window: steps in a window.
        stride: steps from one window to the next.
        batch_size: windows that are run at once, which bounds memory.

    >>> from audiocnn.layers import Conv1d, WindowMean
    >>> net = Sequential(Conv1d(8, 4, 3, padding="same"), WindowMean(20))
    >>> print(net.geometry, Windows(net, window=20, stride=5).geometry)
    None Geometry(span=20, stride=5)
    """

    row_axis = None

    def __init__(self, module: Scan, *, window: int, stride: int, batch_size: int = 256) -> None:
        super().__init__()
        self.module = module
        self.batch_size = batch_size
        self.window, self.stride = window, stride
        self.time_axis = Axis.scan(window, stride)
        takes = module.time_axis.takes
        if takes is not None:
            self._require_one_output(takes.output_length(window))

    def _require_one_output(self, outputs: int) -> None:
        if outputs != 1:
            raise ParameterError(
                f"window={self.window} gives {outputs} outputs of "
                f"{type(self.module).__name__}; choose a window that gives one"
            )

    def forward(self, x: Tensor) -> Tensor:
        """`(batch, ..., time)` -> `(batch, channel, windows)`."""
        self.require_span(x)
        windows = x.unfold(-1, self.window, self.stride).movedim(-2, 1)  # (batch, windows, ..., span), a view
        at_once = max(1, self.batch_size // len(x))
        outputs = []
        for part in torch.split(windows, at_once, dim=1):
            output = self.module(part.flatten(0, 1))  # (batch * some windows, channel, 1)
            self._require_one_output(output.shape[-1])
            outputs.append(output.view(*part.shape[:2], -1))
        return torch.cat(outputs, dim=1).movedim(1, 2)  # (batch, channel, windows)

    def extra_repr(self) -> str:
        """Window and stride."""
        return f"window={self.window}, stride={self.stride}"
