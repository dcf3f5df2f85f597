"""Time-delay networks in the manner of x-vectors."""

from audiocnn.layers import (
    TDNN,
    BatchNorm1d,
    Conv1d,
    FlattenRows,
    Padding,
    ReLU,
    Sequential,
    WindowStatistics,
)
from audiocnn.models.net import InputSize, Net, resolve_input_size

__all__ = ["tdnn"]


def tdnn(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    channels: int = 128,
) -> Net:
    """A small x-vector-style time-delay net with statistics pooling over the window.

    Snyder et al. 2018, "X-Vectors: Robust DNN Embeddings for Speaker Recognition", ICASSP:
    frames are read in growing contexts, {t-2..t+2}, {t-2, t, t+2}, {t-3, t, t+3}, {t}, {t}; mean
    and deviation over time follow, then an embedding and the classes. A decision sees 15 frames
    at a time, 170 ms at 30/10 ms.

    Deviations: 128 channels instead of 512 (and 3 x 128 before pooling instead of 1,500), one
    embedding layer instead of two, pooling over a window instead of the clip: sized for
    keywords, not for speakers.

    Args:
        num_classes: classes.
        in_channels: channels of the spectrogram.
        input_size: `(rows, window)`; `(40, 98)` by default.
        padding: along time.
        channels: width of the frame layers.
    """
    rows, window = resolve_input_size(input_size, default=(40, 98))
    wide = 3 * channels
    body = Sequential(
        {
            "flatten": FlattenRows(),  # (batch, in_channels * rows, time)
            "frame1": TDNN(in_channels * rows, channels, (-2, -1, 0, 1, 2), padding=padding),
            "frame2": TDNN(channels, channels, (-2, 0, 2), padding=padding),
            "frame3": TDNN(channels, channels, (-3, 0, 3), padding=padding),
            "frame4": TDNN(channels, channels, (0,)),
            "frame5": TDNN(channels, wide, (0,)),  # (batch, 3 * channels, time)
        }
    )
    embedding = Sequential(
        {"affine": Conv1d(2 * wide, channels, 1), "relu": ReLU(), "norm": BatchNorm1d(channels)}
    )
    return Net(
        body,
        channels=wide,
        num_classes=num_classes,
        input_size=(rows, window),
        pool=WindowStatistics,
        pooled=2 * wide,
        head=(embedding, channels),
    )
