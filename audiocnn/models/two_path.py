"""Two nets over one spectrogram, one along time and one over time and frequency, with one decision."""

from collections.abc import Callable

from audiocnn.layers import Conv1d, Padding, Parallel
from audiocnn.models.net import InputSize, Net, resolve_input_size

__all__ = ["two_path"]


def two_path(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    paths: tuple[Callable[..., Net], ...],
) -> Net:
    """What several nets hear, side by side: their channels before the mean together make one decision.

    A 1-D net takes all frequencies as channels, and learns fast what stands at its place; a 2-D net shares
    its kernels among neighbouring frequencies, and so also knows what has moved there.

    Args:
        num_classes: classes.
        in_channels: channels of the spectrogram.
        input_size: `(rows, window)`; `(40, 98)` by default with `"same"`, `(40, 143)` with `"valid"`.
        padding: along time.
        paths: builders of nets whose strides are equal; of each the layers before the mean are taken.

    Raises:
        ParameterError: for a window that does not hold what the net sees.
    """
    default = (40, 98) if padding == "same" else (40, 143)
    size = resolve_input_size(input_size, default=default)
    nets = [
        path(num_classes=num_classes, in_channels=in_channels, input_size=size, padding=padding)
        for path in paths
    ]
    channels = 0
    for net in nets:
        assert isinstance(net.logits, Conv1d)
        channels += net.logits.in_channels
    body = Parallel(*(net.body for net in nets), join="concatenate")
    return Net(body, channels=channels, num_classes=num_classes, input_size=size)
