"""Changes to training waveforms: loudness, colour, background noise, speed."""

import math
from functools import cache

import torch
import torch.nn.functional as F
from scipy.fft import next_fast_len
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.frontends.mel import hz_to_mel

__all__ = ["change_speed", "mix_noise", "random_equalizer", "random_gain"]

# zero crossings of the interpolating sinc on each side: more cut closer to the new band's edge
_ZEROS = 8
_ROLLOFF = 0.95

EQUALIZER_POINTS = 6
EQUALIZER_SMEAR_SECONDS = 0.05
LEAST_CORNER_HZ = 1000.0


def random_gain(
    waveforms: Tensor, *, min_gain_db: float, max_gain_db: float, generator: torch.Generator
) -> Tensor:
    """Make each clip louder or softer by a gain drawn evenly in decibels.

    Args:
        waveforms: the batch `(batch, time)`.
        min_gain_db: the least gain; negative is softer. -6 halves the amplitude.
        max_gain_db: the greatest gain. Samples may then exceed full scale; they
            are not clipped.
        generator: on the CPU, so that a seed gives the same gains on any device;
            one value is drawn per clip.

    Returns:
        The changed batch, of the same shape; the input stays as it is.

    Raises:
        ParameterError: if min_gain_db exceeds max_gain_db, or waveforms is not
            `(batch, time)`.

    >>> generator = torch.Generator().manual_seed(0)
    >>> random_gain(torch.ones(1, 3), min_gain_db=-20, max_gain_db=-20, generator=generator)
    tensor([[0.1000, 0.1000, 0.1000]])
    """
    if waveforms.dim() != 2:
        raise ParameterError(f"waveforms of shape {tuple(waveforms.shape)} must be (batch, time)")
    if not min_gain_db <= max_gain_db:
        raise ParameterError(
            f"min_gain_db={min_gain_db} must not exceed max_gain_db={max_gain_db}; swap them"
        )
    drawn = torch.rand(len(waveforms), 1, generator=generator).to(waveforms)  # (batch, 1)
    gains_db = min_gain_db + (max_gain_db - min_gain_db) * drawn
    return waveforms * 10 ** (gains_db / 20)


def mix_noise(
    waveforms: Tensor,
    noise: Tensor,
    *,
    min_snr_db: float,
    max_snr_db: float,
    probability: float = 1.0,
    generator: torch.Generator,
) -> Tensor:
    """Add background noise to each clip at a signal-to-noise ratio drawn evenly in decibels.

    The ratio is that of mean powers: of the noise over its whole row, of the clip over the samples
    that are not exactly zero, so that the silence a clip was placed in does not count. The noise
    fills that silence too. A row without any signal becomes noise at the noise's own level.

    Args:
        waveforms: the batch `(batch, time)`.
        noise: as many rows of background, of the same shape.
        min_snr_db: the least ratio; at 0 the noise is as loud as the clip.
        max_snr_db: the greatest ratio.
        probability: which part of the clips gets noise, 0 to 1.
        generator: on the CPU, so that a seed gives the same ratios on any device.

    Returns:
        The noisy batch, of the same shape; the input stays as it is.

    Raises:
        ParameterError: if the shapes differ, min_snr_db exceeds max_snr_db or the probability is
            outside 0..1.

    >>> generator = torch.Generator().manual_seed(0)
    >>> clip, noise = torch.tensor([[0.0, 0.5, -0.5, 0.0]]), torch.ones(1, 4)
    >>> mix_noise(clip, noise, min_snr_db=20.0, max_snr_db=20.0, generator=generator)
    tensor([[ 0.0500,  0.5500, -0.4500,  0.0500]])
    """
    if waveforms.dim() != 2 or noise.shape != waveforms.shape:
        raise ParameterError(
            f"waveforms {tuple(waveforms.shape)} and noise {tuple(noise.shape)} must both be (batch, time)"
        )
    if not min_snr_db <= max_snr_db:
        raise ParameterError(f"min_snr_db={min_snr_db} must not exceed max_snr_db={max_snr_db}; swap them")
    if not 0 <= probability <= 1:
        raise ParameterError(f"probability={probability} must be from 0 to 1; 0.8 gives noise to most clips")
    drawn = torch.rand(2, len(waveforms), 1, generator=generator).to(waveforms)
    ratio = 10 ** ((min_snr_db + (max_snr_db - min_snr_db) * drawn[0]) / 10)
    heard = waveforms.count_nonzero(dim=1).clamp(min=1)[:, None]  # (batch, 1)
    signal = waveforms.square().sum(dim=1, keepdim=True) / heard
    wanted = signal / ratio
    level = noise.square().mean(dim=1, keepdim=True)
    # silent noise stays silent, whatever ratio is asked for
    factor = torch.where(signal > 0, (wanted / level.clamp(min=1e-20)).sqrt(), 1.0)
    return torch.addcmul(waveforms, noise, factor * (drawn[1] < probability))


