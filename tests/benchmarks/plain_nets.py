"""Two of our nets as one would write them with stock torch layers, for `train_throughput.py`.

Their layers are in the order of ours, so that the weights can be copied over one by one.
"""

import torch.nn.functional as F
from torch import Tensor, nn


class TemporalBlock(nn.Module):
    """The block of TC-ResNet without padding: the shortcut is cropped."""

    def __init__(self, before: int, channels: int, kernel: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(before, channels, kernel, stride=2, bias=False)
        self.norm1 = nn.BatchNorm1d(channels)
        self.conv2 = nn.Conv1d(channels, channels, kernel, bias=False)
        self.norm2 = nn.BatchNorm1d(channels)
        self.shortcut = nn.Conv1d(before, channels, 1, stride=2, bias=False)
        self.shortcut_norm = nn.BatchNorm1d(channels)
        self.crop = (kernel - 1 + (kernel - 1) * 2) // 2

    def forward(self, x: Tensor) -> Tensor:
        """`(batch, before, time)` -> `(batch, channels, time')`."""
        y = F.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        shortcut = F.relu(self.shortcut_norm(self.shortcut(x[..., self.crop :])))
        return F.relu(y + shortcut[..., : y.shape[-1]])


class TCResNet8(nn.Module):
    """`tc_resnet_8` with padding "valid"."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(40, 21, 3, bias=False)
        self.norm = nn.BatchNorm1d(21)
        widths = (21, 32, 43, 64)
        self.blocks = nn.Sequential(
            *(
                TemporalBlock(before, channels, 5)
                for before, channels in zip(widths, widths[1:], strict=False)
            )
        )
        self.logits = nn.Conv1d(64, num_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Features `(batch, 1, 40, time)` -> logits `(batch, num_classes)`."""
        y = self.blocks(F.relu(self.norm(self.conv(x.squeeze(1)))))
        return self.logits(y.mean(dim=-1, keepdim=True)).squeeze(-1)


class SubSpectralNorm(nn.Module):
    """Batch norm of five bands of frequency."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels * 5)

    def forward(self, x: Tensor) -> Tensor:
        """Keeps the shape `(batch, channels, rows, time)`."""
        batch, channels, rows, time = x.shape
        return self.norm(x.view(batch, channels * 5, rows // 5, time)).view(x.shape)


class BroadcastedBlock(nn.Module):
    """The block of BC-ResNet without padding in time."""

    def __init__(self, before: int, channels: int, row_stride: int, dilation: int) -> None:
        super().__init__()
        self.transition = before != channels
        if self.transition:
            self.expand = nn.Conv2d(before, channels, 1, bias=False)
            self.expand_norm = nn.BatchNorm2d(channels)
        self.conv = nn.Conv2d(
            channels, channels, (3, 1), stride=(row_stride, 1), padding=(1, 0), groups=channels, bias=False
        )
        self.norm = SubSpectralNorm(channels)
        self.time_conv = nn.Conv2d(
            channels, channels, (1, 3), dilation=(1, dilation), groups=channels, bias=False
        )
        self.time_norm = nn.BatchNorm2d(channels)
        self.project = nn.Conv2d(channels, channels, 1, bias=False)
        self.dropout = nn.Dropout2d(0.1)
        self.dilation = dilation

    def forward(self, x: Tensor) -> Tensor:
        """`(batch, before, rows, time)` -> `(batch, channels, rows', time')`."""
        y = F.relu(self.expand_norm(self.expand(x))) if self.transition else x
        y = self.norm(self.conv(y))
        z = F.silu(self.time_norm(self.time_conv(y.mean(dim=2, keepdim=True))))
        z = self.dropout(self.project(z)) + y[..., self.dilation : -self.dilation]
        return F.relu(z if self.transition else z + x[..., self.dilation : -self.dilation])


class BCResNet1(nn.Module):
    """`bc_resnet_1` with padding "valid"."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 5, stride=(2, 1), padding=(2, 0), bias=False)
        self.norm = nn.BatchNorm2d(16)
        blocks, before = [], 16
        for stage, (count, channels, row_stride) in enumerate(
            ((2, 8, 1), (2, 12, 2), (4, 16, 2), (4, 20, 1))
        ):
            for i in range(count):
                blocks.append(BroadcastedBlock(before, channels, row_stride if i == 0 else 1, 2**stage))
                before = channels
        self.blocks = nn.Sequential(*blocks)
        self.depthwise = nn.Conv2d(20, 20, 5, groups=20, bias=False)
        self.pointwise = nn.Conv2d(20, 32, 1, bias=False)
        self.last_norm = nn.BatchNorm2d(32)
        self.logits = nn.Conv1d(32, num_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Features `(batch, 1, 40, time)` -> logits `(batch, num_classes)`."""
        y = self.blocks(F.relu(self.norm(self.conv(x))))
        y = F.relu(self.last_norm(self.pointwise(self.depthwise(y))))
        return self.logits(y.mean(dim=(2, 3))[..., None]).squeeze(-1)


PLAIN_NETS: dict[str, type[nn.Module]] = {"tc_resnet_8": TCResNet8, "bc_resnet_1": BCResNet1}
