"""audiocnn: convnets that classify sound, with one set of scores wherever they run."""

from audiocnn.classifier import Classifier, Prediction
from audiocnn.classifier_config import ClassifierConfig, ImageClassifierConfig
from audiocnn.describe import describe
from audiocnn.errors import (
    AudioCNNError,
    AudioReadError,
    FeatureFileError,
    FingerprintError,
    ImageReadError,
    LawError,
    ManifestError,
    ModelFileError,
    ParameterError,
)
from audiocnn.image_classifier import ImageClassifier
from audiocnn.loading import load

__all__ = [
    "AudioCNNError",
    "AudioReadError",
    "Classifier",
    "ClassifierConfig",
    "FeatureFileError",
    "FingerprintError",
    "ImageClassifier",
    "ImageClassifierConfig",
    "ImageReadError",
    "LawError",
    "ManifestError",
    "ModelFileError",
    "ParameterError",
    "Prediction",
    "describe",
    "load",
]

__version__ = "0.1.0"
