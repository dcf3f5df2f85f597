"""PANNs: VGG-like 2-D nets for tagging sound, with means as pools."""

from audiocnn.layers import (
    AvgPool2d,
    BatchNorm2d,
    Conv1d,
    Conv2d,
    Dropout,
    FlattenRows,
    MeanRows,
    Padding,
    Parallel,
    ReLU,
    Scan,
    Sequential,
    SubSpectralNorm,
    WindowMax,
    WindowMean,
)
from audiocnn.models.net import InputSize, Net, resolve_input_size, rows_left

__all__ = ["panns"]

FIRST_CHANNELS = 64


def panns(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    blocks: int,
    pools: int,
    kernel_sizes: tuple[int, ...],
    valid_window: int,
    width: float = 1.0,
) -> Net:
    """CNN6, CNN10 and CNN14 of the "pretrained audio neural networks".

    Kong et al. 2020, "PANNs: Large-Scale Pretrained Audio Neural Networks for Audio Pattern
    Recognition", arXiv 1912.10211, with the layer sizes of the authors' released code: batch norm of each
    row of the spectrogram; blocks of 64, 128, 256, 512 ... channels, each of one convolution 5x5 (CNN6)
    or two of 3x3, with batch norm and ReLU, then the mean of 2x2; the mean of the rows; over time the largest
    added to the mean; a hidden layer as wide as the last block; classes. CNN6 and CNN10 have four blocks,
    CNN14 six, the last of them without a pool. An odd row or frame before a pool is not looked at.

    Dropout of 0.2 follows every block, and of 0.5 the pool over time and the hidden layer.

    With 527 classes CNN6 has 4,837,455 parameters, CNN10 5,219,279 and CNN14 80,753,615, as published.
    With `padding="same"` they are the published nets on 10 s, 1001 frames, and take 9.9, 13.0 and 20.0
    billion multiply-accumulates. With `"valid"` only the zeros in time are gone, and the same weights fit; on
    windows of 124, 124 and 380 frames it is 0.9, 1.3 and 6.1 billion. Before the pool over time CNN6 and
    CNN10 see 76 frames, 782 ms behind the front-end `panns`, and CNN14 284 frames, 2862 ms, of all rows.

    Deviations: their mixing of clips and masking of stripes inside the net is augmentation here, and
    weights begin as torch's layers do, not as Xavier's.

    Args:
        num_classes: classes. In AudioSet any number of them are right: give the classifier
            `activation="sigmoid"`.
        in_channels: channels of the spectrogram.
        input_size: `(rows, window)`; `(64, 1001)` by default with `"same"`, `(64, valid_window)` with
            `"valid"`. The rows must outlast the pools: 16 or more with four, 32 with five.
        padding: along time.
        blocks: blocks of convolutions.
        pools: blocks that end in a pool, counted from the first.
        kernel_sizes: of the convolutions in a block.
        valid_window: the window by default with `"valid"`.
        width: factor on all channels.

    Raises:
        ParameterError: for rows of which the pools leave none.
    """
    rows, window = resolve_input_size(
        input_size, default=(64, 1001) if padding == "same" else (64, valid_window)
    )
    body: dict[str, Scan] = {"row_norm": SubSpectralNorm(in_channels, bands=rows)}
    before = in_channels
    for i in range(blocks):
        channels = round(FIRST_CHANNELS * 2**i * width)
        for j, kernel_size in enumerate(kernel_sizes, start=1):
            name = f"block{i + 1}_"
            body |= {
                f"{name}conv{j}": Conv2d(
                    before, channels, kernel_size, bias=False, padding=("same", padding)
                ),
                f"{name}norm{j}": BatchNorm2d(channels),
                f"{name}relu{j}": ReLU(),
            }
            before = channels
        if i < pools:
            body[f"{name}pool"] = AvgPool2d(2)  # (batch, channels, rows / 2**(i + 1), time / 2**(i + 1))
        body[f"{name}dropout"] = Dropout(0.2)
    rows_left(Sequential(body), (rows, window))
    body |= {"mean_rows": MeanRows(), "flatten": FlattenRows()}  # (batch, channels, time / 2**pools)
    hidden = {
        "pool_dropout": Dropout(0.5),
        "dense": Conv1d(before, before, 1),
        "relu": ReLU(),
        "dropout": Dropout(0.5),
    }
    return Net(
        Sequential(body),
        channels=before,
        num_classes=num_classes,
        input_size=(rows, window),
        pool=lambda positions: Parallel(WindowMax(positions), WindowMean(positions)),
        head=(Sequential(hidden), before),
    )
