"""Whatever a camera or a drawing program makes of a picture, it arrives upright, opaque and 8-bit."""

import errno
import io
import os
import random
import struct
import sys
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, features
from png_file import png_file, rows_chunk

from digitprep import photos
from digitprep.errors import DataError
from digitprep.limits import Limits
from digitprep.photos import load_photo, read_photo
from digitprep.sources import find_photos
from digitprep.webp import webp_pixels

# How a viewer turns what is stored, to have it upright; from the EXIF standard.
STORED_AS = {
    1: lambda upright: upright,
    2: np.fliplr,
    3: lambda upright: np.rot90(upright, 2),
    4: np.flipud,
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),  # upright when turned clockwise
    7: lambda upright: np.rot90(upright.swapaxes(0, 1), 2),
    8: lambda upright: np.rot90(upright, -1),
}
TURNABLE = ["JPEG", "PNG", "TIFF", "WEBP", *(["AVIF"] if features.check("avif") else [])]


def page(height=60, width=90, ink=(200, 0, 0), paper=255):
    """White paper with a red block in its top left corner: every turn of it looks different."""
    image = np.full((height, width, 3), paper, np.uint8)
    image[: height // 3, : width // 3] = ink
    return image


def saved(path, pixels, mode=None, **options):
    image = Image.fromarray(np.ascontiguousarray(pixels)) if isinstance(pixels, np.ndarray) else pixels
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def corner_is_dark(image, height=60, width=90):
    """Whether the block, and nothing else, is dark, given a page scaled to this size."""
    grey = image if image.ndim == 2 else image.mean(axis=2)
    assert grey.shape == (height, width)
    dark = grey < 160
    return dark[: height // 3 - 2, : width // 3 - 2].all() and not dark[height // 3 + 2 :].any()


@pytest.mark.parametrize("kind", TURNABLE)
@pytest.mark.parametrize("orientation", STORED_AS)
def test_a_photo_stands_upright_however_the_camera_was_held(tmp_path, kind, orientation):
    stored = STORED_AS[orientation](page())
    file = saved(tmp_path / "photo", stored, format=kind, exif=exif(orientation))
    photo = read_photo(file)
    assert corner_is_dark(photo.pixels)
    assert (photo.height_px, photo.width_px) == (60, 90)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_means_upright(tmp_path, orientation):
    assert corner_is_dark(load_photo(saved(tmp_path / "a.jpg", page(), exif=exif(orientation))))


def camera_exif(orientation, width, height):
    """The tags of a camera that stored width x height pixels."""
    tags = exif(orientation)
    tags[0x8769] = {0xA002: width, 0xA003: height}
    return tags


@pytest.mark.parametrize("scale", [1, 3.4])
@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_stale_orientation_is_passed_over_where_the_pixels_were_turned_since(tmp_path, orientation, scale):
    tags = camera_exif(orientation, round(60 * scale), round(90 * scale))  # the camera stored 2 : 3
    photo = read_photo(saved(tmp_path / "a.jpg", page(), exif=tags))  # and a program saved 3 : 2
    assert corner_is_dark(photo.pixels)
    assert (photo.height_px, photo.width_px) == (60, 90)


@pytest.mark.parametrize("size", [(60, 90), (120, 180), (900, 901), (0, 0), (b"60", b"90"), (60, 200)])
@pytest.mark.parametrize("orientation", [2, 3, 4, 6, 8])
def test_an_orientation_counts_where_the_cameras_size_does_not_contradict_it(tmp_path, orientation, size):
    stored = STORED_AS[orientation](page())
    tags = camera_exif(orientation, *(size if orientation in (6, 8) else size[::-1]))
    assert corner_is_dark(load_photo(saved(tmp_path / "a.png", stored, exif=tags)))


def test_a_square_photo_is_turned_as_its_orientation_says(tmp_path):
    stored = np.rot90(page(60, 60), 1)
    file = saved(tmp_path / "a.jpg", stored, exif=camera_exif(6, 60, 60))
    assert corner_is_dark(load_photo(file), 60, 60)


def test_broken_exif_never_costs_the_photo_nor_prints_a_warning(tmp_path):
    tags = exif(6)
    tags[0x010F], tags[0x011A], tags[0x9286] = "maker", 72.0, b"xx"
    whole, rng = tags.tobytes(), random.Random(1)
    damaged = [whole[:length] for length in range(6, len(whole), 3)]
    for _ in range(150):
        block = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            block[rng.randrange(6, len(block))] = rng.randrange(256)
        damaged.append(bytes(block))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for block in damaged:
            file = saved(tmp_path / "a.jpg", page(16, 24), exif=block)
            assert sorted(load_photo(file).shape) == [3, 16, 24]


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_large_jpeg_is_upright_and_bounded_and_its_own_size_is_told(tmp_path, orientation):
    file = saved(
        tmp_path / "a.jpg", STORED_AS[orientation](page(1203, 1801)), quality=90, exif=exif(orientation)
    )
    photo = read_photo(file, longest_px=200)
    assert corner_is_dark(photo.pixels, 134, 200)
    assert (photo.height_px, photo.width_px) == (1203, 1801)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(
    ("stored", "decoded"), [((400, 300), (100, 75)), ((401, 303), (101, 76)), ((399, 300), (200, 150))]
)
def test_a_large_jpeg_is_decoded_no_larger_than_needed(tmp_path, monkeypatch, stored, decoded, progressive):
    sizes, eight_bit = [], photos.eight_bit

    def spy(image, again):
        pixels = eight_bit(image, again)
        sizes.append(pixels.size)
        return pixels

    monkeypatch.setattr(photos, "eight_bit", spy)
    file = saved(tmp_path / "a.jpg", page(*stored[::-1]), progressive=progressive, quality=95)
    assert corner_is_dark(load_photo(file, 100), *load_photo(file, 100).shape[:2])
    assert sizes == [decoded] * 2


@pytest.mark.parametrize("longest_px", [1, 7, 89, 90, 91])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_longer_side_is_bounded_and_never_enlarged(tmp_path, kind, longest_px):
    image = load_photo(saved(tmp_path / "a", page(), format=kind), longest_px)
    assert max(image.shape[:2]) == min(longest_px, 90)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous


def test_a_line_one_pixel_high_keeps_that_pixel(tmp_path):
    assert load_photo(saved(tmp_path / "a.png", np.zeros((1, 5000), np.uint8)), 100).shape == (1, 100)


def drawing(ink):
    """Ink of one colour on nothing, as drawing programs save it; the transparent part holds black."""
    image = np.zeros((40, 60, 4), np.uint8)
    image[10:30, 20:25] = (*ink, 255)
    return Image.fromarray(image)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF"])
def test_black_ink_on_transparency_lies_on_white_paper(tmp_path, kind):
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow was built without AVIF")
    image = load_photo(saved(tmp_path / "a", drawing((0, 0, 0)), format=kind, quality=100))
    assert image[20, 22].max() <= 2
    assert image[0, 0].min() >= 253


def test_white_ink_on_transparency_lies_on_black_paper(tmp_path):
    image = load_photo(saved(tmp_path / "a.png", drawing((255, 255, 255))))
    assert image[20, 22].min() == 255
    assert image[0, 0].max() == 0


def test_an_opaque_white_page_with_an_alpha_channel_stays_white(tmp_path):
    image = load_photo(saved(tmp_path / "a.png", page(), mode="RGBA"))
    assert corner_is_dark(image)


def test_half_transparent_ink_is_half_as_dark(tmp_path):
    pixels = np.zeros((20, 20, 4), np.uint8)
    pixels[5:15, 5:15, 3] = 128
    image = load_photo(saved(tmp_path / "a.png", Image.fromarray(pixels)))
    assert abs(int(image[10, 10, 0]) - 127) <= 1


def test_transparency_shrinks_without_a_dark_or_bright_rim(tmp_path):
    pixels = np.zeros((400, 400, 4), np.uint8)
    pixels[..., :3] = (10, 200, 10)  # green everywhere, though it shows in the middle alone
    pixels[100:300, 100:300] = (255, 0, 0, 255)
    image = load_photo(saved(tmp_path / "a.png", Image.fromarray(pixels)), 50)
    assert image[..., 0].min() >= 254
    assert (np.abs(image[..., 1].astype(int) - image[..., 2]) <= 1).all()


@pytest.mark.parametrize("mode", ["LA", "P"])
def test_transparency_without_colour_lies_on_paper_too(tmp_path, mode):
    if mode == "LA":
        picture = drawing((0, 0, 0)).convert("LA")
        file = saved(tmp_path / "a.png", picture)
    else:
        picture = Image.new("P", (60, 40), 1)
        picture.putpalette([0, 0, 0, 255, 0, 255])
        picture.paste(0, (20, 10, 25, 30))
        file = saved(tmp_path / "a.png", picture, transparency=1)
    image = load_photo(file)
    assert image[20, 22].max() == 0
    assert image[0, 0].min() == 255


def test_one_grey_level_that_stands_for_transparent_is_paper(tmp_path):
    pixels = np.full((20, 20), 77, np.uint8)
    pixels[5:10, 5:10] = 0
    image = load_photo(saved(tmp_path / "a.png", pixels, transparency=77))
    assert image[0, 0].min() == 255
    assert image[6, 6].max() == 0


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("P", "PNG"),
        ("P", "GIF"),
        ("1", "PNG"),
        ("1", "TIFF"),
        ("L", "JPEG"),
        ("CMYK", "JPEG"),
        ("CMYK", "TIFF"),
    ],
)
def test_other_kinds_of_colour_look_the_same(tmp_path, mode, kind):
    file = saved(tmp_path / "a", page(ink=(0, 0, 0)), mode=mode, format=kind)
    assert corner_is_dark(load_photo(file))


