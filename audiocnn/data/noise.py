"""Background recordings, to be mixed into those that are learned from, or to be heard behind them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from audiocnn import audio
from audiocnn.data.manifest import Clip, find_files, read_files
from audiocnn.errors import ManifestError, ParameterError

__all__ = ["cut_noise", "list_noise"]


def list_noise(source: Path) -> list[Clip]:
    """The recordings of a folder or table, all of the label `noise`.

    Args:
        source: what `TrainConfig.noise` names.

    Raises:
        ManifestError: if there are none, or the table cannot be used.
    """
    try:
        if source.is_dir():
            found = [Clip(path=path, label=None) for path in find_files(source)]
        else:
            found = read_files(source)
    except ManifestError as error:
        raise ManifestError(f"noise={source}: {error}") from None
    if not found:
        raise ManifestError(f"noise={source} holds no recordings; give a folder or a table of some")
    return [replace(clip, label="noise") for clip in found]


def cut_noise(
    recordings: Sequence[Clip], *, part: tuple[float, float], seconds: float | None = None
) -> list[Clip]:
    """A stretch of each recording: so that one is learned from, and another judged on.

        recording   |-------------------------------------|
        (0, 0.5)    |==================|                      with `seconds`, in pieces, |===|===|===|==
        (0.5, 1)                        |==================|

    Args:
        recordings: whole files.
        part: where a stretch begins and ends in its recording, 0 to 1.
        seconds: cut stretches into pieces this long, what is left at their end being left out; None leaves
            them whole.

    Returns:
        The stretches, or pieces, in the order of the recordings.

    Raises:
        AudioReadError: for a recording that cannot be read.
        ParameterError: for a part that encloses nothing, or pieces without length.
    """
    first, last = part
    if not 0 <= first < last <= 1:
        raise ParameterError(f"part={part} must rise, from 0 to 1; (0.0, 0.5) is the first half")
    if seconds is not None and not seconds > 0:
        raise ParameterError(f"seconds={seconds} must be positive")
    cut = []
    for clip in recordings:
        length = audio.info(clip.path).seconds
        start, stop = first * length, last * length
        if seconds is None:
            cut.append(replace(clip, start=start, stop=stop))
            continue
        for i in range(int((stop - start) / seconds)):
            cut.append(replace(clip, start=start + i * seconds, stop=start + (i + 1) * seconds))
    return cut
