"""Normalisation by a sliding window: each frame against the seconds around it."""

from typing import Literal, TypeAlias

from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis
from audiocnn.layers.precision import wide
from audiocnn.layers.scan import Scan
from audiocnn.layers.window_pool import WindowMean, WindowStatistics

__all__ = ["POSITIONS", "Position", "SlidingNormalize"]

Position: TypeAlias = Literal["centre", "end"]
POSITIONS: tuple[Position, ...] = ("centre", "end")


class SlidingNormalize(Scan):
    """`(x - mean) / deviation` of a window: `(..., rows, time)` -> `(..., rows, time - frames + 1)`.

    Each row has a mean and a deviation of its own, so that what a microphone or a room does to the whole
    of a recording is taken off. A frame stands in the middle of its window, or at its end, where it waits
    for nothing that is to come:

        x          0 1 2 3 4 5        frames = 4
        window 0   [-----]
        output         0 1 2          position="centre"
        output           0 1 2        position="end"

    The deviation is `sqrt(variance + 1e-5)`, that of `WindowStatistics`, which also says how windows are
    folded without a running difference. A row that does not change becomes zero.

    Kaldi's `apply-cmvn-sliding` with `--norm-vars=true --center=true --cmn-window=frames` is this with
    `"centre"`, and with `--center=false --cmn-window=frames-1` it is `"end"`, apart from the 1e-5, and
    from the ends, where its windows are shorter. It divides only when asked to, as for `deviation=False`: the
    x-vectors of speaker recognition (Snyder et al. 2018) subtract the mean of 300 frames and no more.

    Args:
        frames: of the window.
        position: where in its window a frame stands, `"centre"`, `frames // 2` after the first, or `"end"`.
        deviation: whether it is also divided by the deviation.

    Raises:
        ParameterError: for values that cannot work, and on input of too few frames.

    >>> import torch
    >>> SlidingNormalize(3)(torch.tensor([[1.0, 2.0, 3.0, 7.0], [5.0, 5.0, 5.0, 5.0]]))
    tensor([[ 0.0000, -0.4629],
            [ 0.0000,  0.0000]])
    """

    def __init__(self, frames: int, *, position: Position = "centre", deviation: bool = True) -> None:
        super().__init__()
        if not isinstance(frames, int) or frames < 2:
            raise ParameterError(f"frames={frames!r} must be an integer of at least 2; 300 is usual")
        if position not in POSITIONS:
            raise ParameterError(f"position={position!r} must be 'centre' or 'end'")
        self.frames, self.position, self.deviation = frames, position, deviation
        self.pool = WindowStatistics(frames) if deviation else WindowMean(frames)
        self.time_axis = Axis.scan(frames)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        self.require_span(x)
        # the mean in float32 would be off by more than 1e-5 of a small deviation
        z = x.reshape(1, -1, x.shape[-1]).to(wide(x))
        pooled: Tensor = self.pool(z)  # (1, 2 * rows, frames), or (1, rows, frames)
        rows, frames = z.shape[1], pooled.shape[-1]
        at = self.frames // 2 if self.position == "centre" else self.frames - 1
        normalized = z.narrow(-1, at, frames) - pooled[:, :rows]
        if self.deviation:
            normalized = normalized / pooled[:, rows:]
        return normalized.to(x.dtype).view(*x.shape[:-1], frames)

    def extra_repr(self) -> str:
        """The window, and what is done with it."""
        return f"{self.frames}, position={self.position!r}, deviation={self.deviation}"
