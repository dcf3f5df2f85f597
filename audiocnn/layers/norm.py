"""What acts on every step by itself: normalisation, activation, dropout.

In evaluation each of these is a scan of span 1. (In training, batch norm and
dropout look at the batch and at chance; the laws speak of evaluation.)
"""

from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.layers.scan import Scan

__all__ = ["BatchNorm1d", "BatchNorm2d", "Dropout2d", "ReLU", "SiLU", "SubSpectralNorm"]


class BatchNorm1d(Scan, nn.BatchNorm1d):
    """Batch normalisation of `(batch, channel, time)`: Ioffe & Szegedy 2015, arXiv 1502.03167.

    `y = (x - mean) / sqrt(variance + 1e-5) * weight + bias`, a channel's mean and
    variance being those of the batch in training and moving averages in evaluation.
    """

    row_axis = None


class BatchNorm2d(Scan, nn.BatchNorm2d):
    """Batch normalisation of `(batch, channel, rows, time)`; as `BatchNorm1d`."""


class ReLU(Scan, nn.ReLU):
    """`max(x, 0)`: Nair & Hinton 2010."""


class SiLU(Scan, nn.SiLU):
    """`x * sigmoid(x)`, also called swish: Ramachandran et al. 2017, arXiv 1710.05941."""


class Dropout2d(Scan, nn.Dropout2d):
    """In training, silences whole channels at random: Tompson et al. 2015, arXiv 1411.4280."""


class SubSpectralNorm(Scan):
    """Batch normalisation by itself in each of several bands of frequency.

    Chang et al. 2021, "SubSpectral Normalization for Neural Audio Data Processing",
    ICASSP, with an affine transform for every channel and band ("sub" in the paper).

    Args:
        channels: channels of the input.
        bands: equal parts that the rows are cut into.

    Raises:
        ParameterError: if the rows of the input do not divide into the bands.

    >>> import torch
    >>> SubSpectralNorm(16, bands=5)(torch.zeros(1, 16, 20, 98)).shape
    torch.Size([1, 16, 20, 98])
    """

    def __init__(self, channels: int, *, bands: int) -> None:
        super().__init__()
        self.bands = bands
        self.norm = nn.BatchNorm2d(channels * bands)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise `(batch, channel, rows, time)`, keeping its shape."""
        batch, channels, rows, time = x.shape
        if rows % self.bands:
            below = rows - rows % self.bands
            nearest = " or ".join(str(size) for size in (below, below + self.bands) if size)
            raise ParameterError(
                f"rows={rows} do not divide into {self.bands} bands of frequency; {nearest} do"
            )
        z: Tensor = self.norm(x.reshape(batch, channels * self.bands, rows // self.bands, time))
        return z.view(batch, channels, rows, time)
