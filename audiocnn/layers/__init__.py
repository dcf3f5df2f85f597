"""The layer library: every layer is a scan with a span and a stride.

Waveforms are `(batch, time)`, 1-D features `(batch, channel, time)`, spectrograms
and images `(batch, channel, rows, time)`. Time, or the width of an image, is always last.
"""

from audiocnn.layers.conv import Conv1d, Conv2d, Padding
from audiocnn.layers.norm import BatchNorm1d, BatchNorm2d, Dropout2d, ReLU, SiLU, SubSpectralNorm
from audiocnn.layers.pool import FlattenRows, MeanRows, WindowMean, WindowStatistics
from audiocnn.layers.residual import BroadcastedBlock, TemporalBlock
from audiocnn.layers.scan import Crop, Identity, Parallel, Residual, Scan, Sequential, State, Windows
from audiocnn.layers.tdnn import TDNN

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BroadcastedBlock",
    "Conv1d",
    "Conv2d",
    "Crop",
    "Dropout2d",
    "FlattenRows",
    "Identity",
    "MeanRows",
    "Padding",
    "Parallel",
    "ReLU",
    "Residual",
    "Scan",
    "Sequential",
    "SiLU",
    "State",
    "SubSpectralNorm",
    "TDNN",
    "TemporalBlock",
    "WindowMean",
    "WindowStatistics",
    "Windows",
]
