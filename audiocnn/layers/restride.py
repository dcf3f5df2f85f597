"""A scan made to move by another stride than its own; each of its outputs stays what it was.

Coarser: what stands behind the last window is not computed for outputs that are dropped. Finer: up to the
first stride that is too long a net is as it is. The layer with that stride runs several times, each time a
little later, and those behind it read every so-manieth step, as if they were dilated:

    input      0 1 2 3 4 5 6 7 8       stride 2, then a layer of span 2: moves by 2
    stitched   a b c d e f g h         the strided layer, once from 0 and once from 1
    phase 0    a - c - e - g           the layer behind it, on every second step
    phase 1      b - d - f - h
    outputs    ac bd ce df eg fh       moves by 1, and computes nothing twice

Sermanet et al. 2014, "OverFeat", arXiv 1312.6229, section 3.3, shift a pool in this way; of wavelets it is
the "algorithme a trous" of Holschneider et al. 1989.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis, Geometry
from audiocnn.layers.conv import require_positive
from audiocnn.layers.keep_every import KeepEvery
from audiocnn.layers.scan import Scan
from audiocnn.layers.sequential import Sequential

__all__ = ["Polyphase", "ShiftAndStitch", "with_stride"]


def with_stride(scan: Scan, stride: int) -> Scan:
    """The same scan, moving by `stride`: where it and the other both give an output, that is the same.

    Args:
        scan: any layer or net that keeps the law; its weights are shared, not copied.
        stride: a multiple of its own, or a whole part.

    Raises:
        LawError: for what is no scan.
        ParameterError: for another stride.

    >>> from audiocnn.layers import Conv1d
    >>> net = Sequential(Conv1d(1, 4, 3, stride=2), Conv1d(4, 1, 5, stride=2)).eval()
    >>> every, x = with_stride(net, 1), torch.randn(1, 1, 30)
    >>> net.geometry, every.geometry, every(x).shape[-1]
    (Geometry(span=11, stride=4), Geometry(span=11, stride=1), 20)
    >>> torch.allclose(every(x)[..., ::4], net(x), atol=1e-6)
    True
    """
    require_positive("stride", stride)
    own = scan.require_law().stride
    if stride % own == 0:
        return _coarser(scan, stride // own)
    if own % stride:
        raise ParameterError(
            f"stride={stride} must be a multiple or a whole part of {own}, by which "
            f"{type(scan).__name__} moves"
        )
    return _finer(scan, stride)


class ShiftAndStitch(Scan):
    """A layer run several times, each time a little later: it then moves by less.

    Args:
        layer: `(batch, ..., time)` -> `(batch, ..., time')`, a scan.
        stride: what it shall move by: a whole part of what it does.

    Raises:
        LawError: for a layer that is no scan.
        ParameterError: for another stride, and on input shorter than the span.
    """

    def __init__(self, layer: Scan, stride: int) -> None:
        super().__init__()
        require_positive("stride", stride)
        geometry = layer.require_law()
        if geometry.stride % stride:
            raise ParameterError(
                f"stride={stride} must be a whole part of the layer's own, {geometry.stride}"
            )
        self.layer = layer
        self.stride, self.passes = stride, geometry.stride // stride
        self.time_axis, self.row_axis = Axis.scan(geometry.span, stride), layer.row_axis

    def forward(self, x: Tensor) -> Tensor:
        """`(batch, ..., time)` -> what the layer gives, `passes` times as often."""
        self.require_span(x)
        geometry = self.require_law()
        count = geometry.output_length(x.shape[-1])
        each = -(-count // self.passes)
        x = _at_least(x, geometry.input_length(each * self.passes))
        length = self.layer.require_law().input_length(each)
        starts = range(0, self.passes * self.stride, self.stride)
        shifted = torch.stack([x[..., start : start + length] for start in starts])
        return _in_turn(self.layer(shifted.flatten(0, 1)), self.passes)[..., :count]

    def extra_repr(self) -> str:
        """The stride."""
        return f"stride={self.stride}"


class Polyphase(Scan):
    """A layer that reads every so-manieth step, once from each: as if all that is in it were dilated.

    Args:
        layer: `(batch, ..., time)` -> `(batch, ..., time')`, a scan that moves by 1.
        phases: steps from one that it reads to the next.

    Raises:
        LawError: for a layer that is no scan.
        ParameterError: for a layer that moves by more, and on input shorter than the span.
    """

    def __init__(self, layer: Scan, phases: int) -> None:
        super().__init__()
        require_positive("phases", phases)
        geometry = layer.require_law()
        if geometry.stride != 1:
            raise ParameterError(
                f"layer moves by {geometry.stride}; give with_stride(layer, 1), which moves by 1"
            )
        self.layer, self.phases = layer, phases
        self.time_axis, self.row_axis = Axis.scan((geometry.span - 1) * phases + 1), layer.row_axis

    def forward(self, x: Tensor) -> Tensor:
        """`(batch, ..., time)` -> `(batch, ..., time - span + 1)`."""
        self.require_span(x)
        count = self.require_law().output_length(x.shape[-1])
        x = _at_least(x, -(-x.shape[-1] // self.phases) * self.phases)
        phases = x.reshape(*x.shape[:-1], -1, self.phases).movedim(-1, 0)  # (phases, batch, ..., time')
        return _in_turn(self.layer(phases.flatten(0, 1)), self.phases)[..., :count]

    def extra_repr(self) -> str:
        """The phases."""
        return f"phases={self.phases}"


def _coarser(scan: Scan, times: int) -> Scan:
    """One output in so many: what stands behind the last window sees no other."""
    if times == 1:
        return scan
    layers = _folded(scan)
    wide = [i for i, layer in enumerate(layers) if layer.time_axis.takes != Geometry()]
    if not wide:
        return Sequential(scan, KeepEvery(times))
    last = wide[-1]
    return Sequential(*layers[:last], _coarser(layers[last], times), *layers[last + 1 :])


def _finer(scan: Scan, stride: int) -> Scan:
    """A scan that moves by more, moved by `stride`."""
    waiting, done = [scan], list[Scan]()
    moved, phases = 1, 1  # by what is done; and how far apart, on what it gives, the steps of a phase are
    while waiting:
        layer = waiting.pop(0)
        own, wanted = layer.require_law().stride, stride // moved
        if phases == 1 and wanted % own == 0:
            done.append(layer)
            moved *= own
        elif layer.require_law() == Geometry():
            done.append(layer)
        elif folded := _folded(layer):
            waiting = folded + waiting
        elif own == 1:
            done.append(Polyphase(layer, phases))
        elif phases == 1 and own % wanted:  # such as strides of 4 and 3, moved by 6: steps that never meet
            return Sequential(*done, ShiftAndStitch(Sequential(layer, *waiting), wanted))
        else:
            dense = ShiftAndStitch(layer, wanted)
            done.append(Polyphase(dense, phases) if phases > 1 else dense)
            moved, phases = moved * wanted, phases * own // wanted
    return Sequential(*done)


def _folded(scan: Scan) -> list[Scan]:
    """The layers of a scan that steps by folding theirs; none of one that has its own way."""
    if isinstance(scan, Sequential) and type(scan)._advance is Sequential._advance:
        return scan.scans()
    return []


def _at_least(x: Tensor, length: int) -> Tensor:
    """With zeros behind it, which no output that is kept reads."""
    return F.pad(x, (0, length - x.shape[-1])) if x.shape[-1] < length else x


def _in_turn(outputs: Tensor, parts: int) -> Tensor:
    """`(parts * batch, ..., time)` -> `(batch, ..., time * parts)`, one step of each part."""
    return outputs.view(parts, -1, *outputs.shape[1:]).movedim(0, -1).flatten(-2)
