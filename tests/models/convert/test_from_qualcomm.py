"""Weights of Qualcomm AI Research's BC-ResNets in ours."""

import golden
import pytest
import torch

from audiocnn.errors import ParameterError
from audiocnn.models import create
from audiocnn.models.convert import from_qualcomm


@pytest.mark.parametrize("name", ["bc_resnet_1", "bc_resnet_1_5"])
def test_ours_computes_what_the_released_code_does(name):
    reference = golden.read("qualcomm", name)
    net = create(name, num_classes=12, padding="same").eval()
    net.load_state_dict(from_qualcomm(reference.state, net))
    with torch.inference_mode():
        golden.assert_same(net(reference.features)[..., 0], reference.output)


def test_a_scan_takes_the_same_weights():
    state = golden.read("qualcomm", "bc_resnet_1").state
    net = create("bc_resnet_1", num_classes=12)
    net.load_state_dict(from_qualcomm(state, net))
    assert torch.equal(net.body.depthwise.weight, state["classifier.0.weight"])


def test_weights_of_another_width_are_refused():
    with pytest.raises(ParameterError) as error:
        from_qualcomm(golden.read("qualcomm", "bc_resnet_1").state, create("bc_resnet_2", num_classes=12))
    assert str(error.value) == (
        "state['cnn_head.0.weight'] of shape (16, 1, 5, 5) does not fit 'body.conv.weight' of shape "
        "(32, 1, 5, 5); build the net with the same classes, rows and width"
    )


def test_a_net_of_another_family_is_refused():
    with pytest.raises(ParameterError) as error:
        from_qualcomm({}, create("tc_resnet_8", num_classes=12))
    assert str(error.value) == (
        "net is no BC-ResNet; give one that create('bc_resnet_1', ...) or its like has built"
    )
