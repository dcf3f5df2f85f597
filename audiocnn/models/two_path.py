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
    """Nets side by side over one spectrogram, whose channels before the mean make one decision together.

    A 1-D net has the frequencies as channels: it learns fast what stands at each of them, and anew what has
    moved to another. A 2-D net moves its kernels along the frequencies, and so knows there too what it has
    learned here. Their mistakes differ. `two_path` is one of each, both ours:

        `ds_cnn_m`, to its mean over rows             172 channels
        `tc_resnet_8_1_5`, to its last block           96 channels, with "same" 72
        concatenation - mean over the window - classes

    which is the sum of what each would say by a dense layer of its own. That the paths are trained together,
    by the loss of their sum, is the "coupled ensemble" of Dutt, Pellerin & Quenot 2017, "Coupled Ensembles of
    Neural Networks", arXiv 1709.06053, who average logits or logarithmic probabilities.

    With 12 classes it has 285,476 parameters with `padding="valid"`, and takes 12,665,952
    multiply-accumulates on a window of 143 frames; one path sees 87 frames, 890 ms, the other the middle 66
    of them, and both all frequencies. With `padding="same"` it has 280,844 and takes 13,100,592 on 98 frames;
    one path sees 171. As a whole it is not published; of the parts see `ds_cnn` and `tc_resnet`. DS-CNN's
    first convolution moves by 4 rows and 4 frames with either padding here, so that both paths are in step.

    Measured in `recipes/arabic_speech_commands`, 40 words by speakers never heard: 99.1 % after 150 epochs.

    Args:
        num_classes: classes.
        in_channels: channels of the spectrogram.
        input_size: `(rows, window)`; `(40, 98)` by default with `"same"`, `(40, 143)` with `"valid"`.
        padding: along time.
        paths: builders of nets that move by the same stride, each with a body of `(batch, channel, time)` and
            one dense layer behind the mean.

    Raises:
        ParameterError: for a window that does not hold what a path sees.
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
