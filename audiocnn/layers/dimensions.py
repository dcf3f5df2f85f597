"""The parts of a block in 1-D or in 2-D, so that a block is written once for both."""

from typing import TypeAlias, TypeVar

from audiocnn.errors import ParameterError
from audiocnn.layers.conv import Conv1d, Conv2d, Padding
from audiocnn.layers.norm import BatchNorm1d, BatchNorm2d
from audiocnn.layers.pool import MaxPool1d, MaxPool2d

__all__ = ["PaddingOrPair", "Size", "batch_norm", "conv", "max_pool", "require_dimensions"]

# in 2-D one for both axes, or a pair (rows, time)
Size: TypeAlias = int | tuple[int, int]
PaddingOrPair: TypeAlias = Padding | tuple[Padding, Padding]
T = TypeVar("T", int, Padding)


def require_dimensions(dimensions: int) -> None:
    """Raise `ParameterError` unless `dimensions` is 1 or 2."""
    if dimensions not in (1, 2):
        raise ParameterError(
            f"dimensions={dimensions!r} must be 1, for (batch, channel, time), "
            "or 2, for (batch, channel, rows, time)"
        )


def conv(
    dimensions: int,
    in_channels: int,
    out_channels: int,
    kernel_size: Size,
    *,
    stride: Size = 1,
    dilation: Size = 1,
    groups: int = 1,
    bias: bool = False,
    padding: PaddingOrPair = "valid",
) -> Conv1d | Conv2d:
    """A convolution, by default without the bias that a norm after it would take away again.

    >>> conv(1, 8, 16, 3), conv(2, 8, 16, (3, 5), padding=("same", "valid"))
    (Conv1d(8, 16, kernel_size=(3,), stride=(1,), bias=False),
     Conv2d(8, 16, kernel_size=(3, 5), stride=(1, 1), padding=(1, 0), bias=False))
    """
    require_dimensions(dimensions)
    if dimensions == 2:
        return Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            dilation=dilation,
            groups=groups,
            bias=bias,
            padding=padding,
        )
    return Conv1d(
        in_channels,
        out_channels,
        _one("kernel_size", kernel_size),
        stride=_one("stride", stride),
        dilation=_one("dilation", dilation),
        groups=groups,
        bias=bias,
        padding=_one("padding", padding),
    )


def batch_norm(dimensions: int, channels: int, *, eps: float = 1e-5) -> BatchNorm1d | BatchNorm2d:
    """Batch normalisation."""
    require_dimensions(dimensions)
    return BatchNorm2d(channels, eps=eps) if dimensions == 2 else BatchNorm1d(channels, eps=eps)


def max_pool(
    dimensions: int, kernel_size: Size, *, stride: Size, padding: PaddingOrPair = "valid"
) -> MaxPool1d | MaxPool2d:
    """The largest of each block."""
    require_dimensions(dimensions)
    if dimensions == 2:
        return MaxPool2d(kernel_size, stride=stride, padding=padding)
    return MaxPool1d(
        _one("kernel_size", kernel_size), stride=_one("stride", stride), padding=_one("padding", padding)
    )


def _one(name: str, value: T | tuple[T, T]) -> T:
    if isinstance(value, tuple):
        raise ParameterError(f"{name}={value} is a pair for rows and time; with dimensions=1 give one value")
    return value
