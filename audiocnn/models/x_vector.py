"""X-vectors: time-delay layers, statistics over time, and the embedding they are named after."""

from functools import partial

from audiocnn.layers import (
    TDNN,
    BatchNorm1d,
    Conv1d,
    FlattenRows,
    Padding,
    PaddingMode,
    Scan,
    Sequential,
    WindowStatistics,
)
from audiocnn.layers.activation import rectifier
from audiocnn.models.net import InputSize, Net, resolve_input_size

__all__ = ["x_vector"]

CONTEXTS = ((-2, -1, 0, 1, 2), (-2, 0, 2), (-3, 0, 3), (0,), (0,))


def x_vector(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    channels: int = 512,
    wide: int = 1500,
    embeddings: tuple[int, ...] = (512, 512),
    default_size: tuple[int, int] = (24, 300),
    padding_mode: PaddingMode = "reflect",
    negative_slope: float = 0.01,
    correction: int = 1,
    smoothing: float = 1e-12,
    width: float = 1.0,
) -> Net:
    """Time-delay layers that read frames in growing contexts, statistics pooling, and embedding layers.

    Snyder et al. 2018, "X-Vectors: Robust DNN Embeddings for Speaker Recognition", ICASSP. Five layers of
    contexts {t-2..t+2}, {t-2, t, t+2}, {t-3, t, t+3}, {t}, {t}, with 512 channels and in the last 1,500; mean
    and deviation over time; two layers of 512; the classes. The layers before the pool see 15 frames, 170 ms
    at 30/10 ms, and all frequencies.

    `x_vector` is the net of SpeechBrain 1.1 (`Xvector` and its `Classifier`, activations and paddings
    included): 4,211,604 parameters up to the embedding on the paper's 24 features, and 264,704 and the
    classes after it. The paper says 4.2 million up to the embedding: Kaldi's batch norms have no weights and
    biases, so there they are 4,204,508. Of a window `x`, the x-vectors are `net.head[:1](net[:2](x))`. With
    `padding="same"` the clip is mirrored at its ends in every layer, as SpeechBrain does it; with `"valid"`
    nothing is padded, as in Kaldi, and all else is the same. A decision on 3 s takes 801 and 769 million
    multiply-accumulates.

    `tdnn` is a small net in the same manner, sized for keywords, not for speakers: 128 channels, 384 before
    the pool, one embedding layer, ReLUs and zeros for padding.

    Deviations: the pool is over a window instead of the clip. (SpeechBrain's adds noise of some 1e-5 to the
    means, also in evaluation, and 1e-5 to the deviations; here it does not.)

    Args:
        num_classes: classes.
        in_channels: channels of the spectrogram.
        input_size: `(rows, window)`; `default_size` by default.
        padding: along time.
        channels: width of the frame layers.
        wide: width of the last of them.
        embeddings: widths of the layers between pool and classes.
        default_size: `input_size` where that is None.
        padding_mode: what `padding="same"` adds.
        negative_slope: of the ReLUs.
        correction: of the deviations, as in `WindowStatistics`.
        smoothing: of the deviations.
        width: factor on all widths.
    """
    rows, window = resolve_input_size(input_size, default=default_size)
    frames = [round(channels * width)] * 4 + [round(wide * width)]
    body: dict[str, Scan] = {"flatten": FlattenRows()}  # (batch, in_channels * rows, time)
    before = in_channels * rows
    for i, (context, units) in enumerate(zip(CONTEXTS, frames, strict=True), start=1):
        body[f"frame{i}"] = TDNN(
            before,
            units,
            context,
            padding=padding,
            padding_mode=padding_mode,
            negative_slope=negative_slope,
        )
        before = units  # at last (batch, wide, time)
    pooled = 2 * before
    head: dict[str, Scan] = {}
    given = pooled
    for i, embedding in enumerate(embeddings):
        units, number = round(embedding * width), str(i + 1) if i else ""
        head |= {
            f"affine{number}": Conv1d(given, units, 1),
            f"relu{number}": rectifier(negative_slope),
            f"norm{number}": BatchNorm1d(units),
        }
        given = units
    return Net(
        Sequential(body),
        channels=before,
        num_classes=num_classes,
        input_size=(rows, window),
        pool=partial(WindowStatistics, correction=correction, smoothing=smoothing),
        pooled=pooled,
        head=(Sequential(head), given),
    )
