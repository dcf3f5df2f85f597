"""Residual blocks: a branch of convolutions, and a shortcut that is added to what it gives.

The branch learns what to change. With `"valid"` padding the shortcut is cropped so
that both look at the same centre:

    input      0 1 2 3 4 5 6 7 8       two convolutions of 3 leave the middle
    branch     [-------] -> 2
    shortcut       2                   and so does the crop

The blocks for 1-D `(batch, channel, time)` and 2-D `(batch, channel, rows, time)` are the
same classes. In 2-D sizes may be pairs `(rows, time)`: `padding=("same", "valid")` pads
frequency and is still a scan over time.
"""

from functools import partial
from typing import Literal

from audiocnn.errors import ParameterError
from audiocnn.layers.activation import ReLU
from audiocnn.layers.conv import Conv1d, Conv2d, Padding, require_positive
from audiocnn.layers.dimensions import PaddingOrPair, Size, batch_norm, conv
from audiocnn.layers.norm import BatchNorm1d
from audiocnn.layers.parallel import Residual
from audiocnn.layers.regularization import DropPath
from audiocnn.layers.scan import Scan
from audiocnn.layers.sequential import Sequential
from audiocnn.layers.shortcut import Shortcut, build_shortcut

__all__ = ["BasicBlock", "BottleneckBlock", "PreActivationBlock", "TemporalBlock"]


class BasicBlock(Sequential):
    """Two convolutions and a shortcut: the block of ResNet-18 and ResNet-34.

    He et al. 2016, "Deep Residual Learning for Image Recognition", CVPR.
    `(batch, in_channels, [rows,] time)` -> `(batch, out_channels, [rows',] time')`.

        x -+- conv 3, stride - norm - ReLU - conv 3 - norm -+- ReLU
           +- identity -------------------------------------+

    Where stride or channels change, the shortcut is a projection or padded with zeros.

    Args:
        in_channels: channels of `x`.
        out_channels: channels of the result.
        dimensions: 1 or 2.
        kernel_size: of both convolutions.
        stride: of the first convolution and the shortcut.
        dilation: of both convolutions.
        padding: `"valid"` (a scan) or `"same"` (as published).
        shortcut: `"projection"`, convolution 1x1 and norm (the paper's option B), or `"zeros"`, every
            stride-th step and zeros for new channels (option A).
        drop_path: probability that the branch is left out for an example in training.

    Raises:
        ParameterError: for what its layers refuse: sizes that are not positive, pairs in 1-D, an unknown
            padding or shortcut, a probability of 1 or more.

    >>> import torch
    >>> BasicBlock(64, 128, stride=2, padding="same")(torch.zeros(1, 64, 56, 56)).shape
    torch.Size([1, 128, 28, 28])
    >>> BasicBlock(40, 64, dimensions=1, stride=2).geometry
    Geometry(span=7, stride=2)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        dimensions: int = 2,
        kernel_size: Size = 3,
        stride: Size = 1,
        dilation: Size = 1,
        padding: PaddingOrPair = "valid",
        shortcut: Shortcut = "projection",
        drop_path: float = 0.0,
    ) -> None:
        convs = _convs(dimensions, in_channels, out_channels, None, kernel_size, stride, dilation, padding)
        super().__init__(_post_activated(dimensions, convs, stride, shortcut, drop_path))


class BottleneckBlock(Sequential):
    """Three convolutions, the middle one on fewer channels: the block of ResNet-50 and deeper.

    He et al. 2016, "Deep Residual Learning for Image Recognition", CVPR.
    `(batch, in_channels, [rows,] time)` -> `(batch, out_channels, [rows',] time')`.

        x -+- conv 1 - norm - ReLU - conv 3, stride - norm - ReLU - conv 1 - norm -+- ReLU
           +- identity ------------------------------------------------------------+

    between the ReLUs are `out_channels / expansion` channels. Where stride or channels change, the
    shortcut is a projection or padded with zeros. The paper puts the stride on the first convolution
    ("v1"), which throws three of four positions away unread; on the middle one ("v1.5", as in
    torchvision) all are read. `groups` and a smaller `expansion` make the blocks of ResNeXt (Xie et al.
    2017, arXiv 1611.05431) and of wide ResNets (Zagoruyko & Komodakis 2016, arXiv 1605.07146).

    Args:
        in_channels: channels of `x`.
        out_channels: channels of the result, a multiple of `expansion`.
        dimensions: 1 or 2.
        expansion: channels of the result for each one in the middle.
        kernel_size: of the middle convolution.
        stride: of the block.
        stride_on: the convolution with the stride, `"middle"` or `"first"`.
        dilation: of the middle convolution.
        groups: of the middle convolution.
        padding: `"valid"` (a scan) or `"same"` (as published).
        shortcut: `"projection"` or `"zeros"`, as in `BasicBlock`.
        drop_path: probability that the branch is left out for an example in training.

    Raises:
        ParameterError: for channels that do not divide, an unknown `stride_on`, and as `BasicBlock`.

    >>> import torch
    >>> BottleneckBlock(256, 512, stride=2, padding="same")(torch.zeros(1, 256, 56, 56)).shape
    torch.Size([1, 512, 28, 28])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        dimensions: int = 2,
        expansion: int = 4,
        kernel_size: Size = 3,
        stride: Size = 1,
        stride_on: Literal["middle", "first"] = "middle",
        dilation: Size = 1,
        groups: int = 1,
        padding: PaddingOrPair = "valid",
        shortcut: Shortcut = "projection",
        drop_path: float = 0.0,
    ) -> None:
        if stride_on not in ("middle", "first"):
            raise ParameterError(f"stride_on={stride_on!r} must be 'middle' or 'first'")
        convs = _convs(
            dimensions,
            in_channels,
            out_channels,
            expansion,
            kernel_size,
            stride,
            dilation,
            padding,
            groups=groups,
            is_first_strided=stride_on == "first",
        )
        super().__init__(_post_activated(dimensions, convs, stride, shortcut, drop_path))