def test_a_ycck_jpeg_of_adobe_is_read(tmp_path):
    grey = Image.fromarray(page(ink=(30, 30, 30))[..., 0])
    middle = Image.new("L", grey.size, 127)
    # Written as four inks, each inverted, and then said to be Y, Cb and Cr of three of them.
    inks = [grey, middle, middle, Image.new("L", grey.size, 0)]
    for transform in (0, 2):
        file = saved(tmp_path / "a.jpg", Image.merge("CMYK", inks), quality=95)
        data = bytearray(file.read_bytes())
        data[data.index(b"Adobe") + 11] = transform
        file.write_bytes(data)
        image = load_photo(file).astype(int)
        colourless = np.abs(image.max(axis=2) - image.min(axis=2)).max() <= 12
        assert colourless == (transform == 2)
    assert corner_is_dark(image)


def test_lab_is_read_by_its_lightness(tmp_path):
    lightness = Image.fromarray(page(ink=(20, 20, 20))[..., 0])
    strong, middle = Image.new("L", lightness.size, 200), Image.new("L", lightness.size, 128)
    file = saved(tmp_path / "a.tif", Image.merge("LAB", [lightness, strong, middle]))
    assert corner_is_dark(load_photo(file))


@pytest.mark.parametrize(
    "compression", ["packbits", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "group3", "group4", "tiff_ccitt"]
)
def test_compressed_tiff_is_read(tmp_path, compression):
    mode = "1" if compression.startswith(("group", "tiff_ccitt")) else "RGB"
    file = saved(tmp_path / "a.tif", page(ink=(0, 0, 0)), mode, compression=compression)
    assert corner_is_dark(load_photo(file))


