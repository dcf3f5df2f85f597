"""Weights of NeMo's MatchboxNet: the logits that its own code gave with them. See `golden/make_nemo.py`."""

import golden
import pytest
import torch

from audiocnn.errors import ParameterError
from audiocnn.models import create
from audiocnn.models.convert import from_nemo

every_name = pytest.mark.parametrize("name", ["matchboxnet_3x1x64", "matchboxnet_3x2x64"])


def theirs(name):
    return golden.read("nemo", name).state


@every_name
def test_logits_are_those_of_nemo(name):
    reference = golden.read("nemo", name)
    net = create(name, num_classes=5, padding="same").eval()
    net.load_state_dict(from_nemo(reference.state, net))
    with torch.no_grad():
        golden.assert_same(net(reference.features[:, None])[..., 0], reference.output)


@every_name
def test_the_same_weights_scan(name):
    nets = [create(name, num_classes=5, padding=padding).double().eval() for padding in ("same", "valid")]
    for net in nets:
        net.load_state_dict(from_nemo(theirs(name), net))
    same, valid = (net.body for net in nets)
    around = valid.geometry.span - 1
    x = torch.randn(1, 1, 64, 300, dtype=torch.float64)
    with torch.no_grad():
        expected = same(x)[..., around // 2 : 300 - around // 2]  # what sees no zeros
        torch.testing.assert_close(valid(x), expected)


def test_what_makes_features_is_left_out():
    name = "matchboxnet_3x1x64"
    net = create(name, num_classes=5)
    state = theirs(name) | {"preprocessor.featurizer.dct_mat": torch.zeros(64, 64)}
    assert from_nemo(state, net).keys() == net.state_dict().keys()


def test_other_weights_and_other_nets_are_refused():
    small, large = (create(f"matchboxnet_3x{repeats}x64", num_classes=5) for repeats in (1, 2))
    with pytest.raises(ParameterError) as error:
        from_nemo(theirs("matchboxnet_3x2x64"), small)
    assert str(error.value) == (
        "state holds 'encoder.encoder.1.mconv.5.conv.weight', 'encoder.encoder.1.mconv.6.conv.weight', "
        "'encoder.encoder.1.mconv.7.bias' and 15 more, which the net has no place for; give the state dict "
        "of the same variant"
    )
    with pytest.raises(ParameterError) as error:
        from_nemo(theirs("matchboxnet_3x1x64"), large)
    assert str(error.value) == (
        "state lacks 'encoder.encoder.1.mconv.5.conv.weight', 'encoder.encoder.1.mconv.6.conv.weight', "
        "'encoder.encoder.1.mconv.7.bias' and 15 more; give the state dict of the same variant"
    )
    with pytest.raises(ParameterError) as error:
        from_nemo(theirs("matchboxnet_3x1x64"), create("matchboxnet_3x1x64", num_classes=6))
    assert str(error.value) == (
        "state['decoder.decoder_layers.0.weight'] of shape (5, 128) does not fit 'logits.weight' of shape "
        "(6, 128, 1); build the net with the same classes, rows and width"
    )
    with pytest.raises(ParameterError) as error:
        from_nemo(theirs("matchboxnet_3x1x64"), create("tc_resnet_8", num_classes=5))
    assert str(error.value) == (
        "net is no MatchboxNet; give one that create('matchboxnet_3x1x64', ...) or its like has built"
    )
