"""Activations: a curve that each number goes through by itself, in 1-D and in 2-D."""

from torch import nn

from audiocnn.layers.scan import Scan

__all__ = ["ReLU", "ReLU6", "SiLU", "Sigmoid", "Tanh"]


class ReLU(Scan, nn.ReLU):
    """`max(x, 0)`: Nair & Hinton 2010, "Rectified Linear Units Improve Restricted Boltzmann Machines"."""


class ReLU6(Scan, nn.ReLU6):
    """`min(max(x, 0), 6)`, which keeps few-bit arithmetic in range: MobileNet, arXiv 1704.04861."""


class SiLU(Scan, nn.SiLU):
    """`x * sigmoid(x)`, also called swish: Ramachandran et al. 2017, arXiv 1710.05941."""


class Sigmoid(Scan, nn.Sigmoid):
    """`1 / (1 + exp(-x))`, from 0 to 1: what a gate multiplies by."""


class Tanh(Scan, nn.Tanh):
    """`(exp(x) - exp(-x)) / (exp(x) + exp(-x))`, from -1 to 1: the curve of the nets before ReLU."""
