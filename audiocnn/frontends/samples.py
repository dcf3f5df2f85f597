"""Samples: the waveform itself, for nets that have filters of their own."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from audiocnn.frontends.front_end import Array, FrontEnd, FrontEndConfig, Stage

__all__ = ["Samples", "SamplesConfig"]


@dataclass(frozen=True, kw_only=True)
class SamplesConfig(FrontEndConfig):
    """Every choice that makes a front-end of samples.

    Attributes:
        sample_rate: samples a second; 8000 by default, which nets that read samples were made for.

    Raises:
        ParameterError: for values that cannot work.
    """

    sample_rate: int = 8000


class _OneRow(Stage):
    """Samples as one row of features: `(batch, time)` -> `(batch, 1, 1, time)`."""

    _unit: Tensor

    def __init__(self, sample_rate: int) -> None:
        super().__init__()
        self.sample_rate = sample_rate
        # of no effect, but a module without numbers has no device and no precision
        self.register_buffer("_unit", torch.ones(()), persistent=False)

    @property
    def band_edges_hz(self) -> list[tuple[float, float]]:
        """All that samples can hold."""
        return [(0.0, self.sample_rate / 2)]

    def response(self) -> tuple[Array, Array]:
        """A gain of 1 at every frequency."""
        return np.array([0.0, self.sample_rate / 2]), np.ones((1, 2))

    def forward(self, waveform: Tensor) -> Tensor:
        """Reshape."""
        return waveform[:, None, None]


class Samples(FrontEnd):
    """The samples as they are, one row of them: `(batch, time)` -> `(batch, 1, 1, time)`.

    A frame is a sample. The mean and deviation that a classifier normalises rows by are those of all
    samples of the training recordings, so that the net hears them at one level, whatever that of the corpus.

    >>> front_end = Samples(SamplesConfig())
    >>> front_end(torch.zeros(1, 8000)).shape, front_end.geometry
    (torch.Size([1, 1, 1, 8000]), Geometry(span=1, stride=1))
    """

    def __init__(self, config: SamplesConfig) -> None:
        super().__init__(config, {"frames": _OneRow(config.sample_rate)})
