"""Pictures are written without a display, to the endings that are said."""

from pathlib import Path

import pytest

from audiocnn.errors import ParameterError
from audiocnn.figures import figure_for, save_figure


@pytest.mark.parametrize("ending", ["png", "SVG", "pdf"])
def test_a_picture_is_written(tmp_path, ending):
    path = tmp_path / f"empty.{ending}"
    save_figure(figure_for(path), path)
    start = {"png": b"\x89PNG", "SVG": b"<?xml", "pdf": b"%PDF"}[ending]
    assert path.read_bytes().startswith(start)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_cropped_of_empty_margins(tmp_path):
    for name, cropped in (("whole.png", False), ("cropped.png", True)):
        figure = figure_for(tmp_path / name)
        figure.text(0.5, 0.5, "\u65e5")  # which the font lacks: no warning
        save_figure(figure, tmp_path / name, cropped=cropped)
    whole, cropped = (png_size(tmp_path / name) for name in ("whole.png", "cropped.png"))
    assert whole == (960, 720) and cropped[0] < 100 and cropped[1] < 100


def png_size(path):
    """Width and height of a PNG, which its header has."""
    header = path.read_bytes()[16:24]
    return int.from_bytes(header[:4], "big"), int.from_bytes(header[4:], "big")


def test_a_picture_that_cannot_be_drawn_leaves_what_was_there(tmp_path):
    path = tmp_path / "picture.png"
    path.write_text("before")
    figure = figure_for(path)
    figure.text(0.5, 0.5, r"$\nonsense$")
    with pytest.raises(ValueError, match="nonsense"):
        save_figure(figure, path)
    assert path.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["picture.png"]


def test_another_ending_is_refused():
    with pytest.raises(ParameterError) as error:
        figure_for(Path("planes.xyz"))
    assert str(error.value) == "picture=planes.xyz must end in .png, .svg or .pdf"
