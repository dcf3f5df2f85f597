"""What a net is said to cost and to hear is what it costs and hears."""

import json

import laws
import pytest
import torch

import audiocnn
from audiocnn.classifier_config import ImageClassifierConfig
from audiocnn.describe import describe
from audiocnn.description import MACS_RULE, Scale
from audiocnn.errors import ParameterError
from audiocnn.frontends import LogMel, LogMelConfig
from audiocnn.image_classifier import ImageClassifier
from audiocnn.layers import (
    Conv1d,
    Conv2d,
    ConvTranspose1d,
    FlattenRows,
    GlobalMean,
    Identity,
    MaxPool2d,
    ReLU,
    Sequential,
)
from audiocnn.models import NetConfig, create
from audiocnn.models.fcn import FCN
from audiocnn.models.lenet import lenet5
from audiocnn.models.localizer import Localizer
from audiocnn.picture import PictureConfig


def test_macs_of_a_net_worked_by_hand():
    # tdnn on 98 frames: 94, 90 and 84 outputs; see its docstring for the layers
    frames = 94 * 40 * 5 * 128 + 90 * 128 * 3 * 128 + 84 * 128 * 3 * 128 + 84 * 128 * (128 + 384)
    assert describe("tdnn").macs == frames + 768 * 128 + 128 * 12


def test_scanning_on_costs_the_new_outputs_of_each_layer():
    net = Sequential(Conv1d(4, 8, 5), Conv1d(8, 8, 3, stride=2))
    description = describe(net, input_size=(4, 7))
    assert (description.span, description.stride) == (7, 2)
    assert description.macs == 3 * 4 * 5 * 8 + 8 * 3 * 8
    assert description.macs_of_next == 2 * 4 * 5 * 8 + 8 * 3 * 8


def test_the_page_of_a_net_that_scans():
    assert str(describe(laws.classifier("bc_resnet_1", "valid"))) == (
        "model            bc_resnet_1, padding 'valid', 3 classes\n"
        "front-end        logmel of 40 rows at 16000 Hz (others are resampled), fingerprint 74a7c56e56be\n"
        "labels           left, right, other\n"
        "input, output    1x40x143, 3x1\n"
        "parameters       8,935 trainable\n"
        "MACs             2,879,284; scanning on, 24,668 for each further output, 117 times less than "
        "window\n                 by window\n"
        "operations       6,466,227\n"
        "neurons          324,003 with 3,022,295 connections\n"
        "activations      3,554,604 bytes, of the largest layer 177,920\n"
        "streaming state  at most 87,484 bytes, the front-end's included\n"
        "span             143 frames, 1450 ms: what one output sees\n"
        "stride           1 frame, 10 ms from one output to the next\n"
        "look-ahead       71 frames, 710 ms after the middle of the span\n"
        "receptive field  117 frames, 1190 ms by 40 rows, before the pool\n"
        "scan             yes: a long input goes through it once, whatever the hop\n"
        "MACs are the multiplications of convolutions and dense layers for one input, those with padding\n"
        "included; front-end, biases, norms, activations and pools are not counted. Operations are\n"
        "multiplications and additions, biases and what pools add or compare included, and one for each\n"
        "number that a norm or an activation gives."
    )


@pytest.mark.parametrize("name", ["tc_resnet_14", "bc_resnet_2"])
def test_the_page_of_a_net_that_pads(name):
    description = describe(laws.classifier(name, "same"))
    assert not description.is_scan
    assert description.macs_of_next is None
    assert (description.span, description.span_ms) == (98, 1000.0)
    assert (description.stride, description.stride_ms) == (10, 100.0)
    assert description.receptive_field.size == {"tc_resnet_14": 395, "bc_resnet_2": 117}[name]
    # it streams window by window: samples of the last frame, and 97 frames of 40 rows
    assert description.state_bytes == 4 * (479 + 97 * 40)
    page = str(description)
    assert "span             98 frames, 1000 ms: a window, which is run by itself\n" in page
    assert "scan             no: a long input is read window by window, as padding='same' adds" in page


