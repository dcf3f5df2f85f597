"""Convolution by the fast Fourier transform: what `conv.py` computes, cheaper for long kernels.

`fft_correlation.py` has the arithmetic, for stride 1; `fft_cost.py` decides where it pays. What is left
to do here:

*Stride.* The phases of input and kernel become channels of their own (see `fft_cost.Phases`). That leaves
a convolution of stride 1, as many times shorter as there are more channels: the transforms of the input
cost what they did, those of the outputs so much less, and no output is computed that is not asked for.

*Dilation.* The kernel is spread out, with zeros in between, and costs what a kernel of its span costs.

Rounding errors spread over a block: a quiet stretch beside a loud one has errors of the loud one's size,
some 1e-7 of the largest output. For the same reason one NaN, or infinity, spoils its block.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.geometry import kernel_span
from audiocnn.layers.conv import Conv1d, Conv2d, Padding, PaddingMode, pair, require_positive
from audiocnn.layers.fft_correlation import Blocks, correlate
from audiocnn.layers.fft_cost import Method, Phases, choose_blocks

__all__ = ["FFTConv1d", "FFTConv2d", "fft_conv1d", "fft_conv2d"]


class FFTConv1d(Conv1d):
    """`Conv1d` with a choice: the same parameters, the same results within 1e-5, the cheaper arithmetic.

    `(batch, in_channels, time)` -> `(batch, out_channels, time')`. FFT pays for long kernels: from some
    dozens of taps on, see `audiocnn.layers.fft_cost`, where the costs that `"auto"` compares are
    written down. The weights are those of `Conv1d`, and a file of them fits both.

    Args:
        in_channels: channels read.
        out_channels: detectors, one channel each.
        kernel_size: steps a detector covers.
        stride: steps it moves by.
        dilation: steps from one kernel element to the next.
        groups: independent groups of channels; `in_channels` for a depthwise one.
        bias: whether a constant is added per output channel.
        padding: `"valid"` (a scan) or `"same"`.
        padding_mode: what `"same"` adds, as in `Conv1d`.
        method: `"fft"`, `"direct"`, or `"auto"`: what the cost model says for each input. It may be set
            at any time; direct is right where every output's own window must matter, as for NaN.

    Raises:
        ParameterError: as `Conv1d`, and for an unknown method.

    Shapes are all the choice depends on, never a measurement: the same input takes the same way. In half
    precision and under autocast the transforms are in float32, and the result has the type of `Conv1d`'s.
    The gradient cannot itself be differentiated. `macs` counts those of the direct way.

    >>> filters = FFTConv1d(1, 64, kernel_size=401)
    >>> filters(torch.zeros(1, 1, 16000)).shape
    torch.Size([1, 64, 15600])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        padding: Padding = "valid",
        padding_mode: PaddingMode = "zeros",
        method: Method = "auto",
    ) -> None:
        _require_method(method)
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            dilation=dilation,
            groups=groups,
            bias=bias,
            padding=padding,
            padding_mode=padding_mode,
        )
        self.method: Method = method

    def _convolve(self, x: Tensor) -> Tensor:
        y = _layer_by_fft(self, x)
        return super()._convolve(x) if y is None else y

    def extra_repr(self) -> str:
        """What the direct layer says, and the method."""
        return f"{super().extra_repr()}, method={self.method!r}"  # type: ignore[no-untyped-call]


