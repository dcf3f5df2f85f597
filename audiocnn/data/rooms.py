"""Synthetic rooms: the noise in them, their reverberation, and a sound mixed into both.

Waveforms are NumPy arrays `(time,)`, float32. Every draw is made from the generator that is passed
in, so that the same seed gives the same room.
"""

import math

import numpy as np

from audiocnn.errors import ParameterError
from audiocnn.resampling import Samples, check_rate

__all__ = ["colored_noise", "mix", "reverberate", "room_noise", "room_response"]

_LOWEST_HZ = 20.0  # a microphone passes nothing below
_DB_PER_OCTAVE = 20 * math.log10(2)  # of an amplitude proportional to frequency


def colored_noise(
    length: int, *, slope_db_per_octave: float, sample_rate: int, generator: np.random.Generator
) -> Samples:
    """Gaussian noise whose power spectrum is a straight line over the octaves.

    Each component of the spectrum is drawn as a complex normal number and weighted: Timmer & König
    1995, "On generating power law noise", Astronomy and Astrophysics 300. Nothing is below 20 Hz.

    Args:
        length: in samples.
        slope_db_per_octave: 0 is white, -3 pink, -6 brown, as of a fan or distant traffic.
        sample_rate: in Hz.
        generator: draws the noise.

    Returns:
        The noise `(length,)`, of root mean square 1.

    Raises:
        ParameterError: if so few samples at that rate hold no frequency above 20 Hz.

    >>> noise = colored_noise(
    ...     16000, slope_db_per_octave=-3, sample_rate=16000, generator=np.random.default_rng(0)
    ... )
    >>> noise.shape, float(np.sqrt(np.mean(noise**2)).round(4))
    ((16000,), 1.0)
    """
    hertz = np.fft.rfftfreq(max(length, 1), 1 / check_rate("sample_rate", sample_rate))
    heard = hertz >= _LOWEST_HZ
    if not heard.any():
        raise ParameterError(
            f"length={length} samples at {sample_rate} Hz hold no frequency above {_LOWEST_HZ:g} Hz; "
            "16000 at 16000 Hz are 1 s"
        )
    drawn = generator.standard_normal((2, len(hertz)), dtype=np.float32)
    weights = np.zeros(len(hertz), np.float32)
    weights[heard] = (hertz[heard] / _LOWEST_HZ) ** (slope_db_per_octave / _DB_PER_OCTAVE)
    spectrum = (drawn[0] + 1j * drawn[1]) * weights
    return _unit(np.fft.irfft(spectrum, length).astype(np.float32))


def room_noise(length: int, *, sample_rate: int, generator: np.random.Generator) -> Samples:
    """What a microphone hears in a room where nobody speaks.

    Coloured noise whose slope is drawn from -8 to -1 dB an octave, the hum of the mains, a level that swells
    and ebbs over seconds, and now and then a knock: a burst of noise that dies away within 0.1 s.

    Args:
        length: in samples.
        sample_rate: in Hz.
        generator: draws all of it.

    Returns:
        The noise `(length,)`, of root mean square 1.

    Raises:
        ParameterError: as `colored_noise` does.

    >>> room_noise(16000, sample_rate=16000, generator=np.random.default_rng(0)).shape
    (16000,)
    """
    noise = colored_noise(
        length,
        slope_db_per_octave=generator.uniform(-8, -1),
        sample_rate=sample_rate,
        generator=generator,
    )
    seconds = np.arange(length, dtype=np.float32) / np.float32(sample_rate)
    mains_hz = 50 if generator.random() < 0.5 else 60
    hum_gain = _gain(generator.uniform(-30, -3))
    for k in range(1, 6):
        overtone = _sine(seconds, mains_hz * k, generator)
        overtone *= hum_gain * generator.random() / k
        noise += overtone
    for _ in range(generator.poisson(0.3 * length / sample_rate)):
        start = generator.integers(length)
        knock = generator.standard_normal(length - start, dtype=np.float32)
        knock *= np.exp(-seconds[: length - start] / np.float32(generator.uniform(0.005, 0.03)))
        knock *= _gain(generator.uniform(0, 12))
        noise[start:] += knock
    for period in generator.uniform(1, 10, 3):
        swell_db = _sine(seconds, 1 / period, generator)
        swell_db *= generator.uniform(0, 2)
        noise *= np.power(np.float32(10), swell_db / np.float32(20))
    return _unit(noise)


