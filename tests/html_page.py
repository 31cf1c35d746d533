"""Pages of HTML, as tests read them."""

import base64
import io
from html.parser import HTMLParser

import numpy as np
from PIL import Image

# Names that must be shown as what they are, and not be read as HTML or as a template.
NASTY = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "数字 ؈")

APART = {
    "dd",
    "dt",
    "li",
    "small",
    "td",
    "th",
}  # each by itself


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page.decode("utf-8"))
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.text += "\n" * (tag in APART)

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def told(uri):
    """The pixels of a picture in a data URI."""
    head, _, data = uri.partition(",")
    assert head in ("data:image/png;base64", "data:image/jpeg;base64")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def assert_harmless(page):
    """That nothing in a Page is a script, or is loaded from anywhere, and that every picture has a text."""
    assert not page.all("script")
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "srcset", "data", "action"):
            assert attributes.get(name, "data:").startswith("data:"), tag
        assert attributes.get("href", "data:").startswith(("data:", "#")), tag
    assert all(image["alt"] for image in page.all("img"))
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in page.all("svg"))
