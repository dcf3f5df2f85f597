"""Every front-end there is, by name: its config, its class, and how a config travels as plain values."""

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from audiocnn.errors import ParameterError
from audiocnn.frontends.cepstrum import LFCC, MFCC, LFCCConfig, MFCCConfig
from audiocnn.frontends.constant_q import ConstantQ, ConstantQConfig
from audiocnn.frontends.front_end import FrontEnd, FrontEndConfig
from audiocnn.frontends.gammatone import GammatoneSpectrogram, GammatoneSpectrogramConfig
from audiocnn.frontends.leaf import LEAF, LEAFConfig
from audiocnn.frontends.learnable_mel import LearnableMel, LearnableMelConfig
from audiocnn.frontends.linear import LinearSpectrogram, LinearSpectrogramConfig
from audiocnn.frontends.mel import LogMel, LogMelConfig, MelSpectrogram, MelSpectrogramConfig
from audiocnn.frontends.pcen import PCEN, PCENConfig
from audiocnn.frontends.presets import PRESETS
from audiocnn.frontends.raw_waveform import RawWaveform, RawWaveformConfig
from audiocnn.frontends.samples import Samples, SamplesConfig
from audiocnn.frontends.sinc import SincNet, SincNetConfig
from audiocnn.frontends.spectrogram import Spectrogram, SpectrogramConfig

__all__ = [
    "FRONT_ENDS",
    "KINDS",
    "config_as_dict",
    "config_from_dict",
    "create_front_end",
    "kind_of",
    "named_config",
]

# kind -> what configures it, and what it is
KINDS: dict[str, tuple[type[FrontEndConfig], Callable[[Any], FrontEnd]]] = {
    "spectrogram": (SpectrogramConfig, Spectrogram),
    "mel": (MelSpectrogramConfig, MelSpectrogram),
    "logmel": (LogMelConfig, LogMel),
    "linear": (LinearSpectrogramConfig, LinearSpectrogram),
    "gammatone": (GammatoneSpectrogramConfig, GammatoneSpectrogram),
    "mfcc": (MFCCConfig, MFCC),
    "lfcc": (LFCCConfig, LFCC),
    "constant_q": (ConstantQConfig, ConstantQ),
    "pcen": (PCENConfig, PCEN),
    "leaf": (LEAFConfig, LEAF),
    "sincnet": (SincNetConfig, SincNet),
    "learnable_mel": (LearnableMelConfig, LearnableMel),
    "raw_waveform": (RawWaveformConfig, RawWaveform),
    "samples": (SamplesConfig, Samples),
}
FRONT_ENDS: dict[str, FrontEndConfig] = {kind: config() for kind, (config, _) in KINDS.items()} | PRESETS
"""Every name that `create_front_end` takes: the kinds with their defaults, and the presets."""


def create_front_end(config: str | FrontEndConfig) -> FrontEnd:
    """The front-end of a config, or of a name that `named_config` knows.

    >>> create_front_end("logmel").n_freqs
    40
    """
    if isinstance(config, str):
        config = named_config(config)
    return KINDS[kind_of(config)][1](config)


def named_config(name: str) -> FrontEndConfig:
    """The config of a name.

    Args:
        name: of a kind, which has its defaults; of a preset, which gives the features of another system;
            or a `.json` file that holds a config as `config_as_dict` or `audiocnn describe --json` gives it.

    Raises:
        ParameterError: for an unknown name, or a file that holds no config.
    """
    if not name.endswith(".json"):
        if name not in FRONT_ENDS:
            raise ParameterError(
                f"front_end={name!r} is unknown; there are {', '.join(FRONT_ENDS)}, or give a .json file"
            )
        return FRONT_ENDS[name]
    try:
        values = json.loads(Path(name).read_text(encoding="utf-8"))
        if isinstance(values, dict):
            values = values.get("config", values)
        if not isinstance(values, dict):
            raise TypeError("no JSON object")
        return config_from_dict(values)
    except OSError as error:
        raise ParameterError(f"front_end={name} cannot be read: {error.strerror}") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise ParameterError(
            f"front_end={name} holds no front-end ({error}); `audiocnn describe logmel --json` shows one"
        ) from None


def config_as_dict(config: FrontEndConfig) -> dict[str, Any]:
    """The config as plain values for JSON, its kind among them."""
    return {"kind": kind_of(config)} | asdict(config)


def config_from_dict(values: dict[str, Any]) -> FrontEndConfig:
    """The config of which `config_as_dict` made plain values.

    Raises:
        ParameterError: for an unknown kind, or a value that it does not know.

    >>> config_from_dict({"kind": "logmel", "n_mels": 64}) == LogMelConfig(n_mels=64)
    True
    """
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ParameterError(f"kind={kind!r} is no front-end that this audiocnn knows: {', '.join(KINDS)}")
    config = KINDS[kind][0]
    given = {name: value for name, value in values.items() if name != "kind"}
    unknown = sorted(given.keys() - {field.name for field in fields(config)})
    if unknown:
        raise ParameterError(f"{', '.join(unknown)}: a front-end of kind {kind!r} has no such setting")
    return config(**given)


def kind_of(config: FrontEndConfig) -> str:
    """The name of what is made from a config."""
    for kind, (config_class, _) in KINDS.items():
        if type(config) is config_class:
            return kind
    raise ParameterError(f"config is a {type(config).__name__}, which no front-end is made from")
