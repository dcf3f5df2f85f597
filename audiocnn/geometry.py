"""The integers of scanning: spans, strides, output lengths, receptive fields, paddings.

A layer, a front-end or a whole network moves along an axis as a window of
`span` steps that advances by `stride` steps:

    input    0 1 2 3 4 5 6 7 8 9        span 4, stride 3
             [-----]                    output 0
                   [-----]              output 1
                         [-----]        output 2

Everything here is exact integer arithmetic and imports nothing but the
standard library.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

from audiocnn.errors import ParameterError

__all__ = ["Axis", "Geometry", "chain", "kernel_span", "same_padding"]


@dataclass(frozen=True)
class Geometry:
    """A window of `span` input steps per output step, advancing by `stride` input steps.

    Raises:
        ParameterError: if span or stride is not a positive integer.

    >>> stft = Geometry(span=480, stride=160)
    >>> stft.output_length(16000)
    98
    >>> stft.then(Geometry(span=98, stride=1))  # a net that sees 98 frames
    Geometry(span=16000, stride=160)
    """

    span: int = 1
    stride: int = 1

    def __post_init__(self) -> None:
        for name, value in (("span", self.span), ("stride", self.stride)):
            if not isinstance(value, int) or value < 1:
                raise ParameterError(f"{name}={value!r} must be a positive integer")

    def output_length(self, length: int) -> int:
        """How many outputs `length` input steps give: 0 below the span."""
        return max(0, (length - self.span) // self.stride + 1)

    def input_length(self, outputs: int) -> int:
        """How many input steps are needed, and all used, for `outputs` >= 1 outputs."""
        return (outputs - 1) * self.stride + self.span

    def then(self, other: "Geometry") -> "Geometry":
        """The geometry of this scan followed by `other`, which reads its outputs."""
        return Geometry(self.span + (other.span - 1) * self.stride, self.stride * other.stride)


class Axis(NamedTuple):
    """How a module moves along one axis: what it takes, and what it sees.

    Attributes:
        takes: gives the output length for an input length.
        sees: the receptive field of one output and its step, zero padding not
            counted as input; None where an output depends on the whole input.

    The two are equal exactly where the module is a scan. Padding makes a
    module take fewer steps than it sees:

    >>> valid = Axis(takes=Geometry(3), sees=Geometry(3))
    >>> same = Axis(takes=Geometry(1), sees=Geometry(3))
    >>> valid.geometry, same.geometry
    (Geometry(span=3, stride=1), None)
    >>> valid.then(same).sees
    Geometry(span=5, stride=1)
    """

    takes: Geometry
    sees: Geometry | None

    @classmethod
    def scan(cls, span: int = 1, stride: int = 1) -> "Axis":
        """The axis of a true scan: it sees what it takes."""
        return cls(Geometry(span, stride), Geometry(span, stride))

    @property
    def geometry(self) -> Geometry | None:
        """The geometry of a scan; None where the law "scan = windows" is not kept."""
        return self.takes if self.takes == self.sees else None

    def then(self, other: "Axis") -> "Axis":
        """This axis followed by `other`."""
        sees = self.sees.then(other.sees) if self.sees and other.sees else None
        return Axis(self.takes.then(other.takes), sees)


def chain(axes: Iterable[Axis]) -> Axis:
    """The axis of modules applied one after the other; of none, the identity.

    >>> chain([Axis.scan(3, 2), Axis.scan(5)])
    Axis(takes=Geometry(span=11, stride=2), sees=Geometry(span=11, stride=2))
    """
    return reduce(Axis.then, axes, Axis.scan())


def kernel_span(kernel_size: int, dilation: int = 1) -> int:
    """How many input steps a kernel covers, the gaps of its dilation included.

    >>> kernel_span(3, dilation=4)
    9
    """
    return (kernel_size - 1) * dilation + 1


def same_padding(span: int) -> tuple[int, int]:
    """Zeros to add on the left and right so that a window of `span` keeps the length.

    `left + right = span - 1`, differing by at most one; an even span gets the
    odd zero on the right, as TensorFlow and torch's `padding="same"` do. With a
    stride the output length is `ceil(length / stride)`.

    >>> same_padding(5), same_padding(4)
    ((2, 2), (1, 2))
    """
    left = (span - 1) // 2
    return left, span - 1 - left
