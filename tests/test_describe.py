"""What a net is said to cost and to hear is what it costs and hears."""

import laws
import pytest
import torch

from audiocnn.describe import count_macs, count_parameters, describe
from audiocnn.layers import Conv1d
from audiocnn.models import create


def test_parameters_are_the_trainable_ones():
    net = create("tc_resnet_8", num_classes=12, padding="same")
    assert count_parameters(net) == 65180
    net.logits.weight.requires_grad_(False)
    assert count_parameters(net) == 65180 - 48 * 12


def test_macs_of_a_net_worked_by_hand():
    # tdnn on 98 frames: 94, 90 and 84 outputs; see its docstring for the layers
    frames = 94 * 40 * 5 * 128 + 90 * 128 * 3 * 128 + 84 * 128 * 3 * 128 + 84 * 128 * (128 + 384)
    assert count_macs(create("tdnn", num_classes=12)) == frames + 768 * 128 + 128 * 12


def test_counting_leaves_the_net_as_it_was():
    net = create("bc_resnet_1", num_classes=2).train()
    net.body.eval()  # as where a trained body is kept
    modes = [module.training for module in net.modules()]
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    count_macs(net)
    assert [module.training for module in net.modules()] == modes
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert not any(module._forward_hooks for module in net.modules() if isinstance(module, Conv1d))


def test_the_table_of_a_net_that_scans():
    assert str(describe(laws.classifier("bc_resnet_1", "valid"))) == (
        "model            bc_resnet_1, padding 'valid', 3 classes\n"
        "parameters       8,935 trainable\n"
        "MACs             2,879,284\n"
        "span             143 frames, 1450 ms: what one decision hears\n"
        "stride           1 frames, 10 ms from one decision to the next\n"
        "receptive field  117 frames, 1190 ms by 40 rows, before the pool\n"
        "scan             yes\n"
        "MACs are multiply-accumulates of convolutions for one decision on one window; front-end,\n"
        "norms, activations and pools are not counted."
    )


@pytest.mark.parametrize("name", ["tc_resnet_14", "bc_resnet_2"])
def test_the_table_of_a_net_that_pads(name):
    description = describe(laws.classifier(name, "same"))
    assert not description.is_scan
    assert (description.span_frames, description.span_ms) == (98, 1000.0)
    assert (description.stride_frames, description.stride_ms) == (10, 100.0)
    assert description.receptive_field_frames == {"tc_resnet_14": 395, "bc_resnet_2": 117}[name]
    assert "no: padding leans on each clip's ends, so windows are run one by one" in str(description)
