"""Localisation: which class is in the picture, and where."""

from torch import Tensor, nn

from audiocnn.errors import ParameterError
from audiocnn.layers import Conv2d, Parallel, Scan, Sequential
from audiocnn.models.image_net import ImageNet

__all__ = ["BOX_NUMBERS", "Localizer"]

BOX_NUMBERS = 4
BOX_DEVIATION = 0.001


class Localizer(Sequential):
    """A net for pictures that also says where what it sees is: a box beside the logits.

    `(batch, channel, rows, columns)` -> `(batch, num_classes + 4, rows', columns')`: the logits, then four
    numbers, which `audiocnn.vision.boxes.decode` makes a box of. `split` takes them apart. The layer of the
    logits gets a sister that reads the same features, as in Girshick 2015, "Fast R-CNN", ICCV,
    arXiv 1504.08083:

                               logits     (num_classes)
        body - pool - head  <
                               box        (4)

    The box is that of whatever there is, one for all classes: Sermanet et al. 2014, "OverFeat", ICLR,
    arXiv 1312.6229, found that better than one for each, which Fast R-CNN has. Both are convolutions, and so
    a larger picture gets a map of decisions with a box each. The laws hold where they hold for the net.

    (In sound the same layer would say from when to when a word lasts: two of the four numbers, along the last
    axis.)

    Args:
        net: the net, fresh or trained; its layers are used and not copied. Its logits must be a `Conv2d`.

    Raises:
        ParameterError: for a net with another layer of logits.

    Attributes:
        num_classes: as many logits.
        in_channels: channels of the picture.
        rows: rows of the picture that one decision is made of.
        window: its columns.

    >>> import torch
    >>> from audiocnn.models.lenet import lenet5
    >>> localizer = Localizer(lenet5(num_classes=10))
    >>> logits, numbers = localizer.split(localizer(torch.zeros(1, 1, 32, 40)))
    >>> logits.shape, numbers.shape
    (torch.Size([1, 10, 1, 3]), torch.Size([1, 4, 1, 3]))
    """

    def __init__(self, net: ImageNet) -> None:
        logits = net.get_submodule("logits")
        if not isinstance(logits, Conv2d):
            raise ParameterError(
                f"net has logits that are a {type(logits).__name__}; give one whose logits are a Conv2d, "
                "such as lenet5"
            )
        box = Conv2d(logits.in_channels, BOX_NUMBERS, logits.kernel_size)  # type: ignore[arg-type]
        nn.init.normal_(box.weight, std=BOX_DEVIATION)  # as in Fast R-CNN
        assert box.bias is not None
        nn.init.zeros_(box.bias)
        layers: dict[str, Scan] = {}
        for name, layer in zip(net.names(), net.scans(), strict=True):
            if name == "logits":
                layers["outputs"] = Parallel(logits, box, join="concatenate")
            else:
                layers[name] = layer
        super().__init__(layers)
        self.num_classes = logits.out_channels
        self.in_channels, self.rows, self.window = net.in_channels, net.rows, net.window

    def split(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Logits `(batch, num_classes, ...)` and numbers of the boxes `(batch, 4, ...)` of what it gave."""
        return outputs[:, : self.num_classes], outputs[:, self.num_classes :]
