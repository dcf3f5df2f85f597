"""Time-delay layers: a dense layer over a few frames, moved along time."""

from audiocnn.layers.conv import Conv1d, Padding
from audiocnn.layers.norm import BatchNorm1d, ReLU
from audiocnn.layers.scan import Sequential

__all__ = ["TDNN"]


class TDNN(Sequential):
    """One layer of a time-delay network: `(batch, in_channels, time)` -> `(batch, out_channels, time')`.

    Waibel et al. 1989, "Phoneme Recognition Using Time-Delay Neural Networks", in today's
    form: a 1-D convolution, dilated so that a few taps see far, then ReLU, then batch norm
    (the order of the x-vector recipe).

    Args:
        in_channels: channels of a frame.
        out_channels: units.
        kernel_size: how many frames are read.
        dilation: distance between them.
        padding: `"valid"` (a scan) or `"same"`.

    >>> TDNN(40, 128, kernel_size=3, dilation=2).geometry  # reads frames t - 2, t, t + 2
    Geometry(span=5, stride=1)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        dilation: int = 1,
        padding: Padding = "valid",
    ) -> None:
        super().__init__(
            {
                "conv": Conv1d(in_channels, out_channels, kernel_size, dilation=dilation, padding=padding),
                "relu": ReLU(),
                "norm": BatchNorm1d(out_channels),
            }
        )
