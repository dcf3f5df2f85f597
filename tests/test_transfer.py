"""Starting from another classifier: what is taken, what is held, what thaws, and what is refused."""

from dataclasses import replace

import pytest
import torch
from bars import write_set
from conftest import TRAINED_WITH

import audiocnn
from audiocnn import Classifier, ClassifierConfig, image_classifier
from audiocnn.classifier_config import ImageClassifierConfig
from audiocnn.cli.training import train_parser
from audiocnn.config import TrainConfig
from audiocnn.data.picture_corpus import PictureCorpus
from audiocnn.data.picture_sets import PictureSets
from audiocnn.errors import ParameterError
from audiocnn.frontends import LEAFConfig, LogMelConfig, MFCCConfig
from audiocnn.image_classifier import ImageClassifier
from audiocnn.image_config import ImageTrainConfig
from audiocnn.image_task import ImageTask
from audiocnn.layers import FactorizedTDNN, Sequential, constrain
from audiocnn.models import NetConfig
from audiocnn.picture import PictureConfig
from audiocnn.run_folder import LAST
from audiocnn.schedule import make_optimizer
from audiocnn.train import fit
from audiocnn.transfer import FrozenLayers, layers_of, start_from

GREY = PictureConfig(rows=16, columns=16, channels=1, how="centre", background=0.0)
BARS = tuple("0123456789")  # the labels of a set in MNIST's form
SMALL = "resnet20_narrow"


def of_pictures(labels=BARS, *, name=SMALL, picture=GREY, seed=0):
    """A classifier with nothing in it that is as in a fresh one: neither weights nor statistics."""
    torch.manual_seed(seed)
    net = NetConfig(name=name, num_classes=len(labels), in_channels=picture.channels)
    classifier = ImageClassifier(ImageClassifierConfig(labels=labels, picture=picture, net=net))
    return drawn(classifier)


def of_sounds(labels=("high", "low"), *, name="tc_resnet_8", front_end=None, padding=None, seed=0):
    torch.manual_seed(seed)
    net = NetConfig(name=name, num_classes=len(labels), padding=padding)
    front_end = front_end or LogMelConfig()
    return drawn(Classifier(ClassifierConfig(labels=labels, front_end=front_end, net=net)))


def drawn(classifier):
    for name, tensor in classifier.state_dict().items():
        if name.startswith(("net.", "normalize.")) and tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) + 0.5 if tensor.dim() == 1 else tensor)
    return classifier


def saved(classifier, folder):
    classifier.save(folder / "start.safetensors")
    return folder / "start.safetensors"


@pytest.fixture(scope="module")
def idx(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("digits"))


def run_on(idx, out, start, **changes):
    settings = {"model": SMALL, "picture": GREY, "epochs": 3, "batch_size": 20, "weight_decay": 0.1}
    return ImageTrainConfig(data=idx, out=out, start_from=start, **settings | changes)


def moved(before, after):
    """The layers of a net of which anything is other than before; and "logits", and "statistics"."""
    then, now = before.state_dict(), after.state_dict()
    assert then.keys() == now.keys()
    changed = {name for name in then if not torch.equal(then[name], now[name])}
    layers = [
        name
        for name in ["body.conv", "body.norm"] + [f"body.stage{i}_block{j}" for i in "123" for j in "123"]
        if any(key.startswith(f"net.{name}.") for key in changed)
    ]
    layers += ["logits"] * ("net.logits.weight" in changed)
    return layers + ["statistics"] * any(key.startswith("normalize.") for key in changed)


LAYERS = ["body.conv", *(f"body.stage{i}_block{j}" for i in "123" for j in "123")]


def test_the_layers_are_the_parts_with_weights_and_norms_go_with_the_layer_before():
    layers = layers_of(of_pictures())
    assert [layer.name for layer in layers] == LAYERS
    net = of_pictures().net
    assert [len(layer.modules) for layer in layers] == [2] + [1] * 9
    assert sum(len(list(layer.parameters())) for layer in layers) == len(list(net.parameters())) - 2
    dense = layers_of(of_pictures(name="lenet5", picture=replace(GREY, rows=32, columns=32)))
    assert [layer.name for layer in dense] == ["body.conv1", "body.conv3", "pool", "head.dense6"]


