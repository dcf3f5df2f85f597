"""The neocognitron's two kinds of cells: S-cells detect, C-cells forgive small shifts.

Fukushima 1980, "Neocognitron: A Self-organizing Neural Network Model for a Mechanism of Pattern
Recognition Unaffected by Shift in Position", Biological Cybernetics 36, and 1988, "Neocognitron: A
Hierarchical Neural Network Capable of Visual Pattern Recognition", Neural Networks 1. It is where
convolution and pooling in alternation come from:

    image -> S (detect) -> C (blur) -> S (detect what the blurred detectors form) -> C (blur) -> ...

A *plane* is a channel: cells that look for the same thing at every place, with shared weights. All
activities are zero or positive, and so is every weight; what holds a cell back is inhibition, which
divides ("shunts") instead of being subtracted.

The modern reading. An S-cell that has learnt, with strong weights, is a ReLU over a normalised
correlation, whose bias is the selectivity; a C-cell's saturated sum over neighbours asks, as their
maximum does, whether the thing is anywhere near. `Conv2d -> ReLU -> MaxPool2d` is the same net in
those terms, and backpropagation in place of `audiocnn.layers.competition` is the step from here to LeNet:

    S   r * relu((e - h) / (1 + h))    ->    relu(weight . x + bias)
    C   psi(sum of d * u)              ->    max of u
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.layers.conv import (
    PADDED_LAW_REMEDY,
    Padding,
    conv_axis,
    padding_of,
    padding_pair,
    pair,
    require_positive,
)
from audiocnn.layers.scan import Scan

__all__ = ["CLayer", "SLayer"]


class CellLayer(Scan):
    """What both kinds of cells have in common: each sees a field around its place, weighted by the distance.

    Args:
        kernel_size: rows and steps a cell sees.
        stride: rows and steps from one cell to the next.
        padding: `"valid"` or `"same"`, one for both axes, or `(rows, time)`.
        decay: factor of a weight for each step from the centre.
        ellipse: whether the field is the ellipse within the kernel.
    """

    law_remedy = PADDED_LAW_REMEDY

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int],
        padding: Padding | tuple[Padding, Padding],
        *,
        decay: float,
        ellipse: bool,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = pair("kernel_size", kernel_size), pair("stride", stride)
        self.padding, self.decay, self.ellipse = padding_pair(padding), decay, ellipse
        self.row_axis, self.time_axis = (
            conv_axis(size, step, 1, how)
            for size, step, how in zip(self.kernel_size, self.stride, self.padding, strict=True)
        )
        for size, how in zip(self.kernel_size, self.padding, strict=True):
            if how == "same" and size % 2 == 0:
                raise ParameterError(
                    f"kernel_size={size} is even, and padding='same' would move its field off the centre by "
                    f"half a step; use {size - 1} or {size + 1}, or padding='valid'"
                )
        if not 0 < decay <= 1:
            raise ParameterError(f"decay={decay} must be above 0, and at most 1, which weighs all alike")
        self.zeros = padding_of(self.row_axis)[0], padding_of(self.time_axis)[0]  # at both ends of each axis
        with torch.device("cpu"):  # also where the layer itself has shapes alone
            self.places = int((self.field() > 0).sum())  # rows and steps that a cell sees

    def field(self) -> Tensor:
        """`decay ^ distance` from the centre, `(rows, time)`, with 0 outside an ellipse; it sums to 1."""
        rows, steps = (torch.arange(size, dtype=torch.float64) - (size - 1) / 2 for size in self.kernel_size)
        field = self.decay ** torch.hypot(rows[:, None], steps)
        if self.ellipse:
            reach = torch.hypot(rows[:, None] / (self.kernel_size[0] / 2), steps / (self.kernel_size[1] / 2))
            field = field.masked_fill(reach > 1, 0.0)
        return (field / field.sum()).to(torch.get_default_dtype())

    def correlate(self, x: Tensor, weight: Tensor, *, groups: int = 1) -> Tensor:
        """The weighted sum of what each cell sees."""
        return F.conv2d(x, weight, stride=self.stride, padding=self.zeros, groups=groups)

    def extra_repr(self) -> str:
        """The field."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}"
            + (f", padding={self.padding}" if "same" in self.padding else "")
            + (", ellipse=True" if self.ellipse else "")
        )


