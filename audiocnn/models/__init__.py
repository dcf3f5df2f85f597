"""The networks, one family per file, and the one dict that names them all."""

from collections.abc import Callable
from difflib import get_close_matches
from functools import partial

from audiocnn.errors import ParameterError
from audiocnn.layers import Padding
from audiocnn.models.bc_resnet import bc_resnet
from audiocnn.models.net import InputSize, Net, NetConfig
from audiocnn.models.tc_resnet import tc_resnet
from audiocnn.models.tdnn import tdnn

__all__ = ["MODELS", "Net", "NetConfig", "create"]

# With "valid" padding the kernels shrink and the widths grow, to about the same parameters.
_tc_resnet_8 = partial(tc_resnet, blocks=1, valid_kernel_size=5, valid_width=1.33)
_tc_resnet_14 = partial(tc_resnet, blocks=2, valid_kernel_size=3, valid_width=1.71)

MODELS: dict[str, Callable[..., Net]] = {
    "tdnn": tdnn,
    "tc_resnet_8": _tc_resnet_8,
    "tc_resnet_8_1_5": partial(_tc_resnet_8, width=1.5),
    "tc_resnet_14_0_4": partial(_tc_resnet_14, width=0.4),
    "tc_resnet_14": _tc_resnet_14,
    "tc_resnet_14_1_5": partial(_tc_resnet_14, width=1.5),
    "bc_resnet_1": partial(bc_resnet, base_channels=8),
    "bc_resnet_1_5": partial(bc_resnet, base_channels=12),
    "bc_resnet_2": partial(bc_resnet, base_channels=16),
    "bc_resnet_3": partial(bc_resnet, base_channels=24),
    "bc_resnet_6": partial(bc_resnet, base_channels=48),
    "bc_resnet_8": partial(bc_resnet, base_channels=64),
}


def create(
    name: str,
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding | None = None,
) -> Net:
    """Build a net of `MODELS`, with fresh weights.

    Args:
        name: a name in `audiocnn.models.MODELS`.
        num_classes: classes, one logit each.
        in_channels: channels of the input; 1 for a spectrogram.
        input_size: `(rows, window)`: feature rows and frames in one decision, such as
            `(40, 98)`. Either, or the whole, may be None for the family's own default.
        padding: along time: `"valid"`, the default, makes the net a scan, whose scores on a
            stream are those on clips; `"same"` is the net as published.

    Returns:
        The net: `(batch, in_channels, rows, time)` -> logits `(batch, num_classes, windows)`.

    Raises:
        ParameterError: for an unknown name (with the nearest) or sizes that cannot work.

    >>> import torch
    >>> net = create("tc_resnet_8", num_classes=12, padding="same")
    >>> net(torch.zeros(1, 1, 40, 98)).shape
    torch.Size([1, 12, 1])
    >>> sum(p.numel() for p in net.parameters())
    65180
    """
    if name not in MODELS:
        near = get_close_matches(name, MODELS, n=3)
        remedy = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(MODELS)}"
        raise ParameterError(f"name={name!r} is no model; {remedy}")
    for argument, value in (("num_classes", num_classes), ("in_channels", in_channels)):
        if not isinstance(value, int) or value < 1:
            raise ParameterError(f"{argument}={value!r} must be a positive integer")
    if padding not in ("valid", "same", None):
        raise ParameterError(f"padding={padding!r} must be 'valid' or 'same'")
    net = MODELS[name](
        num_classes=num_classes,
        in_channels=in_channels,
        input_size=input_size,
        padding=padding or "valid",
    )
    net.config = NetConfig(
        name=name,
        num_classes=num_classes,
        in_channels=in_channels,
        input_size=(net.rows, net.window),
        padding=padding or "valid",
    )
    return net