@pytest.mark.parametrize(
    ("name", "padding", "first", "count"),
    [
        ("tdnn_f_small", "valid", "body.module.tdnn1", 16),  # a chain within the body
        ("tdnn_f_small", "same", "body.module.tdnn1", 16),  # padded, and run in windows
        ("res_8_narrow", "valid", "body.conv", 4),  # the last norm has averages and no weights
    ],
)
def test_the_layers_of_nets_for_sound(name, padding, first, count):
    classifier = of_sounds(name=name, padding=padding)
    layers = layers_of(classifier)
    assert (layers[0].name, len(layers)) == (first, count)
    assert set(classifier.net.parameters()) == {
        *classifier.bare_net.logits.parameters(),
        *(parameter for layer in layers for parameter in layer.parameters()),
    }
    norms = [one for one in classifier.modules() if hasattr(one, "running_mean")]
    assert norms == [norm for layer in layers for norm in layer.averaging_norms()]


def test_a_norm_that_stands_first_and_a_front_end_that_learns_go_with_the_first_layer():
    classifier = of_sounds(name="cnn6", front_end=LEAFConfig(n_filters=64))
    first, second, *_ = layers_of(classifier)
    assert first.name == "body.block1_conv1"
    body = classifier.net.body
    assert first.modules == (classifier.front_end, body.row_norm, body.block1_conv1, body.block1_norm1)
    assert second.modules == (body.block2_conv1, body.block2_norm1)


def test_auxiliary_heads_are_no_layers_and_get_new_logits(tmp_path):
    size = PictureConfig(rows=64, columns=64)
    start = of_pictures(("a", "b", "c"), name="googlenet_bn_aux", picture=size)
    classifier = of_pictures(("a", "d"), name="googlenet_bn_aux", picture=size, seed=1)
    assert not any("auxiliary" in layer.name for layer in layers_of(classifier))
    fresh = classifier.net.body.auxiliary4a.layers.logits.weight.clone()
    start_from(classifier, saved(start, tmp_path))
    ours, theirs = (one.net.body.auxiliary4a.layers for one in (classifier, start))
    assert torch.equal(ours.dense.weight, theirs.dense.weight)
    assert torch.equal(ours.logits.weight, fresh) and fresh.shape[0] == 2


def test_new_labels_get_new_logits_and_all_else_is_taken(tmp_path):
    start, classifier = of_pictures(("a", "b", "c")), of_pictures(("a", "d"), seed=1)
    fresh = classifier.net.logits.weight.clone()
    start_from(classifier, saved(start, tmp_path))
    assert classifier.net.logits.weight.shape == (2, 32, 1, 1)
    assert torch.equal(classifier.net.logits.weight, fresh)
    given = start.state_dict()
    for name, tensor in classifier.state_dict().items():
        if "logits" not in name:
            assert torch.equal(tensor, given[name]), name
    pictures = torch.rand(2, 1, 16, 16)
    bodies = [one.eval().net.body(one.normalize(pictures)) for one in (start, classifier)]
    assert torch.equal(*bodies)


def test_the_same_labels_keep_their_logits_in_whatever_order(tmp_path):
    start, classifier = of_pictures(("a", "b", "c")), of_pictures(("c", "a", "b"), seed=1)
    start_from(classifier, saved(start, tmp_path))
    scores = [one.eval().predict(torch.ones(1, 16, 16)).scores for one in (start, classifier)]
    assert scores[0] == pytest.approx(scores[1], rel=1e-6)
    assert torch.equal(classifier.net.logits.bias, start.net.logits.bias[[2, 0, 1]])


def test_a_picture_may_be_larger_where_no_weights_hang_on_it(tmp_path):
    classifier = of_pictures(picture=replace(GREY, rows=24, columns=20), seed=1)
    start_from(classifier, saved(of_pictures(), tmp_path))
    assert torch.equal(classifier.net.logits.weight, of_pictures().net.logits.weight)


