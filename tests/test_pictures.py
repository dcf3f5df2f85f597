"""Pictures are written without a display, to the endings that are said."""

from pathlib import Path

import pytest

from audiocnn.errors import ParameterError
from audiocnn.pictures import figure_for


@pytest.mark.parametrize("ending", ["png", "SVG", "pdf"])
def test_a_picture_is_written(tmp_path, ending):
    path = tmp_path / f"empty.{ending}"
    figure_for(path).savefig(path)
    assert path.stat().st_size > 100


def test_another_ending_is_refused():
    with pytest.raises(ParameterError) as error:
        figure_for(Path("planes.xyz"))
    assert str(error.value) == "picture=planes.xyz must end in .png, .svg or .pdf"
