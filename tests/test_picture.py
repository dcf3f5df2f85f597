"""A picture is what the file shows, at the size asked for; whatever is wrong with a file is said."""

import struct
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import v2

from audiocnn.errors import ImageReadError, ParameterError
from audiocnn.picture import MOST_PIXELS, PictureConfig, fit, grey, read

DRAW = np.random.default_rng(0)
COLOUR = DRAW.integers(0, 256, (5, 7, 3), np.uint8)
GREY = DRAW.integers(0, 256, (5, 7), np.uint8)
LOSSLESS = {"webp": {"lossless": True}}
# smooth and not tiny, so that every format has something to compress
WAVES = np.stack([np.add.outer(np.arange(40) * k, np.arange(60)) % 256 for k in (1, 2, 3)], -1).astype(
    np.uint8
)
NO_PICTURE = "must be floating point (channel, rows, columns); picture.float() / 255 makes it of bytes"
ENDINGS = ("png", "jpg", "bmp", "gif", "tif", "webp", "ppm")


def write(path, pixels, **how):
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, **how)
    return path


def unit(pixels):
    """What a tensor of these 8-bit pixels is, colours first."""
    picture = torch.from_numpy(pixels.copy()).float() / 255
    return picture.permute(2, 0, 1) if picture.dim() == 3 else picture[None]


def complaint(path, kind=ImageReadError, **how):
    with pytest.raises(kind) as error:
        read(path, **how)
    return str(error.value)


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "webp", "ppm"])
def test_what_a_lossless_file_holds_comes_back_exactly(tmp_path, ending):
    path = write(tmp_path / f"a.{ending}", COLOUR, **LOSSLESS.get(ending, {}))
    picture = read(path)
    assert picture.dtype == torch.float32 and torch.equal(picture, unit(COLOUR))
    assert torch.equal(read(str(path), channels=3), picture)


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "pgm"])
def test_grey_stays_one_channel(tmp_path, ending):
    assert torch.equal(read(write(tmp_path / f"a.{ending}", GREY)), unit(GREY))


def test_a_jpeg_is_nearly_what_was_saved(tmp_path):
    picture = read(write(tmp_path / "a.jpeg", WAVES[:, :, [0, 0, 0]], quality=95))
    assert picture.shape == (3, 40, 60) and (picture - unit(WAVES[:, :, [0, 0, 0]])).abs().mean() < 0.02


def test_the_contents_tell_the_format(tmp_path):
    write(tmp_path / "a.png", COLOUR).rename(tmp_path / "a.jpg")
    assert torch.equal(read(tmp_path / "a.jpg"), unit(COLOUR))


def test_colour_becomes_grey_and_grey_colour(tmp_path):
    colour, shade = write(tmp_path / "c.png", COLOUR), write(tmp_path / "g.png", GREY)
    r, g, b = COLOUR.astype(float).transpose(2, 0, 1) / 255
    expected = torch.from_numpy(0.299 * r + 0.587 * g + 0.114 * b)[None].float()
    torch.testing.assert_close(read(colour, channels=1), expected)
    assert torch.equal(read(shade, channels=3), unit(GREY).repeat(3, 1, 1))
    assert torch.equal(grey(read(colour)), read(colour, channels=1))
    # Pillow rounds to 8 bits
    with Image.open(colour) as image:
        pillow = unit(np.asarray(image.convert("L")))
    assert (read(colour, channels=1) - pillow).abs().max() <= 1 / 255


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
def test_all_sixteen_bits_count_and_white_is_one(tmp_path, ending):
    values = np.array([[0, 1, 255, 256], [257, 32768, 65534, 65535]], np.uint16)
    picture = read(write(tmp_path / f"a.{ending}", values))
    assert torch.equal(picture, torch.from_numpy(values / np.float32(65535))[None])
    assert picture.max() == 1


