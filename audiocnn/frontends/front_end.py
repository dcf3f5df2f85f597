"""The base of every front-end: a scan over samples that can say exactly what it is.

    waveform ── features of frames ── deltas ── sliding normalisation
    (batch, time)                     (batch, 1, n_freqs, frames)

The first part is what front-ends differ in; the other two any of them may have.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import chain
from typing import Any, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from audiocnn.errors import FingerprintError, ParameterError
from audiocnn.frontends.deltas import Deltas
from audiocnn.frontends.sliding_normalize import POSITIONS, Position, SlidingNormalize
from audiocnn.layers.scan import Scan, State
from audiocnn.layers.sequential import Sequential, advance_through

__all__ = ["FORMS", "Form", "FrontEnd", "FrontEndConfig", "Stage"]

Form: TypeAlias = Literal["eager", "compiled", "exportable"]
Array: TypeAlias = npt.NDArray[np.float64]
FORMS: tuple[Form, ...] = ("eager", "compiled", "exportable")


@dataclass(frozen=True, kw_only=True)
class FrontEndConfig:
    """What every front-end has; each kind adds its own choices.

    Attributes:
        sample_rate: samples a second that the waveforms must have.
        deltas: how often the features are differentiated over time; each adds as many rows below.
        delta_width: frames, an odd number, that a derivative is estimated from.
        normalization_frames: frames of a sliding window by whose mean and deviation each row is
            normalised; None leaves that to the fixed statistics of the classifier.
        normalization_position: where in that window a frame stands, `"centre"`, or `"end"`, which live
            waits for nothing.
        normalization_deviation: whether rows are also divided by the deviation.

    Raises:
        ParameterError: for values that cannot work.
    """

    sample_rate: int = 16000
    deltas: int = 0
    delta_width: int = 9
    normalization_frames: int | None = None
    normalization_position: Position = "centre"
    normalization_deviation: bool = True

    def __post_init__(self) -> None:
        for field in fields(self):
            value, default = getattr(self, field.name), field.default
            if field.type is bool and not isinstance(value, bool):
                raise ParameterError(
                    f"{field.name}={value!r} must be True or False; {default} is the default"
                )
            if field.type is float and (isinstance(value, bool) or not isinstance(value, (int, float))):
                raise ParameterError(f"{field.name}={value!r} must be a number; {default} is the default")
        self._require_positive("sample_rate")
        if type(self.deltas) is not int or self.deltas not in (0, 1, 2):
            raise ParameterError(
                f"deltas={self.deltas!r} must be 0, 1 or 2: none, the first, or also the second derivative"
            )
        if not isinstance(self.delta_width, int) or self.delta_width < 3 or self.delta_width % 2 == 0:
            raise ParameterError(
                f"delta_width={self.delta_width!r} must be an odd integer of at least 3; 9 is the default"
            )
        if self.normalization_frames is not None and (
            not isinstance(self.normalization_frames, int) or self.normalization_frames < 2
        ):
            raise ParameterError(
                f"normalization_frames={self.normalization_frames!r} must be an integer of at least 2, or "
                "None; 600 is Kaldi's"
            )
        self._require_choice("normalization_position", POSITIONS)

    def context_frames(self) -> tuple[int, int]:
        """Frames before and after one that it is judged by, as of a smoother's past, and is not made of."""
        reach = self.deltas * (self.delta_width // 2)
        around = self.normalization_frames - 1 if self.normalization_frames else 0
        after = around // 2 if self.normalization_position == "centre" else 0
        return reach + around - after, reach + after

    def _require_positive(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                default = getattr(type(self), name)
                raise ParameterError(f"{name}={value!r} must be a positive integer; {default} is the default")

    def _require_choice(self, name: str, choices: tuple[object, ...]) -> None:
        value = getattr(self, name)
        if not any(value == choice and type(value) is type(choice) for choice in choices):
            listed = ", ".join(map(repr, choices[:-1]))
            raise ParameterError(f"{name}={value!r} must be {listed} or {choices[-1]!r}")

    def _require_floor(self, name: str) -> None:
        floor, default = (getattr(of, name) for of in (self, type(self)))
        if not torch.finfo(torch.float32).tiny <= floor < math.inf:
            raise ParameterError(
                f"{name}={floor!r} must be positive, also in float32; {default:g} is the default"
            )

    def _require_band(self) -> None:
        """Check the `f_min` and `f_max` of those that have them."""
        f_min, f_max = (getattr(self, name) for name in ("f_min", "f_max"))
        if not 0.0 <= f_min < f_max <= self.sample_rate / 2:
            raise ParameterError(
                f"f_min={f_min:g} and f_max={f_max:g} must satisfy 0 <= f_min < f_max <= "
                f"{self.sample_rate / 2:g}, half the sample rate"
            )


class Stage(Scan):
    """The part of a front-end that reads samples: `(batch, time)` -> `(batch, 1, rows, frames)`."""

    row_axis = None
    _form: Form = "eager"

    @property
    def band_edges_hz(self) -> list[tuple[float, float]]:
        """Where what each row hears begins and ends."""
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        """All but what was compiled, which holds on to this very object: a copy compiles for itself."""
        return {name: value for name, value in self.__dict__.items() if name != "_compiled"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Be a copy, in the same form."""
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self.use(self._form)

    def use(self, form: Form) -> None:
        """Compute in this form from now on; see `FrontEnd.use`."""
        self._form = form

    def response(self) -> tuple[Array, Array] | None:
        """What the filters let through: some frequencies in Hz, and the gain of each filter at each of them.

        None where there are no filters; gains are of power or of amplitude, as the front-end says.
        """
        return None


class FrontEnd(Sequential):
    """Waveforms in, features out: `(batch, time)` -> `(batch, 1, n_freqs, frames)`; base of all front-ends.

    Samples are on unit scale, -1 to 1, at `sample_rate`. Frames begin at sample 0 and nothing is padded.
    It computes in float32, or in float64 after `.double()`, and takes waveforms of any floating point type;
    half precision is too coarse for it, so that neither autocast nor `.half()` touches it. A NaN or an
    infinite sample spoils the frames that read it and, of a scan, no others, or where filters are applied by
    FFT those of its block; `Classifier.predict` and reading files refuse them.

    Attributes:
        config: what it was made from.

    Raises:
        ParameterError: on a waveform of integers, of another shape, or shorter than a frame.
    """

    def __init__(self, config: FrontEndConfig, stages: dict[str, Scan]) -> None:
        if config.deltas:
            stages = stages | {"deltas": Deltas(config.deltas, width=config.delta_width)}
        if config.normalization_frames is not None:
            sliding = SlidingNormalize(
                config.normalization_frames,
                position=config.normalization_position,
                deviation=config.normalization_deviation,
            )
            stages = stages | {"sliding": sliding}
        super().__init__(stages)
        self.config = config
        self._dtype = torch.float32  # what it computes in

    @property
    def sample_rate(self) -> int:
        """Samples a second that the waveforms must have."""
        return self.config.sample_rate

    @property
    def n_freqs(self) -> int:
        """Rows of the features."""
        return len(self.band_edges_hz)

    @property
    def frame_rate_hz(self) -> float:
        """Frames a second."""
        takes = self.time_axis.takes
        assert takes is not None
        return self.sample_rate / takes.stride

    @property
    def band_edges_hz(self) -> list[tuple[float, float]]:
        """Where what each row hears begins and ends."""
        first = self.scans()[0]
        assert isinstance(first, Stage)
        return first.band_edges_hz * (1 + self.config.deltas)

    @property
    def context(self) -> tuple[int, int]:
        """Samples before and after a recording that its first and last frame are judged by.

        With silence there it has as many frames as without deltas, smoothing and sliding normalisation.
        """
        takes = self.time_axis.takes
        assert takes is not None
        before, after = self.config.context_frames()
        return before * takes.stride, after * takes.stride

    def use(self, form: Form) -> "FrontEnd":
        """Compute in another form from now on, with the same results up to rounding.

        Args:
            form: `"eager"`, the default; `"compiled"` by `torch.compile`, which takes some seconds once and a
                C++ compiler, and is faster after that; `"exportable"`, of real numbers and plain
                operations alone, as export formats know them, and slower.

        Returns:
            itself.
        """
        if form not in FORMS:
            raise ParameterError(f"form={form!r} must be 'eager', 'compiled' or 'exportable'")
        for module in self.modules():
            if isinstance(module, Stage):
                module.use(form)
        return self

    def forward(self, waveform: Tensor) -> Tensor:
        """The features."""
        waveform = self._checked(waveform)
        self.require_span(waveform)
        if not torch.is_autocast_enabled(waveform.device.type):
            return self._through(waveform)
        with torch.autocast(waveform.device.type, enabled=False):
            return self._through(waveform)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move or convert the tables, as `.to` does; into half precision they do not go."""

        def converted(table: Tensor) -> Tensor:
            new = fn(table)
            if new.is_floating_point() and new.dtype not in (torch.float32, torch.float64):
                new = table.to(new.device)
            if new.is_floating_point():
                self._dtype = new.dtype
            return new

        super()._apply(converted, recurse)  # type: ignore[no-untyped-call]
        return self

    def _through(self, x: Tensor) -> Tensor:
        for scan in self.scans():
            x = scan(x)
        return x

    def _advance(self, chunk: Tensor, state: State) -> tuple[Tensor | None, State]:
        chunk = self._checked(chunk)
        if not torch.is_autocast_enabled(chunk.device.type):
            return advance_through(self.scans(), chunk, state)
        with torch.autocast(chunk.device.type, enabled=False):
            return advance_through(self.scans(), chunk, state)

    def feature_blocks(self, blocks: Iterable[Tensor]) -> Iterator[Tensor]:
        """The features of one recording, in blocks `(n_freqs, frames)`, in constant memory.

        Silence stands around the recording for `context`. It is evaluated whatever the mode, without
        gradients, on the device of the front-end.

        Args:
            blocks: the recording, `(time,)` each, of any sizes.

        Raises:
            LawError: for a front-end that does not stream.
            ParameterError: for a recording shorter than a frame.
        """
        before, after = (torch.zeros(samples) for samples in self.context)
        device = next(chain(self.buffers(), self.parameters())).device
        state: State = None
        samples, frames = 0, 0
        for block in chain((before,), blocks, (after,)):
            samples += len(block)
            # not around the yield, for there the caller goes on
            with self.evaluating(), torch.no_grad():
                features, state = self.step(block[None].to(device), state)
            if features is not None:
                frames += features.shape[-1]
                yield features[0, 0]
        if frames == 0:
            around = sum(self.context)
            takes = self.time_axis.takes
            assert takes is not None
            raise ParameterError(
                f"a recording of {samples - around} samples is shorter than a frame, {takes.span - around}; "
                "give a longer one"
            )

    def _checked(self, waveform: Tensor) -> Tensor:
        """The waveform in numbers that we can compute with."""
        if waveform.dim() != 2 or waveform.shape[0] == 0:
            raise ParameterError(
                f"waveform of shape {tuple(waveform.shape)} must be (batch, time), of at least one clip; "
                "waveform[None] makes a batch of one"
            )
        if not waveform.is_floating_point():
            raise ParameterError(
                f"waveform of {waveform.dtype} must be floating point on unit scale; divide 16-bit "
                "samples by 32768"
            )
        return waveform if waveform.dtype is self._dtype else waveform.to(self._dtype)

    def fingerprint(self) -> str:
        """A short hash of the config and of all tables and weights: equal where features are.

        Settings that have their default are left out, so that one more of them changes no fingerprint.
        """
        defaults = self._defaults()
        parts = self.fingerprints()
        return _hash({name: part for name, part in parts.items() if part != defaults.get(name)})

    def fingerprints(self) -> dict[str, str]:
        """The parts of the fingerprint by name: the kind, each value of the config, each table."""
        parts = {}
        for field in fields(self.config):
            value = getattr(self.config, field.name)
            if isinstance(field.default, float) and isinstance(value, int):
                value = float(value)  # 20 is the same setting as 20.0
            parts[field.name] = json.dumps(value)
        for name, table in self._tables().items():
            # rounded, as another processor may differ in the last digit
            values = table.detach().cpu().double()
            scale = float(values.abs().amax().clamp(min=1e-300))
            rounded = (values / scale * 1e5).round().long()
            parts[name] = _hash([list(values.shape), f"{scale:.4e}", rounded.flatten().tolist()])
        return {"kind": type(self).__name__} | parts

    def _tables(self) -> dict[str, Tensor]:
        """All numbers that features are made with, by name."""
        tables = dict(self.named_buffers()) | dict(self.named_parameters())
        # of private ones the numbers are in others
        return {name: table for name, table in tables.items() if "._" not in name}

    def require_fingerprints(self, there: dict[str, str]) -> None:
        """Raise `FingerprintError`, which says what differs, unless `there` are parts of one and the same.

        A setting that was not known there must have its default here.
        """
        here = self.fingerprints()
        defaults = self._defaults()
        differing = [name for name in here | there if there.get(name, defaults.get(name)) != here.get(name)]
        if differing:
            told = [
                f"{name} has other values"
                if "." in name
                else f"{name} is {there.get(name, 'unknown')} there and {here.get(name, 'unknown')} here"
                for name in differing
            ]
            raise FingerprintError(
                f"these features are not those of the front-end here, of fingerprint {self.fingerprint()}: "
                f"{', '.join(told)}"
            )

    def _defaults(self) -> dict[str, str]:
        return {field.name: json.dumps(field.default) for field in fields(self.config)}

    def extra_repr(self) -> str:
        """The configuration."""
        return str(self.config)


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