def test_a_net_in_windows_takes_the_weights_of_one_without(tmp_path):
    labels = ("high", "low")
    start = of_sounds(labels, name="tdnn_f_small", padding="valid")
    classifier = of_sounds(labels, name="tdnn_f_small", padding="same", seed=1)
    start_from(classifier, saved(start, tmp_path))
    assert torch.equal(classifier.bare_net.logits.weight, start.net.logits.weight)
    assert torch.equal(classifier.normalize.mean, start.normalize.mean)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "rmsprop"])
@pytest.mark.parametrize(("freeze", "held"), [("stem", 1), (4, 4), ("body", 10)])
def test_what_is_frozen_stays_to_the_bit_whatever_the_optimizer(idx, tmp_path, optimizer, freeze, held):
    start = of_pictures()
    config = run_on(
        idx,
        tmp_path,
        saved(start, tmp_path),
        optimizer=optimizer,
        freeze=freeze,
        learning_rate=0.003,
        epochs=1,
    )
    task = ImageTask(config, tiny(BARS))
    updates = make_optimizer(task.parameter_groups(), config)
    for epoch in range(2):
        task.frozen.begin_epoch(epoch)
        for inputs, targets in task.training:
            updates.zero_grad()
            task.loss((inputs, targets), torch.Generator().manual_seed(0)).backward()
            updates.step()
    after = moved(start, task.classifier)
    assert after == [*(name for name in LAYERS[held:]), "logits"]
    stem_norm = task.classifier.net.body.norm
    assert torch.equal(stem_norm.running_var, start.net.body.norm.running_var)
    assert stem_norm.num_batches_tracked == start.net.body.norm.num_batches_tracked


def tiny(labels):
    pictures = torch.randint(0, 256, (20, 1, 16, 16), dtype=torch.uint8)
    corpus = PictureCorpus(pictures=pictures, targets=torch.arange(20) % 2, labels=labels)
    return PictureSets(corpus, corpus, None)


def test_layers_thaw_from_the_last_to_the_first(idx, tmp_path):
    start = saved(of_pictures(), tmp_path)
    epochs = [image_classifier.load(start)]
    with pytest.MonkeyPatch.context() as patch:
        keep = ImageClassifier.save

        def save(classifier, path):
            keep(classifier, path)
            if path.name == LAST:
                epochs.append(image_classifier.load(path))

        patch.setattr(ImageClassifier, "save", save)
        fit(run_on(idx, tmp_path / "run", start, freeze=2, thaw_epochs=2, epochs=5))
    always = LAYERS[2:] + ["logits"]
    changes = [moved(one, other) for one, other in zip(epochs, epochs[1:], strict=False)]
    held, thawed = always, [LAYERS[1], *always]
    # the last epoch trains all: the norm of the stem with it
    assert changes == [held, held, thawed, thawed, ["body.conv", "body.norm", *thawed]]


def test_dropout_goes_on_and_batch_norm_rests():
    classifier = of_sounds(name="ds_cnn_mlperf", padding="same")
    frozen = FrozenLayers(classifier.eval(), "body", thaw_epochs=1)
    frozen.begin_epoch(0)
    body = classifier.bare_net.body
    assert not body.norm.training and not body.block4.depthwise_norm.training
    assert body.dropout.training and body.last_dropout.training
    frozen.begin_epoch(1)
    assert not body.block3.depthwise_norm.training and body.block4.depthwise_norm.training
    frozen.begin_epoch(100)
    assert body.norm.training


def test_layers_that_are_held_by_a_constraint_are_not_moved_by_it_while_frozen():
    net = Sequential(FactorizedTDNN(8, 8, bottleneck=4))
    before = [parameter.clone() for parameter in net.parameters()]
    net.requires_grad_(False)
    constrain(net)
    assert all(map(torch.equal, net.parameters(), before))
    net.requires_grad_(True)
    constrain(net)
    assert not all(map(torch.equal, net.parameters(), before))


def test_what_never_learned_by_gradients_does_not_thaw():
    classifier = of_pictures()
    classifier.net.body.stage3_block3.requires_grad_(False)
    frozen = FrozenLayers(classifier, "body", thaw_epochs=1)
    frozen.begin_epoch(2)
    learning = {name.split(".")[1] for name, one in classifier.net.named_parameters() if one.requires_grad}
    assert learning == {"stage3_block2", "weight", "bias"}  # and the logits


