"""Spectrograms in bands evenly spaced in Hz, which resolve high frequencies as well as low ones."""

from dataclasses import dataclass

import numpy as np

from audiocnn.frontends.front_end import Array, FrontEnd
from audiocnn.frontends.scale import Scale
from audiocnn.frontends.spectrogram import FrameFeatures, SpectrogramConfig
from audiocnn.frontends.triangles import require_no_empty, triangular_filters

__all__ = ["LinearSpectrogram", "LinearSpectrogramConfig"]


@dataclass(frozen=True, kw_only=True)
class LinearSpectrogramConfig(SpectrogramConfig):
    """Every choice that makes a spectrogram of even bands; see `SpectrogramConfig` for the others.

    The natural logarithm is taken, as nets are usually given it; `scale="linear"` leaves the power.

    Attributes:
        n_bands: bands.
        f_min: lower edge of the lowest band, in Hz.
        f_max: upper edge of the highest band, in Hz.

    Raises:
        ParameterError: for values that cannot work, such as more bands than the bins can fill.
    """

    n_bands: int = 40
    f_min: float = 0.0
    f_max: float = 8000.0
    scale: Scale = "log"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_positive("n_bands")
        self._require_band()

    def filterbank(self) -> Array:
        """The triangles, `(n_bands, n_fft // 2 + 1)`."""
        corners = self._corners_hz()
        bank = triangular_filters(np.fft.rfftfreq(self.n_fft, 1.0 / self.sample_rate), corners)
        require_no_empty(bank, corners, name="n_bands", sample_rate=self.sample_rate, n_fft=self.n_fft)
        return bank

    def band_edges_hz(self) -> list[tuple[float, float]]:
        """Where each triangle begins and ends."""
        corners = self._corners_hz().tolist()
        return list(zip(corners, corners[2:], strict=False))

    def _corners_hz(self) -> Array:
        return np.linspace(self.f_min, self.f_max, self.n_bands + 2)


class LinearSpectrogram(FrontEnd):
    """Spectrogram of bands evenly spaced in Hz: `(batch, time)` -> `(batch, 1, n_bands, frames)`.

    The power spectrum of each frame, as in `Spectrogram`, is summed under triangles whose peaks are 1 and
    `(f_max - f_min) / (n_bands + 1)` Hz apart; then the config's scale is applied, by default
    `ln(power + floor)`. Mel bands grow wider with frequency; these do not, and so keep the fine structure of
    hiss, of fricatives and of what gives synthetic speech away.

    Zhou et al. 2011, "Linear versus Mel Frequency Cepstral Coefficients for Speaker Recognition". The
    filters are those of `torchaudio.functional.linear_fbanks`.

    >>> import torch
    >>> front_end = LinearSpectrogram(LinearSpectrogramConfig(n_bands=60))
    >>> front_end(torch.zeros(1, 16000)).shape
    torch.Size([1, 1, 60, 98])
    >>> [round(hz) for hz in front_end.band_edges_hz[1]]
    [131, 393]
    """

    def __init__(self, config: LinearSpectrogramConfig) -> None:
        super().__init__(config, {"frames": FrameFeatures(config)})
