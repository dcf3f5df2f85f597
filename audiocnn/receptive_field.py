"""What an output of a network sees, found by experiment.

`Axis.receptive_field` computes it from spans and strides. Here it is measured, in three ways:

- `visible_steps` puts NaN into one input step after the other and looks which outputs become NaN.
  That is the structure, whatever the weights: a NaN passes a ReLU that is shut, and a maximum that
  another value has won.
- `gradient_field` is the gradient of one output by the input: what this output, on this input, does use.
- `effective_field` is its mean over many inputs of noise. It is far smaller than the receptive field,
  and looks like a bell: Luo et al. 2016, "Understanding the Effective Receptive Field in Deep
  Convolutional Neural Networks", NeurIPS, arXiv 1701.04128.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.layers import Scan

__all__ = ["effective_field", "gradient_field", "visible_steps"]

_PROBES_AT_ONCE = 64


def visible_steps(
    network: Scan, input_size: tuple[int, ...], *, axis: int = -1, steps: Sequence[int] | None = None
) -> Tensor:
    """Which steps of the input each output can see: `(outputs, steps)`, true where it can.

    Args:
        network: any layer or net; it is run in evaluation mode. (A convolution by FFT smears a NaN over
            its whole block: probe it with `method="direct"`, which has the same structure.)
        input_size: the shape of the input without the batch.
        axis: -1 for time, or the width of an image; -2 for frequency or height, of outputs that have rows.
        steps: the input steps to look at; all by default, at the cost of running the network on each.

    Raises:
        ParameterError: for another axis, rows of an input that has none, or a step outside of the input.

    >>> from audiocnn.layers import Conv1d
    >>> visible_steps(Conv1d(1, 1, 3, dilation=2, stride=2), (1, 8)).int()
    tensor([[1, 0, 1, 0, 1, 0, 0, 0],
            [0, 0, 1, 0, 1, 0, 1, 0]], dtype=torch.int32)
    """
    if axis not in (-1, -2):
        raise ParameterError(f"axis={axis} must be -1 (time) or -2 (rows)")
    if len(input_size) < -axis:
        raise ParameterError(f"axis={axis}: an input of input_size={input_size} has no rows; use -1")
    length = input_size[axis]
    probed = torch.tensor(range(length) if steps is None else steps, dtype=torch.long)
    if steps is not None and not all(0 <= step < length for step in steps):
        raise ParameterError(f"steps={list(steps)} must be from 0 to {length - 1}, the steps of the input")
    x = _like(network, torch.zeros(input_size))
    seen = []
    with network.evaluating(), torch.inference_mode():
        for some in torch.split(probed, _PROBES_AT_ONCE):
            probes = x.repeat(len(some), *(1 for _ in input_size))
            probes.movedim(axis, 1)[torch.arange(len(some)), some] = torch.nan
            spoilt = network(probes).isnan().movedim(axis, -1)  # (steps, ..., outputs)
            seen.append(spoilt.unsqueeze(1).flatten(1, -2).any(dim=1))
    return torch.cat(seen).T


def gradient_field(network: Scan, x: Tensor, *, output: int = 0) -> Tensor:
    """The size of the gradient of one output step, all its channels and rows added up, by the input.

    Args:
        network: any layer or net; it is run in evaluation mode.
        x: one input, without the batch.
        output: which step along time; negative ones count from the end.

    Returns:
        The absolute gradient, in the shape of `x` and the type of the network.

    Raises:
        ParameterError: for an output that the input does not give.

    >>> from audiocnn.layers import MaxPool1d
    >>> gradient_field(MaxPool1d(3), torch.tensor([[5.0, 7.0, 6.0, 1.0, 2.0, 3.0]]), output=1)
    tensor([[0., 0., 0., 0., 0., 1.]])
    """
    x = _like(network, x).detach().clone().requires_grad_()
    with network.evaluating(), torch.enable_grad():
        y = network(x[None])
        if not -y.shape[-1] <= output < y.shape[-1]:
            raise ParameterError(
                f"output={output}: the input gives {y.shape[-1]} outputs; choose one of those"
            )
        (gradient,) = torch.autograd.grad(y[..., output].sum(), x)
    return gradient.abs()


def effective_field(
    network: Scan,
    input_size: tuple[int, ...],
    *,
    output: int = 0,
    inputs: int = 32,
    generator: torch.Generator | None = None,
) -> Tensor:
    """The mean of `gradient_field` over inputs of white noise, in parts of the whole.

    Args:
        network: any layer or net; it is run in evaluation mode.
        input_size: the shape of the input without the batch.
        output: which step along time.
        inputs: how many inputs of standard normal noise.
        generator: draws them; torch's own by default.

    Returns:
        `input_size`'s shape; it adds up to 1, or is all zero where no gradient came through.

    Raises:
        ParameterError: for no inputs, or an output that they do not give.

    >>> from audiocnn.layers import Conv1d, Sequential
    >>> net = Sequential(*(Conv1d(1, 1, 3, bias=False) for _ in range(4)))
    >>> for layer in net:
    ...     _ = torch.nn.init.ones_(layer.weight)
    >>> effective_field(net, (1, 9))[0] * 81  # sees 9 steps, mostly those in the middle
    tensor([ 1.,  4., 10., 16., 19., 16., 10.,  4.,  1.])
    """
    if inputs < 1:
        raise ParameterError(f"inputs={inputs} must be a positive number of inputs of noise")
    total = _like(network, torch.zeros(input_size))
    for _ in range(inputs):
        noise = torch.randn(input_size, generator=generator)
        total += gradient_field(network, noise, output=output)
    return total / total.sum().clamp(min=torch.finfo(total.dtype).tiny)


def _like(network: Scan, x: Tensor) -> Tensor:
    """`x` in the type and on the device of the network."""
    weight = next((p for p in (*network.parameters(), *network.buffers()) if p.is_floating_point()), x)
    return x.to(weight)
