"""M5: a 1-D net that reads samples, with filters of its own instead of a spectrogram."""

from audiocnn.errors import ParameterError
from audiocnn.layers import BatchNorm1d, Conv1d, FlattenRows, MaxPool1d, Padding, ReLU, Scan, Sequential
from audiocnn.models.net import InputSize, Net, resolve_input_size

__all__ = ["m5"]

FIRST_KERNEL = 80
FIRST_STRIDE = 4
POOL = 4
CHANNELS = (128, 128, 256, 512)


def m5(
    *,
    num_classes: int,
    in_channels: int = 1,
    input_size: InputSize = None,
    padding: Padding = "valid",
    width: float = 1.0,
) -> Net:
    """M5: a convolution of 80 samples, then convolutions of 3 between pools of 4.

    Dai, Dai, Qu, Li & Das 2017, "Very Deep Convolutional Neural Networks for Raw Waveforms", ICASSP, arXiv
    1610.00087. It reads samples at 8 kHz, and has to be given them: behind the front-end `samples`.

        convolution of 80 samples, every 4, to 128 channels, norm, ReLU; the largest of 4
        three times: convolution of 3 to 128, 256 and 512 channels, norm, ReLU; the largest of 4
        mean over time, classes

    A position before the mean sees 1,772 samples, 221.5 ms, all frequencies up to 4 kHz. The paper says
    0.5M parameters; with its 10 classes there are 559,114, the number of a reimplementation
    (github.com/philipperemy/very-deep-convnets-raw-waveforms), biases before norms included.

    With `padding="same"` convolutions add zeros, as that reimplementation has them, and a decision is on one
    second, 8,000 samples: 69,538,816 multiply-accumulates. With `"valid"` only the zeros are gone, and of the
    window of 11,600 samples, 1.45 s, the strides reach 10,988: 93,606,912.

    Deviations: the paper's clips are of 32,000 samples, which `input_size=(1, 32000)` gives; whether and how
    it pads could not be made sure of, nor whether its convolutions have biases.

    SpecAugment finds one row, of which no bands can be masked: train with `max_freq_width=0`.

    Args:
        num_classes: classes.
        in_channels: channels of the input.
        input_size: `(1, window)`: one row of samples; `(1, 8000)` by default with `"same"`, `(1, 11600)`
            with `"valid"`.
        padding: along time.
        width: factor on all channels.

    Raises:
        ParameterError: for rows other than one, as of a spectrogram.
    """
    rows, window = resolve_input_size(input_size, default=(1, 8000 if padding == "same" else 11600))
    if rows != 1:
        raise ParameterError(
            f"rows={rows} must be 1, as this net reads samples; give it the front-end 'samples'"
        )
    body: dict[str, Scan] = {"flatten": FlattenRows()}  # (batch, in_channels, time)
    before = in_channels
    for i, wide in enumerate((round(number * width) for number in CHANNELS), start=1):
        kernel_size, stride = (FIRST_KERNEL, FIRST_STRIDE) if i == 1 else (3, 1)
        body |= {
            f"conv{i}": Conv1d(before, wide, kernel_size, stride=stride, padding=padding),
            f"norm{i}": BatchNorm1d(wide),
            f"relu{i}": ReLU(),
            f"pool{i}": MaxPool1d(POOL),  # (batch, wide, time / 4 / 4**i)
        }
        before = wide
    return Net(Sequential(body), channels=before, num_classes=num_classes, input_size=(rows, window))