@pytest.mark.parametrize("kind", ["GIF", "BMP", "WEBP", "TIFF", "PPM", "PNG", "JPEG", "MPO", "AVIF"])
def test_every_format_of_pictures_that_is_promised_is_read(tmp_path, kind):
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow was built without AVIF")
    assert corner_is_dark(load_photo(saved(tmp_path / "a", page(), format=kind)))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "MPO", "AVIF"])
def test_the_first_frame_or_page_counts(tmp_path, kind):
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow was built without AVIF")
    second = Image.fromarray(page(ink=(255, 255, 255)))
    file = saved(tmp_path / "a", page(), format=kind, save_all=True, append_images=[second])
    with Image.open(file) as image:
        assert image.n_frames == 2
    assert corner_is_dark(load_photo(file))


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_a_transparent_first_frame_lies_on_paper(tmp_path, kind):
    frames = [drawing((0, 0, 0)), drawing((200, 0, 0))]
    file = saved(tmp_path / "a", frames[0], format=kind, save_all=True, append_images=frames[1:])
    image = load_photo(file)
    assert image[20, 22].max() == 0
    assert image[0, 0].min() == 255


def heic(path, pixels, **options):
    """An HEIC file, as phones write them."""
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(Image.fromarray(np.ascontiguousarray(pixels))).save(path, quality=90, **options)
    return path


