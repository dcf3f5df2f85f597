"""Background recordings, to be mixed into those that are learned from."""

from dataclasses import replace
from pathlib import Path

from audiocnn.data.manifest import Clip, find_files, read_files
from audiocnn.errors import ManifestError

__all__ = ["list_noise"]


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
