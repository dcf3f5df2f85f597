"""The laws "scan = windows" and "stream = scan" over drawn kernels, strides, dilations, sizes and chunks."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from audiocnn import layers as L
from audiocnn.layers import window_pool

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}
small = st.integers(1, 4)


class Draw:
    """Sizes of a layer, drawn as they are asked for."""

    def __init__(self, draw: Callable) -> None:
        self.draw = draw
        self.groups = draw(st.sampled_from([1, 2, 3]))
        self.channels = self.groups * draw(st.integers(1, 2))
        self.rows = draw(st.integers(1, 5))

    def size(self) -> int:
        return self.draw(small)

    def row_size(self) -> int:
        """A kernel or stride that fits the rows."""
        return self.draw(st.integers(1, self.rows))

    def sizes(self) -> tuple[int, int]:
        return self.row_size(), self.size()

    def padding(self) -> tuple[L.Padding, L.Padding]:
        return self.draw(st.sampled_from([("valid", "valid"), ("same", "valid")]))


def conv1d(d: Draw) -> L.Scan:
    return L.Conv1d(d.channels, 2 * d.groups, d.size(), stride=d.size(), dilation=d.size(), groups=d.groups)


def conv2d(d: Draw) -> L.Scan:
    kernel, padding = d.sizes(), d.padding()
    fits_dilated = padding[0] == "same" or kernel[0] == 1
    return L.Conv2d(
        d.channels,
        2 * d.groups,
        kernel,
        stride=d.sizes(),
        dilation=(d.size() if fits_dilated else 1, d.size()),
        groups=d.groups,
        padding=padding,
    )


def separable1d(d: Draw) -> L.Scan:
    return L.SeparableConv1d(d.channels, 3, d.size(), stride=d.size(), dilation=d.size())


def locally_connected(d: Draw) -> L.Scan:
    return L.LocallyConnected2d(
        d.channels, 2, d.sizes(), stride=d.sizes(), input_size=(d.rows, None), padding=d.padding()
    )


def separable2d(d: Draw) -> L.Scan:
    return L.SeparableConv2d(d.channels, 3, d.sizes(), stride=d.sizes(), padding=d.padding())


def tdnn(d: Draw) -> L.Scan:
    return L.TDNN(d.channels, 3, tuple(sorted(d.draw(st.sets(st.integers(-5, 5), min_size=1, max_size=4)))))


def fft1d(d: Draw) -> L.Scan:
    return L.FFTConv1d(
        d.channels,
        2 * d.groups,
        d.size(),
        stride=d.size(),
        dilation=d.size(),
        groups=d.groups,
        method="fft",
    )


def transposed_rows(d: Draw) -> L.Scan:
    return L.ConvTranspose2d(d.channels, 2, (d.size(), 1), stride=(d.size(), 1))


def branches(d: Draw) -> L.Scan:
    stride = d.size()
    convs = [L.Conv1d(d.channels, 2, d.size(), stride=stride, dilation=d.size()) for _ in range(d.size())]
    return L.Parallel(*convs, join=d.draw(st.sampled_from(["sum", "product", "concatenate"])))


def chained(d: Draw) -> L.Scan:
    channels = d.channels
    return L.Sequential(
        L.Conv1d(channels, channels, d.size(), stride=d.size()),
        L.Residual(
            L.Sequential(
                L.Conv1d(channels, 2, d.size()), L.ReLU(), L.Conv1d(2, channels, d.size(), dilation=2)
            )
        ),
        L.AvgPool1d(d.size(), stride=d.size()),
        L.WindowMax(d.size()),
    )


def by_windows(d: Draw) -> L.Scan:
    window = d.size()
    net = L.Sequential(L.Conv1d(d.channels, 2, 3, padding="same"), L.GlobalMean())
    return L.Windows(net, window=window, stride=d.size(), batch_size=d.size())


def basic1d(d: Draw) -> L.Scan:
    return L.BasicBlock(
        d.channels, d.size(), dimensions=1, stride=d.size(), kernel_size=d.size(), dilation=d.size()
    )


def basic2d(d: Draw) -> L.Scan:
    padding = ("same", "valid")
    return L.BasicBlock(d.channels, d.size(), stride=d.sizes(), kernel_size=d.sizes(), padding=padding)


def learned1d(d: Draw) -> L.Scan:
    return L.LearnedPool1d(d.size(), stride=d.size(), hidden=2)


def learned2d(d: Draw) -> L.Scan:
    return L.LearnedPool2d(d.sizes(), stride=d.sizes(), hidden=2, padding=d.padding())


LAYERS_1D = {
    "Conv1d": conv1d,
    "SeparableConv1d": separable1d,
    "FFTConv1d": fft1d,
    "TDNN": tdnn,
    "Parallel": branches,
    "Sequential": chained,
    "Windows": by_windows,
    "BasicBlock in 1-D": basic1d,
    "MaxPool1d": lambda d: L.MaxPool1d(d.size(), stride=d.size()),
    "AvgPool1d": lambda d: L.AvgPool1d(d.size(), stride=d.size()),
    "LpPool1d": lambda d: L.LpPool1d(d.size(), stride=d.size(), p=d.draw(st.sampled_from([1.0, 2.0, 3.0]))),
    "LearnedPool1d": learned1d,
    "WindowMean": lambda d: L.WindowMean(3 * d.size()),
    "WindowMax": lambda d: L.WindowMax(3 * d.size()),
    "WindowStatistics": lambda d: L.WindowStatistics(3 * d.size()),
    "AttentiveStatistics": lambda d: L.AttentiveStatistics(
        d.channels, 3 * d.size(), hidden=2, per_channel=d.draw(st.booleans())
    ),
}
LAYERS_2D = {
    "Conv2d": conv2d,
    "SeparableConv2d": separable2d,
    "ConvTranspose2d along rows": transposed_rows,
    "BasicBlock": basic2d,
    "LocallyConnected2d": locally_connected,
    "MaxPool2d": lambda d: L.MaxPool2d(d.sizes(), stride=d.sizes(), padding=d.padding()),
    "AvgPool2d": lambda d: L.AvgPool2d(d.sizes(), stride=d.sizes(), padding=d.padding()),
    "LpPool2d": lambda d: L.LpPool2d(d.sizes(), stride=d.sizes(), padding=d.padding()),
    "LearnedPool2d": learned2d,
}


def assert_close(ours: Tensor, expected: Tensor) -> None:
    assert ours.shape == expected.shape
    assert ours.dtype == expected.dtype
    assert (ours - expected).abs().max() <= TOLERANCE[expected.dtype] * expected.abs().max()


@pytest.mark.parametrize("name", [*LAYERS_1D, *LAYERS_2D])
@settings(deadline=None)
@given(data=st.data())
def test_scan_is_windows_and_stream_is_scan(name, data):
    draw = Draw(data.draw)
    dtype = data.draw(st.sampled_from([torch.float32, torch.float64]))
    limit = data.draw(st.sampled_from([0, 2**18]))  # whether window pools fold
    torch.manual_seed(data.draw(st.integers(0, 99)))
    layer = (LAYERS_1D | LAYERS_2D)[name](draw).to(dtype).eval()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    geometry = layer.geometry
    outputs = data.draw(st.integers(1, 12))
    length = geometry.input_length(outputs) + data.draw(st.integers(0, geometry.stride - 1))
    axes = (draw.channels,) if name in LAYERS_1D else (draw.channels, draw.rows)
    x = torch.randn(2, *axes, length, dtype=dtype)
    cuts = sorted(data.draw(st.lists(st.integers(0, length), max_size=6)))

    with pytest.MonkeyPatch.context() as patch, torch.inference_mode():
        patch.setattr(window_pool, "REDUCED_DIRECTLY", limit)
        whole = layer(x)
        assert whole.shape[-1] == outputs == geometry.output_length(length)

        starts = range(0, outputs * geometry.stride, geometry.stride)
        windows = [layer(x[..., start : start + geometry.span]) for start in starts]
        assert_close(torch.cat(windows, dim=-1), whole)

        state, due = None, []
        for chunk in x.tensor_split(cuts, dim=-1):
            y, state = layer.step(chunk, state)
            if y is not None:
                due.append(y)
        assert_close(torch.cat(due, dim=-1), whole)
