"""What a network costs and what it sees, written out: as a page, a table of its layers, and JSON."""

import json
from dataclasses import asdict, dataclass
from textwrap import fill

from audiocnn.accounting import LayerAccount
from audiocnn.errors import ParameterError
from audiocnn.frontends import FrontEnd
from audiocnn.geometry import ReceptiveField

__all__ = ["MACS_RULE", "Description", "Scale", "count"]

_LABELS_SHOWN = 20

MACS_RULE = (
    "MACs are the multiplications of convolutions and dense layers for one input, those with padding "
    "included; front-end, biases, norms, activations and pools are not counted. Operations are "
    "multiplications and additions, biases and what pools add or compare included, and one for each number "
    "that a norm or an activation gives."
)


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What a step of a network's input is in the world: frames of a front-end, and their bands.

    Attributes:
        span_ms: one frame.
        hop_ms: from one frame to the next.
        bands_hz: where the filter of each row begins and ends.
    """

    span_ms: float
    hop_ms: float
    bands_hz: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, front_end: FrontEnd) -> "Scale":
        """The scale of a front-end."""
        frame, per_ms = front_end.require_law(), front_end.config.sample_rate / 1000
        return cls(
            span_ms=frame.span / per_ms, hop_ms=frame.stride / per_ms, bands_hz=tuple(front_end.band_edges_hz)
        )

    def ms(self, steps: int) -> float:
        """How much sound that many neighbouring frames hear."""
        return self.span_ms + (steps - 1) * self.hop_ms

    def hz(self, rows: int) -> tuple[float, float]:
        """How wide that many neighbouring rows are, at the lowest place and at the highest."""
        rows = min(rows, len(self.bands_hz))
        (low, _), (_, top) = self.bands_hz[0], self.bands_hz[-1]
        return self.bands_hz[rows - 1][1] - low, top - self.bands_hz[-rows][0]


@dataclass(frozen=True, kw_only=True)
class Description:
    """A network in numbers, as a whole and layer by layer.

    Attributes:
        name: of the model, or the class of a layer.
        input: `(channel, rows, time)` or `(channel, time)`: of a net one window, which gives one output;
            of a layer what it was described for.
        output: what it gives, without the batch.
        parameters: trainable numbers.
        macs: multiply-accumulates for that input; see `MACS_RULE`.
        macs_of_next: what one more output costs where the net scans on; None where it does not, and that
            costs as much as the first.
        operations: multiplications and additions, and one for each number that other layers give.
        neurons: numbers that convolutions, dense layers and pools give, as the classic papers count.
        connections: their inputs and biases.
        activation_bytes: memory of all that the layers give, for one input.
        largest_layer_bytes: of the layer that gives most.
        state_bytes: what a stream keeps at most, of a classifier its front-end included; None where a
            net cannot stream.
        is_scan: whether it scans a long input; otherwise its windows are run one by one.
        span: input steps in one output; of what is no scan, in a window that is run by itself.
        stride: input steps from one output to the next; of a net that is no scan, from window to window.
        look_ahead: input steps that an output waits for after the middle of its span.
        receptive_field: what one output sees, or for a net one position before its pool, padding counted;
            None where that is the whole input, or differs from output to output.
        receptive_field_rows: the same for rows; None where all are seen, or there are none.
        scale: what steps and rows are in milliseconds and Hz; None without a front-end.
        front_end: of a classifier of sounds, which, at what rate, its fingerprint, and what becomes of other
            rates.
        picture: of a classifier of pictures, their size, and how others get it.
        labels: of a classifier, its classes; None where they have no names.
        events: of a classifier that was tuned, what it takes for an event.
        of_pictures: whether its input is a picture, whose last axis is columns and not time.
        layers: every layer, in order.
    """

    name: str
    input: tuple[int, ...]
    output: tuple[int, ...]
    parameters: int
    macs: int
    macs_of_next: int | None
    operations: int
    neurons: int
    connections: int
    activation_bytes: int
    largest_layer_bytes: int
    state_bytes: int | None
    is_scan: bool
    span: int
    stride: int
    look_ahead: int
    receptive_field: ReceptiveField | None
    receptive_field_rows: ReceptiveField | None
    scale: Scale | None
    front_end: str | None
    picture: str | None
    labels: tuple[str, ...] | None
    events: str | None
    of_pictures: bool
    layers: tuple[LayerAccount, ...]

    @property
    def span_ms(self) -> float:
        """The sound that one decision hears."""
        return self._known_scale().ms(self.span)

    @property
    def stride_ms(self) -> float:
        """From one decision to the next."""
        return self.stride * self._known_scale().hop_ms

    @property
    def receptive_field_ms(self) -> float:
        """The sound that one position before the pool sees, which may be all that there is."""
        return self._known_scale().ms(self.receptive_field.size if self.receptive_field else self.span)

    def _known_scale(self) -> Scale:
        if self.scale is None:
            raise ParameterError(f"{self.name} has no front-end, so its steps have no milliseconds")
        return self.scale

    def __str__(self) -> str:
        """The whole, for the terminal."""
        next_macs = ""
        if self.macs_of_next:
            next_macs = f"; scanning on, {self.macs_of_next:,} for each further output"
            if self.input[-1] == self.span:
                next_macs += f", {self.macs / self.macs_of_next:.3g} times less than window by window"
        rows = [
            ("model", self.name),
            ("front-end", self.front_end),
            ("picture", self.picture),
            ("labels", self._labels()),
            ("events", self.events),
            ("input, output", f"{_by(self.input)}, {_by(self.output)}"),
            ("parameters", f"{self.parameters:,} trainable"),
            ("MACs", f"{self.macs:,}{next_macs}"),
            ("operations", f"{self.operations:,}"),
            ("neurons", f"{self.neurons:,} with {self.connections:,} connections"),
            (
                "activations",
                f"{self.activation_bytes:,} bytes, of the largest layer {self.largest_layer_bytes:,}",
            ),
            *(self._seen_of_pictures() if self.of_pictures else self._seen_in_time()),
        ]
        width = 100
        body = [
            fill(value, width, initial_indent=f"{name:<17}", subsequent_indent=" " * 17)
            for name, value in rows
            if value is not None
        ]
        return "\n".join([*body, fill(MACS_RULE, width)])

    def _labels(self) -> str | None:
        if self.labels is None:
            return None
        more = len(self.labels) - _LABELS_SHOWN
        return ", ".join(self.labels[:_LABELS_SHOWN]) + (f" and {more} more" if more > 0 else "")

    def _seen_in_time(self) -> list[tuple[str, str]]:
        """How it moves over sound, and what it sees of it."""
        state = (
            "none: it cannot stream"
            if self.state_bytes is None
            else f"at most {self.state_bytes:,} bytes" + (", the front-end's included" if self.scale else "")
        )
        sees = "what one output sees" if self.is_scan else "a window, which is run by itself"
        reason = next((layer.remedy for layer in self.layers if not layer.keeps_law), "")
        return [
            ("streaming state", state),
            ("span", f"{self._steps(self.span)}: {sees}"),
            ("stride", f"{self._hop(self.stride)} from one output to the next"),
            ("look-ahead", f"{self._hop(self.look_ahead)} after the middle of the span"),
            ("receptive field", self._field()),
            (
                "scan",
                "yes: a long input goes through it once, whatever the hop"
                if self.is_scan
                else f"no: a long input is read window by window, as {reason}",
            ),
        ]

    def _seen_of_pictures(self) -> list[tuple[str, str]]:
        """What it sees of a picture, and how it moves over a larger one."""
        rows, columns = self.receptive_field_rows, self.receptive_field
        before = "" if columns == self.layers[-1].time else ", before the pool"
        field = f"{_sees(columns, rows, True)} px{before}"
        moves = (
            f"of a larger picture a decision every {_moves(self.layers[-1].time, self.layers[-1].rows)} px"
        )
        if self.output[1:] == self.input[1:]:
            every = "no: of any picture a decision for every pixel, in view of how far its edges are"
            return [("receptive field", "no fixed part of the picture"), ("scan", every)]
        padded = "but padding is put around the whole of it, not around what each decision is on"
        return [
            ("receptive field", field if rows or columns else "the whole picture, or no fixed part of it"),
            ("scan", f"yes: {moves}" if self.is_scan else f"no: {moves}, {padded}"),
        ]

    def table(self) -> str:
        """Layer by layer, for the terminal: shapes, costs and what each output sees.

        Hz are how wide the rows seen are, at the bottom and at the top of the features.
        """
        has_rows = len(self.input) > 2
        step = "frames" if self.scale else "px" if has_rows else "steps"
        world = "ms x Hz" if has_rows else "ms"
        rows = [
            {
                "layer": layer.name.replace("branches.", "").replace("crops.", "crop "),
                "kind": layer.kind,
                "output": _by(layer.output),
                "parameters": f"{layer.parameters:,}",
                "MACs": f"{layer.macs:,}",
                "state B": f"{layer.state_bytes:,}",
                f"sees, {step}": _sees(layer.time, layer.rows, has_rows),
                "moves by": _moves(layer.time, layer.rows),
                world: self._sees_in_world(layer, has_rows),
                "law": "yes" if layer.keeps_law else "no",
            }
            for layer in self.layers
        ]
        total = {
            "layer": "all",
            "output": _by(self.output),
            "parameters": f"{self.parameters:,}",
            "MACs": f"{self.macs:,}",
            "state B": f"{sum(layer.state_bytes for layer in self.layers):,}",
        }
        streams = self.is_scan and not self.of_pictures
        left_out = {None if self.scale else world, None if streams else "state B"}
        names = [name for name in rows[0] if name not in left_out]
        lines = [names, *([row.get(name, "") for name in names] for row in [*rows, total])]
        return _columns(lines, right={"parameters", "MACs", "state B"})

    def json(self) -> str:
        """The same, for programs: all attributes, the rule of the MACs, and what steps are in ms and Hz."""
        values = asdict(self) | {"macs_rule": MACS_RULE}
        if self.scale:
            values |= {
                "span_ms": self.span_ms,
                "stride_ms": self.stride_ms,
                "look_ahead_ms": self.look_ahead * self.scale.hop_ms,
                "receptive_field_ms": self.receptive_field_ms,
            }
            for layer, row in zip(self.layers, values["layers"], strict=True):
                row["time_ms"] = self.scale.ms(layer.time.size) if layer.time else None
                row["rows_hz"] = self._hz(layer)
        return json.dumps(values, indent=1)

    def _steps(self, steps: int) -> str:
        return (
            count(steps, "frame") + f", {self.scale.ms(steps):g} ms" if self.scale else count(steps, "step")
        )

    def _hop(self, steps: int) -> str:
        if self.scale is None:
            return count(steps, "step")
        return count(steps, "frame") + f", {steps * self.scale.hop_ms:g} ms"

    def _field(self) -> str:
        if self.receptive_field is None:
            return "the whole input, or no fixed part of it"
        text = self._steps(self.receptive_field.size)
        if len(self.input) > 2:
            field = self.receptive_field_rows
            text += f" by {count(field.size if field else self.input[-2], 'row')}"
        return text + ("" if self.receptive_field == self.layers[-1].time else ", before the pool")

    def _hz(self, layer: LayerAccount) -> tuple[float, float]:
        scale = self._known_scale()
        return scale.hz(layer.rows.size if layer.rows else len(scale.bands_hz))

    def _sees_in_world(self, layer: LayerAccount, has_rows: bool) -> str:
        if self.scale is None:
            return ""
        ms = "all" if layer.time is None else f"{self.scale.ms(layer.time.size):g}"
        if not has_rows:
            return ms
        low, high = self._hz(layer)
        return f"{ms} x " + (f"{low:.0f}" if round(low) == round(high) else f"{low:.0f}-{high:.0f}")


def count(number: int, unit: str) -> str:
    """A number of things, in words."""
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _sees(time: ReceptiveField | None, rows: ReceptiveField | None, has_rows: bool) -> str:
    across = f"{time.size}" if time else "all"
    return f"{rows.size if rows else 'all'} x {across}" if has_rows else across


def _moves(time: ReceptiveField | None, rows: ReceptiveField | None) -> str:
    across = f"{time.stride}" if time else "-"
    return f"{rows.stride} x {across}" if rows else across


def _columns(lines: list[list[str]], *, right: set[str]) -> str:
    """Lines of words in columns, those named `right` flush right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    flush = [">" if name in right else "<" for name in lines[0]]
    return "\n".join(
        "  ".join(
            f"{word:{side}{width}}" for word, side, width in zip(line, flush, widths, strict=True)
        ).rstrip()
        for line in lines
    )