class FFTConv2d(Conv2d):
    """`Conv2d` with a choice: the same parameters, the same results within 1e-5, the cheaper arithmetic.

    `(batch, in_channels, rows, time)` -> `(batch, out_channels, rows', time')`; see `FFTConv1d`. With
    many channels FFT pays later than in 1-D, because each pair of channels has its kernel transformed.

    Args:
        in_channels: channels read.
        out_channels: detectors, one channel each.
        kernel_size: rows and steps a detector covers.
        stride: rows and steps it moves by.
        dilation: rows and steps from one kernel element to the next.
        groups: independent groups of channels; `in_channels` for a depthwise one.
        bias: whether a constant is added per output channel.
        padding: `"valid"` or `"same"`, for both axes or as `(rows, time)`.
        padding_mode: what `"same"` adds, as in `Conv2d`.
        method: `"fft"`, `"direct"` or `"auto"`.

    Raises:
        ParameterError: as `Conv2d`, and for an unknown method.

    >>> blur = FFTConv2d(1, 1, 31, padding="same", method="fft")
    >>> blur(torch.zeros(1, 1, 100, 200)).shape
    torch.Size([1, 1, 100, 200])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        *,
        stride: int | tuple[int, int] = 1,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding: Padding | tuple[Padding, Padding] = "valid",
        padding_mode: PaddingMode = "zeros",
        method: Method = "auto",
    ) -> None:
        _require_method(method)
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            dilation=dilation,
            groups=groups,
            bias=bias,
            padding=padding,
            padding_mode=padding_mode,
        )
        self.method: Method = method

    def _convolve(self, x: Tensor) -> Tensor:
        y = _layer_by_fft(self, x)
        return super()._convolve(x) if y is None else y

    def extra_repr(self) -> str:
        """What the direct layer says, and the method."""
        return f"{super().extra_repr()}, method={self.method!r}"  # type: ignore[no-untyped-call]


def fft_conv1d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    method: Method = "auto",
) -> Tensor:
    """`torch.nn.functional.conv1d` without padding, by FFT where that is cheaper.

    Args:
        x: `(batch, in_channels, time)`.
        weight: `(out_channels, in_channels / groups, kernel)`.
        bias: `(out_channels,)`.
        stride: steps from one output to the next.
        dilation: steps from one kernel element to the next.
        groups: independent groups of channels.
        method: `"fft"`, `"direct"` or `"auto"`.

    Returns:
        `(batch, out_channels, time')`.

    Raises:
        ParameterError: for an unknown method, a size that is not positive, shapes that do not fit, and
            an input shorter than the kernel's span.

    >>> fft_conv1d(torch.tensor([[[1.0, 2.0, 4.0, 8.0]]]), torch.tensor([[[1.0, 10.0]]]), method="fft")
    tensor([[[21., 42., 84.]]])
    """
    return _convolve(x, weight, bias, (stride,), (dilation,), groups, method)


def fft_conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: int | tuple[int, int] = 1,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
    method: Method = "auto",
) -> Tensor:
    """`torch.nn.functional.conv2d` without padding, by FFT where that is cheaper.

    Args:
        x: `(batch, in_channels, rows, time)`.
        weight: `(out_channels, in_channels / groups, rows, steps)`.
        bias: `(out_channels,)`.
        stride: rows and steps from one output to the next.
        dilation: rows and steps from one kernel element to the next.
        groups: independent groups of channels.
        method: `"fft"`, `"direct"` or `"auto"`.

    Returns:
        `(batch, out_channels, rows', time')`.

    Raises:
        ParameterError: as `fft_conv1d`.

    >>> fft_conv2d(torch.eye(4)[None, None], torch.ones(1, 1, 2, 2), stride=2, method="fft").round()
    tensor([[[[2., 0.],
              [0., 2.]]]])
    """
    return _convolve(x, weight, bias, pair("stride", stride), pair("dilation", dilation), groups, method)


def _require_method(method: Method) -> None:
    if method not in ("auto", "fft", "direct"):
        raise ParameterError(f"method={method!r} must be 'auto', 'fft' or 'direct'")


def _layer_by_fft(layer: FFTConv1d | FFTConv2d, x: Tensor) -> Tensor | None:
    """The layer's output for what its `_pad` gave, by FFT; None where the direct way is cheaper."""
    shape, zeros = x.shape, [int(n) for n in layer.padding]  # which the direct way adds at both ends itself
    blocks = choose_blocks(
        layer.method,
        shape[0],
        shape[1],
        layer.out_channels,
        layer.groups,
        tuple(length + 2 * n for length, n in zip(shape[2:], zeros, strict=True)),
        layer.kernel_size,
        layer.stride,
        layer.dilation,
        torch.is_grad_enabled() and (x.requires_grad or layer.weight.requires_grad),
        x.dtype == torch.float64,
    )
    if blocks is None:
        return None
    if any(zeros):
        x = F.pad(x, [n for n in reversed(zeros) for _ in range(2)])
    return _by_fft(x, layer.weight, layer.bias, layer.stride, layer.dilation, layer.groups, blocks)


