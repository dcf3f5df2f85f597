"""Streams written out by hand, for `layers.py`: join what is kept and what comes, compute, keep the tail.

Each takes the weights of one of our layers and does the arithmetic of its `step` on a single stream,
with plain tensors and `torch.nn.functional`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from audiocnn.layers import BroadcastedBlock, Conv1d, Scan, TemporalBlock


class Unrolled:
    """What is kept of the stream, under a name for each place."""

    def __init__(self) -> None:
        self.kept: dict[str, Tensor] = {}

    def take(self, place: str, chunk: Tensor, span: int, stride: int = 1) -> Tensor | None:
        """The steps that give outputs now, or None."""
        kept = self.kept.get(place)
        joined = chunk if kept is None else torch.cat((kept, chunk), dim=-1)
        outputs = (joined.shape[-1] - span) // stride + 1
        if outputs < 1:
            self.kept[place] = joined
            return None
        self.kept[place] = joined[..., outputs * stride :]
        return joined

    def conv1d(self, place: str, layer: nn.Conv1d, chunk: Tensor) -> Tensor | None:
        """A convolution along time."""
        size, stride, dilation = layer.kernel_size[0], layer.stride[0], layer.dilation[0]
        x = self.take(place, chunk, (size - 1) * dilation + 1, stride)
        if x is None:
            return None
        return F.conv1d(x, layer.weight, layer.bias, stride, 0, dilation, layer.groups)


def norm(x: Tensor, layer: nn.BatchNorm1d | nn.BatchNorm2d) -> Tensor:
    """Batch norm in evaluation."""
    return F.batch_norm(x, layer.running_mean, layer.running_var, layer.weight, layer.bias)


class UnrolledStack(Unrolled):
    """1-D convolutions, each with a ReLU."""

    def __init__(self, net: Scan) -> None:
        super().__init__()
        self.convs = [layer for layer in net.modules() if isinstance(layer, Conv1d)]

    def step(self, chunk: Tensor) -> Tensor | None:
        """The next chunk."""
        y: Tensor | None = chunk
        for i, conv in enumerate(self.convs):
            y = self.conv1d(f"conv {i}", conv, y)
            if y is None:
                return None
            y = F.relu(y)
        return y


class UnrolledTCResNet(Unrolled):
    """The body of `tc_resnet_8`."""

    def __init__(self, net: Scan) -> None:
        super().__init__()
        self.net = net
        self.blocks = [block for block in net.modules() if isinstance(block, TemporalBlock)]

    def step(self, chunk: Tensor) -> Tensor | None:
        """The next chunk."""
        y = self.conv1d("stem", self.net.conv, chunk.flatten(1, 2))
        if y is not None:
            y = F.relu(norm(y, self.net.norm))
        for i, block in enumerate(self.blocks):
            if y is None:
                return None
            y = self.block(f"block {i}", block, y)
        return y

    def block(self, place: str, block: TemporalBlock, x: Tensor) -> Tensor | None:
        """Two convolutions, and a strided one on the middle of what they see."""
        residual = block.residual
        branch, shortcut = residual.branches
        y = self.conv1d(f"{place} conv 1", branch.conv1, x)
        if y is not None:
            y = self.conv1d(f"{place} conv 2", branch.conv2, F.relu(norm(y, branch.norm1)))
        span, left = residual.time_axis.takes.span, residual.crops[1].time[0]
        middle = self.take(f"{place} shortcut", x, span, shortcut.conv.stride[0])
        if y is None:
            return None
        y = norm(y, branch.norm2)
        middle = F.conv1d(middle[..., left:], shortcut.conv.weight, None, shortcut.conv.stride)
        return F.relu(y + F.relu(norm(middle[..., : y.shape[-1]], shortcut.norm)))


class UnrolledBCResNet(Unrolled):
    """The body of `bc_resnet_1`."""

    def __init__(self, net: Scan) -> None:
        super().__init__()
        self.net = net
        self.blocks = [block for block in net.modules() if isinstance(block, BroadcastedBlock)]

    def step(self, chunk: Tensor) -> Tensor | None:
        """The next chunk."""
        net = self.net
        x = self.take("stem", chunk, 5)
        if x is None:
            return None
        y = F.conv2d(x, net.conv.weight, None, net.conv.stride, net.conv.padding)
        y = F.relu(norm(y, net.norm))
        for i, block in enumerate(self.blocks):
            y = self.block(f"block {i}", block, y)
            if y is None:
                return None
        x = self.take("depthwise", y, 5)
        if x is None:
            return None
        y = F.conv2d(x, net.depthwise.weight, None, 1, 0, 1, net.depthwise.groups)
        y = F.relu(norm(F.conv2d(y, net.pointwise.weight), net.last_norm))
        return y.mean(dim=2)

    def block(self, place: str, block: BroadcastedBlock, x: Tensor) -> Tensor | None:
        """The 2-D path on what comes; the 1-D path, and both sums, on what has been waited for."""
        is_transition = hasattr(block.body, "expand")
        f2 = block.body if is_transition else block.body.branches[0]
        f1 = f2.broadcast.branches[0]
        y = x
        if is_transition:
            y = F.relu(norm(F.conv2d(y, f2.expand.weight), f2.expand_norm))
        y = F.conv2d(y, f2.conv.weight, None, f2.conv.stride, f2.conv.padding, 1, f2.conv.groups)
        batch, channels, rows, time = y.shape
        bands = f2.norm.bands
        y = norm(y.view(batch, channels * bands, rows // bands, time), f2.norm.norm).view(y.shape)
        dilation = f1.conv.dilation[1]
        span = 2 * dilation + 1
        z = self.take(f"{place} f1", y.mean(dim=2, keepdim=True), span)
        y = self.take(f"{place} f2", y, span)
        if not is_transition:
            x = self.take(f"{place} x", x, span)
        if z is None:
            return None
        z = F.conv2d(z, f1.conv.weight, None, 1, 0, (1, dilation), channels)
        z = F.conv2d(F.silu(norm(z, f1.norm)), f1.project.weight)
        z = z + y[..., dilation : y.shape[-1] - dilation]
        return F.relu(z if is_transition else z + x[..., dilation : x.shape[-1] - dilation])
