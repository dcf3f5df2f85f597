"""The nets: published parameter counts, shapes, and what is refused."""

import csv
import statistics
from collections import defaultdict
from functools import partial
from pathlib import Path

import laws
import pytest
import torch

from audiocnn.describe import count_parameters, describe
from audiocnn.errors import ParameterError
from audiocnn.models import IMAGE_MODELS, MODELS, create

ROOT = Path(__file__).parent.parent.parent
# BC-ResNet: the paper's table and the authors' code. TC-ResNet: the published 66k and 305k count
# batch norm's moving statistics; these are the trainable part.
PUBLISHED = {
    "bc_resnet_1": 9_232,
    "bc_resnet_1_5": 17_154,
    "bc_resnet_2": 27_284,
    "bc_resnet_3": 54_168,
    "bc_resnet_6": 187_812,
    "bc_resnet_8": 321_068,
    "tc_resnet_8": 65_180,
    "tc_resnet_14_1_5": 303_012,
}


@pytest.mark.parametrize(("name", "parameters"), PUBLISHED.items())
def test_published_parameter_counts(name, parameters):
    assert count_parameters(create(name, num_classes=12, padding="same")) == parameters


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_valid_net_has_about_as_many(name):
    valid = count_parameters(create(name, num_classes=12, padding="valid"))
    assert abs(valid / PUBLISHED[name] - 1) < 0.05


def test_moving_statistics_make_up_the_published_tc_resnet_counts():
    for name, published in (("tc_resnet_8", 66_000), ("tc_resnet_14_1_5", 305_000)):
        net = create(name, num_classes=12, padding="same")
        moving = sum(b.numel() for key, b in net.named_buffers() if "running" in key)
        assert abs((count_parameters(net) + moving) / published - 1) < 0.01


# Of each net its classes, what "same" reads where that is not the default, and what its docstring says.
STATED_MACS = {
    "tc_resnet_8": (12, None, "1,522,560", "1,815,431"),
    "tc_resnet_14_1_5": (12, None, "6,677,136", "7,438,028"),
    "matchboxnet_3x1x64": (30, None, "9,195,264", "6,119,680"),
    "matchboxnet_3x2x64": (30, None, "11,136,768", "6,942,592"),
    "mdtc_small": (12, None, "6,195,168", "2,647,344"),
    "m5": (10, None, "69,538,816", "93,606,912"),
    "asr_cnn": (12, None, "8.4M", "9.8M"),
    "cnn_trad_fpool3": (4, None, "9,705,984", "9,705,984"),
    "cnn_one_fstride4": (4, None, "503,104", "503,104"),
    "res_8": (12, None, "35.7M", "42.1M"),
    "res_8_narrow": (12, None, "6.8M", "8.1M"),
    "res_15": (12, None, "930.3M", "974.0M"),
    "res_15_narrow": (12, None, "166.2M", "174.2M"),
    "res_26": (12, None, "430.2M", "395.9M"),
    "res_26_narrow": (12, None, "77.1M", "71.1M"),
    "ds_cnn_s": (12, (10, 49), "2,656,768", "5.7M"),
    "ds_cnn_m": (12, (10, 49), "9,816,384", "9.6M"),
    "ds_cnn_m_1_5": (12, (10, 49), "20,493,456", "19.7M"),
    "ds_cnn_l": (12, (10, 49), "28,327,812", "25.1M"),
    "ds_cnn_mlperf": (12, (10, 49), "2,656,768", "5.7M"),
    "mobilenet_audio_small": (12, None, "6.0M", "9.3M"),
}


@pytest.mark.parametrize(("name", "stated"), STATED_MACS.items())
def test_macs_are_those_that_the_docstring_states(name, stated):
    classes, read, *figures = stated
    for padding, size, figure in zip(("same", "valid"), (read, None), figures, strict=True):
        macs = describe(create(name, num_classes=classes, input_size=size, padding=padding)).macs
        assert figure == (f"{macs / 1e6:.1f}M" if figure.endswith("M") else f"{macs:,}")
        assert figure in getattr(MODELS[name], "func", MODELS[name]).__doc__


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("name", MODELS)
def test_one_window_gives_one_decision(name, padding):
    with torch.device("meta"):  # shapes, without numbers
        net = create(name, num_classes=5, padding=padding).eval()
        x = torch.zeros(2, net.config.in_channels, net.rows, net.window)
        assert net(x).shape == ((2, 5, 1, 1) if name in IMAGE_MODELS else (2, 5, 1))
    assert net.config.input_size == (net.rows, net.window)


