"""TC-ResNet: 1-D residual nets over time, with frequencies as channels."""

from audiocnn.layers import BatchNorm1d, Conv1d, FlattenRows, Padding, ReLU, Scan, Sequential, TemporalBlock
from audiocnn.models.net import InputSize, Net, resolve_input_size

__all__ = ["tc_resnet"]

STEM_CHANNELS = 16
STAGE_CHANNELS = (24, 32, 48)


def tc_resnet(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    blocks: int,
    width: float = 1.0,
    valid_kernel_size: int,
    valid_width: float,
) -> Net:
    """TC-ResNet of three stages, each halving the frame rate.

    Choi et al. 2019, "Temporal Convolution for Real-time Keyword Spotting on Mobile
    Devices", arXiv 1904.03814. A convolution of 3 frames to 16 channels, stages of 24, 32 and
    48 channels with kernels of 9, mean over time, classes.

    With `padding="same"` it is the published net on 98 frames of 30 ms, 40 features each. With 12 classes
    it has

        `tc_resnet_8`         65,180 trainable parameters, 1,522,560 multiply-accumulates
        `tc_resnet_14_1_5`   303,012 trainable parameters, 6,677,136 multiply-accumulates

    (the paper's 66k and 305k count batch norm's moving statistics too). A position before the mean sees
    171 frames, 1.73 s, or with two blocks a stage 395, 3.97 s, all frequencies: far more than its clip, so it
    leans on zero padding. With an even number of frames the paper's TensorFlow puts the odd zero of a strided
    layer on the right.

    With `padding="valid"` the kernels are smaller and the layers wider, to about the same number of
    parameters, so that what a position sees fits 1.4 s: with kernels of 5 `tc_resnet_8` sees 87 frames,
    890 ms, in 1,815,431 multiply-accumulates; with kernels of 3 `tc_resnet_14_1_5` sees 101, 1.03 s, in
    7,438,028.

    Deviations from the authors' code (hyperconnect/TC-ResNet, `audio_nets/tc_resnet.py`): no dropout, where
    half of the means are dropped before the classes; norms add 1e-5 to the variance, where TensorFlow's
    `slim.batch_norm` adds 1e-3. `tc_resnet_14_0_4`, of 0.4 times the width, is not in the paper.

    Measured in `recipes/arabic_speech_commands`, 40 words by speakers never heard, after four processor
    minutes of training: `tc_resnet_8` 97.9 % with `"valid"` and 97.9 % with `"same"`, `tc_resnet_8_1_5`
    98.5 % with `"valid"` and 98.6 % with `"same"`, `tc_resnet_14_0_4` 96.9 % with `"valid"` and 95.8 %
    with `"same"`, `tc_resnet_14` 98.0 % with `"valid"` and 98.1 % with `"same"`, `tc_resnet_14_1_5` 97.9
    % with `"valid"` and 98.2 % with `"same"`.

    Args:
        num_classes: classes.
        in_channels: channels of the spectrogram.
        input_size: `(rows, window)`; `(40, 98)` by default with `"same"`, `(40, 143)` with `"valid"`.
        padding: along time.
        blocks: residual blocks in a stage.
        width: factor on all channels.
        valid_kernel_size: kernel size in the stages with `"valid"`, instead of 9.
        valid_width: factor on all channels with `"valid"`, on top of `width`.
    """
    kernel_size, default = 9, (40, 98)
    if padding == "valid":
        kernel_size, width, default = valid_kernel_size, width * valid_width, (40, 143)
    rows, window = resolve_input_size(input_size, default=default)
    stem, *stages = (round(channels * width) for channels in (STEM_CHANNELS, *STAGE_CHANNELS))
    body: dict[str, Scan] = {
        "flatten": FlattenRows(),  # (batch, in_channels * rows, time)
        "conv": Conv1d(in_channels * rows, stem, 3, bias=False, padding=padding),
        "norm": BatchNorm1d(stem),
        "relu": ReLU(),
    }
    before = stem
    for i, channels in enumerate(stages, start=1):
        for j in range(1, blocks + 1):
            body[f"stage{i}_block{j}"] = TemporalBlock(
                before, channels, kernel_size, stride=2 if j == 1 else 1, padding=padding
            )  # (batch, channels, time / 2**i)
            before = channels
    return Net(Sequential(body), channels=before, num_classes=num_classes, input_size=(rows, window))
