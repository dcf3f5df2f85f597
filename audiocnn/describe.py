"""What a network costs and what it sees: the table of any layer, net or classifier."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from textwrap import fill

import torch

from audiocnn.accounting import LayerAccount, account, count_parameters
from audiocnn.classifier import Classifier
from audiocnn.classifier_config import ClassifierConfig
from audiocnn.errors import ParameterError
from audiocnn.frontends import FrontEnd, FrontEndConfig, LogMelConfig, SamplesConfig
from audiocnn.frontends.kinds import kind_of
from audiocnn.geometry import Geometry, ReceptiveField
from audiocnn.layers import Padding, Scan
from audiocnn.models import IMAGE_MODELS, Net, NetConfig, create

__all__ = ["MACS_RULE", "Description", "Scale", "describe"]

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
        front_end: of a classifier, which, at what rate, its fingerprint, and what becomes of other rates.
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
        state = (
            "none: it cannot stream"
            if self.state_bytes is None
            else f"at most {self.state_bytes:,} bytes" + (", the front-end's included" if self.scale else "")
        )
        sees = "what one output sees" if self.is_scan else "a window, which is run by itself"
        reason = "no: " + next((layer.remedy for layer in self.layers if not layer.keeps_law), "")
        rows = [
            ("model", self.name),
            ("input, output", f"{_by(self.input)}, {_by(self.output)}"),
            ("parameters", f"{self.parameters:,} trainable"),
            ("MACs", f"{self.macs:,}{next_macs}"),
            ("operations", f"{self.operations:,}"),
            ("neurons", f"{self.neurons:,} with {self.connections:,} connections"),
            (
                "activations",
                f"{self.activation_bytes:,} bytes, of the largest layer {self.largest_layer_bytes:,}",
            ),
            ("streaming state", state),
            ("span", f"{self._steps(self.span)}: {sees}"),
            ("stride", f"{self._hop(self.stride)} from one output to the next"),
            ("look-ahead", f"{self._hop(self.look_ahead)} after the middle of the span"),
            ("receptive field", self._field()),
            ("scan", "yes" if self.is_scan else reason),
        ]
        if self.front_end is not None:
            rows.insert(1, ("front-end", self.front_end))
        width = 100
        body = [
            fill(value, width, initial_indent=f"{name:<17}", subsequent_indent=" " * 17)
            for name, value in rows
        ]
        return "\n".join([*body, fill(MACS_RULE, width)])

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
            "state B": f"{_total(layer.state_bytes for layer in self.layers):,}",
        }
        left_out = {None if self.scale else world, None if self.is_scan else "state B"}
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
            _count(steps, "frame") + f", {self.scale.ms(steps):g} ms" if self.scale else _count(steps, "step")
        )

    def _hop(self, steps: int) -> str:
        if self.scale is None:
            return _count(steps, "step")
        return _count(steps, "frame") + f", {steps * self.scale.hop_ms:g} ms"

    def _field(self) -> str:
        if self.receptive_field is None:
            return "the whole input, or no fixed part of it"
        text = self._steps(self.receptive_field.size)
        if len(self.input) > 2:
            field = self.receptive_field_rows
            text += f" by {_count(field.size if field else self.input[-2], 'row')}"
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


def describe(
    model: str | Classifier | Scan,
    *,
    input_size: tuple[int, ...] | None = None,
    num_classes: int = 12,
    padding: Padding | None = None,
) -> Description:
    """Count what a network costs and what it sees.

    Args:
        model: a classifier, a net, any layer, or the name of a model: one for pictures is described on the
            published picture, one for sound behind as many log-mel bands as it has rows by default, or behind
            samples if it has but one.
        input_size: for a layer, the shape of its input without the batch.
        num_classes: for a name.
        padding: for a name; the net's own by default.

    Raises:
        ParameterError: for an unknown name, a module that is no layer of this library, a layer that only
            hands on its input, or one without `input_size`.

    >>> description = describe("bc_resnet_1")
    >>> description.parameters, description.span_ms, description.stride_ms, description.receptive_field.size
    (9232, 1450.0, 10.0, 117)
    >>> from audiocnn.layers import Conv2d, MaxPool2d, ReLU, Sequential
    >>> stem = Sequential(Conv2d(3, 96, 11, stride=4), ReLU(), MaxPool2d(3, stride=2))
    >>> print(describe(stem, input_size=(3, 227, 227)).table())  # doctest: +NORMALIZE_WHITESPACE
    layer  kind       output      parameters         MACs  state B  sees, px  moves by  law
    0      Conv2d     96x55x55        34,944  105,415,200   27,240   11 x 11     4 x 4  yes
    1      ReLU       96x55x55             0            0        0   11 x 11     4 x 4  yes
    2      MaxPool2d  96x27x27             0            0   42,240   19 x 19     8 x 8  yes
    all               96x27x27        34,944  105,415,200   69,480
    """
    if isinstance(model, str) and model in IMAGE_MODELS:
        model = create(model, num_classes=num_classes, padding=padding)
    if isinstance(model, str):
        net_config = NetConfig(name=model, num_classes=num_classes, padding=padding)
        labels = tuple(str(i) for i in range(num_classes))
        with torch.device("meta"):  # its rows are asked for, and not its weights
            rows = create(model, num_classes=num_classes, padding=padding).rows
        front_end: FrontEndConfig = SamplesConfig() if rows == 1 else LogMelConfig(n_mels=rows)
        model = Classifier(ClassifierConfig(labels=labels, front_end=front_end, net=net_config))
    if isinstance(model, Classifier):
        described = _describe_net(model.bare_net, model.net.require_law(), Scale.of(model.front_end))
        stream = account(model, (model.geometry.span,)).layers
        state_bytes = _total(layer.state_bytes for layer in stream)
        return replace(described, state_bytes=state_bytes, front_end=_front_end(model))
    if isinstance(model, Net):
        return _describe_net(model, model.geometry or Geometry(model.window, 1), None)
    if not isinstance(model, Scan):
        raise ParameterError(
            f"model is a {type(model).__module__}.{type(model).__name__}; give a classifier, a net, the name "
            "of a model, or layers of audiocnn.layers"
        )
    if input_size is None:
        raise ParameterError(
            f"input_size=None: give the shape that {type(model).__name__} reads, such as (1, 40, 98)"
        )
    return _describe(model, type(model).__name__, input_size, model.geometry, None, model)


def _front_end(classifier: Classifier) -> str:
    front_end = classifier.front_end
    learnt = sum(parameter.numel() for parameter in front_end.parameters())
    rows = _count(front_end.n_freqs, "row")
    return (
        f"{kind_of(front_end.config)} of {rows} at {front_end.sample_rate} Hz (others are "
        f"{'resampled' if classifier.resamples else 'refused'}), "
        f"{f'{learnt:,} parameters of its own, ' if learnt else ''}fingerprint {front_end.fingerprint()}"
    )


def _describe_net(net: Net, geometry: Geometry, scale: Scale | None) -> Description:
    config = net.config
    name = f"{config.name}, padding {config.padding!r}, {config.num_classes} classes"
    return _describe(net, name, (config.in_channels, net.rows, net.window), geometry, scale, net.body)


def _describe(
    network: Scan,
    name: str,
    input_size: tuple[int, ...],
    geometry: Geometry | None,
    scale: Scale | None,
    body: Scan,
) -> Description:
    """Describe `network`, which moves by `geometry`, and what `body`, its part before the pool, sees."""
    counted = account(network, input_size)
    layers, own = counted.layers, network.geometry
    if not layers:
        raise ParameterError(f"model has no layers to describe: {name} hands on its input as it is")
    span = geometry.span if geometry else input_size[-1]
    moves = geometry or network.time_axis.sees or Geometry()
    macs_of_next = None
    if own:
        longer = account(network, (*input_size[:-1], input_size[-1] + own.stride)).layers
        macs_of_next = _total(layer.macs for layer in longer) - _total(layer.macs for layer in layers)
    return Description(
        name=name,
        input=input_size,
        output=counted.output,
        parameters=count_parameters(network),
        macs=_total(layer.macs for layer in layers),
        macs_of_next=macs_of_next,
        operations=_total(layer.operations for layer in layers),
        neurons=_total(layer.neurons for layer in layers),
        connections=_total(layer.connections for layer in layers),
        activation_bytes=_total(layer.activation_bytes for layer in layers),
        largest_layer_bytes=max(layer.activation_bytes for layer in layers),
        state_bytes=_total(layer.state_bytes for layer in layers) if own else None,
        is_scan=own is not None,
        span=span,
        stride=moves.stride,
        look_ahead=span // 2,
        receptive_field=body.time_axis.receptive_field,
        receptive_field_rows=body.row_axis.receptive_field if body.row_axis else None,
        scale=scale,
        front_end=None,
        layers=layers,
    )


def _total(numbers: Iterable[int]) -> int:
    return sum(numbers)


def _count(number: int, unit: str) -> str:
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