def random_equalizer(
    waveforms: Tensor,
    *,
    sample_rate: int,
    deviation_db: float,
    low_pass_probability: float = 0.0,
    generator: torch.Generator,
) -> Tensor:
    """Colour each clip by a frequency response drawn for it, as other microphones and lines would.

    The gain in decibels is drawn from a normal distribution at six frequencies, evenly spaced in mel from 0
    to half the sample rate, and goes in straight lines between them. Some clips lose their high frequencies
    too: beyond a corner, drawn evenly in mel from 1 kHz on, they fall by 6 to 60 dB an octave, down to
    between -10 and -50 dB. The phase stays as it is.

    Nam, Kim & Park 2022, "FilterAugment: An Acoustic Environmental Data Augmentation Method", ICASSP, arXiv
    2110.03282, in its linear form, with normal gains, on the waveform and so for any front-end; the low-pass
    is ours.

    Args:
        waveforms: the batch `(batch, time)`.
        sample_rate: of the waveforms, in Hz, above 2000.
        deviation_db: standard deviation of the gains; 0 for a flat response.
        low_pass_probability: which part of the clips loses its high frequencies, 0 to 1.
        generator: on the CPU, so that a seed gives the same responses on any device.

    Returns:
        The coloured batch, of the same shape; the input stays as it is.

    Raises:
        ParameterError: for waveforms that are not `(batch, time)`, a deviation below 0, a probability
            outside 0..1 or a sample rate that is too low.

    >>> generator = torch.Generator().manual_seed(0)
    >>> tone = torch.sin(torch.arange(1600) * math.tau * 0.1)[None]
    >>> random_equalizer(tone, sample_rate=16000, deviation_db=6, generator=generator).shape
    torch.Size([1, 1600])
    """
    if waveforms.dim() != 2:
        raise ParameterError(f"waveforms of shape {tuple(waveforms.shape)} must be (batch, time)")
    if not deviation_db >= 0:
        raise ParameterError(f"deviation_db={deviation_db} must not be negative; 6 is a good start")
    if not 0 <= low_pass_probability <= 1:
        raise ParameterError(f"low_pass_probability={low_pass_probability} must be from 0 to 1")
    if not sample_rate > 2 * LEAST_CORNER_HZ:
        raise ParameterError(
            f"sample_rate={sample_rate} must be above {2 * LEAST_CORNER_HZ:.0f} Hz, to hold the corners of "
            "the low-pass"
        )
    batch, length = waveforms.shape
    gains_db = deviation_db * torch.randn(batch, EQUALIZER_POINTS, generator=generator)
    low_pass, at, steepness, drop = torch.rand(4, batch, 1, generator=generator)
    hz, shares = _equalizer_curves(sample_rate, length)
    lowest, highest = hz_to_mel([LEAST_CORNER_HZ, sample_rate / 2], "htk").tolist()
    corner_hz = 700 * (10 ** ((lowest + (highest - lowest) * at) / 2595) - 1)
    octaves = (hz / corner_hz).clamp(min=1).log2()  # (batch, bins)
    lost_db = torch.minimum((6 + 54 * steepness) * octaves, 10 + 40 * drop)
    response_db = gains_db @ shares - lost_db * (low_pass < low_pass_probability)
    response = (10 ** (response_db / 20)).to(waveforms)
    n_fft = 2 * (len(hz) - 1)
    coloured: Tensor = torch.fft.irfft(torch.fft.rfft(waveforms, n_fft) * response, n_fft)
    return coloured[:, :length]


