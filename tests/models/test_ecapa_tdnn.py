"""ECAPA-TDNN's sizes, what its two forms see, and what its scan is made of.

That it gives SpeechBrain's numbers, `convert/test_speechbrain.py` says.
"""

from functools import partial

import pytest
import torch

from audiocnn.describe import count_parameters
from audiocnn.errors import ParameterError
from audiocnn.geometry import Geometry
from audiocnn.models import MODELS, create
from audiocnn.models.ecapa_tdnn import ecapa_tdnn
from audiocnn.receptive_field import visible_steps

# Up to the embedding: SpeechBrain's, and 6.2 and 14.7 million in the paper.
PUBLISHED = {
    "ecapa_tdnn_512": 6_194_048,
    "ecapa_tdnn_1024": 14_660_416,
    "ecapa_tdnn_1024_3072": 20_767_552,
}
narrow = partial(MODELS["ecapa_tdnn_512"], width=1 / 16)


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED.items())
def test_published_counts(name, parameters):
    with torch.device("meta"):
        same, valid = (create(name, num_classes=12, padding=padding) for padding in ("same", "valid"))
    assert count_parameters(same[:-1]) == parameters
    assert count_parameters(same.logits) == 193 * 12
    wide = 3072 if "3072" in name else 1536
    assert count_parameters(same) - count_parameters(valid) == 2 * wide * 128  # what looks at the clip


@pytest.mark.parametrize("name", PUBLISHED)
def test_it_is_for_three_seconds_of_80_features(name):
    with torch.device("meta"):
        for padding in ("same", "valid"):
            net = create(name, num_classes=2, padding=padding)
            assert (net.rows, net.window) == (80, 300)


def test_a_position_sees_131_frames_and_its_gates_more():
    """5 frames; 7 layers of kernel 3 with dilations of 2, 3 and 4; then 30 frames more for each gate."""
    assert 5 + 7 * 2 * (2 + 3 + 4) == 131
    with torch.device("meta"):
        assert ecapa_tdnn(num_classes=2, channels=512, gate_frames=1).body.geometry == Geometry(131)
        assert create("ecapa_tdnn_512", num_classes=2).body.geometry == Geometry(131 + 3 * 30)


def test_as_published_every_frame_of_the_clip_is_seen():
    net = narrow(num_classes=2, padding="same", input_size=(80, 60)).eval()
    assert visible_steps(net.body, (1, 80, 60), steps=[0, 59]).all()


def test_without_the_gates_the_scan_is_the_middle_of_what_is_published():
    """With gates that are open, the two forms differ in what lies beyond the clip alone."""
    same, valid = (
        narrow(num_classes=2, padding=padding, input_size=(80, 300)).double().eval()
        for padding in ("same", "valid")
    )
    for name, parameter in same.named_parameters():
        if ".gate." in name and ".expand." in name:
            torch.nn.init.constant_(parameter, 40.0 if name.endswith("bias") else 0.0)
    valid.body.load_state_dict(same.body.state_dict())
    x = torch.randn(1, 1, 80, 300, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(valid.body(x), same.body(x)[..., 110:-110])


def test_the_outputs_of_all_blocks_are_read():
    net = narrow(num_classes=2, padding="same").eval()
    blocks = net.body.blocks
    x = torch.randn(1, 32, 90)
    with torch.no_grad():
        first = blocks.block(x)
        inner = blocks.others.branches[1]
        second = inner.block(first)
        third = inner.others.branches[1](second)
        torch.testing.assert_close(blocks(x), torch.cat((first, second, third), dim=1))


def test_every_parameter_learns_but_the_constants_that_the_softmax_cancels():
    for padding in ("same", "valid"):
        net = narrow(num_classes=3, padding=padding)
        net(torch.randn(4, 1, 80, 300)).square().sum().backward()
        still = [name for name, p in net.named_parameters() if p.grad.abs().max() <= 1e-5]
        assert all(name.startswith("pool.") and name.endswith(".bias") for name in still)
        assert len(still) <= 1


@pytest.mark.parametrize(
    ("width", "units", "squeezed"), [(0.3, 154, 38), (0, 0, 0), (1 / 128, 4, 1), (1 / 1024, 0, 0)]
)
def test_a_width_that_does_not_divide_is_refused(width, units, squeezed):
    with pytest.raises(ParameterError) as error:
        narrow(num_classes=2, width=width)
    assert str(error.value) == (
        f"width={width} makes {units} of channels=512 and {squeezed} of the 128 between the gates; the first "
        "must be a multiple of 8 and of the second: give 1/2, 1/4 or 1/8"
    )


@pytest.mark.parametrize(("name", "least"), [("ecapa_tdnn_512", 5), ("x_vector", 4)])
def test_a_window_too_short_to_be_mirrored_is_refused(name, least):
    with torch.device("meta"):
        assert create(name, num_classes=2, padding="same", input_size=(24, least)).window == least
    with pytest.raises(ParameterError) as error:
        create(name, num_classes=2, padding="same", input_size=(24, least - 1))
    assert str(error.value) == (
        f"window={least - 1} is too short: the net mirrors {least - 1} frames at both ends; give "
        f"input_size=(24, {least}) or more"
    )
