"""Cepstra: cosine transforms of log spectra, whose first few numbers hold the shape of the spectrum."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from audiocnn.errors import ParameterError
from audiocnn.frontends.front_end import Array, FrontEnd
from audiocnn.frontends.linear import LinearSpectrogramConfig
from audiocnn.frontends.mel import LogMelConfig
from audiocnn.frontends.spectrogram import FrameFeatures

__all__ = ["LFCC", "MFCC", "DCTNorm", "LFCCConfig", "MFCCConfig", "cosine_basis"]

DCTNorm: TypeAlias = Literal["ortho", "htk"] | None


def cosine_basis(n_coefficients: int, n_bands: int, *, dct_norm: DCTNorm, lifter: float) -> Array:
    """What bands are multiplied by to give cepstral coefficients: `(n_coefficients, n_bands)`.

    The discrete cosine transform of type II: coefficient k is the sum over the bands j of
    `cos(pi k (j + 1/2) / n_bands)`, times its norm, times its lifter `1 + L / 2 * sin(pi k / L)`.

    >>> basis = cosine_basis(3, 40, dct_norm="ortho", lifter=0)
    >>> bool(np.allclose(basis @ basis.T, np.eye(3)))
    True
    """
    k = np.arange(n_coefficients)[:, None]
    basis = np.cos(np.pi * k * (np.arange(n_bands) + 0.5) / n_bands)
    if dct_norm is None:
        basis *= 2.0
    else:
        basis *= math.sqrt(2.0 / n_bands)
        if dct_norm == "ortho":
            basis[0] *= math.sqrt(0.5)
    return basis if lifter == 0.0 else basis * (1.0 + 0.5 * lifter * np.sin(np.pi * k / lifter))


@dataclass(frozen=True, kw_only=True)
class MFCCConfig(LogMelConfig):
    """Every choice that makes mel-frequency cepstral coefficients; see `LogMelConfig` for the others.

    Attributes:
        n_mfcc: coefficients, the zeroth among them, at most `n_mels`.
        dct_norm: `"ortho"`, as librosa, torchaudio and Kaldi have it; `"htk"`, that of HTK and
            TensorFlow, `sqrt(2 / n_mels)` for all rows, which makes the zeroth `sqrt(2)` times as large; None
            for twice the plain sum, as `scipy.fft.dct` and torchaudio's `norm=None`.
        lifter: `L` in the weights `1 + L / 2 * sin(pi k / L)` of coefficient k; 0 for none; 22 is Kaldi's
            and HTK's. (librosa has `k + 1` there.)

    Raises:
        ParameterError: for values that cannot work.
    """

    n_mfcc: int = 13
    dct_norm: DCTNorm = "ortho"
    lifter: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_cepstrum(self, n_coefficients="n_mfcc", n_bands="n_mels")

    def cepstral_basis(self) -> Array:
        """The liftered cosines, `(n_mfcc, n_mels)`."""
        return cosine_basis(self.n_mfcc, self.n_mels, dct_norm=self.dct_norm, lifter=self.lifter)

    def band_edges_hz(self) -> list[tuple[float, float]]:
        """`f_min` to `f_max` for all: each coefficient hears the whole band."""
        return [(self.f_min, self.f_max)] * self.n_mfcc


class MFCC(FrontEnd):
    """Mel-frequency cepstral coefficients: `(batch, time)` -> `(batch, 1, n_mfcc, frames)`.

    A cosine transform of the log-mel spectrum, of which the first coefficients are kept: they describe the
    envelope of the spectrum, which the vocal tract makes, and leave its fine structure, which pitch makes.
    Deltas, and a mean removed by a sliding window, are of `FrontEndConfig`.

    Davis & Mermelstein 1980, "Comparison of Parametric Representations for Monosyllabic Word
    Recognition". Where we deviate: no energy replaces the zeroth coefficient. Of librosa's and torchaudio's
    scale is `scale="db", floor=1e-10, floor_rule="clamp"`; their `top_db` depends on the whole clip and is
    left out.

    >>> import torch
    >>> front_end = MFCC(MFCCConfig(n_mfcc=20))
    >>> front_end(torch.zeros(1, 16000)).shape, front_end.geometry
    (torch.Size([1, 1, 20, 98]), Geometry(span=480, stride=160))
    """

    def __init__(self, config: MFCCConfig) -> None:
        super().__init__(config, {"frames": FrameFeatures(config)})


@dataclass(frozen=True, kw_only=True)
class LFCCConfig(LinearSpectrogramConfig):
    """Every choice that makes linear-frequency cepstral coefficients; see `LinearSpectrogramConfig`.

    Attributes:
        n_lfcc: coefficients, the zeroth among them, at most `n_bands`.
        dct_norm: `"ortho"`, `"htk"` or None; see `MFCCConfig`.
        lifter: `L` in the weights `1 + L / 2 * sin(pi k / L)` of coefficient k; 0 for none.

    Raises:
        ParameterError: for values that cannot work.
    """

    n_lfcc: int = 20
    dct_norm: DCTNorm = "ortho"
    lifter: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_cepstrum(self, n_coefficients="n_lfcc", n_bands="n_bands")

    def cepstral_basis(self) -> Array:
        """The liftered cosines, `(n_lfcc, n_bands)`."""
        return cosine_basis(self.n_lfcc, self.n_bands, dct_norm=self.dct_norm, lifter=self.lifter)

    def band_edges_hz(self) -> list[tuple[float, float]]:
        """`f_min` to `f_max` for all: each coefficient hears the whole band."""
        return [(self.f_min, self.f_max)] * self.n_lfcc


class LFCC(FrontEnd):
    """Linear-frequency cepstral coefficients: `(batch, time)` -> `(batch, 1, n_lfcc, frames)`.

    The cepstrum of `LinearSpectrogram`: what `MFCC` is, of bands evenly spaced in Hz. Common where voices
    are told from synthetic ones, which give themselves away at high frequencies.

    Zhou et al. 2011, "Linear versus Mel Frequency Cepstral Coefficients for Speaker Recognition". Where
    we deviate from `torchaudio.transforms.LFCC`: it takes decibels, `scale="db", floor=1e-10,
    floor_rule="clamp"` here, with a `top_db` that depends on the whole clip and is left out.

    >>> import torch
    >>> LFCC(LFCCConfig(n_lfcc=20))(torch.zeros(1, 16000)).shape
    torch.Size([1, 1, 20, 98])
    """

    def __init__(self, config: LFCCConfig) -> None:
        super().__init__(config, {"frames": FrameFeatures(config)})


def _require_cepstrum(config: MFCCConfig | LFCCConfig, *, n_coefficients: str, n_bands: str) -> None:
    """Check what all cepstra have; the counts go by the names of their attributes."""
    config._require_positive(n_coefficients)
    wanted, bands = getattr(config, n_coefficients), getattr(config, n_bands)
    if wanted > bands:
        raise ParameterError(
            f"{n_coefficients}={wanted} must be at most {n_bands}={bands}, the bands that they are made of"
        )
    config._require_choice("dct_norm", ("ortho", "htk", None))
    if not 0.0 <= config.lifter < math.inf:
        raise ParameterError(f"lifter={config.lifter!r} must be 0, for none, or positive; 22 is Kaldi's")
    if config.scale == "linear":
        raise ParameterError(
            "scale='linear' must be 'log', 'log10' or 'db': a cepstrum is made of logarithms"
        )
