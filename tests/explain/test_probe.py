"""The linear probe: fitted on one part, chosen on the next, judged on the last."""

import pytest
import torch

from audiocnn.errors import ParameterError
from audiocnn.explain import linear_probe


def blobs(count, *, noise=1.0, seed=0):
    """Points around three centres, and which one."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    centres = torch.tensor([[3.0, 0.0, 0.0, 0.0], [0.0, 3.0, 0.0, 0.0], [0.0, 0.0, 3.0, 0.0]])
    return centres[labels] + noise * torch.randn(count, 4, generator=generator), labels


def parts(**options):
    made = [blobs(count, seed=seed, **options) for seed, count in enumerate((90, 60, 60))]
    return [x for x, _ in made], [y for _, y in made]


def test_it_tells_apart_what_lies_apart():
    assert linear_probe(*parts(noise=0.1)) == (1.0, 1.0)


def test_offsets_scale_and_shape_do_not_matter():
    x, y = parts(noise=2.0)
    validation, test = linear_probe(x, y)
    assert 0.5 < validation < 1.0 and 0.5 < test < 1.0
    moved = [(1000.0 * part + torch.arange(4.0)).view(-1, 2, 1, 2) for part in x]
    assert linear_probe(moved, y) == (validation, test)


def test_the_penalty_is_chosen_on_the_validation_part():
    x, y = parts(noise=3.0)
    each = [linear_probe(x, y, penalties=[penalty]) for penalty in (1e5, 100.0, 1e-3)]
    assert len({validation for validation, _ in each}) > 1
    best = max(each, key=lambda accuracies: accuracies[0])
    assert linear_probe(x, y, penalties=[1e5, 100.0, 1e-3]) == best


def test_three_parts_are_needed():
    x, y = parts()
    with pytest.raises(ParameterError) as error:
        linear_probe(x[:2], y)
    assert str(error.value) == (
        "features and labels have 2 and 3 parts; give three of each: training, validation and test"
    )
