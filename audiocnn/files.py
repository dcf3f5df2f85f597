"""Files that appear whole or not at all, whatever stops the program that writes them, and that one writes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["locked", "whole_file", "why_not_read"]


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name to write to, beside `path`; when all is written it becomes `path`.

    What was at `path` stays there until then, and for good where writing fails.

    Args:
        path: the file to write; its folder must exist.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_file(Path(folder) / "a.txt") as beside:
    ...         _ = beside.write_text("all of it")
    ...     [file.name for file in Path(folder).iterdir()]
    ['a.txt']
    """
    beside = path.with_name(f".{path.name}.partial")
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[bool]:
    """Keep a file, made if need be, from all other processes that ask for it here.

    The system lets go of it when the process ends, in whatever way. Not for Windows, which has no such locks.

    Args:
        path: the file; its folder must exist.
        wait: until others let go of it.

    Yields:
        Whether it is ours.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "lock"
    ...     with locked(path, wait=True) as first, locked(path, wait=False) as second:
    ...         first, second
    (True, False)
    """
    import fcntl

    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = True
        except BlockingIOError:
            ours = False
        yield ours


def why_not_read(path: Path, what: str) -> str | None:
    """What keeps any program from reading a file, and the remedy; None if it is there and holds something.

    Args:
        path: the file.
        what: it should be: "recording" or "picture".

    >>> why_not_read(Path("no_such.wav"), "recording")
    'no_such.wav does not exist; check the name and the folder'
    """
    try:
        if path.is_dir():
            return f"{path} is a folder; name a {what} in it"
        if not path.exists():
            return f"{path} does not exist; check the name and the folder"
        if not os.access(path, os.R_OK):
            return f"{path} may not be read; change its permissions"
        if path.stat().st_size == 0:
            return f"{path} is an empty file; copy it again"
    except OSError as error:  # a name too long, a folder that may not be entered
        return f"{path} cannot be looked up ({error.strerror}); check the name and the folder"
    return None
