"""The first convolutional keyword nets: few wide kernels, a linear bottleneck, dense layers."""

from functools import partial

from audiocnn.layers import AvgPool2d, Conv1d, Conv2d, FlattenRows, MaxPool2d, Padding, ReLU, Scan, Sequential
from audiocnn.models.net import InputSize, Net, resolve_input_size, rows_left

__all__ = ["cnn_one_fstride4", "cnn_trad_fpool3"]

STEPS = 32
VALID_FRAMES = 4  # of 10 ms, averaged to one step with "valid"
BOTTLENECK = 32
DENSE = 128


def cnn_trad_fpool3(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    width: float = 1.0,
) -> Net:
    """Two convolutions with a pool of 3 over frequency between them: `cnn-trad-fpool3`.

    Sainath & Parada 2015, "Convolutional Neural Networks for Small-footprint Keyword Spotting",
    Interspeech, table 1, on 32 frames of 40 mel bands:

        convolution, 64 kernels of 8 rows x 20 frames - ReLU - the largest of 3 rows
        convolution, 64 kernels of 4 rows x 10 frames - ReLU
        dense over what is left, 8 rows x 4 frames, to 32 (linear) - dense to 128 - ReLU - classes

    244,224 weights and 9,705,984 multiplications with the paper's 4 classes (it prints 244.2K and 9.7M);
    biases are not counted there. What a decision sees is its window.

    Nothing is padded, neither in the paper nor here: both paddings are scans. With `"same"` the window is the
    paper's, 32 frames, 340 ms, whose scores the paper smooths over time. With `"valid"` it is 128 frames,
    1.3 s: four frames are averaged to one step first, and the net is the same for the 32 steps.

    The first dense layer is as long as the window: for one of 98 steps the net has 1.3M weights.

    Measured in `recipes/arabic_speech_commands`, 40 words by speakers never heard, after four processor
    minutes of training: `cnn_trad_fpool3` 89.8 % with `"valid"`.

    Args:
        num_classes: classes.
        in_channels: channels of the spectrogram.
        input_size: `(rows, window)`; `(40, 32)` by default with `"same"`, `(40, 128)` with `"valid"`.
        padding: what a step is: with `"same"` a frame, with `"valid"` the mean of four.
        width: factor on the kernels of the convolutions.

    Raises:
        ParameterError: for a window or rows that do not hold what the net sees.
    """
    rows, window = resolve_input_size(input_size, default=(40, STEPS * _frames(padding)))
    kernels = round(64 * width)
    body = _averaged(padding) | {
        "conv1": Conv2d(in_channels, kernels, (8, 20)),
        "relu1": ReLU(),
        "pool": MaxPool2d((3, 1)),  # (batch, kernels, (rows - 7) / 3, steps - 19)
        "conv2": Conv2d(kernels, kernels, (4, 10)),
        "relu2": ReLU(),
    }
    return _with_dense_layers(
        body, kernels, dense_layers=1, num_classes=num_classes, input_size=(rows, window)
    )


def cnn_one_fstride4(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    width: float = 1.0,
) -> Net:
    """One convolution over all of the window's time, moved over frequency in strides of 4.

    Sainath & Parada 2015, "Convolutional Neural Networks for Small-footprint Keyword Spotting",
    Interspeech: `cnn-one-fstride4`, made to cost few multiplications, on 32 frames of 40 mel bands:

        convolution, 186 kernels of 8 rows x 32 frames, moved by 4 rows - ReLU
        dense over the 9 places to 32 (linear) - dense to 128 - ReLU - dense to 128 - ReLU - classes

    122,176 weights and 503,104 multiplications with the paper's 4 classes; biases are not counted there.
    What a decision sees is its window. (TensorFlow's `low_latency_conv` of `speech_commands/models.py` is in
    its manner: the kernels move by 1 row, and there is no bottleneck.)

    Nothing is padded, neither in the paper nor here: both paddings are scans. With `"same"` the window is the
    paper's, 32 frames, 340 ms, whose scores the paper smooths over time. With `"valid"` it is 128 frames,
    1.3 s: four frames are averaged to one step first, and the net is the same for the 32 steps. With another
    window the kernels are as long as it has steps.

    Measured in `recipes/arabic_speech_commands`, 40 words by speakers never heard, after four processor
    minutes of training: `cnn_one_fstride4` 88.6 % with `"valid"`.

    Args:
        num_classes: classes.
        in_channels: channels of the spectrogram.
        input_size: `(rows, window)`; `(40, 32)` by default with `"same"`, `(40, 128)` with `"valid"`.
        padding: what a step is: with `"same"` a frame, with `"valid"` the mean of four.
        width: factor on the kernels of the convolution.

    Raises:
        ParameterError: for a window or rows that do not hold what the net sees.
    """
    rows, window = resolve_input_size(input_size, default=(40, STEPS * _frames(padding)))
    kernels, steps = round(186 * width), max(1, window // _frames(padding))
    body = _averaged(padding) | {
        "conv": Conv2d(in_channels, kernels, (8, steps), stride=(4, 1)),
        "relu": ReLU(),  # (batch, kernels, (rows - 4) / 4, 1)
    }
    return _with_dense_layers(
        body, kernels, dense_layers=2, num_classes=num_classes, input_size=(rows, window)
    )


def _frames(padding: Padding) -> int:
    return 1 if padding == "same" else VALID_FRAMES


def _averaged(padding: Padding) -> dict[str, Scan]:
    """What makes steps of frames."""
    return {} if padding == "same" else {"average": AvgPool2d((1, VALID_FRAMES))}


def _with_dense_layers(
    body: dict[str, Scan], kernels: int, *, dense_layers: int, num_classes: int, input_size: tuple[int, int]
) -> Net:
    """Flatten the map, and add the linear bottleneck, as a convolution over it, and the dense layers."""
    channels = kernels * rows_left(Sequential(body), input_size)
    head: dict[str, Scan] = {}
    before = BOTTLENECK
    for i in range(1, dense_layers + 1):
        head |= {f"dense{i}": Conv1d(before, DENSE, 1), f"relu{i}": ReLU()}
        before = DENSE
    return Net(
        Sequential(body | {"flatten": FlattenRows()}),  # (batch, channels, positions)
        channels=channels,
        num_classes=num_classes,
        input_size=input_size,
        pool=partial(Conv1d, channels, BOTTLENECK),
        pooled=BOTTLENECK,
        head=(Sequential(head), before),
        shorter_with_same="average" in body,  # where a step is a frame
    )
