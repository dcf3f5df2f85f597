"""PCEN: the energy of each band over what it has been lately, compressed, in place of a logarithm."""

import math
from dataclasses import dataclass
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.frontends.front_end import FrontEnd
from audiocnn.frontends.mel import MelSpectrogramConfig
from audiocnn.frontends.spectrogram import FrameFeatures
from audiocnn.geometry import Axis, Geometry
from audiocnn.layers.conv import require_positive
from audiocnn.layers.precision import at_least_single
from audiocnn.layers.scan import Scan, State

__all__ = ["PCEN", "PCENConfig", "PerChannelEnergyNorm", "decayed_sums", "smoothing_of"]

# One number for all rows, or what is learnt of it for each, (rows, 1).
Setting: TypeAlias = float | Tensor

# Frames that the smoother without an end looks back on before it goes on from what was summed until there.
FRAMES_AT_ONCE = 512

# A smoother that takes nothing in would never forget, and a root has no slope at zero.
LEAST_SMOOTHING = 1e-4
LEAST_BIAS = 1e-4


class PerChannelEnergyNorm(Scan):
    """Per-channel energy normalisation: `(..., rows, time)` -> `(..., rows, time - smoother_frames + 1)`.

    The energy E of each row is divided by its level M, what it has been lately, and compressed:

        M[t] = sum of w[k] * E[t - k] over k < smoother_frames,    w[k] ~ (1 - smoothing)^k
        y[t] = (E[t] / (floor + M[t])^gain + bias)^(1 / root) - bias^(1 / root)

    Steady noise comes to the same level, whether loud or soft, and what begins stands out. The weights w
    sum to 1. An output stands where the last frame of its window does, and waits for nothing that is to come:

        energy     0 1 2 3 4 5        smoother_frames = 4
        window 0   [-----]
        output           0 1 2

    Wang, Getreuer, Hughes, Lyon & Saurous 2017, "Trainable Frontend For Robust and Far-Field Keyword
    Spotting", arXiv 1607.05666; Lostanlen et al. 2019, "Per-Channel Energy Normalization: Why and How".
    Their smoother has no end, `M[t] = (1 - smoothing) * M[t - 1] + smoothing * E[t]`, so that an
    output depends on all that was ever heard. That is `smoother_frames=None`: it streams, but is no scan.

    Settings can be learnt for each row as in LEAF (Zeghidour et al. 2021, arXiv 2101.08596), the root in
    place of the exponent. As there, a gain or a smoothing above 1 and a root below 1 act as 1; and so does
    a gain below 0 as 0, and a smoothing or bias below 1e-4 as that, lest the level never change or the
    root be one of a negative number. A setting beyond its bound has no gradient.

    Args:
        rows: rows of the input.
        smoothing: the newest frame's weight in a smoother without an end, from 1e-4 to 1; see `smoothing_of`.
        smoother_frames: frames smoothed over; None for all there were.
        gain: how much of the level is taken off: nothing at 0, all at 1.
        bias: below it, energy over its level is hardly compressed.
        root: which root compresses; 2 is the exponent r = 0.5 of the papers.
        floor: level below which energy counts as silence.
        initial_level: the level before the first frame, where `smoother_frames` is None: librosa's is 1;
            None takes the first frame's energy, as LEAF does.
        learnable: whether gain, bias, root and smoothing are learnt, beginning from these.

    Raises:
        ParameterError: for values that cannot work, on input of other rows, or of too few frames. That
            energies are not negative is not checked.

    >>> pcen = PerChannelEnergyNorm(2, smoother_frames=3, gain=1.0)
    >>> pcen(torch.tensor([[4.0, 4.0, 4.0, 4.0], [0.1, 0.1, 0.1, 0.4]]))
    tensor([[0.3178, 0.3178],
            [0.3178, 0.5795]])
    """

    row_axis = Axis(takes=Geometry(), sees=Geometry())  # each has settings of its own, or other rows others
    law_remedy = (
        "its smoother never forgets, and so an output depends on all there was before; give it an end, as "
        "smoother_frames=64, or scan by windows (audiocnn.layers.Windows)"
    )

    def __init__(
        self,
        rows: int,
        *,
        smoothing: float = 0.025,
        smoother_frames: int | None = 64,
        gain: float = 0.98,
        bias: float = 2.0,
        root: float = 2.0,
        floor: float = 1e-6,
        initial_level: float | None = 1.0,
        learnable: bool = False,
    ) -> None:
        super().__init__()
        require_positive("rows", rows)
        if not LEAST_SMOOTHING <= smoothing <= 1.0:
            raise ParameterError(f"smoothing={smoothing!r} must be from 0.0001 to 1; 0.025 is the default")
        _require_settings(smoother_frames, gain, bias, root, initial_level)
        if not torch.finfo(torch.float32).tiny <= floor < math.inf:
            raise ParameterError(f"floor={floor!r} must be positive, also in float32; 1e-06 is the default")
        self.rows, self.smoother_frames = rows, smoother_frames
        self.floor, self.initial_level = floor, initial_level

        def setting(value: float) -> float | nn.Parameter:
            return nn.Parameter(torch.full((rows,), float(value))) if learnable else float(value)

        self.gain, self.bias, self.root, self.smoothing = map(setting, (gain, bias, root, smoothing))
        endless = Axis(takes=Geometry(), sees=None)
        self.time_axis = endless if smoother_frames is None else Axis.scan(smoother_frames)

    @property
    def streams(self) -> bool:
        """Always: a smoother without an end goes on from where it was."""
        return True

    def forward(self, energy: Tensor) -> Tensor:
        """Normalise."""
        self.require_span(energy)
        if self.smoother_frames is None:
            return self._go_on(energy, None)[0]
        x, frames = self._checked(energy), self.smoother_frames
        forget = 1.0 - self._smoothing()
        level = decayed_sums(x, forget, frames) / _powers_summed(forget, frames)
        return self._compressed(x[..., frames - 1 :], level).to(energy.dtype)

    def _advance(self, chunk: Tensor, state: State) -> tuple[Tensor | None, State]:
        if self.smoother_frames is not None:
            return super()._advance(chunk, state)
        assert state is None or isinstance(state, Tensor)
        return self._go_on(chunk, state)

    def _go_on(self, energy: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
        """Normalise without an end, `before` being the decayed sum of earlier frames; also gives the next."""
        x, smoothing = self._checked(energy), self._smoothing()
        if before is None:
            first = x[..., :1]
            level = first if self.initial_level is None else torch.full_like(first, self.initial_level)
            before = level / smoothing
        sums = _endless_sums(before, x, 1.0 - smoothing)
        return self._compressed(x, sums * smoothing).to(energy.dtype), sums[..., -1:].detach().clone()

    def _checked(self, energy: Tensor) -> Tensor:
        if energy.dim() < 2 or energy.shape[-2] != self.rows:
            raise ParameterError(
                f"input of shape {tuple(energy.shape)} must be (..., {self.rows}, time), the rows that this "
                f"{type(self).__name__} was made for"
            )
        return at_least_single(energy)

    def _smoothing(self) -> Setting:
        return _held(self.smoothing, LEAST_SMOOTHING, 1.0)

    def _compressed(self, energy: Tensor, level: Tensor) -> Tensor:
        """What becomes of the energy at that level, in the memory of the latter."""
        gain, bias = _held(self.gain, 0.0, 1.0), _held(self.bias, LEAST_BIAS, math.inf)
        exponent = 1.0 / _held(self.root, 1.0, math.inf)
        # in place, but for what follows an exponential: that one's gradient is made of its result
        divided = level.add_(self.floor).log_().mul_(-gain).exp_() * energy
        # (divided + bias)^r - bias^r, without that difference
        return divided.div_(bias).log1p_().mul_(exponent).expm1_() * bias**exponent

    def extra_repr(self) -> str:
        """The settings, and whether they are learnt."""
        names = ("smoothing", "gain", "bias", "root")
        settings = [getattr(self, name) for name in names]
        learnt = isinstance(self.gain, Tensor)
        told = (
            "learnable" if learnt else ", ".join(f"{n}={v:g}" for n, v in zip(names, settings, strict=True))
        )
        return f"{self.rows}, smoother_frames={self.smoother_frames}, {told}, floor={self.floor:g}"


def smoothing_of(time_constant_seconds: float, frame_rate_hz: float) -> float:
    """The smoothing of that time constant, as librosa has it.

    `(sqrt(1 + 4 T^2) - 1) / (2 T^2)`, T being the time constant in frames.

    >>> round(smoothing_of(0.4, 100.0), 4)
    0.0247
    """
    frames = time_constant_seconds * frame_rate_hz
    return 2.0 / (math.sqrt(1.0 + 4.0 * frames * frames) + 1.0)  # the same, without a difference


def decayed_sums(x: Tensor, decay: Setting, frames: int) -> Tensor:
    """`sum of decay^k * x[t - k] over k < frames`: `(..., rows, time)` -> `(..., rows, time - frames + 1)`.

    The sum of twice as many frames is that of the newer half and the decayed one of the older half, so that
    64 frames take 6 additions. Nothing is subtracted, and a sum does not depend on where it
    stands in the recording.

    >>> decayed_sums(torch.tensor([[1.0, 10.0, 100.0, 1000.0]]), 0.5, 3)
    tensor([[ 105.2500, 1052.5000]])
    """
    sums, summed = x, 1
    for bit in f"{frames:b}"[1:]:
        sums, summed = _plus(sums[..., summed:], sums[..., :-summed], decay**summed), 2 * summed
        if bit == "1":
            sums, summed = _plus(x[..., summed:], sums[..., :-1], decay), summed + 1
    return sums


def _powers_summed(decay: Setting, frames: int) -> Setting:
    """`sum of decay^k over k < frames`, in the way of `decayed_sums`: exact also near 1."""
    total: Setting = 1.0
    summed = 1
    for bit in f"{frames:b}"[1:]:
        total, summed = total * (1.0 + decay**summed), 2 * summed
        if bit == "1":
            total, summed = 1.0 + decay * total, summed + 1
    return total


def _endless_sums(before: Tensor, x: Tensor, decay: Setting) -> Tensor:
    """The decayed sum of all frames of `x` and what was `before` them, `(..., rows, 1)`."""
    frames = min(FRAMES_AT_ONCE, 2 ** (x.shape[-1] + 1).bit_length() // 2)
    all_of_it = F.pad(torch.cat((before, x), dim=-1), (frames - 1, 0))
    blocks = list(torch.split(decayed_sums(all_of_it, decay, frames), frames, dim=-1))
    faded = decay**frames
    for i in range(1, len(blocks)):  # each step goes on from the sum of all until `frames` steps before
        blocks[i] = _plus(blocks[i], blocks[i - 1][..., : blocks[i].shape[-1]], faded)
    return torch.cat(blocks, dim=-1)[..., 1:]


def _plus(a: Tensor, b: Tensor, times: Setting) -> Tensor:
    """`a + times * b`."""
    return torch.addcmul(a, b, times) if isinstance(times, Tensor) else torch.add(a, b, alpha=times)


def _held(setting: float | nn.Parameter, lowest: float, highest: float) -> Setting:
    """A setting; what is learnt of it is held between the two, `(rows, 1)`."""
    return setting if isinstance(setting, float) else setting.clamp(lowest, highest)[:, None]


def _require_settings(
    smoother_frames: int | None, gain: float, bias: float, root: float, initial_level: float | None
) -> None:
    if smoother_frames is not None and (not isinstance(smoother_frames, int) or smoother_frames < 1):
        raise ParameterError(
            f"smoother_frames={smoother_frames!r} must be a positive integer, or None for a smoother without "
            "an end; 64 is the default"
        )
    if not 0.0 <= gain <= 1.0:
        raise ParameterError(f"gain={gain!r} must be from 0 to 1; 0.98 is the default")
    if not (bias >= LEAST_BIAS and math.isfinite(bias)):
        raise ParameterError(f"bias={bias!r} must be at least 0.0001; 2.0 is the default")
    if not (root >= 1.0 and math.isfinite(root)):
        raise ParameterError(f"root={root!r} must be at least 1; 2.0, the square root, is the default")
    if initial_level is not None and not (initial_level >= 0.0 and math.isfinite(initial_level)):
        raise ParameterError(
            f"initial_level={initial_level!r} must be 0 or more, or None for the energy of the first frame; "
            "1.0 is the default"
        )


@dataclass(frozen=True, kw_only=True)
class PCENConfig(MelSpectrogramConfig):
    """A mel spectrogram and what normalises it; see `PerChannelEnergyNorm` and `MelSpectrogramConfig`.

    Attributes:
        floor: level of a band below which it counts as silence. Full scale is about 1e4: a band of white
            noise at -90 dBFS has about 1e-6.
        time_constant_seconds: of the smoother; with 0.06 it follows speech more closely.
        smoother_frames: frames smoothed over; None for all there were, which is no scan. 64 of them have 80 %
            of the weight of all, and a clip of a second has room for them; 200 have 99 %.
        gain: how much of the level is taken off: nothing at 0, all at 1.
        bias: below it, energy over its level is hardly compressed.
        root: which root compresses; 2 is the exponent r = 0.5 of the papers.
        initial_level: the level before the first frame, where `smoother_frames` is None: librosa's is 1;
            None takes the first frame's energy.
        learnable: whether gain, bias, root and smoothing are learnt, for each band.

    Raises:
        ParameterError: for values that cannot work.
    """

    time_constant_seconds: float = 0.4
    smoother_frames: int | None = 64
    gain: float = 0.98
    bias: float = 2.0
    root: float = 2.0
    initial_level: float | None = 1.0
    learnable: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scale != "linear":
            raise ParameterError(
                f"scale={self.scale!r} must be 'linear': PCEN takes the place of a logarithm"
            )
        longest = 1000 * self.hop_length / self.sample_rate
        if not 0.0 < self.time_constant_seconds <= longest:
            raise ParameterError(
                f"time_constant_seconds={self.time_constant_seconds!r} must be above 0 and at most "
                f"{longest:g}, 1000 frames; 0.4 is the default"
            )
        _require_settings(self.smoother_frames, self.gain, self.bias, self.root, self.initial_level)

    def context_frames(self) -> tuple[int, int]:
        """Those before that are smoothed over too."""
        before, after = super().context_frames()
        return before + (self.smoother_frames or 1) - 1, after


class PCEN(FrontEnd):
    """Mel spectrogram with per-channel energy normalisation: `(batch, time)` -> `(batch, 1, n_mels, frames)`.

    `PerChannelEnergyNorm` says what that is, and names the papers. The first output needs
    `smoother_frames - 1` frames of the past, those that it is normalised by.

    With `smoother_frames=None` it is `librosa.pcen` of the mel power on unit scale; librosa recommends
    the magnitude, on a scale of 2^31: `power=1, sample_scale=2.0**31`.

    >>> import torch
    >>> front_end = PCEN(PCENConfig())
    >>> front_end(torch.zeros(1, 16000)).shape, front_end.geometry
    (torch.Size([1, 1, 40, 35]), Geometry(span=10560, stride=160))
    """

    def __init__(self, config: PCENConfig) -> None:
        smoothing = smoothing_of(config.time_constant_seconds, config.sample_rate / config.hop_length)
        norm = PerChannelEnergyNorm(
            len(config.band_edges_hz()),
            smoothing=smoothing,
            smoother_frames=config.smoother_frames,
            gain=config.gain,
            bias=config.bias,
            root=config.root,
            floor=config.floor,
            initial_level=config.initial_level,
            learnable=config.learnable,
        )
        super().__init__(config, {"frames": FrameFeatures(config), "pcen": norm})
