"""Normalisation of each step by what stands in it, and batch normalisation.

In evaluation each of these is a scan of span 1, because none looks along time. Norms that
do (instance norm, group norm, layer norm over the whole clip) would break the law: what
they give for a frame depends on where the clip was cut.

    what shares a mean and a variance, for x: (batch, channel, rows, time)
    BatchNorm1d, BatchNorm2d   a channel, over all the batch in training; fixed in evaluation
    ChannelNorm                the channels of one place
    FrameNorm                  the channels and rows of one step of time
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis, Geometry
from audiocnn.layers.batch_norm import normalize_batch
from audiocnn.layers.conv import require_positive
from audiocnn.layers.precision import at_least_single
from audiocnn.layers.scan import Scan

__all__ = ["BatchNorm1d", "BatchNorm2d", "ChannelNorm", "FrameNorm", "LocalResponseNorm"]


class BatchNorm1d(Scan, nn.BatchNorm1d):
    """Batch normalisation of `(batch, channel, time)`: Ioffe & Szegedy 2015, arXiv 1502.03167.

    `y = (x - mean) / sqrt(variance + eps) * weight + bias`, a channel's mean and
    variance being those of the batch in training and moving averages in evaluation.

    Args:
        channels: channels of the input.
        eps: what is added, so that a channel that never changes is not divided by zero.
        momentum: part of a moving average that a batch replaces; None for the mean of all batches.
        affine: whether there are weights and biases.
        track_running_stats: whether there are moving averages; without, evaluation uses the batch's own.

    Raises:
        ParameterError: if the channels are not positive, or the input has others.

    >>> norm = BatchNorm1d(1)
    >>> norm(torch.tensor([[[1.0, 3.0]]])).detach()
    tensor([[[-1.0000,  1.0000]]])
    >>> norm.running_mean  # a tenth of the way from 0 to 2
    tensor([0.2000])
    """

    row_axis = None

    def __init__(
        self,
        channels: int,
        *,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        require_positive("channels", channels)
        nn.BatchNorm1d.__init__(self, channels, eps, momentum, affine, track_running_stats)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        _require_channels(x, self.num_features)
        return normalize_batch(self, x)


class BatchNorm2d(Scan, nn.BatchNorm2d):
    """Batch normalisation of `(batch, channel, rows, time)`: the formula and parameters of `BatchNorm1d`."""

    def __init__(
        self,
        channels: int,
        *,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        require_positive("channels", channels)
        nn.BatchNorm2d.__init__(self, channels, eps, momentum, affine, track_running_stats)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        _require_channels(x, self.num_features)
        return normalize_batch(self, x)


class ChannelNorm(Scan):
    """Layer normalisation over the channels of each place, in 1-D and in 2-D, the shape kept.

        y = (x - mean) / sqrt(variance + 1e-5) * weight + bias

    with the mean and variance of a place's channels, and a weight and bias for each channel.
    `(batch, channel, time)` or `(batch, channel, rows, time)`. Ba, Kiros & Hinton 2016, "Layer
    Normalization", arXiv 1607.06450, per frame: with nothing of other frames in it, it is a scan.

    Args:
        channels: channels of the input.

    Raises:
        ParameterError: if the channels are not positive, or the input has others.

    >>> ChannelNorm(2)(torch.tensor([[[1.0, 4.0], [3.0, 4.0]]]))  # the second frame has no deviation
    tensor([[[-1.0000,  0.0000],
             [ 1.0000,  0.0000]]], grad_fn=<AddBackward0>)
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        require_positive("channels", channels)
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        _require_channels(x, len(self.weight))
        shape = (-1,) + (1,) * (x.dim() - 2)  # (channel, 1, ...)
        return _standardise(x, dims=(1,)) * self.weight.view(shape) + self.bias.view(shape)

    def extra_repr(self) -> str:
        """The channels."""
        return f"{len(self.weight)}"


