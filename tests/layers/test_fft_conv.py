"""Convolution by FFT against the direct layers, in results, gradients, shapes, types and errors."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.layers import Conv1d, Conv2d, FFTConv1d, FFTConv2d, fft_conv1d, fft_conv2d, fft_correlation
from audiocnn.layers.fft_correlation import Blocks, correlate
from audiocnn.layers.fft_cost import choose_blocks

FLOAT64 = 1e-12


def assert_near(ours: Tensor, expected: Tensor, tolerance: float = FLOAT64) -> None:
    """Shapes and types agree, and the values to within `tolerance` of the largest, or of 1."""
    assert ours.shape == expected.shape and ours.dtype == expected.dtype
    assert (ours - expected).abs().max() <= tolerance * max(expected.abs().max(), 1)


def assert_same_layer(ours: torch.nn.Module, direct: torch.nn.Module, x: Tensor, tolerance: float) -> None:
    """Equal outputs, and equal gradients of the input and of every parameter."""
    ours.load_state_dict(direct.state_dict())
    results = []
    for layer in (ours, direct):
        inputs = x.clone().requires_grad_()
        y = layer(inputs)
        generator = torch.Generator().manual_seed(1)
        (y * torch.randn(y.shape, generator=generator, dtype=x.dtype)).sum().backward()
        results.append((y.detach(), inputs.grad, *(p.grad for p in layer.parameters())))
    assert results[0][0].is_contiguous()
    for got, expected in zip(*results, strict=True):
        assert_near(got, expected, tolerance)


@st.composite
def channels(draw):
    groups = draw(st.integers(1, 3))
    return groups, groups * draw(st.integers(1, 3)), groups * draw(st.integers(1, 3))


kernels, strides, dilations = st.integers(1, 12), st.integers(1, 5), st.integers(1, 4)
paddings = st.sampled_from([("valid", "zeros"), ("same", "zeros"), ("same", "reflect")])


@settings(deadline=None)
@given(
    batch=st.integers(1, 3),
    channels=channels(),
    kernel=kernels,
    stride=strides,
    dilation=dilations,
    padding=paddings,
    extra=st.integers(0, 60),
    bias=st.booleans(),
)
def test_it_is_the_direct_layer(batch, channels, kernel, stride, dilation, padding, extra, bias):
    groups, in_channels, out_channels = channels
    span = (kernel - 1) * dilation + 1
    if padding[1] == "reflect" and span % 2 == 0:
        padding = ("same", "zeros")
    arguments = dict(
        stride=stride,
        dilation=dilation,
        groups=groups,
        bias=bias,
        padding=padding[0],
        padding_mode=padding[1],
    )
    ours = FFTConv1d(in_channels, out_channels, kernel, method="fft", **arguments).double()
    direct = Conv1d(in_channels, out_channels, kernel, **arguments).double()
    x = torch.randn(batch, in_channels, span + extra, dtype=torch.float64)
    assert_same_layer(ours, direct, x, FLOAT64)


@settings(deadline=None)
@given(
    channels=channels(),
    kernel=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 3)),
    padding=st.tuples(st.sampled_from(["valid", "same"]), st.sampled_from(["valid", "same"])),
    extra=st.tuples(st.integers(0, 20), st.integers(0, 20)),
)
def test_it_is_the_direct_layer_in_2d(channels, kernel, stride, dilation, padding, extra):
    groups, in_channels, out_channels = channels
    arguments = dict(stride=stride, dilation=dilation, groups=groups, padding=padding)
    ours = FFTConv2d(in_channels, out_channels, kernel, method="fft", **arguments).double()
    direct = Conv2d(in_channels, out_channels, kernel, **arguments).double()
    rows, steps = ((k - 1) * d + 1 + e for k, d, e in zip(kernel, dilation, extra, strict=True))
    x = torch.randn(2, in_channels, rows, steps, dtype=torch.float64)
    assert_same_layer(ours, direct, x, FLOAT64)


@pytest.mark.parametrize(
    ("ours", "direct", "shape"),
    [
        (FFTConv1d(1, 3, 1000, method="fft"), Conv1d(1, 3, 1000), (1, 1, 30_000)),
        (FFTConv1d(5, 4, 64, method="fft", stride=3), Conv1d(5, 4, 64, stride=3), (3, 5, 2000)),
        (FFTConv2d(3, 4, 21, method="fft"), Conv2d(3, 4, 21), (2, 3, 60, 90)),
    ],
    ids=["one channel", "strided", "2-D"],
)
def test_in_float32_it_is_within_1e_5(ours, direct, shape):
    assert_same_layer(ours, direct, torch.randn(shape), 1e-5)


@st.composite
def cut_axis(draw):
    """A kernel, a length and some blocks that do: not only those that the cost model would take."""
    kernel, step, number = draw(st.integers(1, 9)), draw(st.integers(1, 9)), draw(st.integers(1, 6))
    outputs = draw(st.integers((number - 1) * step + 1, number * step))
    return kernel, outputs + kernel - 1, Blocks(draw(st.integers(step + kernel - 1, 32)), step, number)


@settings(deadline=None)
@given(axes=st.lists(cut_axis(), min_size=1, max_size=2), channels=channels(), batch=st.integers(1, 4))
def test_any_blocks_give_the_same_and_are_taken_some_at_a_time(axes, channels, batch):
    groups, in_channels, out_channels = channels
    kernel, lengths, blocks = zip(*axes, strict=True)
    x = torch.randn(batch, in_channels, *lengths, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(
        out_channels, in_channels // groups, *kernel, dtype=torch.float64, requires_grad=True
    )
    expected = (F.conv1d if len(axes) == 1 else F.conv2d)(x, weight, groups=groups)
    gradient = torch.randn_like(expected)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fft_correlation, "_CPU_BYTES", 2**12)
        patch.setattr(fft_correlation, "_FEWEST_ROWS", 2)
        y = correlate(x, weight, groups, blocks)
        ours = torch.autograd.grad(y, (x, weight), gradient)
    assert_near(y, expected)
    for got, wanted in zip(ours, torch.autograd.grad(expected, (x, weight), gradient), strict=True):
        assert_near(got, wanted)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(
    ("lengths", "kernel", "blocks"),
    [
        ((14,), (3,), (Blocks(8, 4, 3),)),
        ((9,), (5,), (Blocks(8, 2, 3),)),
        ((6, 7), (2, 3), (Blocks(4, 3, 2), Blocks(8, 5, 1))),
    ],
    ids=["blocks", "kernels longer than a step", "2-D"],
)
def test_gradcheck(groups, lengths, kernel, blocks):
    x = torch.randn(2, 4, *lengths, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(4, 4 // groups, *kernel, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, weight: correlate(x, weight, groups, blocks), (x, weight))


@pytest.mark.parametrize(
    "layer", [FFTConv1d(2, 3, 3, stride=2, method="fft"), FFTConv2d(2, 3, 3, method="fft")]
)
def test_gradcheck_of_a_layer_with_its_bias(layer):
    layer = layer.double()
    x = torch.randn(1, 2, *(6,) * len(layer.kernel_size), dtype=torch.float64, requires_grad=True)
    weights = tuple(p.detach().clone().requires_grad_() for p in layer.parameters())

    def output(x, weight, bias):
        return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (x,))

    assert torch.autograd.gradcheck(output, (x, *weights))


@pytest.mark.parametrize("wanted", ["x", "weight"])
def test_only_the_gradients_that_are_wanted(wanted):
    tensors = {"x": torch.randn(1, 2, 40), "weight": torch.randn(3, 2, 9)}
    tensors[wanted].requires_grad_()
    fft_conv1d(**tensors, method="fft").sum().backward()
    (expected,) = torch.autograd.grad(F.conv1d(tensors["x"], tensors["weight"]).sum(), tensors[wanted])
    assert_near(tensors[wanted].grad, expected, 1e-5)


def test_the_gradient_cannot_itself_be_differentiated():
    x = torch.randn(1, 1, 20, requires_grad=True)
    y = fft_conv1d(x, torch.randn(1, 1, 5), method="fft").pow(2).sum()
    (gradient,) = torch.autograd.grad(y, x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_the_convolution_theorem():
    """A circular correlation is a product of transforms, one of them conjugated."""
    x, kernel = torch.randn(12, dtype=torch.float64), torch.randn(5, dtype=torch.float64)
    n = torch.arange(12, dtype=torch.float64)
    wave = torch.exp(-2j * math.pi * n[:, None] * n / 12)  # (frequency, time)
    product = (wave @ x.to(wave.dtype)) * (wave[:, :5] @ kernel.to(wave.dtype)).conj()
    back = (wave.conj() @ product).real / 12
    circular = torch.stack([sum(kernel[k] * x[(t + k) % 12] for k in range(5)) for t in range(12)])
    assert_near(back, circular)
    # with the first steps appended once more, a correlation without wrapping gives the same
    ours = fft_conv1d(torch.cat((x, x[:4]))[None, None], kernel[None, None], method="fft")
    assert_near(ours[0, 0], circular)


def test_a_kernel_of_a_single_one_moves_its_input():
    x = torch.randn(1, 1, 500, dtype=torch.float64)
    kernel = torch.zeros(1, 1, 200, dtype=torch.float64)
    kernel[..., 37] = 1.0
    assert_near(fft_conv1d(x, kernel, method="fft"), x[..., 37:338])


def test_the_classic_example():
    rows = ("11100", "01110", "00111", "00110", "01100")
    image = torch.tensor([[[[float(pixel) for pixel in row] for row in rows]]])
    weight = torch.tensor([[[[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]]])
    every = fft_conv2d(image, weight, method="fft").round()
    assert every.tolist() == [[[[4.0, 3.0, 4.0], [2.0, 4.0, 3.0], [2.0, 3.0, 4.0]]]]
    assert fft_conv2d(image, weight, stride=2, method="fft").round().tolist() == [[[[4.0, 4.0], [2.0, 4.0]]]]


def test_silence_stays_silence():
    x = torch.zeros(1, 2, 3000)
    assert not FFTConv1d(2, 4, 200, bias=False, method="fft")(x).any()


@pytest.mark.parametrize(("fft", "direct"), [(FFTConv1d, Conv1d), (FFTConv2d, Conv2d)])
def test_weights_fit_the_direct_layer(fft, direct):
    ours, theirs = fft(4, 6, 3, groups=2), direct(4, 6, 3, groups=2)
    assert {name: p.shape for name, p in ours.state_dict().items()} == {
        name: p.shape for name, p in theirs.state_dict().items()
    }


def test_auto_goes_directly_for_three_taps_and_by_fft_for_many():
    x = torch.randn(1, 1, 16_000)
    for kernel, way, other in ((3, "direct", "fft"), (512, "fft", "direct")):
        layer = FFTConv1d(1, 1, kernel)
        y = {}
        for layer.method in ("auto", way, other):
            y[layer.method] = layer(x)
        assert torch.equal(y["auto"], y[way]) and not torch.equal(y[way], y[other])


@pytest.mark.parametrize("channels", [1, 16])
def test_auto_in_2d(channels):
    def by_fft(kernel):
        sizes = (channels, channels, 1, (100, 100), (kernel, kernel), (1, 1), (1, 1))
        return choose_blocks("auto", 1, *sizes, training=False, double=False) is not None

    assert [by_fft(kernel) for kernel in (2, 63)] == [False, True]


def test_the_choice_knows_whether_gradients_are_wanted():
    layer, x = FFTConv1d(16, 16, 32, groups=16), torch.randn(1, 16, 16_000)
    directly = F.conv1d(x, layer.weight, layer.bias, groups=16)
    with torch.no_grad():
        assert torch.equal(layer(x), directly)  # depthwise, torch is fast forward
    assert not torch.equal(layer(x), directly)  # and slow backward


def test_blocks_cover_the_input():
    for length in (600, 1000, 16_000, 160_000):
        for taps in (1, 2, 5, 100, 600):
            (cut,) = choose_blocks("fft", 1, 1, 1, 1, (length,), (taps,), (1,), (1,), False, False)
            assert cut.size >= cut.step + taps - 1
            assert cut.step * cut.number >= length - taps + 1 > cut.step * (cut.number - 1)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_under_autocast_and_in_half_precision_it_transforms_in_float32(dtype):
    layer, x = FFTConv1d(2, 3, 40, method="fft"), torch.randn(1, 2, 300)
    with torch.autocast("cpu", dtype=dtype):
        y = layer(x)
    assert y.dtype == dtype and torch.equal(y, layer(x).to(dtype))
    half = layer.to(dtype)(x.to(dtype))
    assert half.dtype == dtype
    expected = F.conv1d(x.to(dtype).float(), layer.weight.float(), layer.bias.float())
    assert_near(half.float(), expected, 2 * torch.finfo(dtype).eps)


def test_autocast_leaves_float64_alone():
    layer, x = FFTConv1d(2, 3, 40, method="fft").double(), torch.randn(1, 2, 300, dtype=torch.float64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(layer(x), layer(x)) and layer(x).dtype == torch.float64


def test_an_empty_batch():
    assert FFTConv1d(2, 3, 5, method="fft")(torch.zeros(0, 2, 20)).shape == (0, 3, 16)


def test_it_says_its_method():
    assert repr(FFTConv1d(1, 2, 5)) == "FFTConv1d(1, 2, kernel_size=(5,), stride=(1,), method='auto')"


@pytest.mark.parametrize("layer", [FFTConv1d, FFTConv2d])
def test_an_unknown_method(layer):
    with pytest.raises(ParameterError) as error:
        layer(1, 1, 3, method="winograd")
    assert str(error.value) == "method='winograd' must be 'auto', 'fft' or 'direct'"


def test_errors_are_those_of_the_direct_layer():
    with pytest.raises(ParameterError) as error:
        FFTConv1d(1, 1, 0)
    assert str(error.value) == "kernel_size=0 must be a positive integer"
    for shape, message in (
        ((1, 3, 20), "FFTConv1d with in_channels=2 takes (batch, 2, time), not (1, 3, 20)"),
        (
            (1, 2, 4),
            (
                "input of 4 steps along time is shorter than the span of FFTConv1d, 5; "
                "pad the clip once, before the network"
            ),
        ),
    ):
        with pytest.raises(ParameterError) as error:
            FFTConv1d(2, 1, 5, method="fft")(torch.zeros(shape))
        assert str(error.value) == message


@pytest.mark.parametrize(
    ("x", "weight", "arguments", "message"),
    [
        ((1, 1, 9), (1, 1, 3), {"method": "fast"}, "method='fast' must be 'auto', 'fft' or 'direct'"),
        ((1, 1, 9), (1, 1, 3), {"stride": 0}, "stride=0 must be a positive integer"),
        ((1, 1, 9), (1, 1, 3), {"dilation": -1}, "dilation=-1 must be a positive integer"),
        ((1, 1, 9), (1, 1, 3), {"groups": 0}, "groups=0 must be a positive integer"),
        ((1, 9), (1, 1, 3), {}, "x must be (batch, channel, time), not (1, 9)"),
        (
            (1, 1, 9),
            (1, 3),
            {},
            "weight must be (out_channels, in_channels / groups, time), not (1, 3)",
        ),
        (
            (1, 4, 9),
            (6, 3, 3),
            {"groups": 2},
            (
                "weight (6, 3, 3) with groups=2 does not fit x of 4 channels; it must be "
                "(out_channels, in_channels / groups, ...), and groups must divide both"
            ),
        ),
        (
            (1, 4, 9),
            (5, 2, 3),
            {"groups": 2},
            (
                "weight (5, 2, 3) with groups=2 does not fit x of 4 channels; it must be "
                "(out_channels, in_channels / groups, ...), and groups must divide both"
            ),
        ),
        (
            (1, 1, 4),
            (1, 1, 3),
            {"dilation": 2},
            "x of 4 steps along time is shorter than the kernel's span, 5; pad it",
        ),
    ],
)
def test_impossible_calls(x, weight, arguments, message):
    with pytest.raises(ParameterError) as error:
        fft_conv1d(torch.zeros(x), torch.zeros(weight), **arguments)
    assert str(error.value) == message


def test_impossible_calls_in_2d():
    with pytest.raises(ParameterError) as error:
        fft_conv2d(torch.zeros(1, 1, 2, 9), torch.zeros(1, 1, 3, 3))
    assert str(error.value) == "x of 2 steps along rows is shorter than the kernel's span, 3; pad it"
    with pytest.raises(ParameterError) as error:
        fft_conv2d(torch.zeros(1, 9, 9), torch.zeros(1, 1, 3, 3))
    assert str(error.value) == "x must be (batch, channel, rows, time), not (1, 9, 9)"
    with pytest.raises(ParameterError) as error:
        fft_conv2d(torch.zeros(1, 1, 9, 9), torch.zeros(1, 1, 3, 3), stride=(1, 2, 3))
    assert str(error.value) == "stride=(1, 2, 3) must be one integer or two, (rows, time)"