def test_a_run_that_is_gone_on_with_ends_at_the_same_bits_thawing_included(idx, tmp_path):
    start = saved(of_pictures(("a", "b")), tmp_path)
    settings = {"freeze": "body", "thaw_epochs": 1, "epochs": 4, "mixup_alpha": 0.2}
    whole = fit(run_on(idx, tmp_path / "whole", start, **settings))
    stopped = run_on(idx, tmp_path / "stopped", start, **settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("audiocnn.train._is_over", lambda history, config: len(history) >= 2)
        fit(stopped)
    resumed = fit(stopped, resume=True)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], tensor), name
    texts = [(tmp_path / run / "metrics.csv").read_text() for run in ("whole", "stopped")]
    assert texts[0] == texts[1]
    # what the two epochs after the stop thawed: the third one layer more than the second
    last = image_classifier.load(tmp_path / "stopped" / LAST)
    fresh = of_pictures(("a", "b"))
    held = [
        name
        for name in LAYERS
        if torch.equal(
            torch.cat([one.flatten() for one in last.net.get_submodule(name).parameters()]),
            torch.cat([one.flatten() for one in fresh.net.get_submodule(name).parameters()]),
        )
    ]
    assert held == LAYERS[:-3]
    with pytest.raises(ParameterError) as error:
        fit(replace(stopped, freeze="stem"), resume=True)
    assert str(error.value) == (
        f"out={stopped.out} was begun with freeze='body', not 'stem'; resume it so, or train in another "
        "folder"
    )


def test_recordings_are_learned_on_from_the_weights_of_other_words(tones, tmp_path):
    start = of_sounds(("yes", "no", "maybe"))
    config = TrainConfig(
        data=tones,
        out=tmp_path / "run",
        start_from=saved(start, tmp_path),
        freeze="body",
        **TRAINED_WITH | {"epochs": 2},
    )
    classifier = fit(config)
    assert classifier.labels == ("high", "low")
    given = start.state_dict()
    for name, tensor in classifier.state_dict().items():
        if not name.startswith("net.logits."):
            assert torch.equal(tensor, given[name]), name
    assert classifier.net.logits.weight.shape[0] == 2
    # a third run starts where that one ended, logits and all
    again = replace(config, out=tmp_path / "again", start_from=config.out / "model.safetensors", epochs=1)
    after = fit(replace(again, freeze="stem", learning_rate=1e-9, weight_decay=0.0))
    torch.testing.assert_close(after.net.logits.weight, classifier.net.logits.weight, atol=1e-6, rtol=0)


def test_a_front_end_that_learns_is_held_and_thaws_with_the_first_layer(tmp_path):
    classifier = of_sounds(front_end=LEAFConfig())
    frozen = FrozenLayers(classifier, 1, thaw_epochs=3)
    filters = list(classifier.front_end.parameters())
    frozen.begin_epoch(2)
    assert filters and not any(one.requires_grad for one in filters)
    frozen.begin_epoch(3)
    assert all(one.requires_grad for one in filters)


def refusal(classifier, other, folder):
    path = saved(other, folder)
    before = {name: tensor.clone() for name, tensor in classifier.state_dict().items()}
    with pytest.raises(ParameterError) as error:
        start_from(classifier, path)
    assert all(torch.equal(tensor, before[name]) for name, tensor in classifier.state_dict().items())
    return str(error.value).replace(str(path), "FILE")


def test_sounds_are_no_start_for_pictures_and_the_other_way_round(tmp_path):
    assert refusal(of_pictures(), of_sounds(), tmp_path) == (
        "start_from=FILE is a classifier of sounds, and this run learns pictures; give the file of "
        "one that does"
    )
    assert refusal(of_sounds(), of_pictures(), tmp_path) == (
        "start_from=FILE is a classifier of pictures, and this run learns sounds; give the file of "
        "one that does"
    )


def test_another_net_is_refused(tmp_path):
    assert refusal(of_pictures(), of_pictures(name="resnet20"), tmp_path) == (
        "start_from=FILE holds the net resnet20, and this run trains resnet20_narrow; train the same net, or "
        "give another file"
    )


