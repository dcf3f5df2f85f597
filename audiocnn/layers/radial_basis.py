"""Output units that compare with a code: the class is the one whose code is nearest."""

import torch.nn.functional as F
from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.layers.scan import Scan

__all__ = ["RadialBasis"]


class RadialBasis(Scan):
    """Minus the squared distance to each class's code: `(batch, features, ...)` -> `(batch, classes, ...)`.

        y[k] = -sum over i of (x[i] - codes[k, i])^2

    The Euclidean radial basis functions at the end of LeNet-5: LeCun et al. 1998, "Gradient-Based Learning
    Applied to Document Recognition", Proceedings of the IEEE 86, eq. 7. They give the distance, as a penalty;
    here its sign is turned, so that the largest is the best and `y` can be taken for logits. With `label` the
    right class, the paper's two losses are then

        eq. 8   mean of -y[label]
        eq. 9   mean of -y[label] + log(exp(-j) + sum over k of exp(y[k]))

    The second is the cross-entropy of `y` with one more logit, `-j`, for what is no class; as j grows it
    becomes the plain cross-entropy. Softmax of `y` is the probability of each class if each scatters as a
    Gaussian of variance 1/2 around its code. The codes are saved with the weights, but not trained: the
    first loss alone would draw all of them to one point.

    Args:
        codes: `(classes, features)`.
        trained: whether the codes are parameters.

    Attributes:
        codes: as given.

    Raises:
        ParameterError: for codes that are no matrix, and on input of other channels.

    >>> import torch
    >>> layer = RadialBasis(torch.tensor([[1.0, 1.0], [1.0, -1.0]]))
    >>> layer(torch.tensor([[1.0, 0.0], [1.0, -1.0]])[..., None]).squeeze(-1)
    tensor([[-1., -1.],
            [-4.,  0.]])
    """

    codes: Tensor

    def __init__(self, codes: Tensor, *, trained: bool = False) -> None:
        super().__init__()
        if codes.dim() != 2 or not codes.numel():
            raise ParameterError(f"codes has the shape {tuple(codes.shape)}; it must be (classes, features)")
        if trained:
            self.codes = nn.Parameter(codes)
        else:
            self.register_buffer("codes", codes)

    def forward(self, x: Tensor) -> Tensor:
        """Compare, by `(x - c)^2 = x^2 - 2 x c + c^2`: the middle one is a dense layer at every place."""
        classes, features = self.codes.shape
        if x.dim() < 3 or x.shape[1] != features:
            raise ParameterError(
                f"RadialBasis with codes of {features} takes (batch, {features}, ...), not {tuple(x.shape)}"
            )
        places = x.flatten(2)  # (batch, features, places)
        products = F.conv1d(places, self.codes[..., None])
        lengths = self.codes.square().sum(dim=1)[:, None]
        y = 2 * products - places.square().sum(dim=1, keepdim=True) - lengths
        return y.view(len(x), classes, *x.shape[2:])

    def macs(self, x: Tensor, y: Tensor) -> int:
        """A code for every number of `y`."""
        return y.numel() * self.codes.shape[1]

    def connections(self, x: Tensor, y: Tensor) -> int:
        """As many."""
        return self.macs(x, y)

    def extra_repr(self) -> str:
        """Classes and features."""
        classes, features = self.codes.shape
        return f"{features}, {classes}" + (", trained=True" if isinstance(self.codes, nn.Parameter) else "")