def tiff(values, bits):
    """A grey TIFF of one row, by hand: Pillow writes none of 12 bits."""
    row = "".join(f"{value:0{bits}b}" for value in values)
    data = int(row, 2).to_bytes(len(row) // 8)
    tags = {256: len(values), 257: 1, 258: bits, 259: 1, 262: 1, 273: 8 + 2 + 9 * 12 + 4, 277: 1, 278: 1}
    tags[279] = len(data)
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + data


def test_white_is_one_in_twelve_bits_too(tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff([0, 1, 2048, 4095], 12))
    expected = torch.tensor([[[0, 1, 2048, 4095]]]) / 4095
    assert torch.equal(read(tmp_path / "a.tif"), expected)


def test_black_and_white_and_palettes(tmp_path):
    assert torch.equal(
        read(write(tmp_path / "a.png", GREY > 127)), torch.from_numpy(GREY > 127)[None].float()
    )
    few = COLOUR // 128 * 255  # 8 colours
    for ending in ("png", "gif", "bmp"):
        path = write(
            tmp_path / f"b.{ending}", Image.fromarray(few).convert("P", palette=Image.Palette.ADAPTIVE)
        )
        with Image.open(path) as image:
            assert image.mode == "P"
        assert torch.equal(read(path), unit(few))


def test_one_is_seen_through_to_the_background(tmp_path):
    opacity = DRAW.integers(0, 256, (5, 7, 1), np.uint8)
    path = write(tmp_path / "a.png", np.concatenate((COLOUR, opacity), axis=2))
    share = unit(opacity)
    for background in (0.0, 0.25, 1.0):
        expected = share * unit(COLOUR) + (1 - share) * background
        torch.testing.assert_close(read(path, background=background), expected)
    assert torch.equal(read(path), read(path, background=1.0))  # as on paper


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "1"])
def test_one_colour_may_be_the_transparent_one(tmp_path, mode):
    image = Image.new(mode, (2, 1), {"RGB": (0, 0, 0)}.get(mode, 0))
    if mode == "P":
        image.putpalette([0, 0, 0, 255, 0, 0])
    image.putpixel((1, 0), {"RGB": (255, 0, 0), "L": 255}.get(mode, 1))
    key = (0, 0, 0) if mode == "RGB" else 0
    picture = read(write(tmp_path / "a.png", image, transparency=key), background=0.5)
    assert len(picture) == (1 if mode in "L1" else 3)
    assert (picture[:, 0, 0] == 0.5).all() and picture[0, 0, 1] == 1


def test_grey_with_opacity_is_grey(tmp_path):
    picture = read(write(tmp_path / "a.png", Image.new("LA", (3, 2), (51, 255))))
    assert torch.equal(picture, torch.full((1, 2, 3), 0.2))


def test_printing_inks_become_colours(tmp_path):
    picture = read(write(tmp_path / "a.jpg", Image.new("CMYK", (8, 8), (0, 255, 255, 0))))
    assert picture.shape == (3, 8, 8)
    assert picture[0].min() > 0.95 and picture[1:].max() < 0.05  # red: all but cyan


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (1, lambda p: p),
        (2, lambda p: p.flip(2)),
        (3, lambda p: p.rot90(2, (1, 2))),
        (4, lambda p: p.flip(1)),
        (5, lambda p: p.transpose(1, 2)),
        (6, lambda p: p.rot90(-1, (1, 2))),
        (7, lambda p: p.rot90(2, (1, 2)).transpose(1, 2)),
        (8, lambda p: p.rot90(1, (1, 2))),
    ],
)
def test_pictures_stand_upright(tmp_path, orientation, turned):
    exif = Image.Exif()
    exif[274] = orientation
    for ending in ("png", "tif", "webp"):
        path = write(tmp_path / f"a.{ending}", COLOUR, exif=exif, **LOSSLESS.get(ending, {}))
        assert torch.equal(read(path), turned(unit(COLOUR)))
    sixteen = GREY.astype(np.uint16) * 257
    assert torch.equal(read(write(tmp_path / "b.png", sixteen, exif=exif)), turned(unit(GREY)))


