"""What training makes small: the loss of a batch that is augmented first. Any training loop can use it."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.augment.mixup import mixup
from audiocnn.augment.spectrogram import spec_augment
from audiocnn.augment.waveform import mix_noise, random_equalizer, random_gain
from audiocnn.classifier import Classifier
from audiocnn.config import TrainConfig
from audiocnn.data.corpus import Corpus
from audiocnn.distillation import teachers_scores

__all__ = ["mask_features", "training_loss"]


def training_loss(
    classifier: Classifier,
    waveforms: Tensor,
    targets: Tensor,
    *,
    config: TrainConfig,
    generator: torch.Generator,
    noise: Corpus | None = None,
    teachers: Sequence[Classifier] = (),
) -> Tensor:
    """The loss of one batch, augmented: all that a training step is but the update.

    Args:
        classifier: in training mode, on any device.
        waveforms: `(batch, time)`, one window each.
        targets: class indices `(batch,)`.
        config: how to augment.
        generator: on the CPU; draws every augmentation.
        noise: background recordings to mix in, at the classifier's rate.
        teachers: classifiers whose mean scores are the targets, instead of the classes.
    """
    with torch.no_grad():
        waveforms = classifier.in_context(waveforms)
        if noise is not None:
            drawn = torch.randint(len(noise), (len(waveforms),), generator=generator)
            waveforms = mix_noise(
                waveforms,
                noise.windows(drawn, waveforms.shape[1], generator=generator),
                min_snr_db=config.min_snr_db,
                max_snr_db=config.max_snr_db,
                probability=config.noise_probability,
                generator=generator,
            )
        if config.equalizer_db or config.low_pass_probability:
            waveforms = random_equalizer(
                waveforms,
                sample_rate=classifier.sample_rate,
                deviation_db=config.equalizer_db,
                low_pass_probability=config.low_pass_probability,
                generator=generator,
            )
        waveforms = random_gain(
            waveforms, min_gain_db=config.min_gain_db, max_gain_db=config.max_gain_db, generator=generator
        )
    features = classifier.normalize(classifier.front_end(waveforms))
    features = mask_features(features, config, generator)
    if teachers:
        shares = teachers_scores(teachers, waveforms).to(features.dtype)
    else:
        shares = F.one_hot(targets, len(classifier.labels)).to(features.dtype)
    if config.mixup_alpha > 0:
        features, shares = mixup(features, shares, alpha=config.mixup_alpha, generator=generator)
    logits = classifier.net(features).flatten(1)  # (batch, num_classes), of one window each
    return F.cross_entropy(logits, shares, label_smoothing=config.label_smoothing)


def mask_features(features: Tensor, config: TrainConfig, generator: torch.Generator) -> Tensor:
    """SpecAugment as the config asks for it.

    Raises:
        ParameterError: if the masks are too large for the features.
    """
    return spec_augment(
        features,
        n_freq_masks=config.n_freq_masks,
        max_freq_width=config.max_freq_width,
        n_time_masks=config.n_time_masks,
        max_time_width=config.max_time_width,
        generator=generator,
    )
