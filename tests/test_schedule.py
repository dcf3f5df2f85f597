"""The learning rate's course against its formulas, and optimizers as the config names them."""

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from audiocnn.config import TrainConfig
from audiocnn.schedule import LearningRate, make_optimizer

STEPS_PER_EPOCH = 5


def started(**changes):
    values = {"epochs": 8, "learning_rate": 0.5, "warmup": 0.0, **changes}
    config = TrainConfig(data=Path("d"), out=Path("o"), **values)
    optimizer = make_optimizer([nn.Parameter(torch.ones(3))], config)
    return optimizer, LearningRate(optimizer, config, steps_per_epoch=STEPS_PER_EPOCH)


def course(optimizer, rate, accuracies, begin=0):
    """The rate of every step of some epochs."""
    values = []
    for accuracy in accuracies[begin:]:
        for _ in range(STEPS_PER_EPOCH):
            values.append(rate.value)
            optimizer.step()
            rate.step()
        rate.end_epoch(accuracy)
    return values


def test_the_cosine_falls_from_the_peak_to_nothing():
    values = course(*started(schedule="cosine"), [0.0] * 8)
    expected = [0.5 * (1 + math.cos(math.pi * step / 40)) / 2 for step in range(40)]
    torch.testing.assert_close(values, expected, rtol=1e-9, atol=1e-12)


def test_a_warm_up_multiplies_what_comes_after():
    plain = course(*started(schedule="cosine"), [0.0] * 8)
    warmed = course(*started(schedule="cosine", warmup=0.25), [0.0] * 8)
    factors = [w / p for w, p in zip(warmed, plain, strict=True)]
    expected = [0.01 + 0.99 * step / 10 for step in range(10)] + [1.0] * 30
    torch.testing.assert_close(factors, expected, rtol=1e-9, atol=1e-9)


def test_steps_fall_at_their_epochs():
    values = course(*started(schedule="step", decay_epochs=3, decay_factor=0.1), [0.0] * 8)
    expected = [0.5 * 0.1 ** (step // 15) for step in range(40)]
    torch.testing.assert_close(values, expected, rtol=1e-9, atol=1e-12)


def test_milestones_are_parts_of_the_run():
    values = course(*started(schedule="step", milestones=(0.5, 0.75), decay_factor=0.1), [0.0] * 8)
    torch.testing.assert_close(values, [0.5] * 20 + [0.05] * 10 + [0.005] * 10, rtol=1e-9, atol=1e-12)
    short = started(schedule="step", milestones=(0.5, 0.75), decay_factor=0.1, epochs=4)
    torch.testing.assert_close(course(*short, [0.0] * 4), values[::2], rtol=1e-9, atol=1e-12)


def test_a_plateau_falls_where_validation_gains_nothing():
    accuracies = [0.1, 0.2, 0.2, 0.15, 0.3, 0.3, 0.3, 0.3]
    values = course(*started(schedule="plateau", decay_epochs=2, decay_factor=0.5), accuracies)
    by_epoch = values[::STEPS_PER_EPOCH]
    assert by_epoch == [0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]


@pytest.mark.parametrize(
    "settings",
    [
        {"schedule": "cosine"},
        {"schedule": "step", "decay_epochs": 2},
        {"schedule": "step", "milestones": (0.3, 0.6)},
        {"schedule": "plateau", "decay_epochs": 2},
    ],
    ids=lambda settings: "-".join(map(str, settings.values())),
)
def test_what_is_resumed_goes_on_as_it_would_have(settings):
    accuracies = [0.1, 0.2, 0.2, 0.2, 0.2, 0.2, 0.3, 0.3]
    settings = {**settings, "warmup": 0.5}
    whole = course(*started(**settings), accuracies)
    optimizer, rate = started(**settings)
    course(optimizer, rate, accuracies[:3])
    after_optimizer, after = started(**settings)
    after_optimizer.load_state_dict(optimizer.state_dict())
    after.load_state_dict(rate.state_dict())
    assert course(after_optimizer, after, accuracies, begin=3) == whole[15:]


@pytest.mark.parametrize(
    ("name", "kind", "settings"),
    [
        ("adamw", torch.optim.AdamW, {}),
        ("sgd", torch.optim.SGD, {"momentum": 0.7, "nesterov": True}),
        ("rmsprop", torch.optim.RMSprop, {"momentum": 0.7, "alpha": 0.99}),
    ],
)
def test_optimizers_are_set_as_the_config_says(name, kind, settings):
    optimizer, _ = started(optimizer=name, weight_decay=0.03, momentum=0.7, schedule="step")
    assert type(optimizer) is kind
    assert optimizer.defaults.items() >= {"lr": 0.5, "weight_decay": 0.03, **settings}.items()


def test_decay_that_joins_the_gradient_is_less_by_default():
    assert started(optimizer="adamw")[0].defaults["weight_decay"] == 0.1
    for name in ("sgd", "rmsprop"):
        assert started(optimizer=name)[0].defaults["weight_decay"] == 5e-4


def test_classical_momentum_follows_its_formula():
    optimizer, rate = started(
        optimizer="sgd", nesterov=False, momentum=0.9, weight_decay=0.1, schedule="step", learning_rate=0.2
    )
    (parameter,) = optimizer.param_groups[0]["params"]
    weight, velocity = 1.0, 0.0
    for gradient in (1.0, -2.0, 0.5):
        parameter.grad = torch.full((3,), gradient)
        optimizer.step()
        rate.step()
        velocity = 0.9 * velocity + gradient + 0.1 * weight
        weight -= 0.2 * velocity
        assert parameter.tolist() == pytest.approx([weight] * 3)


def test_rmsprop_keeps_what_it_is_told_to():
    assert started(optimizer="rmsprop", squares_decay=0.9)[0].defaults["alpha"] == 0.9


def test_sgd_without_momentum_is_plain():
    optimizer, _ = started(optimizer="sgd", momentum=0.0)
    assert optimizer.defaults["nesterov"] is False
