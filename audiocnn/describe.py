"""What a network costs and what it sees: the table of any net or classifier."""

from dataclasses import dataclass
from textwrap import fill

from torch import nn

from audiocnn.classifier import Classifier
from audiocnn.models import Net

__all__ = ["MACS_RULE", "Description", "count_macs", "count_parameters", "describe"]

MACS_RULE = (
    "multiply-accumulates of convolutions for one decision on one window; "
    "front-end, norms, activations and pools are not counted"
)


def count_parameters(module: nn.Module) -> int:
    """Trainable numbers: weights and biases, not batch norm's moving statistics."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def count_macs(net: Net) -> int:
    """Multiply-accumulates of a net's convolutions for one decision on one window.

    Every output value of a convolution costs one for each weight that makes it; what is
    spent on padding zeros counts.

    >>> from audiocnn.models import create
    >>> count_macs(create("tc_resnet_8", num_classes=12, padding="same"))
    1522560
    """
    return sum(
        outputs * module.weight[0].numel()
        for module, outputs in net.layer_outputs()
        if isinstance(module, (nn.Conv1d, nn.Conv2d))
    )


@dataclass(frozen=True, kw_only=True)
class Description:
    """A classifier in numbers; times count from the first sample to the last.

    Attributes:
        name: of the model.
        padding: along time, `"valid"` or `"same"`.
        num_classes: classes.
        rows: feature rows.
        parameters: trainable numbers.
        macs: multiply-accumulates for one decision; see `MACS_RULE`.
        is_scan: whether the net scans a long input; otherwise its windows are run one by one.
        span_frames: feature frames in one decision.
        stride_frames: feature frames from one decision to the next.
        receptive_field_frames: what one position before the pool sees, padding included.
        span_ms: the decision in milliseconds of sound.
        stride_ms: from one decision to the next.
        receptive_field_ms: what one position before the pool sees.
    """

    name: str
    padding: str
    num_classes: int
    rows: int
    parameters: int
    macs: int
    is_scan: bool
    span_frames: int
    stride_frames: int
    receptive_field_frames: int
    span_ms: float
    stride_ms: float
    receptive_field_ms: float

    def __str__(self) -> str:
        """A table for the terminal."""
        way = (
            "yes" if self.is_scan else "no: padding leans on each clip's ends, so windows are run one by one"
        )
        field = f"{self.receptive_field_frames} frames, {self.receptive_field_ms:g} ms"
        rows = [
            ("model", f"{self.name}, padding {self.padding!r}, {self.num_classes} classes"),
            ("parameters", f"{self.parameters:,} trainable"),
            ("MACs", f"{self.macs:,}"),
            ("span", f"{self.span_frames} frames, {self.span_ms:g} ms: what one decision hears"),
            ("stride", f"{self.stride_frames} frames, {self.stride_ms:g} ms from one decision to the next"),
            ("receptive field", f"{field} by {self.rows} rows, before the pool"),
            ("scan", way),
        ]
        return "\n".join(
            [*(f"{name:<17}{value}" for name, value in rows), fill(f"MACs are {MACS_RULE}.", 90)]
        )


def describe(classifier: Classifier) -> Description:
    """Count what a classifier costs and what it sees.

    >>> from audiocnn.classifier_config import ClassifierConfig
    >>> from audiocnn.frontends import LogMelConfig
    >>> from audiocnn.models import NetConfig
    >>> description = describe(Classifier(ClassifierConfig(
    ...     labels=("no", "yes"), front_end=LogMelConfig(), net=NetConfig(name="bc_resnet_1", num_classes=2)
    ... )))
    >>> description.span_ms, description.stride_ms, description.receptive_field_frames
    (1450.0, 10.0, 117)
    """
    net, front_end = classifier.bare_net, classifier.front_end.require_law()
    scanned = classifier.net.require_law()
    seen = net.body.time_axis.sees
    assert seen is not None
    per_ms = classifier.sample_rate / 1000
    return Description(
        name=net.config.name,
        padding=str(net.config.padding),
        num_classes=len(classifier.labels),
        rows=net.rows,
        parameters=count_parameters(net),
        macs=count_macs(net),
        is_scan=net.geometry is not None,
        span_frames=scanned.span,
        stride_frames=scanned.stride,
        receptive_field_frames=seen.span,
        span_ms=classifier.geometry.span / per_ms,
        stride_ms=classifier.geometry.stride / per_ms,
        receptive_field_ms=front_end.then(seen).span / per_ms,
    )