@pytest.mark.parametrize("orientation", STORED_AS)
def test_heic_is_turned_exactly_once(tmp_path, orientation):
    tags = camera_exif(orientation, 90, 60).tobytes()
    file = heic(tmp_path / "a.heic", STORED_AS[orientation](page()), exif=tags)
    if orientation > 1:
        assert b"irot" in file.read_bytes() or b"imir" in file.read_bytes()
    photo = read_photo(file)
    assert corner_is_dark(photo.pixels)
    assert (photo.height_px, photo.width_px) == (60, 90)


def test_transparent_and_large_heic_lie_on_paper_and_are_bounded(tmp_path):
    pixels = np.zeros((400, 600, 4), np.uint8)
    pixels[100:300, 200:250, 3] = 255
    photo = read_photo(heic(tmp_path / "A.HEIC", pixels), 150)
    assert photo.pixels[50, 55].max() < 20
    assert photo.pixels[0, 0].min() > 235
    assert (photo.pixels.shape, photo.height_px, photo.width_px) == ((100, 150, 3), 400, 600)


def test_heic_without_its_package_says_which_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    with pytest.raises(DataError, match=r'a\.heic.*HEIC.*pip install "digitprep\[heic\]".*JPEG'):
        load_photo(tmp_path / "a.heic")
    assert corner_is_dark(load_photo(saved(tmp_path / "b.heic", page(), format="PNG")))


def test_cut_off_and_absurd_heic_is_refused(tmp_path):
    file = heic(tmp_path / "a.heic", page())
    whole = file.read_bytes()
    for length in (12, 30, len(whole) // 2, len(whole) - 20):
        file.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"a\.heic: expected a whole image"):
            load_photo(file)
    file.write_bytes(whole)
    with pytest.raises(DataError, match=r"at most 5399 pixels, found 90 x 60"):
        read_photo(file, limits=Limits(pixels=90 * 60 - 1))


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow was built without AVIF")
def test_avif_under_the_brand_of_its_container_is_no_heic(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    file = saved(tmp_path / "a.avif", page())
    file.write_bytes(file.read_bytes().replace(b"ftypavif", b"ftypmif1", 1))
    assert corner_is_dark(load_photo(file))


RAMP = np.linspace(0, 65535, 90).astype(np.uint16)[None].repeat(60, axis=0)


@pytest.mark.parametrize(("kind", "dtype"), [("PNG", np.uint16), ("TIFF", np.uint16), ("TIFF", np.int32)])
def test_sixteen_bit_grey_is_scaled_and_not_clipped(tmp_path, kind, dtype):
    image = load_photo(saved(tmp_path / "a", RAMP.astype(dtype), format=kind))
    assert image.shape == (60, 90)
    assert np.abs(image.astype(float) - RAMP / 257).max() <= 0.51


def tiff(pixels, bits=16, photometric=1, order="<"):
    """A grey TIFF of the simplest kind: one strip, right behind its header."""
    height, width = pixels.shape
    strip = pixels.tobytes()
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric)]
    tags += [(273, 200), (277, 1), (278, height), (279, len(strip))]
    directory = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in tags)
    header = struct.pack(f"{order}2sHIH", b"II" if order == "<" else b"MM", 42, 8, len(tags))
    return (header + directory + bytes(4)).ljust(200, b"\0") + strip


