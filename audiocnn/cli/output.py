"""Files that commands write: named so that they can be, before the work is done."""

from pathlib import Path

from audiocnn.errors import ParameterError

__all__ = ["PICTURES", "output_file"]

PICTURES = (".png", ".svg", ".pdf")


def output_file(name: str, value: str | None, endings: tuple[str, ...]) -> Path | None:
    """The file to write, if any; refused before the work is done if it cannot be written after it."""
    if value is None:
        return None
    path = Path(value)
    if path.suffix not in endings:
        raise ParameterError(f"{name}={path} must end in {', '.join(endings)}")
    if path.is_dir():
        raise ParameterError(f"{name}={path} is a folder; name a file")
    if not path.parent.is_dir():
        raise ParameterError(f"{name}={path}: there is no folder {path.parent}; make it first")
    return path
