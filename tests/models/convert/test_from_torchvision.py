"""torchvision's weights in our nets; that the outputs agree is in the tests of each family."""

import pytest
import torch
import torchvision
from images import on_images

from audiocnn.errors import ParameterError
from audiocnn.models import MODELS
from audiocnn.models.convert import from_torchvision


def torchvisions(name, **arguments):
    """The state dict of their net, without numbers."""
    with torch.device("meta"):
        return getattr(torchvision.models, name)(**arguments).state_dict()


@pytest.mark.parametrize(
    ("name", "theirs"),
    [(name, name) for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")]
    + [("resnet50_v1", "resnet50"), ("alexnet_one_tower", "alexnet")]
    + [(name, name) for name in ("vgg11", "vgg13_bn", "vgg16", "vgg19_bn")],
)
def test_every_tensor_has_a_place(name, theirs):
    net = on_images(name, 224, 224)
    state = from_torchvision(torchvisions(theirs), net)
    assert {key: tensor.shape for key, tensor in state.items()} == {
        key: tensor.shape for key, tensor in net.state_dict().items()
    }


def test_names_count_and_not_their_order():
    """A file of safetensors gives them by the alphabet: `features.11` before `features.3`."""
    net = MODELS["vgg11"](num_classes=5, width=1 / 16, input_size=(64, 64))
    layers = [f"features.{i}" for i in (0, 3, 6, 8, 11, 13, 16, 18)] + [f"classifier.{i}" for i in (0, 3, 6)]
    theirs = {
        f"{layers[i // 2]}.{name.rpartition('.')[2]}": tensor.flatten(1) if i > 15 and i % 2 == 0 else tensor
        for i, (name, tensor) in enumerate(net.state_dict().items())
    }
    assert theirs["classifier.0.weight"].shape == (256, 32 * 2 * 2)
    given = from_torchvision(dict(sorted(theirs.items())), net)
    assert all(torch.equal(given[name], tensor) for name, tensor in net.state_dict().items())


def test_heads_may_be_left_out_but_not_be_made_up():
    published = torchvisions("googlenet", init_weights=False)
    without = {name: tensor for name, tensor in published.items() if not name.startswith("aux")}
    plain, with_heads = on_images("googlenet_bn", 224, 224), on_images("googlenet_bn_aux", 224, 224)
    assert set(from_torchvision(published, plain)) == set(plain.state_dict())
    assert set(from_torchvision(published, with_heads)) == set(with_heads.state_dict())
    with pytest.raises(ParameterError) as error:
        from_torchvision(without, with_heads)
    assert str(error.value) == (
        "state lacks 'aux1.conv.bn.bias', 'aux1.conv.bn.running_mean', 'aux1.conv.bn.running_var' and 15 "
        "more; give the state dict of the same variant"
    )


OTHERS = [
    (
        "resnet34",
        "resnet18",
        (
            "state lacks 'layer1.2.bn1.bias', 'layer1.2.bn1.running_mean', 'layer1.2.bn1.running_var' and 77 "
            "more; give the state dict of the same variant"
        ),
    ),
    (
        "resnet18",
        "resnet34",
        (
            "state holds 'layer1.2.bn1.bias', 'layer1.2.bn1.running_mean', 'layer1.2.bn1.running_var' and 77 "
            "more, which the net has no place for; give the state dict of the same variant"
        ),
    ),
    (
        "resnet18_small",
        "resnet18",
        (
            "state['conv1.weight'] of shape (64, 3, 7, 7) does not fit 'body.conv.weight' of shape "
            "(64, 3, 3, 3); build the net with the same classes, rows and width"
        ),
    ),
    (
        "plain20",
        "resnet18",
        (
            "net has a layer 'body.stage1_block1.conv1' that no net of torchvision has; give one that "
            "create('resnet18', ...) or its like has built"
        ),
    ),
    (
        "googlenet",
        "googlenet",
        (
            "state lacks 'conv1.conv.bias', 'conv2.conv.bias', 'conv3.conv.bias' and 54 more; give the state "
            "dict of the same variant"
        ),
    ),
    (
        "vgg11",
        "vgg13",
        (
            "state has 13 layers named as those of torchvision's AlexNet and VGG, and the net has 11; give "
            "the state dict of the net of the same name"
        ),
    ),
    (
        "vgg11",
        "resnet18",
        (
            "state has 0 layers named as those of torchvision's AlexNet and VGG, and the net has 11; give "
            "the state dict of the net of the same name"
        ),
    ),
]


@pytest.mark.parametrize(("name", "theirs", "message"), OTHERS)
def test_weights_of_another_net(name, theirs, message):
    arguments = {"init_weights": False, "aux_logits": False} if theirs == "googlenet" else {}
    with pytest.raises(ParameterError) as error:
        from_torchvision(torchvisions(theirs, **arguments), on_images(name, 224, 224))
    assert str(error.value) == message


def test_a_dense_layer_for_another_size_of_picture():
    with pytest.raises(ParameterError) as error:
        from_torchvision(torchvisions("vgg11"), on_images("vgg11", 256, 256))
    assert str(error.value) == (
        "state['classifier.0.weight'] of shape (4096, 25088) does not fit 'pool.weight' of shape (4096, 512, "
        "8, 8); build the net with the same classes, rows and width"
    )
