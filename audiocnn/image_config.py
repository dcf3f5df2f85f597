"""The config of training on pictures."""

from dataclasses import dataclass, field
from typing import Literal

from audiocnn.augment.image import ImageAugmentation
from audiocnn.config import ClassifierRunConfig
from audiocnn.picture import PictureConfig

__all__ = ["ImageTrainConfig"]


@dataclass(frozen=True, kw_only=True)
class ImageTrainConfig(ClassifierRunConfig):
    """One training run on pictures.

    Attributes:
        data: a folder of class folders or a table (`audiocnn.data.manifest.read_manifest`); or the folder of
            MNIST's or Fashion-MNIST's four files, or CIFAR's archive or folder.
        model: network, a name in `audiocnn.models.IMAGE_MODELS`.
        padding: along columns: "same" or "valid"; None takes the net's own, which is as published.
        picture: size and channels of the pictures, and how others get them.
        augmentation: the changes that training pictures are put through.
        in_memory: decode all pictures once; False reads each from its file whenever it is drawn.
        labels: the classes to learn, by their names; none takes all that the data has.
        per_class: pictures of each class to learn from, drawn by the seed; None takes all.

    Raises:
        ParameterError: for a value that cannot work.

    >>> from pathlib import Path
    >>> config = ImageTrainConfig(data=Path("digits"), out=Path("run"), model="lenet5")
    >>> config.picture.rows, config.augmentation.flip_columns
    (32, False)
    """

    model: str = "resnet20"
    padding: Literal["valid", "same"] | None = None
    picture: PictureConfig = field(default_factory=lambda: PictureConfig(rows=32, columns=32))
    augmentation: ImageAugmentation = field(default_factory=ImageAugmentation)
    in_memory: bool = True
    labels: tuple[str, ...] = ()
    per_class: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_at_least("per_class", 1)
