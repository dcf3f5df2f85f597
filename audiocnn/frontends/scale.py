"""What features are measured in: power or magnitude, as it is or as a logarithm that stays finite."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from torch import Tensor

from audiocnn.frontends.front_end import FrontEndConfig

__all__ = ["Scale", "ScaledConfig", "root"]

Scale: TypeAlias = Literal["linear", "log", "log10", "db"]


@dataclass(frozen=True, kw_only=True)
class ScaledConfig(FrontEndConfig):
    """What front-ends have whose features are a power or a magnitude.

    Attributes:
        power: 2 for the power of the spectrum, 1 for its magnitude.
        scale: `"linear"`; `"log"`, the natural logarithm, or `"log10"`; `"db"`, decibels of the power.
        floor: what keeps a logarithm finite, in float32 too.
        floor_rule: `"add"` adds the floor, `"clamp"` raises to it what is below.
    """

    power: Literal[1, 2] = 2
    scale: Scale = "linear"
    floor: float = 1e-6
    floor_rule: Literal["add", "clamp"] = "add"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_choice("power", (1, 2))
        self._require_choice("scale", ("linear", "log", "log10", "db"))
        self._require_choice("floor_rule", ("add", "clamp"))
        self._require_floor("floor")

    def scaled(self, values: Tensor) -> Tensor:
        """Powers or magnitudes on the scale; they are overwritten."""
        if self.scale == "linear":
            return values
        raised = values.add_(self.floor) if self.floor_rule == "add" else values.clamp_(min=self.floor)
        values = raised.log_() if self.scale == "log" else raised.log10_()
        return values.mul_(20 / self.power) if self.scale == "db" else values


def root(power: Tensor) -> Tensor:
    """The magnitude of a power. Silence has the slope 0 here, and not an infinite one, which would give NaN.

    >>> import torch
    >>> power = torch.tensor([0.0, 4.0], requires_grad=True)
    >>> torch.autograd.grad(root(power).sum(), power)[0]
    tensor([0.0000, 0.2500])
    """
    if not power.requires_grad:
        return power.sqrt()
    silent = power == 0.0
    return power.masked_fill(silent, 1.0).sqrt().masked_fill(silent, 0.0)
