"""Learnable mel: a mel spectrogram of which training may change every filter."""

from dataclasses import dataclass

from torch import Tensor, nn

from audiocnn.frontends.filter_response import half_power_bands
from audiocnn.frontends.front_end import FrontEnd
from audiocnn.frontends.mel import LogMelConfig
from audiocnn.frontends.spectrogram import FrameFeatures

__all__ = ["LearnableMel", "LearnableMelConfig"]


@dataclass(frozen=True, kw_only=True)
class LearnableMelConfig(LogMelConfig):
    """What the filters begin as, and all else of a log-mel spectrogram; see `MelSpectrogramConfig`."""


class _LearnableFilters(FrameFeatures):
    """`FrameFeatures` whose filters are a parameter: each may come to weigh any bin."""

    filters: Tensor

    def __init__(self, config: LearnableMelConfig) -> None:
        super().__init__(config)
        triangles = self.filters
        del self.filters
        self.filters = nn.Parameter(triangles)
        self._sparse_filters = None

    @property
    def band_edges_hz(self) -> list[tuple[float, float]]:
        """Where each filter, as it is now, weighs power by at least half its largest weight."""
        response = self.response()
        assert response is not None
        return half_power_bands(*response)

    def _scaled(self, bands: Tensor) -> Tensor:
        return super()._scaled(bands.clamp(min=0.0))


class LearnableMel(FrontEnd):
    """Log-mel spectrogram with learnt filters: `(batch, time)` -> `(batch, 1, n_mels, frames)`.

    As `LogMel`, which it is before training, but each of its `n_mels` filters is a weight for every bin of
    the spectrum, and learnt: a filter may move, grow further bumps, or vanish. Weights may also become
    negative; where the power of a band so falls below 0, it counts as silence.

    Sainath, Kingsbury, Mohamed & Ramabhadran 2013, "Learning Filter Banks Within a Deep Neural Network
    Framework", learn the logarithms of the weights, which keeps them positive, and zeros where they are.
    Ours are learnt as they are.

    >>> import torch
    >>> front_end = LearnableMel(LearnableMelConfig())
    >>> front_end(torch.zeros(1, 16000)).shape, sum(p.numel() for p in front_end.parameters())
    (torch.Size([1, 1, 40, 98]), 10280)
    """

    def __init__(self, config: LearnableMelConfig) -> None:
        super().__init__(config, {"frames": _LearnableFilters(config)})
