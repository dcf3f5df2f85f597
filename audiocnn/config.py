"""The configs of training: plain dataclasses that import nothing heavy."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path
from types import NoneType, UnionType
from typing import Literal, TypeAlias, Union, get_args, get_origin

from audiocnn.errors import ParameterError

__all__ = ["PREDICT_BATCH_SIZE", "ClassifierRunConfig", "Freeze", "RunConfig", "TrainConfig"]

PREDICT_BATCH_SIZE = 128
"""Files that prediction scores together by default."""

Freeze: TypeAlias = Literal["stem", "body"] | int
"""Which layers are held: the first, all before the logits, or so many from the first on."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What every training run has, whatever it learns from.

    Attributes:
        data: what to learn from.
        out: folder of the run, made if need be.
        epochs: passes over the training part.
        batch_size: examples in a training step.
        optimizer: adamw, sgd or rmsprop.
        learning_rate: at its peak, after the warm-up.
        momentum: of sgd and rmsprop.
        nesterov: whether the momentum of sgd is Nesterov's, or the classical one.
        squares_decay: of rmsprop, what is kept of the mean squared gradient at each step.
        weight_decay: None takes 0.1 for adamw, which keeps it apart from the gradient, and 0.0005 for the
            others, which add it to the gradient.
        warmup: part of the run over which the learning rate rises to its peak, 0 to 1.
        schedule: how it then falls: cosine to 0, step at set times, plateau when gains end.
        decay_epochs: of step, epochs from one fall to the next; of plateau, epochs without a gain before one.
        milestones: of step, the parts of the run, 0 to 1, after which it falls; none takes decay_epochs.
        decay_factor: what the learning rate is multiplied with at a fall.
        patience: epochs without a gain on validation after which to stop; None trains to the end.
        seed: of the weights, of the split where it is drawn, of the order and of every augmentation.
        device: where to train; "auto" takes a GPU if there is one.

    Raises:
        ParameterError: for a value that cannot work.
    """

    data: Path
    out: Path
    epochs: int = 40
    batch_size: int = 100
    optimizer: Literal["adamw", "sgd", "rmsprop"] = "adamw"
    learning_rate: float = 0.01
    momentum: float = 0.9
    nesterov: bool = True
    squares_decay: float = 0.99
    weight_decay: float | None = None
    warmup: float = 0.2
    schedule: Literal["cosine", "step", "plateau"] = "cosine"
    decay_epochs: int = 10
    milestones: tuple[float, ...] = ()
    decay_factor: float = 0.3
    patience: int | None = None
    seed: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"

    def __post_init__(self) -> None:
        self._check_types()
        # a batch has two, since batch norm needs them
        for name, least in (
            ("epochs", 1),
            ("batch_size", 2),
            ("decay_epochs", 1),
            ("patience", 1),
            ("seed", 0),
        ):
            self._require_at_least(name, least)
        self._require_positive("learning_rate", default=0.01)
        self._require_not_negative("weight_decay")
        for name in ("momentum", "squares_decay", "warmup"):
            self._require_part(name)
        if not 0 < self.decay_factor < 1:
            raise ParameterError(
                f"decay_factor={self.decay_factor} must be between 0 and 1; 0.3 is the default"
            )
        edges = (0, *self.milestones, 1)
        if not all(before < after for before, after in pairwise(edges)):
            raise ParameterError(
                f"milestones={self.milestones} must rise and be between 0 and 1, parts of the run; "
                "(0.5, 0.75) is usual"
            )
        if self.milestones and self.schedule != "step":
            raise ParameterError(
                f"milestones={self.milestones} are of schedule='step', not {self.schedule!r}; "
                "give milestones=() for none"
            )

    def _require_at_least(self, name: str, least: int) -> None:
        value = getattr(self, name)
        if value is not None and value < least:
            raise ParameterError(f"{name}={value!r} must be an integer of at least {least}")

    def _require_positive(self, name: str, *, default: float) -> None:
        if not getattr(self, name) > 0:
            raise ParameterError(f"{name}={getattr(self, name)} must be positive; {default} is the default")

    def _require_part(self, name: str) -> None:
        if not 0 <= getattr(self, name) < 1:
            raise ParameterError(f"{name}={getattr(self, name)} must be at least 0 and below 1")

    def _require_not_negative(self, name: str) -> None:
        value = getattr(self, name)
        if value is not None and value < 0:
            raise ParameterError(f"{name}={value} must not be negative")

    def _check_types(self) -> None:
        """Paths may be given as text; numbers must be numbers, and choices be among theirs."""
        for field in fields(self):
            value = getattr(self, field.name)
            is_union = get_origin(field.type) in (UnionType, Union)
            kinds = get_args(field.type) if is_union else (field.type,)
            if value is None and NoneType in kinds:
                continue
            words = [word for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)]
            if words:
                choices = [*map(repr, words)] + ["an integer"] * (int in kinds)
                if value not in words and not (int in kinds and type(value) is int):
                    raise ParameterError(f"{field.name}={value!r} must be {_either(choices)}")
            elif Path in kinds:
                object.__setattr__(self, field.name, Path(value))
            elif int in kinds and type(value) is not int:
                raise ParameterError(f"{field.name}={value!r} must be an integer")
            elif float in kinds and not (type(value) in (int, float) and math.isfinite(value)):
                raise ParameterError(f"{field.name}={value!r} must be a number")
            elif field.type == tuple[Path, ...]:
                if isinstance(value, str) or not isinstance(value, Sequence):
                    raise ParameterError(f"{field.name}={value!r} must be a tuple of files")
                object.__setattr__(self, field.name, tuple(map(Path, value)))
            elif field.type == tuple[str, ...] and not _all_of(value, str):
                raise ParameterError(f"{field.name}={value!r} must be a tuple of names")
            elif field.type == tuple[int, ...] and not _all_of(value, int):
                raise ParameterError(f"{field.name}={value!r} must be a tuple of integers")
            elif field.type == tuple[float, ...] and not _all_of(value, int, float):
                raise ParameterError(f"{field.name}={value!r} must be a tuple of numbers")
            elif bool in kinds and type(value) is not bool:
                raise ParameterError(f"{field.name}={value!r} must be True or False")

    @property
    def judged_by(self) -> str:
        """The figure of validation by which an epoch is the best: from 0 to 1, higher being better."""
        return "accuracy"

    def as_json(self) -> str:
        """The config as a JSON text with absolute paths, which `audiocnn train --config` takes."""
        return json.dumps(asdict(self), indent=1, default=lambda path: str(path.absolute())) + "\n"


@dataclass(frozen=True, kw_only=True)
class ClassifierRunConfig(RunConfig):
    """What every training of a classifier has besides.

    Attributes:
        label_smoothing: part of the target that is spread over all classes.
        mixup_alpha: examples are mixed in shares from Beta(alpha, alpha); 0 mixes none.
        start_from: file of a classifier with this net, whose weights and statistics of its input the run
            begins with, and whose logits if the labels are the same; None begins with fresh weights.
        freeze: which of those weights are held: stem, the first layer; body, all before the logits; or how
            many layers, from the first on. None lets all learn.
        thaw_epochs: epochs after which one more of the frozen layers learns too, the last first, and so on;
            None holds them to the end.

    Raises:
        ParameterError: for a value that cannot work.
    """

    label_smoothing: float = 0.1
    mixup_alpha: float = 0.2
    start_from: Path | None = None
    freeze: Freeze | None = None
    thaw_epochs: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_at_least("thaw_epochs", 1)
        self._require_not_negative("mixup_alpha")
        self._require_part("label_smoothing")
        if self.freeze is not None and self.start_from is None:
            raise ParameterError(
                f"freeze={self.freeze!r} would hold weights that have learned nothing; give start_from too"
            )
        if self.thaw_epochs is not None and self.freeze is None:
            raise ParameterError(
                f"thaw_epochs={self.thaw_epochs} thaws nothing where nothing is frozen; give freeze too"
            )


@dataclass(frozen=True, kw_only=True)
class TrainConfig(ClassifierRunConfig):
    """One training run on recordings.

    Attributes:
        data: a table or a folder of recordings; see `audiocnn.data.manifest.read_manifest`.
        model: network: tc_resnet_8, bc_resnet_1, matchboxnet_3x1x64 or another in
            `audiocnn.models.MODELS`, which the README lists.
        padding: along time: "valid" for a net that scans, "same" for the net as published.
        window: feature frames in a decision; None takes the net's own.
        front_end: what makes features of sound: logmel, mfcc, pcen, leaf or another that `audiocnn describe`
            knows, or a .json file with the config of one.
        front_end_rate: the learning rate of a front-end that learns, in parts of the net's.
        teachers: files of classifiers of the same labels, whose mean scores are learned, not the labels;
            set label_smoothing to 0 with them.
        speed_percents: speeds to draw each recording's from; 110 is a tenth faster and higher.
        max_shift_seconds: by how much a recording may reach out of its window.
        max_offset_seconds: by how much the middle of a recording may lie off that of its window; None lets
            it lie anywhere, in a long window farther off than in a short one, which takes longer to learn.
        noise: a table or folder of background recordings to mix in; None mixes none.
        noise_probability: part of the recordings that get noise.
        min_snr_db: least signal-to-noise ratio in dB; each is drawn between this and the greatest.
        max_snr_db: greatest signal-to-noise ratio in dB.
        equalizer_db: standard deviation, in dB, of the frequency response drawn for each recording.
        low_pass_probability: part of the recordings that lose their high frequencies.
        min_gain_db: least gain in dB; each recording's is drawn between this and the greatest.
        max_gain_db: greatest gain in dB.
        n_freq_masks: bands of frequency that SpecAugment masks in each recording.
        max_freq_width: width of the widest such band, in feature rows.
        n_time_masks: stretches of time that SpecAugment masks in each recording.
        max_time_width: length of the longest such stretch, in feature frames.

    Raises:
        ParameterError: for a value that cannot work.
    """

    model: str = "tc_resnet_8"
    padding: Literal["valid", "same"] = "valid"
    window: int | None = None
    front_end: str = "logmel"
    front_end_rate: float = 0.1
    teachers: tuple[Path, ...] = ()
    speed_percents: tuple[int, ...] = (80, 85, 90, 95, 100, 105, 110, 115, 120)
    max_shift_seconds: float = 0.0
    max_offset_seconds: float | None = None
    noise: Path | None = None
    noise_probability: float = 0.8
    min_snr_db: float = 0.0
    max_snr_db: float = 30.0
    equalizer_db: float = 0.0
    low_pass_probability: float = 0.0
    min_gain_db: float = -12.0
    max_gain_db: float = 6.0
    n_freq_masks: int = 2
    max_freq_width: int = 7
    n_time_masks: int = 2
    max_time_width: int = 9

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_at_least("window", 1)
        for name in ("n_freq_masks", "max_freq_width", "n_time_masks", "max_time_width"):
            self._require_at_least(name, 0)
        self._require_positive("front_end_rate", default=0.1)
        for least_name, greatest_name in (("min_gain_db", "max_gain_db"), ("min_snr_db", "max_snr_db")):
            least_db, greatest_db = getattr(self, least_name), getattr(self, greatest_name)
            if not least_db <= greatest_db:
                raise ParameterError(
                    f"{least_name}={least_db} must not exceed {greatest_name}={greatest_db}; swap them"
                )
        for name in ("max_shift_seconds", "max_offset_seconds", "equalizer_db"):
            self._require_not_negative(name)
        for name in ("noise_probability", "low_pass_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise ParameterError(f"{name}={getattr(self, name)} must be from 0 to 1")
        if not self.speed_percents or not all(50 <= percent <= 200 for percent in self.speed_percents):
            raise ParameterError(
                f"speed_percents={self.speed_percents} must be integers from 50 to 200; (100,) changes none"
            )


def _all_of(value: object, *kinds: type) -> bool:
    """Whether it is a tuple or list of nothing else."""
    return isinstance(value, (tuple, list)) and all(type(one) in kinds for one in value)


def _either(choices: Sequence[str]) -> str:
    """For a message: "'auto', 'cpu' or 'cuda'"."""
    return ", ".join(choices[:-1]) + f" or {choices[-1]}"
