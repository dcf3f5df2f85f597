"""The convolutional acoustic models of speech recognition: first over frequency, then over time."""

from audiocnn.layers import Conv1d, Conv2d, FlattenRows, MaxPool2d, Padding, ReLU, Scan, Sequential
from audiocnn.models.net import InputSize, Net, resolve_input_size, rows_left

__all__ = ["asr_cnn"]


def asr_cnn(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    kernels: tuple[int, int] = (16, 32),
    bottleneck: int = 32,
    hidden: int = 64,
) -> Net:
    """Convolutions over frequency with a local pool over frequency alone, then a convolution over time.

    Speakers differ in where on the frequency axis a formant lies, so it is there that kernels are moved and
    pooled: Abdel-Hamid et al. 2014, "Convolutional Neural Networks for Speech Recognition", IEEE/ACM TASLP;
    Sainath et al. 2013, "Deep Convolutional Neural Networks for LVCSR", ICASSP. Time is not pooled; what
    neighbouring frames say is put together by a second convolution, in the manner of Tóth 2014, "Combining
    Time- and Frequency-Domain Convolution in Convolutional Neural Network-Based Phone Recognition", ICASSP.
    The layers over frequency are those of Kaldi's recipe for such nets (`utils/nnet/make_cnn_proto.py`):

        convolution of 8 bands x 11 frames - the largest of 3 bands - ReLU
        convolution of 4 bands, frame by frame - ReLU
        all bands and kernels of a frame to 32 (linear)
        convolution over time of 5 frames, 5 apart - ReLU - dense - ReLU - mean over the window - classes

    A decision sees 31 frames, 330 ms, at a time, and all bands. 26,972 parameters with 12 classes, and 8.4M
    (`"same"`, 98 frames) or 9.8M (`"valid"`, 128 frames) multiply-accumulates.

    Deviations: the nets named classify frames, for a hidden Markov model, which the mean over the window
    takes the place of; 16 and 32 kernels instead of Kaldi's 128 and 256, and one small dense layer instead of
    several large ones; ReLU where Kaldi has sigmoids. The sizes along time, and the 32 numbers that a frame
    is brought down to, are ours. Kaldi repeats the first and last frame at the ends of a recording, where
    `padding="same"` adds zeros; along frequency nothing is padded.

    Measured in `recipes/arabic_speech_commands`, 40 words by speakers never heard, after four processor
    minutes of training: `asr_cnn` 96.0 % with `"valid"`.

    Args:
        num_classes: classes.
        in_channels: channels of the spectrogram; 3 with deltas, as in Kaldi.
        input_size: `(rows, window)`; `(40, 98)` by default with `"same"`, `(40, 128)` with `"valid"`.
        padding: along time.
        kernels: of the two convolutions over frequency.
        bottleneck: numbers that a frame is brought down to.
        hidden: channels of the convolution over time and the dense layer.

    Raises:
        ParameterError: for a window or rows that do not hold what the net sees.
    """
    default = (40, 98) if padding == "same" else (40, 128)
    rows, window = resolve_input_size(input_size, default=default)
    first, second = kernels
    over_frequency: dict[str, Scan] = {
        "frequency1": Conv2d(in_channels, first, (8, 11), padding=("valid", padding)),
        "pool": MaxPool2d((3, 1)),  # (batch, first, (rows - 7) / 3, time)
        "relu1": ReLU(),
        "frequency2": Conv2d(first, second, (4, 1)),
        "relu2": ReLU(),  # (batch, second, (rows - 7) / 3 - 3, time)
    }
    flat = second * rows_left(Sequential(over_frequency), (rows, window))
    over_time: dict[str, Scan] = {
        "flatten": FlattenRows(),
        "bottleneck": Conv1d(flat, bottleneck, 1),
        "time": Conv1d(bottleneck, hidden, 5, dilation=5, padding=padding),
        "relu3": ReLU(),
        "dense": Conv1d(hidden, hidden, 1),
        "relu4": ReLU(),  # (batch, hidden, time)
    }
    return Net(
        Sequential(over_frequency | over_time),
        channels=hidden,
        num_classes=num_classes,
        input_size=(rows, window),
    )
