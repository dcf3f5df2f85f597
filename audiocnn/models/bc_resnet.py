"""BC-ResNet: 2-D residual nets whose path over time is broadcast to all frequencies."""

from collections.abc import Iterator
from itertools import count

from audiocnn.errors import ParameterError
from audiocnn.geometry import Geometry
from audiocnn.layers import (
    BatchNorm2d,
    BroadcastedBlock,
    Conv2d,
    FlattenRows,
    MeanRows,
    Padding,
    ReLU,
    Scan,
    Sequential,
)
from audiocnn.models.net import InputSize, Net, resolve_input_size

__all__ = ["bc_resnet"]

BANDS = 5
STAGE_BLOCKS = (2, 2, 4, 4)
STAGE_WIDTHS = (1.0, 1.5, 2.0, 2.5)
STAGE_ROW_STRIDES = (1, 2, 2, 1)


def bc_resnet(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    base_channels: int,
) -> Net:
    """BC-ResNet of four stages, dilated 1, 2, 4 and 8 in time.

    Kim et al. 2021, "Broadcasted Residual Learning for Efficient Keyword Spotting",
    arXiv 2106.04140, with the layer sizes of the authors' released code: a 5x5 convolution,
    stages of 2, 2, 4 and 4 blocks, a 5x5 depthwise and a 1x1 convolution, mean over time,
    classes. The layers before the mean see 117 frames, all frequencies.

    With `padding="same"` it is the published net on 98 frames, which sees more than its clip
    and leans on zero padding; with `"valid"` only the zeros in time are gone, and the window is
    longer. Both have the published parameter counts, with 12 classes 9,232 / 17,154 / 27,284 /
    54,168 / 187,812 / 321,068 for `bc_resnet_1`, `1_5`, `2`, `3`, `6` and `8`.

    Measured in `recipes/arabic_speech_commands`, 40 words by speakers never heard, after four processor
    minutes of training: `bc_resnet_1` 78.4 % with `"valid"` and 86.4 % with `"same"`, `bc_resnet_1_5`
    69.6 % with `"valid"` and 88.6 % with `"same"`, `bc_resnet_2` 69.4 % with `"valid"` and 91.7 % with
    `"same"`. After sixty, with recordings held near the middle of their windows, `bc_resnet_1` has 96.7 %
    with `"valid"` and 96.4 % with `"same"`.

    Args:
        num_classes: classes.
        in_channels: channels of the spectrogram.
        input_size: `(rows, window)`; `(40, 98)` by default with `"same"`, `(40, 143)` with `"valid"`.
            The rows must divide into 5 bands in every stage.
        padding: along time.
        base_channels: channels of the first stage, 8 times the number in the name.

    Raises:
        ParameterError: for rows that do not divide, naming the nearest that do.
    """
    default = (40, 98) if padding == "same" else (40, 143)
    rows, window = resolve_input_size(input_size, default=default)
    _check_rows(rows)
    stem = 2 * base_channels
    body: dict[str, Scan] = {
        "conv": Conv2d(in_channels, stem, 5, stride=(2, 1), bias=False, padding=("same", padding)),
        "norm": BatchNorm2d(stem),
        "relu": ReLU(),  # (batch, stem, rows / 2, time)
    }
    before = stem
    for i, (blocks, width, row_stride) in enumerate(
        zip(STAGE_BLOCKS, STAGE_WIDTHS, STAGE_ROW_STRIDES, strict=True)
    ):
        channels = int(base_channels * width)
        for j in range(blocks):
            body[f"stage{i + 1}_block{j + 1}"] = BroadcastedBlock(
                before,
                channels,
                row_stride=row_stride if j == 0 else 1,
                dilation=2**i,
                bands=BANDS,
                padding=padding,
            )
            before = channels
    last = 4 * base_channels
    body |= {
        # (batch, 2.5 * base_channels, rows / 8, time) -> 5 rows less 4, for 40 rows one
        "depthwise": Conv2d(before, before, 5, groups=before, bias=False, padding=("valid", padding)),
        "pointwise": Conv2d(before, last, 1, bias=False),
        "last_norm": BatchNorm2d(last),
        "last_relu": ReLU(),
        "mean_rows": MeanRows(),
        "flatten": FlattenRows(),  # (batch, 4 * base_channels, time)
    }
    return Net(Sequential(body), channels=last, num_classes=num_classes, input_size=(rows, window))


def _stage_rows(rows: int) -> Iterator[int]:
    """The rows in each stage: the stem halves them, and two stages do again."""
    rows = Geometry(1, 2).output_length(rows)
    for row_stride in STAGE_ROW_STRIDES:
        rows = Geometry(1, row_stride).output_length(rows)
        yield rows


def _divides(rows: int) -> bool:
    return rows > 0 and all(stage % BANDS == 0 for stage in _stage_rows(rows))


def _check_rows(rows: int) -> None:
    if _divides(rows):
        return
    above = next(size for size in count(rows) if _divides(size))
    below = next((size for size in range(rows, 0, -1) if _divides(size)), None)
    nearest = f"{below} or {above}" if below else f"{above}"
    raise ParameterError(
        f"rows={rows} become {', '.join(map(str, _stage_rows(rows)))} in the stages of BC-ResNet, which "
        f"do not all divide into {BANDS} bands; use {nearest}"
    )
