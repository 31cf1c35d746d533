"""Pages in HTML: one file each, which loads nothing, runs no script, prints in grey and escapes all names."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitprep.extra import extra
from digitprep.formats.png import encode_png

TEMPLATES = Path(__file__).parent / "templates"
PICTURE_PX = 96  # as large as pictures are kept; a page has many


def rendered(template: str, **values: Any) -> bytes:
    """A template of this folder with its values -> the page, in UTF-8; the same values, the same bytes.

    Raises MissingExtra without jinja2.
    """
    # A name that is no UTF-8 is shown with escapes for the bytes that it has on the disk.
    page: str = templates().get_template(template).render(values)
    return page.encode("utf-8", errors="backslashreplace")


def write_page(file: Path, template: str, **values: Any) -> None:
    """As `rendered`, into a file and piece by piece, so that a page may be larger than memory."""
    stream = templates().get_template(template).stream(values)
    stream.enable_buffering(100)
    stream.dump(str(file), encoding="utf-8", errors="backslashreplace")


def templates() -> Any:
    """The templates, by name. Raises MissingExtra without jinja2."""
    jinja2 = extra("jinja2", "writing a report", "report")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES, encoding="utf-8"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "picture": picture_uri}
    return environment


def percent(share: float, digits: int = 1) -> str:
    """A share from 0 to 1 as text: "99.5 %", a dash for a share of nothing."""
    return "-" if np.isnan(share) else f"{share:.{digits}%}".replace("%", "\N{NO-BREAK SPACE}%")


def picture_uri(pixels: NDArray[np.uint8]) -> str:
    """(H, W) or (H, W, 3) uint8 -> a PNG as a data URI, made smaller where it is large."""
    if max(pixels.shape[:2]) > PICTURE_PX:
        small = Image.fromarray(pixels)
        small.thumbnail((PICTURE_PX, PICTURE_PX), Image.Resampling.BOX)
        pixels = np.asarray(small)
    return png_uri(encode_png(pixels))


def png_uri(data: bytes) -> str:
    """The bytes of a PNG file -> a data URI."""
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"