@pytest.mark.parametrize("ending", ["gif", "tif", "webp", "png"])
def test_of_several_pictures_the_first_is_read(tmp_path, ending):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "lime", "blue")]
    path = tmp_path / f"a.{ending}"
    frames[0].save(path, save_all=True, append_images=frames[1:], **LOSSLESS.get(ending, {}))
    with Image.open(path) as image:
        assert image.n_frames == 3
    assert read(path, channels=3).mean(dim=(1, 2)).tolist() == [1, 0, 0]


def test_pictures_of_a_stereo_camera_are_jpegs(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=frames[1:])
    assert read(tmp_path / "a.jpg")[0].min() > 0.95


def test_what_keeps_any_file_from_being_read(tmp_path):
    path = tmp_path / "a.png"
    assert complaint(path) == f"{path} does not exist; check the name and the folder"
    assert complaint(tmp_path) == f"{tmp_path} is a folder; name a picture in it"
    path.touch()
    assert complaint(path) == f"{path} is an empty file; copy it again"
    long = tmp_path / ("x" * 300)
    assert (
        complaint(long) == f"{long} cannot be looked up (File name too long); check the name and the folder"
    )
    assert issubclass(ImageReadError, OSError)


def test_no_picture(tmp_path):
    path = tmp_path / "a.png"
    for contents in (b"a text with the wrong name", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"):
        path.write_bytes(contents)
        assert complaint(path) == (
            f"{path} is not a picture that is read here: PNG, JPEG, BMP, GIF, TIFF, WebP, PGM; save it as PNG"
        )


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_truncated_picture_of_any_format(tmp_path, ending):
    path = write(tmp_path / f"a.{ending}", WAVES)
    whole = path.read_bytes()
    for length in (len(whole) // 2, len(whole) * 4 // 5):
        path.write_bytes(whole[:length])
        assert complaint(path).startswith((f"{path} cannot be decoded (", f"{path} is not a picture"))
    path.write_bytes(whole[: len(whole) * 4 // 5])
    if ending in ("jpg", "bmp", "ppm"):
        missing = complaint(path).removeprefix(f"{path} cannot be decoded (image file is truncated (")
        assert missing.removesuffix(" bytes not processed)); copy it again, or save it as PNG").isdigit()


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_damaged_picture_is_read_or_refused_and_nothing_else(tmp_path, ending):
    path = write(tmp_path / f"a.{ending}", WAVES, **({"compression": "tiff_lzw"} if ending == "tif" else {}))
    whole, draw, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(60):
        damaged = bytearray(whole)
        for place in draw.integers(0, len(whole), 4):
            damaged[place] = draw.integers(256)
        # headers are a small part of a file without compression; half of the damage is done to them
        damaged[draw.integers(0, min(60, len(whole)))] = draw.integers(256)
        path.write_bytes(damaged)
        try:
            picture = read(path)
            assert picture.min() >= 0 and picture.max() <= 1
        except ImageReadError as error:
            assert str(error).startswith(str(path))
            refused += 1
    assert refused > 0


def png(rows, columns):
    """The header of a grey PNG, and hardly any data."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


def test_a_small_file_that_holds_too_much(tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(png(10001, 10000))
    assert complaint(path) == f"{path} holds 10000 x 10001 pixels, more than 100,000,000; make it smaller"
    path.write_bytes(png(100_000, 100_000))
    assert complaint(path).startswith(
        f"{path} is too large (Image size (10000000000 pixels) exceeds limit of "
    )
    assert complaint(path).endswith("; make it smaller")
    path.write_bytes(png(10000, 10000))  # just as many: its data are looked at, and are missing
    assert MOST_PIXELS == 10000 * 10000
    assert complaint(path).startswith(f"{path} cannot be decoded (")


@pytest.mark.parametrize(("dtype", "kind"), [(np.float32, "floating point"), (np.int32, "32 bits")])
def test_numbers_that_do_not_say_what_is_white(tmp_path, dtype, kind):
    path = write(tmp_path / "a.tif", np.ones((3, 4), dtype))
    assert complaint(path) == (
        f"{path} holds numbers of {kind}, and nothing says which is white; save it with 8 or 16 bits"
    )


def test_what_pillow_only_warns_of_stops_nothing(tmp_path):
    path = write(tmp_path / "a.tif", COLOUR, tiffinfo={270: "a title"})
    # a tag more than its folder may have
    path.write_bytes(
        path.read_bytes().replace(struct.pack("<HHI", 270, 2, 8), struct.pack("<HHI", 270, 2, 1 << 20))
    )
    with pytest.warns(UserWarning), Image.open(path) as image:
        image.load()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = list(warnings.filters)
        with ThreadPoolExecutor(8) as pool:
            pictures = list(pool.map(read, [path] * 100))
        assert warnings.filters == before  # however the threads overlapped
    assert all(torch.equal(picture, unit(COLOUR)) for picture in pictures)


def test_without_the_package_the_error_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)  # its import now raises
    monkeypatch.delitem(sys.modules, "PIL.Image")
    assert complaint(tmp_path / "a.png", ParameterError) == (
        "reading pictures needs the package pillow, which the extra image brings: "
        'python -m pip install -e ".[image]"'
    )


def test_what_cannot_be_asked_for(tmp_path):
    path = tmp_path / "a.png"
    assert complaint(path, ParameterError, channels=2) == "channels=2 must be 1 for grey or 3 for colour"
    for value in (-0.1, 1.5, float("nan")):
        told = complaint(path, ParameterError, background=value)
        assert told == f"background={value} must be from 0, black, to 1, white"


@pytest.mark.parametrize("shape", [(300, 400), (400, 300), (256, 256), (97, 500), (224, 225), (1000, 333)])
def test_cropping_is_what_torchvision_does_to_judge_by_imagenet(shape):
    picture = torch.rand(3, *shape)
    reference = v2.Compose([v2.Resize(256, antialias=True), v2.CenterCrop(224)])(picture)
    torch.testing.assert_close(fit(picture, 224, 224, crop_share=0.875), reference, rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(30, 40), (200, 100), (64, 48)])
def test_stretching_is_torchvisions_resizing(shape):
    picture = torch.rand(1, *shape)
    reference = v2.functional.resize(picture, [64, 48], antialias=True)
    torch.testing.assert_close(fit(picture, 64, 48, how="stretch"), reference, rtol=0, atol=1e-6)


def test_padding_shows_all_of_the_picture_between_two_bands():
    wide = torch.rand(3, 20, 40)
    padded = fit(wide, 32, 32, how="pad", background=0.25)
    assert (padded[:, :8] == 0.25).all() and (padded[:, 24:] == 0.25).all()
    assert torch.equal(padded[:, 8:24], fit(wide, 16, 32, how="stretch"))
    tall = fit(wide.mT, 32, 32, how="pad", background=0.25)
    torch.testing.assert_close(tall, padded.mT)


def test_centre_puts_the_picture_in_the_middle_or_cuts_its_middle_out():
    digit = torch.rand(1, 28, 27)
    page = fit(digit, 32, 32, how="centre", background=0.25)
    assert torch.equal(page[:, 2:30, 2:29], digit)
    assert page.sum().item() == pytest.approx(digit.sum().item() + 0.25 * (32 * 32 - 28 * 27), rel=1e-5)
    assert torch.equal(fit(page, 28, 27, how="centre"), digit)
    assert torch.equal(fit(digit, 20, 29, how="centre", background=0.0)[:, :, 1:28], digit[:, 4:24])


@pytest.mark.parametrize("how", ["crop", "stretch", "pad", "centre"])
def test_what_fits_already_is_not_touched(how):
    picture = torch.rand(1, 28, 28)
    assert torch.equal(fit(picture, 28, 28, how=how), picture)


def test_a_fine_pattern_becomes_its_mean_and_no_coarse_one():
    board = (torch.arange(64)[:, None] + torch.arange(64)) % 2 * torch.ones(1, 64, 64)
    small = fit(board, 9, 9)[0]
    assert (small - 0.5).abs().max() < 0.02


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    rows=st.integers(1, 20),
    columns=st.integers(1, 20),
    how=st.sampled_from(["crop", "stretch", "pad", "centre"]),
    share=st.floats(0.3, 1),
)
@settings(max_examples=60, deadline=None)
def test_any_picture_gets_any_size(height, width, rows, columns, how, share):
    crop_share = share if how == "crop" else 1.0
    picture = fit(
        torch.full((2, height, width), 0.5), rows, columns, how=how, crop_share=crop_share, background=0.5
    )
    assert picture.shape == (2, rows, columns)
    torch.testing.assert_close(picture, torch.full_like(picture, 0.5))  # of what is even nothing changes


@pytest.mark.parametrize(
    ("picture", "arguments", "message"),
    [
        (
            torch.zeros(28, 28),
            {},
            "a picture of shape (28, 28) and torch.float32 " + NO_PICTURE,
        ),
        (
            torch.zeros(1, 28, 28, dtype=torch.uint8),
            {},
            "a picture of shape (1, 28, 28) and torch.uint8 " + NO_PICTURE,
        ),
        (torch.zeros(1, 2, 2), {"rows": 0}, "rows=0 must be a positive number of pixels; 224 is usual"),
        (
            torch.zeros(1, 2, 2),
            {"columns": -1},
            "columns=-1 must be a positive number of pixels; 224 is usual",
        ),
        (torch.zeros(1, 2, 2), {"how": "cut"}, "how='cut' must be 'crop', 'stretch', 'pad' or 'centre'"),
        (
            torch.zeros(1, 2, 2),
            {"crop_share": 1.5},
            "crop_share=1.5 must be above 0 and at most 1; 0.875 is usual, 1 cuts least",
        ),
        (
            torch.zeros(1, 2, 2),
            {"crop_share": 0.875, "how": "pad"},
            "crop_share=0.875 has no use with how='pad'; leave it out, or take 'crop'",
        ),
        (torch.zeros(1, 2, 2), {"background": 255}, "background=255 must be from 0, black, to 1, white"),
    ],
)
def test_sizes_that_cannot_be_made(picture, arguments, message):
    with pytest.raises(ParameterError) as error:
        fit(picture, **{"rows": 28, "columns": 28, **arguments})
    assert str(error.value) == message


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("given", [1, 3])
def test_several_are_fitted_as_each_is_by_itself(channels, given):
    config = PictureConfig(rows=9, columns=12, channels=channels, how="pad")
    pictures = torch.rand(4, given, 7, 11)
    fitted = config.fitted(pictures)
    assert fitted.shape == (4, channels, 9, 12)
    for one, alone in zip(fitted, map(config.fitted, pictures), strict=True):
        assert torch.equal(one, alone)


def test_a_config_reads_and_fits(tmp_path):
    path = write(tmp_path / "a.png", WAVES)
    config = PictureConfig(rows=16, columns=20, channels=1, crop_share=0.8, background=0.0)
    assert torch.equal(config.read(path), fit(read(path, channels=1), 16, 20, crop_share=0.8))
    padded = PictureConfig(rows=30, columns=20, how="pad", background=0.0).read(path)
    assert padded.shape == (3, 30, 20) and padded[:, 0].max() == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": 0}, "rows=0 must be a positive number of pixels; 224 is usual"),
        ({"channels": 4}, "channels=4 must be 1 for grey or 3 for colour"),
        ({"how": "zoom"}, "how='zoom' must be 'crop', 'stretch', 'pad' or 'centre'"),
        ({"background": 2.0}, "background=2.0 must be from 0, black, to 1, white"),
    ],
)
def test_a_config_that_cannot_work(change, message):
    with pytest.raises(ParameterError) as error:
        PictureConfig(**{"rows": 28, "columns": 28, **change})
    assert str(error.value) == message
