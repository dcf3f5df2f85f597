"""TDNN-F: time-delay layers whose weights are products of two small factors."""

from audiocnn.layers import (
    TDNN,
    BatchNorm1d,
    Conv1d,
    FactorizedTDNN,
    FlattenRows,
    Padded,
    Padding,
    ReLU,
    Scan,
    SemiOrthogonalConv1d,
    Sequential,
)
from audiocnn.models.net import InputSize, Net, resolve_input_size

__all__ = ["tdnn_f"]


def tdnn_f(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    channels: int,
    bottleneck: int,
    narrow: int,
    far_layers: int,
    width: float = 1.0,
) -> Net:
    """Kaldi's acoustic model of factorised time-delay layers, its outputs averaged over a window.

    Povey et al. 2018, "Semi-Orthogonal Low-Rank Matrix Factorization for Deep Neural Networks", Interspeech,
    with the layers of two of Kaldi's recipes: a time-delay layer of 3 frames; factorised ones that reach 1
    frame to both sides (three of them), none (one) and 3 (the rest); a narrow linear layer; and a layer as
    wide as all, made narrow again, before the classes.

        recipe                            row             channels  bottleneck  narrow  factorised layers
        swbd/s5c run_tdnn_7q              tdnn_f          1536      192         256     14, seeing 69 frames
        mini_librispeech/s5 run_tdnn_1j   tdnn_f_small    768       96          192     12, seeing 57 frames

    69 frames are 710 ms at 30/10 ms, 57 are 590 ms, with all frequencies. Kaldi counts 21,356,836 parameters
    for the one and 5,210,944 for the other: with 100 inputs about the speaker (i-vectors), a second branch of
    outputs for training, and thousands of outputs, but without weights and biases in batch norm. The other
    layers have as many as ours. With 12 classes there are 17.4 and 4.0 million, and a decision on 1.5 s takes
    2.0 and 0.5 billion multiply-accumulates with `padding="valid"`, 3.2 and 0.7 with `"same"`.

    `fit` keeps the first factors semi-orthogonal (`audiocnn.layers.constrain`), and so should any training.

    Kaldi pads no layer, but repeats the first and last frame of a recording at its ends: that is
    `padding="same"`. With `"valid"` nothing is added, and all else is the same.

    Deviations: one decision for a window, the mean of what Kaldi gives for each frame or each third of them;
    no i-vectors; log-mel features instead of cepstra that a fixed matrix (LDA) decorrelates, or that have
    deltas, instead of which the first layer reads 3 frames; no dropout; and batch norms add 1e-5 to the
    variance, Kaldi's 1e-3.

    Args:
        num_classes: classes.
        in_channels: channels of the spectrogram.
        input_size: `(rows, window)`; `(40, 150)` by default.
        padding: along time.
        channels: width of the layers.
        bottleneck: channels between the factors.
        narrow: channels of the narrow layers before the classes.
        far_layers: factorised layers that reach 3 frames to both sides.
        width: factor on all widths.
    """
    rows, window = resolve_input_size(input_size, default=(40, 150))
    channels, bottleneck, narrow = (round(size * width) for size in (channels, bottleneck, narrow))
    layers: dict[str, Scan] = {
        "flatten": FlattenRows(),  # (batch, in_channels * rows, time)
        "tdnn1": TDNN(in_channels * rows, channels, (-1, 0, 1)),
    }
    for i, offset in enumerate((1, 1, 1, 0, *[3] * far_layers), start=2):
        layers[f"tdnnf{i}"] = FactorizedTDNN(channels, channels, bottleneck=bottleneck, offset=offset)
    layers |= {
        "linear": SemiOrthogonalConv1d(channels, narrow, 1),
        "affine": Conv1d(narrow, channels, 1),
        "relu": ReLU(),
        "norm": BatchNorm1d(channels),
        "last_linear": SemiOrthogonalConv1d(channels, narrow, 1),
        "last_norm": BatchNorm1d(narrow),  # (batch, narrow, time)
    }
    # of one name with both paddings, so that the weights of the one are those of the other
    body: Scan = Sequential({"module": Sequential(layers)})
    if padding == "same":
        reach = (body.require_law().span - 1) // 2
        body = Padded(Sequential(layers), left=reach, right=reach, mode="repeat")
    return Net(body, channels=narrow, num_classes=num_classes, input_size=(rows, window))
