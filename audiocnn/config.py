"""The configs of training: plain dataclasses that import nothing heavy."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from audiocnn.errors import ParameterError

__all__ = ["PREDICT_BATCH_SIZE", "TrainConfig"]

PREDICT_BATCH_SIZE = 128
"""Files that prediction scores together by default."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One training run.

    Attributes:
        data: a table or a folder of recordings; see `audiocnn.data.manifest.read_manifest`.
        out: folder of the run, made if need be.
        model: network: tdnn; tc_resnet_8 or tc_resnet_14, also with _1_5 for more width; bc_resnet_1, with
            1_5, 2, 3, 6 and 8 for more width.
        padding: along time: "valid" for a net that scans, "same" for the net as published.
        epochs: passes over the training recordings.
        batch_size: recordings in a training step.
        learning_rate: of AdamW, at the peak of the one cycle.
        weight_decay: of AdamW.
        min_gain_db: least gain in dB; each recording's is drawn between this and the greatest.
        max_gain_db: greatest gain in dB.
        n_freq_masks: bands of frequency that SpecAugment masks in each recording.
        max_freq_width: width of the widest such band, in feature rows.
        n_time_masks: stretches of time that SpecAugment masks in each recording.
        max_time_width: length of the longest such stretch, in feature frames.
        mixup_alpha: recordings are mixed in shares from Beta(alpha, alpha); 0 mixes none.
        seed: of the weights, of the split where it is drawn, of the order and of every augmentation.
        device: where to train; "auto" takes a GPU if there is one.
    """

    data: Path
    out: Path
    model: str = "tc_resnet_8"
    padding: Literal["valid", "same"] = "valid"
    epochs: int = 40
    batch_size: int = 100
    learning_rate: float = 0.01
    weight_decay: float = 0.01
    min_gain_db: float = -12.0
    max_gain_db: float = 6.0
    n_freq_masks: int = 2
    max_freq_width: int = 7
    n_time_masks: int = 2
    max_time_width: int = 9
    mixup_alpha: float = 0.2
    seed: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 2)):  # batch norm needs two
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise ParameterError(f"{name}={value!r} must be an integer of at least {least}")
        if not self.learning_rate > 0:
            raise ParameterError(f"learning_rate={self.learning_rate} must be positive; 0.01 is the default")
        if not self.min_gain_db <= self.max_gain_db:
            raise ParameterError(
                f"min_gain_db={self.min_gain_db} must not exceed max_gain_db={self.max_gain_db}; swap them"
            )
        if self.device not in ("auto", "cpu", "cuda"):
            raise ParameterError(f"device={self.device!r} must be 'auto', 'cpu' or 'cuda'")
        for name in ("weight_decay", "mixup_alpha"):
            if not getattr(self, name) >= 0:
                raise ParameterError(f"{name}={getattr(self, name)} must not be negative")
