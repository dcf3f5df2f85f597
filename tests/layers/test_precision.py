"""The numbers that layers compute in."""

import pytest
import torch

from audiocnn.layers.precision import at_least_single, wide


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_few_bits_become_float32(given, expected):
    assert at_least_single(torch.zeros(1, dtype=given)).dtype == expected


def test_sums_are_float64_where_the_device_has_it():
    assert wide(torch.zeros(1, dtype=torch.float16)) == torch.float64
