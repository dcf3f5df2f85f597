"""A picture is turned, moved and shaped as the numbers say, and the numbers are drawn as their ranges say."""

import math

import pytest
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as reference

from audiocnn.augment import affine
from audiocnn.augment.affine import affine_matrices, random_affine, resample
from audiocnn.errors import ParameterError

NOTHING = {
    "rotation_degrees": 0.0,
    "down_pixels": 0.0,
    "right_pixels": 0.0,
    "scale": 1.0,
    "shear_degrees": 0.0,
    "stretch": 1.0,
}
RANGES = {
    "max_rotation_degrees": 180,
    "max_translation_pixels": 10,
    "max_scale": 1.6,
    "max_shear_degrees": 20,
    "max_stretch": 1.3,
}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def changed(pictures: torch.Tensor, how: dict[str, object] | None = None, **amounts: float) -> torch.Tensor:
    """All pictures changed by the same amounts."""
    each = {
        name: torch.full((len(pictures),), value, dtype=torch.float64)
        for name, value in {**NOTHING, **amounts}.items()
    }
    return resample(pictures, affine_matrices(**each), **(how or {}))


@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_quarter_turn_is_an_exact_one_counter_clockwise(size: int, quarters: int) -> None:
    pictures = torch.rand(2, 3, size, size)
    turned = changed(pictures, rotation_degrees=90.0 * quarters)
    torch.testing.assert_close(turned, pictures.rot90(quarters, (2, 3)), rtol=0, atol=2e-6)


def test_a_half_turn_of_any_shape_is_exact_too() -> None:
    pictures = torch.rand(2, 1, 7, 12)
    torch.testing.assert_close(
        changed(pictures, rotation_degrees=180.0), pictures.flip(2, 3), rtol=0, atol=2e-6
    )


@pytest.mark.parametrize(("down", "right"), [(2, 0), (0, 3), (-1, -4)])
def test_by_whole_pixels_pictures_are_shifted(down: int, right: int) -> None:
    pictures = torch.rand(2, 1, 9, 14)
    moved = changed(pictures, {"fill": 0.5}, down_pixels=float(down), right_pixels=float(right))
    expected = torch.full_like(pictures, 0.5)
    rows, columns = slice(max(down, 0), 9 + min(down, 0)), slice(max(right, 0), 14 + min(right, 0))
    from_rows = slice(max(-down, 0), 9 - max(down, 0))
    from_columns = slice(max(-right, 0), 14 - max(right, 0))
    expected[:, :, rows, columns] = pictures[:, :, from_rows, from_columns]
    torch.testing.assert_close(moved, expected, rtol=0, atol=3e-6)


def disc(radius: float, size: int = 65) -> torch.Tensor:
    place = torch.arange(size) - size // 2
    distance = (place[:, None] ** 2 + place**2).sqrt()
    return (radius + 0.5 - distance).clamp(0, 1)[None, None]


@pytest.mark.parametrize("factor", [1 / 1.6, 1.3, 1.6])
def test_a_disc_grows_by_the_scale_and_is_stretched_without_growing(factor: float) -> None:
    picture = disc(12)
    area = picture.sum()
    assert float(changed(picture, scale=factor).sum() / area) == pytest.approx(factor**2, rel=0.01)
    longer = changed(picture, stretch=factor)
    assert float(longer.sum() / area) == pytest.approx(1, rel=0.01)
    assert float(longer[0, 0, 32].sum() / longer[0, 0, :, 32].sum()) == pytest.approx(factor**2, rel=0.02)


def test_a_slant_moves_the_top_to_the_right_and_keeps_heights() -> None:
    line = torch.zeros(1, 1, 41, 41)
    line[0, 0, :, 20] = 1
    slanted = changed(line, shear_degrees=20.0)[0, 0]
    middle = (slanted * torch.arange(41)).sum(dim=1) / slanted.sum(dim=1)
    up = 20 - torch.arange(41)
    torch.testing.assert_close(middle, 20 + up * math.tan(math.radians(20)), rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("degrees", "right", "down", "scale", "shear"),
    [
        (30.0, 0, 0, 1.0, 0.0),
        (0.0, 0, 0, 1.0, 15.0),
        (-77.0, 3, -5, 1.4, -20.0),
        (161.0, -2, 1, 1 / 1.5, 12.5),
    ],
)
def test_all_together_is_what_torchvision_makes_with_one_number_for_all(
    degrees: float, right: int, down: int, scale: float, shear: float
) -> None:
    pictures = torch.rand(2, 3, 24, 31)
    expected = reference.affine(
        pictures, -degrees, [right, down], scale, [shear, 0.0], interpolation=InterpolationMode.BILINEAR
    )
    ours = changed(
        pictures,
        rotation_degrees=degrees,
        right_pixels=float(right),
        down_pixels=float(down),
        scale=scale,
        shear_degrees=shear,
    )
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-4)


