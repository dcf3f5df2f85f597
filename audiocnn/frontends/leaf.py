"""LEAF: a filterbank that is learnt from its filters to its compression."""

from dataclasses import dataclass

from audiocnn.frontends.front_end import FrontEnd
from audiocnn.frontends.gabor import GaborFilters
from audiocnn.frontends.learnable_filterbank import LearnableFilterbankConfig, learnable_stages

__all__ = ["LEAF", "LEAFConfig"]


@dataclass(frozen=True, kw_only=True)
class LEAFConfig(LearnableFilterbankConfig):
    """Every choice that makes a LEAF: those of `LearnableFilterbankConfig`.

    The filters begin as mel filters from `f_min` to `f_max`.
    """


class LEAF(FrontEnd):
    """LEAF, a learnable front-end: `(batch, time)` -> `(batch, 1, n_filters, frames)`.

        samples ── Gabor filters ── |.|^2 ── Gaussian low-pass ── PCEN
                   mu, sigma                 deviation            gain, bias, root, smoothing

    All that stands in the second line is learnt, one number for each filter: 280 for 40 filters. It begins as
    mel filters, see `GaborFilters`, `GaussianLowPass` and `PerChannelEnergyNorm`.

    Zeghidour, Teboul, de Chaumont Quitry & Tagliasacchi 2021, "LEAF: A Learnable Frontend for Audio
    Classification", arXiv 2101.08596. Where theirs pads both convolutions with zeros, ours does not, and so
    has fewer frames; where their smoother has no end, ours has `smoother_frames`. That makes it a scan.

    >>> import torch
    >>> front_end = LEAF(LEAFConfig())
    >>> front_end(torch.zeros(1, 16000)).shape, front_end.geometry
    (torch.Size([1, 1, 40, 32]), Geometry(span=10881, stride=160))
    >>> sum(parameter.numel() for parameter in front_end.parameters())
    280
    """

    def __init__(self, config: LEAFConfig) -> None:
        filters = GaborFilters(
            config.n_filters,
            config.kernel_size,
            sample_rate=config.sample_rate,
            f_min=config.f_min,
            f_max=config.f_max,
        )
        super().__init__(config, learnable_stages(filters, config))