def test_a_classifier_streams_with_the_state_it_is_said_to_keep():
    classifier = laws.classifier("bc_resnet_1", "valid").eval()
    said, state, kept = describe(classifier).state_bytes, None, 0

    def size(state):
        if state is None:
            return 0
        if isinstance(state, torch.Tensor):
            return state.numel() * state.element_size()
        return sum(map(size, state))

    for chunk in torch.randn(1, classifier.geometry.span + 3200).split(80, dim=1):
        _, state = classifier.step(chunk, state)
        kept = max(kept, size(state))
    assert 0.95 * said < kept <= said


def test_a_bare_net_has_no_milliseconds():
    description = describe(create("tc_resnet_8", num_classes=2))
    assert description.scale is None
    assert "span             143 steps: what one output sees\n" in str(description)
    assert "stride           8 steps from one output to the next\n" in str(description)
    padded = describe(create("tc_resnet_8", num_classes=2, padding="same"))
    assert (padded.state_bytes, padded.span, padded.stride) == (None, 98, 1)
    assert "streaming state  none: it cannot stream\n" in str(padded)
    with pytest.raises(ParameterError) as error:
        _ = description.span_ms
    assert str(error.value) == (
        "tc_resnet_8, padding 'valid', 2 classes has no front-end, so its steps have no milliseconds"
    )


def test_a_net_of_plain_layers_is_described_for_an_input():
    lenet = Sequential(
        Conv2d(1, 6, 5),
        ReLU(),
        MaxPool2d(2),
        Conv2d(6, 16, 5),
        ReLU(),
        MaxPool2d(2),
        Conv2d(16, 120, 5),
        ReLU(),
        FlattenRows(),
        Conv1d(120, 84, 1),
        ReLU(),
        Conv1d(84, 10, 1),
    )
    description = audiocnn.describe(lenet, input_size=(1, 32, 32))
    assert description.parameters == 61_706
    assert description.output == (10, 1)
    assert description.receptive_field.size == description.span == 32
    assert description.macs_of_next == description.layers[0].macs // 28 * 4 + sum(
        layer.macs // 10 * 2 if layer.output[-1] == 10 else layer.macs for layer in description.layers[1:]
    )
    with pytest.raises(ParameterError) as error:
        describe(lenet)
    assert str(error.value) == "input_size=None: give the shape that Sequential reads, such as (1, 40, 98)"


def test_what_scanning_saves_is_said_of_a_single_window():
    net = Sequential(Conv1d(4, 8, 5), Conv1d(8, 8, 3, stride=2))
    page = " ".join(str(describe(net, input_size=(4, 7))).split())  # its lines are broken
    assert "MACs 672; scanning on, 512 for each further output, 1.31 times less than window by window" in page
    # here the MACs are those of two windows, so that their ratio would say nothing
    assert "MACs             1,184; scanning on, 512 for each further output\n" in str(
        describe(net, input_size=(4, 9))
    )


def test_a_layer_that_pads_moves_by_its_stride():
    description = describe(Conv1d(4, 4, 3, stride=2, padding="same"), input_size=(4, 98))
    assert (description.span, description.stride, description.receptive_field.size) == (98, 2, 3)


@pytest.mark.parametrize("net", [GlobalMean(), ConvTranspose1d(4, 4, 3, stride=2)], ids=str)
def test_a_field_that_is_all_or_not_fixed(net):
    description = describe(net, input_size=(4, 98))
    assert description.stride == 1
    assert "receptive field  the whole input, or no fixed part of it\n" in str(description)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            torch.nn.Conv1d(4, 4, 3),
            (
                "model is a torch.nn.modules.conv.Conv1d; give a classifier, a net, the name of a model, or "
                "layers of audiocnn.layers"
            ),
        ),
        (Sequential(), "model has no layers to describe: Sequential hands on its input as it is"),
        (Identity(), "model has no layers to describe: Identity hands on its input as it is"),
    ],
)
def test_what_cannot_be_described(model, message):
    with pytest.raises(ParameterError) as error:
        describe(model, input_size=(4, 9))
    assert str(error.value) == message


