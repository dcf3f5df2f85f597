"""GoogLeNet: nine inception blocks, on spectrograms."""

from itertools import count
from typing import Literal, NamedTuple

from audiocnn.errors import ParameterError
from audiocnn.geometry import output_length
from audiocnn.layers import (
    BatchNorm2d,
    Conv2d,
    Dropout,
    FlattenRows,
    InceptionBlock,
    LocalResponseNorm,
    MaxPool2d,
    MeanRows,
    Padding,
    ReLU,
    Scan,
    Sequential,
)
from audiocnn.models.net import InputSize, Net, draw_weights, resolve_input_size

__all__ = ["googlenet"]


class Inception(NamedTuple):
    """Channels of a block's branches: a 1x1; the 1x1 and the 3x3; the 1x1 and the 5x5; that of the pool."""

    direct: int
    small: tuple[int, int]
    large: tuple[int, int]
    pooled: int


# Table 1 of the paper; a pool stands between two stages.
STAGES = (
    {"3a": Inception(64, (96, 128), (16, 32), 32), "3b": Inception(128, (128, 192), (32, 96), 64)},
    {
        "4a": Inception(192, (96, 208), (16, 48), 64),
        "4b": Inception(160, (112, 224), (24, 64), 64),
        "4c": Inception(128, (128, 256), (24, 64), 64),
        "4d": Inception(112, (144, 288), (32, 64), 64),
        "4e": Inception(256, (160, 320), (32, 128), 128),
    },
    {"5a": Inception(256, (160, 320), (32, 128), 128), "5b": Inception(384, (192, 384), (48, 128), 128)},
)