def test_each_picture_has_its_own_matrix() -> None:
    pictures = torch.rand(1, 1, 9, 9).repeat(2, 1, 1, 1)
    degrees = torch.tensor([0.0, 90.0], dtype=torch.float64)
    each = {name: torch.full_like(degrees, value) for name, value in NOTHING.items()}
    turned = resample(pictures, affine_matrices(**{**each, "rotation_degrees": degrees}))
    torch.testing.assert_close(turned[:1], pictures[:1])
    torch.testing.assert_close(turned[1], pictures[1].rot90(1, (1, 2)), rtol=0, atol=2e-6)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, [0.0, 0.0, 1.0, 2.0]),
        ({"fill": 0.25}, [0.25, 0.25, 1.0, 2.0]),
        ({"outside": "border"}, [1.0, 1.0, 1.0, 2.0]),
        ({"outside": "reflection"}, [2.0, 1.0, 1.0, 2.0]),
    ],
)
def test_what_is_seen_beyond_the_edges(how: dict[str, object], expected: list[float]) -> None:
    moved = changed(torch.tensor([[[[1.0, 2.0, 3.0, 4.0]]]]), how, right_pixels=2.0)
    torch.testing.assert_close(moved.flatten(), torch.tensor(expected), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", list(RANGES))
def test_each_range_alone_moves_one_number_evenly(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: dict[str, torch.Tensor] = {}

    def recorded(**amounts: torch.Tensor) -> torch.Tensor:
        drawn.update(amounts)
        return affine_matrices(**amounts)

    monkeypatch.setattr(affine, "affine_matrices", recorded)
    random_affine(torch.zeros(4000, 1, 1, 1), **{name: RANGES[name]}, generator=seeded())
    varied = {amount for amount, values in drawn.items() if values.unique().numel() > 1}
    assert (
        varied
        == {
            "max_rotation_degrees": {"rotation_degrees"},
            "max_translation_pixels": {"down_pixels", "right_pixels"},
            "max_scale": {"scale"},
            "max_shear_degrees": {"shear_degrees"},
            "max_stretch": {"stretch"},
        }[name]
    )
    assert {float(values[0]) for amount, values in drawn.items() if amount not in varied} <= {0.0, 1.0}
    for amount in varied:
        values, most = drawn[amount], RANGES[name]
        if amount in ("scale", "stretch"):
            values, most = values.log(), math.log(most)
        assert values.abs().max() <= most
        counts = torch.histc(values, bins=10, min=-most, max=most)
        assert (counts - 400).abs().max() < 80  # four standard deviations
    if name == "max_translation_pixels":
        together = torch.stack((drawn["down_pixels"], drawn["right_pixels"]))
        assert abs(float(torch.corrcoef(together)[0, 1])) < 0.07


def test_the_generators_state_decides_and_the_input_stays() -> None:
    pictures = torch.rand(3, 1, 12, 12)
    before, generator = pictures.clone(), seeded(5)
    first = random_affine(pictures, **RANGES, generator=generator)
    assert not torch.equal(random_affine(pictures, **RANGES, generator=generator), first)
    assert torch.equal(random_affine(pictures, **RANGES, generator=seeded(5)), first)
    assert torch.equal(pictures, before)
    # others in the batch change nothing but the draws
    assert not torch.equal(first[0], first[1])


def test_without_ranges_the_input_itself_comes_back_and_nothing_is_drawn() -> None:
    pictures, generator = torch.rand(2, 1, 5, 5), seeded()
    assert random_affine(pictures, generator=generator) is pictures
    assert torch.equal(generator.get_state(), seeded().get_state())


def test_the_result_is_on_the_inputs_device() -> None:
    # the meta device, which every machine has, refuses to meet tensors of the CPU as a GPU does
    pictures = torch.ones(2, 3, 8, 8, device="meta")
    for how in ({}, {"fill": 0.5}, {"outside": "border"}):
        assert random_affine(pictures, **RANGES, **how, generator=seeded()).device.type == "meta"


@pytest.mark.parametrize(
    ("shape", "change", "message"),
    [
        ((1, 8, 8), {}, "pictures of shape (1, 8, 8) must be (batch, channel, rows, columns)"),
        (
            (1, 1, 8, 8),
            {"max_rotation_degrees": 360},
            "max_rotation_degrees=360 must be from 0 to 180; 0 changes nothing",
        ),
        (
            (1, 1, 8, 8),
            {"max_shear_degrees": 90},
            "max_shear_degrees=90 must be from 0 to 80; 0 changes nothing",
        ),
        (
            (1, 1, 8, 8),
            {"max_translation_pixels": -1},
            "max_translation_pixels=-1 must be at least 0, which changes nothing",
        ),
        ((1, 1, 8, 8), {"max_scale": 0.5}, "max_scale=0.5 must be at least 1, which changes nothing"),
        (
            (1, 1, 8, 8),
            {"max_stretch": math.inf},
            "max_stretch=inf must be at least 1, which changes nothing",
        ),
        (
            (1, 1, 8, 8),
            {"outside": "wrap"},
            "outside='wrap' must be 'fill', 'border' or 'reflection'",
        ),
    ],
)
def test_ranges_that_cannot_work(shape, change, message) -> None:
    with pytest.raises(ParameterError) as error:
        random_affine(torch.ones(shape), **change, generator=seeded())
    assert str(error.value) == message
