"""Gabor filters: a complex wave under a Gaussian, the sharpest in time and frequency at once."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from audiocnn.frontends.learnable_filterbank import Filters
from audiocnn.frontends.mel import mel_corners

__all__ = ["GaborFilters"]

_HALF = math.sqrt(2.0 * math.log(2.0))  # a Gaussian falls to a half at this many deviations


class GaborFilters(Filters):
    """Complex filters `exp(-t^2 / (2 sigma^2)) * exp(i mu t) / (sqrt(2 pi) sigma)`, two numbers each.

    `t` counts samples from the middle. The response is a Gaussian too, of height 1: its centre is `mu`, in
    radians per sample, and it is `2 sqrt(2 ln 2) / sigma` wide where its amplitude is a half. `mu` is held
    from 0 to pi, and `sigma` so that this width is a quarter of the circle at most and `1 / kernel_size` of
    it at least: outside, a parameter acts as its bound.

    They begin where mel filters are: each as wide, where its amplitude is a half, as a triangle on the
    mel scale of HTK where the square root of it is. Zeghidour et al. 2021, "LEAF: A Learnable
    Frontend for Audio Classification", arXiv 2101.08596; the bounds are from Zeghidour et al. 2018, "Learning
    Filterbanks from Raw Speech for Phone Recognition", arXiv 1711.01161. Their code counts the bins of an
    FFT in each triangle to find centre and width; here both are exact.

    Args:
        n_filters: filters.
        kernel_size: samples.
        sample_rate: samples a second.
        f_min: where the lowest triangle begins, in Hz.
        f_max: where the highest triangle ends, in Hz.
    """

    time: Tensor

    def __init__(
        self, n_filters: int, kernel_size: int, *, sample_rate: int, f_min: float, f_max: float
    ) -> None:
        super().__init__()
        self.sample_rate = sample_rate
        corners_hz = mel_corners(n_mels=n_filters, f_min=f_min, f_max=f_max, mel_scale="htk")
        # the root of a triangle is a half where the triangle is a quarter
        widths_hz = 0.75 * (corners_hz[2:] - corners_hz[:-2])
        per_hz = 2.0 * np.pi / sample_rate
        self.mu = nn.Parameter(torch.tensor(corners_hz[1:-1] * per_hz).float())
        self.sigma = nn.Parameter(torch.tensor(2.0 * _HALF / (widths_hz * per_hz)).float())
        time = torch.arange(kernel_size) - (kernel_size - 1) / 2
        self.register_buffer("time", time, persistent=False)

    def forward(self) -> Tensor:
        """Real and imaginary parts, `(n_filters, 2, kernel_size)`."""
        mu, sigma = (values[:, None] for values in self._held())
        envelope = (-0.5 * (self.time / sigma).square()).exp() / (math.sqrt(2.0 * math.pi) * sigma)
        phase = mu * self.time
        return torch.stack((envelope * phase.cos(), envelope * phase.sin()), dim=1)

    def _held(self) -> tuple[Tensor, Tensor]:
        """Centres and widths within their bounds."""
        # 2 pi / 4, and 2 pi / kernel_size
        narrowest, widest = 4.0 * _HALF / math.pi, len(self.time) * _HALF / math.pi
        return self.mu.clamp(0.0, math.pi), self.sigma.clamp(narrowest, widest)

    def band_edges_hz(self) -> list[tuple[float, float]]:
        """Where a filter lets half the power of its centre through, within 0 Hz to half the rate."""
        hz = self.sample_rate / (2.0 * math.pi)
        mu, sigma = (values.detach().double() for values in self._held())
        reach = math.sqrt(math.log(2.0)) / sigma
        low, high = (((mu + sign * reach) * hz).clamp(0.0, self.sample_rate / 2) for sign in (-1.0, 1.0))
        return list(zip(low.tolist(), high.tolist(), strict=True))
