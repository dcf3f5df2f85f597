"""What the features or the colours of a corpus are like, by which they are normalised."""

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.data.corpus import Corpus
from audiocnn.data.picture_corpus import PictureCorpus, PictureFiles
from audiocnn.errors import ManifestError
from audiocnn.frontends import FrontEnd

__all__ = ["feature_statistics", "picture_statistics"]

# samples whose features are taken at once, which bounds memory
_SAMPLES_AT_ONCE = 4_000_000
_PICTURES_AT_ONCE = 256


def feature_statistics(corpus: Corpus, front_end: FrontEnd) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each feature row over all recordings, without any padding.

    Where the front-end judges frames by those around them, silence is around the recording.
    """
    count = 0
    total = torch.zeros(front_end.n_freqs, dtype=torch.float64)
    squares = torch.zeros_like(total)
    with torch.inference_mode():
        for length in sorted(set(corpus.lengths.tolist())):
            alike = (corpus.lengths == length).nonzero().flatten()
            if front_end.require_law().output_length(length + sum(front_end.context)) == 0:
                continue
            for indices in alike.split(max(1, _SAMPLES_AT_ONCE // length)):
                waveforms = F.pad(corpus.windows(indices, length), front_end.context)
                features = front_end(waveforms).double()  # (batch, 1, rows, frames)
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


def picture_statistics(pictures: PictureCorpus | PictureFiles) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel over all pixels of all pictures, white being 1."""
    total = squares = torch.zeros(1, dtype=torch.float64)
    pixels = 0
    for indices in torch.arange(len(pictures)).split(_PICTURES_AT_ONCE):  # type: ignore[no-untyped-call]
        colours = pictures.batch(indices).double().transpose(0, 1).flatten(1).cpu()  # (channel, pixels)
        total = total + colours.sum(dim=1)
        squares = squares + colours.square().sum(dim=1)
        pixels += colours.shape[1]
    mean = total / pixels
    deviation = (squares / pixels - mean.square()).clamp(min=0.0).sqrt()
    deviation[deviation < 1e-3] = 1.0  # pictures of one colour
    return mean.float(), deviation.float()
