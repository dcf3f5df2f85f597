"""GoogLeNet: nine inception blocks, and two heads that help it learn."""

from collections.abc import Mapping
from itertools import count
from typing import Literal, NamedTuple

from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.geometry import output_length
from audiocnn.layers import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    InceptionBlock,
    LocalResponseNorm,
    MaxPool2d,
    Padding,
    ReLU,
    Scan,
    Sequential,
)
from audiocnn.models.image_net import ImageNet
from audiocnn.models.net import InputSize, draw_weights, resolve_input_size

__all__ = ["STAGES", "AuxiliaryHead", "GoogLeNet", "Inception", "googlenet", "inception_stage"]

Form = Literal["paper", "torchvision"]


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
# behind these blocks, in both forms
HEADS = ("inception4a", "inception4d")
# of torchvision's batch norms
EPS = 1e-3


class AuxiliaryHead(Scan):
    """A classifier on what a layer in the middle of a net gives, which it hands on as it is.

    Its layers do not run in `forward`: what they say is asked for in training, by `GoogLeNet.with_auxiliary`.

    Args:
        layers: from what the layer before gives to logits.
    """

    def __init__(self, layers: Scan) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: Tensor) -> Tensor:
        """Return `x`."""
        return x


class GoogLeNet(ImageNet):
    """An `ImageNet` that has, or has not, auxiliary heads in its body."""

    def with_auxiliary(self, x: Tensor) -> tuple[Tensor, ...]:
        """The logits, and those of every auxiliary head from the first on, in one pass.

        For training: the paper adds the loss of each head, weighted by 0.3, to that of the logits.

            main, *auxiliary = (logits.flatten(1) for logits in net.with_auxiliary(x))
            loss = cross_entropy(main, y) + 0.3 * sum(cross_entropy(logits, y) for logits in auxiliary)

        (With `net(x)` alone the heads learn nothing.)
        """
        auxiliary = []
        _, *after = self.scans()
        for layer in (*self.body.children(), *after):
            if isinstance(layer, AuxiliaryHead):
                auxiliary.append(layer.layers(x))
            x = layer(x)
        return x, *auxiliary


