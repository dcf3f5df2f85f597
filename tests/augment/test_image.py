"""Flips, crops and holes move whole pixels; what is on is done, in one order, and nothing else."""

import json
from dataclasses import asdict

import pytest
import torch

from audiocnn.augment.affine import random_affine
from audiocnn.augment.colour import IMAGENET_COLOURS, colour_jitter, pca_lighting, random_grayscale
from audiocnn.augment.image import (
    PLANKTON,
    ImageAugmentation,
    augment_pictures,
    cutout,
    random_crop,
    random_flip,
)
from audiocnn.errors import ParameterError

OF_TRAINING = "ColourAxes.of(corpus.pictures) are those of the training pictures"


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def places(batch: int, rows: int, columns: int) -> torch.Tensor:
    """Pictures of which every pixel tells its row and its column, in two channels."""
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return torch.stack((row, column)).float().repeat(batch, 1, 1, 1)


def test_half_of_the_pictures_are_mirrored_exactly_in_either_way() -> None:
    pictures = places(2000, 3, 4)
    flipped = random_flip(pictures, columns=True, rows=True, generator=seeded())
    kinds = {(): 0, (3,): 0, (2,): 0, (2, 3): 0}
    for picture in flipped[:, None]:
        (kind,) = [axes for axes in kinds if torch.equal(picture, pictures[:1].flip(axes))]
        kinds[kind] += 1
    assert max(abs(count - 500) for count in kinds.values()) < 80  # four standard deviations
    once = random_flip(pictures, generator=seeded())
    assert torch.equal(once[:, 0], pictures[:, 0]) and not torch.equal(once[:, 1], pictures[:, 1])
    assert torch.equal(pictures, places(2000, 3, 4))


def test_a_crop_is_a_part_of_the_picture_at_any_place_where_it_fits() -> None:
    parts = random_crop(places(3000, 7, 6), 5, 4, generator=seeded())
    assert parts.shape == (3000, 2, 5, 4)
    top, left = parts[:, 0, :1, :1], parts[:, 1, :1, :1]
    within = places(1, 5, 4)
    assert torch.equal(parts[:, 0], top + within[:, 0]) and torch.equal(parts[:, 1], left + within[:, 1])
    at = (top * 3 + left).flatten().long()
    counts = torch.bincount(at, minlength=9)
    assert len(counts) == 9 and (counts - 3000 / 9).abs().max() < 70  # four standard deviations


def test_a_crop_may_reach_into_the_padding() -> None:
    parts = random_crop(places(500, 4, 4) + 1, 4, 4, padding=2, fill=-1.0, generator=seeded())
    assert parts.shape == (500, 2, 4, 4)
    covered = (parts[:, 0] == -1).sum(dim=(1, 2))
    # by 0, 1 or 2 on either side: what is left of rows and columns is 4, 3 or 2
    assert set((16 - covered).tolist()) == {16, 12, 9, 8, 6, 4}
    whole = parts[covered == 0]
    assert torch.equal(whole, (places(1, 4, 4) + 1).expand_as(whole))


def test_a_crop_of_all_is_the_picture() -> None:
    pictures = places(3, 4, 5)
    assert torch.equal(random_crop(pictures, 4, 5, generator=seeded()), pictures)