class SLayer(CellLayer):
    """S-cells, which detect: `(batch, in_channels, rows, time)` -> `(batch, planes, rows', time')`.

    Each cell weighs what excites it, `e`, against the mean power of all that it sees, `v`:

        e = sum of a * x            over channels and the kernel, learnt
        v = sqrt(sum of c * x^2)    the V-cell, with fixed weights c that sum to 1
        h = r / (1 + r) * b * v     inhibition, learnt by b
        y = r * relu((1 + e) / (1 + h) - 1)  =  r * relu((e - h) / (1 + h))

    A cell that has learnt a pattern p (see `learn_by_competition`) has `a = q c p` and
    `b = q sqrt(sum of c p^2)`. With a large q it answers x by

        y = relu((1 + r) * s - r)         s = sum of c p x / (|p| |x|),  |x| = sqrt(sum of c x^2)

    which is 1 for p itself at any contrast, and 0 for what is less similar than the threshold
    `r / (1 + r)`: the selectivity r says how alike is alike. Everything is zero or positive, the
    input as well. At first `a` is small and random and `b` is 0, so that every cell answers a little.

    Args:
        in_channels: channels or planes read.
        planes: detectors, one channel each.
        kernel_size: rows and steps a cell sees; pairs are `(rows, time)`, an integer serves both.
        stride: rows and steps from one cell to the next.
        padding: `"valid"` (a scan), or `"same"` for odd kernels; one for both axes, or `(rows, time)`.
        selectivity: `r`. It may be set anew: one that is lower than while learning recognises better
            (Fukushima & Tanigawa 1996, "Use of different thresholds in learning and recognition",
            Neurocomputing).
        decay: the fixed weights c fall by this factor for each step from the centre; 1 for equal ones.
        ellipse: whether a cell sees the ellipse within its kernel, instead of the whole rectangle.

    Attributes:
        a: excitatory weights, `(planes, in_channels, rows, time)`. Outside an ellipse they have no effect.
        b: inhibitory weights, `(planes,)`.
        c: weights of the V-cell, `(rows, time)`, for every channel alike.

    Raises:
        ParameterError: for a size or a selectivity that is not positive, a decay that is not above 0 and at
            most 1, an even kernel with `"same"` padding, and on input of another shape or shorter than
            the span.

    >>> layer = SLayer(1, 12, kernel_size=3)
    >>> layer(torch.rand(1, 1, 8, 20)).shape, layer.geometry
    (torch.Size([1, 12, 6, 18]), Geometry(span=3, stride=1))
    """

    c: Tensor

    def __init__(
        self,
        in_channels: int,
        planes: int,
        kernel_size: int | tuple[int, int],
        *,
        stride: int | tuple[int, int] = 1,
        padding: Padding | tuple[Padding, Padding] = "valid",
        selectivity: float = 4.0,
        decay: float = 0.9,
        ellipse: bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding, decay=decay, ellipse=ellipse)
        require_positive("in_channels", in_channels)
        require_positive("planes", planes)
        require_selectivity(selectivity)
        self.selectivity = selectivity
        field = self.field()
        self.register_buffer("c", field / in_channels, persistent=False)
        self.a = nn.Parameter(0.01 * torch.rand(planes, in_channels, *self.kernel_size) * field / field.max())
        self.b = nn.Parameter(torch.zeros(planes))

    def forward(self, x: Tensor) -> Tensor:
        """Detect."""
        planes, channels = self.a.shape[:2]
        if x.dim() != 4 or x.shape[1] != channels:
            raise ParameterError(
                f"SLayer with in_channels={channels} takes (batch, {channels}, rows, time), "
                f"not {tuple(x.shape)}"
            )
        self.require_span(x)
        self.require_rows(x)
        r = self.selectivity
        a = torch.where(self.c > 0, self.a, 0.0) if self.ellipse else self.a
        e = self.correlate(x, a)  # (batch, planes, rows', time')
        h = r / (1 + r) * self.b.view(planes, 1, 1) * self.mean_power(x)
        return r * F.relu(e - h) / (1 + h)

    def mean_power(self, x: Tensor) -> Tensor:
        """What the V-cells give: `sqrt(sum of c * x^2)`, `(batch, 1, rows', time')`."""
        squares = x.square().sum(dim=1, keepdim=True)
        power = self.correlate(squares, self.c[None, None])
        silent = power <= 0  # where the root has no gradient, it is taken as 0
        return power.masked_fill(silent, 1.0).sqrt().masked_fill(silent, 0.0)

    @torch.no_grad()
    def reinforce(self, x: Tensor, *, plane: int, row: int, step: int, rate: float) -> None:
        """Let a cell learn what it sees, and with it all cells of its plane: Hebb's rule.

        `a` grows by `rate * c * x`, and `b` by `rate * sqrt(sum of c * x^2)`, x being what the cell sees.

        Args:
            x: one input, `(in_channels, rows, time)`.
            plane: of the cell.
            row: of the cell, among the layer's outputs.
            step: of the cell along time, likewise.
            rate: `q`.
        """
        rows, steps = self.zeros
        top, left = row * self.stride[0], step * self.stride[1]
        x = F.pad(x, (steps, steps, rows, rows)) if rows or steps else x
        seen = x[:, top : top + self.kernel_size[0], left : left + self.kernel_size[1]]
        self.a[plane] += rate * self.c * seen
        self.b[plane] += rate * (self.c * seen.square()).sum().sqrt()

    @torch.no_grad()
    def constrain_(self) -> None:
        """Set weights below zero to zero: for training loops, after the optimiser's step."""
        self.a.clamp_(min=0.0)
        self.b.clamp_(min=0.0)

    def macs(self, x: Tensor, y: Tensor) -> int:
        """Of `a` and `b` for every number of `y`; of `c`, once for all planes, for every place."""
        planes = self.a.shape[0]
        return y.numel() * (self.a[0].numel() + 1) + y.numel() // planes * self.c.numel()

    def connections(self, x: Tensor, y: Tensor) -> int:
        """What excites each S-cell, and its V-cell."""
        return y.numel() * (self.a.shape[1] * self.places + 1)

    def extra_repr(self) -> str:
        """Channels, planes, the field and the selectivity."""
        planes, channels = self.a.shape[:2]
        return f"{channels}, {planes}, {super().extra_repr()}, selectivity={self.selectivity:g}"


