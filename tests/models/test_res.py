"""The residual keyword nets of Tang & Lin: their counts, and their code's forward pass in stock torch."""

import pytest
import torch
import torch.nn.functional as F
from laws import Case

from audiocnn.accounting import count_parameters
from audiocnn.errors import ParameterError
from audiocnn.models import MODELS, create

PUBLISHED = {
    "res_8": 110_307,  # 110K
    "res_8_narrow": 19_905,  # 19.9K
    "res_15": 237_882,  # 238K
    "res_15_narrow": 42_648,  # 42.6K
    "res_26": 438_357,  # 438K
    "res_26_narrow": 78_387,  # 78.4K
}
SEES = {"res_8": 54, "res_15": 125, "res_26": 100}  # 125 x 125 is in the paper
POOLS = {"res_8": (3, 4), "res_15": None, "res_26": (2, 2)}


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_counts(name, padding):
    assert count_parameters(create(name, num_classes=12, padding=padding)) == PUBLISHED[name]


@pytest.mark.parametrize("name", SEES)
def test_what_they_see(name):
    for key in (name, f"{name}_narrow"):
        net = create(key, num_classes=12, padding="same")
        assert net.body.time_axis.sees.span == SEES[name]
        assert create(key, num_classes=12).body.geometry.span == SEES[name]


def reference(net, x, pool_size, *, dilated):
    """The published forward pass: sums are left as they are, and what follows them is normalised."""
    convs = [module for module in net.body.modules() if isinstance(module, torch.nn.Conv2d)]
    norms = [None, *(module for module in net.body.modules() if isinstance(module, torch.nn.BatchNorm2d))]
    for i, conv in enumerate(convs):
        dilation = 2 ** ((i - 1) // 3) if dilated and i else 1
        y = F.relu(F.conv2d(x, conv.weight, padding=dilation, dilation=dilation))
        if i == 0:
            x = total = y if pool_size is None else F.avg_pool2d(y, pool_size)
            continue
        if i % 2 == 0:
            y = total = y + total
        x = F.batch_norm(y, norms[i].running_mean, norms[i].running_var)
    return F.linear(x.mean(dim=(2, 3)), net.logits.weight[..., 0], net.logits.bias)


@pytest.mark.parametrize("name", SEES)
def test_scores_are_those_of_the_published_code(name):
    case = Case(name, lambda: MODELS[name](num_classes=12, padding="same", width=1 / 9), (1, 40))
    net = case.module(torch.float64)
    x = torch.randn(2, 1, 40, 98, dtype=torch.float64)
    with torch.inference_mode():
        expected = reference(net, x, POOLS[name], dilated=name == "res_15")
        torch.testing.assert_close(net(x)[..., 0], expected, rtol=1e-9, atol=1e-9)


def test_too_few_rows():
    with pytest.raises(ParameterError) as error:
        create("res_8", num_classes=2, input_size=(2, None))
    assert str(error.value) == "rows=2 do not hold the 3 that the net needs; give input_size=(3, 143) or more"