def googlenet(
    *,
    num_classes: int,
    in_channels: int = 3,
    input_size: InputSize = None,
    padding: Padding = "same",
    form: Form = "paper",
    auxiliary: bool = False,
    small_input: bool = False,
    width: float = 1.0,
) -> GoogLeNet:
    """GoogLeNet ("inception v1"), with or without its auxiliary heads.

    Szegedy et al. 2015, "Going Deeper with Convolutions", CVPR, arXiv 1409.4842:

        conv 7x7, stride 2           64    largest of 3x3, stride 2; local response norm
        conv 1x1                     64
        conv 3x3                    192    local response norm; largest of 3x3, stride 2
        inception 3a, 3b       256, 480    largest of 3x3, stride 2
        inception 4a to 4e   512 to 832    largest of 3x3, stride 2
        inception 5a, 5b      832, 1024    mean of the map, dropout 0.4, classes

    A ReLU follows every convolution; pools let a last block hang over the end. The auxiliary heads read what
    4a and 4d give: means of 5x5, stride 3; conv 1x1 of 128; dense of 1024, ReLU, dropout 0.7; classes.
    `GoogLeNet.with_auxiliary` runs them, in training; otherwise they do not run. torchvision's form has batch
    norm with an eps of 1e-3 between every convolution and its ReLU and no local response norm, 3x3 for the
    5x5 convolutions, 2x2 for the last pool, 4x4 means over the whole map in the heads, and dropout of 0.2.

    On 3 x 224 x 224 pixels and 1000 classes, with what a position before the mean sees:

                            parameters    billion multiply-accumulates    pixels
        googlenet            6,998,552    1.58                               715
        googlenet_aux       13,378,280    1.58 without those of the heads    715
        googlenet_bn         6,624,904    1.50                               379    torchvision's
        googlenet_bn_aux    13,004,888    1.50 without those of the heads    379    torchvision's

    Pictures of 28 or 32 pixels would leave one position or none. With `small_input` (`googlenet_bn_small`)
    the first convolution is 3x3 of stride 1 and no pool follows it, so that 32 pixels leave 4 x 4 positions,
    each of which sees 95 pixels, in the paper's form 179: 5,602,474 parameters with 10 classes, and 0.45
    billion multiply-accumulates.

    For sound the default is 96 frames with `padding="same"`, about a second, as Hershey et al. 2017 (arXiv
    1609.09430) give to image nets: with 64 rows 184 and, in torchvision's form, 174 million
    multiply-accumulates. With `"valid"` there are no zeros in time, pools take whole blocks of frames, around
    every second row, and the window has to hold what a position sees; by default it leaves two.

    Deviations: the constants of the local response norms, which the paper does not give, are AlexNet's.
    Nor does it say how weights begin: here as in He et al. 2015 (`audiocnn.models.net.draw_weights`), in
    torchvision's form as torch's layers do. On a map of fewer than 5 rows or columns the means in the heads
    are of as many.

    Args:
        num_classes: classes.
        in_channels: colours of a picture; 1 for a spectrogram.
        input_size: `(rows, columns)`; `(224, 224)` by default, `(32, 32)` with `small_input`. Rows alone, as
            a front-end gives them, get 96 frames. With `"valid"` columns are by default 32 more than a
            position sees, 8 with `small_input`. With `"same"` both are at least 47, in torchvision's form 31;
            with `small_input` 12 and 8. The parameters of the heads in the paper's form grow with both.
        padding: along columns.
        form: `"paper"` or `"torchvision"`.
        auxiliary: whether there are the auxiliary heads.
        small_input: whether the first convolution is 3x3 of stride 1, and no pool follows it.
        width: factor on all channels.

    Raises:
        ParameterError: for an unknown form, or a picture too small for the pools.
    """
    if form not in ("paper", "torchvision"):
        raise ParameterError(f"form={form!r} must be 'paper' or 'torchvision'")
    is_paper = form == "paper"
    both: tuple[Padding, Padding] = ("same", padding)

    def pool(kernel_size: int = 3) -> MaxPool2d:
        if padding == "same":
            return MaxPool2d(kernel_size, stride=2, ceil_mode=True)
        return MaxPool2d(kernel_size, stride=2, padding=both)

    def conv(name: str, before: int, after: int, kernel_size: int, stride: int = 1) -> dict[str, Scan]:
        layer = Conv2d(before, after, kernel_size, stride=stride, bias=is_paper, padding=both)
        norm = {} if is_paper else {f"{name}_norm": BatchNorm2d(after, eps=EPS)}
        return {name: layer, **norm, f"{name}_relu": ReLU()}

    def local_norm(name: str) -> dict[str, Scan]:
        return {name: LocalResponseNorm()} if is_paper else {}

    stem, before = _scaled(64, width), _scaled(192, width)
    if small_input:
        body = conv("conv1", in_channels, stem, 3)  # (batch, 64, rows, columns)
    else:
        body = conv("conv1", in_channels, stem, 7, stride=2)  # (batch, 64, rows / 2, columns / 2)
        body["pool1"] = pool()  # (batch, 64, rows / 4, columns / 4)
    body |= (
        local_norm("local_norm1")
        | conv("conv2", stem, stem, 1)
        | conv("conv3", stem, before, 3)
        | local_norm("local_norm2")
        | {"pool2": pool()}  # (batch, 192, rows / 8, columns / 8)
    )
    for number, stage in enumerate(STAGES, start=3):
        blocks, before = inception_stage(stage, before, form=form, padding=padding, width=width)
        body |= blocks
        if number < 5:
            # (batch, 480 and then 832, rows / 2**(number + 1), columns / 2**(number + 1))
            body[f"pool{number}"] = pool(3 if is_paper or number == 3 else 2)
    side, geometry = 32 if small_input else 224, Sequential(body).geometry
    if geometry:  # nothing is added along columns: two positions
        size = resolve_input_size(input_size, default=(side, geometry.input_length(2)))
    else:
        size = resolve_input_size(input_size, default=(side, side), window=96)
    net = GoogLeNet(
        Sequential(_with_heads(body, size, num_classes, form, width) if auxiliary else body),
        channels=before,  # (batch, 1024, rows / 32, columns / 32)
        num_classes=num_classes,
        input_size=size,
        positions=_require_map(body, size) if padding == "same" else None,
        head=(Dropout(0.4 if is_paper else 0.2), before),
    )
    return draw_weights(net) if is_paper else net


