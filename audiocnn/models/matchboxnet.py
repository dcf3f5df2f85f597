"""MatchboxNet: 1-D residual nets of depthwise-separable convolutions, with frequencies as channels."""

from audiocnn.layers import (
    BatchNorm1d,
    Conv1d,
    FlattenRows,
    Padding,
    ReLU,
    Scan,
    SeparableConv1d,
    SeparableResidual,
    Sequential,
)
from audiocnn.models.net import InputSize, Net, resolve_input_size

__all__ = ["matchboxnet"]

OUTER_CHANNELS = 128
BLOCK_CHANNELS = 64
BLOCK_KERNELS = (13, 15, 17)
EPS = 1e-3


def matchboxnet(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    repeats: int,
    valid_window: int,
) -> Net:
    """MatchboxNet of three residual blocks and 64 channels: 3xRx64, R convolutions in a block.

    Majumdar & Ginsburg 2020, "MatchboxNet: 1D Time-Channel Separable Convolutional Neural Network
    Architecture for Speech Commands Recognition", arXiv 2004.08531, with the sizes, biases and norms of
    NVIDIA's NeMo (`matchboxnet_3x1x64_v1.yaml`, `jasper.py`). All strides are 1. In order:

        separable convolution of 11 frames to 128 channels, norm, ReLU
        blocks of 13, 15 and 17 frames: R separable convolutions to 64 channels, a projection around them
        separable convolution of 29 frames, dilated by 2, to 128 channels, norm, ReLU
        convolution of 1 frame to 128 channels, norm, ReLU
        mean over time, classes

    It sees 109 frames with R = 1 and 151 with R = 2: 1.105 s and 1.525 s of 25 ms frames every 10 ms, all
    frequencies. With 30 classes and 64 rows, the paper's 77 K and 93 K parameters are 77,214 and 92,766,
    with either padding.

    With `padding="same"` it is the published net, on 128 frames of 64 MFCCs: 9,195,264 and 11,136,768
    multiply-accumulates with 30 classes. With `"valid"` only the zeros in time are gone and no kernel is
    smaller, so that NVIDIA's weights (`audiocnn.models.convert.from_nemo`) serve on a stream too. A decision
    is then on 143 frames with R = 1, and on 158 with R = 2, which are 1.6 s of our front-end's 30 ms frames:
    6,119,680 and 6,942,592 multiply-accumulates.

    Deviations: none in the layers. NeMo centres a clip in zeros of features, our classifier in silence; its
    dropout, of 0, is left out.

    Measured in `recipes/arabic_speech_commands`, 40 words by speakers never heard, after four processor
    minutes of training: `matchboxnet_3x1x64` 97.2 % with `"valid"`, `matchboxnet_3x2x64` 97.4 % with
    `"valid"`.

    Args:
        num_classes: classes.
        in_channels: channels of the spectrogram.
        input_size: `(rows, window)`; `(64, 128)` by default with `"same"`, `(64, valid_window)` with
            `"valid"`.
        padding: along time.
        repeats: separable convolutions in a block; R.
        valid_window: frames of a decision by default with `"valid"`.

    Raises:
        ParameterError: for a window shorter than the net sees, with `"valid"`.
    """
    default = (64, 128) if padding == "same" else (64, valid_window)
    rows, window = resolve_input_size(input_size, default=default)
    inner, outer = BLOCK_CHANNELS, OUTER_CHANNELS
    body: dict[str, Scan] = {
        "flatten": FlattenRows(),  # (batch, in_channels * rows, time)
        "prologue": _normed(SeparableConv1d(in_channels * rows, outer, 11, bias=False, padding=padding)),
    }  # (batch, 128, time)
    before = outer
    for i, kernel_size in enumerate(BLOCK_KERNELS, start=1):
        body[f"block{i}"] = SeparableResidual(
            before, inner, kernel_size, repeats=repeats, eps=EPS, padding=padding
        )  # (batch, 64, time)
        before = inner
    body |= {
        "epilogue": _normed(SeparableConv1d(inner, outer, 29, dilation=2, bias=False, padding=padding)),
        "last": _normed(Conv1d(outer, outer, 1, bias=False)),  # (batch, 128, time)
    }
    return Net(Sequential(body), channels=outer, num_classes=num_classes, input_size=(rows, window))


def _normed(conv: Scan) -> Sequential:
    return Sequential({"conv": conv, "norm": BatchNorm1d(OUTER_CHANNELS, eps=EPS), "relu": ReLU()})
