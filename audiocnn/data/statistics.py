"""What the features of a corpus are like, by which they are normalised."""

import torch
from torch import Tensor

from audiocnn.data.corpus import Corpus
from audiocnn.errors import ManifestError
from audiocnn.frontends import LogMel

__all__ = ["feature_statistics"]

# samples whose features are taken at once, which bounds memory
_SAMPLES_AT_ONCE = 4_000_000


def feature_statistics(corpus: Corpus, front_end: LogMel) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each feature row over all recordings, without any padding."""
    count = 0
    total = torch.zeros(front_end.n_freqs, dtype=torch.float64)
    squares = torch.zeros_like(total)
    with torch.inference_mode():
        for length in sorted(set(corpus.lengths.tolist())):
            alike = (corpus.lengths == length).nonzero().flatten()
            if front_end.require_law().output_length(length) == 0:
                continue
            for indices in alike.split(max(1, _SAMPLES_AT_ONCE // length)):
                features = front_end(corpus.windows(indices, length)).double()  # (batch, 1, rows, frames)
                total += features.sum(dim=(0, 1, 3))
                squares += features.square().sum(dim=(0, 1, 3))
                count += features.shape[0] * features.shape[3]
    if count == 0:
        raise ManifestError("every training recording is shorter than one frame; give longer ones")
    mean = total / count
    deviation = (squares / count - mean.square()).clamp(min=0.0).sqrt()
    # a row that never changes, as above the band of telephone speech, is left unscaled
    deviation[deviation < 1e-3] = 1.0
    return mean.float(), deviation.float()
