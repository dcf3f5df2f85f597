"""A net that detects, locates or segments, with the names of its classes: one module and one file.

page - net - what is where
       of a Localizer logits and a box for each place, of an FCN logits for each pixel
"""

import os
from pathlib import Path
from typing import Any

import torch

from audiocnn.classifier_config import PageNetConfig, config_as_dict, page_config_from
from audiocnn.errors import ParameterError
from audiocnn.labelled import LabelledNet, restore
from audiocnn.models import IMAGE_MODELS, ImageNet, create
from audiocnn.models.fcn import FCN
from audiocnn.models.localizer import Localizer

__all__ = ["PageNet", "load"]


class PageNet(LabelledNet):
    """A net for pages and what it needs: pages in, what is where out.

    It gives what its net gives, which `detect`, `located` and `segmented` make something of. Pages are
    `(batch, channel, rows, columns)`, from 0, where there is nothing, to 1.

    Args:
        config: what to build. The weights are fresh; `load` reads trained ones.

    Raises:
        ParameterError: for a net that is not for pictures, or cannot be made into one for pages.

    >>> from audiocnn.models import NetConfig
    >>> config = PageNetConfig(
    ...     labels=("cat", "nothing"), net=NetConfig(name="lenet5", num_classes=2), task="segment"
    ... )
    >>> PageNet(config)(torch.zeros(1, 1, 40, 50)).shape
    torch.Size([1, 2, 40, 50])
    """

    config: PageNetConfig
    net: Localizer | FCN

    def __init__(self, config: PageNetConfig) -> None:
        if config.net.name not in IMAGE_MODELS:
            raise ParameterError(
                f"name={config.net.name!r} is no model for pictures; there are {', '.join(IMAGE_MODELS)}"
            )
        net = create(
            config.net.name,
            num_classes=config.net.num_classes,
            in_channels=config.net.in_channels,
            input_size=config.net.input_size,
            padding=config.net.padding,
        )
        assert isinstance(net, ImageNet)
        if config.task == "segment":
            super().__init__({"net": FCN(net, num_classes=config.net.num_classes, finest=config.finest)})
        else:
            super().__init__({"net": Localizer(net)})
        self.config = config

    @property
    def localizer(self) -> Localizer:
        """The net of one that detects or localises."""
        assert isinstance(self.net, Localizer)
        return self.net

    @property
    def fcn(self) -> FCN:
        """The net of one that segments."""
        assert isinstance(self.net, FCN)
        return self.net

    def header(self) -> dict[str, Any]:
        """The config as plain values."""
        return config_as_dict(self.config)


def load(path: str | os.PathLike[str], *, device: str | torch.device = "cpu") -> PageNet:
    """Read a net for pages from the one file that `PageNet.save` wrote, ready to use; nothing is executed.

    Args:
        path: the `.safetensors` file.
        device: where to put it, such as `"cuda"`.

    Raises:
        ModelFileError: if the file is missing, damaged, a classifier of sounds or of pictures, or made by
            something else.
        ParameterError: for a device that is not there.
    """
    return restore(
        Path(path), {"things on pages": lambda header: PageNet(page_config_from(header))}, device=device
    )
