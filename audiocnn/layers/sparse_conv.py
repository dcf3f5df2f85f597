"""A convolution that connects only some of the channels, by a table."""

from collections.abc import Sequence

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

__all__ = ["SparseConv2d"]


class SparseConv2d(Scan):
    """Convolution of those channels that a table connects.

    `(batch, in_channels, rows, time)` -> `(batch, out_channels, rows', time')`:

        y[o] = bias[o] + sum over i in table[o] of weight[o, i] correlated with x[i]

    There are weights for the connected pairs of channels alone. LeCun et al. 1998, "Gradient-Based
    Learning Applied to Document Recognition", Proceedings of the IEEE 86, layer C3: fewer connections, and
    detectors that come to differ because they see different things. (`Conv2d` with `groups` is the case of
    equal blocks that share nothing.) Weights and biases start uniform within `1 / sqrt(inputs)`, each channel
    by the number of its own inputs.

    It is computed as a dense convolution with zeros in place of the other weights, which takes less than a
    tenth of the time of one with groups: `macs` counts the zeros, `connections` does not.

    Args:
        in_channels: channels read.
        table: for each channel of the output, the channels of the input that it is connected to.
        kernel_size: rows and steps a detector covers; pairs are `(rows, time)`, an integer serves both.
        padding: `"valid"` (a scan) or `"same"`, with zeros; one for both axes, or `(rows, time)`.

    Attributes:
        weight: `(connected pairs, rows, time)`, in the order of the table.
        bias: `(channels of the output,)`.

    Raises:
        ParameterError: for a size that is not positive, a table with a row that is empty, twice has a channel
            or has one that is not there, an unknown padding, and on input of another shape or shorter than
            the span.

    >>> layer = SparseConv2d(3, [(0, 1), (1, 2), (0, 1, 2)], 5)
    >>> layer(torch.zeros(1, 3, 14, 14)).shape, layer.weight.shape
    (torch.Size([1, 3, 10, 10]), torch.Size([7, 5, 5]))
    """

    law_remedy = PADDED_LAW_REMEDY
    pairs: Tensor

    def __init__(
        self,
        in_channels: int,
        table: Sequence[Sequence[int]],
        kernel_size: int | tuple[int, int],
        *,
        padding: Padding | tuple[Padding, Padding] = "valid",
    ) -> None:
        super().__init__()
        require_positive("in_channels", in_channels)
        if not table:
            raise ParameterError("table=[] has no row; give one for each channel of the output")
        for channel, row in enumerate(table):
            if not row or len(set(row)) < len(row) or not set(row) <= set(range(in_channels)):
                raise ParameterError(
                    f"table[{channel}]={tuple(row)} must name channels of the input, from 0 to "
                    f"{in_channels - 1}, at least one and none twice"
                )
        self.kernel_size, paddings = pair("kernel_size", kernel_size), padding_pair(padding)
        self.row_axis, self.time_axis = (
            conv_axis(size, 1, 1, how) for size, how in zip(self.kernel_size, paddings, strict=True)
        )
        self.pads = padding_of(self.time_axis) + padding_of(self.row_axis)
        self.in_channels, self.table = in_channels, tuple(tuple(row) for row in table)
        # of the channels of the output and of the input, the place of each connected pair
        pairs = [channel * in_channels + i for channel, row in enumerate(table) for i in row]
        self.register_buffer("pairs", torch.tensor(pairs), persistent=False)
        self.weight = nn.Parameter(torch.empty(len(pairs), *self.kernel_size))
        self.bias = nn.Parameter(torch.empty(len(table)))
        for weights, bias, inputs in self.by_channel():
            nn.init.uniform_(weights, -(inputs**-0.5), inputs**-0.5)
            nn.init.uniform_(bias, -(inputs**-0.5), inputs**-0.5)

    def by_channel(self) -> list[tuple[Tensor, Tensor, int]]:
        """Of each channel of the output its weights, its bias, and the number of its inputs."""
        weights = torch.split(self.weight.detach(), [len(row) for row in self.table])
        biases = torch.split(self.bias.detach(), 1)
        return [(own, bias, own.numel()) for own, bias in zip(weights, biases, strict=True)]

    def dense_weight(self) -> Tensor:
        """The weight of the same `Conv2d`: `(out_channels, in_channels, rows, time)`, with its zeros."""
        zeros = self.weight.new_zeros(len(self.table) * self.in_channels, *self.kernel_size)
        dense = zeros.index_copy(0, self.pairs, self.weight)
        return dense.view(len(self.table), self.in_channels, *self.kernel_size)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve."""
        if x.dim() != 4 or x.shape[1] != self.in_channels:
            raise ParameterError(
                f"SparseConv2d with in_channels={self.in_channels} takes (batch, {self.in_channels}, "
                f"rows, time), not {tuple(x.shape)}"
            )
        self.require_span(x)
        self.require_rows(x)
        x = F.pad(x, self.pads) if any(self.pads) else x
        return F.conv2d(x, self.dense_weight(), self.bias)

    def macs(self, x: Tensor, y: Tensor) -> int:
        """Those of the dense convolution that is computed."""
        return y.numel() * self.in_channels * self.weight[0].numel()

    def connections(self, x: Tensor, y: Tensor) -> int:
        """The weights and biases there are, at every place."""
        places = y.numel() // len(self.table)
        return places * (self.weight.numel() + self.bias.numel())

    def extra_repr(self) -> str:
        """Channels, connections and kernel."""
        text = f"{self.in_channels}, {len(self.table)}, kernel_size={self.kernel_size}"
        return f"{text}, connected={len(self.pairs)} of {len(self.table) * self.in_channels}"
