"""What a network costs and what it sees, counted: of any layer, net or classifier."""

from collections.abc import Mapping
from dataclasses import replace

import torch

from audiocnn.accounting import account, count_parameters
from audiocnn.classifier import Classifier
from audiocnn.classifier_config import ClassifierConfig
from audiocnn.description import Description, Scale, count
from audiocnn.errors import ParameterError
from audiocnn.frontends import FrontEndConfig, LogMelConfig, SamplesConfig
from audiocnn.frontends.kinds import kind_of
from audiocnn.geometry import Geometry
from audiocnn.image_classifier import ImageClassifier
from audiocnn.labelled import LabelledNet
from audiocnn.layers import Padding, Scan
from audiocnn.models import IMAGE_MODELS, ImageNet, Net, NetConfig, create
from audiocnn.models.fcn import FCN
from audiocnn.models.localizer import Localizer
from audiocnn.picture import PictureConfig

__all__ = ["describe"]


def describe(
    model: str | LabelledNet | Scan,
    *,
    input_size: tuple[int, ...] | None = None,
    num_classes: int = 12,
    padding: Padding | None = None,
) -> Description:
    """Count what a network costs and what it sees.

    Args:
        model: a classifier, a net, one for pages, any layer, or the name of a model: one for pictures is
            described on the published picture, one for sound behind as many log-mel bands as it has rows by
            default, or behind samples if it has but one.
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
        unnamed = Classifier(ClassifierConfig(labels=labels, front_end=front_end, net=net_config))
        return replace(describe(unnamed), labels=None)
    if isinstance(model, ImageClassifier):
        described = describe(model.net)
        return replace(described, picture=_picture(model.config.picture), labels=model.labels)
    if isinstance(model, Classifier):
        described = _describe_net(model.bare_net, model.net.require_law(), Scale.of(model.front_end))
        stream = account(model, (model.geometry.span,)).layers
        state_bytes = sum(layer.state_bytes for layer in stream)
        return replace(
            described,
            state_bytes=state_bytes,
            front_end=_front_end(model),
            labels=model.labels,
            events=_events(model.config),
        )
    if isinstance(model, LabelledNet):  # of pages
        return replace(describe(model.net), labels=model.labels)
    if isinstance(model, Localizer | FCN):
        name = f"{type(model).__name__}, {model.num_classes} classes"
        size = (model.in_channels, model.rows, model.window)
        body = model[:1] if isinstance(model, Localizer) else model
        return replace(_describe(model, name, size, model.geometry, None, body), of_pictures=True)
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
    rows = count(front_end.n_freqs, "row")
    return (
        f"{kind_of(front_end.config)} of {rows} at {front_end.sample_rate} Hz (others are "
        f"{'resampled' if classifier.resamples else 'refused'}), "
        f"{f'{learnt:,} parameters of its own, ' if learnt else ''}fingerprint {front_end.fingerprint()}"
    )


def _events(config: ClassifierConfig) -> str | None:
    """What a classifier was tuned to."""
    if config.events is None:
        return None
    events, on = config.events, config.events.on
    scores = [f"{label} from {score:.6g}" for label, score in on.items()] if isinstance(on, Mapping) else []
    durations = {
        f"the {events.smoothing} of": events.smoothing_seconds,
        "one across gaps of": events.merge_seconds,
        "at least": events.min_seconds,
        "refractory for": events.refractory_seconds,
        "a decision every": config.hop_seconds or 0.0,
    }
    said = [f"{what} {1000 * seconds:g} ms" for what, seconds in durations.items() if seconds]
    return "; ".join([", ".join(scores) or f"all from {on}", *said])


def _picture(config: PictureConfig) -> str:
    """The size of a classifier's pictures, and how others get it."""
    covered = f"{round(config.rows / config.crop_share)} x {round(config.columns / config.crop_share)}"
    background = f"background of {config.background:g}"
    how = {
        "crop": f"resized until they cover {covered}, and their middle is cut out",
        "stretch": "resized to that, whatever their shape",
        "pad": f"resized until they fit in, on a {background}",
        "centre": f"not resized: their middle is cut out, or put on a {background}",
    }[config.how]
    colours = "grey" if config.channels == 1 else "in colour"
    return f"{config.rows} x {config.columns} px, {colours}; others are {how}"


def _describe_net(net: Net, geometry: Geometry, scale: Scale | None) -> Description:
    config = net.config
    name = f"{config.name}, padding {config.padding!r}, {config.num_classes} classes"
    described = _describe(net, name, (config.in_channels, net.rows, net.window), geometry, scale, net.body)
    return replace(described, of_pictures=isinstance(net, ImageNet) and scale is None)


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
        macs_of_next = sum(layer.macs for layer in longer) - sum(layer.macs for layer in layers)
    return Description(
        name=name,
        input=input_size,
        output=counted.output,
        parameters=count_parameters(network),
        macs=sum(layer.macs for layer in layers),
        macs_of_next=macs_of_next,
        operations=sum(layer.operations for layer in layers),
        neurons=sum(layer.neurons for layer in layers),
        connections=sum(layer.connections for layer in layers),
        activation_bytes=sum(layer.activation_bytes for layer in layers),
        largest_layer_bytes=max(layer.activation_bytes for layer in layers),
        state_bytes=sum(layer.state_bytes for layer in layers) if own else None,
        is_scan=own is not None,
        span=span,
        stride=moves.stride,
        look_ahead=span // 2,
        receptive_field=body.time_axis.receptive_field,
        receptive_field_rows=body.row_axis.receptive_field if body.row_axis else None,
        scale=scale,
        front_end=None,
        picture=None,
        labels=None,
        events=None,
        of_pictures=False,
        layers=layers,
    )