def test_big_endian_sixteen_bit_grey_is_scaled_too(tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff(RAMP.astype(">u2"), order=">"))
    image = load_photo(tmp_path / "a.tif")
    assert np.abs(image.astype(float) - RAMP / 257).max() <= 0.51


@pytest.mark.parametrize("bits", [1, 8, 16])
def test_a_scan_whose_zero_is_white_is_not_taken_for_its_negative(tmp_path, bits):
    ink = page(ink=(0, 0, 0))[..., 0] < 128
    pixels = {1: np.packbits(ink, axis=1), 8: ink.astype(np.uint8) * 255, 16: ink.astype("<u2") * 65535}[bits]
    data = bytearray(tiff(pixels, bits, photometric=0))
    struct.pack_into("<I", data, 18, 90)  # the width, which packed bits do not have
    (tmp_path / "a.tif").write_bytes(data)
    assert corner_is_dark(load_photo(tmp_path / "a.tif"))


def in_bits(bits):
    """Grey from black to the white of so many bits, (60, 90) uint16, and what 8 bits make of it."""
    grey = np.rint(RAMP / 65535 * (2**bits - 1)).astype(np.uint16)
    return grey, grey / (2**bits - 1) * 255


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_of_fewer_bits_stored_in_sixteen_is_not_almost_black(tmp_path, kind, bits):
    grey, expected = in_bits(bits)
    image = load_photo(saved(tmp_path / "a", grey, format=kind))
    assert np.abs(image - expected).max() <= 0.51


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("has_alpha", [False, True], ids=["RGB", "RGBA"])
@pytest.mark.parametrize(
    ("suffix", "compression"), [(".png", None), (".tif", 1), (".tif", 5), (".tif", 8), (".tif", 32773)]
)
def test_sixteen_bit_colour_is_scaled_with_and_without_alpha(tmp_path, suffix, compression, has_alpha, bits):
    grey, expected = in_bits(bits)
    white = np.full_like(grey, grey.max())
    blue_green_red = np.dstack([grey, white, grey[:, ::-1], *[white] * has_alpha])
    options = [cv2.IMWRITE_TIFF_COMPRESSION, compression] if compression else []
    assert cv2.imwrite(str(tmp_path / f"a{suffix}"), blue_green_red, options)
    image = load_photo(tmp_path / f"a{suffix}")
    # Pillow keeps the higher byte of 16 bits, which is up to one level less than the rounded value.
    tolerance = 0.51 if bits < 16 else 1.01
    assert (
        np.abs(image - np.dstack([expected[:, ::-1], np.full_like(expected, 255), expected])).max()
        <= tolerance
    )


def test_big_endian_colour_of_twelve_bits_is_upright_and_bright(tmp_path):
    stored = (STORED_AS[6](page(ink=(0, 0, 0))).astype(np.uint16) * 16).astype(">u2")
    height, width = stored.shape[:2]
    bits, strip = 200, 206
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, bits), (259, 4, 1, 1), (262, 4, 1, 2)]
    tags += [
        (273, 4, 1, strip),
        (274, 4, 1, 6),
        (277, 4, 1, 3),
        (278, 4, 1, height),
        (279, 4, 1, stored.nbytes),
    ]
    directory = struct.pack(">2sHIH", b"MM", 42, 8, len(tags))
    directory += b"".join(struct.pack(">HHII", *tag) for tag in tags) + bytes(4)
    data = directory.ljust(bits, b"\0") + struct.pack(">HHH", 16, 16, 16) + stored.tobytes()
    (tmp_path / "a.tif").write_bytes(data)
    image = load_photo(tmp_path / "a.tif")
    assert corner_is_dark(image)
    assert image.max() == 254  # 255 * 16 is a little less than the 4095 of twelve bits


