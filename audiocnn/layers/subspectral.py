"""Batch normalisation of each band of frequency by itself."""

from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.geometry import Axis, Geometry
from audiocnn.layers.conv import require_positive
from audiocnn.layers.norm import BatchNorm2d
from audiocnn.layers.scan import Scan

__all__ = ["SubSpectralNorm"]


class SubSpectralNorm(Scan):
    """Batch normalisation by itself in each of several bands of frequency.

    Chang et al. 2021, "SubSpectral Normalization for Neural Audio Data Processing",
    ICASSP, with an affine transform for every channel and band ("sub" in the paper).
    `(batch, channel, rows, time)`, the shape kept:

        rows 0 1 2 3 | 4 5 6 7 | 8 9 10 11       3 bands of 4 rows: every channel has
             mean 0  | mean 1  | mean 2          3 means, deviations, weights and biases

    That is `BatchNorm2d` of the same numbers, seen as `(batch, channel * bands, rows / bands, time)`.

    Args:
        channels: channels of the input.
        bands: equal parts that the rows are cut into.

    Raises:
        ParameterError: for channels or bands that are not positive, an input of other channels, or
            rows that do not divide into the bands.

    >>> import torch
    >>> SubSpectralNorm(16, bands=5)(torch.zeros(1, 16, 20, 98)).shape
    torch.Size([1, 16, 20, 98])
    """

    # each row as many as before, but what is done to it depends on the band it lies in
    row_axis = Axis(takes=Geometry(), sees=Geometry())

    def __init__(self, channels: int, *, bands: int) -> None:
        super().__init__()
        require_positive("channels", channels)
        require_positive("bands", bands)
        self.channels, self.bands = channels, bands
        self.norm = BatchNorm2d(channels * bands)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise."""
        if x.dim() != 4 or x.shape[1] != self.channels:
            raise ParameterError(
                f"{type(self).__name__} with channels={self.channels} takes "
                f"(batch, {self.channels}, rows, time), not {tuple(x.shape)}"
            )
        batch, channels, rows, time = x.shape
        if rows % self.bands:
            below = rows - rows % self.bands
            nearest = " or ".join(str(size) for size in (below, below + self.bands) if size)
            raise ParameterError(
                f"rows={rows} do not divide into {self.bands} bands of frequency; {nearest} do"
            )
        bands = x.reshape(batch, channels * self.bands, rows // self.bands, time)
        y: Tensor = self.norm(bands)
        return y.view(batch, channels, rows, time)

    def extra_repr(self) -> str:
        """Channels and bands."""
        return f"{self.channels}, bands={self.bands}"