class PreActivationBlock(Sequential):
    """A residual block whose norms and ReLUs come before the convolutions, so that the sum is left alone.

    He et al. 2016, "Identity Mappings in Deep Residual Networks", ECCV, arXiv 1603.05027.
    `(batch, in_channels, [rows,] time)` -> `(batch, out_channels, [rows',] time')`.

        x -+- norm - ReLU - conv 3, stride - norm - ReLU - conv 3 -+-
           +- identity --------------------------------------------+

    Where stride or channels change, the first norm and ReLU stand before the fork, and a projection is
    the bare convolution, as in the authors' code:

        x - norm - ReLU -+- conv 3, stride - norm - ReLU - conv 3 -+-
                         +- conv 1, stride ------------------------+

    A net of these blocks needs one more norm and ReLU after the last. In a bottleneck the stride is on the
    middle convolution, as in `BottleneckBlock`; the authors' code has it on the first.

    Args:
        in_channels: channels of `x`.
        out_channels: channels of the result.
        dimensions: 1 or 2.
        expansion: None for two convolutions; for the three of a bottleneck, channels of the result for each
            one in the middle, 4 in the paper.
        kernel_size: of the convolutions, in a bottleneck of the middle one.
        stride: of the first convolution, in a bottleneck of the middle one, and of the shortcut.
        dilation: of the convolutions, in a bottleneck of the middle one.
        padding: `"valid"` (a scan) or `"same"` (as published).
        shortcut: `"projection"` or `"zeros"`, as in `BasicBlock`.
        drop_path: probability that the branch is left out for an example in training.
        activate_before_fork: whether the first norm and ReLU stand before the fork though the shortcut is the
            identity: so they do in the paper's first block, behind a bare convolution.

    Raises:
        ParameterError: as `BasicBlock` and `BottleneckBlock`.

    >>> import torch
    >>> PreActivationBlock(16, 32, dimensions=1, expansion=4)(torch.zeros(1, 16, 98)).shape
    torch.Size([1, 32, 96])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        dimensions: int = 2,
        expansion: int | None = None,
        kernel_size: Size = 3,
        stride: Size = 1,
        dilation: Size = 1,
        padding: PaddingOrPair = "valid",
        shortcut: Shortcut = "projection",
        drop_path: float = 0.0,
        activate_before_fork: bool = False,
    ) -> None:
        convs = _convs(
            dimensions, in_channels, out_channels, expansion, kernel_size, stride, dilation, padding
        )
        super().__init__(_pre_activated(dimensions, convs, stride, shortcut, drop_path, activate_before_fork))


class TemporalBlock(Sequential):
    """The block of TC-ResNet: two convolutions along time and a shortcut.

    Choi et al. 2019, "Temporal Convolution for Real-time Keyword Spotting on Mobile
    Devices", arXiv 1904.03814. `(batch, in_channels, time)` -> `(batch, out_channels, time')`.

        x -+- conv, stride - norm - ReLU - conv - norm -+- ReLU
           +- conv 1, stride - norm - ReLU -------------+

    The shortcut is the identity where neither stride nor channels change. Unlike that of `BasicBlock` its
    projection ends in a ReLU of its own.

    Args:
        in_channels: channels of `x`.
        out_channels: channels of the result.
        kernel_size: steps each convolution covers.
        stride: of the first convolution and the shortcut.
        padding: `"valid"` (a scan) or `"same"` (as published).

    Raises:
        ParameterError: for what its layers refuse: sizes that are not positive, or an unknown padding.

    >>> TemporalBlock(16, 24, 9, stride=2).geometry
    Geometry(span=25, stride=2)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: Padding = "valid",
    ) -> None:
        branch = Sequential(
            {
                "conv1": Conv1d(
                    in_channels, out_channels, kernel_size, stride=stride, bias=False, padding=padding
                ),
                "norm1": BatchNorm1d(out_channels),
                "relu": ReLU(),
                "conv2": Conv1d(out_channels, out_channels, kernel_size, bias=False, padding=padding),
                "norm2": BatchNorm1d(out_channels),
            }
        )
        shortcut = None
        if stride > 1 or in_channels != out_channels:
            shortcut = Sequential(
                {
                    "conv": Conv1d(in_channels, out_channels, 1, stride=stride, bias=False, padding=padding),
                    "norm": BatchNorm1d(out_channels),
                    "relu": ReLU(),
                }
            )
        super().__init__({"residual": Residual(branch, shortcut), "relu": ReLU()})


