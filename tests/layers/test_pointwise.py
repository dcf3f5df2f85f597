"""Kernels of 1 against torch's convolution, and which way is taken where."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audiocnn.layers import Conv1d, Conv2d, pointwise
from audiocnn.layers.pointwise import convolve_pointwise

FEW, MANY = (20, 32), (512, 600)


@settings(deadline=None)
@given(
    channels=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    batch=st.sampled_from([1, 15, 16, 20]),
    size=st.sampled_from([(1,), (7,), (3, 4)]),
    bias=st.booleans(),
    least=st.sampled_from([0, 2**22]),
)
def test_it_is_torchs_convolution(channels, batch, size, bias, least):
    torch.manual_seed(0)
    conv = (torch.nn.Conv1d if len(size) == 1 else torch.nn.Conv2d)(*channels, 1, bias=bias)
    x = torch.randn(batch, channels[0], *size)
    expected = conv(x)
    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setattr(pointwise, "MANY_MACS", least)
        y = convolve_pointwise(conv, x)
    if y is not None:
        torch.testing.assert_close(y, expected, rtol=1e-5, atol=1e-5)


def way(channels, *, batch, steps=300, layer=Conv1d, **options):
    """Which operation a layer is: torch's own, a product of matrices, or oneDNN's."""
    conv = layer(*channels, 1, **options).eval()
    x = torch.randn(batch, channels[0], *((4,) if layer is Conv2d else ()), steps)
    called = []
    with pytest.MonkeyPatch.context() as patch:
        for name in ("bmm", "baddbmm", "mkldnn_convolution"):
            original = getattr(torch, name)
            patch.setattr(
                torch, name, lambda *a, name=name, call=original: (called.append(name), call(*a))[1]
            )
        conv(x)
    return called


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_few_weights_are_a_product_where_torch_would_take_onednn():
    with torch.inference_mode():
        assert way(FEW, batch=16) == ["baddbmm"]
        assert way(FEW, batch=16, bias=False) == ["bmm"]
        assert way(FEW, batch=16, layer=Conv2d) == ["baddbmm"]
        assert way(FEW, batch=15) == []
        assert way((32, 32), batch=16) == []


@pytest.mark.usefixtures("one_thread")
@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch is built without oneDNN")
def test_many_multiplications_are_onednns_where_torch_would_take_a_product(monkeypatch):
    with torch.inference_mode():
        assert way(MANY, batch=1) == ["mkldnn_convolution"]
        assert way(MANY, batch=1, layer=Conv2d) == ["mkldnn_convolution"]
        assert way(MANY, batch=1, steps=10) == []  # 3 million
        assert way(MANY, batch=16) == []
        monkeypatch.setattr(torch._C, "_get_mkldnn_enabled", lambda: False)
        assert way(MANY, batch=1) == []


def test_what_is_out_of_the_ordinary_is_torchs():
    with torch.inference_mode():
        assert way(FEW, batch=16, stride=2) == []
        assert way((20, 40), batch=16, groups=2) == []
    assert way(FEW, batch=16) == []  # gradients may be wanted


@pytest.mark.parametrize("strict", [True, False])
def test_what_is_exported_is_torchs(strict):
    with torch.no_grad():
        for channels, batch in ((FEW, 16), (MANY, 1)):
            conv = Conv1d(*channels, 1).eval()
            program = torch.export.export(conv, (torch.randn(batch, channels[0], 300),), strict=strict)
            calls = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
            assert calls == ["aten.conv1d.default"]


def test_half_precision_and_autocast_are_torchs():
    x = torch.randn(16, FEW[0], 30)
    conv = Conv1d(*FEW, 1)
    with torch.inference_mode():
        assert convolve_pointwise(conv.double(), x.double()) is None
        assert convolve_pointwise(conv.bfloat16(), x.bfloat16()) is None
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert conv.float()(x).dtype == torch.bfloat16
