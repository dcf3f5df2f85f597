"""The residual keyword nets of Tang & Lin: 3 x 3 convolutions over frequency and time."""

from audiocnn.layers import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    FlattenRows,
    MeanRows,
    Padding,
    ReLU,
    Residual,
    Scan,
    Sequential,
)
from audiocnn.models.net import InputSize, Net, resolve_input_size, rows_left

__all__ = ["res"]


def res(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    channels: int,
    blocks: int,
    pool_size: tuple[int, int] | None = None,
    dilated: bool = False,
    width: float = 1.0,
) -> Net:
    """Residual blocks of two 3 x 3 convolutions, all with the same few channels.

    Tang & Lin 2018, "Deep Residual Learning for Small-Footprint Keyword Spotting", ICASSP, arXiv 1710.10361,
    with the details of the authors' code (castorini/honk, `utils/model.py`), on 40 mel cepstral coefficients
    of frames of 30 ms, 10 ms apart:

        convolution 3 x 3 - ReLU - mean of blocks, but for `res_15`
        3, 6 or 12 residual blocks: x -+- norm - conv - ReLU - norm - conv - ReLU -+-
                                       +--------------------------------------------+
        in `res_15` one more norm - conv - ReLU
        norm - mean over all rows and frames - classes

    The first block has no norm before its first convolution. Norms have neither weight nor bias, convolutions
    no bias. In `res_15` the 13 convolutions after the first are dilated 1, 1, 1, 2, 2, 2, 4, 4, 4, 8, 8, 8
    and 16 times, along both axes.

                         channels  blocks  pool, rows x frames  parameters  sees, frames  MACs: same   valid
        `res_8`                45       3  3 x 4                   110,307   54,  560 ms       35.7M   42.1M
        `res_8_narrow`         19       3  3 x 4                    19,905   54,  560 ms        6.8M    8.1M
        `res_15`               45       6  none, dilated           237,882  125, 1270 ms      930.3M  974.0M
        `res_15_narrow`        19       6  none, dilated            42,648  125, 1270 ms      166.2M  174.2M
        `res_26`               45      12  2 x 2                   438,357  100, 1020 ms      430.2M  395.9M
        `res_26_narrow`        19      12  2 x 2                    78,387  100, 1020 ms       77.1M   71.1M

    The counts, with 12 classes, are those of the code and the paper (110K, 19.9K, 238K, 42.6K, 438K, 78.4K).
    All see all 40 rows. With `padding="valid"` only the zeros in time are gone, and the window is longer.

    Deviation: the authors' frames reach beyond both ends of the clip, and so they have 101 of them in a
    second, where there are 98 without.

    Measured in `recipes/arabic_speech_commands`, 40 words by speakers never heard, after four processor
    minutes of training: `res_8_narrow` 77.5 % with `"valid"`.

    Args:
        num_classes: classes.
        in_channels: channels of the spectrogram.
        input_size: `(rows, window)`; `(40, 98)` by default with `"same"`, `(40, 143)` with `"valid"`.
        padding: along time.
        channels: of all layers.
        blocks: residual blocks.
        pool_size: `(rows, time)` of the blocks that are averaged after the first convolution.
        dilated: whether the convolutions are dilated, twice as much after every third, and one more follows
            the blocks.
        width: factor on the channels.

    Raises:
        ParameterError: for a window that does not hold what the net sees, or fewer rows than the pool takes.
    """
    default = (40, 98) if padding == "same" else (40, 143)
    rows, window = resolve_input_size(input_size, default=default)
    channels = round(channels * width)
    convs = [
        Conv2d(
            channels,
            channels,
            3,
            dilation=2 ** (i // 3) if dilated else 1,
            bias=False,
            padding=("same", padding),
        )
        for i in range(2 * blocks + dilated)
    ]
    body: dict[str, Scan] = {
        "conv": Conv2d(in_channels, channels, 3, bias=False, padding=("same", padding)),
        "relu": ReLU(),  # (batch, channels, rows, time)
    }
    if pool_size is not None:
        body["pool"] = AvgPool2d(pool_size)  # (batch, channels, rows / 3 or 2, time / 4 or 2)
        rows_left(Sequential(body), (rows, window))  # raises if there are none
    for i in range(blocks):
        branch: dict[str, Scan] = {} if i == 0 else {"norm1": _norm(channels)}
        branch |= {
            "conv1": convs[2 * i],
            "relu1": ReLU(),
            "norm2": _norm(channels),
            "conv2": convs[2 * i + 1],
            "relu2": ReLU(),
        }
        body[f"block{i + 1}"] = Residual(Sequential(branch))
    if dilated:
        body |= {"norm": _norm(channels), "last_conv": convs[-1], "last_relu": ReLU()}
    body |= {"last_norm": _norm(channels), "mean_rows": MeanRows(), "flatten": FlattenRows()}
    return Net(Sequential(body), channels=channels, num_classes=num_classes, input_size=(rows, window))


def _norm(channels: int) -> BatchNorm2d:
    return BatchNorm2d(channels, affine=False)
