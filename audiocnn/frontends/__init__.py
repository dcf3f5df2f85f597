"""Front-ends: waveforms in, features out. Each is a scan over samples."""

from audiocnn.frontends.mel import LogMel, LogMelConfig
from audiocnn.frontends.normalize import Normalize

__all__ = ["LogMel", "LogMelConfig", "Normalize"]
