"""DS-CNN: depthwise-separable convolutions over frequency and time, for microcontrollers."""

from collections.abc import Callable

from audiocnn.layers import (
    BatchNorm2d,
    Conv2d,
    Crop,
    Dropout,
    FlattenRows,
    MeanRows,
    Padding,
    ReLU,
    Scan,
    Sequential,
    WindowMean,
)
from audiocnn.models.net import InputSize, Net, resolve_input_size

__all__ = ["ds_cnn"]

KERNEL = (4, 10)
VALID_STRIDE = (4, 4)
EPS = 1e-3  # of the batch norm of TensorFlow, in which both references are written


def ds_cnn(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    channels: int,
    blocks: int,
    stride: tuple[int, int],
    block_stride: int = 1,
    mlperf: bool = False,
    width: float = 1.0,
) -> Net:
    """DS-CNN: one convolution of 4 rows x 10 frames, then depthwise-separable ones of 3 x 3.

    Zhang et al. 2017, "Hello Edge: Keyword Spotting on Microcontrollers", arXiv 1711.07128, with the layers
    of the authors' code (ARM-software/ML-KWS-for-MCU, `models.py` and `train_commands.txt`), and the
    reference model of MLPerf Tiny, Banbury et al. 2021, arXiv 2106.07597 (mlcommons/tiny, `keras_model.py`):

        convolution 4 x 10 - norm - ReLU
        4 or 5 times: depthwise 3 x 3 - norm - ReLU - convolution 1 x 1 - norm - ReLU
        mean over all rows and frames - classes

                          channels   blocks   strides, rows x frames
        `ds_cnn_s`              64        4   2 x 2
        `ds_cnn_m`             172        4   1 x 2, then 2 x 2 in the first block
        `ds_cnn_m_1_5`         258        4   the same; ours, about as many parameters as TC-ResNet-14-1.5
        `ds_cnn_l`             276        5   the same
        `ds_cnn_mlperf`         64        4   2 x 2; dropout 0.2 after the first ReLU, 0.4 before the mean

    Both read 10 cepstral coefficients of 49 frames, 40 ms long (MLPerf 30 ms) and 20 ms apart: the presets
    `tensorflow_kws` and `mlperf_tiny`. (Their arrays are `(time, frequency)`, ours the other way round.) With
    `padding="same"` and `input_size=(10, 49)` they are the published nets. With 12 classes:

                          trainable   with moving statistics        MACs   sees, frames (20 ms apart)
        `ds_cnn_s`           23,180                   24,332   2,656,768   26,  540 ms
        `ds_cnn_m`          136,580                  139,676   9,816,384   38,  780 ms
        `ds_cnn_m_1_5`      293,616                  298,260  20,493,456   38,  780 ms
        `ds_cnn_l`          413,736                  419,808  28,327,812   46,  940 ms
        `ds_cnn_mlperf`      23,756                   24,908   2,656,768   26,  530 ms

    which is what the paper's 38.6, 189.2 and 497.6 KB and 5.4M, 19.8M and 56.9M operations come from. All 10
    rows are seen. On the default 40 bands of 98 frames the same layers cost eight times as much.

    With `padding="valid"` the net is made for mel bands every 10 ms: its first convolution moves by 4 rows
    and 4 frames, which is the frame rate of the published nets after it; nothing is padded in time, and the
    parameters are the same. Small (and MLPerf's), medium and large see 42, 66 and 82 frames: 440, 680 and
    840 ms, of 36 rows or all. A window of 130 frames takes 5.7M, 9.6M (one and a half times as wide, 19.7M)
    and 25.1M multiply-accumulates.

    Deviations: ARM's norms have no weight, and the convolutions before them a bias, which the norm takes away
    again; ours, but for MLPerf's, have no bias and a weight: as many numbers for the same functions, because
    a ReLU and a convolution follow. The strided block of the medium and large net meets an even number of
    rows (10), where TensorFlow's "SAME" puts its one zero behind the last row and ours goes before the first.
    With an odd number of rows MLPerf's mean leaves out the last one.

    Measured in `recipes/arabic_speech_commands`, 40 words by speakers never heard, after four processor
    minutes of training: `ds_cnn_s` 96.1 % with `"valid"` and 95.8 % with `"same"`, `ds_cnn_m` 98.3 % with
    `"valid"` and 96.1 % with `"same"`, `ds_cnn_mlperf` 94.0 % with `"valid"` and 93.5 % with `"same"`.

    Args:
        num_classes: classes.
        in_channels: channels of the spectrogram.
        input_size: `(rows, window)`; `(40, 98)` by default with `"same"`, `(40, 130)` with `"valid"`.
        padding: along time.
        channels: of all layers.
        blocks: depthwise-separable convolutions.
        stride: `(rows, time)` of the first convolution with `"same"`.
        block_stride: of the first block, along both axes.
        mlperf: whether it is MLPerf's: with dropout, and with biases before the norms. With `"same"` and an
            odd number of frames its mean leaves out the last position, as that of the reference does,
            unless there is but one.
        width: factor on the channels.

    Raises:
        ParameterError: for a window that does not hold what the net sees.
    """
    default = (40, 98) if padding == "same" else (40, 130)
    rows, window = resolve_input_size(input_size, default=default)
    channels = round(channels * width)
    first = stride if padding == "same" else VALID_STRIDE
    body: dict[str, Scan] = {
        "conv": Conv2d(in_channels, channels, KERNEL, stride=first, bias=mlperf, padding=("same", padding)),
        "norm": BatchNorm2d(channels, eps=EPS),
        "relu": ReLU(),  # (batch, channels, rows / stride, time / stride)
    }
    if mlperf:
        body["dropout"] = Dropout(0.2)
    for i in range(1, blocks + 1):
        body[f"block{i}"] = _separable(
            channels, stride=block_stride if i == 1 else 1, bias=mlperf, padding=padding
        )
    if mlperf:
        body["last_dropout"] = Dropout(0.4)
    body |= {"mean_rows": MeanRows(), "flatten": FlattenRows()}  # (batch, channels, time')
    pool: Callable[[int], Scan] = WindowMean
    if mlperf and padding == "same" and window % 2:
        pool = _mean_of_all_but_the_last
    return Net(
        Sequential(body), channels=channels, num_classes=num_classes, input_size=(rows, window), pool=pool
    )


def _separable(channels: int, *, stride: int, bias: bool, padding: Padding) -> Sequential:
    """A depthwise and a pointwise convolution, each with a norm and a ReLU."""
    return Sequential(
        {
            "depthwise": Conv2d(
                channels, channels, 3, stride=stride, groups=channels, bias=bias, padding=("same", padding)
            ),
            "depthwise_norm": BatchNorm2d(channels, eps=EPS),
            "depthwise_relu": ReLU(),
            "pointwise": Conv2d(channels, channels, 1, bias=bias),
            "pointwise_norm": BatchNorm2d(channels, eps=EPS),
            "pointwise_relu": ReLU(),
        }
    )


def _mean_of_all_but_the_last(positions: int) -> Scan:
    if positions == 1:
        return WindowMean(1)
    return Sequential(Crop(time=(0, 1)), WindowMean(positions - 1))