def _convolve(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
    method: Method,
) -> Tensor:
    """`fft_conv1d` and `fft_conv2d`: check, choose, convolve."""
    _require_method(method)
    names: tuple[str, ...] = ("time",) if len(stride) == 1 else ("rows", "time")
    for name, values in (("stride", stride), ("dilation", dilation), ("groups", (groups,))):
        for value in values:
            require_positive(name, value)
    axes = {"x": ("batch", "channel"), "weight": ("out_channels", "in_channels / groups")}
    for name, tensor in (("x", x), ("weight", weight)):
        if tensor.dim() != 2 + len(names):
            wanted = ", ".join(axes[name] + names)
            raise ParameterError(f"{name} must be ({wanted}), not {tuple(tensor.shape)}")
    if weight.shape[1] * groups != x.shape[1] or weight.shape[0] % groups:
        raise ParameterError(
            f"weight {tuple(weight.shape)} with groups={groups} does not fit x of {x.shape[1]} channels; "
            "it must be (out_channels, in_channels / groups, ...), and groups must divide both"
        )
    for i, name in enumerate(names, start=2):
        span = kernel_span(weight.shape[i], dilation[i - 2])
        if x.shape[i] < span:
            raise ParameterError(
                f"x of {x.shape[i]} steps along {name} is shorter than the kernel's span, {span}; pad it"
            )
    blocks = choose_blocks(
        method,
        x.shape[0],
        x.shape[1],
        weight.shape[0],
        groups,
        x.shape[2:],
        weight.shape[2:],
        stride,
        dilation,
        torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad),
        x.dtype == torch.float64,
    )
    if blocks is not None:
        return _by_fft(x, weight, bias, stride, dilation, groups, blocks)
    direct = F.conv1d if len(names) == 1 else F.conv2d
    return direct(x, weight, bias, stride, 0, dilation, groups)


def _by_fft(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
    blocks: tuple[Blocks, ...],
) -> Tensor:
    """The whole convolution by FFT, without padding, in the precision of `_precision`."""
    inner, outer = _precision(x)
    x, weight = x.to(inner), weight.to(inner)
    for axis, (step, gap) in enumerate(zip(stride, dilation, strict=True), start=2):
        used, taps, outputs = Phases.of(x.shape[axis], weight.shape[axis], step, gap)
        if gap > 1:
            span = kernel_span(weight.shape[axis], gap)
            spread = _fit(weight.unsqueeze(axis + 1), axis + 1, gap)
            weight = spread.flatten(axis, axis + 1).narrow(axis, 0, span)
        if step > 1:
            x = _phases_as_channels(x, axis, step, used, outputs + taps - 1)
            weight = _phases_as_channels(weight, axis, step, used, taps)
    y = correlate(x, weight, groups, blocks)
    if bias is not None:
        y = y + bias.to(inner).view(-1, *(1 for _ in stride))
    return y.to(outer).contiguous()


def _phases_as_channels(x: Tensor, axis: int, stride: int, used: int, length: int) -> Tensor:
    """`(n, channel, ..., about length * stride, ...)` -> `(n, channel * used, ..., length, ...)`."""
    phases = torch.unflatten(_fit(x, axis, length * stride), axis, (length, stride))
    return phases.movedim(axis + 1, 2)[:, :, :used].flatten(1, 2)


def _fit(x: Tensor, axis: int, length: int) -> Tensor:
    """Cut `x` to `length` along `axis`, or fill it up with zeros."""
    return F.pad(x, [0, 0] * (x.dim() - 1 - axis) + [0, length - x.shape[axis]])


def _precision(x: Tensor) -> tuple[torch.dtype, torch.dtype]:
    """The type to compute in, float32 or float64, and the one that the direct layer would give."""
    if x.dtype == torch.float64:
        return x.dtype, x.dtype
    device = x.device.type
    autocast = torch.is_autocast_enabled(device)
    return torch.float32, torch.get_autocast_dtype(device) if autocast else x.dtype
