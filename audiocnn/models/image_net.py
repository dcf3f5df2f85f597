"""What nets for pictures have in common: they decide on a picture, and scan a larger one along both axes."""

from collections.abc import Callable

from audiocnn.layers import AvgPool2d, Conv2d, Scan, SLayer
from audiocnn.models.net import Net, rows_left

__all__ = ["ImageNet", "mean_of_map"]


def mean_of_map(rows: int, columns: int) -> Scan:
    """The mean over the map that a picture leaves, moved over the map that a larger one leaves."""
    return AvgPool2d((rows, columns), stride=1)


class ImageNet(Net):
    """A network that decides on a picture.

    `(batch, channel, rows, columns)` -> logits `(batch, num_classes, rows', columns')`, one by one for
    a picture of `input_size`, and a map of decisions for a larger one: its dense layers are convolutions over
    all of the map that a picture leaves. A spectrogram is a picture of one channel whose columns are frames.

    Args:
        body: everything before the pool, from `(batch, channel, rows, columns)` to a map of fewer.
        channels: channels the body gives.
        num_classes: classes, one logit each.
        input_size: `(rows, columns)` of a picture.
        pool: makes, for the rows and columns of the map that the body leaves of a picture, what sums it
            up: the mean, or a dense layer, `Conv2d(channels, hidden, (rows, columns))`.
        positions: those rows and columns, for a body whose axes do not say (of layers with `ceil_mode`).
        pooled: channels that the pool gives; as many as the body by default.
        head: layers between the pool and the logits, with the channels they give.
        logits: makes, for the rows and columns of that map, the layer that gives the logits; by default a
            dense one, on what the pool or the head gives.
        tail: makes, for the rows and columns of that map, layers behind the logits, if any: what sums up a
            map of class scores that no pool has summed up before.

    Raises:
        ParameterError: if the body leaves nothing of a picture.

    >>> import torch
    >>> net = ImageNet(Conv2d(1, 8, 5, stride=2), channels=8, num_classes=10, input_size=(28, 28))
    >>> net(torch.zeros(1, 1, 28, 28)).shape, net(torch.zeros(1, 1, 32, 40)).shape
    (torch.Size([1, 10, 1, 1]), torch.Size([1, 10, 3, 7]))
    """

    steps = "columns"
    dense = Conv2d

    def __init__(
        self,
        body: Scan,
        *,
        channels: int,
        num_classes: int,
        input_size: tuple[int, int],
        pool: Callable[[int, int], Scan] = mean_of_map,
        positions: tuple[int, int] | None = None,
        pooled: int | None = None,
        head: tuple[Scan, int] | None = None,
        logits: Callable[[int, int], Scan] | None = None,
        tail: Callable[[int, int], Scan] | None = None,
    ) -> None:
        rows, given = (rows_left(body, input_size), None) if positions is None else positions
        super().__init__(
            body,
            channels=channels,
            num_classes=num_classes,
            input_size=input_size,
            pool=lambda columns: pool(rows, columns),
            positions=given,
            pooled=pooled,
            head=head,
            logits=None if logits is None else lambda columns: logits(rows, columns),
            tail=None if tail is None else lambda columns: tail(rows, columns),
        )

    @property
    def in_channels(self) -> int:
        """Channels of the picture, as its first layer reads them."""
        first = next(layer for layer in self.modules() if isinstance(layer, Conv2d | SLayer))
        return first.in_channels if isinstance(first, Conv2d) else first.a.shape[1]
