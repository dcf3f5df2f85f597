"""CNN6, CNN10 and CNN14: published counts, what they see, and what is special in them."""

import pytest
import torch

from audiocnn.describe import count_parameters
from audiocnn.errors import ParameterError
from audiocnn.models import MODELS, create

PUBLISHED = {"cnn6": 4_837_455, "cnn10": 5_219_279, "cnn14": 80_753_615}
FIELDS = {"cnn6": 76, "cnn10": 76, "cnn14": 284}


def narrow(name, **arguments):
    return MODELS[name](num_classes=3, width=1 / 16, **arguments).eval()


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("name", "parameters"), PUBLISHED.items())
def test_published_parameter_counts(name, parameters, padding):
    with torch.device("meta"):
        net = create(name, num_classes=527, padding=padding)
    assert count_parameters(net) == parameters


def test_cnn14_worked_by_hand():
    """Convolutions without bias and with a norm each; the norm of 64 rows; two dense layers."""
    channels = [1, 64, 128, 256, 512, 1024, 2048]
    blocks = sum(
        9 * before * after + 9 * after * after + 2 * 2 * after
        for before, after in zip(channels, channels[1:], strict=False)
    )
    assert 2 * 64 + blocks + 2048 * 2048 + 2048 + 2048 * 527 + 527 == PUBLISHED["cnn14"]


@pytest.mark.parametrize(("name", "frames"), FIELDS.items())
def test_receptive_fields(name, frames):
    for padding in ("same", "valid"):
        net = narrow(name, padding=padding)
        assert net.body.time_axis.sees.span == frames
    assert net.geometry.stride == (32 if name == "cnn14" else 16)


@pytest.mark.parametrize("name", PUBLISHED)
def test_ten_seconds_are_read_as_published(name):
    net = narrow(name, padding="same")
    assert (net.rows, net.window) == (64, 1001)
    positions = 31 if name == "cnn14" else 62  # 1001 halved, each time without the odd frame
    assert net.body(torch.zeros(1, 1, 64, 1001)).shape[-1] == positions


def test_rows_are_normalised_each_by_itself():
    net = narrow("cnn6").train()
    x = torch.randn(4, 1, 64, 124) * torch.linspace(1, 9, 64)[:, None] + torch.linspace(-40, 5, 64)[:, None]
    y = net.body.row_norm(x)
    torch.testing.assert_close(y.mean(dim=(0, 3)), torch.zeros(1, 64), atol=1e-4, rtol=0)
    torch.testing.assert_close(y.std(dim=(0, 3), correction=0), torch.ones(1, 64), atol=1e-4, rtol=0)


def test_the_largest_and_the_mean_over_time_are_added():
    net = narrow("cnn10")
    y = torch.randn(2, 32, 4)  # 124 frames leave four positions
    torch.testing.assert_close(net.pool(y), y.amax(dim=-1, keepdim=True) + y.mean(dim=-1, keepdim=True))


def test_dropout_as_published():
    net = narrow("cnn14")
    drops = {name: layer.p for name, layer in net.named_modules() if isinstance(layer, torch.nn.Dropout)}
    blocks = {f"body.block{i}_dropout": 0.2 for i in range(1, 7)}
    assert drops == blocks | {"head.pool_dropout": 0.5, "head.dropout": 0.5}


@pytest.mark.parametrize(
    ("name", "input_size", "message"),
    [
        (
            "cnn14",
            (20, None),
            "rows=20 do not hold the 32 that the net needs; give input_size=(32, 380) or more",
        ),
        (
            "cnn6",
            (15, None),
            "rows=15 do not hold the 16 that the net needs; give input_size=(16, 124) or more",
        ),
        (
            "cnn14",
            (None, 200),
            (
                "window=200 frames do not hold the 284 that the net sees; give input_size=(64, 284) or more, "
                "or padding='same'"
            ),
        ),
    ],
)
def test_too_few_rows_or_frames(name, input_size, message):
    with pytest.raises(ParameterError) as error:
        narrow(name, input_size=input_size)
    assert str(error.value) == message