def _convs(
    dimensions: int,
    in_channels: int,
    out_channels: int,
    expansion: int | None,
    kernel_size: Size,
    stride: Size,
    dilation: Size,
    padding: PaddingOrPair,
    *,
    groups: int = 1,
    is_first_strided: bool = False,
) -> list[Conv1d | Conv2d]:
    """The convolutions of a branch: two, or with an expansion the three of a bottleneck."""
    wide = partial(conv, dimensions, kernel_size=kernel_size, dilation=dilation, padding=padding)
    if expansion is None:
        return [
            wide(in_channels=in_channels, out_channels=out_channels, stride=stride),
            wide(in_channels=out_channels, out_channels=out_channels),
        ]
    require_positive("expansion", expansion)
    if out_channels % expansion:
        below = out_channels - out_channels % expansion
        nearest = " or ".join(str(size) for size in (below, below + expansion) if size)
        raise ParameterError(
            f"out_channels={out_channels} must be a multiple of expansion={expansion}; {nearest} is"
        )
    narrow = out_channels // expansion
    first, middle = (stride, 1) if is_first_strided else (1, stride)
    return [
        conv(dimensions, in_channels, narrow, 1, stride=first),
        wide(in_channels=narrow, out_channels=narrow, stride=middle, groups=groups),
        conv(dimensions, narrow, out_channels, 1),
    ]


def _post_activated(
    dimensions: int, convs: list[Conv1d | Conv2d], stride: Size, kind: Shortcut, drop_path: float
) -> dict[str, Scan]:
    """Convolutions each followed by a norm, with ReLUs between; the last ReLU follows the sum."""
    branch: dict[str, Scan] = {}
    for i, layer in enumerate(convs, start=1):
        if i > 1:
            branch[f"relu{i - 1}"] = ReLU()
        branch |= {f"conv{i}": layer, f"norm{i}": batch_norm(dimensions, layer.out_channels)}
    if drop_path:
        branch["drop_path"] = DropPath(drop_path)
    other = build_shortcut(kind, dimensions, convs[0].in_channels, convs[-1].out_channels, stride=stride)
    return {"residual": Residual(Sequential(branch), other), "relu": ReLU()}


def _pre_activated(
    dimensions: int,
    convs: list[Conv1d | Conv2d],
    stride: Size,
    kind: Shortcut,
    drop_path: float,
    activate_before_fork: bool,
) -> dict[str, Scan]:
    """Convolutions each after a norm and a ReLU, the first of which a shortcut with layers shares."""
    branch: dict[str, Scan] = {}
    for i, layer in enumerate(convs, start=1):
        branch |= {
            f"norm{i}": batch_norm(dimensions, layer.in_channels),
            f"relu{i}": ReLU(),
            f"conv{i}": layer,
        }
    if drop_path:
        branch["drop_path"] = DropPath(drop_path)
    in_channels, out_channels = convs[0].in_channels, convs[-1].out_channels
    other = build_shortcut(kind, dimensions, in_channels, out_channels, stride=stride, norm=False)
    shared = ("norm1", "relu1") if other is not None or activate_before_fork else ()
    before = {name: branch.pop(name) for name in shared}
    return before | {"residual": Residual(Sequential(branch), other)}
