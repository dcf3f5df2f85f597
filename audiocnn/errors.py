"""The exceptions a user of audiocnn can meet.

Every one derives from `AudioCNNError`, and from the built-in exception that a
caller who does not know audiocnn would catch. Messages name the parameter or
file, the value found, and what would work.
"""

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
]


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
