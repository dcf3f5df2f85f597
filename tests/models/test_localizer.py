"""A localizer gives the logits of its net and four numbers beside them, of the same features."""

import pytest
import torch
import torch.nn.functional as F

from audiocnn.errors import ParameterError
from audiocnn.geometry import Geometry
from audiocnn.models import create
from audiocnn.models.lenet import lenet5, lenet5_1998
from audiocnn.models.localizer import Localizer


def test_logits_are_the_nets_and_the_box_is_linear_in_its_features():
    net = lenet5(num_classes=10).eval()
    localizer = Localizer(net).eval()
    box = localizer.outputs.branches[1]
    torch.nn.init.normal_(box.weight)
    torch.nn.init.normal_(box.bias)
    x = torch.randn(3, 1, 36, 32)
    logits, numbers = localizer.split(localizer(x))
    torch.testing.assert_close(logits, net(x))
    features = net.head(net.pool(net.body(x)))  # (3, 84, 2, 1)
    torch.testing.assert_close(numbers, F.conv2d(features, box.weight, box.bias))
    assert localizer.num_classes == 10 and (localizer.rows, localizer.window) == (32, 32)


def test_it_has_as_many_more_parameters_and_begins_with_the_window():
    net = lenet5(num_classes=10)
    before = sum(p.numel() for p in net.parameters())
    localizer = Localizer(net)
    assert sum(p.numel() for p in localizer.parameters()) == before + 84 * 4 + 4
    _, numbers = localizer.split(localizer(torch.rand(8, 1, 32, 32)))
    assert numbers.abs().max() < 0.1


def test_it_is_a_scan_where_its_net_is():
    localizer = Localizer(lenet5(num_classes=3)).eval()
    assert localizer.geometry == localizer.geometry_rows == Geometry(span=32, stride=4)
    assert Localizer(create("resnet20_narrow", num_classes=3)).geometry is None
    page = torch.randn(1, 1, 40, 44)
    with torch.inference_mode():
        whole = localizer(page)
        window = localizer(page[..., 8:40, 4:36])[..., 0, 0]
        torch.testing.assert_close(whole[..., 2, 1], window, rtol=1e-5, atol=1e-5 * float(whole.abs().max()))


@pytest.mark.parametrize("name", ["alexnet_small", "resnet20_narrow", "network_in_network", "vgg11_small"])
def test_other_nets_take_a_box_too(name):
    net = create(name, num_classes=5, in_channels=1, input_size=(32, 32)).eval()
    x = torch.randn(2, 1, 32, 32)
    with torch.inference_mode():
        logits, numbers = (localizer := Localizer(net).eval()).split(localizer(x))
        assert numbers.shape == (2, 4, 1, 1)
        torch.testing.assert_close(logits, net(x))


def test_codes_have_no_sister():
    with pytest.raises(ParameterError) as error:
        Localizer(lenet5_1998(num_classes=10))
    assert str(error.value) == (
        "net has logits that are a RadialBasis; give one whose logits are a Conv2d, such as lenet5"
    )
