"""Channels in groups, each of which reads what the one before it found: many fields of view in one layer."""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.geometry import chain
from audiocnn.layers.conv import PADDED_LAW_REMEDY, Padding, PaddingMode, require_positive
from audiocnn.layers.parallel import Crop, Identity
from audiocnn.layers.scan import Scan, State
from audiocnn.layers.tdnn import TDNN

__all__ = ["Res2Net"]

# Runs a layer on what there is of its input, and gives what is due.
Run: TypeAlias = Callable[[Scan, Tensor | None], Tensor | None]


class Res2Net(Scan):
    """A time-delay layer in steps, from group to group of its channels.

    `(batch, channels, time)` -> `(batch, channels, time')`. Gao et al. 2019, "Res2Net: A New Multi-scale
    Backbone Architecture", arXiv 1904.01169, in 1-D as in ECAPA-TDNN (Desplanques et al. 2020, arXiv
    2005.07143). The channels are cut into `scale` equal groups. The first is passed on as it is, and each
    further one goes through a layer of its own together with what the group before it gave:

        x1 ---------------------------- y1        sees 1 step
        x2 ------- TDNN -+------------- y2             kernel 3: 3 steps
                         |
        x3 ------------- + - TDNN -+--- y3             5 steps
                                   |
        x4 ----------------------- + - TDNN - y4       7 steps

    With `"valid"` padding the groups are cropped to their common centre, wherever two of them meet, so that
    the layer is a scan; on a stream the crops are delays, and each step goes through each layer once.

    Args:
        channels: channels of `x` and of the result, a multiple of `scale`.
        scale: groups.
        kernel_size: of each layer, an odd number of steps.
        dilation: of each layer.
        padding: `"valid"` (a scan) or `"same"`.
        padding_mode: what `"same"` adds, as in `TDNN`.

    Raises:
        ParameterError: for channels that do not divide, a kernel of an even size, and for sizes as `TDNN`.

    >>> Res2Net(64, scale=4, dilation=2).geometry  # three layers of 5 steps
    Geometry(span=13, stride=1)
    """

    law_remedy = PADDED_LAW_REMEDY
    row_axis = None

    def __init__(
        self,
        channels: int,
        *,
        scale: int = 8,
        kernel_size: int = 3,
        dilation: int = 1,
        padding: Padding = "valid",
        padding_mode: PaddingMode = "zeros",
    ) -> None:
        super().__init__()
        for name, size in (
            *(("channels", channels), ("scale", scale)),
            *(("kernel_size", kernel_size), ("dilation", dilation)),
        ):
            require_positive(name, size)
        if channels % scale:
            raise ParameterError(
                f"channels={channels} must be a multiple of scale={scale}; give one that divides them"
            )
        if kernel_size % 2 == 0:
            raise ParameterError(
                f"kernel_size={kernel_size} must be odd, so that the groups have one centre; "
                f"{kernel_size - 1} or {kernel_size + 1} is"
            )
        self.channels, self.scale = channels, scale
        reach = kernel_size // 2 * dilation
        context = tuple(range(-reach, reach + 1, dilation))
        width = channels // scale
        layers = [
            TDNN(width, width, context, padding=padding, padding_mode=padding_mode) for _ in range(scale - 1)
        ]
        self.time_axis = chain(layer.time_axis for layer in layers)
        lost = reach if padding == "valid" else 0  # at each end, by each layer
        self.layers = nn.ModuleList(layers)
        # of group i before it meets the one before it, and before all are put side by side
        self.before = nn.ModuleList(_crop(max(0, i - 1) * lost) for i in range(scale))
        self.after = nn.ModuleList(_crop((scale - 1 - i) * lost) for i in range(scale))

    def forward(self, x: Tensor) -> Tensor:
        """From group to group."""
        self.require_span(x)
        y = self._through(x, _run)
        assert y is not None
        return y

    def _advance(self, chunk: Tensor, state: State) -> tuple[Tensor | None, State]:
        """Step every layer and every crop."""
        past = iter(()) if state is None else iter(state)
        now: list[State] = []

        def run(layer: Scan, part: Tensor | None) -> Tensor | None:
            kept = next(past, None)
            output = None
            if part is not None:
                output, kept = layer._advance(part, kept)
            now.append(kept)
            return output

        return self._through(chunk, run), tuple(now)

    def _through(self, x: Tensor, run: Run) -> Tensor | None:
        """All groups through all layers; None while no output is due."""
        if x.dim() != 3 or x.shape[1] != self.channels:
            raise ParameterError(
                f"{type(self).__name__} with channels={self.channels} takes (batch, {self.channels}, time), "
                f"not {tuple(x.shape)}"
            )
        groups = zip(_scans(self.before), (None, *_scans(self.layers)), _scans(self.after), strict=True)
        parts = x.chunk(self.scale, dim=1)
        outputs: list[Tensor | None] = []
        y: Tensor | None = None
        for i, (before, layer, after) in enumerate(groups):
            part = run(before, parts[i])
            if i > 1:  # the two have lost as much at both ends, and so are due together
                part = None if part is None or y is None else part + y
            y = part if layer is None else run(layer, part)
            outputs.append(run(after, y))
        due = [output for output in outputs if output is not None]
        return torch.cat(due, dim=1) if len(due) == self.scale else None

    def extra_repr(self) -> str:
        """The groups."""
        return f"{self.channels}, scale={self.scale}"


def _run(layer: Scan, part: Tensor | None) -> Tensor:
    y: Tensor = layer(part)
    return y


def _crop(steps: int) -> Scan:
    return Crop(time=(steps, steps)) if steps else Identity()


def _scans(layers: nn.ModuleList) -> list[Scan]:
    return list(layers._modules.values())  # type: ignore[arg-type]
