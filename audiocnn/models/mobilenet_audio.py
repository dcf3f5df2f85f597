"""MobileNetV2 on spectrograms: inverted residuals of few channels."""

from audiocnn.layers import (
    BatchNorm2d,
    Conv2d,
    Dropout,
    FlattenRows,
    InvertedResidual,
    MeanRows,
    Padding,
    ReLU6,
    Scan,
    Sequential,
)
from audiocnn.models.net import InputSize, Net, resolve_input_size

__all__ = ["mobilenet_audio"]

STEM_CHANNELS = 32
LAST_CHANNELS = 1280
# expansion, channels, blocks, stride of the first one
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
VALID_TIME_STRIDES = 2  # that are left with "valid": of the first convolution and the first strided stage


def mobilenet_audio(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    width: float = 1.0,
) -> Net:
    """MobileNetV2, as for pictures, on a spectrogram.

    Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR, arXiv 1801.04381,
    table 2: a 3x3 convolution of stride 2 to 32 channels; seven stages of 1, 2, 3, 4, 3, 3 and 1 inverted
    residuals to 16, 24, 32, 64, 96, 160 and 320 channels, their middles 6 times as wide (in the first stage
    as wide), the second, third, fourth and sixth stage of stride 2; a 1x1 convolution to 1,280 channels, mean
    over all rows and frames, dropout 0.2, classes. Kong et al. 2020, "PANNs: Large-Scale Pretrained Audio
    Neural Networks for Audio Pattern Recognition", arXiv 1912.10211, took it to log-mel spectrograms, with
    changes of their own; this is the net for pictures itself, on one channel.

    `mobilenet_audio_small` has 0.35 times the channels, the least of the paper, in multiples of 8: 411,212
    parameters with 12 classes (1,677,128 for pictures of 3 colours and 1,000 classes, as in torchvision), and
    6.0M multiply-accumulates for a second, 40 bands x 98 frames.

    With `padding="same"` it sees 491 frames, far more than its clip: it leans on zero padding. With `"valid"`
    time is halved by the first convolution and the second stage alone, so that the net sees 131 frames,
    1.3 s, and gives a position every 4; rows are halved as published, and the parameters are the same. That
    costs 9.3M multiply-accumulates for a window of 139 frames.

    Measured in `recipes/arabic_speech_commands`, 40 words by speakers never heard, after four processor
    minutes of training: `mobilenet_audio_small` 65.7 % with `"valid"`.

    Args:
        num_classes: classes.
        in_channels: channels of the spectrogram.
        input_size: `(rows, window)`; `(40, 98)` by default with `"same"`, `(40, 139)` with `"valid"`.
        padding: along time.
        width: factor on all channels but the last 1,280, which only a factor above 1 changes.

    Raises:
        ParameterError: for a window that does not hold what the net sees.
    """
    default = (40, 98) if padding == "same" else (40, 139)
    rows, window = resolve_input_size(input_size, default=default)
    before = _multiple_of_8(STEM_CHANNELS * width)
    body: dict[str, Scan] = {
        "conv": Conv2d(in_channels, before, 3, stride=2, bias=False, padding=("same", padding)),
        "norm": BatchNorm2d(before),
        "relu": ReLU6(),  # (batch, channels, rows / 2, time / 2)
    }
    strides = 1
    for i, (expansion, published, blocks, stride) in enumerate(STAGES, start=1):
        channels = _multiple_of_8(published * width)
        strides += stride > 1
        time_stride = stride if padding == "same" or strides <= VALID_TIME_STRIDES else 1
        for j in range(1, blocks + 1):
            body[f"stage{i}_block{j}"] = InvertedResidual(
                before,
                channels,
                expansion=expansion,
                stride=(stride, time_stride) if j == 1 else 1,
                padding=("same", padding),
            )
            before = channels
    last = max(LAST_CHANNELS, _multiple_of_8(LAST_CHANNELS * width))
    body |= {
        "last_conv": Conv2d(before, last, 1, bias=False),  # (batch, last, rows / 32, time / 32 or 4)
        "last_norm": BatchNorm2d(last),
        "last_relu": ReLU6(),
        "mean_rows": MeanRows(),
        "flatten": FlattenRows(),  # (batch, last, time / 32 or 4)
    }
    return Net(
        Sequential(body),
        channels=last,
        num_classes=num_classes,
        input_size=(rows, window),
        head=(Dropout(0.2), last),
    )


def _multiple_of_8(channels: float) -> int:
    """The nearest multiple of 8, at least 8, that is not more than a tenth below."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8
