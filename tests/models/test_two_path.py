"""Two paths: what they hear, and that their decision is the sum of both."""

import pytest
import torch

from audiocnn.describe import count_parameters
from audiocnn.errors import ParameterError
from audiocnn.models import create
from audiocnn.models.two_path import two_path


def statistics_drawn(net):
    """The net in evaluation, with moving statistics as training might leave them."""
    for name, numbers in net.named_buffers():
        if name.endswith("running_mean"):
            torch.nn.init.normal_(numbers, std=0.1)
        if name.endswith("running_var"):
            torch.nn.init.uniform_(numbers, 0.5, 2.0)
    return net.double().eval()


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_it_decides_as_two_nets_whose_logits_are_added(padding):
    net = statistics_drawn(create("two_path", num_classes=5, padding=padding))
    x = torch.randn(3, 1, net.rows, net.window, dtype=torch.float64)
    # the longest path decides how many positions there are; the other sees the same centres
    ends = {"valid": [slice(10, -11), slice(None)], "same": [slice(None)] * 2}[padding]
    heard = [branch(x[..., end]) for branch, end in zip(net.body.branches, ends, strict=True)]
    weights = net.logits.weight.split([path.shape[1] for path in heard], dim=1)
    logits = sum(
        torch.nn.functional.conv1d(path.mean(dim=2, keepdim=True), weight)
        for path, weight in zip(heard, weights, strict=True)
    )
    torch.testing.assert_close(net(x), logits + net.logits.bias[:, None])


def test_its_paths_are_the_nets_they_are_named_after():
    net = create("two_path", num_classes=5)
    for branch, name in zip(net.body.branches, ["ds_cnn_m", "tc_resnet_8_1_5"], strict=True):
        own = create(name, num_classes=5).body
        assert repr(branch) == repr(own)
        branch.load_state_dict(own.state_dict())


@pytest.mark.parametrize(("padding", "parameters"), [("valid", 285_476), ("same", 280_844)])
def test_it_has_as_many_parameters_as_its_docstring_says(padding, parameters):
    assert count_parameters(create("two_path", num_classes=12, padding=padding)) == parameters
    assert f"{parameters:,}" in two_path.__doc__


def test_a_window_that_holds_one_path_only_is_refused():
    with pytest.raises(ParameterError) as error:
        create("two_path", num_classes=2, input_size=(40, 80))
    assert str(error.value) == (
        "window=80 frames do not hold the 87 that the net sees; give input_size=(40, 87) or more, or "
        "padding='same'"
    )
