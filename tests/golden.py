"""What reference nets made of weights by formula: `tests/models/golden`, and the comparison with it."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from weights import weights_by_formula

__all__ = ["Reference", "assert_same", "read"]

FOLDER = Path(__file__).parent / "models" / "golden"


@dataclass(frozen=True)
class Reference:
    """A net that ran elsewhere: its weights, what it was given and what it gave."""

    state: dict[str, Tensor]
    features: Tensor
    output: Tensor


def read(source: str, name: str) -> Reference:
    """A net of `source`.json."""
    values = json.loads((FOLDER / f"{source}.json").read_text(encoding="utf-8"))[name]
    return Reference(
        state=weights_by_formula(values["shapes"]),
        features=weights_by_formula({"features": values["input"]})["features"],
        output=torch.tensor(values["output"]),
    )


def assert_same(ours: Tensor, expected: Tensor) -> None:
    """To 1e-5 of the largest number."""
    assert ours.shape == expected.shape
    error, scale = (ours - expected).abs().max().item(), expected.abs().max().item()
    assert error <= 1e-5 * scale, f"off by {error / scale:.2g} of the largest output"
