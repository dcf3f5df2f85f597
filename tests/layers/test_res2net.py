"""Groups of channels that read one another, against the sums of their definition."""

import pytest
import torch
import torch.nn.functional as F

from audiocnn.errors import LawError, ParameterError
from audiocnn.geometry import Geometry
from audiocnn.layers import Res2Net
from audiocnn.receptive_field import visible_steps


def drawn(**options):
    """A layer with random weights and statistics, in evaluation."""
    layer = Res2Net(8, scale=4, **options).double().eval()
    for part in layer.layers:
        torch.nn.init.normal_(part.norm.running_mean)
        torch.nn.init.uniform_(part.norm.running_var, 0.5, 2.0)
        torch.nn.init.normal_(part.norm.bias)
    return layer


def padded(x, layer, dilation):
    """What one of the layers makes of a group, at all steps and with the group mirrored at its ends."""
    around = F.pad(x, (dilation, dilation), mode="reflect")
    y = F.conv1d(around, layer.conv.weight, layer.conv.bias, dilation=dilation)
    norm = layer.norm
    return F.batch_norm(y.relu(), norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)


@pytest.mark.parametrize("dilation", [1, 3])
def test_each_group_reads_itself_and_what_the_one_before_it_gave(dilation):
    layer = drawn(dilation=dilation, padding="same", padding_mode="reflect")
    x = torch.randn(2, 8, 20, dtype=torch.float64)
    x1, x2, x3, x4 = x.chunk(4, dim=1)
    second, third, fourth = layer.layers
    y2 = padded(x2, second, dilation)
    y3 = padded(x3 + y2, third, dilation)
    y4 = padded(x4 + y3, fourth, dilation)
    torch.testing.assert_close(layer(x), torch.cat((x1, y2, y3, y4), dim=1))


@pytest.mark.parametrize(("kernel_size", "dilation"), [(3, 1), (3, 4), (5, 2)])
def test_without_padding_it_is_the_middle_of_the_same(kernel_size, dilation):
    valid = drawn(kernel_size=kernel_size, dilation=dilation)
    same = drawn(kernel_size=kernel_size, dilation=dilation, padding="same")
    same.load_state_dict(valid.state_dict())
    reach = 3 * (kernel_size // 2) * dilation
    assert valid.geometry == Geometry(2 * reach + 1)
    x = torch.randn(2, 8, 60, dtype=torch.float64)
    torch.testing.assert_close(valid(x), same(x)[..., reach:-reach])


def test_later_groups_see_more():
    """With three layers of kernel 3, group i sees 1, 3, 5 and 7 steps around the same centre."""
    layer = drawn()
    for group, reach in enumerate((0, 1, 2, 3)):
        of_group = slice(2 * group, 2 * group + 2)
        alone = visible_steps(_Only(layer, of_group), (8, 9))
        assert alone[0].nonzero().flatten().tolist() == list(range(3 - reach, 3 + reach + 1))


class _Only(Res2Net):
    """Some channels of what a layer gives."""

    def __init__(self, layer, channels):
        super().__init__(8, scale=4)
        self.double().load_state_dict(layer.state_dict())
        self.kept = channels

    def forward(self, x):
        return super().forward(x)[:, self.kept]


def test_on_a_stream_each_step_goes_through_each_layer_once():
    layer = drawn(dilation=2)
    read = []
    for part in layer.layers:
        part.conv.register_forward_hook(lambda _module, _inputs, y: read.append(y.shape[-1]))
    x = torch.randn(1, 8, 40, dtype=torch.float64)
    state, due = None, []
    for chunk in x.split(3, dim=-1):
        output, state = layer.step(chunk, state)
        due += [] if output is None else [output]
    assert sum(read) == (40 - 4) + (40 - 8) + (40 - 12)
    torch.testing.assert_close(torch.cat(due, dim=-1), layer(x))


def test_its_parameters_are_those_of_its_layers():
    """SpeechBrain's: 7 layers of 64 channels, weights, biases and norms."""
    parameters = sum(p.numel() for p in Res2Net(512, scale=8).parameters())
    assert parameters == 7 * (64 * 64 * 3 + 64 + 2 * 64)


def test_padding_in_time_cannot_stream():
    with pytest.raises(LawError, match="^Conv1d at 'layers.0.conv' cannot stream: padding='same' adds"):
        Res2Net(8, scale=4, padding="same").step(torch.zeros(1, 8, 9))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: Res2Net(10, scale=4),
            "channels=10 must be a multiple of scale=4; give one that divides them",
        ),
        (lambda: Res2Net(8, scale=0), "scale=0 must be a positive integer"),
        (lambda: Res2Net(8, dilation=0), "dilation=0 must be a positive integer"),
        (
            lambda: Res2Net(8, kernel_size=4),
            "kernel_size=4 must be odd, so that the groups have one centre; 3 or 5 is",
        ),
        (lambda: Res2Net(8, padding="causal"), "padding='causal' must be 'valid' or 'same'"),
        (
            lambda: Res2Net(8, scale=4)(torch.zeros(1, 6, 20)),
            "Res2Net with channels=8 takes (batch, 8, time), not (1, 6, 20)",
        ),
        (
            lambda: Res2Net(8, scale=4)(torch.zeros(1, 8, 6)),
            (
                "input of 6 steps along time is shorter than the span of Res2Net, 7; pad the clip once, "
                "before the network"
            ),
        ),
    ],
)
def test_what_is_refused(build, message):
    with pytest.raises(ParameterError) as error:
        build()
    assert str(error.value) == message
