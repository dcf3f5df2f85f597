"""VGGish: the net behind the embeddings of AudioSet."""

from audiocnn.layers import Conv1d, FlattenRows, Padding, ReLU, Sequential
from audiocnn.models.net import InputSize, Net, draw_weights, resolve_input_size, rows_left
from audiocnn.models.vgg import stages_of_convolutions

__all__ = ["vggish"]

STAGES = ((64,), (128,), (256, 256), (512, 512))
HIDDEN = 4096
EMBEDDING = 128


def vggish(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    width: float = 1.0,
) -> Net:
    """VGGish: VGG's net A without its last stage, on 0.96 s of sound.

    Hershey et al. 2017, "CNN Architectures for Large-Scale Audio Classification", arXiv 1609.09430, with
    the layer sizes of the code released with AudioSet (`research/audioset/vggish` of tensorflow/models).
    Convolutions 3x3 of 64, 128, 256, 256, 512 and 512 channels, each with a ReLU; the largest of 2x2 after
    the first, second, fourth and sixth; what is left of the map goes through two layers of 4096 units
    and one of 128, the embedding.

    That code ends with the embedding: 72,141,184 parameters. Ours goes on with a ReLU, as its authors'
    example of training does, and the layer of the classes, which adds 129 for each.

    With `padding="same"` it is the published net, on 96 frames of 64 rows, made by the front-end of the same
    name. With `"valid"` the zeros in time are gone, and 150 frames leave the layer of 4096 units the
    same 6 x 4 positions. One of them sees 70 frames, 715 ms behind the front-end `vggish`, and 70 rows,
    which is all of them. A decision takes 864 million multiply-accumulates, or 1,064.

    Deviation: weights begin as in He et al. 2015 (`audiocnn.models.net.draw_weights`); the code's are normal
    with a deviation of 0.01.

    Args:
        num_classes: classes.
        in_channels: channels of the spectrogram.
        input_size: `(rows, window)`; `(64, 96)` by default with `"same"`, `(64, 150)` with `"valid"`. There
            must be 16 rows. The parameters of the first dense layer grow with both.
        padding: along time.
        width: factor on all channels.

    Raises:
        ParameterError: for rows of which the pools leave none.
    """
    size = resolve_input_size(input_size, default=(64, 96) if padding == "same" else (64, 150))
    hidden, embedding = round(HIDDEN * width), round(EMBEDDING * width)
    stages = [[round(channels * width) for channels in stage] for stage in STAGES]
    body = stages_of_convolutions(in_channels, stages, padding=("same", padding))
    # (batch, 512, rows / 16, time / 16)
    flat = stages[-1][-1] * rows_left(Sequential(body), size)
    body["flatten"] = FlattenRows()  # (batch, 512 * rows / 16, time / 16)
    head = {
        "relu1": ReLU(),
        "dense2": Conv1d(hidden, hidden, 1),
        "relu2": ReLU(),
        "embedding": Conv1d(hidden, embedding, 1),
        "relu3": ReLU(),
    }
    net = Net(
        Sequential(body),
        channels=flat,
        num_classes=num_classes,
        input_size=size,
        pool=lambda positions: Conv1d(flat, hidden, positions),
        head=(Sequential(head), embedding),
    )
    return draw_weights(net)