class CLayer(CellLayer):
    """C-cells, which forgive small shifts: `(batch, planes, rows, time)` -> `(batch, planes, rows', time')`.

    Each blurs the S-cells of its plane around its place, with fixed weights d that fall with the
    distance, and saturates:

        e = sum of d * x                        within a plane; d sum to 1
        y = psi((1 + e) / (1 + v) - 1)  =  psi((e - v) / (1 + v))
        psi(z) = relu(z) / (alpha + relu(z))

    `v` is 0, or with `inhibition` the mean of e over all planes, which silences planes that answer
    less than the average (Fukushima 1980). Nothing here is learnt. The input is zero or positive.

    Deviations: in the papers planes that detect variants of one thing may share a plane of C-cells;
    here each has its own. And d sum to 1, so that alpha is in units of an S-cell's answer.

    Args:
        kernel_size: rows and steps a cell sees; pairs are `(rows, time)`, an integer serves both.
        stride: rows and steps from one cell to the next; above 1 there are fewer cells, as blurring allows.
        padding: `"valid"` (a scan), or `"same"` for odd kernels; one for both axes, or `(rows, time)`.
        decay: the weights d fall by this factor for each step from the centre; 1 for equal ones.
        saturation: `alpha`, the e that half saturates a cell; None for a plain ReLU.
        inhibition: whether planes inhibit each other.
        ellipse: whether a cell sees the ellipse within its kernel, instead of the whole rectangle.

    Attributes:
        d: the weights, `(rows, time)`.

    Raises:
        ParameterError: for a size or a saturation that is not positive, a decay that is not above 0 and at
            most 1, an even kernel with `"same"` padding, and on input of another shape or shorter than
            the span.

    >>> x = torch.tensor([[[[0.0, 0.0, 1.0, 0.0, 0.0]]]])
    >>> CLayer((1, 3), decay=0.5, saturation=None)(x)
    tensor([[[[0.2500, 0.5000, 0.2500]]]])
    """

    d: Tensor

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        *,
        stride: int | tuple[int, int] = 1,
        padding: Padding | tuple[Padding, Padding] = "valid",
        decay: float = 0.8,
        saturation: float | None = 1.0,
        inhibition: bool = False,
        ellipse: bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding, decay=decay, ellipse=ellipse)
        if saturation is not None and not saturation > 0:
            raise ParameterError(f"saturation={saturation} must be positive, or None for a plain ReLU")
        self.saturation, self.inhibition = saturation, inhibition
        self.register_buffer("d", self.field(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Blur and saturate."""
        if x.dim() != 4:
            raise ParameterError(f"CLayer takes (batch, planes, rows, time), not {tuple(x.shape)}")
        self.require_span(x)
        self.require_rows(x)
        planes = x.shape[1]
        e = self.correlate(x, self.d.expand(planes, 1, *self.kernel_size), groups=planes)
        if self.inhibition:
            v = e.mean(dim=1, keepdim=True)
            e = (e - v) / (1 + v)
        y = F.relu(e)
        return y if self.saturation is None else y / (self.saturation + y)

    def macs(self, x: Tensor, y: Tensor) -> int:
        """Of the fixed weights, for every number of `y`."""
        return y.numel() * self.d.numel()

    def connections(self, x: Tensor, y: Tensor) -> int:
        """The S-cells that each C-cell sees."""
        return y.numel() * self.places

    def extra_repr(self) -> str:
        """The field, the saturation and the inhibition."""
        text = f"{super().extra_repr()}, saturation={self.saturation}"
        return text + (", inhibition=True" if self.inhibition else "")


def require_selectivity(selectivity: float) -> None:
    if not selectivity > 0:
        raise ParameterError(f"selectivity={selectivity} must be positive; 4 asks for a similarity above 4/5")
