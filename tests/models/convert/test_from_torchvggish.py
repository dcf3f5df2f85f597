"""The published weights of VGGish, as torchvggish names them, in ours."""

import golden
import pytest
import torch

from audiocnn.errors import ParameterError
from audiocnn.models import create
from audiocnn.models.convert import from_torchvggish


def of_size(padding, rows, frames):
    """A VGGish whose tensors have no numbers, but for its classes: the embedding itself, each number one."""
    with torch.device("meta"):
        net = create("vggish", num_classes=128, padding=padding, input_size=(rows, frames)).eval()
    net.logits.weight = torch.nn.Parameter(torch.eye(128)[..., None])
    net.logits.bias = torch.nn.Parameter(torch.zeros(128))
    return net


def test_ours_computes_the_embedding_of_the_released_code():
    reference = golden.read("torchvggish", "vggish")
    net = of_size("same", 64, 96)
    net.load_state_dict(from_torchvggish(reference.state, net), assign=True)
    with torch.inference_mode():
        golden.assert_same(net(reference.features.mT)[..., 0], reference.output)


@pytest.fixture(scope="module")
def state():
    """Their names and shapes, without numbers."""
    sizes = {0: (64, 1), 3: (128, 64), 6: (256, 128), 8: (256, 256), 11: (512, 256), 13: (512, 512)}
    shapes = {f"features.{i}": (after, before, 3, 3) for i, (after, before) in sizes.items()}
    dense = {0: (4096, 512 * 4 * 6), 2: (4096, 4096), 4: (128, 4096)}
    shapes |= {f"embeddings.{i}": shape for i, shape in dense.items()}
    tensors = {f"{name}.weight": torch.empty(shape, device="meta") for name, shape in shapes.items()}
    return tensors | {f"{name}.bias": torch.empty(shape[0], device="meta") for name, shape in shapes.items()}


def test_the_scan_takes_the_same_weights(state):
    net = of_size("valid", 64, 150)
    converted = from_torchvggish(state, net)
    assert {name: tensor.shape for name, tensor in converted.items()} == {
        name: tensor.shape for name, tensor in net.state_dict().items()
    }


def test_the_classes_keep_their_weights(state):
    net = of_size("same", 64, 96)
    assert torch.equal(from_torchvggish(state, net)["logits.weight"], net.logits.weight)


@pytest.mark.parametrize(("rows", "frames", "wanted"), [(40, 96, "1024, 6"), (64, 112, "2048, 7")])
def test_a_net_of_another_size_is_refused(state, rows, frames, wanted):
    with pytest.raises(ParameterError) as error:
        from_torchvggish(state, of_size("same", rows, frames))
    assert str(error.value) == (
        "state['embeddings.0.weight'] of shape (4096, 2048, 6) does not fit 'pool.weight' of shape "
        f"(4096, {wanted}); build the net with the same classes, rows and width"
    )


def test_other_weights_are_refused(state):
    with pytest.raises(ParameterError) as error:
        from_torchvggish(
            {name: state[name] for name in state if "features.13" not in name}, of_size("same", 64, 96)
        )
    assert str(error.value) == (
        "state lacks 'features.13.bias', 'features.13.weight'; give the state dict of the same variant"
    )


def test_a_net_of_another_family_is_refused(state):
    with pytest.raises(ParameterError) as error:
        from_torchvggish(state, create("tc_resnet_8", num_classes=12))
    assert str(error.value) == "net is no VGGish; give one that create('vggish', ...) has built"
