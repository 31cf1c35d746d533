"""Readers of photos, of every kind of file that people bring."""

from __future__ import annotations

import io
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
from containers import GZIP, PNG, TAR, ZIP

from digitprep.batch import clean_photo
from digitprep.errors import DataError
from digitprep.formats.pictures import decode_image
from digitprep.photos import load_photo
from digitprep.recipes import recipe
from digitprep.sources.archives import in_archive
from harnesses import harness, written

PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")


def saved(image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def drawing(side: int = 16):
    """A dark stroke on light paper, in colours."""
    from PIL import Image

    pixels = np.full((side, side, 3), 230, np.uint8)
    pixels[3:-3, side // 2] = 20, 30, 60
    return Image.fromarray(pixels)


def exif(orientation: int = 6) -> bytes:
    from PIL import Image

    tags = Image.Exif()
    tags[0x0112], tags[0x010E] = orientation, "<svg/>"
    tags.get_ifd(0x8769)[0xA002] = 16
    return tags.tobytes()


def photo_seeds() -> list[bytes]:
    image, made = drawing(), []
    for kind in ("BMP", "GIF", "JPEG", "PPM", "TIFF", "WEBP", "AVIF"):
        made.append(saved(image, kind))
    made += [saved(image, kind, exif=exif()) for kind in ("JPEG", "TIFF", "WEBP", "PNG")]
    made += [
        saved(image, "TIFF", compression=name)
        for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")
    ]
    made += [saved(image.convert("CMYK"), kind) for kind in ("JPEG", "TIFF")]
    made += [
        saved(image.convert("I;16"), "TIFF"),
        saved(image.convert("F"), "TIFF"),
        saved(image.convert("LAB"), "TIFF"),
    ]
    made += [saved(image.convert("1"), "TIFF", compression="group4"), saved(image.convert("P"), "BMP")]
    made += [
        saved(image, "MPO", save_all=True, append_images=[image]),
        saved(image, "JPEG", progressive=True),
    ]
    made += [
        saved(image.convert("RGBA"), "WEBP", lossless=True),
        saved(image, "GIF", save_all=True, append_images=[image]),
    ]
    return made


@harness(seeds=photo_seeds)
def photo(data):
    load_photo(written("photo", data), longest_px=64)


@harness(
    seeds=lambda: [saved(drawing().convert("L").convert(mode), "PNG", exif=exif()) for mode in PNG_MODES],
    container=PNG,
)
def photo_png(data):
    load_photo(written("photo.png", data), longest_px=64)


def heic_seeds() -> list[bytes]:
    import pillow_heif

    made = []
    for options in ({}, {"exif": exif()}):
        stream = io.BytesIO()
        heif = pillow_heif.from_pillow(drawing(64))
        heif.save(stream, **options)
        made.append(stream.getvalue())
    return made


@harness(seeds=heic_seeds)
def photo_heic(data):
    load_photo(written("photo.heic", data), longest_px=64)


@harness(seeds=photo_seeds)
def picture_of_a_dataset(data):
    decode_image(data, "data.jpg")


@harness(
    seeds=lambda: [saved(drawing(64), "PNG"), saved(drawing(64), "JPEG"), saved(drawing(64), "BMP")],
    container=PNG,
    share=0.2,
)
def cleaned_photo(data):
    cleaned = clean_photo(written("clean.png", data), recipe("mnist"), thumbnail_px=16, with_decisions=True)
    assert (cleaned.image is None) == (cleaned.reason is not None)
    if cleaned.image is not None:
        assert cleaned.image.shape == (28, 28)


def archive_seeds(kind: str) -> list[bytes]:
    content = {"1/a.png": saved(drawing(), "PNG"), "1/b.txt": b"x", "2/c.jpg": saved(drawing(), "JPEG")}
    stream = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in content.items():
                archive.writestr(name, data)
    else:
        with tarfile.open(fileobj=stream, mode="w:gz" if kind == "tar.gz" else "w") as archive:
            for name, data in content.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    return [stream.getvalue()]


def _read_all(archive: Path) -> None:
    for member in in_archive(archive, 1 << 20):
        with suppress(DataError):
            member.read(1 << 20)


@harness(seeds=lambda: archive_seeds("zip"), container=ZIP)
def photos_zip(data):
    _read_all(written("photos.zip", data))


@harness(seeds=lambda: archive_seeds("tar"), container=TAR)
def photos_tar(data):
    _read_all(written("photos.tar", data))


@harness(seeds=lambda: archive_seeds("tar.gz"), container=GZIP)
def photos_tar_gzipped(data):
    _read_all(written("photos.tar.gz", data))
