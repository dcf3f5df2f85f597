"""SpeechBrain's weights in our nets: the numbers it gives itself, for random weights and statistics."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch

from audiocnn.errors import ParameterError
from audiocnn.models import MODELS, create
from audiocnn.models.convert import from_speechbrain

SCRIPT = Path(__file__).parents[1] / "speechbrain_nets.py"
NAMES = ("x_vector", "ecapa_tdnn_512", "ecapa_tdnn_1024")
ECAPA = NAMES[1:]
CLASSES = 7


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """What SpeechBrain computes, in a process of its own."""
    out = tmp_path_factory.mktemp("speechbrain") / "nets.pt"
    subprocess.run([sys.executable, SCRIPT, out], check=True)
    return torch.load(out, weights_only=True)


def ours(name, reference, *, num_classes=CLASSES, padding="same", **options):
    """Our net of the same sizes, with an eighth of the published channels."""
    build = partial(MODELS[name], width=1 / 8, **options)
    rows, frames = reference["features"].shape[2:]
    return build(num_classes=num_classes, padding=padding, input_size=(rows, frames)).eval()


def assert_near(found, expected):
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


def embed(name, net, x):
    """The embedding, as the docstrings say to read it."""
    return net.head[:1](net[:2](x)) if name == "x_vector" else net[:-1](x)


@torch.no_grad()
@pytest.mark.parametrize("name", NAMES)
def test_the_embeddings_are_theirs(theirs, name):
    reference = theirs[name]
    net = ours(name, reference)
    logits = net.logits.weight.clone()
    net.load_state_dict(from_speechbrain(reference["embedding_state"], net))
    assert_near(embed(name, net, reference["features"]), reference["embedding"])
    assert torch.equal(net.logits.weight, logits)  # nothing was said of the classes


@torch.no_grad()
def test_the_x_vectors_scores_are_theirs(theirs):
    reference = theirs["x_vector"]
    net = ours("x_vector", reference)
    state = reference["embedding_state"] | reference["classifier_state"]
    net.load_state_dict(from_speechbrain(state, net))
    assert_near(net(reference["features"]), reference["scores"])


@torch.no_grad()
@pytest.mark.parametrize("name", ECAPA)
def test_ecapas_logits_are_their_cosines_times_the_length_of_the_embedding(theirs, name):
    reference = theirs[name]
    net = ours(name, reference)
    state = reference["embedding_state"] | reference["classifier_state"]
    net.load_state_dict(from_speechbrain(state, net))
    assert_near(net(reference["features"]), reference["scores"] * reference["embedding"].norm(dim=1)[:, None])


@torch.no_grad()
def test_an_x_vector_without_padding_takes_the_same_weights(theirs):
    """The middle of the clip, where no mirror reaches, gives the same frames."""
    reference = theirs["x_vector"]
    state = reference["embedding_state"] | reference["classifier_state"]
    same, valid = (ours("x_vector", reference, padding=padding) for padding in ("same", "valid"))
    for net in (same, valid):
        net.load_state_dict(from_speechbrain(state, net))
    x = reference["features"]
    torch.testing.assert_close(valid.body(x), same.body(x)[..., 7:-7], rtol=1e-4, atol=1e-4)


def test_the_nets_are_as_large_as_theirs(theirs):
    counts = theirs["counts"]
    with torch.device("meta"):
        for name, count in counts.items():
            if name.startswith("ecapa"):
                net = create(name, num_classes=CLASSES, padding="same")
                assert sum(p.numel() for p in net[:-1].parameters()) == count
        net = create("x_vector", num_classes=CLASSES, padding="same")
        assert sum(p.numel() for p in net.parameters()) == counts["x_vector"] + counts["classifier"]


def test_half_a_classifier_is_refused(theirs):
    """What is given is used, or an error."""
    reference = theirs["x_vector"]
    state = reference["embedding_state"] | reference["classifier_state"]
    del state["out.w.weight"]
    with pytest.raises(ParameterError) as error:
        from_speechbrain(state, ours("x_vector", reference))
    assert str(error.value) == "state lacks 'out.w.weight'; give the state dict of the same variant"


def test_other_nets_and_weights_are_refused(theirs):
    x_vector, ecapa = theirs["x_vector"], theirs["ecapa_tdnn_512"]
    net = ours("x_vector", x_vector)
    for state, other, message in (
        (
            x_vector["embedding_state"],
            create("tdnn", num_classes=3),
            (
                "net is no x-vector and no ECAPA-TDNN; give one that create('x_vector', ...), "
                "create('ecapa_tdnn_512', ...) or its like has built"
            ),
        ),
        (
            ecapa["embedding_state"],
            ours("ecapa_tdnn_512", {"features": torch.zeros(1, 1, 80, 300)}, padding="valid"),
            (
                "net is an ECAPA-TDNN whose attention does not see the clip, so that SpeechBrain's weights "
                "do not fit; build it with padding='same'"
            ),
        ),
        (
            ecapa["embedding_state"],
            net,
            (
                "state lacks 'blocks.0.conv.bias', 'blocks.0.conv.weight', 'blocks.11.norm.bias' and 29 "
                "more; give the state dict of the same variant"
            ),
        ),
        (
            ecapa["embedding_state"],
            ours("ecapa_tdnn_1024", ecapa),
            (
                "state['blocks.0.conv.conv.weight'] of shape (64, 80, 5) does not fit "
                "'body.frame.conv.weight' of shape (128, 80, 5); build the net with the same classes, rows "
                "and width"
            ),
        ),
        (
            ecapa["embedding_state"] | {"weight": torch.ones(99, 12)},
            ours("ecapa_tdnn_512", ecapa),
            (
                "state['weight'] of shape (99, 12) is not (7, 24), the net's classes and channels; build it "
                "with num_classes=99"
            ),
        ),
        (
            ecapa["embedding_state"],
            MODELS["vggish"](num_classes=3, width=1 / 64),
            (
                "net is no x-vector and no ECAPA-TDNN; give one that create('x_vector', ...), "
                "create('ecapa_tdnn_512', ...) or its like has built"
            ),
        ),
        (
            x_vector["embedding_state"] | x_vector["classifier_state"],
            ours("x_vector", x_vector, num_classes=8),
            (
                "state['out.w.weight'] of shape (7, 64) does not fit 'logits.weight' of shape (8, 64, 1); "
                "build the net with the same classes, rows and width"
            ),
        ),
    ):
        with pytest.raises(ParameterError) as error:
            from_speechbrain(state, other)
        assert str(error.value) == message
