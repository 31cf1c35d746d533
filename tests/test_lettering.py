"""Text in pictures: drawn in a font that has it, escaped where none has, cut in the middle."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image, ImageDraw

from digitprep.report import lettering
from digitprep.report.lettering import shortened, width_px, write

DEJAVU = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
NUMBER = "数"


def square():
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for corner in ((100, 800), (900, 800), (900, 0)):
        pen.lineTo(corner)
    pen.closePath()
    return pen.glyph()


@pytest.fixture
def fonts(monkeypatch, tmp_path):
    """Give the system these fonts and no others: "dejavu", and "number", which has one letter, a square."""
    file = tmp_path / "number.ttf"
    builder = FontBuilder(1000)
    builder.setupGlyphOrder([".notdef", "number"])
    builder.setupCharacterMap({ord(NUMBER): "number"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "number": square()})
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "number": (1000, 100)})
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": "Number", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(file)
    known = {"dejavu": str(DEJAVU), "number": str(file), "broken": __file__}

    def give(*names):
        monkeypatch.setattr(lettering, "font_files", lambda: tuple(known[name] for name in names))
        lettering._lettered.cache_clear()
        lettering._found.cache_clear()

    yield give
    lettering._lettered.cache_clear()
    lettering._found.cache_clear()


def test_the_legend_of_curves_is_in_a_font_that_has_its_letters(fonts):
    fonts("dejavu", "number")
    plots = pytest.importorskip("digitprep.report.plots")
    shown, file = plots._drawable(NUMBER, plots.plotting())
    assert (shown, Path(file).name) == (NUMBER, "number.ttf")
    fonts("dejavu")
    usual = plots._drawable("a", plots.plotting())[1]
    assert plots._drawable(f"a{NUMBER}", plots.plotting()) == ("a\\u6570", usual)


def drawn(text):
    picture = Image.new("L", (400, 60), 255)
    write(ImageDraw.Draw(picture), (5, 5), text, "#000000", 30)
    return np.asarray(picture)


def test_what_the_usual_font_has_is_drawn_in_it_and_no_other_is_looked_at(monkeypatch):
    lettering._lettered.cache_clear()
    monkeypatch.setattr(lettering, "font_files", lambda: pytest.fail("it looked for fonts"))
    assert (drawn("photo 7.jpg, 99.8%") < 128).any()


@pytest.mark.parametrize("text", [NUMBER, "عدد", "élève", "\udcff", "a\nb", "\u202e", "\x1b[31m"])
def test_what_no_font_has_is_written_as_an_escape_and_not_as_a_box(fonts, text):
    fonts()
    plain = [letter.isascii() and letter.isprintable() for letter in text]
    letters = zip(plain, text, strict=True)
    escaped = "".join(letter if is_plain else ascii(letter)[1:-1] for is_plain, letter in letters)
    assert escaped != text
    assert (drawn(text) == drawn(escaped)).all()


def test_a_font_that_has_the_letters_draws_them(fonts):
    fonts("broken", "number")
    ink = np.argwhere(drawn(NUMBER) < 128)
    assert np.ptp(ink, axis=0).tolist() == pytest.approx([24, 24], abs=2)  # the square, 0.8 of 30 px
    fonts("dejavu", "number")
    assert (drawn(NUMBER + "é") == drawn(r"\u6570é")).all()  # as many as any font has
    escape, word = drawn("é"), drawn(r"\xe9")
    assert (escape != word).any()


def test_arabic_is_joined_where_pillow_can_shape_it(fonts):
    fonts("dejavu")
    is_escaped = (drawn("عدد") == drawn(r"\u0639\u062f\u062f")).all()
    assert is_escaped != lettering.features.check("raqm")
    assert is_escaped or width_px("عدد") != sum(map(width_px, "عدد"))


def test_right_to_left_is_escaped_where_it_could_not_be_shaped(fonts, monkeypatch):
    fonts("dejavu")
    monkeypatch.setattr(lettering.features, "check", lambda _: False)
    assert (drawn("عد") == drawn(r"\u0639\u062f")).all()


def test_fonts_that_only_stand_in_for_others_are_no_fonts():
    assert not [file for file in lettering.font_files() if "lastresort" in file.lower()]
    assert [file for file in lettering.font_files() if file.endswith("DejaVuSans.ttf")]


def test_a_text_that_is_too_long_keeps_both_ends():
    name = "scan of my grandmother's recipes page 000123.png"
    cut = shortened(name, 150)
    start, end = cut.split("…")
    assert name.startswith(start)
    assert name.endswith(end)
    assert end.endswith("123.png")
    assert 0 <= len(end) - len(start) <= 1 or 0 <= len(start) - len(end) <= 1
    assert 130 < width_px(cut) <= 150
    assert shortened("short", 150) == "short"
    assert shortened(name, 1) == "…"
