"""The inception block: several kernel sizes side by side, their results concatenated."""

from audiocnn.layers.activation import ReLU
from audiocnn.layers.conv import require_positive
from audiocnn.layers.dimensions import PaddingOrPair, Size, batch_norm, conv, max_pool
from audiocnn.layers.parallel import Parallel
from audiocnn.layers.scan import Scan
from audiocnn.layers.sequential import Sequential

__all__ = ["InceptionBlock"]


class InceptionBlock(Parallel):
    """Four branches over one input, concatenated along channels: the block of GoogLeNet ("inception v1").

    Szegedy et al. 2015, "Going Deeper with Convolutions", CVPR, arXiv 1409.4842.
    `(batch, in_channels, [rows,] time)` -> `(batch, out_channels, [rows',] time')`.

        x -+- conv 1 ------------+
           +- conv 1 - conv 3 ---+- concatenated
           +- conv 1 - conv 5 ---+                  (a ReLU follows every convolution)
           +- max of 3 - conv 1 -+

    With `"valid"` padding the longest branch, that of 5, sets the span, and the input of the others is
    cropped to the same centre. The block called 3a in the paper is the example: 163,696 parameters.

    Args:
        in_channels: channels of `x`.
        direct: channels of the branch with one convolution.
        small: channels after the first and the second convolution of the branch of 3.
        large: the same for the branch of 5.
        pooled: channels of the branch with the pool.
        dimensions: 1 or 2.
        kernel_sizes: of the branches called `small` and `large`.
        pool_size: of the maximum.
        norm: whether batch norm stands between each convolution, then without bias, and its ReLU. The
            paper has none.
        eps: of the batch norms; torchvision's GoogLeNet has 1e-3.
        padding: `"valid"` (a scan) or `"same"` (as published).

    Attributes:
        out_channels: channels of all branches together.

    Raises:
        ParameterError: for sizes that are not positive, pairs in 1-D, or an unknown padding.

    >>> import torch
    >>> block = InceptionBlock(192, direct=64, small=(96, 128), large=(16, 32), pooled=32, padding="same")
    >>> block(torch.zeros(1, 192, 28, 28)).shape, sum(p.numel() for p in block.parameters())
    (torch.Size([1, 256, 28, 28]), 163696)
    """

    def __init__(
        self,
        in_channels: int,
        *,
        direct: int,
        small: tuple[int, int],
        large: tuple[int, int],
        pooled: int,
        dimensions: int = 2,
        kernel_sizes: tuple[Size, Size] = (3, 5),
        pool_size: Size = 3,
        norm: bool = False,
        eps: float = 1e-5,
        padding: PaddingOrPair = "valid",
    ) -> None:
        for name, channels in (("direct", direct), ("pooled", pooled)):
            require_positive(name, channels)
        for name, pair in (("small", small), ("large", large)):
            for i in (0, 1):
                require_positive(f"{name}[{i}]", pair[i])

        def block(before: int, after: int, kernel_size: Size) -> Sequential:
            layers: dict[str, Scan] = {
                "conv": conv(dimensions, before, after, kernel_size, bias=not norm, padding=padding)
            }
            if norm:
                layers["norm"] = batch_norm(dimensions, after, eps=eps)
            return Sequential(layers | {"relu": ReLU()})

        super().__init__(
            block(in_channels, direct, 1),
            *(
                Sequential(
                    {"reduce": block(in_channels, narrow, 1), "conv": block(narrow, wide, kernel_size)}
                )
                for (narrow, wide), kernel_size in zip((small, large), kernel_sizes, strict=True)
            ),
            Sequential(
                {
                    "pool": max_pool(dimensions, pool_size, stride=1, padding=padding),
                    "conv": block(in_channels, pooled, 1),
                }
            ),
            join="concatenate",
        )
        self.out_channels = direct + small[1] + large[1] + pooled
