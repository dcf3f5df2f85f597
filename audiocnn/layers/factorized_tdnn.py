"""The factorised time-delay layer, and the constraint that keeps its first factor in shape."""

from torch import nn

from audiocnn.errors import ParameterError
from audiocnn.layers.activation import ReLU
from audiocnn.layers.conv import Conv1d, require_positive
from audiocnn.layers.neocognitron import SLayer
from audiocnn.layers.norm import BatchNorm1d
from audiocnn.layers.parallel import Residual
from audiocnn.layers.regularization import Dropout1d, require_scale, semi_orthogonal_step
from audiocnn.layers.scan import Scan
from audiocnn.layers.sequential import Sequential
from audiocnn.layers.shortcut import ScaledIdentity

__all__ = ["FactorizedTDNN", "SemiOrthogonalConv1d", "constrain"]


class SemiOrthogonalConv1d(Conv1d):
    """A convolution without bias whose weight `constrain` moves towards a semi-orthogonal one.

    `(batch, in_channels, time)` -> `(batch, out_channels, time')`. The weight is read as a matrix
    `(out_channels, in_channels * kernel_size)`; see `semi_orthogonal_step`. Kaldi's `LinearComponent`
    with `orthonormal-constraint`: Povey et al. 2018.

    Args:
        in_channels: channels read.
        out_channels: channels of the result.
        kernel_size: frames read.
        dilation: frames from one to the next.
        scale: length of the matrix's rows; None for a floating one.

    Raises:
        ParameterError: for a scale that is not positive, and as `Conv1d`.

    >>> SemiOrthogonalConv1d(256, 64, 2, dilation=3).geometry
    Geometry(span=4, stride=1)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        dilation: int = 1,
        scale: float | None = None,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, dilation=dilation, bias=False)
        require_scale(scale)
        self.scale = scale

    def constrain_(self) -> None:
        """Take one step towards the constraint."""
        semi_orthogonal_step(self.weight, scale=self.scale)


def constrain(module: nn.Module) -> None:
    """Take one step towards the constraints of all layers in `module` that have one.

    For training loops, after the optimiser's step. These are semi-orthogonal factors, for which every
    fourth step will do (Povey et al. 2018), and `SLayer`, whose weights may at no time be negative.
    Layers whose weights take no gradient are left as they are.

    >>> import torch
    >>> net = Sequential(FactorizedTDNN(8, 8, bottleneck=4), FactorizedTDNN(8, 8, bottleneck=4))
    >>> for _ in range(30):
    ...     constrain(net)
    >>> weight = net[0].residual.branches[0].linear.weight.flatten(1)
    >>> product = weight @ weight.T
    >>> bool((product - product[0, 0] * torch.eye(4)).abs().max() < 1e-6)  # rows at right angles
    True
    """
    for part in module.modules():
        if isinstance(part, (SemiOrthogonalConv1d, SLayer)):
            if all(parameter.requires_grad for parameter in part.parameters()):
                part.constrain_()


class FactorizedTDNN(Sequential):
    """A time-delay layer through a bottleneck.

    `(batch, in_channels, time)` -> `(batch, out_channels, time')`. Povey et al. 2018,
    "Semi-Orthogonal Low-Rank Matrix Factorization for Deep Neural Networks", Interspeech (TDNN-F). The
    weights of a TDNN are the product of two smaller factors, each of which reads two frames:

        x -+- linear (-offset, 0) - affine (0, offset) - ReLU - norm - dropout -+-
           +- times 0.66 -------------------------------------------------------+

        x           t-offset        t        t+offset
        linear         [------------] [------------]      at t and at t+offset: to the bottleneck
        affine                      [--------------]      at t: to the units

    `constrain`, called every few steps of training, keeps the linear factor semi-orthogonal; without
    it the two factors can grow and shrink against each other.

    Args:
        in_channels: channels of a frame.
        out_channels: units; as many as come in, unless `bypass` is 0.
        bottleneck: channels between the factors.
        offset: frames from t to those before and after; 0 reads frame t alone.
        bypass: what `x` is multiplied by before it is added; 0 for no such path.
        dropout: probability that a unit of an example is dropped, at all times alike. (Kaldi's `continuous
            dropout`, which multiplies by a random number about 1 instead, is left out.)
        scale: of the semi-orthogonal factor; None, the paper's choice, for a floating one.

    Raises:
        ParameterError: for a bypass between different numbers of channels, a negative offset, a
            bottleneck or scale that is not positive, and a dropout of 1 or more.

    >>> FactorizedTDNN(256, 256, bottleneck=64, offset=3).geometry
    Geometry(span=7, stride=1)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        bottleneck: int,
        offset: int = 1,
        bypass: float = 0.66,
        dropout: float = 0.0,
        scale: float | None = None,
    ) -> None:
        require_positive("bottleneck", bottleneck)
        if offset < 0:
            raise ParameterError(f"offset={offset} must be 0 or more frames")
        if bypass and in_channels != out_channels:
            raise ParameterError(
                f"bypass={bypass} adds in_channels={in_channels} to out_channels={out_channels}; make them "
                "equal, or the bypass 0"
            )
        taps, dilation = (2, offset) if offset else (1, 1)
        branch: dict[str, Scan] = {
            "linear": SemiOrthogonalConv1d(in_channels, bottleneck, taps, dilation=dilation, scale=scale),
            "affine": Conv1d(bottleneck, out_channels, taps, dilation=dilation),
            "relu": ReLU(),
            "norm": BatchNorm1d(out_channels),
        }
        if dropout:
            branch["dropout"] = Dropout1d(dropout)
        if bypass:
            super().__init__({"residual": Residual(Sequential(branch), ScaledIdentity(bypass))})
        else:
            super().__init__(branch)
