"""Where figures begin and end: one that needs no display, and the file that it becomes."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from audiocnn.errors import ParameterError
from audiocnn.files import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figure_for", "save_figure"]


def figure_for(
    path: Path, *, inches: tuple[float, float] = (6.4, 4.8), layout: Literal["constrained"] | None = None
) -> "Figure":
    """An empty matplotlib figure, to be saved to `path`.

    Args:
        path: of the picture, ending in `.png`, `.svg` or `.pdf`.
        inches: width and height.
        layout: `"constrained"` makes room for labels; None leaves axes where they are put.

    Raises:
        ParameterError: for an ending that matplotlib does not write.

    >>> figure_for(Path("confusion.png")).axes
    []
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=inches, layout=layout)
    FigureCanvasAgg(figure)
    if path.suffix.lower().lstrip(".") not in figure.canvas.get_supported_filetypes():
        raise ParameterError(f"picture={path} must end in .png, .svg or .pdf")
    return figure


def save_figure(figure: "Figure", path: Path, *, cropped: bool = False) -> None:
    """Write a figure to the file that it was made for, whole or not at all.

    Args:
        figure: from `figure_for`.
        path: the same.
        cropped: without the empty margins.

    Raises:
        OSError: if the folder does not exist or cannot be written.
    """
    with warnings.catch_warnings(), whole_file(path) as beside:
        # a text in a script that the font lacks is drawn as boxes; nothing is wrong with the rest
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure.savefig(
            beside,
            format=path.suffix.lower().lstrip("."),
            dpi=150,
            bbox_inches="tight" if cropped else None,
            pad_inches=0.05,
        )
