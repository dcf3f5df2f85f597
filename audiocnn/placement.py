"""Where a clip lies in its window: the one rule for training, evaluation and prediction.

    a shorter clip          |....clip.....|     silence around it
    a longer clip         cl|ip clip clip |cl   cropped on both sides
                            |-- window ---|

`left` is the sample of the window where the clip begins; it is negative where
the clip is cropped. Evaluation centres, `left = (window - length) // 2`;
training draws one of all positions, or of those near the middle.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from audiocnn.errors import ParameterError

__all__ = ["place"]


def place(
    waveforms: Sequence[Tensor],
    window: int,
    *,
    generator: torch.Generator | None = None,
    max_shift: int = 0,
    max_offset: int | None = None,
) -> Tensor:
    """Clips of any lengths in one batch, each placed in a window of silence.

    Args:
        waveforms: the clips, each `(time,)`, of one dtype and device.
        window: the length of a row, in samples.
        generator: draws each clip's position in the window, or of the window
            in a longer clip, all being equally likely; None centres them.
        max_shift: of drawn positions, by how many samples a clip may reach out
            of its window, or the window out of a longer clip, on either side.
        max_offset: of drawn positions, by how many samples the middle of a clip may
            lie off that of its window; None for any.

    Returns:
        The batch `(batch, window)`, of the clips' dtype and device.

    Raises:
        ParameterError: if window is not positive, there are no waveforms, one
            is not `(time,)`, or max_shift or max_offset is negative.

    >>> place([torch.tensor([1, 2]), torch.tensor([1, 2, 3, 4, 5, 6])], 4)
    tensor([[0, 1, 2, 0],
            [2, 3, 4, 5]])
    """
    if window < 1:
        raise ParameterError(f"window={window} must be a positive number of samples; 16000 is 1 s at 16 kHz")
    if max_shift < 0:
        raise ParameterError(f"max_shift={max_shift} must not be negative; 1600 is 0.1 s at 16 kHz")
    if max_offset is not None and max_offset < 0:
        raise ParameterError(f"max_offset={max_offset} must not be negative; 1600 is 0.1 s at 16 kHz")
    if not waveforms:
        raise ParameterError("waveforms is empty; give at least one clip")
    for waveform in waveforms:
        if waveform.dim() != 1:
            raise ParameterError(
                f"a waveform of shape {tuple(waveform.shape)} must be (time,); mix its channels down first"
            )
    lengths = torch.tensor([len(waveform) for waveform in waveforms])
    if generator is None and lengths.min() == lengths.max() <= window:  # at once, as they all begin alike
        left = int(_lefts(lengths, window, None, 0, None)[0])
        return F.pad(torch.stack(list(waveforms)), (left, window - left - len(waveforms[0])))
    batch = waveforms[0].new_zeros(len(waveforms), window)
    # Copying slices moves each sample once. Gathering the whole batch by index looks
    # simpler and is two to ten times slower: it makes an index for every sample.
    for row, waveform, left in zip(
        batch, waveforms, _lefts(lengths, window, generator, max_shift, max_offset).tolist(), strict=True
    ):
        start = max(left, 0)
        seen = waveform[max(-left, 0) :][: max(window - start, 0)]
        row[start : start + len(seen)] = seen
    return batch


def _lefts(
    lengths: Tensor, window: int, generator: torch.Generator | None, max_shift: int, max_offset: int | None
) -> Tensor:
    """Where each clip begins in its window."""
    spare = window - lengths
    centred = torch.div(spare, 2, rounding_mode="floor")
    if generator is None:
        return centred
    first, last = spare.clamp(max=0) - max_shift, spare.clamp(min=0) + max_shift
    if max_offset is not None:
        first, last = torch.maximum(first, centred - max_offset), torch.minimum(last, centred + max_offset)
    # In float64, whose steps are finer than the positions in a clip of any length.
    drawn = torch.rand(len(lengths), dtype=torch.float64, generator=generator)
    return first + (drawn * (last - first + 1)).long()