class FrameNorm(Scan):
    """Layer normalisation over all channels and rows of each step of time.

    `(batch, channel, rows, time)`, the shape kept. The formula of `ChannelNorm`, with the mean and
    variance of all that one step holds, and a weight and bias for each channel and row: the layer
    normalisation of Ba, Kiros & Hinton 2016, arXiv 1607.06450, with a frame as the layer.

    Args:
        channels: channels of the input.
        rows: rows of the input.

    Raises:
        ParameterError: if a size is not positive, or the input has others.

    >>> FrameNorm(16, 20)(torch.zeros(1, 16, 20, 98)).shape
    torch.Size([1, 16, 20, 98])
    """

    row_axis = Axis(takes=Geometry(), sees=None)  # as many rows as come in, each made of all

    def __init__(self, channels: int, rows: int) -> None:
        super().__init__()
        require_positive("channels", channels)
        require_positive("rows", rows)
        self.weight = nn.Parameter(torch.ones(channels, rows, 1))
        self.bias = nn.Parameter(torch.zeros(channels, rows, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        channels, rows, _ = self.weight.shape
        if x.dim() != 4 or x.shape[1:3] != (channels, rows):
            raise ParameterError(
                f"FrameNorm takes (batch, {channels}, {rows}, time), not {tuple(x.shape)}; "
                "ChannelNorm is the one for features without rows"
            )
        return _standardise(x, dims=(1, 2)) * self.weight + self.bias

    def extra_repr(self) -> str:
        """The channels and rows."""
        channels, rows, _ = self.weight.shape
        return f"{channels}, {rows}"


class LocalResponseNorm(Scan):
    """Each number is divided by a power of its neighbouring channels' energy, in 1-D and in 2-D.

    Krizhevsky, Sutskever & Hinton 2012, "ImageNet Classification with Deep Convolutional
    Neural Networks" (AlexNet), section 3.3:

        y[i] = x[i] / (k + alpha * sum of x[j]^2 over j = i - size // 2 .. i + size // 2) ^ beta

    over the channels there are: at the first and last ones the sum is shorter. This is the paper's
    formula. `torch.nn.LocalResponseNorm` divides `alpha` by `size` first; give it `alpha * size` for
    the same result.

    Args:
        size: neighbouring channels, itself included; odd.
        k: what is added, so that silence is not divided by zero.
        alpha: factor on the energy.
        beta: the power.

    Raises:
        ParameterError: for a size that is not odd and positive, a `k` that is not positive, or a negative
            `alpha`.

    >>> LocalResponseNorm(3, k=1.0, alpha=1.0, beta=1.0)(torch.ones(1, 4, 1)).flatten()
    tensor([0.3333, 0.2500, 0.2500, 0.3333])
    """

    def __init__(self, size: int = 5, *, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75) -> None:
        super().__init__()
        if size < 1 or size % 2 == 0:
            raise ParameterError(
                f"size={size} must be odd and positive: as many channels on either side, such as 5"
            )
        if not k > 0:
            raise ParameterError(f"k={k} must be positive; silence would be divided by zero")
        if not alpha >= 0:
            raise ParameterError(f"alpha={alpha} must be 0 or more")
        self.size, self.k, self.alpha, self.beta = size, k, alpha, beta

    def forward(self, x: Tensor) -> Tensor:
        """`(batch, channel, ...)`, the shape kept."""
        channels, half = x.shape[1], self.size // 2
        squares = at_least_single(x).square()
        squares = F.pad(squares, (0, 0) * (x.dim() - 2) + (half, half))  # zeros beyond the channels
        energy = squares[:, :channels]
        for i in range(1, self.size):
            energy = energy + squares[:, i : i + channels]
        return x * ((self.k + self.alpha * energy) ** -self.beta).to(x.dtype)

    def extra_repr(self) -> str:
        """The four constants."""
        return f"size={self.size}, k={self.k}, alpha={self.alpha}, beta={self.beta}"


def _require_channels(x: Tensor, channels: int) -> None:
    if x.shape[1] != channels:
        raise ParameterError(f"input has {x.shape[1]} channels; this norm has {channels}")


def _standardise(x: Tensor, *, dims: tuple[int, ...]) -> Tensor:
    """Mean 0 and variance 1 over `dims`; zeros where nothing deviates."""
    z = at_least_single(x)
    deviation = z - z.mean(dim=dims, keepdim=True)
    variance = deviation.square().mean(dim=dims, keepdim=True)
    return (deviation * torch.rsqrt(variance + 1e-5)).to(x.dtype)