def inception_stage(
    stage: Mapping[str, Inception],
    in_channels: int,
    *,
    form: Form = "paper",
    padding: Padding = "same",
    width: float = 1.0,
) -> tuple[dict[str, Scan], int]:
    """The inception blocks of a stage, by name, and the channels that the last of them gives.

    Args:
        stage: names and channels, such as one of `STAGES`.
        in_channels: channels that the first block reads.
        form: `"paper"`, or `"torchvision"` for batch norm, and 3x3 in the place of 5x5.
        padding: along columns.
        width: factor on all channels.

    >>> blocks, channels = inception_stage(STAGES[0], 192)
    >>> list(blocks), channels
    (['inception3a', 'inception3b'], 480)
    """
    is_paper = form == "paper"
    blocks: dict[str, Scan] = {}
    for name, (direct, small, large, pooled) in stage.items():
        blocks[f"inception{name}"] = block = InceptionBlock(
            in_channels,
            direct=_scaled(direct, width),
            small=(_scaled(small[0], width), _scaled(small[1], width)),
            large=(_scaled(large[0], width), _scaled(large[1], width)),
            pooled=_scaled(pooled, width),
            kernel_sizes=(3, 5 if is_paper else 3),
            norm=not is_paper,
            eps=EPS,
            padding=("same", padding),
        )
        in_channels = block.out_channels
    return blocks, in_channels


def _scaled(channels: int, width: float) -> int:
    return max(1, round(channels * width))


def _with_heads(
    body: Mapping[str, Scan], size: tuple[int, int], num_classes: int, form: Form, width: float
) -> dict[str, Scan]:
    """The body with a head behind each of the blocks that have one."""
    layers: dict[str, Scan] = {}
    for name, layer in body.items():
        layers[name] = layer
        if name in HEADS:
            assert isinstance(layer, InceptionBlock)
            rows, columns = _map_left(layers, size)
            # a picture of which nothing is left is refused with the whole body
            left = max(1, rows), max(1, columns)
            head = _head(layer.out_channels, left, num_classes, form, width)
            layers[name.replace("inception", "auxiliary")] = AuxiliaryHead(head)
    return layers


def _head(in_channels: int, left: tuple[int, int], num_classes: int, form: Form, width: float) -> Sequential:
    """An auxiliary head on a map of so many rows and columns."""
    channels, hidden = _scaled(128, width), _scaled(1024, width)
    pool: Scan
    if form == "paper":
        rows, columns = (min(5, steps) for steps in left)
        pool = AvgPool2d((rows, columns), stride=3)
        grid = output_length(left[0], rows, stride=3), output_length(left[1], columns, stride=3)
    else:
        grid = (4, 4)
        pool = AdaptiveAvgPool2d(grid)
    norm: dict[str, Scan] = {} if form == "paper" else {"norm": BatchNorm2d(channels, eps=EPS)}
    return Sequential(
        {
            "pool": pool,  # (batch, in_channels, 4, 4) of a picture of 224 x 224
            "conv": Conv2d(in_channels, channels, 1, bias=not norm),
            **norm,
            "relu": ReLU(),
            "dense": Conv2d(channels, hidden, grid),  # (batch, 1024, 1, 1)
            "dense_relu": ReLU(),
            "dropout": Dropout(0.7),
            "logits": Conv2d(hidden, num_classes, 1),
        }
    )


def _map_left(layers: Mapping[str, Scan], size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns that layers leave of a picture; 0 where a pool finds no whole block."""

    def left(steps: int, axis: int) -> int:
        for layer in layers.values():
            if isinstance(layer, MaxPool2d) and layer.ceil_mode:
                kernel_size, stride = layer.kernel_size[axis], layer.stride[axis]
                if steps < kernel_size:
                    return 0
                steps = output_length(steps, kernel_size, stride=stride, ceil_mode=True)
            elif moves := (layer.row_axis, layer.time_axis)[axis]:
                assert moves.takes is not None  # what has no `ceil_mode` says it
                steps = moves.takes.output_length(steps)
        return steps

    return left(size[0], 0), left(size[1], 1)


def _require_map(body: Mapping[str, Scan], size: tuple[int, int]) -> tuple[int, int]:
    """What the body leaves of a picture; raises `ParameterError` for one too small for the pools."""
    for axis, name in enumerate(("rows", "window")):
        if not _map_left(body, size)[axis]:
            least = next(n for n in count(size[axis]) if _map_left(body, (n, n))[axis])
            raise ParameterError(
                f"{name}={size[axis]} is too small for the pools of GoogLeNet; give {least} or more"
            )
    return _map_left(body, size)
