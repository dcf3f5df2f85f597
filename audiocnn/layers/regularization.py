"""Regularisation: what keeps a net from learning its training data by heart.

Dropout silences by chance, in training alone; in evaluation each of these layers
gives what it gets. What is kept is scaled up by `1 / (1 - p)`, so that its mean is
the same in both. Chance is torch's global generator (`torch.manual_seed`).

    what is dropped as one     x: (batch, channel, rows, time)
    Dropout                    a number
    Dropout1d, Dropout2d       a channel of one example, at all times: "spatial" dropout
    DropPath                   an example: the residual branch is left out for it

`semi_orthogonal_step` is a constraint on weights instead, which a training loop
applies every few steps (see `audiocnn.layers.constrain`).
"""

import torch
from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.layers.scan import Scan

__all__ = ["DropPath", "Dropout", "Dropout1d", "Dropout2d", "semi_orthogonal_step"]


def require_probability(p: float) -> None:
    """Raise `ParameterError` unless `p` is a probability below 1."""
    if not 0.0 <= p < 1.0:
        raise ParameterError(f"p={p} must be a probability: 0 (nothing is dropped) or more, and below 1")


class Dropout(Scan, nn.Dropout):
    """In training, silences numbers at random.

    Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 15.

    `y = x * kept / (1 - p)`, `kept` being 0 with probability `p` and 1 otherwise.

    Args:
        p: probability that a number is dropped.

    Raises:
        ParameterError: for a `p` that is negative, or 1 or more.

    >>> Dropout(0.5).eval()(torch.ones(3))
    tensor([1., 1., 1.])
    """

    def __init__(self, p: float = 0.5) -> None:
        require_probability(p)
        nn.Dropout.__init__(self, p)


class Dropout1d(Scan, nn.Dropout1d):
    """In training, silences whole channels of `(batch, channel, time)`: as `Dropout2d`.

    Neighbouring frames are so alike that a net reads a dropped number from its neighbours;
    a channel dropped at all times it has to do without.

    Args:
        p: probability that a channel of one example is dropped.

    Raises:
        ParameterError: for a `p` that is negative, or 1 or more.

    >>> _ = torch.manual_seed(0)
    >>> y = Dropout1d(0.5)(torch.ones(1, 100, 4))
    >>> y.unique(), bool((y == y[..., :1]).all())
    (tensor([0., 2.]), True)
    """

    row_axis = None

    def __init__(self, p: float = 0.5) -> None:
        require_probability(p)
        nn.Dropout1d.__init__(self, p)


class Dropout2d(Scan, nn.Dropout2d):
    """In training, silences whole channels of `(batch, channel, rows, time)`: spatial dropout.

    Tompson et al. 2015, "Efficient Object Localization Using Convolutional Networks",
    arXiv 1411.4280. (`SpatialDropout2d` elsewhere; this is torch's name.)

    Args:
        p: probability that a channel of one example is dropped.

    Raises:
        ParameterError: for a `p` that is negative, or 1 or more.

    >>> _ = torch.manual_seed(0)
    >>> y = Dropout2d(0.5)(torch.ones(1, 100, 3, 4))
    >>> y.unique(), bool((y == y[..., :1, :1]).all())
    (tensor([0., 2.]), True)
    """

    def __init__(self, p: float = 0.5) -> None:
        require_probability(p)
        nn.Dropout2d.__init__(self, p)


class DropPath(Scan):
    """In training, leaves out a residual branch at random: stochastic depth.

    Huang et al. 2016, "Deep Networks with Stochastic Depth", arXiv 1603.09382. It stands at
    the end of the branch, which is multiplied by 0 or `1 / (1 - p)`:

        y = shortcut(x) + kept / (1 - p) * branch(x)

    Deviations: each example has a chance of its own, where the paper draws one for the batch, and
    what is kept is scaled in training, where the paper scales in evaluation. The paper drops more in later
    blocks: block `l` of `L` with probability `l / L` times that of the last, 0.5.

    Args:
        p: probability that the branch is left out for an example.

    Raises:
        ParameterError: for a `p` that is negative, or 1 or more.

    >>> from audiocnn.layers import Conv1d, Residual, Sequential
    >>> block = Residual(Sequential(Conv1d(8, 8, 3, padding="same"), DropPath(0.2)))
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        require_probability(p)
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Drop examples of `(batch, ...)`, keeping the shape."""
        if not self.training or self.p == 0.0:
            return x
        kept = 1.0 - self.p
        return x * x.new_empty(len(x), *[1] * (x.dim() - 1)).bernoulli_(kept).div_(kept)

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"


def require_scale(scale: float | None) -> None:
    """Raise `ParameterError` unless `scale` is positive or None."""
    if scale is not None and not scale > 0:
        raise ParameterError(f"scale={scale} must be positive, or None for a floating one")


@torch.no_grad()
def semi_orthogonal_step(weight: Tensor, *, scale: float | None = None) -> None:
    """Move a matrix, in place, one step towards `W W^T = scale^2 I`: rows of equal length at right angles.

    Povey et al. 2018, "Semi-Orthogonal Low-Rank Matrix Factorization for Deep Neural
    Networks", Interspeech. A layer `A` factorised into `B W`, with a bottleneck between, is held
    so that `W` neither collapses nor trades its size against that of `B`:

        P = W W^T
        W <- W - speed * (P / scale^2 - I) W

    A singular value `s` thereby becomes `s - speed * (s^2 / scale^2 - 1) * s`. The paper's speed is 1/2,
    which takes a small error `e` to the order of `e^2`; but a large `s` overshoots, and one beyond
    `sqrt(5) * scale` diverges. So the speed is here at most `scale^2` over the largest row sum of `|P|`,
    which no `s^2` exceeds, and any matrix of full rank converges. (Kaldi halves its speed once or
    twice by a rule of thumb.)

    With a floating scale, `scale^2 = trace(P P) / trace(P)`, the step is at right angles to `W`
    itself: how large it is, is left to the training.

    Args:
        weight: `(out, in)`, or a convolution's `(out, in, kernel)`, read as `(out, in * kernel)`. Where it
            has more rows than columns, it is the columns that come to stand at right angles.
        scale: length of the rows; None for a floating one.

    Raises:
        ParameterError: for a scale that is not positive, or a weight without two axes.

    >>> weight = torch.tensor([[2.0, 0.0, 0.0], [0.5, 1.0, 0.0]])
    >>> for _ in range(10):
    ...     semi_orthogonal_step(weight, scale=1.0)
    >>> (weight @ weight.T - torch.eye(2)).abs().max() < 1e-6
    tensor(True)
    """
    require_scale(scale)
    if weight.dim() < 2:
        raise ParameterError(f"weight has shape {tuple(weight.shape)}; a matrix has (out, in)")
    matrix = weight.flatten(1)  # (out, in * kernel)
    product = matrix @ matrix.T
    tiny = torch.finfo(weight.dtype).tiny
    if scale is None:
        squared = product.square().sum() / product.trace().clamp(min=tiny)
    else:
        squared = product.new_tensor(scale**2)
    speed = (squared / product.abs().sum(dim=1).max().clamp(min=tiny)).clamp(max=0.5)
    moved = matrix - speed * (product @ matrix / squared.clamp(min=tiny) - matrix)
    weight.copy_(moved.view_as(weight))
