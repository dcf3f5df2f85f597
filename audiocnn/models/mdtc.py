"""MDTC: causal 1-D residual nets of dilated depthwise convolutions, read at several depths."""

from audiocnn.layers import (
    BatchNorm1d,
    Conv1d,
    Crop,
    FlattenRows,
    Padded,
    Padding,
    ReLU,
    Residual,
    Scan,
    Sequential,
)
from audiocnn.models.net import InputSize, Net, resolve_input_size

__all__ = ["mdtc"]

KERNEL_SIZE = 5
DILATIONS = (1, 2, 4, 8)
VALID_DILATIONS = (1, 2, 3, 4)


def mdtc(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    channels: int,
    stacks: int,
) -> Net:
    """MDTC, multi-scale dilated (in its code, depthwise) temporal convolution.

    Hou et al. 2021, "The NPU System for the 2020 Personalized Voice Trigger Challenge", arXiv 2102.13552,
    with the layers and sizes of wekws, whose file is by the same first author (`wekws/model/mdtc.py`,
    `examples/hi_xiaowen/s0/conf/mdtc_small.yaml` of wenet-e2e/wekws). In order: a block by itself, then
    stacks of four blocks dilated by 1, 2, 4 and 8 frames. A block is

        x -+- depthwise 5 - norm - conv 1 - norm - ReLU - conv 1 - norm -+- ReLU
           +- the newest of the frames that the kernel covers -----------+

    the first without a shortcut where rows are not as many as channels. What the stacks give, from short to
    long scales, is added up, and each frame's sum gives it logits; here their mean over the window decides.
    A sum is of the frames up to its own and of none after it.

    Three stacks of 32 channels, `mdtc_small`, see 185 frames, 1.865 s of 25 ms frames every 10 ms, all
    frequencies. With 80 rows and the two keywords of that recipe there are 34,434 parameters with either
    padding, as many as wekws' layers have. (Its page says 31 K, which the layers do not explain; its 156 K
    of four stacks of 64 channels are the 155,778 that these have.)

    With `padding="same"` it is that net on 98 frames of 80 MFCCs, with wekws' zeros: all of them before the
    first frame, once, and not in every layer; 6,195,168 multiply-accumulates with 12 classes. With `"valid"`
    there are no zeros, and the dilations are 1, 2, 3 and 4, which takes no parameter away, so that the 125
    frames it sees, 1.265 s, fit the window: 2,647,344 multiply-accumulates.

    Deviations: wekws scores frames by sigmoids and learns from the highest of a clip. The mean is what its
    recipe for speech commands takes, there of the sums, and two dense layers after it.

    Measured in `recipes/arabic_speech_commands`, 40 words by speakers never heard, after four processor
    minutes of training: `mdtc_small` 89.1 % with `"valid"`.

    Args:
        num_classes: classes.
        in_channels: channels of the spectrogram.
        input_size: `(rows, window)`; `(80, 98)` by default with `"same"`, `(80, 143)` with `"valid"`.
        padding: along time.
        channels: channels of all blocks.
        stacks: stacks of four blocks.

    Raises:
        ParameterError: for a window shorter than the net sees, with `"valid"`.
    """
    dilations, default = (DILATIONS, (80, 98)) if padding == "same" else (VALID_DILATIONS, (80, 143))
    rows, window = resolve_input_size(input_size, default=default)
    body: Scan = Sequential(
        {
            "flatten": FlattenRows(),  # (batch, in_channels * rows, time)
            "first": _block(in_channels * rows, channels, 1),  # (batch, channels, time)
            "scales": _scales([_stack(channels, dilations) for _ in range(stacks)]),
        }
    )
    if padding == "same":
        body = Padded(body, left=body.require_law().span - 1)
    return Net(body, channels=channels, num_classes=num_classes, input_size=(rows, window))


def _block(before: int, channels: int, dilation: int) -> Sequential:
    branch = Sequential(
        {
            "depthwise": Conv1d(before, before, KERNEL_SIZE, dilation=dilation, groups=before),
            "depthwise_norm": BatchNorm1d(before),
            "pointwise": Conv1d(before, channels, 1),
            "norm1": BatchNorm1d(channels),
            "relu": ReLU(),
            "conv": Conv1d(channels, channels, 1),
            "norm2": BatchNorm1d(channels),
        }
    )
    around = Residual(branch, _newest(branch)) if before == channels else branch
    return Sequential({"residual": around, "relu": ReLU()})


def _stack(channels: int, dilations: tuple[int, ...]) -> Sequential:
    return Sequential({f"block{i}": _block(channels, channels, d) for i, d in enumerate(dilations, start=1)})


def _scales(stacks: list[Sequential]) -> Sequential:
    """`x1 + x2 + ...`, where `x1` is what the first stack gives, `x2` what the second makes of it, ..."""
    first, *later = stacks
    if not later:
        return first
    rest = _scales(later)
    return Sequential({"stack": first, "later": Residual(rest, _newest(rest))})


def _newest(branch: Scan) -> Crop:
    """Of the steps that an output of `branch` sees, the last."""
    return Crop(time=(branch.require_law().span - 1, 0))
