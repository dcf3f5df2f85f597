"""Where pictures begin: a figure that needs no display, for a file that can be written."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from audiocnn.errors import ParameterError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figure_for"]


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
