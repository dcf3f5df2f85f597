"""What a front-end is, in words, and what it makes, in pictures."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from audiocnn.errors import ParameterError
from audiocnn.figures import figure_for, save_figure
from audiocnn.frontends.front_end import FrontEnd, FrontEndConfig, Stage
from audiocnn.frontends.kinds import config_as_dict, kind_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FrontEndDescription", "describe_front_end", "draw_features", "draw_filterbank"]

LABELS = ("features", "first derivative", "second derivative")


@dataclass(frozen=True, kw_only=True)
class FrontEndDescription:
    """A front-end in numbers.

    Attributes:
        name: what it was asked for by.
        config: what it was made from.
        fingerprint: of config and tables.
        frame_samples: samples that a frame is made of.
        hop_samples: from one frame to the next.
        span_samples: samples that a frame depends on: more, where it is judged by those around it.
        is_scan: whether frames depend on these alone, so that it can be part of a classifier.
        parameters: numbers that training can change.
        bands_hz: where what each row hears begins and ends.
    """

    name: str
    config: FrontEndConfig
    fingerprint: str
    frame_samples: int
    hop_samples: int
    span_samples: int
    is_scan: bool
    parameters: int
    bands_hz: tuple[tuple[float, float], ...]

    def __str__(self) -> str:
        """The table for the terminal."""
        settings = [f"{name}={value!r}" for name, value in asdict(self.config).items()]
        rate = self.config.sample_rate
        rows = [
            ("front-end", f"{self.name}, of kind {kind_of(self.config)}"),
            ("sample rate", f"{rate} Hz"),
            ("frame", self._time(self.frame_samples)),
            ("hop", f"{self._time(self.hop_samples)}, {rate / self.hop_samples:g} frames a second"),
            ("rows", f"{len(self.bands_hz)}"),
            ("parameters", f"{self.parameters:,} trainable"),
            ("scan", "yes" if self.is_scan else "no: frames depend on all that was heard before"),
            ("fingerprint", self.fingerprint),
            ("settings", ", ".join(settings)),
        ]
        if self.span_samples > self.frame_samples:
            rows.insert(4, ("span", f"{self._time(self.span_samples)}, that a frame depends on"))
        lines = [
            fill(value, 100, initial_indent=f"{name:<13}", subsequent_indent=" " * 13, break_on_hyphens=False)
            for name, value in rows
        ]
        lines += ["", "row      from Hz        to Hz"]
        lines += [f"{i:3}  {low:11.1f}  {high:11.1f}" for i, (low, high) in enumerate(self.bands_hz)]
        return "\n".join(lines)

    def _time(self, samples: int) -> str:
        unit = "sample" if samples == 1 else "samples"
        return f"{samples} {unit}, {1000 * samples / self.config.sample_rate:g} ms"

    def json(self) -> str:
        """The same, for programs; its `config` by itself, in a `.json` file, makes the front-end again."""
        return json.dumps(asdict(self) | {"config": config_as_dict(self.config)}, indent=1)


def describe_front_end(front_end: FrontEnd, *, name: str | None = None) -> FrontEndDescription:
    """Say what a front-end is.

    Args:
        front_end: any.
        name: what to call it; None takes the name of its kind.

    >>> from audiocnn.frontends import create_front_end
    >>> description = describe_front_end(create_front_end("logmel"))
    >>> description.frame_samples, description.hop_samples, len(description.bands_hz)
    (480, 160, 40)
    """
    takes, frame = front_end.time_axis.takes, front_end.scans()[0].time_axis.takes
    assert takes is not None and frame is not None
    return FrontEndDescription(
        name=name or kind_of(front_end.config),
        config=front_end.config,
        fingerprint=front_end.fingerprint(),
        frame_samples=frame.span,
        hop_samples=frame.stride,
        span_samples=takes.span,
        is_scan=front_end.geometry is not None,
        parameters=sum(p.numel() for p in front_end.parameters() if p.requires_grad),
        bands_hz=tuple(front_end.band_edges_hz),
    )


def draw_filterbank(front_end: FrontEnd, path: Path, *, name: str | None = None) -> None:
    """Draw what each band hears: gain over frequency.

    Args:
        front_end: one that has filters.
        path: the picture, ending in `.png`, `.svg` or `.pdf`.
        name: what to call it; None takes the name of its kind.

    Raises:
        ParameterError: for a front-end without filters, or another ending.
    """
    stage = front_end.scans()[0]
    assert isinstance(stage, Stage)
    response = stage.response()
    if response is None:
        raise ParameterError(
            f"front_end={kind_of(front_end.config)!r} has no filters to draw: its rows are the bins of the "
            "Fourier transform"
        )
    hz, gains = response
    figure = figure_for(path, inches=(9, 4), layout="constrained")
    axes = figure.add_subplot()
    colours = _colours(len(gains))
    for gain, colour in zip(gains, colours, strict=True):
        axes.plot(hz, gain, color=colour, linewidth=1)
    axes.set_xlim(0, front_end.sample_rate / 2)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("Hz")
    axes.set_ylabel("gain")
    name, fingerprint = name or kind_of(front_end.config), front_end.fingerprint()
    filters = "1 filter" if len(gains) == 1 else f"{len(gains)} filters"
    axes.set_title(f"{filters} of {name}, fingerprint {fingerprint}", parse_math=False)
    save_figure(figure, path)


def draw_features(
    front_end: FrontEnd, features: npt.NDArray[np.floating], path: Path, *, title: str = ""
) -> None:
    """Draw the features of a recording over time and frequency; derivatives in panels of their own.

    A single row, as of samples, is drawn as a curve.

    Args:
        front_end: that made them.
        features: `(n_freqs, frames)`, frame 0 beginning at the first sample.
        path: the picture, ending in `.png`, `.svg` or `.pdf`.
        title: above it.

    Raises:
        ParameterError: for features of other rows, or another ending.
    """
    if features.ndim != 2 or len(features) != front_end.n_freqs or features.shape[1] == 0:
        raise ParameterError(
            f"features of shape {features.shape} must be ({front_end.n_freqs}, frames), as this front-end "
            "makes them"
        )
    from matplotlib.colors import LogNorm

    description = describe_front_end(front_end)
    seconds = [
        (description.frame_samples / 2 + (frame - 0.5) * description.hop_samples) / front_end.sample_rate
        for frame in (0, features.shape[1])
    ]
    panels = 1 + front_end.config.deltas
    # powers, of which a picture would show the loudest alone
    colours = LogNorm(features.max() * 1e-8, features.max(), clip=True) if _are_powers(features) else None
    rows = front_end.n_freqs // panels
    figure = figure_for(path, inches=(9, 1 + 3 * panels), layout="constrained")
    for i in range(panels):
        axes = figure.add_subplot(panels, 1, i + 1)
        panel, label = features[i * rows : (i + 1) * rows], LABELS[i]
        if rows == 1:
            half_a_frame = 0.5 / front_end.frame_rate_hz
            middles = np.linspace(seconds[0] + half_a_frame, seconds[1] - half_a_frame, panel.shape[1])
            axes.plot(middles, panel[0], linewidth=0.5)
            axes.set_xlim(*seconds)
            axes.set_ylabel(label)
        else:
            image = axes.imshow(
                panel,
                origin="lower",
                aspect="auto",
                interpolation="nearest",
                norm=colours,
                extent=(seconds[0], seconds[1], -0.5, rows - 0.5),
            )
            _label_rows(axes, front_end.band_edges_hz[:rows])
            figure.colorbar(image, ax=axes, label=label)
        if i == 0 and title:
            axes.set_title(title, parse_math=False)  # a "$" is a "$"
    axes.set_xlabel("seconds, of the middle of a frame")
    save_figure(figure, path)


def _are_powers(features: npt.NDArray[np.floating]) -> bool:
    """Whether they are positive, and most of them below a thousandth of the largest."""
    return bool(features.min() >= 0 and 0 < features.max() > 1000 * np.median(features))


def _label_rows(axes: "Axes", bands_hz: list[tuple[float, float]]) -> None:
    """Hz at some of the rows; numbers where every row hears the whole band, as cepstral coefficients do."""
    if len(set(bands_hz)) == 1:
        axes.set_ylabel("coefficient")
        return
    at = np.unique(np.linspace(0, len(bands_hz) - 1, 9).round().astype(int))
    axes.set_yticks(at, [f"{sum(bands_hz[i]) / 2:.0f}" for i in at])
    axes.set_ylabel("Hz")


def _colours(count: int) -> list[tuple[float, ...]]:
    """From low to high."""
    from matplotlib import colormaps

    return [colormaps["viridis"](0.9 * i / max(1, count - 1)) for i in range(count)]
