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

__all__ = ["Axis", "Geometry", "ReceptiveField", "chain", "kernel_span", "output_length", "same_padding"]


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


@dataclass(frozen=True)
class ReceptiveField:
    """The input steps that one output of a network can see, and how they move from output to output.

    Attributes:
        size: steps from the first to the last that is seen.
        stride: steps by which the field moves from one output to the next.
        centre: the middle of the field of output 0, in input steps counted from 0; half a step
            for an even size, and 0 for odd kernels with `"same"` padding and no stride.
    """

    size: int
    stride: int
    centre: float


class Axis(NamedTuple):
    """How a module moves along one axis: what it takes, and what it sees.

    Attributes:
        takes: gives the output length for an input length; None where no window moved by a
            stride has that length (a global pool, a pool with `ceil_mode`, transposed convolution).
        sees: the span of the receptive field and its step, zero padding not counted as input;
            None where an output depends on the whole input, or moves by a fraction of a step (behind a
            transposed convolution).
        start: the input step at which the field of output 0 begins; `-left` after padding.
        is_scan: whether a window of `takes.span` steps gives by itself the output that it gives inside of
            a longer input: the law "scan = windows".

    Padding makes a module take fewer steps than it sees, and is no scan:

    >>> valid = Axis.scan(3)
    >>> same = Axis(takes=Geometry(1), sees=Geometry(3), start=-1)
    >>> valid.geometry, same.geometry
    (Geometry(span=3, stride=1), None)
    >>> valid.then(same).receptive_field
    ReceptiveField(size=5, stride=1, centre=1.0)
    """

    takes: Geometry | None
    sees: Geometry | None
    start: int = 0
    is_scan: bool = False

    @classmethod
    def scan(cls, span: int = 1, stride: int = 1) -> "Axis":
        """The axis of a scan that sees all it takes."""
        return cls(Geometry(span, stride), Geometry(span, stride), is_scan=True)

    @property
    def geometry(self) -> Geometry | None:
        """The geometry of a scan; None where the law "scan = windows" is not kept."""
        return self.takes if self.is_scan else None

    @property
    def receptive_field(self) -> ReceptiveField | None:
        """Size, stride and centre of what an output sees; None where that is the whole input."""
        if self.sees is None:
            return None
        return ReceptiveField(self.sees.span, self.sees.stride, self.start + (self.sees.span - 1) / 2)

    def then(self, other: "Axis") -> "Axis":
        """This axis followed by `other`."""
        takes = self.takes.then(other.takes) if self.takes and other.takes else None
        if self.sees is None or other.sees is None:
            return Axis(takes, None)
        start = self.start + other.start * self.sees.stride
        return Axis(takes, self.sees.then(other.sees), start, self.is_scan and other.is_scan)


def chain(axes: Iterable[Axis]) -> Axis:
    """The axis of modules applied one after the other; of none, the identity.

    >>> chain([Axis.scan(3, 2), Axis.scan(5)]).geometry
    Geometry(span=11, stride=2)
    """
    return reduce(Axis.then, axes, Axis.scan())


def kernel_span(kernel_size: int, dilation: int = 1) -> int:
    """How many input steps a kernel covers, the gaps of its dilation included.

    >>> kernel_span(3, dilation=4)
    9
    """
    return (kernel_size - 1) * dilation + 1


def output_length(
    length: int,
    kernel_size: int,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    """How many outputs a kernel gives: `floor((length - span + 2 * padding) / stride) + 1`.

    (Some lecture notes print `(W - K - 2P) / S + 1`. The sign is a slip: padding adds outputs.)

    Args:
        length: input steps.
        kernel_size: elements of the kernel; its span is `(kernel_size - 1) * dilation + 1`.
        stride: steps from one output to the next.
        padding: steps added at each end.
        dilation: steps from one element of the kernel to the next.
        ceil_mode: round up instead: a last window that hangs over the end also counts, if it
            starts within the input or the padding before it (torch's rule).

    Raises:
        ParameterError: for a size that is not positive, or a kernel longer than the padded input.

    >>> output_length(227, 11, stride=4), output_length(32, 5, padding=2)  # AlexNet; LeNet-5 padded
    (55, 32)
    >>> output_length(8, 3, stride=2), output_length(8, 3, stride=2, ceil_mode=True)
    (3, 4)
    """
    sizes = (("length", length), ("kernel_size", kernel_size), ("stride", stride), ("dilation", dilation))
    for name, value in sizes:
        if value < 1:
            raise ParameterError(f"{name}={value} must be a positive integer")
    if padding < 0:
        raise ParameterError(f"padding={padding} must be 0 or more steps")
    span = kernel_span(kernel_size, dilation)
    spare = length + 2 * padding - span
    if spare < 0:
        raise ParameterError(
            f"length={length} with padding={padding} does not hold a kernel over {span} steps; "
            f"give at least {span - 2 * padding}"
        )
    outputs = spare // stride + 1
    if ceil_mode and spare % stride and outputs * stride < length + padding:
        outputs += 1
    return outputs


def same_padding(span: int, *, symmetric: bool = False) -> tuple[int, int]:
    """Zeros to add on the left and right so that a window of `span` keeps the length.

    `left + right = span - 1`, differing by at most one; an even span gets the
    odd zero on the right, as torch's `padding="same"` does. With a stride the output
    length is `ceil(length / stride)`. (TensorFlow's "SAME" counts from the end: for a stride above 1
    it adds fewer zeros, as many as the last window needs.)

    Args:
        span: input steps a window covers.
        symmetric: refuse a span that does not split evenly.

    Raises:
        ParameterError: for a span that is not positive, or an even one if `symmetric`.

    >>> same_padding(5), same_padding(4)
    ((2, 2), (1, 2))
    """
    if span < 1:
        raise ParameterError(f"span={span} must be a positive integer")
    if symmetric and span % 2 == 0:
        raise ParameterError(
            f"span={span} is even and cannot be padded by as much on both sides; {span - 1} or {span + 1} can"
        )
    left = (span - 1) // 2
    return left, span - 1 - left