def test_the_page_and_the_table_of_a_net_without_rows():
    description = describe(Sequential(Conv1d(40, 8, 5), ReLU()), input_size=(40, 105))
    assert "receptive field  5 steps\n" in str(description)
    assert description.table() == (
        "layer  kind    output  parameters     MACs  state B  sees, steps  moves by  law\n"
        "0      Conv1d  8x101        1,608  161,600      640  5            1         yes\n"
        "1      ReLU    8x101            0        0        0  5            1         yes\n"
        "all            8x101        1,608  161,600      640"
    )


def test_the_table_of_a_net_that_scans():
    lines = describe("bc_resnet_1").table().splitlines()
    words = [line.split() for line in (lines[1], lines[9], lines[-1])]
    assert words[0] == "body.conv Conv2d 16x20x139 400 1,112,000 640 5 x 5 2 x 1 70 x 312-2683 yes".split()
    assert (
        words[1]
        == ("body.stage1_block1.body.broadcast.0.mean MeanRows 8x1x139 0 0 0 all x 5 1 70 x 8000 yes").split()
    )
    assert words[2] == "all 12x1 9,232 2,879,572 85,568".split()


def test_the_table_of_a_net_that_pads_says_which_layers_break_the_law():
    lines = describe("tc_resnet_8", padding="same").table().splitlines()
    assert lines[0].split() == [
        *["layer", "kind", "output", "parameters", "MACs", "sees,", "frames"],
        *["moves", "by", "ms", "x", "Hz", "law"],
    ]
    assert lines[2].split() == ["body.conv", *"Conv1d 16x98 1,920 188,160 all x 3 1 50 x 8000 no".split()]
    assert lines[3].split() == ["body.norm", *"BatchNorm1d 16x98 32 0 all x 3 1 50 x 8000 yes".split()]


def test_the_page_of_a_net_for_pictures():
    page = str(describe("lenet5", num_classes=10))
    assert page.startswith(
        "model            lenet5, padding 'valid', 10 classes\n"
        "input, output    1x32x32, 10x1x1\n"
        "parameters       61,706 trainable\n"
        "MACs             416,520; scanning on, 123,720 for each further output, 3.37 times less than "
        "window\n                 by window\n"
        "operations       852,370\n"
        "neurons          8,094 with 429,342 connections\n"
        "activations      58,408 bytes, of the largest layer 18,816\n"
        "receptive field  16 x 16 px, before the pool\n"
        "scan             yes: of a larger picture a decision every 4 x 4 px\n"
        "MACs are "
    )
    padded = " ".join(str(describe("resnet20")).split())
    assert (
        "receptive field 81 x 81 px, before the pool scan no: of a larger picture a decision every 4 x 4 px, "
        "but padding is put around the whole of it, not around what each decision is on MACs are"
    ) in padded
    first, *_ = describe("lenet5").table().splitlines()
    assert first.split() == "layer kind output parameters MACs sees, px moves by law".split()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {},
            "in colour; others are resized until they cover 64 x 96, and their middle is cut out",
        ),
        (
            {"crop_share": 0.8},
            "in colour; others are resized until they cover 80 x 120, and their middle is cut out",
        ),
        ({"how": "stretch"}, "in colour; others are resized to that, whatever their shape"),
        (
            {"how": "pad", "background": 0.5, "channels": 1},
            "grey; others are resized until they fit in, on a background of 0.5",
        ),
        (
            {"how": "centre"},
            "in colour; others are not resized: their middle is cut out, or put on a background of 1",
        ),
    ],
)
def test_the_page_of_a_classifier_of_pictures(changes, text):
    picture = PictureConfig(rows=64, columns=96, **changes)
    net = NetConfig(name="resnet20", num_classes=23, in_channels=picture.channels)
    labels = tuple(f"kind {i}" for i in range(23))
    description = describe(ImageClassifier(ImageClassifierConfig(labels=labels, picture=picture, net=net)))
    assert description.picture == f"64 x 96 px, {text}"
    assert description.input == (picture.channels, 64, 96)
    page = " ".join(str(description).split())
    assert f"23 classes picture 64 x 96 px, {text} labels kind 0, " in page
    assert "kind 18, kind 19 and 3 more input, output" in page


