"""Signals that front-ends are judged on, made by formulas: on every machine the same."""

import numpy as np
import numpy.typing as npt

__all__ = ["LEVELS_DB", "signals"]

LEVELS_DB = (0, -30, -60, -90)


def signals(sample_rate: int, samples: int) -> dict[str, npt.NDArray[np.float32]]:
    """Noise, a tone and a click, each at four levels below full scale, and silence."""
    time = np.arange(samples) / sample_rate
    click = np.zeros(samples)
    click[samples // 2] = 1.0
    full_scale = {"noise": _noise(samples), "tone": np.sin(2 * np.pi * 1000.3 * time), "click": click}
    signals = {
        f"{name} at {level_db} dB": (signal * 10 ** (level_db / 20)).astype(np.float32)
        for name, signal in full_scale.items()
        for level_db in LEVELS_DB
    }
    return signals | {"silence": np.zeros(samples, dtype=np.float32)}


def _noise(samples: int) -> npt.NDArray[np.float64]:
    """White noise, uniform from -1 to 1 (SplitMix64 of Steele et al. 2014)."""
    z = np.arange(1, samples + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z >> np.uint64(11)).astype(np.float64) / 2.0**52 - 1.0
