"""Front-ends: waveforms in, features out. Each is a scan over samples."""

from audiocnn.frontends.mel import LogMel, LogMelConfig
from audiocnn.layers.normalize import Normalize  # stands between front-end and net

__all__ = ["LogMel", "LogMelConfig", "Normalize"]
