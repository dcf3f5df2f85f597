"""ECAPA-TDNN: residual time-delay blocks with channel attention, all of them read at once."""

from functools import partial

from audiocnn.errors import ParameterError
from audiocnn.layers import (
    TDNN,
    AttentiveStatistics,
    BatchNorm1d,
    ClipAttentiveStatistics,
    Conv1d,
    FlattenRows,
    Identity,
    Padding,
    Parallel,
    Res2Net,
    Residual,
    Scan,
    Sequential,
    SqueezeExcitation,
)
from audiocnn.models.net import InputSize, Net, resolve_input_size

__all__ = ["ecapa_tdnn"]

SCALE = 8
DILATIONS = (2, 3, 4)
SQUEEZED = 128
ATTENTION = 128
EMBEDDING = 192


def ecapa_tdnn(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    channels: int,
    aggregated: int = 1536,
    gate_frames: int = 31,
    width: float = 1.0,
) -> Net:
    """ECAPA-TDNN: three SE-Res2Net blocks, all of whose outputs go to an attentive pool.

    Desplanques, Thienpondt & Demuynck 2020, "ECAPA-TDNN: Emphasized Channel Attention, Propagation and
    Aggregation in TDNN Based Speaker Verification", Interspeech, arXiv 2005.07143, in the form of SpeechBrain
    1.1: a time-delay layer of 5 frames; three blocks of a dense layer, a Res2Net layer of 8 groups (kernels
    of 3 with dilations of 2, 3 and 4), a dense layer and squeeze-excitation, with the block's input added; a
    dense layer on the outputs of all three; mean and deviation over time, every channel with its own
    attention; 192 channels of embedding; the classes. The layers before the pool see 131 frames, 1330 ms at
    30/10 ms, and all frequencies.

    With `padding="same"` it is the published net, with 80 features: 6,194,048 parameters up to the embedding
    for `ecapa_tdnn_512` and 14,660,416 for `ecapa_tdnn_1024` (the paper says 6.2 and 14.7 million); the
    clip is mirrored at its ends in every layer, and what a frame is given depends on the whole clip in
    squeeze-excitation and in the attention. `ecapa_tdnn_1024_3072`, of 3,072 instead of 1,536 channels before
    the pool, is the one whose weights SpeechBrain gives away: 20,767,552.

    With `padding="valid"` it is a scan: the gates of squeeze-excitation look at `gate_frames` around the
    frame, and the attention at the frame alone, not at the clip's mean and deviation, which leaves out
    393,216 of the parameters (with 3,072 channels 786,432). A position before the pool then sees 221 frames,
    2230 ms. A decision on 3 s takes 1.4, 3.9 and 5.4 billion multiply-accumulates with `"same"`, 0.7, 2.2 and
    2.6 with `"valid"`, and each further one 6, 14 and 20 million.

    The embeddings of a window `x` are `net[:-1](x)`; how alike two are, their cosine says.

    Deviations: logits are an affine map of the embedding. The paper trains a cosine head with an additive
    angular margin, which compares speakers and is of no use afterwards.

    Args:
        num_classes: classes.
        in_channels: channels of the spectrogram.
        input_size: `(rows, window)`; `(80, 300)` by default.
        padding: along time.
        channels: width of the blocks.
        aggregated: channels before the pool.
        gate_frames: with `"valid"`, frames whose mean opens and shuts the gates of the one in their middle.
        width: factor on all widths, which makes the blocks a multiple of 8 channels wide, and of those
            between the gates, of which there are 128 at a width of 1.

    Raises:
        ParameterError: for a width that does not.
    """
    rows, window = resolve_input_size(input_size, default=(80, 300))
    units, wide, squeezed, attention, embedding = (
        round(size * width) for size in (channels, aggregated, SQUEEZED, ATTENTION, EMBEDDING)
    )
    if not (units and squeezed) or units % SCALE or units % squeezed:
        raise ParameterError(
            f"width={width} makes {units} of channels={channels} and {squeezed} of the {SQUEEZED} between "
            f"the gates; the first must be a multiple of {SCALE} and of the second: give 1/2, 1/4 or 1/8"
        )
    is_clip = padding == "same"
    blocks = [
        _block(units, dilation, squeezed, padding, gate_frames=None if is_clip else gate_frames)
        for dilation in DILATIONS
    ]
    reflected = partial(TDNN, padding=padding, padding_mode="reflect")
    body: dict[str, Scan] = {
        "flatten": FlattenRows(),  # (batch, in_channels * rows, time)
        "frame": reflected(in_channels * rows, units, (-2, -1, 0, 1, 2)),
        "blocks": _all_of(blocks),  # (batch, 3 * units, time)
        "aggregate": reflected(len(blocks) * units, wide, (0,)),  # (batch, wide, time)
    }
    head: dict[str, Scan] = {"norm": BatchNorm1d(2 * wide), "embedding": Conv1d(2 * wide, embedding, 1)}

    def pool(positions: int) -> Scan:
        if is_clip:
            return ClipAttentiveStatistics(wide, hidden=attention, norm=True, smoothing=1e-12)
        return AttentiveStatistics(
            wide, positions, hidden=attention, per_channel=True, norm=True, smoothing=1e-12
        )

    return Net(
        Sequential(body),
        channels=wide,
        num_classes=num_classes,
        input_size=(rows, window),
        pool=pool,
        pooled=2 * wide,
        head=(Sequential(head), embedding),
    )


def _block(
    channels: int, dilation: int, squeezed: int, padding: Padding, *, gate_frames: int | None
) -> Residual:
    """An SE-Res2Net block; without `gate_frames` its gates look at the whole clip."""
    return Residual(
        Sequential(
            {
                "first": TDNN(channels, channels, (0,)),
                "res2net": Res2Net(
                    channels, scale=SCALE, dilation=dilation, padding=padding, padding_mode="reflect"
                ),
                "last": TDNN(channels, channels, (0,)),
                "gate": SqueezeExcitation(
                    channels,
                    context="clip" if gate_frames is None else gate_frames,
                    dimensions=1,
                    reduction=channels // squeezed,
                ),
            }
        )
    )


def _all_of(blocks: list[Residual]) -> Scan:
    """Blocks one after the other, what each of them gives put side by side."""
    first, *others = blocks
    if not others:
        return first
    return Sequential({"block": first, "others": Parallel(Identity(), _all_of(others), join="concatenate")})
