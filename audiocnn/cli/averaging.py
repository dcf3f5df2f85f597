"""The options that say which views of a file are averaged."""

from typing import TYPE_CHECKING

from jsonargparse import ArgumentParser, Namespace

if TYPE_CHECKING:
    from audiocnn.averaging import Averaging

__all__ = ["add_averaging_options", "averaging_of"]


def add_averaging_options(parser: ArgumentParser) -> None:
    """Let a command take the fields of `audiocnn.averaging.Averaging`."""
    parser.add_argument(
        "--ten_crop",
        action="store_true",
        help="of pictures: average over four corners, the centre, and the mirror images of these",
    )
    parser.add_argument(
        "--scales",
        type=float,
        nargs="+",
        default=[],
        help="of pictures: average over the whole picture and its mirror image in these sizes; 1 is the size "
        "that the single view is cut out of",
    )
    parser.add_argument(
        "--shifts",
        type=int,
        default=1,
        help="of recordings: average over so many places of one that is shorter than its window",
    )


def averaging_of(options: Namespace) -> "Averaging":
    """What the options ask for.

    Raises:
        ParameterError: for values that cannot work.
    """
    from audiocnn.averaging import Averaging

    return Averaging(ten_crop=options.ten_crop, scales=tuple(options.scales), shifts=options.shifts)
