"""Sub-spectral norm against its formula; batch norm, which it rests on, against torch's own."""

from collections import OrderedDict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.layers import BatchNorm1d, BatchNorm2d, SubSpectralNorm
from audiocnn.layers.batch_norm import MANY_PLACES, normalize_batch


@pytest.fixture(autouse=True, scope="module")
def small_maps_too():
    """Those that are left to torch otherwise are normalised by the sums under test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("audiocnn.layers.batch_norm.MANY_PLACES", 1)
        yield


def random_norm(norm: nn.Module) -> nn.Module:
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    return norm.double()


def run(norm: nn.Module, x: Tensor, call: object = None) -> dict[str, Tensor]:
    """What a norm gives, what it passes back, and what it keeps."""
    norm.zero_grad()
    x = x.detach().requires_grad_()
    y = (call or norm)(x)
    dy = torch.randn(y.shape, dtype=y.dtype, generator=torch.Generator().manual_seed(1))
    y.backward(dy)
    gradients = {f"gradient of {name}": p.grad for name, p in norm.named_parameters()}
    return {"y": y.detach(), "dx": x.grad} | gradients | {name: b.clone() for name, b in norm.named_buffers()}


def test_every_band_of_every_channel_is_normalised_by_itself():
    norm = random_norm(SubSpectralNorm(2, bands=3))
    x = 5 + 2 * torch.randn(4, 2, 6, 7, dtype=torch.float64)
    y = norm(x)
    for channel in range(2):
        for band in range(3):
            part = x[:, channel, 2 * band : 2 * band + 2]
            i = 3 * channel + band
            deviation = (part.var(correction=0) + 1e-5).sqrt()
            expected = (part - part.mean()) / deviation * norm.norm.weight[i] + norm.norm.bias[i]
            torch.testing.assert_close(y[:, channel, 2 * band : 2 * band + 2], expected)
            torch.testing.assert_close(norm.norm.running_mean[i], 0.1 * part.mean())
            torch.testing.assert_close(norm.norm.running_var[i], 0.9 + 0.1 * part.var())


@pytest.mark.parametrize("is_training", [True, False])
def test_it_is_the_composition_of_stock_layers_with_swish_behind_it(is_training):
    ours = nn.Sequential(random_norm(SubSpectralNorm(4, bands=5)), nn.SiLU()).train(is_training)
    stock = nn.BatchNorm2d(20).double().train(is_training)
    stock.load_state_dict(ours[0].norm.state_dict())
    x = 3 + torch.randn(6, 4, 10, 9, dtype=torch.float64)

    def composition(x):
        y = stock(x.view(6, 20, 2, 9)).view(x.shape)
        return y * torch.sigmoid(y)

    for _ in range(3):  # the moving averages move
        expected = run(stock, x, composition)
        found = run(ours, x)
        torch.testing.assert_close(list(found.values()), list(expected.values()), rtol=1e-12, atol=1e-12)


def test_its_statistics_may_be_those_of_several_processes():
    norm = nn.SyncBatchNorm.convert_sync_batchnorm(SubSpectralNorm(4, bands=2)).train()
    seen = []
    norm.norm.register_forward_hook(lambda norm, x, y: seen.append(type(norm)))
    norm(torch.randn(3, 4, 6, 5))
    assert seen == [nn.SyncBatchNorm]  # and not passed by


def test_its_weights_keep_their_names():
    assert list(SubSpectralNorm(4, bands=2).state_dict()) == [
        "norm.weight",
        "norm.bias",
        "norm.running_mean",
        "norm.running_var",
        "norm.num_batches_tracked",
    ]


@settings(deadline=None)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 4), st.integers(1, 5)),
    is_1d=st.booleans(),
    level=st.sampled_from([0.0, -3.0, 300.0]),
    momentum=st.sampled_from([0.1, 0.5]),
)
def test_batch_norm_in_training_is_torchs(shape, is_1d, level, momentum):
    batch, channels, rows, time = shape
    if batch * rows * time < 2:
        return
    x = level + torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    if is_1d:
        x = x.flatten(2)
    ours, stock = (kind(channels, momentum=momentum).double() for kind in (BatchNorm1d, nn.BatchNorm1d))
    if not is_1d:
        ours, stock = (kind(channels, momentum=momentum).double() for kind in (BatchNorm2d, nn.BatchNorm2d))
    stock.load_state_dict(random_norm(ours).state_dict())
    for _ in range(2):
        found, expected = run(ours, x), run(stock, x)
        assert found.keys() == expected.keys()
        for name, value in found.items():
            torch.testing.assert_close(value, expected[name], rtol=1e-9, atol=1e-9, msg=f"{name} differs")


def test_a_signal_far_from_zero_loses_nothing_to_rounding():
    # the mean of the squares less the square of the mean would leave no correct digit
    x = 1000 + torch.randn(50, 3, 4, 60, generator=torch.Generator().manual_seed(0))
    norm = BatchNorm2d(3)
    exact = nn.functional.batch_norm(x.double(), None, None, training=True)
    assert (norm(x) - exact).abs().max() < 2e-4  # float32 holds 1000 to 6e-5
    torch.testing.assert_close(
        norm.running_var, 0.9 + 0.1 * x.double().var((0, 2, 3)).float(), rtol=1e-6, atol=0.0
    )


@pytest.mark.parametrize(
    ("norm", "shape"),
    [
        (SubSpectralNorm(2, bands=2), (3, 2, 4, 2)),
        (BatchNorm2d(3), (2, 3, 2, 3)),
        (BatchNorm1d(2), (3, 2, 4)),
        (nn.Sequential(SubSpectralNorm(2, bands=2), nn.SiLU()), (2, 2, 2, 3)),
    ],
    ids=str,
)
def test_gradients(norm, shape):
    norm = random_norm(norm)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    inputs = (x, *norm.parameters())
    assert torch.autograd.gradcheck(lambda x, *_: norm(x), inputs)
    assert torch.autograd.gradgradcheck(lambda x, *_: norm(x), inputs)


@pytest.mark.parametrize("is_frozen", ["x", "parameters"])
def test_what_needs_no_gradient_gets_none(is_frozen):
    norm = BatchNorm1d(2)
    norm.requires_grad_(is_frozen != "parameters")
    x = torch.randn(3, 2, 4, requires_grad=is_frozen != "x")
    norm(x).square().sum().backward()
    assert (x.grad is None) == (is_frozen == "x")
    assert (norm.weight.grad is None) == (norm.bias.grad is None) == (is_frozen == "parameters")


def test_without_gradients_the_moving_averages_still_move():
    ours, stock = BatchNorm2d(2), nn.BatchNorm2d(2)
    x = torch.randn(3, 2, 4, 5)
    with torch.inference_mode():
        torch.testing.assert_close(ours(x), stock(x))
    torch.testing.assert_close(ours.state_dict(), OrderedDict(stock.state_dict()))


@pytest.mark.parametrize(
    "options",
    [{"affine": False}, {"momentum": None}, {"track_running_stats": False}, {"eps": 0.5}],
    ids=str,
)
def test_options_mean_what_they_mean_in_torch(options):
    ours, stock = BatchNorm2d(3, **options).double(), nn.BatchNorm2d(3, **options).double()
    x = 2 + torch.randn(4, 3, 2, 5, dtype=torch.float64)
    for is_training in (True, True, False):
        found, expected = run(ours.train(is_training), x), run(stock.train(is_training), x)
        torch.testing.assert_close(list(found.values()), list(expected.values()))


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.transpose(2, 3),
        lambda x: x.to(memory_format=torch.channels_last),
        lambda x: x[:, :, ::2],
        lambda x: x.bfloat16(),
        lambda x: x[:0],
    ],
)
def test_inputs_of_another_kind_are_torchs(change):
    x = change(torch.randn(4, 3, 6, 5))
    ours, stock = BatchNorm2d(3), nn.BatchNorm2d(3)
    assert torch.equal(ours(x), stock(x))
    torch.testing.assert_close(ours.state_dict(), stock.state_dict())


def test_small_maps_are_torchs(monkeypatch):
    monkeypatch.setattr("audiocnn.layers.batch_norm.MANY_PLACES", MANY_PLACES)
    for places in (1, MANY_PLACES - 1, MANY_PLACES):
        x = torch.randn(8, 3, places, dtype=torch.float64)
        y = BatchNorm1d(3).double()(x)
        assert (type(y.grad_fn).__name__ == "NativeBatchNormBackward0") == (places < MANY_PLACES)
        torch.testing.assert_close(y, nn.BatchNorm1d(3).double()(x))


def test_batches_without_time_are_torchs():
    x, ours, stock = torch.randn(4, 3), BatchNorm1d(3), nn.BatchNorm1d(3)
    assert torch.equal(ours(x), stock(x))
    torch.testing.assert_close(ours.state_dict(), stock.state_dict())


def test_mixed_precision_trains():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), SubSpectralNorm(4, bands=2), nn.SiLU())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = net(torch.randn(2, 1, 6, 8))
    assert y.dtype == torch.bfloat16
    y.float().square().sum().backward()
    assert all(p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.parametrize(
    ("norm", "shape", "message"),
    [
        (
            BatchNorm2d(2),
            (1, 2, 1, 1),
            "Expected more than 1 value per channel when training, got input size",
        ),
        (BatchNorm2d(2), (3, 2, 4), "expected 4D input (got 3D input)"),
        (BatchNorm1d(2), (3, 2, 4, 4), "expected 2D or 3D input (got 4D input)"),
    ],
)
def test_what_torch_refuses_is_refused(norm, shape, message):
    with pytest.raises(ValueError) as error:
        norm(torch.zeros(shape))
    assert str(error.value).startswith(message)


def test_normalize_batch_moves_the_averages_of_the_norm_it_is_given():
    norm = nn.BatchNorm1d(1)
    normalize_batch(norm, torch.tensor([[[5.0, 7.0]]]))
    assert norm.running_mean.item() == pytest.approx(0.1 * 6)
    assert norm.running_var.item() == pytest.approx(0.9 + 0.1 * 2)  # of two numbers 2 apart, unbiased
    assert norm.num_batches_tracked.item() == 1


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SubSpectralNorm(0, bands=5), "channels=0 must be a positive integer"),
        (lambda: SubSpectralNorm(4, bands=-1), "bands=-1 must be a positive integer"),
        (
            lambda: SubSpectralNorm(4, bands=5)(torch.zeros(1, 4, 12, 3)),
            "rows=12 do not divide into 5 bands of frequency; 10 or 15 do",
        ),
        (
            lambda: SubSpectralNorm(4, bands=5)(torch.zeros(1, 4, 3, 3)),
            "rows=3 do not divide into 5 bands of frequency; 5 do",
        ),
        (
            lambda: SubSpectralNorm(4, bands=5)(torch.zeros(1, 8, 10, 3)),
            "SubSpectralNorm with channels=4 takes (batch, 4, rows, time), not (1, 8, 10, 3)",
        ),
        (
            lambda: SubSpectralNorm(4, bands=5)(torch.zeros(1, 4, 10)),
            "SubSpectralNorm with channels=4 takes (batch, 4, rows, time), not (1, 4, 10)",
        ),
    ],
)
def test_what_cannot_work_says_what_would(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message
