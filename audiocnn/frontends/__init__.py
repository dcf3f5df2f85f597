"""Front-ends: waveforms in, features out. Each is a scan over samples."""

from audiocnn.frontends.cepstrum import LFCC, MFCC, LFCCConfig, MFCCConfig
from audiocnn.frontends.clip_normalize import ClipNormalize, ClipRange
from audiocnn.frontends.constant_q import ConstantQ, ConstantQConfig
from audiocnn.frontends.deltas import Deltas
from audiocnn.frontends.front_end import FORMS, Form, FrontEnd, FrontEndConfig
from audiocnn.frontends.gammatone import GammatoneSpectrogram, GammatoneSpectrogramConfig
from audiocnn.frontends.kinds import FRONT_ENDS, create_front_end, named_config
from audiocnn.frontends.leaf import LEAF, LEAFConfig
from audiocnn.frontends.learnable_mel import LearnableMel, LearnableMelConfig
from audiocnn.frontends.linear import LinearSpectrogram, LinearSpectrogramConfig
from audiocnn.frontends.mel import LogMel, LogMelConfig, MelSpectrogram, MelSpectrogramConfig
from audiocnn.frontends.pcen import PCEN, PCENConfig, PerChannelEnergyNorm
from audiocnn.frontends.raw_waveform import RawWaveform, RawWaveformConfig
from audiocnn.frontends.samples import Samples, SamplesConfig
from audiocnn.frontends.sinc import SincNet, SincNetConfig
from audiocnn.frontends.sliding_normalize import SlidingNormalize
from audiocnn.frontends.spectrogram import Spectrogram, SpectrogramConfig
from audiocnn.layers.normalize import Normalize  # stands between front-end and net

__all__ = [
    "FORMS",
    "FRONT_ENDS",
    "LEAF",
    "LFCC",
    "MFCC",
    "PCEN",
    "ClipNormalize",
    "ClipRange",
    "ConstantQ",
    "ConstantQConfig",
    "Deltas",
    "Form",
    "FrontEnd",
    "FrontEndConfig",
    "GammatoneSpectrogram",
    "GammatoneSpectrogramConfig",
    "LEAFConfig",
    "LFCCConfig",
    "LearnableMel",
    "LearnableMelConfig",
    "LinearSpectrogram",
    "LinearSpectrogramConfig",
    "LogMel",
    "LogMelConfig",
    "MFCCConfig",
    "MelSpectrogram",
    "MelSpectrogramConfig",
    "Normalize",
    "PCENConfig",
    "PerChannelEnergyNorm",
    "RawWaveform",
    "RawWaveformConfig",
    "Samples",
    "SamplesConfig",
    "SincNet",
    "SincNetConfig",
    "SlidingNormalize",
    "Spectrogram",
    "SpectrogramConfig",
    "create_front_end",
    "named_config",
]