@cache
def _equalizer_curves(sample_rate: int, length: int) -> tuple[Tensor, Tensor]:
    """The frequencies of an FFT of that many samples, and how much of each point's gain counts there.

    The FFT is longer, so that what a response smears past one end does not come in at the other.
    """
    n_fft = next_fast_len(length + round(EQUALIZER_SMEAR_SECONDS * sample_rate), real=True)
    n_fft += n_fft % 2
    hz = torch.linspace(0, sample_rate / 2, n_fft // 2 + 1)
    mel = torch.from_numpy(hz_to_mel(hz.numpy(), "htk")).float()
    place = mel / mel[-1] * (EQUALIZER_POINTS - 1)
    points = torch.arange(EQUALIZER_POINTS)[:, None]
    return hz, (1 - (place - points).abs()).clamp(min=0)  # (bins,), (points, bins)


def change_speed(waveforms: Tensor, percent: int) -> Tensor:
    """Play waveforms faster or slower; the pitch goes with the speed, as on a tape.

    Every `step` samples in give `phases` samples out, `step / phases` being the speed in lowest
    terms: an output lies between samples, at one of `phases` places, and each place has its own
    row of weights, a sinc under a Hann window. All of them are one strided convolution.
    Smith & Gossett 1984, "A flexible sampling-rate conversion method", ICASSP.

    As an augmentation: Ko et al. 2015, "Audio augmentation for speech recognition", Interspeech,
    with 90, 100 and 110 percent.

    Args:
        waveforms: the batch `(batch, time)`.
        percent: the new speed; 110 makes the waveforms shorter, and higher by a tenth.

    Returns:
        The batch at the new speed, `(batch, time * 100 / percent)`, rounded up; 100 gives the input itself.

    Raises:
        ParameterError: if percent is outside 50..200 or waveforms is not `(batch, time)`.

    >>> change_speed(torch.zeros(1, 16000), 125).shape
    torch.Size([1, 12800])
    """
    if waveforms.dim() != 2:
        raise ParameterError(f"waveforms of shape {tuple(waveforms.shape)} must be (batch, time)")
    if not 50 <= percent <= 200:
        raise ParameterError(f"percent={percent} must be from 50 to 200; 110 is a tenth faster")
    if percent == 100:
        return waveforms
    kernels, step, before = _speed_kernels(percent)
    phases, length = len(kernels), waveforms.shape[1]
    size = -(-length * phases // step)
    after = (-(-size // phases) - 1) * step + kernels.shape[-1] - length - before
    padded = F.pad(waveforms[:, None], (before, max(0, after)))
    places = F.conv1d(padded, kernels.to(waveforms), stride=step)  # (batch, phases, blocks)
    return places.transpose(1, 2).flatten(1)[:, :size]


@cache  # there are 151
def _speed_kernels(percent: int) -> tuple[Tensor, int, int]:
    """The weights `(phases, 1, taps)` of each place, the input samples in a step, and the taps before it."""
    common = math.gcd(percent, 100)
    step, phases = percent // common, 100 // common
    band = _ROLLOFF * min(1.0, phases / step)  # what both rates can hold, in parts of the old band
    reach = math.ceil(_ZEROS / band)
    taps = torch.arange(-reach, reach + step, dtype=torch.float64)
    places = torch.arange(phases, dtype=torch.float64)[:, None] * step / phases
    t = (taps - places) * band  # (phases, taps), in zero crossings
    window = torch.where(t.abs() < _ZEROS, (t * math.pi / (2 * _ZEROS)).cos().square(), 0.0)
    kernels = torch.sinc(t) * window * band
    return kernels[:, None], step, reach
