"""Colours change as torchvision changes them, each picture's by its own number; light keeps to the axes."""

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from audiocnn.augment import colour
from audiocnn.augment.colour import (
    IMAGENET_COLOURS,
    ColourAxes,
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    colour_jitter,
    pca_lighting,
    random_grayscale,
)
from audiocnn.errors import ParameterError

LUMA = 2e-4  # torchvision rounds the red of its grey to 0.2989


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures_of(channels: int = 3) -> torch.Tensor:
    """Noise, with some grey, black and white pixels, where hue is not defined."""
    pictures = torch.rand(4, channels, 6, 7)
    pictures[:, :, 0] = pictures[:, :1, 0]
    pictures[:, :, 1, :3], pictures[:, :, 1, 3:] = 0, 1
    pictures[:, :1, 2] = pictures[:, -1:, 2]  # of two equal channels
    return pictures


@pytest.mark.parametrize(
    ("ours", "theirs", "numbers", "tolerance"),
    [
        (adjust_brightness, reference.adjust_brightness, (0.0, 0.6, 1.0, 1.6), 1e-6),
        (adjust_contrast, reference.adjust_contrast, (0.0, 0.6, 1.0, 1.6), LUMA),
        (adjust_saturation, reference.adjust_saturation, (0.0, 0.6, 1.0, 1.6), LUMA),
        (adjust_hue, reference.adjust_hue, (-0.5, -0.1, 0.0, 0.3), 2e-6),
    ],
)
def test_each_picture_by_its_own_number_is_what_torchvision_makes_of_it(
    ours, theirs, numbers, tolerance
) -> None:
    pictures = pictures_of()
    before = pictures.clone()
    result = ours(pictures, torch.tensor(numbers, dtype=torch.float64))
    for picture, number, changed in zip(pictures, numbers, result, strict=True):
        torch.testing.assert_close(changed, theirs(picture, number), rtol=0, atol=tolerance)
    assert torch.equal(pictures, before)
    assert result.min() >= 0 and result.max() <= 1


@pytest.mark.parametrize("adjust", [adjust_brightness, adjust_contrast])
def test_grey_pictures_have_brightness_and_contrast(adjust) -> None:
    pictures, factors = pictures_of(1), torch.tensor([0.0, 0.6, 1.0, 1.6])
    theirs = getattr(reference, adjust.__name__)
    for picture, factor, changed in zip(pictures, factors, adjust(pictures, factors), strict=True):
        torch.testing.assert_close(changed, theirs(picture, float(factor)), rtol=0, atol=1e-6)


def test_three_thirds_of_the_circle_are_all_of_it() -> None:
    pictures = pictures_of()
    turned = pictures
    for _ in range(3):
        turned = adjust_hue(turned, torch.full((4,), 1 / 3))
    torch.testing.assert_close(turned, pictures, rtol=0, atol=2e-6)


def test_jitter_draws_evenly_for_each_picture_and_leaves_alone_what_is_off() -> None:
    pictures = torch.full((4000, 1, 1, 1), 0.4)
    factors = colour_jitter(pictures, brightness=0.5, generator=seeded()).flatten() / 0.4
    assert factors.min() >= 0.5 and factors.max() <= 1.5
    counts = torch.histc(factors, bins=10, min=0.5, max=1.5)
    assert (counts - 400).abs().max() < 80  # four standard deviations
    # an even picture has no contrast, and a grey one no saturation and no hue
    grey = torch.full((9, 3, 2, 2), 0.4)
    changed = colour_jitter(grey, contrast=1, saturation=1, hue=0.5, generator=seeded())
    torch.testing.assert_close(changed, grey)
    assert colour_jitter(grey, generator=seeded()) is grey


def test_hues_are_drawn_to_both_sides() -> None:
    red = torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1).repeat(2000, 1, 1, 1)
    changed = colour_jitter(red, hue=1 / 6, generator=seeded()).flatten(1)
    assert (changed[:, 0] == 1).all()
    towards_green, towards_blue = changed[:, 1] > 0, changed[:, 2] > 0
    assert abs(int(towards_green.sum()) - 1000) < 90  # four standard deviations
    assert not (towards_green & towards_blue).any()
    assert abs(float(changed[towards_green, 1].mean()) - 0.5) < 0.04


def test_the_order_of_the_four_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    orders = set()
    for seed in range(40):
        done: list[str] = []
        for name in ("brightness", "contrast", "saturation", "hue"):
            monkeypatch.setattr(
                colour, f"adjust_{name}", lambda p, n, name=name, done=done: done.append(name) or p
            )
        colour_jitter(pictures_of(), brightness=1, contrast=1, saturation=1, hue=0.1, generator=seeded(seed))
        assert len(set(done)) == 4
        orders.add(tuple(done))
    assert len(orders) > 12


def test_some_pictures_lose_their_colours() -> None:
    pictures = torch.rand(2000, 3, 2, 2)
    changed = random_grayscale(pictures, probability=0.25, generator=seeded())
    lost = (changed != pictures).flatten(1).any(dim=1)
    assert abs(int(lost.sum()) - 500) < 80  # four standard deviations
    expected = reference.rgb_to_grayscale(pictures[lost], num_output_channels=3)
    torch.testing.assert_close(changed[lost], expected, rtol=0, atol=LUMA)
    assert torch.equal(changed[~lost], pictures[~lost])
    assert torch.equal(random_grayscale(pictures, probability=0, generator=seeded()), pictures)


