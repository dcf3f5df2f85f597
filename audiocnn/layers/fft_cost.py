"""What a convolution costs, directly and by FFT: the comparison that `method="auto"` makes.

Everything is counted from the shapes and priced, in nanoseconds. The prices below were fitted to some
700 measurements on one core of an AMD EPYC (Zen 5), torch 2.14 with MKL and oneDNN, float32, without and
with gradients. Only the comparison matters, and it changes less from one machine to the next than the
prices do; a GPU was not measured, so name the method there yourself. `tests/benchmarks/fft_conv.py` prints
where the model errs. Nothing is timed when a layer runs: equal shapes, and an equal need of gradients,
take the same way every time.

*By FFT*, an input cut into `m` blocks, over the batch, of `size` points:

- `m * in` transforms there, `m * out` back, `out * in / groups` of kernels, of `size * log2(size)` steps
  each; a quarter more where `size` is no power of two. The tables of each size are made anew on every call.
- complex products, `out * in / groups` for each of `m * (size / 2 + 1)` frequencies. As products of
  matrices they are cheap, but every transform has to be laid out anew for them. With one channel in or
  out that would not pay: they are done one by one.
- in two axes, a second pass through memory.

Large blocks waste fewer points on their overlap; small ones have the smaller logarithm, and fewer zeros
in the kernels' transforms. So all sizes `2^a`, `3 * 2^a` and (in 1-D) `5 * 2^a` that make sense are priced.

*Directly*, torch has three ways, whose multiply-accumulates differ in price by a factor of thirty:

- unfolding: each input is copied to wherever a kernel covers it, and one matrix product is left. That is
  what one short input gets, without groups, and float64 always.
- oneDNN: 16 output channels abreast, so that one costs as much as sixteen. Kernels too wide for its
  compiled loops cost twice as much; their gradients do from 14 steps on, and are unfolded as well.
- depthwise: quick forward, slow backward.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import ceil, log2, prod
from typing import Literal, NamedTuple, TypeAlias

from audiocnn.geometry import Geometry, kernel_span
from audiocnn.layers.fft_correlation import Blocks

__all__ = ["Convolution", "Method", "Phases", "choose_blocks", "direct_cost", "fft_cost"]

Method: TypeAlias = Literal["auto", "fft", "direct"]

_DOUBLE = 2.0  # float64 over float32, both ways

# By FFT, in nanoseconds
_FFT_CALL = 65_000.0
_TABLES = 6.0  # for each point of a block, once
_STEP = 0.04  # of a transform
_ODD = 1.25  # for sizes that are no powers of two
_SECOND_AXIS = 0.7  # for each point of a transform
_LAYOUT = 1.0  # for each point of a transform that goes into matrices or comes out
_MATRIX_PRODUCT = 0.15
_SINGLE_PRODUCT = 2.2
_SINGLE_PRODUCT_TRAINING = 2.6
_FFT_TRAINING = 3.0  # forward and backward over forward

# Directly, in nanoseconds
_LANES = 16  # channels that oneDNN takes abreast
_COMPILED = 640  # kernel steps times channels, up to `_LANES` of them, that its loops forward take
_COMPILED_BACKWARD = 14  # kernel steps from which its loops backward do not
_UNFOLDED = 20480  # numbers up to which torch unfolds a single input


class Phases(NamedTuple):
    """A strided axis made one of stride 1: `used` channels in place of one, and kernels of `taps`.

    Output `t` reads the steps `t * stride + k`. With `k = j * stride + p` those of one `p` are steps of
    stride 1 of their own:

        input, stride 3     a b c d e f g h i ...
        phase 0             a     d     g
        phase 1               b     e     h
        phase 2                 c     f     i
    """

    used: int
    taps: int
    outputs: int

    @classmethod
    def of(cls, length: int, kernel: int, stride: int, dilation: int) -> "Phases":
        """Those of an input of `length` steps.

        >>> Phases.of(length=20, kernel=5, stride=2, dilation=1)
        Phases(used=2, taps=3, outputs=8)
        """
        span = kernel_span(kernel, dilation)
        return cls(min(stride, span), ceil(span / stride), Geometry(span, stride).output_length(length))


@dataclass(frozen=True)
class Convolution:
    """The sizes of a convolution without padding; those of its axes in tuples."""

    batch: int
    in_channels: int
    out_channels: int
    groups: int
    lengths: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]

    def phases(self) -> tuple[Phases, ...]:
        """Each axis, made one of stride 1."""
        return tuple(map(Phases.of, self.lengths, self.kernel, self.stride, self.dilation))


def fft_cost(
    conv: Convolution, sizes: Sequence[int], *, training: bool = False, double: bool = False
) -> float:
    """Nanoseconds by FFT.

    Args:
        conv: what is computed.
        sizes: of the blocks, for each axis.
        training: whether the gradients are wanted too.
        double: float64 instead of float32.

    >>> speech = Convolution(1, 1, 1, 1, (16000,), (1024,), (1,), (1,))
    >>> fft_cost(speech, [4096]) < fft_cost(speech, [2048]) < fft_cost(speech, [32768])
    True
    """
    phases = conv.phases()
    in_channels = conv.in_channels * prod(axis.used for axis in phases)
    kernels = conv.out_channels * in_channels // conv.groups
    blocks = conv.batch * prod(_cut(axis, size).number for axis, size in zip(phases, sizes, strict=True))
    transforms = blocks * (in_channels + conv.out_channels) + kernels
    products = blocks * kernels * prod(sizes) / sizes[-1] * (sizes[-1] // 2 + 1)
    steps = sum(log2(size) * (1 if size.bit_count() == 1 else _ODD) for size in sizes)
    per_point = _STEP * steps + _SECOND_AXIS * (len(sizes) - 1)
    if conv.groups in (in_channels, conv.out_channels):
        cost = (_SINGLE_PRODUCT_TRAINING if training else _SINGLE_PRODUCT) * products
    else:
        cost = _MATRIX_PRODUCT * products
        per_point += _LAYOUT
    cost += _FFT_CALL + _TABLES * sum(sizes) + per_point * transforms * prod(sizes)
    return cost * (_FFT_TRAINING if training else 1) * (_DOUBLE if double else 1)


def direct_cost(conv: Convolution, *, training: bool = False, double: bool = False) -> float:
    """Nanoseconds directly.

    >>> short, long = (Convolution(1, 1, 1, 1, (16000,), (taps,), (1,), (1,)) for taps in (3, 512))
    >>> direct_cost(short) < fft_cost(short, [512]), direct_cost(long) > fft_cost(long, [2048])
    (True, True)
    """
    inputs = conv.batch * conv.in_channels * prod(conv.lengths)
    outputs = conv.batch * conv.out_channels * prod(axis.outputs for axis in conv.phases())
    numbers = inputs + outputs
    in_group, out_group = conv.in_channels // conv.groups, conv.out_channels // conv.groups
    weights = conv.out_channels * in_group * prod(conv.kernel)
    macs = outputs * in_group * prod(conv.kernel)
    small = conv.batch == conv.groups == 1 and inputs <= _UNFOLDED
    if double or (small and (len(conv.kernel) == 1 or min(conv.kernel) <= 3)):
        unfolded = macs / out_group
        if training:
            cost = 24_000 + 0.5 * numbers + 0.32 * unfolded + 0.07 * macs
        else:
            cost = 5_000 + 0.07 * numbers + 0.062 * unfolded + 0.024 * macs
        return cost * (_DOUBLE if double else 1)
    if in_group == out_group == 1 < conv.groups:
        if training:
            return 30_000 + 0.4 * numbers + 0.42 * macs
        return 30_000 + 0.2 * numbers + 0.0135 * macs
    width = conv.kernel[-1]
    padded_in, padded_out = _padded(conv.in_channels), _padded(conv.out_channels)
    numbers_padded = inputs * padded_in / conv.in_channels + outputs * padded_out / conv.out_channels
    macs_padded = macs * padded_out / conv.out_channels
    if training:
        if conv.groups > 1 or width >= _COMPILED_BACKWARD:
            return 60_000 + 0.1 * numbers_padded + 2.5 * weights + (0.033 + 1.2 / out_group) * macs
        lanes_in = padded_in / conv.in_channels
        return 280_000 + 0.27 * numbers_padded + (0.022 + 0.009 * lanes_in) * macs_padded
    cost = 50_000 + 0.045 * numbers_padded + 0.8 * weights
    if conv.groups > 1:
        return cost + 0.0197 * macs
    if width * min(in_group, _LANES) > _COMPILED:
        return cost + (0.014 + 0.12 / padded_out) * macs_padded
    return cost + 0.0092 * macs_padded


def _padded(channels: int) -> int:
    return ceil(channels / _LANES) * _LANES


def _cut(axis: Phases, size: int) -> Blocks:
    """Cut an axis into as few blocks of `size` as will do, of equal steps."""
    number = ceil(axis.outputs / (size - axis.taps + 1))
    return Blocks(size, step=ceil(axis.outputs / number), number=number)


def _sizes_to_try(axis: Phases, factors: Sequence[int]) -> list[int]:
    """From a quarter more than the kernel to what takes the input whole."""
    whole = axis.outputs + axis.taps - 1
    sizes = sorted(factor << a for factor in factors for a in range(2, whole.bit_length() + 2))
    largest = next(size for size in sizes if size >= whole)
    return [size for size in sizes if 1.25 * axis.taps <= size < largest] + [largest]


@lru_cache(maxsize=4096)
def choose_blocks(
    method: Method,
    batch: int,
    in_channels: int,
    out_channels: int,
    groups: int,
    lengths: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    training: bool,
    double: bool,
) -> tuple[Blocks, ...] | None:
    """The blocks of the cheapest FFT; None where the direct way is meant, or cheaper.

    None, too, where no output is due: that is the direct layer's to say. The arguments, in the order of
    `Convolution`, are not gathered in one, because a lookup costs as much as a short convolution.

    >>> choose_blocks("auto", 1, 1, 1, 1, (160000,), (512,), (1,), (1,), training=False, double=False)
    (Blocks(size=4096, step=3545, number=45),)
    """
    conv = Convolution(batch, in_channels, out_channels, groups, lengths, kernel, stride, dilation)
    phases = conv.phases()
    if method == "direct" or batch * prod(axis.outputs for axis in phases) == 0:
        return None
    factors = (1, 3, 5) if len(phases) == 1 else (1, 3)
    cost, sizes = min(
        (fft_cost(conv, sizes, training=training, double=double), sizes)
        for sizes in product(*(_sizes_to_try(axis, factors) for axis in phases))
    )
    if method == "auto" and cost >= direct_cost(conv, training=training, double=double):
        return None
    return tuple(map(_cut, phases, sizes))