def googlenet(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    form: Literal["paper", "torchvision"] = "paper",
    width: float = 1.0,
) -> Net:
    """GoogLeNet ("inception v1"), without its auxiliary heads.

    Szegedy et al. 2015, "Going Deeper with Convolutions", CVPR, arXiv 1409.4842:

        conv 7x7, stride 2           64    largest of 3x3, stride 2; local response norm
        conv 1x1                     64
        conv 3x3                    192    local response norm; largest of 3x3, stride 2
        inception 3a, 3b       256, 480    largest of 3x3, stride 2
        inception 4a to 4e   512 to 832    largest of 3x3, stride 2
        inception 5a, 5b      832, 1024    mean, dropout 0.4, classes

    A ReLU follows every convolution. On 3 channels and 1000 classes that is 6,998,552 parameters
    (`googlenet`). torchvision's form (`googlenet_bn`), of 6,624,904, has batch norm with an eps of 1e-3
    between every convolution and its ReLU and no local response norm, 3x3 for the 5x5 convolutions, 2x2
    for the last pool, and dropout of 0.2. On 224 x 224 pixels they take 1.58 and 1.50 billion
    multiply-accumulates, on 64 rows x 96 frames 184 and 174 million.

    The published net reads 224 x 224 pixels, and its pools let a last block hang over the end. For sound
    the default is 64 rows and, with `padding="same"`, 96 frames, the size that Hershey et al. 2017 (arXiv
    1609.09430) give to image nets. With `"valid"` there are no zeros in time, and pools take whole blocks of
    frames, around every second row. A position before the mean sees 715 frames, in torchvision's form 379
    (7170 and 3810 ms of 30/10 ms), of all rows; by default the window leaves two.

    Deviations: the constants of the local response norms, which the paper does not give, are AlexNet's.
    Nor does it say how weights begin: here as in He et al. 2015 (`audiocnn.models.net.draw_weights`), in
    torchvision's form as torch's layers do.

    Args:
        num_classes: classes.
        in_channels: channels of the spectrogram.
        input_size: `(rows, window)`; `(64, 96)` by default with `"same"`. With `"valid"` 64 rows, and 32
            frames more than a position sees. With `"same"` both are at least 47, in torchvision's form 31.
        padding: along time.
        form: `"paper"` or `"torchvision"`.
        width: factor on all channels.

    Raises:
        ParameterError: for an unknown form, or rows or a window too small for the pools.
    """
    if form not in ("paper", "torchvision"):
        raise ParameterError(f"form={form!r} must be 'paper' or 'torchvision'")
    is_paper = form == "paper"
    both: tuple[Padding, Padding] = ("same", padding)

    def scaled(channels: int) -> int:
        return max(1, round(channels * width))

    def conv(name: str, before: int, after: int, kernel_size: int, stride: int = 1) -> dict[str, Scan]:
        layer = Conv2d(before, after, kernel_size, stride=stride, bias=is_paper, padding=both)
        norm = {} if is_paper else {f"{name}_norm": BatchNorm2d(after, eps=1e-3)}
        return {name: layer, **norm, f"{name}_relu": ReLU()}

    def local_norm(name: str) -> dict[str, Scan]:
        return {name: LocalResponseNorm()} if is_paper else {}

    def pool(kernel_size: int = 3) -> MaxPool2d:
        if padding == "same":
            return MaxPool2d(kernel_size, stride=2, ceil_mode=True)
        return MaxPool2d(kernel_size, stride=2, padding=both)

    stem, before = scaled(64), scaled(192)
    body: dict[str, Scan] = (
        conv("conv1", in_channels, stem, 7, stride=2)  # (batch, 64, rows / 2, time / 2)
        | {"pool1": pool()}  # (batch, 64, rows / 4, time / 4)
        | local_norm("local_norm1")
        | conv("conv2", stem, stem, 1)
        | conv("conv3", stem, before, 3)
        | local_norm("local_norm2")
        | {"pool2": pool()}  # (batch, 192, rows / 8, time / 8)
    )
    for i, stage in enumerate(STAGES, start=3):
        for name, channels in stage.items():
            body[f"inception{name}"] = block = InceptionBlock(
                before,
                direct=scaled(channels.direct),
                small=(scaled(channels.small[0]), scaled(channels.small[1])),
                large=(scaled(channels.large[0]), scaled(channels.large[1])),
                pooled=scaled(channels.pooled),
                kernel_sizes=(3, 5 if is_paper else 3),
                norm=not is_paper,
                eps=1e-3,
                padding=both,
            )
            before = block.out_channels
        if i < 5:
            # (batch, 480 and then 832, rows / 2**(i + 1), time / 2**(i + 1))
            body[f"pool{i}"] = pool(3 if is_paper or i == 3 else 2)
    body |= {"mean_rows": MeanRows(), "flatten": FlattenRows()}  # (batch, 1024, time / 32)
    layers = Sequential(body)
    window = 96 if layers.geometry is None else layers.geometry.input_length(2)
    size = resolve_input_size(input_size, default=(64, window))
    positions = _check_size(size, is_paper=is_paper) if padding == "same" else None
    net = Net(
        layers,
        channels=before,
        num_classes=num_classes,
        input_size=size,
        positions=positions,
        head=(Dropout(0.4 if is_paper else 0.2), before),
    )
    return draw_weights(net) if is_paper else net


def _steps_left(steps: int, *, is_paper: bool) -> int:
    """What the published net leaves of an axis: its strides halve it; 0 where a pool finds no whole block."""
    steps = output_length(steps, 7, stride=2, padding=3)
    for kernel_size in (3, 3, 3, 3 if is_paper else 2):
        if steps < kernel_size:
            return 0
        steps = output_length(steps, kernel_size, stride=2, ceil_mode=True)
    return steps


def _check_size(size: tuple[int, int], *, is_paper: bool) -> int:
    """Raise `ParameterError` for an axis too short for the pools; give the positions in time."""
    for name, steps in zip(("rows", "window"), size, strict=True):
        if not _steps_left(steps, is_paper=is_paper):
            least = next(n for n in count(steps) if _steps_left(n, is_paper=is_paper))
            raise ParameterError(
                f"{name}={steps} is too small for the pools of GoogLeNet; give {least} or more"
            )
    return _steps_left(size[1], is_paper=is_paper)