def test_a_black_picture_of_sixteen_bits_stays_black(tmp_path):
    for pixels in (np.zeros((6, 9), np.uint16), np.zeros((6, 9, 3), np.uint16)):
        cv2.imwrite(str(tmp_path / "a.png"), pixels)
        assert load_photo(tmp_path / "a.png").max() == 0


def test_sixteen_bit_grey_with_alpha_lies_on_paper(tmp_path):
    pixels = np.zeros((40, 60, 2), ">u2")
    pixels[10:30, 20:25, 1] = 65535
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    (tmp_path / "a.png").write_bytes(png(60, 40, rows, bits=16, colours=4))
    image = load_photo(tmp_path / "a.png")
    assert image[20, 22].max() == 0
    assert image[0, 0].min() == 255


@pytest.mark.parametrize("full", [1.0, 255.0])
def test_a_picture_of_floats_is_read_by_its_range_and_holes_in_it_are_dark(tmp_path, full):
    values = (RAMP / 65535 * full).astype(np.float32)
    values[0, :3] = np.nan, np.inf, -np.inf
    image = load_photo(saved(tmp_path / "a.tif", values))
    assert np.abs(image[1:].astype(float) - RAMP[1:] / 257).max() <= 0.51
    assert image[0, :3].max() == 0


@pytest.mark.parametrize(
    "name",
    [
        "Ziffer äöü 数字.png",
        "a b  c.png",
        "my 7 ✍️🏽.png",
        "e\u0301.png",
        " .png",
        "A.PNG",
        "wrong.jpg",
        "none",
        "a#%&'\".png",
    ],
)
def test_the_content_of_a_file_counts_and_not_its_name(tmp_path, name):
    assert corner_is_dark(load_photo(saved(tmp_path / name, page(), format="PNG")))
    assert corner_is_dark(load_photo(str(tmp_path / name)))


def test_a_link_to_a_photo_is_a_photo_and_a_broken_one_is_said(tmp_path):
    folder = tmp_path / "links"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.png").symlink_to(saved(folder / "deep" / "store", page(), format="PNG"))
    (folder / "b.png").symlink_to(tmp_path / "gone")
    whole, broken = find_photos([folder])
    assert corner_is_dark(load_photo(whole))
    with pytest.raises(DataError, match=r"b\.png: cannot be read: No such file"):
        load_photo(broken)


def outcome(file, longest_px=1000):
    """The photo, or the message of the DataError; any other error fails the test."""
    try:
        return load_photo(file, longest_px)
    except DataError as error:
        return str(error)


