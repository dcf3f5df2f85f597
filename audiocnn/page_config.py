"""The config of training to detect, to localise and to segment, on pages of small pictures."""

from dataclasses import dataclass, field
from typing import Literal

from audiocnn.classifier_config import PageAim
from audiocnn.config import RunConfig
from audiocnn.data.pages import PageConfig
from audiocnn.errors import ParameterError
from audiocnn.picture import PictureConfig

__all__ = ["PageTrainConfig"]

_JUDGED_BY = {"detect": "f1", "localise": "overlap", "segment": "overlap"}


@dataclass(frozen=True, kw_only=True)
class PageTrainConfig(RunConfig):
    """One training run on pages, which are drawn from a set of small pictures by the seed.

    Attributes:
        data: the folder of MNIST's or Fashion-MNIST's four files, or CIFAR's archive or folder.
        task: what is learned: to detect what is where, by patches of pages; to localise the one thing on each
            page; to segment pages, pixel by pixel.
        model: network, a name in `audiocnn.models.IMAGE_MODELS`.
        padding: along columns: "same" or "valid"; None takes the net's own, which is as published.
        finest: of segment, the stride of the finest map that is used; see `audiocnn.models.fcn.FCN`.
        picture: size and channels of the small pictures.
        page: what pages to learn from are like.
        judged_page: what pages of validation and test are like; None: as those to learn from.
        most_pages: pages to learn from, at most; None, or where the set has fewer: as many as take every
            small picture once.
        most_judged: the same of validation, and of the test.
        nothing_share: of detect, part of a batch that has nothing in its middle, 0 or more and less than 1.

    Raises:
        ParameterError: for a value that cannot work.

    >>> from pathlib import Path
    >>> config = PageTrainConfig(data=Path("digits"), out=Path("run"), task="segment")
    >>> config.judged_by, config.page.objects
    ('overlap', 40)
    """

    task: PageAim = "detect"
    model: str = "lenet5"
    padding: Literal["valid", "same"] | None = None
    finest: int | None = None
    picture: PictureConfig = field(default_factory=lambda: PictureConfig(rows=28, columns=28, channels=1))
    page: PageConfig = field(default_factory=PageConfig)
    judged_page: PageConfig | None = None
    most_pages: int | None = None
    most_judged: int | None = None
    nothing_share: float = 2 / 3

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("finest", "most_pages", "most_judged"):
            self._require_at_least(name, 1)
        if self.task == "localise" and (self.judged_page or self.page) != self.page:
            raise ParameterError(
                "judged_page must be like page to localise, as the net reads whole pages; leave it out"
            )
        if self.task == "localise" and self.page.objects != 1:
            raise ParameterError(
                f"page.objects={self.page.objects} must be 1 to localise; task='detect' finds several"
            )

    @property
    def judged_by(self) -> str:
        """F1 of what is detected, or mean overlap: of boxes, or of the pixels of each class."""
        return _JUDGED_BY[self.task]
