"""TC-ResNet: its composition in plain torch. Published counts and fields are in `test_models.py`."""

import pytest
import torch
import torch.nn.functional as F

from audiocnn.layers import BatchNorm1d, Conv1d
from audiocnn.models import create


@pytest.mark.parametrize(
    ("name", "padding", "kernel_size", "blocks"),
    [
        ("tc_resnet_8", "same", 9, 1),
        ("tc_resnet_8", "valid", 5, 1),
        ("tc_resnet_14", "same", 9, 2),
        ("tc_resnet_14", "valid", 3, 2),
    ],
)
def test_it_is_the_composition_of_the_paper(name, padding, kernel_size, blocks):
    net = create(name, num_classes=3, padding=padding, input_size=(20, 129)).double().eval()
    for norm in [part for part in net.modules() if isinstance(part, BatchNorm1d)]:
        torch.nn.init.uniform_(norm.running_var, 0.01, 0.1)
        torch.nn.init.normal_(norm.running_mean, std=0.1)
    convs = iter([part for part in net.body.modules() if isinstance(part, Conv1d)])
    norms = iter([part for part in net.body.modules() if isinstance(part, BatchNorm1d)])

    def normed(x, size, stride=1):
        conv = next(convs)
        assert conv.kernel_size == (size,) and conv.bias is None
        zeros = size // 2 if padding == "same" else 0
        return next(norms)(F.conv1d(x, conv.weight, stride=stride, padding=zeros))

    def block(x, stride):
        y = normed(normed(x, kernel_size, stride).relu(), kernel_size)
        before = 0 if padding == "same" else (kernel_size // 2) * (1 + stride)
        around = x[..., before:] if stride == 1 else normed(x[..., before:], 1, stride).relu()
        return (y + around[..., : y.shape[2]]).relu()

    x = torch.randn(2, 1, 20, 129, dtype=torch.float64)
    y = normed(x[:, 0], 3).relu()
    for _ in range(3):
        for i in range(blocks):
            y = block(y, stride=2 if i == 0 else 1)
    assert next(convs, None) is None
    torch.testing.assert_close(net.body(x), y)
    expected = F.conv1d(y.mean(dim=2, keepdim=True), net.logits.weight, net.logits.bias)
    torch.testing.assert_close(net(x), expected)
