"""Segmentation: which class each pixel is of, by a fully convolutional network."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis, Geometry
from audiocnn.layers import AvgPool2d, Conv2d, ConvTranspose2d, Place, Scan, Sequential
from audiocnn.models.image_net import ImageNet

__all__ = ["FCN", "bilinear_kernel"]


class _Map(NamedTuple):
    """A map that is used: the layers up to it, and how it lies along rows and columns."""

    layers: int
    rows: Axis
    columns: Axis


class FCN(Scan):
    """FCN: the layers of a net for pictures, and what brings their maps back to the size of the picture.

    Long, Shelhamer & Darrell 2015, "Fully Convolutional Networks for Semantic Segmentation", CVPR,
    arXiv 1411.4038. `(batch, channel, rows, columns)` -> logits of every pixel,
    `(batch, num_classes, rows, columns)`, whatever the size. With VGG-16, whose last map moves by 32 pixels:

        conv ... pool3 ... pool4 ... pool5, dense 6, 7
                   |         |               |
                 score     score           score          1x1, classes
                   |         |               |
                   |         + <--- 2x ------+            FCN-16: both maps
                   + <- 2x --+                            FCN-8: three
                   |
                   8x, cropped to the picture

    FCN-32 has the last map alone, up-sampled by 32; here `finest` is that number. Up-sampling is transposed
    convolution that begins as bilinear interpolation. That between the maps is learnt; the last stays as
    it is, as in the paper. All scores begin at 0.

    Of the net, the layers before its logits are used, without the mean of the map: only dense layers, which
    are convolutions, stay. A map is placed by the middle of what its positions see, which is known from
    the strides and spans of the layers, so that any net and any padding will do: the paper's crops (5 and 9
    at the skips; 19, 27 and 31 at the end, after 100 zeros) come of the same rule. Kernels are of twice the
    factor, as in the paper, or one less, whichever puts the maps on each other exactly.

    With VGG-16 and 21 classes FCN-32 has 134,346,581 parameters that are learnt (the paper's table 1: 134M).

    Deviations: zeros are added around the picture only as far as its edges would else have no score (the
    paper adds 100). The maps of the skips are the last of each size, as is usual with ResNets; the paper's,
    of VGG, are the first (`skip_from="first"`): what pool3 and pool4 give.

    (In sound the same net would say of every frame which class it is of, along the last axis.)

    Args:
        net: the net, fresh or trained; its layers are used and not copied.
        num_classes: classes of pixels.
        finest: pixels from one position to the next of the finest map that is used; by default a quarter of
            the last map's, as in FCN-8.
        skip_from: which map of several of one size.

    Raises:
        ParameterError: for a net whose maps do not tell where they are (of layers with `ceil_mode`), whose
            rows and columns move by other strides, or that has no map of that stride.

    Attributes:
        num_classes: classes of pixels.
        in_channels: channels of the picture.
        rows: of the picture that the net was made for; others will do.
        window: its columns.
        strides: of the maps that are used, the last first.

    >>> from audiocnn.models.lenet import lenet5
    >>> net = FCN(lenet5(num_classes=10), num_classes=11)
    >>> net.strides, net(torch.zeros(1, 1, 50, 61)).shape
    ([4, 2, 1], torch.Size([1, 11, 50, 61]))
    """

    time_axis = row_axis = Axis(takes=Geometry(), sees=None)
    law_remedy = (
        "it scores every pixel, and neighbouring positions add up in one; scan by pictures that overlap, "
        "or give the whole"
    )

    def __init__(
        self,
        net: ImageNet,
        *,
        num_classes: int,
        finest: int | None = None,
        skip_from: Literal["first", "last"] = "last",
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.in_channels, self.rows, self.window = net.in_channels, net.rows, net.window
        layers = _before_logits(net)
        maps = _maps(layers, skip_from)
        deepest = max(maps)
        finest = max(deepest // 4, min(maps)) if finest is None else finest
        if finest not in maps:
            raise ParameterError(
                f"finest={finest} is the stride of no map of the net; there are {sorted(maps)} pixels"
            )
        self.strides = sorted((stride for stride in maps if stride >= finest), reverse=True)
        used = [maps[stride] for stride in self.strides]
        ends = [0, *(one.layers for one in reversed(used))]
        names = list(layers)
        self.parts = nn.ModuleList(
            Sequential({name: layers[name] for name in names[a:b]})
            for a, b in zip(ends, ends[1:], strict=False)
        )
        channels = self._channels()[::-1]
        self.scores = nn.ModuleList(Conv2d(given, num_classes, 1) for given in channels)
        for parameter in self.scores.parameters():
            nn.init.zeros_(parameter)
        self._rows = _Alignment([one.rows for one in used])
        self._columns = _Alignment([one.columns for one in used])
        self.ups = nn.ModuleList()
        for i, factor in enumerate(self._rows.factors):
            kernel = self._rows.kernels[i], self._columns.kernels[i]
            is_last = i == len(self.strides) - 1
            up = ConvTranspose2d(
                num_classes,
                num_classes,
                kernel,
                stride=factor,
                groups=num_classes if is_last else 1,
                bias=False,
            )
            with torch.no_grad():
                up.weight.zero_()
                one = bilinear_kernel(kernel[0], factor)[:, None] * bilinear_kernel(kernel[1], factor)
                for c in range(num_classes):
                    up.weight[c, 0 if is_last else c] = one
            up.weight.requires_grad_(not is_last)
            self.ups.append(up)

    def forward(self, x: Tensor) -> Tensor:
        """Score every pixel."""
        rows, columns = x.shape[-2:]
        top, bottom = self._rows.padding(rows)
        left, right = self._columns.padding(columns)
        x = F.pad(x, (left, right, top, bottom))
        maps = []
        for part in self.parts:
            x = part(x)
            maps.append(x)  # (batch, channels, about rows / stride, about columns / stride)
        y: Tensor = self.scores[0](maps.pop())  # (batch, num_classes, rows / 32, columns / 32)
        for i, score in enumerate(list(self.scores)[1:]):
            y = self.ups[i](y)
            skip = score(maps.pop())
            y, skip = _crop(y, skip, self._rows.shifts[i], -2)
            y, skip = _crop(y, skip, self._columns.shifts[i], -1)
            y = y + skip  # (batch, num_classes, rows / 16, columns / 16)
        y = self.ups[-1](y)  # (batch, num_classes, at least rows, at least columns)
        first_row, first_column = top - self._rows.origin, left - self._columns.origin
        return y[..., first_row : first_row + rows, first_column : first_column + columns]

    def inside(self, time: Axis, rows: Axis | None) -> Iterator[Place]:
        """The parts of the net one after the other, a score behind each, and what brings these to pixels."""
        up = len(self.parts) - 1
        for i, part in enumerate(self.parts):
            assert isinstance(part, Sequential) and rows is not None
            yield Place(f"parts.{i}", part, time, rows)
            time, rows = time.then(part.time_axis), rows.then(part.row_axis or Axis.scan())
            score = self.scores[up - i]
            assert isinstance(score, Scan)
            yield Place(f"scores.{up - i}", score, time, rows)
        for i, layer in enumerate(self.ups):
            assert isinstance(layer, Scan)
            yield Place(f"ups.{i}", layer, time, rows)
            time = rows = FCN.time_axis

    def _channels(self) -> list[int]:
        """Channels of the maps, the finest first, found without computing them."""
        x = torch.empty(1, self.in_channels, self.rows, self.window, device="meta")
        channels = []
        for part in self.parts:
            held = {**dict(part.named_parameters()), **dict(part.named_buffers())}
            x = functional_call(
                part, {name: torch.empty_like(one, device="meta") for name, one in held.items()}, x
            )
            channels.append(x.shape[1])
        return channels


def bilinear_kernel(kernel_size: int, factor: int) -> Tensor:
    """The weights by which transposed convolution of a stride `factor` interpolates linearly.

    Args:
        kernel_size: `2 * factor`, or one less, which puts the input's steps on steps of the output.
        factor: output steps from one input step to the next.

    >>> bilinear_kernel(4, 2), bilinear_kernel(3, 2)
    (tensor([0.2500, 0.7500, 0.7500, 0.2500]), tensor([0.5000, 1.0000, 0.5000]))
    """
    away = torch.arange(kernel_size) - (kernel_size - 1) / 2
    return 1 - away.abs() / factor


class _Alignment:
    """Along one axis, how maps are laid on each other and on the picture: integers only.

    Position p of a map is at pixel `centre + p * stride` of the padded picture. A map up-sampled by `factor`
    with a kernel of K has its first step (K - 1) / 2 steps before its position 0.

    Attributes:
        factors: of the up-samplings, the last map's first; the last of them is to pixels.
        kernels: their kernels.
        shifts: how many steps of the up-sampled map are before the first of the next one.
        origin: the pixel of the first score in the end.
    """

    def __init__(self, axes: list[Axis]) -> None:
        self.takes = []
        self.factors, self.kernels, self.shifts = [], [], []
        strides, centres = [], []
        for axis in axes:
            field = axis.receptive_field
            assert field is not None and axis.takes is not None  # `_maps` has seen to that
            strides.append(field.stride)
            centres.append(field.centre)
            self.takes.append(axis.takes)
        at = centres[0]  # the pixel of the first position of what is there so far
        for stride, finer, centre in zip(strides, [*strides[1:], 1], [*centres[1:], 0.0], strict=True):
            factor = stride // finer
            half_steps = round(2 * (centre - at) / finer)
            kernel = 2 * factor - 1 + half_steps % 2
            shift = (half_steps + kernel - 1) // 2
            self.factors.append(factor)
            self.kernels.append(kernel)
            self.shifts.append(shift)
            at = centre + max(0, -shift) * finer  # the later of both first steps
        self.origin = -self.shifts.pop()

    def padding(self, length: int) -> tuple[int, int]:
        """Zeros to add before and after so many pixels, the fewest for which every pixel has a score."""
        before = max(0, self.origin)
        after = 0
        while self._end(before + length + after) < before + length:
            after += 1
        return before, after

    def _end(self, length: int) -> int:
        """The pixel after the last that has a score, of a padded picture of this length."""
        lengths = [takes.output_length(length) for takes in self.takes]
        if min(lengths) == 0:
            return 0
        have = lengths[0]
        for factor, kernel, shift, finer in zip(
            self.factors, self.kernels, self.shifts, lengths[1:], strict=False
        ):
            have = (have - 1) * factor + kernel
            have = min(have - max(0, shift), finer - max(0, -shift))
            if have < 1:
                return 0
        return self.origin + (have - 1) * self.factors[-1] + self.kernels[-1]


def _before_logits(net: ImageNet) -> dict[str, Scan]:
    """The layers of the body, and the dense ones, one after the other."""
    body = net.body
    found = dict(zip(body.names(), body.scans(), strict=True)) if isinstance(body, Sequential) else {}
    layers = {f"body_{name}": layer for name, layer in found.items()} or {"body": body}
    for name, layer in zip(net.names(), net.scans(), strict=True):
        if name == "logits":
            break
        if name != "body" and not isinstance(layer, AvgPool2d):
            layers[name] = layer
    return layers


def _maps(layers: dict[str, Scan], skip_from: str) -> dict[int, _Map]:
    """Which map is used of each stride."""
    maps: dict[int, _Map] = {}
    rows = columns = Axis.scan()
    for index, layer in enumerate(layers.values(), start=1):
        assert layer.row_axis is not None
        rows, columns = rows.then(layer.row_axis), columns.then(layer.time_axis)
        if not (rows.takes and rows.sees and columns.takes and columns.sees):
            raise ParameterError(
                "net has layers that do not tell where their positions are (of ceil_mode); give one without"
            )
        if rows.sees.stride != columns.sees.stride:
            raise ParameterError(
                f"net moves by {rows.sees.stride} rows and {columns.sees.stride} columns; give one that "
                "moves by as many of both"
            )
        if skip_from == "last" or rows.sees.stride not in maps:
            maps[rows.sees.stride] = _Map(index, rows, columns)
    maps[max(maps)] = _Map(len(layers), rows, columns)  # the last of all
    return maps


def _crop(y: Tensor, skip: Tensor, shift: int, dim: int) -> tuple[Tensor, Tensor]:
    """What two maps have in common along one axis, the second beginning `shift` steps after the first."""
    before_y, before_skip = max(0, shift), max(0, -shift)
    length = min(y.shape[dim] - before_y, skip.shape[dim] - before_skip)
    return y.narrow(dim, before_y, length), skip.narrow(dim, before_skip, length)
