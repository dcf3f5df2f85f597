"""Short depthwise convolutions against torch's, and where they are used."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.layers import Conv2d
from audiocnn.layers.depthwise import convolve_depthwise, is_short_depthwise

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@settings(deadline=None)
@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    kernel_size=pairs,
    stride=pairs,
    dilation=pairs,
    padding=st.tuples(st.integers(0, 4), st.integers(0, 4)),
)
def test_it_is_torchs_convolution(size, kernel_size, stride, dilation, padding):
    spans = [(k - 1) * d + 1 for k, d in zip(kernel_size, dilation, strict=True)]
    if any(s + 2 * p < span for s, p, span in zip(size, padding, spans, strict=True)):
        return
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(
        3, 3, kernel_size, stride=stride, dilation=dilation, padding=padding, groups=3, bias=False
    ).double()
    x = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
    expected, found = conv(x), convolve_depthwise(conv, x)
    torch.testing.assert_close(found, expected)
    dy = torch.randn_like(expected)
    inputs = (x, conv.weight)
    torch.testing.assert_close(
        torch.autograd.grad(found, inputs, dy), torch.autograd.grad(expected, inputs, dy)
    )


@pytest.mark.parametrize(
    "options",
    [{"padding": (1, 0), "stride": (2, 1)}, {"dilation": (2, 1)}, {"padding": (2, 1), "dilation": (2, 1)}],
    ids=str,
)
def test_gradients(options):
    conv = torch.nn.Conv2d(2, 2, (3, 1), groups=2, bias=False, **options).double()
    x = torch.randn(2, 2, 6, 3, dtype=torch.float64, requires_grad=True)

    def call(x, _):
        return convolve_depthwise(conv, x)

    assert torch.autograd.gradcheck(call, (x, conv.weight))
    assert torch.autograd.gradgradcheck(call, (x, conv.weight))


def shown(**options: object) -> bool:
    options = {
        "in_channels": 8,
        "out_channels": 8,
        "kernel_size": (3, 1),
        "groups": 8,
        "bias": False,
    } | options
    return is_short_depthwise(Conv2d(**options), torch.zeros(1, options["in_channels"], 20, 20))


def test_where_it_serves():
    assert shown()
    assert shown(kernel_size=(1, 3), dilation=(1, 8), stride=(2, 1), padding="same")
    assert shown(in_channels=16, out_channels=16, groups=16, dilation=2)


@pytest.mark.parametrize(
    "options",
    [
        {"groups": 4},
        {"groups": 1},
        {"out_channels": 16},
        {"bias": True},
        {"kernel_size": (2, 2)},
        {"in_channels": 16, "out_channels": 16, "groups": 16},
        {"in_channels": 1, "out_channels": 1, "groups": 1},
    ],
    ids=str,
)
def test_where_torchs_own_does(options):
    assert not shown(**options)


def test_half_precision_is_torchs():
    conv = Conv2d(8, 8, (3, 1), groups=8, bias=False).bfloat16()
    x = torch.randn(1, 8, 5, 4).bfloat16()
    assert not is_short_depthwise(conv, x)
    assert torch.equal(conv(x), F.conv2d(x, conv.weight, groups=8))


def test_autocast_is_torchs():
    conv, x = Conv2d(8, 8, (3, 1), groups=8, bias=False), torch.randn(1, 8, 5, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert conv.train()(x).dtype == conv.eval()(x).dtype == torch.bfloat16


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kernel_size", [(1, 3), (2, 1)])
def test_a_layer_gives_the_same_in_training_in_evaluation_and_in_inference(kernel_size, padding):
    conv = Conv2d(3, 3, kernel_size, groups=3, dilation=3, bias=False, padding=padding).double()
    x = torch.randn(2, 3, 8, 9, dtype=torch.float64)
    assert is_short_depthwise(conv, x)
    expected = conv.eval()(x)
    torch.testing.assert_close(conv.train()(x), expected)
    with torch.no_grad():
        torch.testing.assert_close(conv.eval()(x), expected)


def test_in_inference_it_serves_for_sixteen_channels_too():
    options = {"in_channels": 16, "out_channels": 16, "groups": 16}
    assert not shown(**options)
    with torch.inference_mode():
        assert shown(**options)


@pytest.mark.parametrize("strict", [True, False])
def test_what_is_exported_is_torchs(strict):
    conv = Conv2d(8, 8, (3, 1), groups=8, bias=False).eval()
    with torch.no_grad():
        program = torch.export.export(conv, (torch.randn(1, 8, 5, 4),), strict=strict)
    calls = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    assert calls == ["aten.conv2d.default"]
