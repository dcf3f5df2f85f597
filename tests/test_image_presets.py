"""Presets say what the papers do, and are what a run takes."""

import json
from dataclasses import replace

import pytest
import torch
from bars import write_cifar
from test_cli import call
from torch import nn

from audiocnn.augment.image import ImageAugmentation
from audiocnn.errors import ParameterError
from audiocnn.image_config import ImageTrainConfig
from audiocnn.image_presets import IMAGE_PRESETS
from audiocnn.models import create
from audiocnn.run_folder import check_same_run
from audiocnn.schedule import LearningRate, make_optimizer

# of the papers: optimizer, its numbers, rate, weight decay and pictures in a batch
PUBLISHED = {
    "alexnet": ("SGD", {"momentum": 0.9, "nesterov": False}, 0.01, 5e-4, 128),
    "resnet_cifar": ("SGD", {"momentum": 0.9, "nesterov": False}, 0.1, 1e-4, 128),
    "resnet110_cifar": ("SGD", {"momentum": 0.9, "nesterov": False}, 0.1, 1e-4, 128),
    "resnet_imagenet": ("SGD", {"momentum": 0.9, "nesterov": False}, 0.1, 1e-4, 256),
    "rmsprop": ("RMSprop", {"momentum": 0.0, "alpha": 0.9}, 0.001, 0.0, 100),
}


def preset(name, tmp_path, **changes):
    return IMAGE_PRESETS[name](data=tmp_path, out=tmp_path / "run", **changes)


@pytest.mark.parametrize("name", IMAGE_PRESETS)
def test_the_optimizer_is_that_of_the_paper(tmp_path, name):
    kind, numbers, rate, decay, batch_size = PUBLISHED[name]
    config = preset(name, tmp_path)
    optimizer = make_optimizer([nn.Parameter(torch.ones(1))], config)
    assert type(optimizer).__name__ == kind
    assert optimizer.defaults.items() >= {**numbers, "lr": rate, "weight_decay": decay}.items()
    assert (config.batch_size, config.label_smoothing, config.mixup_alpha) == (batch_size, 0.0, 0.0)
    assert config.decay_factor == 0.1


def test_the_rate_for_cifar_falls_after_a_half_and_three_quarters_of_64_thousand_steps(tmp_path):
    config, deep = preset("resnet_cifar", tmp_path), preset("resnet110_cifar", tmp_path)
    steps = config.epochs * (45_000 // config.batch_size)
    assert steps == deep.epochs * (45_000 // deep.batch_size) == pytest.approx(64_000, rel=0.002)
    assert round(deep.warmup * steps) == pytest.approx(400, abs=1)
    optimizer = make_optimizer([nn.Parameter(torch.ones(1))], config)
    rate, rates = LearningRate(optimizer, config, steps_per_epoch=2), []
    for _ in range(364):
        rates.append(rate.value)
        optimizer.step()
        rate.step()
    assert rates == pytest.approx([0.1] * 182 + [0.01] * 91 + [0.001] * 91)


@pytest.mark.parametrize("name", IMAGE_PRESETS)
def test_the_net_takes_the_pictures(tmp_path, name):
    config = preset(name, tmp_path)
    crop = config.augmentation
    size = config.picture.rows, config.picture.columns
    assert (crop.crop_rows, crop.crop_columns) in (size, (0, 0))
    with torch.device("meta"):
        net = create(config.model, num_classes=10)
    assert (net.rows, net.window) == size
    if name == "alexnet":
        assert [layer.p for layer in net.modules() if isinstance(layer, nn.Dropout)] == [0.5, 0.5]


def test_what_is_given_wins(tmp_path):
    config = preset("resnet_cifar", tmp_path, epochs=3)
    assert config == replace(preset("resnet_cifar", tmp_path), epochs=3)


def test_the_command_line_takes_a_preset_and_what_is_given_wins(tmp_path, capsys):
    data, run = write_cifar(tmp_path / "cifar.tar.gz"), tmp_path / "run"
    given = ["--model", "resnet20_narrow", "--epochs=1", "--augmentation.flip_columns", "false"]
    # a value that is the default without a preset wins too, wherever it stands
    given += ["--schedule", "cosine", "--milestones", "[]"]
    status, _, err = call(
        capsys, "train-images", data, "--out", run, *given, "--preset", "resnet_cifar", "--device=cpu"
    )
    assert status == 0, err
    expected = IMAGE_PRESETS["resnet_cifar"](
        data=data,
        out=run,
        model="resnet20_narrow",
        epochs=1,
        schedule="cosine",
        milestones=(),
        device="cpu",
        augmentation=ImageAugmentation(crop_rows=32, crop_columns=32, crop_padding=4),
    )
    assert (run / "config.json").read_text() == expected.as_json()
    again = ["--config", run / "config.json", "--preset=alexnet", "--resume"]
    assert call(capsys, "train-images", *again)[0] == 0  # the values of a file win over a preset


def test_a_preset_that_is_none(tmp_path, capsys):
    status, out, err = call(capsys, "train-images", tmp_path, "--out", tmp_path / "run", "--preset", "vgg")
    assert (status, out) == (2, "")
    assert err.endswith(
        "error: argument --preset: invalid choice: 'vgg' (choose from 'alexnet', 'resnet_cifar', "
        "'resnet110_cifar', 'resnet_imagenet', 'rmsprop')\n"
    )


def test_a_config_of_before_is_read_as_it_was(tmp_path):
    config = ImageTrainConfig(data=tmp_path, out=tmp_path, optimizer="sgd")
    (tmp_path / "config.json").write_text(config.as_json())
    values = json.loads((tmp_path / "config.json").read_text())
    for name in ("nesterov", "squares_decay", "milestones"):
        del values[name]
    (tmp_path / "config.json").write_text(json.dumps(values))

    check_same_run(config)
    with pytest.raises(ParameterError) as error:
        check_same_run(replace(config, nesterov=False))
    assert str(error.value) == (
        f"out={tmp_path} was begun with nesterov=True, not False; resume it so, or train in another folder"
    )
