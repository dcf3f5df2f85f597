"""Weights by formula: a state dict that is the same on every machine, for references run elsewhere."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def weights_by_formula(shapes: Mapping[str, Sequence[int]]) -> dict[str, Tensor]:
    """Numbers for tensors of these names and shapes: none repeats, none explodes, variances are positive.

    What is named `features` is an input, of variance 1.
    """
    tensors = {}
    for i, (name, shape) in enumerate(shapes.items()):
        steps = torch.arange(math.prod(shape), dtype=torch.float64).reshape(tuple(shape))
        even = (43758.5453 * torch.sin(12.9898 * steps + 78.233 * (i + 1))) % 1  # as good as random, 0 to 1
        if len(shape) > 1:
            inputs = 1 if name == "features" else math.prod(shape[1:])
            values = (2 * even - 1) * math.sqrt(3 / inputs)  # a sum of so many has the variance of each
        elif name.endswith(("running_var", "weight")):
            values = 0.5 + even
        else:
            values = even - 0.5
        tensors[name] = values.float()
    return tensors
