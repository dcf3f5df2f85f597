"""The exceptions a user of audiocnn can meet, and messages that list things.

Every one derives from `AudioCNNError`, and from the built-in exception that a
caller who does not know audiocnn would catch. Messages name the parameter or
file, the value found, and what would work.
"""

from collections.abc import Sequence

__all__ = [
    "AudioCNNError",
    "AudioReadError",
    "FeatureFileError",
    "FingerprintError",
    "ImageReadError",
    "LawError",
    "ManifestError",
    "ModelFileError",
    "ParameterError",
    "list_problems",
    "listed",
]

_NAMED = 20  # in a message; of more their number


class AudioCNNError(Exception):
    """Anything that audiocnn raises on purpose."""


class ParameterError(AudioCNNError, ValueError):
    """A parameter has a value that cannot work; the message says which would."""


class AudioReadError(AudioCNNError, OSError):
    """A recording cannot be read: missing, empty, truncated, not audio, or holding NaN."""


class ImageReadError(AudioCNNError, OSError):
    """A picture cannot be read: missing, empty, truncated, damaged, too large, or no picture."""


class ManifestError(AudioCNNError, ValueError):
    """A manifest or a folder of files cannot be used; all its bad rows are listed at once."""


class ModelFileError(AudioCNNError, OSError):
    """A classifier file is damaged, was made by something else, or by a newer audiocnn."""


class FeatureFileError(AudioCNNError, OSError):
    """A file of features is damaged, or was made by something else."""


class FingerprintError(AudioCNNError, ValueError):
    """Features were made in another way than the front-end at hand makes them; the message says in which."""


class LawError(AudioCNNError, RuntimeError):
    """A layer was asked to stream that cannot; the message names the layer and the remedy."""


def list_problems(heading: str, problems: Sequence[str]) -> str:
    """A message that names every problem at once: the first twenty, and how many more.

    >>> print(list_problems("words.csv has bad rows", ["line 3: the label is empty"]))
    words.csv has bad rows (1):
      line 3: the label is empty
    """
    lines = [f"{heading} ({len(problems)}):", *problems[:_NAMED]]
    if len(problems) > _NAMED:
        lines.append(f"... and {len(problems) - _NAMED} more")
    return "\n  ".join(lines)


def listed(names: Sequence[str]) -> str:
    """For a message: the first names, and how many more."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