@pytest.mark.parametrize("kind", [*TURNABLE, "GIF", "BMP", "PPM"])
def test_a_cut_off_file_is_refused_or_read_but_never_anything_else(tmp_path, kind):
    file = saved(tmp_path / "cut", page(), format=kind)
    data, refused = file.read_bytes(), 0
    lengths = sorted({*range(1, 40), *range(40, len(data), max(1, len(data) // 60))})
    for length in lengths:
        file.write_bytes(data[:length])
        result = outcome(file)
        if isinstance(result, str):
            refused += 1
            assert str(file) in result
            assert "expected" in result
        else:
            assert result.shape[:2] == (60, 90)
    assert refused > len(lengths) / 2


@pytest.mark.parametrize("share", [0.1, 0.5, 0.97])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_part_of_a_photo_is_refused_with_advice(tmp_path, kind, share):
    file = saved(tmp_path / "cut", np.random.default_rng(0).integers(0, 256, (60, 90), np.uint8), format=kind)
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
    with pytest.raises(DataError, match="truncated: copy or download it again"):
        load_photo(file)


def test_damage_anywhere_in_a_file_is_a_data_error_or_a_picture(tmp_path, capfd):
    rng = random.Random(3)
    for kind in [*TURNABLE, "GIF", "BMP", "PPM"]:
        whole = saved(tmp_path / "a", page(12, 18), format=kind).read_bytes()
        for _ in range(30):
            data = bytearray(whole)
            for _ in range(rng.randint(1, 5)):
                data[rng.randrange(min(len(data), rng.choice([48, 400, 10**6])))] = rng.randrange(256)
            (tmp_path / "b").write_bytes(data)
            result = outcome(tmp_path / "b", 100)
            if isinstance(result, str):
                assert str(tmp_path / "b") in result
            else:
                assert result.dtype == np.uint8
                assert max(result.shape[:2]) <= 100
    capfd.readouterr()  # libtiff talks on stderr


@pytest.mark.parametrize(
    "content",
    [
        b"a note, not a picture",
        b"<!DOCTYPE html><html><body>404",
        b"\0" * 1000,
        b"%PDF-1.7",
        b"%!PS-Adobe-3.0 EPSF",
    ],
)
def test_what_is_no_picture_is_refused_by_name_and_first_bytes(tmp_path, content):
    file = tmp_path / "photo.jpg"
    file.write_bytes(content)
    with pytest.raises(DataError) as caught:
        load_photo(file)
    assert str(file) in str(caught.value)
    assert repr(content[:12]) in str(caught.value)
    assert "PNG" in str(caught.value)


def test_an_empty_file_a_folder_and_a_missing_path_are_refused_by_name(tmp_path):
    (tmp_path / "empty.jpg").touch()
    for path, reason in [("empty.jpg", "empty"), ("", "directory"), ("missing.jpg", "No such file")]:
        with pytest.raises(DataError, match=reason) as caught:
            load_photo(tmp_path / path)
        assert str(tmp_path / path) in str(caught.value)


@pytest.mark.parametrize("path", ["a\0b.jpg", "a" * 5000])
def test_an_impossible_name_is_a_data_error(path):
    with pytest.raises(DataError, match="cannot be read"):
        load_photo(path)
    assert list(find_photos([path])) == [Path(path)]


def test_a_photo_that_may_not_be_read_is_a_data_error(tmp_path, monkeypatch):
    file = saved(tmp_path / "a.png", page())

    def forbid(*_, **__):  # root may read everything, so the system's answer is given for it
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))

    monkeypatch.setattr(Path, "open", forbid)
    with pytest.raises(DataError, match="Permission denied"):
        load_photo(file)


def png(width, height, rows=b"", bits=1, colours=0):
    return png_file(width, height, rows_chunk(rows), bits=bits, colours=colours)


@pytest.mark.parametrize(("side", "whole"), [(100_000, False), (20_000, True), (12_300, True)])
def test_a_picture_of_absurd_size_is_refused_before_it_is_decoded(tmp_path, monkeypatch, side, whole):
    file = tmp_path / "bomb.png"
    file.write_bytes(png(side, side, bytes((side // 8 + 1) * side) if whole else b""))
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("the bomb was decoded"))
    with pytest.raises(DataError, match="at most 150000000 pixels") as caught:
        load_photo(file)
    assert str(file) in str(caught.value)
    assert str(side * side) in str(caught.value) or f"{side} x {side}" in str(caught.value)


def resized_header(kind, side):
    """A small file whose header promises side x side pixels."""
    buffer = io.BytesIO()
    Image.fromarray(page(8, 8)).save(buffer, kind)
    data = bytearray(buffer.getvalue())
    if kind == "BMP":
        struct.pack_into("<ii", data, 18, side, side)
    elif kind == "GIF":
        struct.pack_into("<HH", data, 6, side, side)
    elif kind == "JPEG":
        struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, side, side)
    elif kind == "TIFF":
        data = bytearray(tiff(np.zeros((side, 1), np.uint8), 8)[:300])
        struct.pack_into("<I", data, 18, side)
    return bytes(data)


@pytest.mark.parametrize("kind", ["BMP", "GIF", "JPEG", "TIFF"])
def test_a_header_that_promises_too_much_is_refused_before_anything_is_decoded(tmp_path, monkeypatch, kind):
    (tmp_path / "a").write_bytes(resized_header(kind, 50_000))
    monkeypatch.setattr(photos, "eight_bit", lambda *_, **__: pytest.fail("the bomb was decoded"))
    with pytest.raises(DataError, match="at most 150000000 pixels"):
        load_photo(tmp_path / "a")


def test_a_file_of_absurd_length_is_refused_until_the_limit_is_raised(tmp_path):
    file = saved(tmp_path / "a.bmp", page())
    with pytest.raises(DataError, match="at most 1000 bytes"):
        read_photo(file, limits=Limits(bytes=1000))
    assert corner_is_dark(read_photo(file, limits=Limits(bytes=file.stat().st_size)).pixels)


def test_more_pixels_than_pillow_takes_are_read_when_the_limit_is_raised(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 90 * 60 // 4)
    file = saved(tmp_path / "a.png", page())
    assert corner_is_dark(load_photo(file))
    assert Image.MAX_IMAGE_PIXELS == 90 * 60 // 4


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="there is no endless file here")  # noqa: PTH110
@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0"}])
def test_the_header_of_a_webp_tells_its_pixels(tmp_path, options):
    file = saved(tmp_path / "a.webp", page(60, 1000), **options)
    assert webp_pixels(file.read_bytes()) == 60_000
    assert webp_pixels(file.read_bytes()[:20]) == 0
    assert webp_pixels(saved(tmp_path / "a.png", page()).read_bytes()) == 0


def test_an_endless_file_ends():
    with pytest.raises(DataError, match="at most 1000 bytes"):
        read_photo("/dev/zero", limits=Limits(bytes=1000))


def test_a_folder_stands_for_its_photos_in_natural_order_without_junk(tmp_path):
    names = ["10.png", "2.PNG", "1.jpg", "b/1.jpeg", "b/2.HEIC", "a/10.webp", "a/9.tif"]
    junk = [".DS_Store", "._1.jpg", "a/._9.tif", "Thumbs.db", "notes.txt", "c/readme", "labels.csv"]
    junk += ["desktop.ini", "__MACOSX/._10.png", ".thumbnails/1.png"]
    for name in [*names, *junk]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    found = [path.relative_to(tmp_path).as_posix() for path in find_photos([tmp_path])]
    assert found == ["1.jpg", "2.PNG", "10.png", "a/9.tif", "a/10.webp", "b/1.jpeg", "b/2.HEIC"]


def test_a_file_that_is_named_is_always_taken_and_the_order_is_the_callers(tmp_path):
    for name in ["z.jxl", "._a.jpg", "b.png"]:
        (tmp_path / name).touch()
    paths = [tmp_path / "z.jxl", tmp_path / "b.png", str(tmp_path / "._a.jpg")]
    assert list(map(str, find_photos(paths))) == list(map(str, paths))


def test_an_empty_folder_holds_no_photos(tmp_path):
    assert list(find_photos([tmp_path])) == []


def test_a_path_where_nothing_is_is_left_to_be_reported_by_reading_it(tmp_path):
    missing = tmp_path / "nowhere.jpg"
    assert list(find_photos([missing])) == [missing]
    with pytest.raises(DataError, match=r"nowhere.*No such file"):
        load_photo(missing)


def test_a_photo_from_memory_and_from_disk_are_the_same(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(page()).save(buffer, "PNG")
    (tmp_path / "a.png").write_bytes(buffer.getvalue())
    assert np.array_equal(load_photo(tmp_path / "a.png"), page())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_a_folder_is_passed_over_and_a_loop_of_links_is_told(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    (found,) = find_photos([tmp_path])
    with pytest.raises(DataError, match=r"loop\.png: cannot be read"):
        load_photo(found)