@pytest.mark.parametrize("size", [1, 4, 5])
def test_a_hole_is_square_and_its_middle_any_pixel(size: int) -> None:
    pictures = torch.ones(6000, 2, 9, 12)
    cut = cutout(pictures, size=size, fill=0.25, generator=seeded())
    assert torch.equal(cut[:, 0], cut[:, 1]) and set(cut.unique().tolist()) == {0.25, 1.0}
    hole = cut[:, 0] == 0.25
    across, down = hole.any(dim=1), hole.any(dim=2)
    assert torch.equal(hole, down[:, :, None] & across[:, None, :])
    assert across.sum(dim=1).max() == down.sum(dim=1).max() == size
    # along each axis a pixel is covered from as many middles as are within half a hole of it
    for length, covered in ((9, down), (12, across)):
        reach = torch.tensor(
            [sum(p - size < c - size // 2 <= p for c in range(length)) for p in range(length)]
        )
        expected = 6000 * reach / length
        deviation = (expected * (1 - reach / length)).sqrt()
        assert ((covered.sum(dim=0) - expected).abs() <= 4.5 * deviation).all()
    assert torch.equal(pictures, torch.ones_like(pictures))


def test_nothing_on_is_the_input_itself() -> None:
    pictures, generator = torch.rand(2, 1, 5, 5), seeded()
    assert augment_pictures(pictures, ImageAugmentation(), generator) is pictures
    assert torch.equal(generator.get_state(), seeded().get_state())


def test_all_that_is_on_is_done_one_after_the_other() -> None:
    ranges = {
        "max_rotation_degrees": 30,
        "max_translation_pixels": 2,
        "max_scale": 1.2,
        "max_shear_degrees": 5,
        "max_stretch": 1.1,
        "outside": "border",
    }
    amounts = {"brightness": 0.4, "contrast": 0.3, "saturation": 0.2, "hue": 0.1}
    config = ImageAugmentation(
        flip_columns=True,
        flip_rows=True,
        **ranges,
        crop_rows=8,
        crop_columns=9,
        crop_padding=1,
        grayscale_probability=0.5,
        **amounts,
        lighting_deviation=0.1,
        colour_axes=IMAGENET_COLOURS,
        cutout_size=3,
        fill=0.5,
    )
    pictures, generator = torch.rand(6, 3, 12, 12), seeded(1)
    expected = random_flip(pictures, columns=True, rows=True, generator=generator)
    expected = random_affine(expected, **ranges, fill=0.5, generator=generator)
    expected = random_crop(expected, 8, 9, padding=1, fill=0.5, generator=generator)
    expected = random_grayscale(expected, probability=0.5, generator=generator)
    expected = colour_jitter(expected, **amounts, generator=generator)
    expected = pca_lighting(expected, IMAGENET_COLOURS, deviation=0.1, generator=generator)
    expected = cutout(expected, size=3, fill=0.5, generator=generator)
    assert torch.equal(augment_pictures(pictures, config, seeded(1)), expected)
    assert not torch.equal(augment_pictures(pictures, config, seeded(2)), expected)
    on_device = augment_pictures(pictures.to("meta"), config, seeded(1))
    assert on_device.device.type == "meta" and on_device.shape == (6, 3, 8, 9)


def test_plankton_is_turned_by_any_angle_and_keeps_its_size() -> None:
    pictures = torch.rand(4, 1, 28, 28)
    changed = augment_pictures(pictures, PLANKTON, seeded())
    assert changed.shape == pictures.shape and changed.min() >= 0 and changed.max() <= 1
    assert PLANKTON.max_rotation_degrees == 180 and PLANKTON.max_scale == 1.6


def test_a_config_is_plain_values() -> None:
    config = ImageAugmentation(lighting_deviation=0.1, colour_axes=IMAGENET_COLOURS)
    assert json.loads(json.dumps(asdict(config)))["colour_axes"]["variances"] == [0.2175, 0.0188, 0.0045]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_scale": 0.9}, "max_scale=0.9 must be at least 1, which changes nothing"),
        ({"hue": 0.6}, "hue=0.6 must be from 0, which changes nothing, to 0.5, half the circle"),
        (
            {"grayscale_probability": -1},
            "grayscale_probability=-1 must be from 0 to 1; 0 changes nothing",
        ),
        ({"cutout_size": -1}, "cutout_size=-1 must not be negative; 0 changes nothing"),
        ({"crop_rows": 4}, "crop_rows=4 and crop_columns=0 belong together; give both"),
        ({"crop_padding": 4}, "crop_padding=4 has no use without crop_rows"),
        (
            {"lighting_deviation": 0.1},
            "lighting_deviation=0.1 needs colour_axes; " + OF_TRAINING,
        ),
    ],
)
def test_a_config_that_cannot_work(change, message) -> None:
    with pytest.raises(ParameterError) as error:
        ImageAugmentation(**change)
    assert str(error.value) == message


TOO_SMALL = "of a picture and its padding; read pictures in larger, or pad them more"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda p: random_crop(p, 7, 4, padding=1, generator=seeded()),
            "rows=7 and columns=4 must be positive and at most the 6 by 7 pixels " + TOO_SMALL,
        ),
        (
            lambda p: random_crop(p, 4, 0, generator=seeded()),
            "rows=4 and columns=0 must be positive and at most the 4 by 5 pixels " + TOO_SMALL,
        ),
        (
            lambda p: random_crop(p, 4, 4, padding=-1, generator=seeded()),
            "padding=-1 must not be negative; 4 is usual for 32 by 32 pixels",
        ),
        (
            lambda p: cutout(p, size=0, generator=seeded()),
            "size=0 must be a positive number of pixels; to cut no hole leave cutout out",
        ),
    ],
)
def test_sizes_that_cannot_work(change, message) -> None:
    with pytest.raises(ParameterError) as error:
        change(torch.zeros(2, 1, 4, 5))
    assert str(error.value) == message
