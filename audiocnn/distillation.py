"""Knowledge distillation: a network learns what others, larger ones, make of the same sound.

Hinton, Vinyals & Dean 2015, "Distilling the Knowledge in a Neural Network", arXiv 1503.02531, at
temperature 1. Student and teachers hear the same augmented waveform, as Beyer et al. 2022, "Knowledge
distillation: A good teacher is patient and consistent", arXiv 2106.05237, find to matter; what is done to
the student's features later (masks, mixup) the teachers do not see, as theirs may be others.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.classifier import Classifier, load
from audiocnn.errors import ParameterError

__all__ = ["load_teachers", "teachers_scores"]


def load_teachers(paths: Sequence[Path], student: Classifier) -> list[Classifier]:
    """The classifiers in files, ready to teach.

    Args:
        paths: their files.
        student: has the same labels and sample rate.

    Raises:
        ModelFileError: for a file that holds no classifier.
        ParameterError: for a classifier of other labels, or of another sample rate.
    """
    teachers = []
    for path in paths:
        teacher = load(path)
        if teacher.labels != student.labels:
            raise ParameterError(
                f"teachers: {path} tells other labels than the {len(student.labels)} of the recordings; "
                "give a classifier that was trained on the same ones"
            )
        if teacher.sample_rate != student.sample_rate:
            raise ParameterError(
                f"teachers: {path} hears {teacher.sample_rate} Hz, the front-end {student.sample_rate} Hz; "
                "give a classifier of the same rate"
            )
        teachers.append(teacher)
    return teachers


def teachers_scores(teachers: Sequence[Classifier], waveforms: Tensor) -> Tensor:
    """The mean of the teachers' scores of waveforms: `(batch, time)` -> `(batch, num_classes)`.

    A teacher whose window is longer hears silence around a waveform; one whose window is shorter hears the
    middle.

    Args:
        teachers: one at least, in evaluation.
        waveforms: as the student is given them, on the teachers' device.

    Raises:
        ParameterError: if there is no teacher.
    """
    if not teachers:
        raise ParameterError("teachers is empty; give one classifier at least")
    total: Tensor | float = 0.0
    with torch.no_grad():
        for teacher in teachers:
            missing = teacher.geometry.span - waveforms.shape[1]  # less than 0 where it hears less
            heard = F.pad(waveforms, (missing // 2, missing - missing // 2))
            total = total + teacher.probabilities(teacher(heard))[..., 0]
        return torch.as_tensor(total / len(teachers))