def test_a_net_with_a_box_is_described_on_its_own_picture():
    described = describe(Localizer(lenet5(num_classes=10)))
    assert (described.input, described.output) == ((1, 32, 32), (14, 1, 1))
    assert (
        described.parameters == 61_706 + 85 * 4
        and described.macs == describe("lenet5", num_classes=10).macs + 84 * 4
    )
    assert described.receptive_field.size == 16 and described.is_scan
    assert str(described).startswith(
        "model            Localizer, 10 classes\ninput, output    1x32x32, 14x1x1\n"
    )
    assert "scan             yes: of a larger picture a decision every 4 x 4 px" in str(described)
    names = [layer.name for layer in described.layers]
    assert names[0] == "body.conv1" and names[-2:] == ["outputs.branches.0", "outputs.branches.1"]


def test_a_net_that_scores_pixels_is_described_layer_by_layer():
    net = FCN(lenet5(num_classes=10), num_classes=11)
    described = describe(net)
    assert (described.input, described.output) == ((1, 32, 32), (11, 32, 32))
    # without the dense layer of ten; scores of three maps, and two up-samplings that are learnt
    scores = 11 * (85 + 17 + 7)
    assert described.parameters == 61_706 - 850 + scores + 2 * 11 * 11 * 16
    text = str(described)
    assert "receptive field  no fixed part of the picture\n" in text
    every = "no: of any picture a decision for every pixel, in view of how far its edges are"
    assert f"scan             {every}" in text
    rows = {line.split()[0]: line.split() for line in described.table().splitlines()}
    assert rows["scores.2"][1:4] == ["Conv2d", "11x52x52", "77"] and rows["scores.2"][5:8] == ["5", "x", "5"]
    assert rows["ups.0"][1:4] == ["ConvTranspose2d", "11x16x16", "1,936"] and rows["ups.0"][-1] == "no"
    assert len(described.layers) == 16


def test_json_holds_all_of_it():
    description = describe("bc_resnet_1")
    values = json.loads(description.json())
    assert values["macs"] == description.macs
    assert values["macs_rule"] == MACS_RULE
    assert values["receptive_field"] == {"size": 117, "stride": 1, "centre": 58.0}
    assert [layer["name"] for layer in values["layers"]] == [layer.name for layer in description.layers]
    assert sum(layer["parameters"] for layer in values["layers"]) == 9232
    assert [values[f"{name}_ms"] for name in ("span", "stride", "look_ahead", "receptive_field")] == [
        *(1450.0, 10.0, 710.0, 1190.0)
    ]
    conv = values["layers"][0]  # sees 5 rows and 5 frames, as in the table
    assert (conv["time_ms"], [round(hz) for hz in conv["rows_hz"]]) == (70.0, [312, 2683])
    assert values["layers"][-1]["rows_hz"] == pytest.approx([8000.0, 8000.0])
    layer = json.loads(describe(GlobalMean(), input_size=(4, 98)).json())
    assert "span_ms" not in layer and "time_ms" not in layer["layers"][0]


def test_bands_of_rows_in_hz():
    scale = Scale.of(LogMel(LogMelConfig(n_mels=4, f_min=0.0, f_max=8000.0, mel_scale="htk")))
    edges = scale.bands_hz
    assert scale.hz(1) == (edges[0][1] - edges[0][0], edges[3][1] - edges[3][0])
    assert scale.hz(3) == (edges[2][1] - edges[0][0], edges[3][1] - edges[1][0])
    assert scale.hz(4) == scale.hz(9) == pytest.approx((8000.0, 8000.0))
    assert (scale.ms(1), scale.ms(98)) == (30.0, 1000.0)
    high = Scale.of(LogMel(LogMelConfig(n_mels=4, f_min=300.0, f_max=8000.0, mel_scale="htk")))
    assert high.hz(4) == pytest.approx((7700.0, 7700.0))
