"""Activations: a curve that each number goes through by itself, in 1-D and in 2-D, the shape kept.

>>> import torch
>>> ReLU6()(torch.tensor([-1.0, 2.0, 7.0]))
tensor([0., 2., 6.])
"""

import torch
from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.layers.scan import Scan

__all__ = ["LeakyReLU", "ReLU", "ReLU6", "ScaledTanh", "SiLU", "Sigmoid", "Tanh"]


class ReLU(Scan, nn.ReLU):
    """`max(x, 0)`: Nair & Hinton 2010, "Rectified Linear Units Improve Restricted Boltzmann Machines"."""


class LeakyReLU(Scan, nn.LeakyReLU):
    """`x` where it is positive, `slope * x` elsewhere, so that no unit is ever without a gradient.

    Maas, Hannun & Ng 2013, "Rectifier Nonlinearities Improve Neural Network Acoustic Models".

    Args:
        slope: of the negative side, from 0 (a plain ReLU) to below 1.

    Raises:
        ParameterError: for another.

    >>> import torch
    >>> LeakyReLU(0.1)(torch.tensor([-1.0, 2.0]))
    tensor([-0.1000,  2.0000])
    """

    def __init__(self, slope: float = 0.01) -> None:
        if not 0 <= slope < 1:
            raise ParameterError(f"slope={slope} must be at least 0 and below 1; 0.01 is the default")
        nn.LeakyReLU.__init__(self, slope)


def rectifier(negative_slope: float) -> Scan:
    """A leaky ReLU, or without a slope the plain one, which is faster."""
    return LeakyReLU(negative_slope) if negative_slope else ReLU()


class ReLU6(Scan, nn.ReLU6):
    """`min(max(x, 0), 6)`: Krizhevsky 2010, "Convolutional Deep Belief Networks on CIFAR-10".

    MobileNetV2 (arXiv 1801.04381) has it everywhere, because few-bit arithmetic can hold what it gives.
    """


class SiLU(Scan, nn.SiLU):
    """`x * sigmoid(x)`, also called swish: Ramachandran et al. 2017, arXiv 1710.05941."""


class Sigmoid(Scan, nn.Sigmoid):
    """`1 / (1 + exp(-x))`, from 0 to 1: what a gate multiplies by."""


class Tanh(Scan, nn.Tanh):
    """`(exp(x) - exp(-x)) / (exp(x) + exp(-x))`, from -1 to 1: the curve of the nets before ReLU."""


class ScaledTanh(Scan):
    """`1.7159 tanh(2 x / 3)`, which takes 1 to 1 and -1 to -1: LeNet-5's squashing function.

    LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition", Proceedings of the IEEE 86,
    appendix A. Around 0 its slope is near 1, and at 1 and -1 its curvature is largest: targets of 1 and -1
    keep it out of its flat ends.

    >>> ScaledTanh()(torch.tensor([-1.0, 0.0, 1.0, 9.0]))
    tensor([-1.0000,  0.0000,  1.0000,  1.7159])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Squash; the shape is kept."""
        return 1.7159 * torch.tanh(2 / 3 * x)
