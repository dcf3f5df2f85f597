"""How the learning rate goes: a warm-up, then a decay. Torch alone; any training loop can use it."""

from collections.abc import Iterable
from typing import Any

from torch import nn
from torch.optim import SGD, AdamW, Optimizer, RMSprop
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    ReduceLROnPlateau,
    StepLR,
)

from audiocnn.config import RunConfig

__all__ = ["LearningRate", "make_optimizer"]

# the rate that a warm-up begins at, in parts of its peak
_START = 0.01


def make_optimizer(
    parameters: Iterable[nn.Parameter] | Iterable[dict[str, Any]], config: RunConfig
) -> Optimizer:
    """The optimizer that a config names.

    AdamW: Loshchilov & Hutter 2019, arXiv 1711.05101. SGD is with Nesterov's momentum, or with the classical
    one, where the weights move along what is left of earlier gradients and the present one. RMSprop: Tieleman
    & Hinton 2012, lecture 6.5 of "Neural Networks for Machine Learning"; there 0.9 of the mean squared
    gradient is kept, torch's usual is 0.99. What decays does so in all parameters, norms and biases included.

    Args:
        parameters: what learns; or groups of it, as torch's optimizers take them, with numbers of their own.
        config: names the optimizer and its numbers.
    """
    rate, decay = config.learning_rate, config.weight_decay
    if decay is None:
        decay = 0.1 if config.optimizer == "adamw" else 5e-4
    if config.optimizer == "adamw":
        return AdamW(parameters, lr=rate, weight_decay=decay)
    if config.optimizer == "sgd":
        nesterov = config.nesterov and config.momentum > 0
        return SGD(parameters, lr=rate, weight_decay=decay, momentum=config.momentum, nesterov=nesterov)
    return RMSprop(
        parameters, lr=rate, alpha=config.squares_decay, weight_decay=decay, momentum=config.momentum
    )


class LearningRate:
    r"""The learning rate of a run, step by step.

        rate   /\__          cosine: half a cosine from the peak to 0
              /    \__      step: times `decay_factor` every `decay_epochs`, or at `milestones`
             /        \_    plateau: times `decay_factor` after `decay_epochs` without a gain
             warm-up  decay

    Warm-up and decay are factors of the peak, and both run from the first step. The cosine is
    that of Loshchilov & Hutter 2017, arXiv 1608.03983, without restarts.

    Args:
        optimizer: whose rate is set; it stands at the peak.
        config: names the decay, and says how long the warm-up takes.
        steps_per_epoch: steps in an epoch.

    >>> from pathlib import Path
    >>> import torch
    >>> config = RunConfig(data=Path("words"), out=Path("run"), epochs=2, warmup=0.5, learning_rate=1.0)
    >>> optimizer = make_optimizer([nn.Parameter(torch.zeros(1))], config)
    >>> rate = LearningRate(optimizer, config, steps_per_epoch=4)
    >>> for _ in range(8):
    ...     optimizer.step()
    ...     rate.step()
    ...     print(f"{rate.value:.2f}", end=" ")
    0.25 0.43 0.52 0.50 0.31 0.15 0.04 0.00
    """

    def __init__(self, optimizer: Optimizer, config: RunConfig, *, steps_per_epoch: int) -> None:
        self.optimizer = optimizer
        steps = config.epochs * steps_per_epoch
        warmup = round(config.warmup * steps)
        decay_steps = config.decay_epochs * steps_per_epoch
        self._every_step: list[LRScheduler] = []
        self._plateau: ReduceLROnPlateau | None = None
        if config.schedule == "cosine":
            self._every_step.append(CosineAnnealingLR(optimizer, T_max=steps))
        elif config.milestones:
            falls = [round(part * steps) for part in config.milestones]
            self._every_step.append(MultiStepLR(optimizer, milestones=falls, gamma=config.decay_factor))
        elif config.schedule == "step":
            self._every_step.append(StepLR(optimizer, step_size=decay_steps, gamma=config.decay_factor))
        else:
            # torch reduces once there were more than `patience` epochs without a gain
            self._plateau = ReduceLROnPlateau(
                optimizer,
                mode="max",
                factor=config.decay_factor,
                patience=config.decay_epochs - 1,
                threshold=0.0,
            )
        if warmup:
            self._every_step.append(LinearLR(optimizer, start_factor=_START, total_iters=warmup))

    @property
    def value(self) -> float:
        """The rate of the next step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def step(self) -> None:
        """After each step of the optimizer."""
        for schedule in self._every_step:
            schedule.step()

    def end_epoch(self, validation_accuracy: float) -> None:
        """After each epoch."""
        if self._plateau is not None:
            self._plateau.step(validation_accuracy)

    def state_dict(self) -> list[dict[str, Any]]:
        """Where it stands, as plain values."""
        return [schedule.state_dict() for schedule in self._schedules()]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        """Go on from where `state_dict` was taken; the optimizer's own state holds the rate itself."""
        for schedule, state in zip(self._schedules(), states, strict=True):
            schedule.load_state_dict(state)

    def _schedules(self) -> list[LRScheduler]:
        return self._every_step + ([self._plateau] if self._plateau else [])