def test_axes_are_those_of_the_covariance_of_colours() -> None:
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(3, 3)) * 20
    colours = np.clip(rng.normal(size=(5000, 3)) @ mixing.T + 120, 0, 255).astype(np.uint8)
    pictures = torch.from_numpy(colours).view(50, 10, 10, 3).permute(0, 3, 1, 2)
    axes = ColourAxes.of(pictures)
    covariance = np.cov(colours.T / 255, bias=True)
    variances, directions = np.array(axes.variances), np.array(axes.directions)
    np.testing.assert_allclose(directions.T @ np.diag(variances) @ directions, covariance, atol=1e-12)
    np.testing.assert_allclose(directions @ directions.T, np.eye(3), atol=1e-12)
    assert list(variances) == sorted(variances, reverse=True)
    assert (directions[range(3), np.abs(directions).argmax(axis=1)] > 0).all()
    of_floats = ColourAxes.of(pictures.double() / 255)
    np.testing.assert_allclose(of_floats.variances, axes.variances, atol=1e-12)


def test_many_pictures_are_summed_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = torch.rand(23, 3, 4, 5)
    at_once = ColourAxes.of(pictures)
    monkeypatch.setattr(colour, "_AT_ONCE", 200)
    np.testing.assert_allclose(ColourAxes.of(pictures).directions, at_once.directions, atol=1e-9)
    np.testing.assert_allclose(ColourAxes.of(pictures).variances, at_once.variances, atol=1e-12)


def test_light_is_even_over_a_picture_and_varies_along_the_axes_by_their_variances() -> None:
    pictures = torch.rand(4000, 3, 2, 3, dtype=torch.float64)
    added = pca_lighting(pictures, IMAGENET_COLOURS, deviation=0.1, generator=seeded()) - pictures
    light = added[:, :, 0, 0]
    torch.testing.assert_close(added, light[:, :, None, None].expand_as(added))
    directions = torch.tensor(IMAGENET_COLOURS.directions, dtype=torch.float64)
    along = light @ torch.linalg.inv(directions)  # the axes are printed to four digits
    expected = 0.1 * torch.tensor(IMAGENET_COLOURS.variances, dtype=torch.float64)
    torch.testing.assert_close(along.std(dim=0), expected, rtol=0.05, atol=0)
    assert along.mean(dim=0).abs().max() < 0.1 * 0.2175 * 4 / 4000**0.5
    assert torch.corrcoef(along.T).fill_diagonal_(0).abs().max() < 0.07
    assert torch.equal(pca_lighting(pictures, IMAGENET_COLOURS, deviation=0, generator=seeded()), pictures)


def test_the_generators_state_decides() -> None:
    pictures = pictures_of()
    for change in (
        lambda generator: colour_jitter(pictures, brightness=0.4, hue=0.1, generator=generator),
        lambda generator: pca_lighting(pictures, IMAGENET_COLOURS, generator=generator),
    ):
        generator = seeded(3)
        first = change(generator)
        assert torch.equal(change(seeded(3)), first)
        assert not torch.equal(change(generator), first)


def test_the_result_is_on_the_inputs_device() -> None:
    # the meta device, which every machine has, refuses to meet tensors of the CPU as a GPU does
    pictures = torch.ones(2, 3, 4, 4, device="meta")
    for changed in (
        colour_jitter(pictures, brightness=1, contrast=1, saturation=1, hue=0.5, generator=seeded()),
        random_grayscale(pictures, probability=0.5, generator=seeded()),
        pca_lighting(pictures, IMAGENET_COLOURS, generator=seeded()),
    ):
        assert changed.device.type == "meta" and changed.shape == pictures.shape


NO_COLOURS = (
    "pictures of shape (2, 1, 4, 4) must be (batch, 3, rows, columns); grey ones have no colours to change"
)


@pytest.mark.parametrize(
    "change",
    [
        lambda p: colour_jitter(p, saturation=0.5, generator=seeded()),
        lambda p: colour_jitter(p, hue=0.5, generator=seeded()),
        lambda p: random_grayscale(p, probability=0.5, generator=seeded()),
        lambda p: pca_lighting(p, IMAGENET_COLOURS, generator=seeded()),
        ColourAxes.of,
    ],
)
def test_grey_pictures_have_no_colours(change) -> None:
    with pytest.raises(ParameterError) as error:
        change(torch.zeros(2, 1, 4, 4))
    assert str(error.value) == NO_COLOURS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda p: colour_jitter(p, brightness=-0.1, generator=seeded()),
            "brightness=-0.1 must be from 0, which changes nothing, to 1; 0.4 is usual",
        ),
        (
            lambda p: colour_jitter(p, contrast=2, generator=seeded()),
            "contrast=2 must be from 0, which changes nothing, to 1; 0.4 is usual",
        ),
        (
            lambda p: colour_jitter(p, saturation=2, generator=seeded()),
            "saturation=2 must be from 0, which changes nothing, to 1; 0.4 is usual",
        ),
        (
            lambda p: colour_jitter(p, hue=0.6, generator=seeded()),
            "hue=0.6 must be from 0, which changes nothing, to 0.5, half the circle",
        ),
        (
            lambda p: random_grayscale(p, probability=1.5, generator=seeded()),
            "probability=1.5 must be from 0 to 1; 0.1 is one picture in ten",
        ),
        (
            lambda p: pca_lighting(p, IMAGENET_COLOURS, deviation=-1, generator=seeded()),
            "deviation=-1 must not be negative; 0.1 is AlexNet's",
        ),
    ],
)
def test_amounts_that_cannot_work(change, message) -> None:
    with pytest.raises(ParameterError) as error:
        change(torch.zeros(2, 3, 4, 4))
    assert str(error.value) == message
