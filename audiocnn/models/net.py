"""What every audio net has in common: a body, a pool over the window, a head."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import torch
from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.layers import Conv1d, Conv2d, Padding, Scan, Sequential, WindowMean
from audiocnn.layers.pointwise import is_traced
from audiocnn.models.in_parts import largest_result, run_in_parts

__all__ = ["InputSize", "Net", "NetConfig", "draw_weights", "resolve_input_size", "rows_left"]

# (rows, window): either of them, or the whole, None for the family's default
InputSize: TypeAlias = tuple[int | None, ...] | None
AnyNet = TypeVar("AnyNet", bound="Net")


@dataclass(frozen=True, kw_only=True)
class NetConfig:
    """What `audiocnn.models.create` is called with: builds the net again, and travels with its weights.

    A net's own `config` has every default filled in.
    """

    name: str
    num_classes: int
    in_channels: int = 1
    input_size: InputSize = None
    padding: Padding | None = None


class Net(Sequential):
    """A network that decides on one window of feature frames at a time.

    `(batch, channel, rows, time)` -> logits `(batch, num_classes, windows)`. The pool covers
    what the body leaves of one window, so that a clip of one window gives one decision
    and a longer one a track of them.

    Args:
        body: everything before the pool: `(batch, channel, rows, time)` -> `(batch, channel, time')`.
        channels: channels the body gives.
        num_classes: classes, one logit each.
        input_size: `(rows, window)` in feature rows and frames.
        pool: makes, for the positions that the body leaves of one window, what sums them up:
            `(batch, channels, positions)` -> `(batch, pooled, 1)`. A pool such as `WindowMean`, or a
            convolution over all positions, which is what a dense layer on flattened features is.
        positions: that many, for a body whose axis does not say (of layers with `ceil_mode`).
        pooled: channels that the pool gives; as many as the body by default.
        head: layers between the pool and the logits, with the channels they give.
        logits: makes, for the positions, the layer that gives the logits; by default a dense one, on what the
            pool or the head gives.
        tail: makes, for the positions, layers behind the logits, if any: what sums up a map of class scores.
        shorter_with_same: whether the family's net of `padding="same"` takes shorter windows than this one,
            which the error for a short window then says.

    Raises:
        ParameterError: if the window does not hold what the body sees, or is too short to be mirrored.

    Attributes:
        window: frames a decision spans. With `"valid"` padding it is at most what was asked
            for: the strides may not reach the last few frames.
        rows: feature rows of the input.
        config: what `create` built the net from.
    """

    config: NetConfig
    body: Scan
    # what the last axis counts, and the layer that gives the logits
    steps: str = "frames"
    dense: type[Conv1d] | type[Conv2d] = Conv1d

    def __init__(
        self,
        body: Scan,
        *,
        channels: int,
        num_classes: int,
        input_size: tuple[int, int],
        pool: Callable[[int], Scan] = WindowMean,
        positions: int | None = None,
        pooled: int | None = None,
        head: tuple[Scan, int] | None = None,
        logits: Callable[[int], Scan] | None = None,
        tail: Callable[[int], Scan] | None = None,
        shorter_with_same: bool = True,
    ) -> None:
        rows, window = input_size
        takes = body.time_axis.takes
        if positions is None:
            assert takes is not None  # or the family has to say
            positions = takes.output_length(window)
            if positions == 0:
                verb = "sees" if body.geometry else "needs"
                remedy = ", or padding='same'" if body.geometry and shorter_with_same else ""
                raise ParameterError(
                    f"window={window} {self.steps} do not hold the {takes.span} that the net {verb}; give "
                    f"input_size=({rows}, {takes.span}) or more{remedy}"
                )
        # no net here mirrors what it has strided over
        mirrors = (
            max(layer.pads)
            for layer in body.modules()
            if isinstance(layer, Conv1d) and layer.padding_mode == "reflect"
        )
        least = 1 + max(mirrors, default=0)
        if window < least:
            raise ParameterError(
                f"window={window} is too short: the net mirrors {least - 1} {self.steps} at both ends; give "
                f"input_size=({rows}, {least}) or more"
            )
        layers: dict[str, Scan] = {"body": body, "pool": pool(positions)}
        given = pooled or channels
        if head is not None:
            layers["head"], given = head
        layers["logits"] = self.dense(given, num_classes, 1) if logits is None else logits(positions)
        if tail is not None:
            layers["tail"] = tail(positions)
        super().__init__(layers)
        self.rows = rows
        self.window = body.geometry.input_length(positions) if body.geometry else window
        self._numbers_per_frame: float | None = None  # of its largest layer, known from the first batch on

    def forward(self, x: Tensor) -> Tensor:
        """Apply every layer in turn; in inference on a processor a large batch is run in parts."""
        run = super().forward
        if is_traced() or self.training or torch.is_grad_enabled() or not x.is_cpu or len(x) < 2:
            return run(x)
        if self._numbers_per_frame is None:
            self._numbers_per_frame = largest_result(run, x[:1]) / x.shape[-1]
        return run_in_parts(self, run, x, round(self._numbers_per_frame * x.shape[-1]))


def draw_weights(net: AnyNet) -> AnyNet:
    """Draw the weights of a net so that what passes its ReLUs neither fades nor grows.

    He et al. 2015, "Delving Deep into Rectifiers", arXiv 1502.01852: normal ones of variance 2 / inputs, and
    biases of 0. (torch draws ones of a sixth of that: the logits of a fresh GoogLeNet without norms then
    differ by 1e-7 from one input to another.) Layers of logits stay as they are.

    Returns:
        The net.
    """
    for name, layer in net.named_modules():
        if isinstance(layer, Conv1d | Conv2d) and name.rpartition(".")[2] != "logits":
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return net


def resolve_input_size(
    input_size: InputSize, *, default: tuple[int, int], window: int | None = None
) -> tuple[int, int]:
    """Fill in what is None from the family's default, and check the rest.

    Args:
        input_size: what is asked for.
        default: of the family.
        window: its default for rows that are given, as a front-end's are; that of `default` by default.

    >>> resolve_input_size((None, 98), default=(40, 140))
    (40, 98)
    >>> resolve_input_size((64, None), default=(224, 224), window=96)
    (64, 96)
    """
    if input_size is None:
        return default
    if window is not None and input_size[0] is not None:
        default = default[0], window
    if len(input_size) != 2:
        raise ParameterError(
            f"input_size={input_size} must be (rows, window), such as {default}: this net reads spectrograms"
        )
    rows, window = (own if own is not None else other for own, other in zip(input_size, default, strict=True))
    for name, value in (("rows", rows), ("window", window)):
        if not isinstance(value, int) or value < 1:
            raise ParameterError(f"input_size={input_size}: {name} must be a positive integer")
    return rows, window


def rows_left(layers: Scan, input_size: tuple[int, int]) -> int:
    """How many rows the layers before the pool leave of those of the input.

    Raises:
        ParameterError: if they leave none.

    >>> from audiocnn.layers import Conv2d
    >>> rows_left(Conv2d(1, 6, 5, stride=2), (40, 98))
    18
    """
    rows, window = input_size
    takes = layers.row_axis.takes if layers.row_axis else None
    assert takes is not None  # or the family has to say
    left = takes.output_length(rows)
    if left == 0:
        raise ParameterError(
            f"rows={rows} do not hold the {takes.span} that the net needs; give "
            f"input_size=({takes.span}, {window}) or more"
        )
    return left
