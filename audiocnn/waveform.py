"""Waveforms that callers hand in: checked, mixed to one channel, and brought to the rate that is wanted."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from audiocnn.errors import ParameterError
from audiocnn.resampling import resample

__all__ = ["mono_waveform"]


def mono_waveform(
    source: Tensor | npt.NDArray[np.floating], sample_rate: int | None, *, wanted_rate: int
) -> Tensor:
    """A waveform of one channel, `(time,)`, at the wanted rate, in float32 on the CPU.

    Args:
        source: `(time,)` or `(channel, time)`, floating point on unit scale; channels are averaged.
        sample_rate: samples a second that it has.
        wanted_rate: samples a second that it shall have.

    Raises:
        ParameterError: for a missing sample rate, integers, another shape, values that are not finite, or one
            too short to have a sample at the wanted rate.

    >>> mono_waveform(torch.zeros(2, 8000), 8000, wanted_rate=16000).shape
    torch.Size([16000])
    """
    if isinstance(source, np.ndarray):
        source = np.ascontiguousarray(source)  # torch takes no reversed arrays
    waveform = torch.as_tensor(source).detach().cpu()
    if sample_rate is None or sample_rate < 1:
        raise ParameterError(
            f"sample_rate={sample_rate}: say how many samples a second there are, such as {wanted_rate}"
        )
    if not waveform.is_floating_point():
        raise ParameterError(
            f"a waveform of {waveform.dtype} must be floating point on unit scale; "
            "divide 16-bit samples by 32768"
        )
    if waveform.dim() == 2:
        if len(waveform) > waveform.shape[1]:
            raise ParameterError(
                f"a waveform of shape {tuple(waveform.shape)} must be (channel, time); transpose it"
            )
        waveform = waveform.mean(dim=0)
    if waveform.dim() != 1 or len(waveform) == 0:
        shape = tuple(torch.as_tensor(source).shape)
        raise ParameterError(f"a waveform of shape {shape} must be (time,) or (channel, time)")
    if not waveform.isfinite().all():
        first = int((~waveform.isfinite()).nonzero()[0])
        raise ParameterError(f"the waveform is not finite at sample {first}; every sample must be a number")
    resampled = resample(waveform.to(torch.float32), sample_rate, wanted_rate)
    if len(resampled) == 0:
        raise ParameterError(
            f"a waveform of {len(waveform)} samples at {sample_rate} Hz is too short for one at "
            f"{wanted_rate} Hz; give a longer one"
        )
    return resampled
