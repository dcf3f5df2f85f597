"""What a manifest may list: recordings or pictures."""

from typing import NamedTuple

__all__ = ["PICTURES", "RECORDINGS", "Media"]


class Media(NamedTuple):
    """A kind of file.

    Attributes:
        one: what a file of it is called.
        many: and several.
        suffixes: the endings of names by which files in a folder count.
        has_parts: whether a row may stand for a part of a file, from `start` to `stop`.
    """

    one: str
    many: str
    suffixes: frozenset[str]
    has_parts: bool


RECORDINGS = Media(
    one="recording",
    many="recordings",
    suffixes=frozenset({".aif", ".aiff", ".au", ".caf", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".wav"}),
    has_parts=True,
)
PICTURES = Media(
    one="picture",
    many="pictures",
    suffixes=frozenset(
        {".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
    ),
    has_parts=False,
)