@pytest.mark.parametrize("name", MODELS)
def test_a_net_can_be_built_again_from_its_config(name):
    with torch.device("meta"):  # shapes, without numbers
        net = create(name, num_classes=5, input_size=(None, laws.net(name).window + 7))
        config = net.config
        again = create(
            config.name,
            num_classes=config.num_classes,
            in_channels=config.in_channels,
            input_size=config.input_size,
            padding=config.padding,
        )
        assert again.config == config
        again.load_state_dict(net.state_dict())


def test_the_published_receptive_fields():
    seen = {"tc_resnet_8": 171, "tc_resnet_14": 395, "bc_resnet_1": 117, "tdnn": 15}
    for name, frames in seen.items():
        assert create(name, num_classes=2, padding="same").body.time_axis.sees.span == frames


def test_a_bc_resnet_averages_27_positions_of_a_window_that_a_relu_has_passed():
    net = create("bc_resnet_1", num_classes=2).eval()
    positions = net.body(torch.randn(1, 1, 40, 143))
    assert (net.window, positions.shape) == (143, (1, 32, 27))
    assert positions.min() == 0 < positions.max()


@pytest.mark.parametrize("name", ["tdnn", "tc_resnet_14", "bc_resnet_1"])
def test_every_parameter_learns(name):
    net = create(name, num_classes=3)
    net(torch.randn(4, 1, net.rows, net.window)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_colour_channels_are_read_too():
    net = create("bc_resnet_1", num_classes=3, in_channels=2, input_size=(80, 150))
    assert net(torch.zeros(1, 2, 80, 150)).shape == (1, 3, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"name": "tc_resnet8"},
            "name='tc_resnet8' is no model; did you mean tc_resnet_8, bc_resnet_8, tc_resnet_14?",
        ),
        ({"name": "tdnn", "num_classes": 0}, "num_classes=0 must be a positive integer"),
        ({"name": "tdnn", "padding": "causal"}, "padding='causal' must be 'valid' or 'same'"),
        (
            {"name": "bc_resnet_1", "input_size": (40, 98)},
            (
                "window=98 frames do not hold the 117 that the net sees; give input_size=(40, 117) or more, "
                "or padding='same'"
            ),
        ),
        (
            {"name": "bc_resnet_1", "input_size": (64, None)},
            (
                "rows=64 become 32, 16, 8, 8 in the stages of BC-ResNet, which do not all divide into 5 "
                "bands; use 40 or 79"
            ),
        ),
        (
            {"name": "bc_resnet_1", "input_size": (20, None)},
            (
                "rows=20 become 10, 5, 3, 3 in the stages of BC-ResNet, which do not all divide into 5 "
                "bands; use 39"
            ),
        ),
        (
            {"name": "tdnn", "input_size": (98,)},
            "input_size=(98,) must be (rows, window), such as (40, 98): this net reads spectrograms",
        ),
        ({"name": "tdnn", "input_size": (40, -1)}, "input_size=(40, -1): window must be a positive integer"),
    ],
)
def test_impossible_nets_say_what_would_work(arguments, message):
    with pytest.raises(ParameterError) as error:
        create(**{"num_classes": 2, **arguments})
    assert str(error.value) == message


def measured_accuracies():
    """Of each net and padding, the mean that the recipe's results give, in percent."""
    with (ROOT / "recipes/arabic_speech_commands/results.csv").open(encoding="utf-8") as file:
        trials = defaultdict(list)
        for trial in csv.DictReader(file):
            trials[trial["model"], trial["padding"]].append(100 * float(trial["test_accuracy"]))
    return {key: statistics.mean(accuracies) for key, accuracies in trials.items()}


@pytest.mark.parametrize(("model", "padding"), measured_accuracies())
def test_the_docstring_states_what_was_measured(model, padding):
    build = MODELS[model]
    while isinstance(build, partial):
        build = build.func
    stated = " ".join(build.__doc__.split())
    figures = stated.split("Measured in `recipes/arabic_speech_commands`")[1].split(" Args: ")[0]
    own = figures[figures.index(f"`{model}` ") :].split(", `")[0]
    assert f'{measured_accuracies()[model, padding]:.1f} % with `"{padding}"`' in own
