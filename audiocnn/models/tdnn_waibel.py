"""The first time-delay network, and the first convnet that was trained by gradient descent on speech."""

from audiocnn.layers import Conv1d, FlattenRows, Padding, Scan, Sequential, Sigmoid
from audiocnn.models.net import InputSize, Net, resolve_input_size

__all__ = ["tdnn_waibel"]


def tdnn_waibel(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    hidden: int = 8,
) -> Net:
    """The time-delay network that told b, d and g apart.

    Waibel et al. 1989, "Phoneme Recognition Using Time-Delay Neural Networks", IEEE Transactions on
    Acoustics, Speech, and Signal Processing 37(3). Eight sigmoid units that read 3 frames of 16 mel bands; as
    many sigmoid units as classes that read 5 frames of these; and the evidence of each class is added up over
    time. What is added up sees 7 frames, 90 ms at 30/10 ms, and all frequencies.

    Nothing is padded, neither in the paper nor here: both paddings are scans. With `"same"` the window is
    the paper's, 15 frames cut out by hand around a consonant, of which 13 and then 9 are left; the two layers
    have 392 and 123 parameters with 3 classes, and take 6,072 multiply-accumulates. With `"valid"` the same
    net adds up the evidence of 1.4 s.

    Deviations: the paper's output unit adds up its row with fixed equal weights and goes through a sigmoid.
    Here the mean takes the place of the sum, and what follows is the dense layer of logits that all nets
    have, `num_classes * (num_classes + 1)` parameters more (527 in all with 3 classes), for a softmax.

    Measured in `recipes/arabic_speech_commands`, 40 words by speakers never heard, after four processor
    minutes of training: `tdnn_waibel` 28.7 % with `"valid"`.

    Args:
        num_classes: classes, and units of the second layer.
        in_channels: channels of the spectrogram.
        input_size: `(rows, window)`; `(16, 15)` by default with `"same"`, `(16, 143)` with `"valid"`.
        padding: decides on the default window alone.
        hidden: units of the first layer.
    """
    rows, window = resolve_input_size(input_size, default=(16, 15 if padding == "same" else 143))
    body: dict[str, Scan] = {
        "flatten": FlattenRows(),  # (batch, in_channels * rows, time)
        "hidden1": Conv1d(in_channels * rows, hidden, 3),
        "sigmoid1": Sigmoid(),
        "hidden2": Conv1d(hidden, num_classes, 5),
        "sigmoid2": Sigmoid(),  # (batch, num_classes, time - 6)
    }
    return Net(Sequential(body), channels=num_classes, num_classes=num_classes, input_size=(rows, window))
