"""The parts of images that excite a plane most, found again by a plain search; and a picture of them."""

import matplotlib.image
import pytest
import torch

from audiocnn.errors import ParameterError
from audiocnn.explain import draw_planes, strongest_views
from audiocnn.layers import Conv2d, MaxPool2d, ReLU, Sequential, SLayer


def test_views_are_what_a_plain_search_finds():
    torch.manual_seed(0)
    net = Sequential(Conv2d(2, 4, 3), ReLU(), MaxPool2d(2), Conv2d(4, 5, (2, 3), stride=(1, 2))).double()
    images = torch.rand(7, 2, 13, 15, dtype=torch.float64)
    views = strongest_views(net, images, count=3)
    (height, down), (width, right) = (
        (geometry.span, geometry.stride) for geometry in (net.geometry_rows, net.geometry)
    )
    assert views.parts.shape == (5, 3, 2, height, width)
    for plane in range(5):
        found = []  # for each image, how strongly it excites the plane, and by which part
        for image in range(7):
            parts = [
                images[image, :, y : y + height, x : x + width]
                for y in range(0, 13 - height + 1, down)
                for x in range(0, 15 - width + 1, right)
            ]
            answers = [net(part[None])[0, plane].item() for part in parts]
            found.append((max(answers), image, parts[answers.index(max(answers))]))
        found.sort(key=lambda entry: -entry[0])
        assert views.images[plane].tolist() == [image for _, image, _ in found[:3]]
        for part, (_, _, expected) in zip(views.parts[plane], found, strict=False):
            assert torch.equal(part, expected)


@pytest.mark.parametrize("count", [0, 3])
def test_there_are_no_more_views_than_images(count):
    with pytest.raises(ParameterError) as error:
        strongest_views(Conv2d(1, 2, 3), torch.rand(2, 1, 4, 4), count=count)
    assert str(error.value) == f"count={count} must be from 1 to 2, the number of images"


@pytest.mark.parametrize("padding", ["same", ("same", "valid"), ("valid", "same")])
def test_a_net_that_pads_has_no_views(padding):
    with pytest.raises(ParameterError) as error:
        strongest_views(Conv2d(1, 2, 3, padding=padding), torch.rand(2, 1, 4, 4), count=1)
    assert str(error.value) == "Conv2d pads an axis; a cell's view is known with padding='valid'"


@pytest.mark.parametrize("own", [True, False], ids=["weights", "means"])
def test_the_picture_shows_each_plane_in_blue_and_grey(own, tmp_path):
    torch.manual_seed(0)
    layer, path = SLayer(1, 5, 3), tmp_path / "planes.png"
    patterns = layer.a[:, 0] if own else None
    draw_planes(layer, torch.rand(30, 1, 8, 8), path, title="$ five planes", patterns=patterns, columns=2)
    red, _, blue = torch.from_numpy(matplotlib.image.imread(path)[..., :3]).unbind(-1)
    coloured = (blue - red > 0.1).float()
    # strips in two columns of three and two: a blue tile begins each
    columns = coloured.any(dim=0).int().diff().eq(1).sum()
    rows = coloured.any(dim=1).int().diff().eq(1).sum()
    assert columns == 2 and rows == 3


def test_an_unknown_ending_is_refused(tmp_path):
    with pytest.raises(ParameterError) as error:
        draw_planes(SLayer(1, 5, 3), torch.rand(30, 1, 8, 8), tmp_path / "planes.txt", title="")
    assert str(error.value) == f"picture={tmp_path / 'planes.txt'} must end in .png, .svg or .pdf"
