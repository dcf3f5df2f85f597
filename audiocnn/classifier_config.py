"""What a classifier is made of, as plain values that travel with its weights."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from audiocnn.errors import ParameterError
from audiocnn.frontends import FrontEndConfig, kinds
from audiocnn.models import NetConfig

__all__ = ["ClassifierConfig", "config_as_dict", "config_from"]


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig:
    """Everything that makes a classifier but its numbers; kept in the header of its file.

    Attributes:
        labels: the classes, in the order of the scores.
        front_end: how features are made; its sample rate is the classifier's.
        net: which network.
        activation: `"softmax"` where exactly one class is right, `"sigmoid"` where any number may be.
        window_hop: feature frames from one decision to the next for a net that is no
            scan (padding `"same"`) and is therefore run window by window; None takes what is nearest to
            100 ms.

    Raises:
        ParameterError: for parts that do not fit each other.
    """

    labels: tuple[str, ...]
    front_end: FrontEndConfig
    net: NetConfig
    activation: Literal["softmax", "sigmoid"] = "softmax"
    window_hop: int | None = None

    def __post_init__(self) -> None:
        if not all(isinstance(label, str) and label for label in self.labels):
            raise ParameterError(f"labels={self.labels!r} must be texts, none of them empty")
        if self.net.in_channels != 1:
            raise ParameterError(
                f"in_channels={self.net.in_channels} must be 1, as the front-end gives one channel"
            )
        if len(self.labels) != self.net.num_classes:
            raise ParameterError(
                f"labels: {len(self.labels)} for num_classes={self.net.num_classes}; give one for each class"
            )
        repeated = sorted({label for label in self.labels if self.labels.count(label) > 1})
        if repeated:
            raise ParameterError(
                f"labels: {', '.join(repeated)} stand more than once; give each class its own"
            )
        if self.activation not in ("softmax", "sigmoid"):
            raise ParameterError(f"activation={self.activation!r} must be 'softmax' or 'sigmoid'")
        if self.window_hop is not None and (not isinstance(self.window_hop, int) or self.window_hop < 1):
            raise ParameterError(f"window_hop={self.window_hop!r} must be a positive integer of frames")


def config_as_dict(config: ClassifierConfig) -> dict[str, Any]:
    """The config as plain values for JSON."""
    return asdict(config) | {"front_end": kinds.config_as_dict(config.front_end)}


def config_from(values: dict[str, Any]) -> ClassifierConfig:
    """The config that `config_as_dict` and JSON turned into plain values."""
    net = dict(values["net"])
    if net.get("input_size") is not None:
        net["input_size"] = tuple(net["input_size"])
    return ClassifierConfig(
        labels=tuple(values["labels"]),
        # files of the first format name no kind
        front_end=kinds.config_from_dict({"kind": "logmel"} | values["front_end"]),
        net=NetConfig(**net),
        **{name: value for name, value in values.items() if name not in ("labels", "front_end", "net")},
    )
