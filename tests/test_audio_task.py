"""What learns of a classifier of sounds, and how fast."""

from pathlib import Path

import pytest
import torch

from audiocnn.audio_task import fresh_classifier, parameter_groups
from audiocnn.config import TrainConfig
from audiocnn.schedule import make_optimizer


@pytest.mark.parametrize("name", ["adamw", "sgd", "rmsprop"])
def test_a_front_end_has_a_rate_of_its_own_and_no_decay(name):
    config = TrainConfig(
        data=Path("a"),
        out=Path("b"),
        model="tc_resnet_8",
        front_end="learnable_mel",
        optimizer=name,
        learning_rate=0.1,
        front_end_rate=0.2,
        weight_decay=0.5,
    )
    classifier = fresh_classifier(config, ("no", "yes"))
    optimizer = make_optimizer(parameter_groups(classifier, config), config)
    weights, filters = (list(part.parameters()) for part in (classifier.net, classifier.front_end))
    before = [[parameter.detach().clone() for parameter in part] for part in (weights, filters)]
    for parameter in (*weights, *filters):
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    assert all(torch.equal(then, now) for then, now in zip(before[1], filters, strict=True))
    assert not any(torch.equal(then, now) for then, now in zip(before[0], weights, strict=True) if then.any())
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, pytest.approx(0.02)]


def test_a_front_end_that_does_not_learn_is_no_group():
    config = TrainConfig(data=Path("a"), out=Path("b"))
    classifier = fresh_classifier(config, ("no", "yes"))
    (group,) = parameter_groups(classifier, config)
    assert set(map(id, group["params"])) == set(map(id, classifier.parameters()))