def room_response(
    *,
    rt60_seconds: float,
    direct_to_reverberant_db: float,
    sample_rate: int,
    generator: np.random.Generator,
) -> Samples:
    """What a room makes of a click: the click itself, then noise that dies away.

        1 |
          |..
          |......
          |..............
          +----------------> time
          0            rt60

    That is the statistical model of a room: Polack 1993, "Playing billiards in the concert hall",
    Applied Acoustics 38. Here all frequencies die away alike, and the noise begins with the next sample.

    Args:
        rt60_seconds: in which the reverberation dies away by 60 dB, where it is cut off. A
            furnished room has 0.3 to 0.6 s.
        direct_to_reverberant_db: energy of the click over that of all the rest; the farther the
            microphone, the less.
        sample_rate: in Hz.
        generator: draws the noise.

    Returns:
        The response `(rt60_seconds * sample_rate + 1,)`, rounded; it begins with 1.

    Raises:
        ParameterError: if rt60_seconds does not last a sample, or the rate is not positive.

    >>> response = room_response(
    ...     rt60_seconds=0.25,
    ...     direct_to_reverberant_db=6,
    ...     sample_rate=16000,
    ...     generator=np.random.default_rng(0),
    ... )
    >>> response.shape, float(response[0])
    ((4001,), 1.0)
    """
    length = round(rt60_seconds * check_rate("sample_rate", sample_rate))
    if length < 1:
        raise ParameterError(
            f"rt60_seconds={rt60_seconds} must last at least a sample; 0.3 is a furnished room"
        )
    tail = generator.standard_normal(length, dtype=np.float32)
    tail *= np.logspace(0, -3, length, dtype=np.float32)  # 60 dB
    tail *= _gain(-direct_to_reverberant_db) / np.linalg.norm(tail)
    return np.concatenate([np.ones(1, np.float32), tail])


def reverberate(waveform: Samples, response: Samples) -> Samples:
    """A sound as it is heard in a room: its convolution with the room's response.

    Args:
        waveform: `(time,)`.
        response: `(taps,)`, as `room_response` makes it.

    Returns:
        The sound with its reverberation, `(time + taps - 1,)`.

    Raises:
        ParameterError: if either is empty.

    >>> reverberate(np.array([1, 2], np.float32), np.array([1, 0, 0.5], np.float32)).round(4).tolist()
    [1.0, 2.0, 0.5, 1.0]
    """
    if not len(waveform) or not len(response):
        raise ParameterError(
            f"waveform has {len(waveform)} samples, response {len(response)}; give at least one of each"
        )
    length = len(waveform) + len(response) - 1
    size = 1 << (length - 1).bit_length()  # a power of 2 transforms fastest
    spectrum = np.fft.rfft(waveform, size) * np.fft.rfft(response, size)
    return np.fft.irfft(spectrum, size)[:length].astype(np.float32)


def mix(signal: Samples, noise: Samples, *, snr_db: float, start: int = 0) -> Samples:
    """Lay a sound into noise, which is made as loud as the signal-to-noise ratio asks.

    The ratio is that of mean powers: the signal's over its own length, and the noise's over its own.

    Args:
        signal: `(time,)`, not longer than the noise.
        noise: `(length,)`.
        snr_db: signal over noise; at 0 they are equally loud.
        start: the sample of the noise at which the signal begins.

    Returns:
        The mixture `(length,)`; the signal is in it as it was.

    Raises:
        ParameterError: if the signal does not fit into the noise, or either is silent.

    >>> mix(np.array([2, -2], np.float32), np.ones(4, np.float32), snr_db=20, start=1).round(4)
    array([ 0.2,  2.2, -1.8,  0.2], dtype=float32)
    """
    if not 0 <= start <= len(noise) - len(signal):
        raise ParameterError(
            f"a signal of {len(signal)} samples from start={start} on does not fit into noise of "
            f"{len(noise)}; shorten the signal or make more noise"
        )
    signal_level, noise_level = _level(signal), _level(noise)
    if not signal_level or not noise_level:
        silent = "noise" if signal_level else "signal"
        raise ParameterError(f"the {silent} is silent, so that no snr_db can be met; leave mix out")
    mixed = noise.copy()
    mixed *= signal_level / noise_level * _gain(-snr_db)
    mixed[start : start + len(signal)] += signal
    return mixed


def _gain(decibels: float) -> float:
    """Decibels as a factor of amplitude."""
    return float(10 ** (decibels / 20))


def _level(samples: Samples) -> float:
    """Root mean square; 0 of no samples."""
    return float(np.linalg.norm(samples)) / math.sqrt(max(1, len(samples)))


def _unit(samples: Samples) -> Samples:
    """Scale samples, in place, to a root mean square of 1."""
    samples *= 1 / _level(samples)
    return samples


def _sine(seconds: Samples, hertz: float, generator: np.random.Generator) -> Samples:
    """A tone of amplitude 1 that begins anywhere in its period."""
    phase = 2 * np.pi * generator.random()
    tone: Samples = np.sin(np.float32(2 * np.pi * hertz) * seconds + np.float32(phase))
    return tone
