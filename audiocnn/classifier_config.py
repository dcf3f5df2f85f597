"""What a classifier is made of, as plain values that travel with its weights."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias, get_args

from audiocnn.errors import ParameterError
from audiocnn.events import EventConfig
from audiocnn.frontends import FrontEndConfig, kinds
from audiocnn.models import NetConfig
from audiocnn.picture import PictureConfig

__all__ = [
    "ClassifierConfig",
    "ImageClassifierConfig",
    "LabelledConfig",
    "PageNetConfig",
    "PageAim",
    "config_as_dict",
    "config_from",
    "image_config_from",
    "page_config_from",
]


PageAim: TypeAlias = Literal["detect", "localise", "segment"]
"""What is to be said of a page: what is where; what the one thing on it is, and where; what each pixel is."""


@dataclass(frozen=True, kw_only=True)
class LabelledConfig:
    """What every classifier has.

    Attributes:
        labels: the classes, in the order of the scores.
        net: which network.
        activation: `"softmax"` where exactly one class is right, `"sigmoid"` where any number may be.

    Raises:
        ParameterError: for labels that are not one for each class.
    """

    labels: tuple[str, ...]
    net: NetConfig
    activation: Literal["softmax", "sigmoid"] = "softmax"

    def __post_init__(self) -> None:
        if not all(isinstance(label, str) and label for label in self.labels):
            raise ParameterError(f"labels={self.labels!r} must be texts, none of them empty")
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


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig(LabelledConfig):
    """Everything that makes a classifier of sounds but its numbers; kept in the header of its file.

    Attributes:
        front_end: how features are made; its sample rate is the classifier's.
        window_hop: feature frames from one decision to the next for a net that is no
            scan (padding `"same"`) and is therefore run window by window; None takes what is nearest to
            100 ms.
        events: what counts as an event where nothing else is said, as `audiocnn tune` finds it: thresholds of
            labels, smoothing and durations; None for a classifier that was not tuned.
        hop_seconds: from one decision to the next, likewise; None takes the net's own.

    Raises:
        ParameterError: for parts that do not fit each other.
    """

    front_end: FrontEndConfig
    window_hop: int | None = None
    events: EventConfig | None = None
    hop_seconds: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.net.in_channels != 1:
            raise ParameterError(
                f"in_channels={self.net.in_channels} must be 1, as the front-end gives one channel"
            )
        if self.window_hop is not None and (not isinstance(self.window_hop, int) or self.window_hop < 1):
            raise ParameterError(f"window_hop={self.window_hop!r} must be a positive integer of frames")
        if self.events is not None:
            self.events.require_labels(self.labels)
        if self.hop_seconds is not None and not self.hop_seconds > 0:
            raise ParameterError(f"hop_seconds={self.hop_seconds} must be positive; 0.01 is usual")


@dataclass(frozen=True, kw_only=True)
class ImageClassifierConfig(LabelledConfig):
    """Everything that makes a classifier of pictures but its numbers; kept in the header of its file.

    Attributes:
        picture: how a file becomes the picture that the net reads.

    Raises:
        ParameterError: for parts that do not fit each other.
    """

    picture: PictureConfig

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.net.in_channels != self.picture.channels:
            raise ParameterError(
                f"in_channels={self.net.in_channels} must be {self.picture.channels}, as a picture has"
            )
        size = (self.picture.rows, self.picture.columns)
        if self.net.input_size not in (None, size):
            raise ParameterError(
                f"input_size={self.net.input_size} must be {size}, the size of a picture, or None"
            )


@dataclass(frozen=True, kw_only=True)
class PageNetConfig(LabelledConfig):
    """Everything that makes a net for pages but its numbers; kept in the header of its file.

    Attributes:
        task: what it does: a net that detects or localises has a box beside its logits
            (`audiocnn.models.localizer`), one that segments is an `audiocnn.models.fcn.FCN`.
        finest: of segment, as for `FCN`; None takes its default.

    Raises:
        ParameterError: for parts that do not fit each other.
    """

    task: PageAim
    finest: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.task not in get_args(PageAim):
            raise ParameterError(f"task={self.task!r} must be 'detect', 'localise' or 'segment'")
        if self.finest is not None and self.task != "segment":
            raise ParameterError(
                f"finest={self.finest} is of task='segment', and a net that is to {self.task} has no such "
                "map; leave it out"
            )


def config_as_dict(config: LabelledConfig) -> dict[str, Any]:
    """The config as plain values for JSON."""
    values = asdict(config)
    if isinstance(config, ClassifierConfig):
        values["front_end"] = kinds.config_as_dict(config.front_end)
        for name in _TUNED:  # so that a file without can be read by those who know of none
            if values[name] is None:
                del values[name]
    return values


def config_from(values: dict[str, Any]) -> ClassifierConfig:
    """The config that `config_as_dict` and JSON turned into plain values."""
    events = values["events"] if "events" in values else None
    return ClassifierConfig(
        # files of the first format name no kind
        front_end=kinds.config_from_dict({"kind": "logmel"} | values["front_end"]),
        events=None if events is None else EventConfig(**events | {"ignore": tuple(events["ignore"])}),
        **_common(values),
        **{
            name: value
            for name, value in values.items()
            if name not in (*_COMMON, "front_end", "fingerprints", "events")
        },
    )


def image_config_from(values: dict[str, Any]) -> ImageClassifierConfig:
    """The config of a classifier of pictures, likewise."""
    return ImageClassifierConfig(
        picture=PictureConfig(**values["picture"]),
        **_common(values),
        **{name: value for name, value in values.items() if name not in (*_COMMON, "picture")},
    )


def page_config_from(values: dict[str, Any]) -> PageNetConfig:
    """The config of a net for pages, likewise."""
    own = {name: value for name, value in values.items() if name not in _COMMON}
    return PageNetConfig(**_common(values), **own)


_COMMON = ("labels", "net")
_TUNED = ("events", "hop_seconds")


def _common(values: dict[str, Any]) -> dict[str, Any]:
    """What JSON knows as lists and dicts."""
    net = dict(values["net"])
    if net.get("input_size") is not None:
        net["input_size"] = tuple(net["input_size"])
    return {"labels": tuple(values["labels"]), "net": NetConfig(**net)}
