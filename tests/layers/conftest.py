"""The same random weights and inputs in every run, for each test by itself or among others."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)