def test_another_front_end_is_refused(tmp_path):
    other = of_sounds(front_end=LogMelConfig(f_min=50.0))
    assert refusal(of_sounds(), other, tmp_path) == (
        "start_from=FILE was trained with front_end.f_min=50.0, not 0.0; give this run that front-end"
    )
    assert refusal(of_sounds(), of_sounds(front_end=MFCCConfig()), tmp_path) == (
        "start_from=FILE was trained with front_end.kind='mfcc', not 'logmel'; give this run that front-end"
    )


def test_other_shapes_are_refused(tmp_path):
    colour = replace(GREY, channels=3)
    assert refusal(of_pictures(), of_pictures(picture=colour), tmp_path) == (
        "start_from=FILE: normalize.mean is (3,) there, not (1,); it was trained on 3 x 16 x 16, channels, "
        "rows and columns: give this run such input"
    )
    small, large = (
        of_pictures(name="lenet5", picture=replace(GREY, rows=side, columns=side)) for side in (28, 32)
    )
    assert refusal(large, small, tmp_path) == (
        "start_from=FILE: net.pool.weight is (120, 16, 4, 4) there, not (120, 16, 5, 5); it was trained on "
        "1 x 28 x 28, channels, rows and columns: give this run such input"
    )


def test_a_padding_of_other_layers_is_refused(tmp_path):
    valid, same = (of_sounds(name="mdtc_small", padding=padding) for padding in ("valid", "same"))
    assert refusal(valid, same, tmp_path) == (
        "start_from=FILE has padding='same', with which mdtc_small has other layers; give this run that "
        "padding"
    )


def test_a_run_is_refused_before_its_folder_is_made(idx, tmp_path):
    start = saved(of_pictures(), tmp_path)
    with pytest.raises(ParameterError) as error:
        fit(run_on(idx, tmp_path / "run", start, freeze=11))
    assert str(error.value) == (
        "freeze=11 must be 'stem', 'body' or from 1 to 10, the layers that resnet20_narrow has before its "
        f"logits: {', '.join(LAYERS)}"
    )
    assert not (tmp_path / "run").exists()


def test_something_must_learn():
    size = replace(GREY, rows=32, columns=32)
    with pytest.raises(ParameterError) as error:
        FrozenLayers(of_pictures(name="lenet5_1998", picture=size), "body")  # its logits are fixed codes
    assert str(error.value) == (
        "freeze='body' leaves nothing of lenet5_1998 that learns; freeze fewer layers"
    )
    assert len(FrozenLayers(of_pictures(name="lenet5_1998", picture=size), 5).layers) == 5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"freeze": "stem"},
            "freeze='stem' would hold weights that have learned nothing; give start_from too",
        ),
        (
            {"start_from": "a", "thaw_epochs": 2},
            "thaw_epochs=2 thaws nothing where nothing is frozen; give freeze too",
        ),
        (
            {"start_from": "a", "freeze": "stem", "thaw_epochs": 0},
            "thaw_epochs=0 must be an integer of at least 1",
        ),
        ({"start_from": "a", "freeze": "head"}, "freeze='head' must be 'stem', 'body' or an integer"),
        ({"start_from": "a", "freeze": True}, "freeze=True must be 'stem', 'body' or an integer"),
    ],
)
def test_settings_that_cannot_work(tmp_path, settings, message):
    for config in (TrainConfig, ImageTrainConfig):
        with pytest.raises(ParameterError) as error:
            config(data=tmp_path, out=tmp_path, **settings)
        assert str(error.value) == message


@pytest.mark.parametrize(("word", "value"), [("stem", "stem"), ("body", "body"), ("3", 3), ("null", None)])
def test_the_command_line_takes_words_and_numbers(word, value):
    assert train_parser().parse_args(["words", "--freeze", word]).freeze == value


def test_a_loop_of_ones_own_is_told_as_well():
    classifier = audiocnn.load("demo")
    with pytest.raises(ParameterError, match=r"^thaw_epochs=0 must be an integer of at least 1$"):
        FrozenLayers(classifier, "stem", thaw_epochs=0)
    with pytest.raises(ParameterError, match=r"^freeze=0 must be 'stem', 'body' or from 1 to 15, the layers"):
        FrozenLayers(classifier, 0)
